"""Read-only connections, as many as there are readers at one moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.connect import for_reading
from leafmesh_nb.journal.faults import explain
from leafmesh_nb.journal.place import Place

__all__ = ["Readers"]


class Readers:
    """Hands each reader a connection of its own, and keeps it for the next one.

    A pool rather than a connection a thread: short-lived threads leave nothing behind, and all
    of it can be closed at once, before a fork.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._idle: list[sqlite3.Connection] = []
        self._identity: tuple[int, int] | None = None
        self._lent = 0
        self._closed = False
        self._returned = threading.Condition(threading.Lock())

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection | None]:
        """A connection; None while there is no journal yet. Maps SQLite's errors."""
        conn = self._take()
        sound = False
        try:
            yield conn
            sound = True
        except sqlite3.Error as error:
            raise explain(error, self._place) from error
        finally:
            self._give_back(conn, sound)

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        with self._returned:
            self._closed = True
            self._drain()

    def pause(self) -> None:
        """Wait until nobody reads, close every connection, and let nobody read until unpaused."""
        self._returned.acquire()
        self._returned.wait_for(lambda: not self._lent)
        self._drain()

    def unpause(self) -> None:
        """Let readers in again, on the thread that paused them."""
        self._returned.release()

    def _take(self) -> sqlite3.Connection | None:
        identity = self._place.identity()
        with self._returned:
            if self._closed:
                raise JournalError(f"the journal {self._place.path} was closed; open it again")
            if identity != self._identity:
                self._drain()  # these would read a file that was deleted or replaced
                self._identity = identity
            self._lent += 1
            if self._idle:
                return self._idle.pop()
        try:
            return for_reading(self._place)
        except BaseException:
            self._give_back(None, False)
            raise

    def _give_back(self, conn: sqlite3.Connection | None, sound: bool) -> None:
        with self._returned:
            self._lent -= 1
            if conn is not None:
                if sound and not self._closed:
                    self._idle.append(conn)
                else:
                    conn.close()
            self._returned.notify_all()

    def _drain(self) -> None:
        while self._idle:
            self._idle.pop().close()
