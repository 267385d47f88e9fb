"""The tables of a journal, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.place import REMEDY, Place

__all__ = ["MIGRATIONS", "migrate", "version"]

# Entry N - 1 leads from version N - 1 to version N; an empty file has version 0. Entries are
# never edited once released. The rows of `events` are never rewritten: their bytes are hashed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID",
        # A table with rowids keeps large rows out of the index's pages (measured: a third
        # quicker to append to) and the order of commits in its rowid.
        """
        CREATE TABLE events (
            stream  TEXT    NOT NULL,
            seq     INTEGER NOT NULL,
            ts      TEXT    NOT NULL,
            epoch   INTEGER NOT NULL,
            kind    TEXT    NOT NULL,
            path    TEXT    NOT NULL,
            v       INTEGER NOT NULL,
            payload TEXT    NOT NULL,
            salt    TEXT    NOT NULL,
            prev    TEXT    NOT NULL,
            hash    TEXT    NOT NULL,
            PRIMARY KEY (stream, seq)
        )
        """,
        """
        CREATE TABLE blobs (
            stream TEXT NOT NULL,
            digest TEXT NOT NULL,
            data   BLOB NOT NULL,
            PRIMARY KEY (stream, digest)
        )
        """,
        """
        CREATE TABLE runs (
            id          TEXT PRIMARY KEY NOT NULL,
            mesh        TEXT    NOT NULL,
            workflow    TEXT    NOT NULL,
            spec_hash   TEXT    NOT NULL,
            status      TEXT    NOT NULL,
            requester   TEXT    NOT NULL,
            created     TEXT    NOT NULL,
            epoch       INTEGER NOT NULL,
            owner       TEXT    NOT NULL,
            lease_until TEXT,
            due_at      TEXT,
            min_release TEXT    NOT NULL,
            ended       TEXT
        )
        """,
        """
        CREATE TABLE inbox (
            id       INTEGER PRIMARY KEY AUTOINCREMENT,
            run      TEXT NOT NULL,
            kind     TEXT NOT NULL,
            body     TEXT NOT NULL,
            posted   TEXT NOT NULL,
            accepted INTEGER,
            reason   TEXT NOT NULL DEFAULT ''
        )
        """,
        "CREATE INDEX inbox_open ON inbox (run) WHERE accepted IS NULL",
        "CREATE TABLE specs (hash TEXT PRIMARY KEY NOT NULL, text TEXT NOT NULL)",
    ),
)


def version(conn: sqlite3.Connection, place: Place) -> int:
    """The schema's version of a file; 0 when it is empty.

    Raises JournalError when the file is newer than this code, or some other database.
    """
    tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return 0
    found = None
    if {"meta", "events"} <= tables:
        found = conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    if found is None or not str(found[0]).isdecimal():
        raise JournalError(
            f"{place.path} is an SQLite database, but not a journal; name another file, or {REMEDY}"
        )
    number = int(found[0])
    if number > len(MIGRATIONS):
        raise JournalError(
            f"the journal {place.path} was written by a newer leafmesh_nb (its schema is version "
            f"{number}, this one knows {len(MIGRATIONS)}); upgrade leafmesh_nb, or {REMEDY}"
        )
    return number


def migrate(conn: sqlite3.Connection, place: Place) -> None:
    """Bring a file to this code's version, in one transaction, unless it is there already.

    When it raises, the caller closes the connection, which undoes what was begun.
    """
    if version(conn, place) == len(MIGRATIONS):
        return
    conn.execute("BEGIN IMMEDIATE")
    # Another process may have been quicker.
    for step in MIGRATIONS[version(conn, place) :]:
        for statement in step:
            conn.execute(statement)
    conn.execute(
        "INSERT INTO meta VALUES ('schema', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (str(len(MIGRATIONS)),),
    )
    conn.execute("COMMIT")
