"""The home of all runs that this process owns: one daemon thread with one event loop.

Never the kernel's loop: a cell that waits for a run must not stop it. The host also carries the
inbox to the runs, and keeps their leases.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any

from leafmesh_nb.engine.ports import Journal, Verdict
from leafmesh_nb.engine.runner.execution import OVER, Execution
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.errors import LeafmeshError

__all__ = ["LEASE", "Host", "host"]

LEASE = 30.0
"""Seconds a lease lasts; it is renewed three times in that span."""

POLL = 0.2
"""Seconds between looks at the inbox: an answer from another process is seen within a second."""


Key = tuple[str, str]
"""A run: the location of its journal, and its id. A copy of a journal holds the same ids."""


class Host:
    """Starts executions, and delivers messages to them."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._executions: dict[Key, Execution] = {}
        self._streams: dict[tuple[int, str], SharedStream] = {}
        self._observations: dict[tuple[int, str], Observations] = {}
        self._waiting: dict[tuple[Key, int], Future[Verdict]] = {}
        self._mail = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._chores: asyncio.Task[None] | None = None
        thread = threading.Thread(target=self._loop.run_forever, name="leafmesh-host", daemon=True)
        thread.start()
        self._thread = thread

    def inside(self) -> bool:
        """Whether the caller runs on the host's own thread, where waiting would deadlock."""
        return threading.current_thread() is self._thread

    def execution(self, journal: Journal, run: str) -> Execution | None:
        """The execution of a run of this journal that this process owns."""
        return self._executions.get((journal.location, run))

    def call(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine on the host's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def shared(self, journal: Journal, mesh: str) -> SharedStream:
        """This process's view of a mesh's stream."""
        key = (id(journal), mesh)
        return self._streams.setdefault(key, SharedStream(journal, mesh))

    def observations(self, journal: Journal, mesh: str) -> Observations:
        """What this process has seen of a mesh's agents."""
        return self._observations.setdefault((id(journal), mesh), Observations())

    def launch(self, execution: Execution) -> None:
        """Drive a run from now on."""
        self._executions[_key(execution)] = execution
        self._loop.call_soon_threadsafe(self._launch, execution)

    def drain(self, seconds: float) -> tuple[str, ...]:
        """Give up every run of this process, for another to go on with; waits for what is in
        flight. Returns the runs for which that took longer than ``seconds``: their side effects
        will be in doubt."""
        executions = list(self._executions.values())
        for execution in executions:
            self._loop.call_soon_threadsafe(execution.drain)
        concurrent.futures.wait([execution.ended for execution in executions], seconds)
        late = [execution for execution in executions if not execution.ended.done()]
        for execution in late:
            with contextlib.suppress(LeafmeshError):  # its lease lapses by itself then
                execution.ports.journal.release(execution.run, execution.epoch)
        return tuple(execution.run for execution in late)

    def post(
        self, journal: Journal, run: str, kind: str, body: Mapping[str, Any]
    ) -> Future[Verdict]:
        """Put a message into the inbox of a run of this process; resolves to its verdict."""
        future: Future[Verdict] = Future()
        key = (journal.location, run)
        execution = self._executions.get(key)
        if execution is None:
            future.set_result(OVER)
            return future
        try:
            row = execution.ports.journal.post(run, kind, body)
        except LeafmeshError:
            if execution.state.ended is None:
                raise
            future.set_result(OVER)
            return future
        with self._mail:
            alive = self._executions.get(key) is execution
            if alive:
                self._waiting[key, row] = future
        if alive:
            self._loop.call_soon_threadsafe(self._poll)
        else:
            _tell(execution, row, future)
        return future

    def _launch(self, execution: Execution) -> None:
        self._spawn(self._drive(execution), f"run {execution.run}")
        if self._chores is None or self._chores.done():
            self._chores = self._loop.create_task(self._keep())
        self._poll()  # what came while nobody owned the run

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)  # the loop itself holds tasks by weak references only
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, execution: Execution) -> None:
        await execution.drive()
        key = _key(execution)
        with self._mail:  # nobody posts to a run that is over, and nobody waits for one
            if self._executions.get(key) is execution:
                del self._executions[key]
            unread = [message for message in self._waiting if message[0] == key]
            waiting = [(message[1], self._waiting.pop(message)) for message in unread]
        for row, future in waiting:
            _tell(execution, row, future)
        if execution.failure is None:
            execution.ended.set_result(None)
        else:
            execution.ended.set_exception(execution.failure)

    async def _keep(self) -> None:
        """Look at the inbox and renew leases while any run is owned here."""
        renewed = self._loop.time()
        while self._executions:
            await asyncio.sleep(POLL)
            self._poll()
            if self._loop.time() - renewed > LEASE / 3:
                renewed = self._loop.time()
                self._renew()

    def _journals(self) -> dict[int, tuple[Journal, dict[str, Execution]]]:
        found: dict[int, tuple[Journal, dict[str, Execution]]] = {}
        for execution in list(self._executions.values()):
            journal = execution.ports.journal
            found.setdefault(id(journal), (journal, {}))[1][execution.run] = execution
        return found

    def _poll(self) -> None:
        for journal, executions in self._journals().values():
            # Whatever is wrong with one journal must end neither the inbox nor the leases of the
            # others; the run's own next write meets the same journal, and reports it.
            with contextlib.suppress(Exception):
                self._deliver(journal, executions)

    def _deliver(self, journal: Journal, executions: Mapping[str, Execution]) -> None:
        with self._mail:
            waiting = set(self._waiting)  # whoever posts after the inbox was read is not in it
        rows = journal.inbox(list(executions))
        by_key = {_key(execution): execution for execution in executions.values()}
        with self._mail:
            for row in rows:
                message = (_key(executions[row.run]), row.id)
                if executions[row.run].deliver(row, self._waiting.get(message)):
                    self._waiting.pop(message, None)
            known = {(_key(executions[row.run]), row.id) for row in rows}
            judged = [m for m in waiting - known if m[0] in by_key and m in self._waiting]
            done = [(by_key[m[0]], m[1], self._waiting.pop(m)) for m in judged]
        for execution, row_id, future in done:
            self._spawn(_tell_judged(execution, row_id, future), f"verdict {row_id}")

    def _renew(self) -> None:
        for journal, executions in self._journals().values():
            # A lost lease is met at the next append, which is fenced.
            with contextlib.suppress(Exception):
                journal.renew({run: e.epoch for run, e in executions.items()}, LEASE)


def _key(execution: Execution) -> Key:
    return execution.ports.journal.location, execution.run


def _tell(execution: Execution, row: int, future: Future[Verdict]) -> None:
    """Answer for an execution that is over: as the journal says, or with what stopped it."""
    if execution.failure is None:
        future.set_result(_verdict(execution.ports.journal, row))
    else:
        future.set_exception(execution.failure)


async def _tell_judged(execution: Execution, row: int, future: Future[Verdict]) -> None:
    """Answer a sender whose message was read before it had begun to wait.

    The verdict is durable a moment before those who follow the run have heard of it: whoever has
    been told what became of a message must find the run so.
    """
    await execution.record.told()
    future.set_result(_verdict(execution.ports.journal, row))


def _verdict(journal: Journal, row: int) -> Verdict:
    """What became of a message that its run did not get to read."""
    try:
        message = journal.message(row)
    except LeafmeshError:
        return OVER
    return OVER if message is None or message.verdict is None else message.verdict


_host: Host | None = None
_guard = threading.Lock()


def host() -> Host:
    """This process's host; a forked child gets its own."""
    global _host
    with _guard:
        if _host is None or _host.pid != os.getpid():
            _host = Host()
        return _host
