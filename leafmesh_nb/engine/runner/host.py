"""The home of all runs that this process owns: one daemon thread with one event loop.

Never the kernel's loop: a cell that waits for a run must not stop it. The host also carries the
inbox to the runs, and keeps their leases.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any

from leafmesh_nb.engine.ports import Clock, Journal, Verdict
from leafmesh_nb.engine.runner.execution import Execution
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.errors import LeafmeshError

__all__ = ["LEASE", "Host", "host"]

LEASE = 30.0
"""Seconds a lease lasts; it is renewed three times in that span."""

POLL = 0.2
"""Seconds between looks at the inbox: an answer from another process is seen within a second."""


class Host:
    """Starts executions, and delivers messages to them."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._executions: dict[str, Execution] = {}
        self._streams: dict[tuple[int, str], SharedStream] = {}
        self._observations: dict[tuple[int, str], Observations] = {}
        self._waiting: dict[int, Future[Verdict]] = {}
        self._seen: set[int] = set()
        self._mail = threading.Lock()
        self._chores: asyncio.Task[None] | None = None
        thread = threading.Thread(target=self._loop.run_forever, name="leafmesh-host", daemon=True)
        thread.start()
        self._thread = thread

    def inside(self) -> bool:
        """Whether the caller runs on the host's own thread, where waiting would deadlock."""
        return threading.current_thread() is self._thread

    def execution(self, run: str) -> Execution | None:
        """The execution of a run that this process owns."""
        return self._executions.get(run)

    def call(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run a coroutine on the host's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def shared(self, journal: Journal, mesh: str, clock: Clock) -> SharedStream:
        """This process's view of a mesh's stream."""
        key = (id(journal), mesh)
        stream = self._streams.setdefault(key, SharedStream(journal, mesh, clock))
        stream.clock = clock
        return stream

    def observations(self, journal: Journal, mesh: str) -> Observations:
        """What this process has seen of a mesh's agents."""
        return self._observations.setdefault((id(journal), mesh), Observations())

    def launch(self, execution: Execution) -> None:
        """Drive a run from now on."""
        self._executions[execution.run] = execution
        self._loop.call_soon_threadsafe(self._launch, execution)

    def post(self, run: str, kind: str, body: Mapping[str, Any]) -> Future[Verdict]:
        """Put a message into the inbox of a run of this process; resolves to its verdict."""
        future: Future[Verdict] = Future()
        execution = self._executions.get(run)
        if execution is None:
            future.set_result(Verdict(0, False, "the run has ended"))
            return future
        with self._mail:
            self._waiting[execution.ports.journal.post(run, kind, body)] = future
        self._loop.call_soon_threadsafe(self._poll)
        return future

    def _launch(self, execution: Execution) -> None:
        task = self._loop.create_task(execution.drive(), name=f"run {execution.run}")
        task.add_done_callback(lambda _: self._gone(execution))
        if self._chores is None or self._chores.done():
            self._chores = self._loop.create_task(self._keep())

    def _gone(self, execution: Execution) -> None:
        if self._executions.get(execution.run) is execution:
            del self._executions[execution.run]

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
        for run, execution in list(self._executions.items()):
            journal = execution.ports.journal
            found.setdefault(id(journal), (journal, {}))[1][run] = execution
        return found

    def _poll(self) -> None:
        for journal, executions in self._journals().values():
            with self._mail:
                try:
                    rows = journal.inbox(list(executions))
                except LeafmeshError:
                    continue  # the run's own next write meets the same journal and reports it
                for row in rows:
                    if row.id not in self._seen:
                        self._seen.add(row.id)
                        executions[row.run].deliver(row, self._waiting.pop(row.id, None))

    def _renew(self) -> None:
        for journal, executions in self._journals().values():
            try:
                journal.renew({run: e.epoch for run, e in executions.items()}, LEASE)
            except LeafmeshError:
                continue  # a lost lease is met at the next append, which is fenced


_host: Host | None = None
_guard = threading.Lock()


def host() -> Host:
    """This process's host; a forked child gets its own."""
    global _host
    with _guard:
        if _host is None or _host.pid != os.getpid():
            _host = Host()
        return _host
