"""The first thing in a journal that does not hold."""

from __future__ import annotations

__all__ = ["BrokenError", "printable"]


class BrokenError(Exception):
    """Ends a check: ``bad`` names the event, or what else it is, and ``reason`` says why."""

    def __init__(self, bad: str, reason: str) -> None:
        super().__init__(bad, reason)
        self.bad = bad
        self.reason = reason


def printable(text: str) -> str:
    """A text in which each character that prints nothing stands as its escape."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
