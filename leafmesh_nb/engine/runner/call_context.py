"""What all calls of a run share: its record, the world, and how a failure is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from leafmesh_nb.engine.events import CallFailed
from leafmesh_nb.engine.ports import Ports
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.errors import AgentError, LeafmeshError
from leafmesh_nb.memory.marks import cut

__all__ = ["CallContext", "Work", "foreign", "guarded", "shortest"]

T = TypeVar("T")

Work = Callable[[], Coroutine[Any, Any, None]]
"""What is left of a call once its intent is durable. What came of it is appended, not returned."""

LONGEST_ERROR = 20_000
"""Characters of what foreign code says in an error. Views mask first and shorten then."""


@dataclass(slots=True)
class CallContext:
    """One run's record and world. ``wake`` has the run look again at what is due.

    ``stopping``: the run is being cancelled or has failed, so nothing new goes out.
    """

    record: Record
    ports: Ports
    stream: SharedStream
    wake: Callable[[], None]
    stopping: bool = False

    def attempt(self, key: str) -> int:
        """How often a call has been sent, this time included."""
        known = self.record.state.calls.get(key)
        return known.started.attempt + 1 if known else 1

    def sent_again(self, key: str) -> tuple[str, ...]:
        """The questions whose answer lets a call in doubt be sent again."""
        if key not in self.record.state.calls:
            return ()
        doubts = self.record.state.doubts(key)
        return tuple(a.id for a in doubts if a.status == "approved")

    def failed(self, path: str, key: str, error: LeafmeshError, began: float) -> None:
        """Record that a call ended without a result."""
        body = CallFailed(key, failure(type(error).__name__, str(error), path), self.since(began))
        self.record.append(path, body)

    def since(self, began: float) -> float:
        """Seconds, to the microsecond."""
        return round(self.ports.clock.monotonic() - began, 6)


def shortest(*bounds: tuple[str, float | None]) -> tuple[str, float | None]:
    """The tightest of some time limits, as (place in the mesh, seconds); seconds None is no
    limit."""
    known = [(seconds, place) for place, seconds in bounds if seconds is not None]
    seconds, place = min(known, default=(None, ""))
    return place, seconds


async def guarded(what: str, work: Awaitable[T]) -> T:
    """Await foreign code; whatever it raises is an error of ours."""
    try:
        return await work
    except LeafmeshError:
        raise
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise AgentError(f"{what} cancelled itself") from None
    except Exception as error:
        raise foreign(what, error) from error


def foreign(what: str, error: Exception) -> AgentError:
    """What foreign code raised, as an error of ours."""
    try:
        said = str(error)
    except Exception:  # an exception whose text raises
        said = ""
    text = f": {cut(said, LONGEST_ERROR)}" if said else ""
    return AgentError(f"{what} raised {type(error).__name__}{text}")
