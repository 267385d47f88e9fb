"""What stands in a text for what is not shown: behind a mask, or cut off."""

from __future__ import annotations

__all__ = ["CUT", "MASK", "cut"]

MASK = "•••"

CUT = "…"
"""The mask hides what a secret begins with where this mark follows it."""


def cut(text: str, longest: int) -> str:
    """At most ``longest`` characters, and the mark where more followed.

    For a text that is shortened before anybody can mask it.
    """
    return text if len(text) <= longest else text[:longest] + CUT
