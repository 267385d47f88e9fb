"""The writer's connection: any number of pieces of work in one transaction."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.connect import for_writing
from leafmesh_nb.journal.faults import BUSY_SECONDS, explain, is_busy
from leafmesh_nb.journal.place import Place

__all__ = ["Outcome", "Session", "Work"]

_CHECKPOINT_PAGES = 1000  # SQLite's own default
_PAGE = 4096
_PAGES_A_COMMIT = 6  # tables, indexes and their inner pages that a small commit touches

# Errors that speak of one statement's values; any other one speaks of the file.
_OWN_FAULT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class Work(NamedTuple):
    """``do`` is called inside a transaction; ``sync`` forces the disk for it; ``size`` is about
    how many bytes it writes."""

    do: Callable[[sqlite3.Connection], Any]
    sync: bool = False
    size: int = 0


Outcome = tuple[Any, Exception | None]


class Session:
    """Connects when it is first needed, and anew after a failure. One thread at a time.

    ``forget`` is called whenever what was remembered about the file may no longer hold.
    """

    def __init__(self, place: Place, forget: Callable[[], None]) -> None:
        self._place = place
        self._forget = forget
        self._conn: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._level = ""
        self._seen: int | None = None
        self._pages = 0
        self._restarted = False

    @property
    def checkpoint_due(self) -> bool:
        """Whether the write-ahead log should go into the file."""
        return self._pages >= _CHECKPOINT_PAGES

    def attempt(self, work: Work) -> Outcome | None:
        """Do one piece of work in a transaction of its own, if that waits for nobody.

        None, with nothing done, when it would wait for the disk or for another process, or when
        the file has to be opened first.
        """
        conn = self._conn
        if conn is None or work.sync or self._restarted or self._place.network:
            return None
        if self._place.identity() != self._identity:
            return None
        try:
            self._synchronous(conn, False)
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return None
        return self._inside(conn, [work])[0]

    def perform(self, group: Sequence[Work]) -> list[Outcome]:
        """Do all of it in one transaction, waiting for what it takes.

        An outcome is a value or an error. A piece that raises is undone alone; when the file
        itself fails, all of it is undone and every outcome is a JournalError.
        """
        try:
            conn = self._connected()
            self._synchronous(conn, any(work.sync for work in group))
            _patiently(conn, "BEGIN IMMEDIATE")
        except Exception as error:
            return self._failed(group, error)
        return self._inside(conn, group)

    def checkpoint(self) -> None:
        """Bring the write-ahead log into the file, as far as readers allow.

        Not left to SQLite, which would do it in the middle of some commit.
        """
        self._pages = 0
        self._restarted = True  # the next commit syncs the log's new header
        if self._conn is not None:
            # Everything is durable in the log already: what fails here is tried again later.
            with contextlib.suppress(sqlite3.Error):
                self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def disconnect(self) -> None:
        """Close the connection, which undoes what was not committed."""
        if self._conn is not None:
            self._conn.close()
        self._conn, self._level, self._seen = None, "", None
        self._forget()

    def _inside(self, conn: sqlite3.Connection, group: Sequence[Work]) -> list[Outcome]:
        try:
            seen = conn.execute("PRAGMA data_version").fetchone()[0]
            if seen != self._seen:  # another connection has written since
                self._seen = seen
                self._forget()
            if len(group) == 1:
                outcomes = [self._do(conn, group[0])]
                _patiently(conn, "COMMIT" if outcomes[0][1] is None else "ROLLBACK")
            else:
                outcomes = [self._do_apart(conn, work) for work in group]
                _patiently(conn, "COMMIT")
        except Exception as error:
            return self._failed(group, error)
        except BaseException:  # an interrupt of the thread that submitted it
            self.disconnect()
            raise
        self._restarted = False
        self._pages += _PAGES_A_COMMIT + sum(work.size for work in group) // _PAGE
        return outcomes

    def _do(self, conn: sqlite3.Connection, work: Work) -> Outcome:
        try:
            return work.do(conn), None
        except Exception as error:
            self._forget()
            if not isinstance(error, sqlite3.Error):
                return None, error
            if isinstance(error, _OWN_FAULT):
                return None, self._explained(error)
            raise

    def _do_apart(self, conn: sqlite3.Connection, work: Work) -> Outcome:
        conn.execute("SAVEPOINT work")
        outcome = self._do(conn, work)
        if outcome[1] is not None:
            conn.execute("ROLLBACK TO work")
        conn.execute("RELEASE work")
        return outcome

    def _connected(self) -> sqlite3.Connection:
        if self._conn is not None and self._place.identity() != self._identity:
            # The file was deleted or replaced: what went on into the old one would be lost.
            self.disconnect()
        if self._conn is None:
            self._conn = for_writing(self._place)
            self._identity = self._place.identity()
            self._conn.execute("PRAGMA wal_autocheckpoint = 0")
            self._conn.execute("PRAGMA busy_timeout = 0")  # _patiently waits instead
            self._pages, self._restarted = 0, True
        return self._conn

    def _synchronous(self, conn: sqlite3.Connection, sync: bool) -> None:
        # Without a write-ahead log, NORMAL can lose the whole file.
        level = "FULL" if sync or self._place.network else "NORMAL"
        if level != self._level:
            conn.execute(f"PRAGMA synchronous = {level}")
            self._level = level

    def _failed(self, group: Sequence[Work], error: Exception) -> list[Outcome]:
        self.disconnect()
        return [(None, self._explained(error)) for _ in group]

    def _explained(self, error: Exception) -> JournalError:
        # A new one for each future: whoever raises it adds a traceback of their own.
        if isinstance(error, sqlite3.Error):
            explained = explain(error, self._place)
        elif isinstance(error, JournalError):
            explained = JournalError(str(error))
        else:
            explained = JournalError(f"the journal {self._place.path} failed: {error!r}")
        explained.__cause__ = error
        return explained


def _patiently(conn: sqlite3.Connection, statement: str) -> None:
    """Execute a statement that may have to wait for other processes."""
    deadline, pause = None, 0.001
    while True:
        try:
            conn.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            deadline = deadline or time.monotonic() + BUSY_SECONDS
            if time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)
