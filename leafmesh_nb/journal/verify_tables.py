"""The check of what stands beside the chains: specs, rows of runs, and nothing that acts.

Each check raises BrokenError at the first thing that does not hold.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from leafmesh_nb.journal.agreement import STARTED, differing
from leafmesh_nb.journal.broken import BrokenError

__all__ = ["check_names", "check_rows", "check_schema", "check_specs"]

_RUN = "run:"


def check_names(conn: sqlite3.Connection) -> None:
    """Streams and runs go by texts; what goes by anything else was not written by a journal."""
    for table, column, thing in (("events", "stream", "event"), ("runs", "id", "row of a run")):
        found = conn.execute(
            f"SELECT quote({column}) FROM {table} WHERE typeof({column}) <> 'text' LIMIT 1"
        ).fetchone()
        if found is not None:
            raise BrokenError(f"{thing} with {column} {found[0]}", "no journal wrote it")


def check_specs(conn: sqlite3.Connection) -> None:
    """Hold every spec's text against its hash, and the runs against the specs that are there."""
    for spec_hash, text in conn.execute("SELECT hash, text FROM specs ORDER BY hash"):
        raw = str(text).encode("utf-8", "surrogateescape")
        if hashlib.sha256(raw).hexdigest() != spec_hash:
            raise BrokenError(f"spec {spec_hash[:12]}", "the text was changed")
    missing = conn.execute(
        "SELECT id, spec_hash FROM runs WHERE spec_hash NOT IN (SELECT hash FROM specs) "
        "ORDER BY id LIMIT 1"
    ).fetchone()
    if missing is not None:
        raise BrokenError(
            f"spec {missing[1][:12]}", f"the text, which run {missing[0]} needs, is gone"
        )


def check_rows(
    conn: sqlite3.Connection,
    started: Mapping[str, str],
    ended: Mapping[str, str],
    streams: Mapping[str, int],
) -> None:
    """Hold the rows of the runs against their chains; rows without a chain were met before.

    ``started`` and ``ended``: by run, the payloads of its first event and of its ``run.ended``.
    """
    rows = {
        run: {**dict(zip(STARTED, columns, strict=True)), "status": status}
        for run, status, *columns in conn.execute(
            f"SELECT id, status, {', '.join(STARTED)} FROM runs ORDER BY id"
        )
    }
    for stream in streams:
        run = stream.removeprefix(_RUN)
        if run == stream:
            continue
        if run not in rows:
            raise BrokenError(f"row of run {run}", "it was deleted: the run's events are there")
        column = differing(rows[run], _fields(started[run]))
        if not column and run in ended:
            said = _fields(ended[run]).get("status")
            column = "" if said == rows[run]["status"] else "status"
        if column:
            event = "run.ended" if column == "status" else "run.started"
            raise BrokenError(
                f"row of run {run}", f"{column} is not the one of the run's event {event}"
            )


def _fields(payload: str) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def check_schema(conn: sqlite3.Connection) -> None:
    """A trigger or a view could show a journal other than the one that is checked."""
    found = conn.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1"
    ).fetchone()
    if found is not None:
        raise BrokenError(f"{found[0]} {found[1]}", f"no journal has a {found[0]}")
