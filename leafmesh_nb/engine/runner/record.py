"""The record of one run: its state, and the way of its events into the journal.

``append`` carries an event into the state at once; ``flush`` makes all that is pending durable in
one transaction. Effects wait for the flush; decisions need not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from leafmesh_nb.engine.events import Body, BudgetSettled, Draft, Event, MemoryWritten
from leafmesh_nb.engine.fold import apply
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import Append, Batch, Ports, RunUpdate, Verdict
from leafmesh_nb.engine.runner.shared_stream import SharedStream, SharedWrite
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.memory.merge import Versioned, Write, merged

__all__ = ["Record"]

Listener = Callable[[Sequence[Event]], None]


class Record:
    """A run's state with its pending events. Used on the runner's loop only."""

    def __init__(
        self, plan: Plan, state: RunState, ports: Ports, epoch: int, stream: SharedStream
    ) -> None:
        self.plan = plan
        self.state = state
        self.epoch = epoch
        self.listeners: list[Listener] = []
        self._ports = ports
        self._stream = stream
        self._committed = state.seq
        self._pending: list[Draft] = []
        self._writes: list[SharedWrite] = []
        self._settled: list[BudgetSettled] = []
        self._verdicts: list[Verdict] = []
        self._lock = asyncio.Lock()
        self._broken: LeafmeshError | None = None

    @property
    def shared(self) -> SharedState:
        """Memory across runs, as this process knows it."""
        return self._stream.state

    def append(self, path: str, *bodies: Body) -> None:
        """Carry events into the state, to be made durable by the next flush."""
        now = self._ports.clock.now()
        for body in bodies:
            event = Event(f"run:{self.state.run}", self.state.seq + 1, now, self.epoch, path, body)
            apply(self.state, event)
            self._pending.append(Draft(body, path, now))

    def write(self, path: str, agent: str, writes: Sequence[Write]) -> None:
        """Write memory as ``agent``; fields of scope ``mesh`` go to the mesh's stream as well."""
        for item in writes:
            if self.plan.spec.memory[item.field].scope == "mesh":
                index = len(self._pending)
                self.append(path, MemoryWritten(item.field, 0, agent, scope="mesh"))
                self._writes.append(SharedWrite(item, agent, path, self.state.run, index))
                continue
            current = self.state.memory.get(item.field, Versioned())
            value = merged(current.value, item)
            self.append(path, MemoryWritten(item.field, current.version + 1, agent, value))

    def settle(self, body: BudgetSettled) -> None:
        """Settle a day's reservation in the mesh's stream with the next flush."""
        self._settled.append(body)

    def verdict(self, verdict: Verdict) -> None:
        """Tell the sender of an inbox row what became of it, with the next flush."""
        self._verdicts.append(verdict)

    async def flush(self, *, sync: bool = False) -> None:
        """Make everything pending durable. Raises JournalError; the record is useless then."""
        async with self._lock:
            if self._broken is not None:
                raise self._broken
            if not self._pending and not self._verdicts:
                return
            drafts, self._pending = self._pending, []
            writes, self._writes = self._writes, []
            settled, self._settled = self._settled, []
            verdicts, self._verdicts = tuple(self._verdicts), []
            update = self._update()

            async def send(
                run_drafts: list[Draft], others: tuple[Append, ...]
            ) -> tuple[Event, ...]:
                mine = Append(f"run:{self.state.run}", tuple(run_drafts), self._committed)
                batch = Batch(
                    appends=(mine, *others) if run_drafts else others,
                    run=self.state.run,
                    epoch=self.epoch,
                    update=update,
                    verdicts=verdicts,
                    sync=sync,
                )
                return await asyncio.wrap_future(self._ports.journal.commit(batch))

            try:
                if writes or settled:
                    events = await self._stream.commit(drafts, writes, settled, send)
                else:
                    events = await send(drafts, ())
            except LeafmeshError as error:
                self._broken = error
                raise
            self._committed += len(drafts)
            own = [event for event in events if event.stream.startswith("run:")]
            for listener in tuple(self.listeners):
                listener(own)

    def _update(self) -> RunUpdate:
        due = [a.due for a in self.state.open_approvals() if a.due is not None]
        return RunUpdate(self.state.run, self.state.status, min(due, default=None))
