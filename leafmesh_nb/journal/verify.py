"""The check of every chain: is the journal what was written?

An edit, a deletion, an insertion and a change of order are told apart where the rows that are
left allow it. What no chain without a key can show is a tail cut off a run that had not ended,
and a whole journal written anew: hold ``Verification.head`` against one noted elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from leafmesh_nb.engine.ports import Verification
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import blobs, chain
from leafmesh_nb.journal.agreement import STARTED, differing

__all__ = ["verify"]

_COLUMNS = "stream, seq, ts, epoch, kind, path, v, payload, salt, prev, hash"
_JOURNAL = "journal"
_RUN = "run:"
_SALT = re.compile("[0-9a-f]{32}")


class _Link(NamedTuple):
    stream: str
    seq: int
    ts: str
    epoch: int
    kind: str
    path: str
    v: int
    payload: str
    salt: str
    prev: str
    hash: str

    def computed(self, seq: int | None = None) -> str:
        """The hash that these columns give, or would give at another place."""
        seq = self.seq if seq is None else seq
        head = chain.header(self.stream, seq, self.ts, self.epoch, self.kind, self.path, self.v)
        return chain.link(self.prev, head, chain.payload_digest(self.salt, self.payload))


class _BrokenError(Exception):
    """Ends the walk at the first thing that does not hold."""

    def __init__(self, bad: str, reason: str) -> None:
        super().__init__(bad, reason)
        self.bad = bad
        self.reason = reason


@dataclass
class _Seen:
    """What the walk over the chains leaves for the checks across them."""

    started: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)


def verify(conn: sqlite3.Connection, location: str) -> Verification:
    """Check every chain, blob, recorded head, spec and run's row over one snapshot of the file.

    ``conn`` is a reader's connection of which this is the only user.
    """
    # Bytes that are no UTF-8 are hashed as they stand, instead of ending the check.
    factory = conn.text_factory
    conn.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    streams: dict[str, int] = {}
    head, bad, reason = "", "", ""
    try:
        conn.execute("BEGIN")
        for stream, count in conn.execute(
            "SELECT stream, count(*) FROM events GROUP BY stream ORDER BY stream"
        ):
            streams[stream] = count
        head = _head(conn)
        seen = _Seen()
        _check_chains(conn, seen)
        _check_heads(conn, seen, streams)
        _check_specs(conn)
        _check_rows(conn, seen, streams)
        _check_schema(conn)
    except _BrokenError as found:
        bad, reason = found.bad, found.reason
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise  # locked, unreadable: says nothing about what is stored
        bad, reason = "the file", f"SQLite cannot read it: {error}"
    finally:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        conn.text_factory = factory
    return Verification(
        journal=location,
        runs=sum(stream.startswith(_RUN) for stream in streams),
        events=sum(streams.values()),
        head=head,
        ok=not bad,
        bad=bad,
        reason=reason,
        streams=streams,
    )


def _head(conn: sqlite3.Connection) -> str:
    row = (
        conn.execute(
            "SELECT hash FROM events WHERE stream = 'journal' ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        or conn.execute("SELECT hash FROM events ORDER BY rowid DESC LIMIT 1").fetchone()
    )
    return "" if row is None else str(row[0])


def _links(conn: sqlite3.Connection) -> Iterator[_Link]:
    for row in conn.execute(f"SELECT {_COLUMNS} FROM events ORDER BY stream, seq"):
        yield _Link._make(_values(row))


def _values(row: tuple[Any, ...]) -> Iterator[Any]:
    """Columns in the types of the chain; what has another type was not written by a journal."""
    for name, value in zip(_Link._fields, row, strict=True):
        if name in ("seq", "epoch", "v"):
            yield value if isinstance(value, int) else -1
        else:
            yield value if isinstance(value, str) else repr(value)


def _check_chains(conn: sqlite3.Connection, seen: _Seen) -> None:
    last: _Link | None = None
    for link in _links(conn):
        before = last if last is not None and last.stream == link.stream else None
        _check_place(link, before)
        expected = chain.GENESIS if before is None else before.hash
        if link.computed() != link.hash or not _SALT.fullmatch(link.salt):
            raise _changed(conn, link, before, expected)
        if link.prev != expected:
            raise _replaced(link, before)
        text = _checked_payload(conn, link)
        if link.stream.startswith(_RUN) and link.seq == 1:
            seen.started[link.stream.removeprefix(_RUN)] = (
                text if link.kind == "run.started" else ""
            )
        if link.kind == "run.ended":
            seen.ended[link.stream.removeprefix(_RUN)] = text
        elif link.kind == "run.head" and link.stream == _JOURNAL:
            seen.heads.append(link.payload)
        last = link


def _check_place(link: _Link, before: _Link | None) -> None:
    expected = 1 if before is None else before.seq + 1
    if link.seq == expected:
        return
    if link.seq < expected:
        raise _BrokenError(f"{link.stream} seq {link.seq}", "the event was inserted")
    if link.seq == expected + 1:
        raise _BrokenError(f"{link.stream} seq {expected}", "the event was deleted")
    raise _BrokenError(
        f"{link.stream} seq {expected}", f"the events {expected} to {link.seq - 1} were deleted"
    )


def _changed(
    conn: sqlite3.Connection, link: _Link, before: _Link | None, expected: str
) -> _BrokenError:
    """Why the hash of an event does not come out of its own columns."""
    here = f"{link.stream} seq {link.seq}"
    origin = _origin(conn, link)
    if origin is None:
        after = _row(conn, link.stream, link.seq + 1)
        if after is not None and after.prev == expected and _origin(conn, after) == link.seq:
            return _BrokenError(here, "the event was inserted, and those after it were renumbered")
        return _BrokenError(here, "payload was changed, or time, kind, path or epoch beside it")
    if before is not None and before.prev == link.prev and origin == before.seq:
        return _BrokenError(
            f"{link.stream} seq {before.seq}",
            "the event was inserted, and those after it were renumbered",
        )
    if origin == link.seq + 1 and not _stands(conn, link.stream, link.prev):
        return _BrokenError(here, "the event was deleted, and those after it were renumbered")
    return _BrokenError(here, f"the order was changed: this was event {origin}")


def _replaced(link: _Link, before: _Link | None) -> _BrokenError:
    """An event that is genuine in itself, behind one that it was not written behind."""
    if before is None:
        return _BrokenError(f"{link.stream} seq {link.seq}", "the event was replaced")
    return _BrokenError(
        f"{before.stream} seq {before.seq}",
        "the event was replaced: the one after it was written behind another",
    )


def _origin(conn: sqlite3.Connection, link: _Link) -> int | None:
    """The place at which an event was written, when it was moved and not changed otherwise."""
    if link.computed() == link.hash:
        return None
    (most,) = conn.execute(
        "SELECT max(seq) FROM events WHERE stream = ?", (link.stream,)
    ).fetchone()
    # A deletion elsewhere may have shortened the stream since.
    places = range(1, int(most) + 1000) if isinstance(most, int) else range(0)
    return next((seq for seq in places if link.computed(seq) == link.hash), None)


def _row(conn: sqlite3.Connection, stream: str, seq: int) -> _Link | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM events WHERE stream = ? AND seq = ?", (stream, seq)
    ).fetchone()
    return None if row is None else _Link._make(_values(row))


def _stands(conn: sqlite3.Connection, stream: str, hash: str) -> bool:
    return (
        conn.execute(
            "SELECT 1 FROM events WHERE stream = ? AND hash = ?", (stream, hash)
        ).fetchone()
        is not None
    )


def _checked_payload(conn: sqlite3.Connection, link: _Link) -> str:
    """The payload itself, out of its blob where it stands in one."""
    digest = blobs.digest_of(link.payload)
    if digest is None:
        return link.payload
    here = f"{link.stream} seq {link.seq}"
    data = blobs.load(conn, link.stream, digest)
    if data is None:
        raise _BrokenError(here, "payload was deleted (its blob is missing)")
    try:
        return blobs.inflate(data, digest)
    except JournalError as error:
        raise _BrokenError(here, f"payload was changed ({error})") from None


def _check_heads(conn: sqlite3.Connection, seen: _Seen, streams: dict[str, int]) -> None:
    """Hold every ended run against what the stream ``journal`` says of it."""
    newest: dict[str, int] = {}
    for payload in seen.heads:
        run, seq, hash = _recorded(payload)
        stream = _RUN + run
        length = streams.get(stream, 0)
        if length < seq:
            raise _cut(stream, length, f"stream journal recorded {seq} events")
        row = _row(conn, stream, seq)
        if row is None or row.hash != hash:
            raise _BrokenError(
                f"{stream} seq {seq}",
                "the run was rewritten: stream journal recorded another hash here",
            )
        newest[run] = seq
    for run, seq in newest.items():
        if streams[_RUN + run] > seq:
            raise _BrokenError(
                f"{_RUN}{run} seq {seq + 1}", "the event was added after the run ended"
            )
    rows = conn.execute("SELECT id, ended FROM runs ORDER BY id").fetchall()
    for run, _ in rows:
        if _RUN + run not in streams:
            raise _cut(_RUN + run, 0, "the run's row is still there")
    for run in (*seen.ended, *(run for run, ended in rows if ended is not None)):
        if run not in newest:
            raise _BrokenError(_JOURNAL, f"the head of run {run}, which ended, was deleted")


def _recorded(payload: str) -> tuple[str, int, str]:
    try:
        head = json.loads(payload)
        run, seq, hash = head["run"], head["seq"], head["hash"]
    except (ValueError, KeyError, TypeError, RecursionError):
        run, seq, hash = None, None, None
    if isinstance(run, str) and isinstance(seq, int) and isinstance(hash, str):
        return run, seq, hash
    raise _BrokenError(_JOURNAL, "it holds a head of a run that no journal wrote")


def _cut(stream: str, length: int, witness: str) -> _BrokenError:
    what = "the event was deleted" if length else "every event of the run was deleted"
    return _BrokenError(f"{stream} seq {length + 1}", f"{what}: {witness}")


def _check_specs(conn: sqlite3.Connection) -> None:
    for spec_hash, text in conn.execute("SELECT hash, text FROM specs ORDER BY hash"):
        raw = str(text).encode("utf-8", "surrogateescape")
        if hashlib.sha256(raw).hexdigest() != spec_hash:
            raise _BrokenError(f"spec {spec_hash[:12]}", "the text was changed")
    missing = conn.execute(
        "SELECT id, spec_hash FROM runs WHERE spec_hash NOT IN (SELECT hash FROM specs) "
        "ORDER BY id LIMIT 1"
    ).fetchone()
    if missing is not None:
        raise _BrokenError(
            f"spec {missing[1][:12]}", f"the text, which run {missing[0]} needs, is gone"
        )


def _check_rows(conn: sqlite3.Connection, seen: _Seen, streams: dict[str, int]) -> None:
    """Hold the rows of the runs against their chains; rows without a chain were met before."""
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
            raise _BrokenError(f"row of run {run}", "it was deleted: the run's events are there")
        column = differing(rows[run], _fields(seen.started[run]))
        if not column and run in seen.ended:
            said = _fields(seen.ended[run]).get("status")
            column = "" if said == rows[run]["status"] else "status"
        if column:
            event = "run.ended" if column == "status" else "run.started"
            raise _BrokenError(
                f"row of run {run}", f"{column} is not the one of the run's event {event}"
            )


def _fields(payload: str) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _check_schema(conn: sqlite3.Connection) -> None:
    """A trigger or a view could show a journal other than the one that is checked."""
    found = conn.execute(
        "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') LIMIT 1"
    ).fetchone()
    if found is not None:
        raise _BrokenError(f"{found[0]} {found[1]}", f"no journal has a {found[0]}")
