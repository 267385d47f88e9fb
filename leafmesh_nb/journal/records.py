"""A stream's rows as they stand, with what a reader needs to follow the chain."""

from __future__ import annotations

from dataclasses import dataclass

from leafmesh_nb.engine.events import Event, decode
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import blobs, chain
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.journal.text import from_stamp

__all__ = ["Record", "records"]


@dataclass(frozen=True, slots=True)
class Record:
    """One row. ``payload`` is the text itself; ``blob`` says that the column refers to it.

    ``digest`` is the SHA-256 of the salt and the column, as the chain's format says.
    """

    event: Event
    ts: str
    v: int
    payload: str
    blob: bool
    salt: str
    digest: str
    prev: str


def records(journal: SqliteJournal, stream: str) -> list[Record]:
    """The rows of a stream, in order. Raises JournalError for one that cannot be understood."""
    found = []
    with journal._handles.readers.borrow() as conn:
        if conn is None:
            return []
        rows = conn.execute(
            "SELECT seq, ts, epoch, kind, path, v, payload, salt, prev, hash FROM events "
            "WHERE stream = ? ORDER BY seq",
            (stream,),
        )
        for seq, ts, epoch, kind, path, v, column, salt, prev, hash in rows.fetchall():
            digest = blobs.digest_of(column)
            payload = column if digest is None else journal._inflated(conn, stream, seq, digest)
            try:
                body = decode(kind, v, payload)
                event = Event(stream, seq, from_stamp(ts), epoch, path, body, hash)
            except JournalError:
                raise
            except (TypeError, ValueError, RecursionError) as error:
                raise journal._unreadable(stream, seq, error) from error
            known = chain.payload_digest(salt, column)
            found.append(Record(event, ts, v, payload, digest is not None, salt, known, prev))
    return found
