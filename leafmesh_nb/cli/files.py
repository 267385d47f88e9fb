"""Files that a verb is given."""

from __future__ import annotations

import sys
from pathlib import Path

from leafmesh_nb.errors import LeafmeshError

__all__ = ["UnreadableError", "import_from", "readable", "written"]


class UnreadableError(LeafmeshError):
    """A file that was named cannot be read or written, or a flag makes no sense: exit code 2."""


def readable(file: Path) -> str:
    """The text of a file; bytes that are no UTF-8 stay for the reader to point at."""
    try:
        return file.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}") from None


def written(file: Path, text: str) -> None:
    """Write a text. Raises UnreadableError where that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}") from None


def import_from(folder: Path) -> None:
    """Let a mesh's ``python: "module:function"`` be found beside it, then in the working directory,
    and only then among what is installed."""
    first = list(dict.fromkeys((str(folder.resolve()), str(Path.cwd()))))
    sys.path[:] = first + [place for place in sys.path if place not in ("", *first)]
