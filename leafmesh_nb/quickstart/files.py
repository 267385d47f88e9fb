"""The quickstart's files, wherever the package was installed from."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["FILES", "copy_to", "source", "tickets"]

FILES = ("quickstart.ipynb", "from_cell_to_service.ipynb", "tickets.csv")

_HERE = Path(__file__).parent
_NOTEBOOKS = _HERE.parent.parent / "notebooks"


def source(name: str) -> Path:
    """A file of the quickstart: beside this module in a wheel, in ``notebooks`` in a checkout."""
    packaged = _HERE / name
    return packaged if packaged.exists() else _NOTEBOOKS / name


def tickets() -> Path:
    """``tickets.csv`` in the working directory where it is there to be edited, else our own."""
    mine = Path("tickets.csv")
    return mine if mine.exists() else source("tickets.csv")


def copy_to(folder: Path) -> list[Path]:
    """Copy what is not there yet; returns the paths. Nothing is overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for name in FILES:
        target = folder / name
        if not target.exists():
            shutil.copyfile(source(name), target)
        copied.append(target)
    return copied
