"""Asking in the notebook: the live card where one is there to answer, else the input line.

A card counts as there when its JavaScript answers a ping with at least one attached view. Where it
answers without a view, the card is shown again under the waiting cell; where nothing answers for
five seconds, the question goes to the input line, which says why.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from leafmesh_nb.mesh.waiting import GRACE, NobodyHere, ask_on_input_line

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run

__all__ = ["Card", "CardAttendant"]

WHY = "No live card answers in this front end, so the question is asked here."


class Card(Protocol):
    """The part of a live session that an attendant needs."""

    def views(self, timeout: float) -> int | None:
        """Attached views that answer within ``timeout`` seconds; None when nothing answers."""
        ...

    def redisplay(self) -> None:
        """Show the card again, under the cell that waits."""
        ...


class CardAttendant:
    """Watches a card while its run waits for a person."""

    def __init__(self, open_card: Callable[[], Card]) -> None:
        self._open_card = open_card
        self._card: Card | None = None
        self._asked: Future[int | None] | None = None
        self._good_until = 0.0
        self._shown_again = False

    def tick(self, run: Run, waited: float) -> None:
        """Keep the card alive, or ask on the input line. Raises NobodyHere without one."""
        now = time.monotonic()
        if now < self._good_until:
            return
        if self._card is None:
            self._card = self._open_card()
        if self._asked is None:
            self._asked = _in_thread(self._card.views)
            return
        if not self._asked.done():
            return
        views, self._asked = self._asked.result(), None
        if views:
            self._good_until = now + GRACE
        elif views == 0 and not self._shown_again:
            self._shown_again = True
            self._card.redisplay()
            self._good_until = now + 1.0
        else:
            self._ask(run)

    def _ask(self, run: Run) -> None:
        try:
            ask_on_input_line(run, WHY)
        except EOFError:
            raise NobodyHere("the input line was closed") from None
        except Exception as error:
            # ipykernel's StdinNotImplementedError, by name: ipykernel may not be installed.
            if type(error).__name__ != "StdinNotImplementedError":
                raise
            raise NobodyHere("this front end has no live card and no input line") from None


def _in_thread(views: Callable[[float], int | None]) -> Future[int | None]:
    """Ask for views off this thread: the kernel's loop must be free to receive the answer."""
    future: Future[int | None] = Future()

    def work() -> None:
        try:
            future.set_result(views(GRACE))
        except Exception:
            future.set_result(None)  # a card that cannot be asked does not answer

    threading.Thread(target=work, name="leafmesh-ping", daemon=True).start()
    return future
