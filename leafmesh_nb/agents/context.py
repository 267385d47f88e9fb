"""What a python agent may ask for as ``ctx``: its memory, its key, and the only way to a tool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from leafmesh_nb.engine.ports import Seat, Suspended, ToolReply
from leafmesh_nb.memory.view import MemoryView

__all__ = ["AsyncContext", "Context"]


class Context:
    """What a python agent may ask for as ``ctx``.

    ``memory`` holds the granted fields, ``key`` is the idempotency key of this execution;
    ``progress`` takes a short text for whoever watches, which is not recorded.
    """

    def __init__(self, seat: Seat, loop: asyncio.AbstractEventLoop) -> None:
        self.memory: MemoryView = seat.memory
        self.key: str = seat.key
        self.progress: Callable[[str], None] = seat.progress
        self._seat = seat
        self._loop = loop
        self._suspended = False

    def tool(self, name: str, /, **arguments: Any) -> ToolReply:
        """Call a tool through the gate; its output by field, and ``.arguments`` as carried out.

        Raises PolicyDenied, BudgetError, or AgentError. While a person is asked, the function is
        unwound, and run again from its start with recorded results once there is an answer.
        """
        future = asyncio.run_coroutine_threadsafe(self._ask(name, arguments), self._loop)
        return future.result()

    async def _ask(self, name: str, arguments: Mapping[str, Any]) -> ToolReply:
        if self._suspended:
            raise Suspended
        try:
            return await self._seat.tool(name, arguments)
        except Suspended:
            self._suspended = True
            raise


class AsyncContext(Context):
    """The same for a coroutine function: ``await ctx.tool(…)``."""

    async def tool(self, name: str, /, **arguments: Any) -> ToolReply:  # type: ignore[override]  # awaited
        """See ``Context.tool``."""
        future = asyncio.run_coroutine_threadsafe(self._ask(name, arguments), self._loop)
        return await asyncio.wrap_future(future)
