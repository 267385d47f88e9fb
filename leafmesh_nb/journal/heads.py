"""The last event of each stream, remembered by the writer."""

from __future__ import annotations

import sqlite3

from leafmesh_nb.journal.chain import GENESIS

__all__ = ["Heads"]

_MOST = 4096


class Heads:
    """``(seq, hash)`` of streams, read once; the writer forgets them when the file changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, str]] = {}

    def of(self, conn: sqlite3.Connection, stream: str) -> tuple[int, str]:
        """The head of a stream; ``(0, GENESIS)`` when it is empty."""
        head = self._known.get(stream)
        if head is None:
            row = conn.execute(
                "SELECT seq, hash FROM events WHERE stream = ? ORDER BY seq DESC LIMIT 1",
                (stream,),
            ).fetchone()
            head = (0, GENESIS) if row is None else (row[0], row[1])
        return head

    def move(self, stream: str, seq: int, hash: str) -> None:
        """Remember a new head, written in the transaction under way."""
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[stream] = (seq, hash)

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()
