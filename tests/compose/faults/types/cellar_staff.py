"""What a notebook binds to the wine merchant's agents."""

from __future__ import annotations


def count(shelf: str, rows: int) -> dict[str, int]:
    return {"bottles": 12 * rows}
