"""The journal in one SQLite file."""

from __future__ import annotations

import os
import weakref
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from leafmesh_nb.engine.events import Event, decode
from leafmesh_nb.engine.ports import Batch, InboxRow, RunRow, Verification
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import blobs, checkpoints, inbox, leases, prune, rows
from leafmesh_nb.journal.handles import Handles
from leafmesh_nb.journal.place import Place, locate
from leafmesh_nb.journal.signing import own_key
from leafmesh_nb.journal.text import from_stamp, to_json
from leafmesh_nb.journal.transaction import perform, prepare
from leafmesh_nb.journal.verify import verify

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import datetime

    from leafmesh_nb.journal import Durability
    from leafmesh_nb.journal.prune import Prunable

__all__ = ["SqliteJournal"]

T = TypeVar("T")

_READ = (
    "SELECT seq, ts, epoch, kind, path, v, payload, hash FROM events "
    "WHERE stream = ? AND seq > ? ORDER BY seq LIMIT ?"
)


class SqliteJournal:
    """Events, runs and messages in one file: one thread writes, any number read.

    Satisfies ``engine.ports.Journal``. Nothing is opened before it is needed, and reading creates
    nothing. Calls may come from any thread and after a fork; every error is a JournalError that
    says where and what to do. What was committed survives the end of the process in both
    durabilities; ``"full"`` also survives the end of the power, for every commit (``"normal"``
    only for batches with ``sync``).
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "normal",
    ) -> None:
        if durability not in ("normal", "full"):
            raise JournalError(f"durability is 'normal' or 'full', not {durability!r}")
        self._place = Place(locate(path))
        self.location = str(self._place.path)
        self.durability: Durability = durability
        self._handles = Handles(self._place)
        # Also runs at the interpreter's exit, so that what is queued is written.
        self._finalizer = weakref.finalize(self, self._handles.close)

    def __repr__(self) -> str:
        return f"SqliteJournal({self.location!r}, durability={self.durability!r})"

    @property
    def notice(self) -> str:
        """What a person should know about the place of this journal; empty when all is well."""
        if not self._place.network:
            return ""
        return (
            f"The journal {self.location} is on a network file system ({self._place.network}), "
            "where SQLite's write-ahead log is not safe: it is kept in the slower DELETE mode. "
            "A journal on a local disk is quicker."
        )

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Write what is queued and let go of the file. Using the journal later raises."""
        self._finalizer()

    # Writing

    def create(self, row: RunRow, spec_text: str, batch: Batch) -> tuple[Event, ...]:
        """Store a run's row, its spec text by hash, and its first events, in one transaction.

        Raises JournalError for a run that is there already, a batch without events of the run,
        a ``spec_hash`` that is not the SHA-256 of the text, and a signing key that is no key.
        """
        own_key(create=True)  # said now, not when the run ends
        rows.check_spec(row.spec_hash, spec_text)
        if not batch.run:
            batch = replace(batch, run=row.id, epoch=row.epoch)
        if batch.run != row.id:
            raise JournalError(f"the first batch of run {row.id} names run {batch.run}")
        if not any(a.stream == f"run:{row.id}" and a.drafts for a in batch.appends):
            raise JournalError(f"run {row.id} cannot be created without a first event")
        prepared = prepare(batch)
        heads = self._handles.heads

        def work(conn: sqlite3.Connection) -> tuple[Event, ...]:
            rows.add_spec(conn, row.spec_hash, spec_text)
            rows.add_run(conn, row)
            return perform(conn, heads, prepared)

        return self._write(work, sync=batch.sync)

    def commit(self, batch: Batch) -> Future[tuple[Event, ...]]:
        """Append; resolves to the events in the order of the appends, hashes included.

        Bodies are encoded before this returns. The future fails with OwnershipError at an old
        epoch, with ConflictError at another head, with JournalError when the batch does not hold
        or the file cannot be written; then nothing of it was stored. It cannot be cancelled. Its
        callbacks run on the writer's thread and must not wait for the journal.
        """
        try:
            prepared = prepare(batch)
            heads = self._handles.heads
            return self._handles.writer.submit(
                lambda conn: perform(conn, heads, prepared),
                sync=batch.sync or self.durability == "full",
                size=prepared.size,
            )
        except JournalError as error:
            refused: Future[tuple[Event, ...]] = Future()
            refused.set_exception(error)
            return refused

    def claim(self, run: str, owner: str, seconds: float) -> int:
        """Take a run: bump its epoch, set the lease, return the epoch.

        ``owner`` is ``owner.this_process()``, with ``#name`` behind it where a process has
        several runners. Raises OwnershipError, naming the owner and the lease's end, while a live
        one holds it, and JournalError for a run that is not there or has ended.
        """
        return self._write(lambda conn: leases.claim(conn, run, owner, seconds))

    def renew(self, runs: Mapping[str, int], seconds: float) -> None:
        """Extend the leases of runs (id → epoch). A lost one is passed over in silence."""
        if runs:
            mine = dict(runs)
            self._write(lambda conn: leases.renew(conn, mine, seconds))

    def release(self, run: str, epoch: int) -> None:
        """Give up a lease; does nothing when it is no longer ours."""
        self._write(lambda conn: leases.release(conn, run, epoch))

    def post(self, run: str, kind: str, body: Mapping[str, Any]) -> int:
        """Put a message for the run's owner into the inbox, synced to disk; returns its row.

        The run becomes due at once. When it ends with the message unread, the verdict is a
        refusal that says so. Raises JournalError when the run is not there or has ended.
        """
        text = to_json(body, f"the {kind} for run {run}")
        return self._write(lambda conn: inbox.post(conn, run, kind, text), sync=True)

    def prunable(self, before: datetime, *, mesh: str | None = None) -> list[Prunable]:
        """The runs that ended before a moment, of all meshes or of one, oldest end first."""
        with self._handles.readers.borrow() as conn:
            return [] if conn is None else prune.prunable(conn, before, mesh)

    def prune(self, runs: Sequence[Prunable], *, by: str) -> list[Prunable]:
        """Delete runs for good, and leave a signed tombstone for each; returns those that were
        still there. ``by`` says who did it.

        Raises JournalError, with nothing deleted, when the journal does not verify (what is wrong
        with it must not be deleted with the run), and without a key to sign with.
        """
        key = own_key(create=True)
        if key is None:
            raise JournalError("there is no key to sign tombstones with, so nothing is deleted")
        found = self.verify()
        if not found.ok:
            raise JournalError(
                f"the journal {self.location} does not verify ({found.bad}: {found.reason}), so "
                "nothing of it is deleted: it may be evidence"
            )
        heads = self._handles.heads
        gone: list[Prunable] = []
        for start in range(0, len(runs), prune.BATCH):
            some = runs[start : start + prune.BATCH]
            bury = partial(prune.bury, heads=heads, key=key, runs=some, by=by)
            gone += self._write(bury, sync=True)
        return gone

    # Reading

    def read(self, stream: str, after: int = 0, most: int | None = None) -> list[Event]:
        """The events of a stream with seq > ``after``, in order; ``most`` of them, or all.

        Raises JournalError, naming the event, when one cannot be understood.
        """
        with self._handles.readers.borrow() as conn:
            limit = -1 if most is None else most  # SQLite's word for no limit
            found = [] if conn is None else conn.execute(_READ, (stream, after, limit)).fetchall()
            payloads = {
                row[0]: self._inflated(conn, stream, row[0], digest)
                for row in found
                if conn is not None and (digest := blobs.digest_of(row[6])) is not None
            }
        events = []
        for seq, ts, epoch, kind, path, v, payload, hash in found:
            try:
                body = decode(kind, v, payloads.get(seq, payload))
                events.append(Event(stream, seq, from_stamp(ts), epoch, path, body, hash))
            except JournalError:
                raise
            except (TypeError, ValueError, RecursionError) as error:
                raise self._unreadable(stream, seq, error) from error
        return events

    def run(self, run: str) -> RunRow | None:
        """A run's row by its full id."""
        with self._handles.readers.borrow() as conn:
            return None if conn is None else rows.one_run(conn, run)

    def runs(self, *, mesh: str | None = None, status: Sequence[str] = ()) -> list[RunRow]:
        """Rows of runs, newest first."""
        with self._handles.readers.borrow() as conn:
            return [] if conn is None else rows.all_runs(conn, mesh, status)

    def spec(self, spec_hash: str) -> str | None:
        """The text of a spec by its hash. Raises JournalError when the text was changed."""
        with self._handles.readers.borrow() as conn:
            return None if conn is None else rows.one_spec(conn, spec_hash)

    def inbox(self, runs: Sequence[str]) -> list[InboxRow]:
        """Messages for these runs that have no verdict yet, in order of arrival."""
        with self._handles.readers.borrow() as conn:
            return [] if conn is None else inbox.open_rows(conn, runs)

    def message(self, row: int) -> InboxRow | None:
        """One inbox row, with its verdict once there is one."""
        with self._handles.readers.borrow() as conn:
            return None if conn is None else inbox.message(conn, row)

    def verify(self, *, keys: Collection[str] = (), note: str = "") -> Verification:
        """Recompute every chain; compare the heads of ended runs, and what keys signed.

        ``keys``: fingerprints; the end of every run must be signed by one of them. ``note``: the
        text of a checkpoint that was kept elsewhere, which the journal must still contain. Raises
        JournalError when there is no journal, it cannot be read, or the note is none.
        """
        noted = checkpoints.from_note(note) if note else None
        with self._handles.readers.borrow() as conn:
            if conn is None:
                raise JournalError(
                    f"there is no journal at {self.location} yet: start a run, or set "
                    "LEAFMESH_JOURNAL or %config MeshMagics.journal to where it is"
                )
            return verify(conn, self.location, frozenset(keys), noted)

    def _write(self, work: Callable[[sqlite3.Connection], T], *, sync: bool = False) -> T:
        writer = self._handles.writer
        return writer.wait(writer.submit(work, sync=sync or self.durability == "full"))

    def _inflated(self, conn: sqlite3.Connection, stream: str, seq: int, digest: str) -> str:
        data = blobs.load(conn, stream, digest)
        if data is None:
            raise self._unreadable(stream, seq, "its payload is missing")
        try:
            return blobs.inflate(data, digest)
        except JournalError as error:
            raise self._unreadable(stream, seq, error) from error

    def _unreadable(self, stream: str, seq: int, why: object) -> JournalError:
        return JournalError(
            f"event {seq} of {stream} in the journal {self.location} cannot be read: {why}; "
            "`%mesh verify` names what was changed"
        )
