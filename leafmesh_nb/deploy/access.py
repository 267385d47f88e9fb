"""Who may come in, and what is served: tokens, sessions and services, in a file of their own.

Beside the journal and not in it: that is handed to auditors and copied about, and this is not.
Tokens and session cookies are random, so a plain SHA-256 of each is kept, and nothing with which
somebody could come in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from leafmesh_nb.errors import JournalError

__all__ = ["Access", "hashed"]

_TABLES = """
CREATE TABLE IF NOT EXISTS tokens (
    hash     TEXT PRIMARY KEY NOT NULL,
    mesh     TEXT NOT NULL,
    person   TEXT NOT NULL,
    operator INTEGER NOT NULL,
    created  TEXT NOT NULL,
    revoked  TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
    hash      TEXT PRIMARY KEY NOT NULL,
    token     TEXT NOT NULL REFERENCES tokens (hash),
    signed_in INTEGER NOT NULL,
    expires   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS services (
    mesh    TEXT PRIMARY KEY NOT NULL,
    release TEXT NOT NULL,
    people  TEXT NOT NULL,
    url     TEXT NOT NULL,
    owner   TEXT NOT NULL,
    started TEXT NOT NULL
) WITHOUT ROWID;
"""

BUSY_SECONDS = 5.0


class Access:
    """The file that belongs to a journal. Calls may come from any thread."""

    def __init__(self, journal: str | os.PathLike[str]) -> None:
        self.path = Path(f"{os.fspath(journal)}.access")
        self._lock = threading.Lock()
        self._conn: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to read with. Raises JournalError where the file cannot be used."""
        with self._lock, self._explained():
            yield self._conn or self._open()

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction that nobody else writes beside. Raises as above."""
        with self._lock, self._explained():
            conn = self._conn or self._open()
            conn.execute("BEGIN IMMEDIATE")
            try:
                yield conn
            except BaseException:
                conn.execute("ROLLBACK")
                raise
            conn.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()
                self._conn = None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(
                f"the tokens in {self.path} cannot be read or written: {error}"
            ) from error

    def _open(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Made by us, so that nobody else may read it even for a moment.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise JournalError(f"{self.path} cannot be written: {error.strerror}") from error
        conn = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        conn.executescript(_TABLES)
        self._conn = conn
        return conn


def hashed(secret: str) -> str:
    """What is kept of a token or a cookie."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
