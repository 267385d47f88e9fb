"""What SQLite or the disk says, as one clear JournalError: what happened, where, what to do."""

from __future__ import annotations

import sqlite3

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.place import REMEDY, Place

__all__ = ["BUSY_SECONDS", "explain", "is_busy"]

BUSY_SECONDS = 30.0
"""How long a write waits for another process that is writing."""

_PRIMARY = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds a lock that this one needs."""
    return error.sqlite_errorcode & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(error: sqlite3.Error, place: Place) -> JournalError:
    """The JournalError for an error of SQLite, to be raised ``from`` it."""
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    said = f"{error} ({name})"
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        text = f"cannot be opened for this: {said}; {REMEDY}"
    elif code == sqlite3.SQLITE_FULL:
        text = (
            f"is on a full disk: {said}; nothing of this was stored; free some space, or {REMEDY}"
        )
    elif code == sqlite3.SQLITE_IOERR:
        text = f"cannot be read or written: {said}; check the disk and its space, or {REMEDY}"
    elif code == sqlite3.SQLITE_NOTADB:
        text = f"is not a journal: {said}; name another file, or {REMEDY}"
    elif code == sqlite3.SQLITE_CORRUPT or str(error).startswith("Could not decode"):
        text = (
            f"is damaged: {said}; keep a copy of it (and of its -wal file), try "
            f"`sqlite3 {place.path.name} .recover` on the copy, and to go on {REMEDY}"
        )
    elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        text = (
            f"has been locked by another process for {BUSY_SECONDS:.0f} s: {said}; nothing of "
            f"this was stored; end what holds it, or {REMEDY}"
        )
    elif code == sqlite3.SQLITE_TOOBIG or isinstance(error, sqlite3.DataError):
        text = f"cannot hold a value this large: {said}; keep it in a file and pass its name"
    else:
        text = f"cannot be used: {said}; {REMEDY}"
    return JournalError(f"the journal {place.path} {text}")
