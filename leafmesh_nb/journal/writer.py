"""Who writes, and when: at once if that is quick, else one thread with group commit."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.faults import BUSY_SECONDS
from leafmesh_nb.journal.place import Place
from leafmesh_nb.journal.session import Outcome, Session, Work

__all__ = ["Writer"]

T = TypeVar("T")

_GROUP = 1000
"""At most so many pieces of work in one transaction, to bound how long the first one waits."""


class _Job(NamedTuple):
    work: Work
    future: Future[Any]


class Writer:
    """Whatever waits is one transaction: drain the queue, commit once, then resolve the futures.

    Waking a thread and being woken by it costs more than a commit that waits for no disk (60 to
    130 µs against 60, measured). So while nothing is queued, work that needs no sync is done on
    the thread that submits it. The first use of a file, a sync, a checkpoint, and a file that
    another process is writing to are left to the writer's own thread.
    """

    def __init__(self, place: Place, forget: Callable[[], None]) -> None:
        self._place = place
        self._session = Session(place, forget)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # around all below, and work that is done at once
        self._turn = threading.Lock()  # held by the thread while it uses the session
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(
        self, do: Callable[[sqlite3.Connection], T], *, sync: bool = False, size: int = 0
    ) -> Future[T]:
        """Have work done inside a transaction, after everything submitted before.

        ``sync`` forces the disk; ``size`` is about how many bytes it writes. Once submitted it
        will be done: the future cannot be cancelled. Raises JournalError when this was closed.
        """
        job = _Job(Work(do, sync, size), Future())
        job.future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise JournalError(f"the journal {self._place.path} was closed; open it again")
            outcome = None if self._pending else self._session.attempt(job.work)
            if outcome is None:
                self._queue(job)
            elif self._session.checkpoint_due:
                self._queue(_Job(Work(_nothing), Future()))
        if outcome is not None:
            _resolve(job, outcome)
        return job.future

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
            if first and thread is not None:
                self._jobs.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(BUSY_SECONDS + 5)

    def pause(self) -> None:
        """Wait for the transaction under way, disconnect, and write nothing until unpaused."""
        self._lock.acquire()
        self._turn.acquire()
        self._session.disconnect()

    def unpause(self) -> None:
        """Write again, on the thread that paused it."""
        self._turn.release()
        self._lock.release()

    def _queue(self, job: _Job) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._loop, name="leafmesh-journal", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                raise JournalError(
                    f"the journal {self._place.path} cannot be written: {error}"
                ) from error
            self._thread = thread
        self._pending += 1
        self._jobs.put(job)

    def _loop(self) -> None:
        while self._next_group():
            pass
        with self._turn:
            self._session.disconnect()

    def _next_group(self) -> bool:
        group = [self._jobs.get()]
        while len(group) < _GROUP and not self._jobs.empty():
            group.append(self._jobs.get())
        jobs = [job for job in group if job is not None]
        if jobs:
            with self._turn:
                outcomes = self._session.perform([job.work for job in jobs])
                checkpoint = self._session.checkpoint_due
            if not checkpoint:
                self._done(len(jobs))
            # Outside the turn: a callback of a future may do anything, even fork.
            for job, outcome in zip(jobs, outcomes, strict=True):
                _resolve(job, outcome)
            if checkpoint:
                with self._turn:
                    self._session.checkpoint()
                self._done(len(jobs))
        return len(jobs) == len(group)  # nothing follows the None of close()

    def _done(self, jobs: int) -> None:
        with self._lock:
            self._pending -= jobs


def _resolve(job: _Job, outcome: Outcome) -> None:
    value, error = outcome
    if error is None:
        job.future.set_result(value)
    else:
        job.future.set_exception(error)


def _nothing(conn: sqlite3.Connection) -> None:
    """Makes the thread look whether a checkpoint is due."""
