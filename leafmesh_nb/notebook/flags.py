"""The flags of a verb's line: what is wrong with them is a UsageError, with the usage line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from IPython.core.error import UsageError

__all__ = ["Flags"]


class Flags(argparse.ArgumentParser):
    """The parser of one verb; it knows no ``-h`` and no abbreviations."""

    def __init__(self, verb: str) -> None:
        super().__init__(prog=verb, add_help=False, allow_abbrev=False)

    def error(self, message: str) -> Any:
        raise UsageError(f"{message}\n{self.format_usage().strip()}")

    def words(self, split: Callable[[str], Sequence[str]], line: str) -> list[str]:
        """The words of a line; a quote or bracket that is never closed is a UsageError, too."""
        try:
            return list(split(line))
        except ValueError as error:
            self.error(str(error))
            raise
