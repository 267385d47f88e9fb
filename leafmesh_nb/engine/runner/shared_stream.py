"""A process's view of one mesh's stream: shared memory and day budgets, written by compare-and-set.

Other processes write the same stream; a conflict reads what they wrote and tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from leafmesh_nb.engine.events import (
    Body,
    BudgetReserved,
    BudgetSettled,
    Draft,
    Event,
    MemoryWritten,
)
from leafmesh_nb.engine.ports import Append, Batch, Journal
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.errors import ConflictError, JournalError
from leafmesh_nb.memory.merge import Write

__all__ = ["SharedStream", "SharedWrite"]

ATTEMPTS = 50


@dataclass(frozen=True, slots=True)
class SharedWrite:
    """A write to a field of scope ``mesh``; ``draft`` is the index of the run's own event."""

    write: Write
    agent: str
    path: str
    run: str
    draft: int


class SharedStream:
    """One per journal and mesh in this process. Used on the host's loop only."""

    def __init__(self, journal: Journal, mesh: str) -> None:
        self.name = f"mesh:{mesh}"
        self.state = SharedState()
        self._lock = asyncio.Lock()
        self._journal = journal

    def refresh(self) -> None:
        """Read what others wrote."""
        self.state.apply(self._journal.read(self.name, self.state.seq))

    async def commit(
        self,
        drafts: list[Draft],
        writes: Sequence[SharedWrite],
        settled: Sequence[BudgetSettled],
        now: datetime,
        send: Callable[[list[Draft], tuple[Append, ...]], Awaitable[tuple[Event, ...]]],
    ) -> tuple[Event, ...]:
        """Commit a run's drafts together with what they write here.

        ``send`` commits the run's drafts with further appends; it is called again with drafts that
        carry the new versions when another process was first.
        """
        async with self._lock:
            for _ in range(ATTEMPTS):
                mine, drafts = self._drafts(drafts, writes, settled, now)
                append = Append(self.name, tuple(mine), self.state.seq)
                try:
                    events = await send(drafts, (append,))
                except ConflictError:
                    if not self._news():
                        raise  # the conflict is about the run's own stream
                    continue
                self.state.apply(e for e in events if e.stream == self.name)
                return events
        raise self._outpaced()

    def _news(self) -> bool:
        before = self.state.seq
        self.refresh()
        return self.state.seq > before

    def _outpaced(self) -> JournalError:
        return JournalError(f"{self.name} is written too often by others; the run stops here")

    def _drafts(
        self,
        drafts: list[Draft],
        writes: Sequence[SharedWrite],
        settled: Sequence[BudgetSettled],
        now: datetime,
    ) -> tuple[list[Draft], list[Draft]]:
        mine = [Draft(body, ts=now) for body in settled]
        drafts = list(drafts)
        versions = {name: field.version for name, field in self.state.memory.items()}
        for item in writes:
            write = item.write
            version = versions[write.field] = versions.get(write.field, 0) + 1
            body = MemoryWritten(
                write.field, version, item.agent, write.value, "mesh", item.run, write.op
            )
            mine.append(Draft(body, item.path, now))
            own = replace(body, value=None)
            drafts[item.draft] = replace(drafts[item.draft], body=own)
        return mine, drafts

    async def reserve(
        self, key: str, run: str, amount: Decimal, limit: Decimal, now: datetime
    ) -> Decimal | None:
        """Hold ``amount`` US dollars of the day; None when held, else what is used already."""
        day = now.date().isoformat()
        async with self._lock:
            for _ in range(ATTEMPTS):
                self.refresh()
                used = self.state.used(day)
                if key in self.state.held:
                    return None
                if used + amount > limit:
                    return used
                body: Body = BudgetReserved(key, str(amount), run, day)
                append = Append(self.name, (Draft(body, ts=now),), self.state.seq)
                try:
                    events = await asyncio.wrap_future(self._journal.commit(Batch((append,))))
                except ConflictError:
                    continue
                self.state.apply(events)
                return None
        raise self._outpaced()

    def day_of(self, key: str) -> str:
        """The day under which a call's reservation is held, or an empty text."""
        held = self.state.held.get(key)
        return held[0] if held else ""
