"""A run's output in Python's hands: a dict with the true values that shows only masked ones."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from leafmesh_nb.memory.masking import Masker

__all__ = ["Output"]


class Output(dict[str, Any]):
    """A dict in all but what it shows: as a cell's last expression it is saved in the notebook.

    What is taken out of it is a plain value, and shows itself.
    """

    def __init__(self, values: Mapping[str, Any], masker: Masker) -> None:
        super().__init__(values)
        self._masker = masker

    def __repr__(self) -> str:
        masked = {
            self._masker.text(str(name)): _kept(value, self._masker.field(name, value))
            for name, value in self.items()
        }
        return repr(masked)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def _kept(value: Any, masked: Any) -> Any:
    """The value itself where it has nothing to hide: lists and amounts then look as they are."""
    return value if value == masked else masked
