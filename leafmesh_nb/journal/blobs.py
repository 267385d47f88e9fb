"""Large payloads, kept once a stream by their digest."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from dataclasses import dataclass

from leafmesh_nb.errors import JournalError

__all__ = ["LIMIT", "Blob", "digest_of", "inflate", "load", "split", "store"]

LIMIT = 8192
"""Payloads of more bytes of UTF-8 become blobs."""

_START, _END, _LENGTH = '{"blob":"', '"}', 75


@dataclass(frozen=True, slots=True)
class Blob:
    """A payload's digest (SHA-256 of its UTF-8 text, hex) and its text as a zlib stream."""

    digest: str
    data: bytes


def split(payload: str) -> tuple[str, Blob | None]:
    """What the column holds, and the blob when that is a reference to one."""
    if len(payload) <= LIMIT // 4:  # no character has more than four bytes
        return payload, None
    raw = payload.encode()
    if len(raw) <= LIMIT:
        return payload, None
    digest = hashlib.sha256(raw).hexdigest()
    # The quickest level: a commit waits for it, and JSON shrinks to a fifth all the same.
    return f"{_START}{digest}{_END}", Blob(digest, zlib.compress(raw, 1))


def digest_of(column: str) -> str | None:
    """The digest that a column refers to; None when the column is the payload itself."""
    if len(column) == _LENGTH and column.startswith(_START) and column.endswith(_END):
        return column[len(_START) : -len(_END)]
    return None


def store(conn: sqlite3.Connection, stream: str, blob: Blob) -> None:
    """Keep a blob of a stream, unless the stream has it."""
    conn.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)", (stream, blob.digest, blob.data))


def load(conn: sqlite3.Connection, stream: str, digest: str) -> bytes | None:
    """The stored bytes of a blob."""
    row = conn.execute(
        "SELECT data FROM blobs WHERE stream = ? AND digest = ?", (stream, digest)
    ).fetchone()
    return None if row is None else row[0]


def inflate(data: bytes, digest: str) -> str:
    """The payload of a blob. Raises JournalError when it is not what was stored."""
    try:
        raw = zlib.decompress(data)
    except (zlib.error, TypeError) as error:
        raise JournalError(f"the blob {digest[:12]} cannot be read: {error}") from error
    if hashlib.sha256(raw).hexdigest() != digest:
        raise JournalError(f"the blob {digest[:12]} was changed after it was written")
    return raw.decode()
