"""Who is looking: pings to the views of a card, and the hellos that come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Hello", "Hellos"]

# After a page without views has answered, how long another page may take, in seconds.
OTHERS = 0.5


@dataclass(frozen=True, slots=True)
class Hello:
    """A page's answer to a ping. ``views`` counts its attached views, scrolled away or not."""

    tab: str
    views: int
    seq: int
    hidden: bool


class Hellos:
    """Collects the answers to numbered pings."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._number = 0
        self._answers: dict[int, list[Hello]] = {}

    def next_ping(self) -> int:
        """The number of a new ping; answers to older ones no longer count."""
        with self._arrived:
            self._number += 1
            self._answers = {self._number: []}
            return self._number

    def note(self, message: Mapping[str, Any]) -> Hello:
        """Take in a hello."""
        hello = Hello(
            tab=str(message.get("tab", "")),
            views=_count(message.get("views")),
            seq=_count(message.get("seq")),
            hidden=bool(message.get("hidden")),
        )
        with self._arrived:
            answers = self._answers.get(_count(message.get("n")))
            if answers is not None:
                answers.append(hello)
                self._arrived.notify_all()
        return hello

    def wait(self, number: int, timeout: float) -> list[Hello]:
        """The answers to a ping: as soon as a page has views, else after ``timeout`` seconds.

        Once a page without views has answered, others get half a second more.
        """
        end = time.monotonic() + timeout
        with self._arrived:
            while True:
                answers = self._answers.get(number, [])
                left = end - time.monotonic()
                if left <= 0 or any(hello.views for hello in answers):
                    return list(answers)
                if answers:
                    end = min(end, time.monotonic() + OTHERS)
                    left = min(left, OTHERS)
                self._arrived.wait(left)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
