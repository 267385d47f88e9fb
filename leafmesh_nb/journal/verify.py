"""The check of every chain: is the journal what was written?

An edit, a deletion, an insertion and a change of order are told apart where the rows that are
left allow it. A whole journal written anew shows by its signed checkpoints, unless whoever wrote
it held the key. What only a note kept elsewhere shows: a journal that was cut back, checkpoints
and all, or signed anew. What nothing shows: a tail cut off a run that had not ended, and whatever
somebody who knows the format does to such a run, or to a mesh's own stream, which no head records.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from leafmesh_nb.engine.ports import Verification
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import blobs, chain
from leafmesh_nb.journal.broken import BrokenError, printable
from leafmesh_nb.journal.checkpoints import Checkpoint, Signatures, check, check_note
from leafmesh_nb.journal.signing import as_fingerprint, own_key
from leafmesh_nb.journal.tombstones import Tombstone, check_present, check_signed, tombstones
from leafmesh_nb.journal.verify_tables import (
    check_names,
    check_rows,
    check_schema,
    check_specs,
)

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


@dataclass
class _Seen:
    """What the walk over the chains leaves for the checks across them."""

    started: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    pruned: dict[int, str] = field(default_factory=dict)


def verify(
    conn: sqlite3.Connection,
    location: str,
    keys: frozenset[str] = frozenset(),
    note: Checkpoint | None = None,
) -> Verification:
    """Check every chain, blob, head, signature, spec and run's row over one snapshot of the file.

    ``conn`` is a reader's connection of which this is the only user. With ``keys``, one of them
    must vouch for the end of every run; with ``note``, the journal must still hold what it says.
    Raises JournalError for a key that is no fingerprint.
    """
    try:
        keys = frozenset(map(as_fingerprint, keys))
    except ValueError as error:
        raise JournalError(str(error)) from None
    # Bytes that are no UTF-8 are hashed as they stand, instead of ending the check.
    factory = conn.text_factory
    conn.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    streams: dict[str, int] = {}
    head, bad, reason = "", "", ""
    signatures, unsigned = Signatures({}, {}, ""), 0
    buried: dict[str, Tombstone] = {}
    try:
        conn.execute("BEGIN")
        for stream, count in conn.execute(
            "SELECT stream, count(*) FROM events WHERE typeof(stream) = 'text' "
            "GROUP BY stream ORDER BY stream"
        ):
            streams[stream] = count
        head = _head(conn)
        check_names(conn)
        seen = _Seen()
        _check_chains(conn, seen)
        buried = tombstones(seen.pruned)
        _check_heads(conn, seen, streams, buried)
        signatures = _check_signatures(conn, seen, streams, note)
        vouched = [to for key, to in signatures.covered.items() if not keys or key in keys]
        check_signed(buried, max(vouched, default=0), keys)
        unsigned = _unsigned(seen, max(vouched, default=0), keys)
        check_specs(conn)
        check_rows(conn, seen.started, seen.ended, streams)
        check_schema(conn)
    except BrokenError as found:
        # Names and values come out of the file: none of them steers a terminal.
        bad, reason = printable(found.bad), printable(found.reason)
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
        keys=signatures.keys,
        own_key=_own_key(),
        unsigned=unsigned,
        note=signatures.note,
        pruned=len(buried),
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
            seen.heads[link.seq] = link.payload
        elif link.kind == "checkpoint.signed" and link.stream == _JOURNAL:
            seen.checkpoints[link.seq] = link.payload
        elif link.kind == "run.pruned" and link.stream == _JOURNAL:
            seen.pruned[link.seq] = link.payload
        last = link


def _check_place(link: _Link, before: _Link | None) -> None:
    expected = 1 if before is None else before.seq + 1
    if link.seq == expected:
        return
    if link.seq < expected:
        raise BrokenError(f"{link.stream} seq {link.seq}", "the event was inserted")
    if link.seq == expected + 1:
        raise BrokenError(f"{link.stream} seq {expected}", "the event was deleted")
    raise BrokenError(
        f"{link.stream} seq {expected}", f"the events {expected} to {link.seq - 1} were deleted"
    )


def _changed(
    conn: sqlite3.Connection, link: _Link, before: _Link | None, expected: str
) -> BrokenError:
    """Why the hash of an event does not come out of its own columns."""
    here = f"{link.stream} seq {link.seq}"
    origin = _origin(conn, link)
    if origin is None:
        after = _row(conn, link.stream, link.seq + 1)
        if after is not None and after.prev == expected and _origin(conn, after) == link.seq:
            return BrokenError(here, "the event was inserted, and those after it were renumbered")
        return BrokenError(here, "payload was changed, or time, kind, path or epoch beside it")
    if before is not None and before.prev == link.prev and origin == before.seq:
        return BrokenError(
            f"{link.stream} seq {before.seq}",
            "the event was inserted, and those after it were renumbered",
        )
    if origin == link.seq + 1 and not _stands(conn, link.stream, link.prev):
        return BrokenError(here, "the event was deleted, and those after it were renumbered")
    return BrokenError(here, f"the order was changed: this was event {origin}")


def _replaced(link: _Link, before: _Link | None) -> BrokenError:
    """An event that is genuine in itself, behind one that it was not written behind."""
    if before is None:
        return BrokenError(f"{link.stream} seq {link.seq}", "the event was replaced")
    return BrokenError(
        f"{before.stream} seq {before.seq}",
        "the event was replaced: the one after it was written behind another",
    )


def _origin(conn: sqlite3.Connection, link: _Link) -> int | None:
    """The place at which an event was written, when it was moved and not changed otherwise."""
    if link.computed() == link.hash:
        return None
    (length,) = conn.execute(
        "SELECT count(*) FROM events WHERE stream = ?", (link.stream,)
    ).fetchone()
    # A deletion elsewhere may have shortened the stream since.
    places = range(1, int(length) + 1000)
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
        raise BrokenError(here, "payload was deleted (its blob is missing)")
    try:
        return blobs.inflate(data, digest)
    except (JournalError, UnicodeDecodeError) as error:
        raise BrokenError(here, f"payload was changed ({error})") from None


def _check_heads(
    conn: sqlite3.Connection,
    seen: _Seen,
    streams: dict[str, int],
    buried: Mapping[str, Tombstone],
) -> None:
    """Hold every ended run against what the stream ``journal`` says of it."""
    recorded = [_recorded(payload) for payload in seen.heads.values()]
    ends = {run: (seq, hash) for run, seq, hash in recorded}
    rows = conn.execute("SELECT id, ended FROM runs ORDER BY id").fetchall()
    check_present(buried, ends, {run for run, _ in rows}, streams)
    newest: dict[str, int] = {}
    for run, seq, hash in recorded:
        if run in buried:
            continue
        stream = _RUN + run
        length = streams.get(stream, 0)
        if length < seq:
            raise _cut(stream, length, f"stream journal recorded {seq} events")
        row = _row(conn, stream, seq)
        if row is None or row.hash != hash:
            raise BrokenError(
                f"{stream} seq {seq}",
                "the run was rewritten: stream journal recorded another hash here",
            )
        newest[run] = seq
    for run, seq in newest.items():
        if streams[_RUN + run] > seq:
            raise BrokenError(
                f"{_RUN}{run} seq {seq + 1}", "the event was added after the run ended"
            )
    for run, _ in rows:
        if _RUN + run not in streams:
            raise _cut(_RUN + run, 0, "the run's row is still there")
    for run in (*seen.ended, *(run for run, ended in rows if ended is not None)):
        if run not in newest:
            raise BrokenError(_JOURNAL, f"the head of run {run}, which ended, was deleted")


def _recorded(payload: str) -> tuple[str, int, str]:
    try:
        head = json.loads(payload)
        run, seq, hash = head["run"], head["seq"], head["hash"]
    except (ValueError, KeyError, TypeError, RecursionError):
        run, seq, hash = None, None, None
    if isinstance(run, str) and isinstance(seq, int) and isinstance(hash, str):
        return run, seq, hash
    raise BrokenError(_JOURNAL, "it holds a head of a run that no journal wrote")


def _check_signatures(
    conn: sqlite3.Connection, seen: _Seen, streams: dict[str, int], note: Checkpoint | None
) -> Signatures:
    def hash_at(stream: str, seq: int) -> str | None:
        row = _row(conn, stream, seq)
        return None if row is None else row.hash

    signatures = check(seen.checkpoints, hash_at)
    if note is not None:
        check_note(note, hash_at, streams.get(note.stream, 0))
    return signatures


def _unsigned(seen: _Seen, upto: int, keys: frozenset[str]) -> int:
    """How many runs ended without a signature, of ``keys`` where some are named: then none may.

    Keys vouch for the stream ``journal`` up to event ``upto``.
    """
    open_ends = {_recorded(payload)[0]: seq for seq, payload in seen.heads.items() if seq > upto}
    if keys and open_ends:
        run, seq = next(iter(open_ends.items()))
        raise BrokenError(
            f"{_JOURNAL} seq {seq}",
            f"no key of {', '.join(sorted(keys))} signed the end of run {run}",
        )
    return len(open_ends)


def _own_key() -> str:
    try:
        key = own_key()
    except JournalError:
        return ""  # a key that cannot be used vouches for nothing
    return "" if key is None else key.fingerprint


def _cut(stream: str, length: int, witness: str) -> BrokenError:
    what = "the event was deleted" if length else "every event of the run was deleted"
    return BrokenError(f"{stream} seq {length + 1}", f"{what}: {witness}")
