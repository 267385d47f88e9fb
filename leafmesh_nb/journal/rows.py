"""The tables beside the events: runs and specs."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from leafmesh_nb.engine.ports import RunRow
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.text import from_stamp, stamp, utf8

__all__ = ["add_run", "add_spec", "all_runs", "check_spec", "one_run", "one_spec"]

_COLUMNS = (
    "id, mesh, workflow, spec_hash, status, requester, created, epoch, owner, lease_until, "
    "due_at, min_release, ended"
)


def add_run(conn: sqlite3.Connection, row: RunRow) -> None:
    """Insert a run's row. Raises JournalError when the journal has that run."""
    try:
        conn.execute(
            f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.id,
                utf8(row.mesh),
                utf8(row.workflow),
                row.spec_hash,
                row.status,
                utf8(row.requester),
                stamp(row.created),
                row.epoch,
                row.owner,
                _maybe_stamp(row.lease_until),
                _maybe_stamp(row.due_at),
                row.min_release,
                _maybe_stamp(row.ended),
            ),
        )
    except sqlite3.IntegrityError as error:
        raise JournalError(f"the journal has a run {row.id} already") from error


def one_run(conn: sqlite3.Connection, run: str) -> RunRow | None:
    """A run's row by its full id."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None else _run(row)


def all_runs(conn: sqlite3.Connection, mesh: str | None, status: Sequence[str]) -> list[RunRow]:
    """Rows of runs, newest first; an empty ``status`` stands for every status."""
    return [
        _run(row)
        for row in conn.execute(
            f"SELECT {_COLUMNS} FROM runs WHERE (?1 IS NULL OR mesh = ?1) "
            "AND (?2 = '[]' OR status IN (SELECT value FROM json_each(?2))) "
            "ORDER BY created DESC, rowid DESC",
            (mesh, json.dumps(list(status))),
        )
    ]


def add_spec(conn: sqlite3.Connection, spec_hash: str, text: str) -> None:
    """Keep a spec's text by its hash, unless it is there."""
    conn.execute("INSERT OR IGNORE INTO specs VALUES (?, ?)", (spec_hash, text))


def one_spec(conn: sqlite3.Connection, spec_hash: str) -> str | None:
    """A spec's text. Raises JournalError when it is no longer the text that was stored."""
    row = conn.execute("SELECT text FROM specs WHERE hash = ?", (spec_hash,)).fetchone()
    if row is None:
        return None
    text: str = row[0]
    check_spec(spec_hash, text)
    return text


def check_spec(spec_hash: str, text: str) -> None:
    """Raise JournalError unless the hash is the SHA-256 of the text, in hex."""
    if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != spec_hash:
        raise JournalError(
            f"the text of spec {spec_hash[:12]} is not the one that its hash was made of"
        )


def _run(row: Sequence[Any]) -> RunRow:
    return RunRow(
        id=row[0],
        mesh=row[1],
        workflow=row[2],
        spec_hash=row[3],
        status=row[4],
        requester=row[5],
        created=from_stamp(row[6]),
        epoch=row[7],
        owner=row[8],
        lease_until=_maybe_time(row[9]),
        due_at=_maybe_time(row[10]),
        min_release=row[11],
        ended=_maybe_time(row[12]),
    )


def _maybe_stamp(when: datetime | None) -> str | None:
    return None if when is None else stamp(when)


def _maybe_time(text: str | None) -> datetime | None:
    return None if text is None else from_stamp(text)
