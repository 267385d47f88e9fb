"""The one thread that writes: whatever waits is one transaction."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.connect import for_writing
from leafmesh_nb.journal.faults import BUSY_SECONDS, explain
from leafmesh_nb.journal.place import Place

__all__ = ["Writer"]

T = TypeVar("T")

_GROUP = 1000
"""At most so many pieces of work in one transaction, to bound how long the first one waits."""

# Errors that speak of one statement's values; any other one speaks of the file.
_OWN_FAULT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


_Outcome = tuple[Any, Exception | None]


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    sync: bool
    future: Future[Any]


class Writer:
    """Group commit: drain the queue, each piece in a savepoint, one COMMIT, then resolve.

    A piece of work that raises is undone alone and its future gets the exception; when the file
    itself fails, every future of the group gets a JournalError and nothing was stored. ``forget``
    is called whenever what was remembered about the file may no longer hold.
    """

    def __init__(self, place: Place, forget: Callable[[], None]) -> None:
        self._place = place
        self._forget = forget
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # around the thread's start and end
        self._turn = threading.Lock()  # held while the connection is in use
        self._thread: threading.Thread | None = None
        self._closed = False
        self._conn: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._level = ""
        self._seen: int | None = None

    def submit(self, work: Callable[[sqlite3.Connection], T], *, sync: bool = False) -> Future[T]:
        """Queue a piece of work, called with the connection inside a transaction.

        ``sync`` forces the disk for the transaction. Once queued it will be done: the future
        cannot be cancelled.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise JournalError(f"the journal {self._place.path} was closed; open it again")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._loop, name="leafmesh-journal", daemon=True
                )
                try:
                    self._thread.start()
                except RuntimeError as error:
                    self._thread = None
                    raise JournalError(
                        f"the journal {self._place.path} cannot be written: {error}"
                    ) from error
            self._jobs.put(_Job(work, sync, future))
        return future

    def wait(self, future: Future[T]) -> T:
        """The result of submitted work. Raises on the writer's own thread, instead of hanging."""
        if threading.current_thread() is self._thread and not future.done():
            raise JournalError(
                "the journal's own thread cannot wait for itself: do not block in a callback of "
                "a commit's future"
            )
        return future.result()

    def close(self) -> None:
        """Write what is queued, then close the connection. Later work is refused."""
        with self._lock:
            first, self._closed = not self._closed, True
            thread = self._thread
            if thread is not None and first:
                self._jobs.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(BUSY_SECONDS + 5)

    def pause(self) -> None:
        """Wait for the transaction under way, disconnect, and write nothing until unpaused."""
        self._lock.acquire()
        self._turn.acquire()
        self._disconnect()

    def unpause(self) -> None:
        """Write again, on the thread that paused it."""
        self._turn.release()
        self._lock.release()

    def _loop(self) -> None:
        while self._next_group():
            pass
        with self._turn:
            self._disconnect()

    def _next_group(self) -> bool:
        group = [self._jobs.get()]
        while len(group) < _GROUP and not self._jobs.empty():
            group.append(self._jobs.get())
        jobs = [job for job in group if job is not None]
        if jobs:
            with self._turn:
                outcomes = self._perform(jobs)
            # Outside the turn: a callback of a future may do anything, even fork.
            for job, (value, error) in zip(jobs, outcomes, strict=True):
                if error is None:
                    job.future.set_result(value)
                else:
                    job.future.set_exception(error)
        return len(jobs) == len(group)  # nothing follows the None of close()

    def _perform(self, jobs: list[_Job]) -> list[_Outcome]:
        try:
            conn = self._connection()
            self._synchronous(conn, "FULL" if any(job.sync for job in jobs) else "NORMAL")
            conn.execute("BEGIN IMMEDIATE")
            seen = conn.execute("PRAGMA data_version").fetchone()[0]
            if seen != self._seen:  # another connection has written since
                self._seen = seen
                self._forget()
            outcomes = [self._do(conn, job) for job in jobs]
            conn.execute("COMMIT")
        except Exception as error:
            self._disconnect()
            return [(None, self._explained(error)) for _ in jobs]
        return outcomes

    def _do(self, conn: sqlite3.Connection, job: _Job) -> _Outcome:
        conn.execute("SAVEPOINT work")
        try:
            value = job.work(conn)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not isinstance(error, _OWN_FAULT):
                raise
            conn.execute("ROLLBACK TO work")
            conn.execute("RELEASE work")
            self._forget()
            return None, self._explained(error) if isinstance(error, sqlite3.Error) else error
        conn.execute("RELEASE work")
        return value, None

    def _connection(self) -> sqlite3.Connection:
        identity = self._place.identity()
        if self._conn is not None and identity != self._identity:
            # The file was deleted or replaced: what went on into the old one would be lost.
            self._disconnect()
        if self._conn is None:
            self._conn = for_writing(self._place)
            self._identity = self._place.identity()
        return self._conn

    def _synchronous(self, conn: sqlite3.Connection, level: str) -> None:
        if self._place.network:
            level = "FULL"  # without a write-ahead log, NORMAL can lose the whole file
        if level != self._level:
            conn.execute(f"PRAGMA synchronous = {level}")
            self._level = level

    def _disconnect(self) -> None:
        if self._conn is not None:
            self._conn.close()  # rolls back what was not committed
        self._conn, self._level, self._seen = None, "", None
        self._forget()

    def _explained(self, error: Exception) -> JournalError:
        # A new one for each future: whoever raises it adds a traceback of their own.
        if isinstance(error, sqlite3.Error):
            explained = explain(error, self._place)
        elif isinstance(error, JournalError):
            explained = JournalError(str(error))
        else:
            explained = JournalError(f"the journal {self._place.path} failed: {error!r}")
        explained.__cause__ = error
        return explained
