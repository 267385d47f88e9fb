"""The record of one run: its state, and the way of its events into the journal.

``append`` carries an event into the state at once; ``flush`` makes all that is pending durable in
one transaction. Effects wait for the flush; decisions need not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leafmesh_nb.engine.events import (
    ApprovalAnswered,
    Body,
    BudgetSettled,
    CallStarted,
    Draft,
    Event,
    MemoryWritten,
)
from leafmesh_nb.engine.fold import apply
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import Append, Batch, Ports, RunUpdate, Verdict
from leafmesh_nb.engine.runner.shared_stream import SharedStream, SharedWrite
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import JournalError, LeafmeshError
from leafmesh_nb.memory.merge import Write

__all__ = ["Record"]

Listener = Callable[[Sequence[Event]], None]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    """What the next transaction carries."""

    drafts: list[Draft]
    writes: list[SharedWrite]
    settled: list[BudgetSettled]
    verdicts: list[Verdict]
    sync: bool = False


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
        self._name = f"run:{state.run}"
        self._committed = state.seq
        self._pending = _Pending([], [], [], [])
        self._lock = asyncio.Lock()
        self._broken: LeafmeshError | None = None

    @property
    def shared(self) -> SharedState:
        """Memory across runs, as this process knows it."""
        return self._stream.state

    @property
    def pending(self) -> int:
        """How many events the next flush carries."""
        return len(self._pending.drafts)

    def shares(self) -> bool:
        """Whether writes to memory across runs are pending: ``shared`` shows them after a flush."""
        return bool(self._pending.writes)

    def append(self, path: str, *bodies: Body, now: datetime | None = None) -> None:
        """Carry events into the state, to be made durable by the next flush.

        ``now`` is the time that the events were decided at; None asks the clock.
        """
        now = now or self._ports.clock.now()
        pending = self._pending
        for body in bodies:
            event = Event(self._name, self.state.seq + 1, now, self.epoch, path, body)
            apply(self.state, event)
            pending.drafts.append(Draft(body, path, now))
            if isinstance(body, CallStarted):
                pending.sync = pending.sync or body.side_effect
            elif isinstance(body, ApprovalAnswered):
                pending.sync = True
            elif isinstance(body, BudgetSettled):
                day = self._stream.day_of(body.key)
                if day:
                    settled = BudgetSettled(body.key, body.amount, self.state.run, day)
                    pending.settled.append(settled)

    def write(self, path: str, agent: str, writes: Sequence[Write]) -> None:
        """Write memory as ``agent``; fields of scope ``mesh`` go to the mesh's stream as well."""
        for item in writes:
            if self.plan.spec.memory[item.field].scope == "mesh":
                index = len(self._pending.drafts)
                self.append(path, MemoryWritten(item.field, 0, agent, scope="mesh", op=item.op))
                shared = SharedWrite(item, agent, path, self.state.run, index)
                self._pending.writes.append(shared)
                continue
            before = self.state.memory.get(item.field)
            version = before.version + 1 if before else 1
            self.append(path, MemoryWritten(item.field, version, agent, item.value, op=item.op))

    def verdict(self, verdict: Verdict) -> None:
        """Tell the sender of an inbox row what became of it, with the next flush."""
        self._pending.verdicts.append(verdict)

    async def flush(self) -> None:
        """Make everything pending durable: one transaction, synced to disk when it holds an
        answer or the intent of a side effect.

        Raises JournalError; the record is useless then. A cancellation takes effect only when the
        transaction is over, so that the record always knows what is durable.
        """
        async with self._lock:
            if self._broken is not None:
                raise self._broken
            taken = self._pending
            if not taken.drafts and not taken.verdicts:
                return
            self._pending = _Pending([], [], [], [])
            await self._commit(taken)

    async def told(self) -> None:
        """Wait until the listeners have heard of all that is durable."""
        async with self._lock:
            return

    async def _commit(self, taken: _Pending) -> None:
        try:
            if taken.writes or taken.settled:
                await to_the_end(self._with_shared(taken))
                return
            future = self._send(taken, taken.drafts)
            if future.done():  # the journal did not have to wait for anybody
                self._tell(taken, future.result())
            else:
                await to_the_end(self._landed(taken, future))
        except LeafmeshError as error:
            self._broken = error
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            self._broken = JournalError(f"{self._name} cannot be written: {said}")
            raise self._broken from error

    async def _landed(self, taken: _Pending, future: Future[tuple[Event, ...]]) -> None:
        waited: asyncio.Future[tuple[Event, ...]] = asyncio.wrap_future(future)
        self._tell(taken, await waited)

    async def _with_shared(self, taken: _Pending) -> None:
        async def send(drafts: list[Draft], others: tuple[Append, ...]) -> tuple[Event, ...]:
            return await asyncio.wrap_future(self._send(taken, drafts, others))

        now = self._ports.clock.now()
        events = await self._stream.commit(taken.drafts, taken.writes, taken.settled, now, send)
        self._tell(taken, events)

    def _send(
        self, taken: _Pending, drafts: list[Draft], others: tuple[Append, ...] = ()
    ) -> Future[tuple[Event, ...]]:
        mine = (Append(self._name, tuple(drafts), self._committed),) if drafts else ()
        batch = Batch(
            appends=(*mine, *others),
            run=self.state.run,
            epoch=self.epoch,
            update=self._update(),
            verdicts=tuple(taken.verdicts),
            sync=taken.sync,
        )
        return self._ports.journal.commit(batch)

    def _tell(self, taken: _Pending, events: Sequence[Event]) -> None:
        self._committed += len(taken.drafts)
        own = [event for event in events if event.stream == self._name]
        for listener in tuple(self.listeners):
            try:
                listener(own)
            except Exception:  # a view that fails must not stop the run it looks at
                _log.exception("a listener of %s failed", self._name)

    def _update(self) -> RunUpdate:
        return RunUpdate(self.state.run, self.state.status, self.state.next_due())


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work`` to its end. A cancellation of the caller goes on only then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
        except BaseException:
            break
    if cancelled is not None and task.exception() is None:
        raise cancelled
    task.result()
