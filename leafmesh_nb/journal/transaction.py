"""One batch, carried out inside the writer's transaction."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from leafmesh_nb.engine.events import Draft, Event, RunEnded, RunHead
from leafmesh_nb.engine.ports import Append, Batch, RunUpdate
from leafmesh_nb.errors import JournalError, OwnershipError
from leafmesh_nb.journal import checkpoints, inbox
from leafmesh_nb.journal.append import Sealed, append, seal
from leafmesh_nb.journal.heads import Heads
from leafmesh_nb.journal.leases import held_by
from leafmesh_nb.journal.signing import own_key
from leafmesh_nb.journal.text import stamp, utf8

__all__ = ["Prepared", "perform", "prepare"]

_STREAM = "journal"
_RUN = "run:"


class Prepared(NamedTuple):
    """A batch that holds together, its events encoded."""

    batch: Batch
    appends: tuple[Sealed, ...]
    ended: RunEnded | None
    ended_at: str | None

    @property
    def size(self) -> int:
        """About how many bytes it adds to the file."""
        return sum(sealed.size for sealed in self.appends)


def prepare(batch: Batch) -> Prepared:
    """Check and encode a batch, on the thread that hands it in.

    Raises JournalError when an event cannot be encoded, and when something that only a run's
    owner may write does not name that run: nothing gets round the fence.
    """
    own = _RUN + batch.run if batch.run else ""
    ended, ended_at = None, None
    for request in batch.appends:
        if request.stream.startswith(_RUN) and request.stream != own:
            raise JournalError(
                f"a batch of run {batch.run or '(none)'} cannot write to {request.stream}"
            )
        for draft in request.drafts:
            if isinstance(draft.body, RunEnded):
                ended, ended_at = draft.body, stamp(draft.ts)
    if batch.update is not None and batch.update.run != batch.run:
        raise JournalError(
            f"a batch of run {batch.run or '(none)'} cannot update run {batch.update.run}"
        )
    if batch.verdicts and not batch.run:
        raise JournalError("a verdict on a message needs the batch of the run that it was sent to")
    return Prepared(batch, tuple(seal(request) for request in batch.appends), ended, ended_at)


def perform(conn: sqlite3.Connection, heads: Heads, prepared: Prepared) -> tuple[Event, ...]:
    """Fence, append, move the run's row; returns the events of the appends, in their order.

    Raises OwnershipError at an old epoch, ConflictError at another head, JournalError for a run
    or message that is not there.
    """
    batch = prepared.batch
    status = _fence(conn, batch) if batch.run else None
    events: list[Event] = []
    for sealed in prepared.appends:
        events += append(conn, heads, sealed, batch.epoch)
    for verdict in batch.verdicts:
        inbox.judge(conn, batch.run, verdict)
    if prepared.ended is not None:
        status = utf8(prepared.ended.status)
        conn.execute(
            "UPDATE runs SET status = ?, ended = ?, owner = '', lease_until = NULL, "
            "due_at = NULL WHERE id = ?",
            (status, prepared.ended_at, batch.run),
        )
        inbox.close(conn, batch.run, status)
    elif batch.update is not None:
        _update(conn, batch.update, status)
    if status is not None and any(a.stream == _RUN + batch.run for a in prepared.appends):
        _record_head(conn, heads, batch, status)
    return tuple(events)


def _fence(conn: sqlite3.Connection, batch: Batch) -> str | None:
    """The status of a run that has ended, None of one that has not."""
    row = conn.execute(
        "SELECT epoch, owner, lease_until, status, ended FROM runs WHERE id = ?", (batch.run,)
    ).fetchone()
    if row is None:
        raise JournalError(
            f"the journal has no run {batch.run}; was its file deleted or replaced meanwhile?"
        )
    epoch, owner, until, status, ended = row
    if epoch != batch.epoch:
        raise OwnershipError(
            f"run {batch.run} was taken over at epoch {epoch}, and this is epoch {batch.epoch}; "
            f"it is owned by {held_by(owner, until)}"
        )
    return None if ended is None else str(status)


def _update(conn: sqlite3.Connection, update: RunUpdate, ended: str | None) -> None:
    if ended is not None:
        if update.status != ended:
            raise JournalError(f"run {update.run} has ended ({ended}) and stays so")
        return
    due = None if update.due_at is None else stamp(update.due_at)
    if inbox.waiting(conn, update.run):
        # A message that came in during the turn keeps the run due.
        conn.execute(
            "UPDATE runs SET status = ?1, due_at = min(coalesce(due_at, ?2), coalesce(?2, due_at)) "
            "WHERE id = ?3",
            (update.status, due, update.run),
        )
    else:
        conn.execute(
            "UPDATE runs SET status = ?, due_at = ? WHERE id = ?", (update.status, due, update.run)
        )


def _record_head(conn: sqlite3.Connection, heads: Heads, batch: Batch, status: str) -> None:
    seq, hash = heads.of(conn, _RUN + batch.run)
    sealed = seal(Append(_STREAM, (Draft(RunHead(batch.run, seq, hash, status)),), 0))
    # Inside the transaction nobody else can move the head: take it as it is.
    append(conn, heads, sealed._replace(after=None), batch.epoch)
    try:
        key = own_key(create=True)
    except JournalError:
        return  # an end is recorded also when the key is lost meanwhile; `verify` shows it unsigned
    if key is not None:
        (mesh,) = conn.execute("SELECT mesh FROM runs WHERE id = ?", (batch.run,)).fetchone()
        checkpoints.sign(conn, heads, key, batch.epoch, mesh)
