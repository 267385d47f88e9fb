"""Events on their way into a stream: encoded where they arise, linked where they are written."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from typing import NamedTuple

from leafmesh_nb.engine.events import Draft, Event, encode
from leafmesh_nb.engine.ports import Append
from leafmesh_nb.errors import ConflictError, JournalError
from leafmesh_nb.journal import blobs, chain
from leafmesh_nb.journal.heads import Heads
from leafmesh_nb.journal.text import stamp

__all__ = ["Sealed", "append", "seal"]

_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class _Entry(NamedTuple):
    draft: Draft
    when: datetime
    ts: str
    payload: str
    blob: blobs.Blob | None
    salt: str
    digest: str


class Sealed(NamedTuple):
    """An append whose payloads are text already; nothing that happens to a body later matters."""

    stream: str
    after: int | None
    entries: tuple[_Entry, ...]

    @property
    def size(self) -> int:
        """About how many bytes it adds to the file."""
        return sum(
            len(entry.payload) + (len(entry.blob.data) if entry.blob else 0)
            for entry in self.entries
        )


def seal(request: Append) -> Sealed:
    """Encode the drafts of an append.

    Raises JournalError for a value that JSON cannot say, a time without a zone, and a stream or
    path that the chain's format cannot carry.
    """
    _check(request.stream)
    salts = os.urandom(16 * len(request.drafts)).hex()
    return Sealed(
        request.stream,
        request.after,
        tuple(
            _entry(request.stream, draft, salts[32 * i : 32 * i + 32])
            for i, draft in enumerate(request.drafts)
        ),
    )


def append(conn: sqlite3.Connection, heads: Heads, sealed: Sealed, epoch: int) -> list[Event]:
    """Write sealed events behind their stream's head.

    Raises ConflictError when the head is not where the writer believed it to be; ``after`` None
    takes the head as it is.
    """
    stream = sealed.stream
    seq, prev = heads.of(conn, stream)
    if sealed.after is not None and seq != sealed.after:
        raise ConflictError(
            f"{stream} stands at event {seq}, not at {sealed.after}: somebody else has written "
            "to it; read it again and retry"
        )
    rows, events = [], []
    for entry in sealed.entries:
        seq += 1
        draft = entry.draft
        body = draft.body
        head = chain.header(stream, seq, entry.ts, epoch, body.kind, draft.path, body.v)
        hash = chain.link(prev, head, entry.digest)
        rows.append(
            (
                stream,
                seq,
                entry.ts,
                epoch,
                body.kind,
                draft.path,
                body.v,
                entry.payload,
                entry.salt,
                prev,
                hash,
            )
        )
        events.append(Event(stream, seq, entry.when, epoch, draft.path, body, hash))
        prev = hash
        if entry.blob is not None:
            blobs.store(conn, stream, entry.blob)
    if rows:
        conn.executemany(_INSERT, rows)
        heads.move(stream, seq, prev)
    return events


def _entry(stream: str, draft: Draft, salt: str) -> _Entry:
    if draft.path:
        _check(draft.path)
    try:
        text = encode(draft.body)
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(
            f"{draft.body.kind} of {stream} {draft.path} cannot be recorded, because it holds a "
            f"value that JSON cannot: {error}"
        ) from error
    payload, blob = blobs.split(text)
    digest = chain.payload_digest(salt, payload)
    ts = stamp(draft.ts)
    return _Entry(draft, draft.ts.astimezone(UTC), ts, payload, blob, salt, digest)


def _check(name: str) -> None:
    if chain.SEPARATOR in name or "\0" in name:
        raise JournalError(f"{name!r} cannot name a stream or a path: it holds U+001F or U+0000")
    if not name.isascii():
        try:
            name.encode()
        except UnicodeEncodeError:
            raise JournalError(
                f"{name!r} cannot name a stream or a path: it holds half a character"
            ) from None
