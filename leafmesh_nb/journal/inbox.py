"""Messages to a run's owner, and what the owner made of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from leafmesh_nb.engine.ports import InboxRow, Verdict
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.text import from_stamp, now, stamp, utf8

__all__ = ["UNREADABLE", "close", "judge", "message", "open_rows", "post", "waiting"]

UNREADABLE = "unreadable"
"""The kind of a message that no journal wrote; a run refuses it, as every kind it does not know."""

# As bytes: text that is no UTF-8 would end the query, and with it every other message's delivery.
_COLUMNS = (
    "id, run, CAST(kind AS BLOB), CAST(body AS BLOB), CAST(posted AS BLOB), accepted, "
    "CAST(reason AS BLOB)"
)


def post(conn: sqlite3.Connection, run: str, kind: str, body: str) -> int:
    """Add a message, and make its run due at once, so that whoever looks for work finds it.

    Raises JournalError when there is no such run, or nobody will read it because it ended.
    """
    moment = stamp(now())
    found = conn.execute("SELECT status, ended FROM runs WHERE id = ?", (run,)).fetchone()
    if found is None:
        raise JournalError(f"the journal has no run {run}")
    if found[1] is not None:
        raise JournalError(f"run {run} has ended ({found[0]}): nobody would read this {kind}")
    cursor = conn.execute(
        "INSERT INTO inbox (run, kind, body, posted) VALUES (?, ?, ?, ?)",
        (run, utf8(kind), body, moment),
    )
    conn.execute(
        "UPDATE runs SET due_at = ?1 WHERE id = ?2 AND (due_at IS NULL OR due_at > ?1)",
        (moment, run),
    )
    return int(cursor.lastrowid or 0)


def judge(conn: sqlite3.Connection, run: str, verdict: Verdict) -> None:
    """Record a verdict. Raises JournalError unless the message is this run's and still open."""
    done = conn.execute(
        "UPDATE inbox SET accepted = ?, reason = ? WHERE id = ? AND run = ? AND accepted IS NULL",
        (int(verdict.accepted), utf8(verdict.reason), verdict.row, run),
    )
    if done.rowcount != 1:
        raise JournalError(f"message {verdict.row} is not an open message of run {run}")


def close(conn: sqlite3.Connection, run: str, status: str) -> None:
    """Refuse what an ended run left unread, so that nobody waits for a verdict for ever."""
    conn.execute(
        "UPDATE inbox SET accepted = 0, reason = ? WHERE run = ? AND accepted IS NULL",
        (f"the run ended ({status}) before this was read", run),
    )


def waiting(conn: sqlite3.Connection, run: str) -> bool:
    """Whether a message of this run has no verdict yet."""
    found = conn.execute(
        "SELECT 1 FROM inbox WHERE run = ? AND accepted IS NULL LIMIT 1", (run,)
    ).fetchone()
    return found is not None


def open_rows(conn: sqlite3.Connection, runs: Sequence[str]) -> list[InboxRow]:
    """Messages of these runs without a verdict, in order of arrival."""
    return [
        _row(row)
        for row in conn.execute(
            f"SELECT {_COLUMNS} FROM inbox WHERE accepted IS NULL "
            "AND run IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(runs)),),
        )
    ]


def message(conn: sqlite3.Connection, row: int) -> InboxRow | None:
    """One message, with its verdict once there is one."""
    found = conn.execute(f"SELECT {_COLUMNS} FROM inbox WHERE id = ?", (row,)).fetchone()
    return None if found is None else _row(found)


def _row(row: Sequence[Any]) -> InboxRow:
    number, run, kind, text, posted, accepted, reason = row
    said = reason.decode("utf-8", "replace")
    verdict = None if accepted is None else Verdict(number, bool(accepted), said)
    try:
        body = json.loads(text.decode(), parse_constant=_no_json)
        if isinstance(body, dict):
            when = from_stamp(posted.decode())
            return InboxRow(number, run, kind.decode(), body, when, verdict)
    except (ValueError, RecursionError):
        pass
    return InboxRow(number, run, UNREADABLE, {}, now(), verdict)


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
