"""Retention: what happened in runs that ended long ago is deleted for good.

A signed tombstone stands for each of them: the event ``run.pruned`` in the stream ``journal``, in
the transaction that deletes the run, with a checkpoint right behind. It says how many events there
were and what the hash of the last one was, so that the journal still verifies, and who holds a copy
of the run can still prove what it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from leafmesh_nb.engine.events import Draft, RunPruned
from leafmesh_nb.engine.ports import Append
from leafmesh_nb.journal import checkpoints
from leafmesh_nb.journal.append import append, seal
from leafmesh_nb.journal.text import from_stamp, stamp

if TYPE_CHECKING:
    from leafmesh_nb.journal.heads import Heads
    from leafmesh_nb.journal.signing import SigningKey

__all__ = ["BATCH", "Prunable", "bury", "prunable"]

BATCH = 200
"""Runs that go in one transaction: other processes write in between."""

_STREAM = "journal"
_FOUND = """
    SELECT r.id, r.mesh, r.workflow, r.status, r.created, r.ended,
           (SELECT max(seq) FROM events WHERE stream = 'run:' || r.id)
    FROM runs r WHERE r.ended IS NOT NULL AND r.ended < ?1 AND (?2 IS NULL OR r.mesh = ?2)
    ORDER BY r.ended, r.id
"""
_BEHIND = """
    SELECT 1 FROM exports x
    LEFT JOIN export_cursors c ON c.receiver = x.receiver AND c.run = ?1
    WHERE coalesce(c.seq, 0) < ?2 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Prunable:
    """A run that may go. ``waits`` for telemetry that was begun and has not got all of it."""

    run: str
    mesh: str
    workflow: str
    status: str
    created: datetime
    ended: datetime
    events: int
    waits: bool = False


def prunable(conn: sqlite3.Connection, before: datetime, mesh: str | None) -> list[Prunable]:
    """Runs that ended before a moment, those that ended first first."""
    exported = conn.execute(
        "SELECT count(*) FROM sqlite_master WHERE name IN ('exports', 'export_cursors')"
    ).fetchone() == (2,)
    return [
        Prunable(
            run,
            of,
            workflow,
            status,
            from_stamp(created),
            from_stamp(ended),
            events or 0,
            exported and conn.execute(_BEHIND, (run, events)).fetchone() is not None,
        )
        for run, of, workflow, status, created, ended, events in conn.execute(
            _FOUND, (stamp(before), mesh)
        ).fetchall()
    ]


def bury(
    conn: sqlite3.Connection, heads: Heads, key: SigningKey, runs: Sequence[Prunable], by: str
) -> list[Prunable]:
    """Delete runs and leave their tombstones, signed; returns those that were still there."""
    here = [run for run in runs if _is_there(conn, run.run)]
    drafts = [Draft(_tombstone(conn, heads, run, by)) for run in here]
    if not drafts:
        return []
    sealed = seal(Append(_STREAM, tuple(drafts), 0))
    # Inside the transaction nobody else can move the head: take it as it is.
    append(conn, heads, sealed._replace(after=None), 0)
    checkpoints.sign(conn, heads, key, 0)
    cursors = conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'export_cursors'").fetchone()
    for run in here:
        stream = f"run:{run.run}"
        conn.execute("DELETE FROM events WHERE stream = ?", (stream,))
        conn.execute("DELETE FROM blobs WHERE stream = ?", (stream,))
        conn.execute("DELETE FROM inbox WHERE run = ?", (run.run,))
        conn.execute("DELETE FROM runs WHERE id = ?", (run.run,))
        if cursors is not None:
            conn.execute("DELETE FROM export_cursors WHERE run = ?", (run.run,))
    heads.forget()
    return here


def _is_there(conn: sqlite3.Connection, run: str) -> bool:
    found = conn.execute("SELECT 1 FROM runs WHERE id = ? AND ended IS NOT NULL", (run,))
    return found.fetchone() is not None


def _tombstone(conn: sqlite3.Connection, heads: Heads, run: Prunable, by: str) -> RunPruned:
    seq, hash = heads.of(conn, f"run:{run.run}")
    return RunPruned(
        run.run,
        seq,
        hash,
        run.mesh,
        run.workflow,
        run.status,
        run.created.isoformat(),
        run.ended.isoformat(),
        by,
    )
