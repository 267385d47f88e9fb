"""Rows on a terminal: aligned columns, no colour needed to read them."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime

__all__ = ["coloured", "count", "moment", "table"]

_GAP = "  "
_LAST = 24
"""Columns that the last column keeps, however narrow the terminal is."""


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows below their names; the last column is wrapped where the terminal ends."""
    cells = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    before = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    width = max(_LAST, shutil.get_terminal_size((100, 24)).columns - before)
    lines = [_line(names, widths)]
    for row in cells:
        first, *more = textwrap.wrap(row[-1], width) or [""]
        lines.append(_line([*row[:-1], first], widths))
        lines += [" " * before + text for text in more]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return _GAP.join(padded).rstrip()


def _plain(text: str) -> str:
    """Text of agents and tickets steers no terminal: control characters are shown as spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def coloured() -> bool:
    """Whether standard output takes colours: a terminal, and no NO_COLOR (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def moment(when: datetime | None) -> str:
    """A time in the reader's own zone, to the minute."""
    return "" if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M")


def count(number: int, thing: str) -> str:
    """``1 run``, ``2,000 runs``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
