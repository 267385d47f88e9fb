"""The first thing in a journal that does not hold."""

from __future__ import annotations

__all__ = ["BrokenError"]


class BrokenError(Exception):
    """Ends a check: ``bad`` names the event, or what else it is, and ``reason`` says why."""

    def __init__(self, bad: str, reason: str) -> None:
        super().__init__(bad, reason)
        self.bad = bad
        self.reason = reason
