"""How far each export has come: a cursor a run and receiver, moved when what it counts is there.

The tables are bookkeeping of exports and no part of the journal's schema: they are made by the
first export and no chain covers them. Without them everything is exported once more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leafmesh_nb.errors import ConflictError
from leafmesh_nb.journal.sqlite import SqliteJournal

__all__ = ["Cursors", "Kept", "Position"]

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS exports (
        receiver TEXT PRIMARY KEY NOT NULL,
        version  INTEGER NOT NULL,
        told     INTEGER NOT NULL,
        totals   TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS export_cursors (
        receiver TEXT    NOT NULL,
        run      TEXT    NOT NULL,
        seq      INTEGER NOT NULL,
        spans    INTEGER NOT NULL,
        PRIMARY KEY (receiver, run)
    ) WITHOUT ROWID
    """,
)

# The head of each run by one step down the index: events are not counted.
_POSITIONS = """
    SELECT r.id,
           coalesce((SELECT max(seq) FROM events WHERE stream = 'run:' || r.id), 0),
           coalesce(c.seq, 0), coalesce(c.spans, 0), r.ended IS NOT NULL
    FROM runs r LEFT JOIN export_cursors c ON c.run = r.id AND c.receiver = ?1
    WHERE ?2 IS NULL OR r.id IN (SELECT value FROM json_each(?2))
    ORDER BY r.created, r.rowid
"""


@dataclass(frozen=True, slots=True)
class Position:
    """A run: the ``seq`` of its last event and the cursor, up to which all that is finished is
    there: so many ``spans``."""

    run: str
    head: int
    seq: int
    spans: int
    ended: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside the cursors. ``version`` counts the moves, ``told`` is the version of the
    totals that the receiver has; ``totals`` is text of whoever exports, empty at first."""

    version: int
    told: int
    totals: str


class Cursors:
    """The cursors of one receiver in one journal. Errors are JournalErrors."""

    def __init__(self, journal: SqliteJournal, receiver: str) -> None:
        self._journal = journal
        self._receiver = receiver

    def needed(self) -> bool:
        """Whether the journal has a run at all; asking creates nothing."""
        with self._journal._handles.readers.borrow() as conn:
            return conn is not None and bool(conn.execute("SELECT 1 FROM runs LIMIT 1").fetchone())

    def open(self) -> Kept:
        """What was kept last; made when it is not there, so that a journal that cannot be written
        shows before anything is sent."""

        def work(conn: sqlite3.Connection) -> Kept:
            for statement in _TABLES:
                conn.execute(statement)
            conn.execute(
                "INSERT OR IGNORE INTO exports VALUES (?, 0, 0, '')",
                (self._receiver,),
            )
            row = conn.execute(
                "SELECT version, told, totals FROM exports WHERE receiver = ?", (self._receiver,)
            ).fetchone()
            return Kept(*row)

        return self._journal._write(work)

    def positions(self, runs: Sequence[str] | None = None) -> list[Position]:
        """Where these runs stand, or all of the journal, oldest first."""
        wanted = None if runs is None else json.dumps(list(runs))
        with self._journal._handles.readers.borrow() as conn:
            rows = [] if conn is None else conn.execute(_POSITIONS, (self._receiver, wanted))
            return [Position(run, head, seq, n, bool(end)) for run, head, seq, n, end in rows]

    def touched(self, after: int) -> tuple[list[str], int]:
        """The runs to which something was written since a mark, and the next mark; 0 is the first.

        A mark is good as long as the journal's file is.
        """
        with self._journal._handles.readers.borrow() as conn:
            if conn is None:
                return [], 0
            last = conn.execute("SELECT coalesce(max(rowid), 0) FROM events").fetchone()[0]
            rows = conn.execute(
                "SELECT DISTINCT substr(stream, 5) FROM events "
                "WHERE rowid > ? AND rowid <= ? AND stream LIKE 'run:%'",
                (after, last),
            )
            return [run for (run,) in rows], last

    def move(self, kept: Kept, moves: Mapping[str, tuple[int, int]], totals: str) -> Kept:
        """Move runs to ``(seq, spans)`` and keep the totals, in one transaction.

        Raises ConflictError, and moves nothing, when another export has moved since ``kept``.
        """

        def work(conn: sqlite3.Connection) -> Kept:
            moved = conn.execute(
                # A receiver that has these very totals need not be told them again.
                "UPDATE exports SET version = version + 1, totals = ?1, "
                "told = told + (told = version AND totals = ?1) "
                "WHERE receiver = ?2 AND version = ?3",
                (totals, self._receiver, kept.version),
            )
            if moved.rowcount != 1:
                raise ConflictError(f"another process is exporting to {self._receiver} as well")
            conn.executemany(
                "INSERT INTO export_cursors VALUES (?, ?, ?, ?) ON CONFLICT (receiver, run) "
                "DO UPDATE SET seq = excluded.seq, spans = excluded.spans",
                [(self._receiver, run, seq, spans) for run, (seq, spans) in moves.items()],
            )
            same = kept.told == kept.version and kept.totals == totals
            return Kept(kept.version + 1, kept.told + same, totals)

        return self._journal._write(work)

    def tell(self, kept: Kept) -> Kept:
        """Note that the receiver has the totals of this version."""

        def work(conn: sqlite3.Connection) -> Kept:
            conn.execute(
                "UPDATE exports SET told = max(told, ?) WHERE receiver = ?",
                (kept.version, self._receiver),
            )
            return Kept(kept.version, kept.version, kept.totals)

        return self._journal._write(work)
