"""Which streams of a journal got events since a look at it, whoever wrote them."""

from __future__ import annotations

from leafmesh_nb.journal.place import Place, locate
from leafmesh_nb.journal.readers import Readers

__all__ = ["News"]


class News:
    """Looks at a journal's file; a look that finds nothing new costs some twenty microseconds.

    The rowid of ``events`` counts commits in their order. SQLite may number rows anew when a file
    is compacted or replaced: a number that went back says so.
    """

    def __init__(self, location: str) -> None:
        self._readers = Readers(Place(locate(location)))

    def cursor(self) -> int:
        """Where the journal stands: grows with every event; 0 when there is none."""
        with self._readers.borrow() as conn:
            if conn is None:
                return 0
            newest = conn.execute("SELECT max(rowid) FROM events").fetchone()[0]
        return 0 if newest is None else int(newest)

    def since(self, cursor: int) -> tuple[int, frozenset[str] | None]:
        """Where the journal stands now, and the streams that got events after ``cursor``.

        None stands for any stream: the numbers begin anew.
        """
        now = self.cursor()
        if now < cursor:
            return now, None
        if now == cursor:
            return now, frozenset()
        with self._readers.borrow() as conn:
            if conn is None:
                return 0, None
            rows = conn.execute(
                "SELECT DISTINCT stream FROM events WHERE rowid > ? AND rowid <= ?", (cursor, now)
            ).fetchall()
        return now, frozenset(row[0] for row in rows)

    def newest(self, most: int, before: int = 0) -> list[tuple[int, str, int]]:
        """The newest events as ``(rowid, stream, seq)``, newest first; those before a rowid."""
        with self._readers.borrow() as conn:
            if conn is None:
                return []
            rows = conn.execute(
                "SELECT rowid, stream, seq FROM events WHERE ?1 = 0 OR rowid < ?1 "
                "ORDER BY rowid DESC LIMIT ?2",
                (before, most),
            ).fetchall()
        return [(row[0], row[1], row[2]) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._readers.close()
