"""Public fakes: equals of the real parts, for tests of your own meshes.

    mesh.use(models={"quick": ScriptedModel([{"category": "refund"}])},
             clock=FixedClock(), approver=ScriptedApprover([{"answer": "approve"}]))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.errors import AgentError
from leafmesh_nb.mesh.answers_file import AnswersFile

__all__ = ["FixedClock", "ScriptedApprover", "ScriptedModel"]


class ScriptedModel:
    """Gives the next output of a list, or what a function makes of the request.

    ``requests`` keeps every request it was asked, in order. ``cost`` is US dollars a call;
    ``tokens`` is (in, out) a call. An output that is an exception is raised.
    """

    def __init__(
        self,
        outputs: Iterable[Any] | Callable[[ModelRequest], Any],
        *,
        cost: Decimal | str = "0",
        tokens: tuple[int, int] = (100, 20),
    ) -> None:
        self.requests: list[ModelRequest] = []
        self._next = outputs if callable(outputs) else None
        self._outputs = iter(()) if callable(outputs) else iter(outputs)
        self._cost = Decimal(cost)
        self._tokens = tokens

    async def ask(self, request: ModelRequest) -> ModelReply:
        """The next scripted reply. Raises AgentError when the script is at its end."""
        self.requests.append(request)
        try:
            output = self._next(request) if self._next else next(self._outputs)
        except StopIteration:
            raise AgentError(
                f"the scripted model has no reply for request {len(self.requests)}"
            ) from None
        if isinstance(output, BaseException):
            raise output
        return ModelReply(output, *self._tokens, note="scripted model", cost=self._cost)

    def count(self, request: ModelRequest) -> int:
        """Tokens in, as scripted."""
        return self._tokens[0]


class FixedClock:
    """A clock that stands still until it is moved with ``advance``."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 1, 1, tzinfo=UTC)
        self._sleepers: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the epoch: latencies are zero while the clock stands."""
        return self._now.timestamp()

    def advance(self, seconds: float = 0, **more: float) -> None:
        """Move on, and wake whatever is due; keywords as for ``timedelta``."""
        self._now += timedelta(seconds=seconds, **more)
        for loop, event in self._sleepers:
            loop.call_soon_threadsafe(event.set)

    async def sleep_until(self, when: datetime) -> None:
        """Return once the clock was moved to ``when``."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        self._sleepers.append(entry)
        try:
            while self._now < when:
                await event.wait()
                event.clear()
        finally:
            self._sleepers.remove(entry)


class ScriptedApprover(AnswersFile):
    """Answers questions from a list of entries, as an answers file does."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        super().__init__([dict(entry) for entry in entries])
