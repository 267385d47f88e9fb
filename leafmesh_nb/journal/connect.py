"""Connections to the journal's file: one that writes, and any number that only read."""

from __future__ import annotations

import os
import sqlite3
import time

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import schema
from leafmesh_nb.journal.faults import BUSY_SECONDS, explain, is_busy
from leafmesh_nb.journal.place import Place

__all__ = ["for_reading", "for_writing"]


def for_writing(place: Place) -> sqlite3.Connection:
    """Open the file, creating folder, file and tables where they are missing.

    Raises JournalError with place and remedy.
    """
    place.make_folder()
    place.make_file()
    conn = _connect(place, "rwc")
    try:
        _journal_mode(conn, "delete" if place.network else "wal")
        # macOS leaves data in the drive's cache after an ordinary fsync; elsewhere no effect.
        conn.execute("PRAGMA fullfsync = ON")
        schema.migrate(conn, place)
    except BaseException as error:
        conn.close()
        if isinstance(error, sqlite3.Error):
            raise explain(error, place) from error
        raise
    return conn


def for_reading(place: Place) -> sqlite3.Connection | None:
    """Open the file read-only; None when there is no journal yet. Creates nothing.

    Raises JournalError with place and remedy.
    """
    if place.identity() is None:
        return None
    if os.path.isdir(place.path):
        place.make_folder()  # says what is wrong
    conn = _connect(place, "ro")
    try:
        found = _readable(conn, place)
    except sqlite3.Error as error:
        conn.close()
        # A journal in WAL mode needs its -shm file, which nobody may create in a read-only
        # folder. Without a -wal file the database is whole by itself, and nobody can change it.
        if os.access(place.path.parent, os.W_OK) or _has_log(place):
            raise explain(error, place) from error
        conn = _connect(place, "ro&immutable=1")
        try:
            found = _readable(conn, place)
        except sqlite3.Error as again:
            conn.close()
            raise explain(again, place) from again
    except BaseException:
        conn.close()
        raise
    if not found:
        conn.close()
        return None
    return conn


def _readable(conn: sqlite3.Connection, place: Place) -> bool:
    number = schema.version(conn, place)
    if 0 < number < len(schema.MIGRATIONS):
        try:
            for_writing(place).close()
        except JournalError as error:
            raise JournalError(
                f"the journal {place.path} has the older schema version {number} and cannot be "
                f"upgraded ({error}); open a writable copy of it"
            ) from error
    return number > 0


def _has_log(place: Place) -> bool:
    try:
        return os.stat(f"{place.path}-wal").st_size > 0
    except OSError:
        return False


def _connect(place: Place, mode: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{place.uri}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            # One thread at a time uses a connection; locks of ours see to that.
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise explain(error, place) from error


def _journal_mode(conn: sqlite3.Connection, mode: str) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while conn.execute("PRAGMA journal_mode").fetchone()[0] != mode:
        try:
            conn.execute(f"PRAGMA journal_mode = {mode}")
            return
        except sqlite3.OperationalError as error:
            # SQLite does not wait for others here, and several may open a new file at once.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
