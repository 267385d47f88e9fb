"""One run of an agent's function, as the engine sees it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from leafmesh_nb.engine.ports import Suspended
from leafmesh_nb.errors import AgentError
from leafmesh_nb.language.spec import AgentSpec

__all__ = ["Invocation"]


@dataclass(slots=True)
class Invocation:
    """One run of an agent's function.

    ``ordinal`` counts its tool calls, ``claimed`` are those that have their place in the record;
    ``tools`` are those under way. ``returned``: it begins no more of them. ``over``: nobody waits
    for it any more, so nothing goes out for it either. ``suspended``: a person is asked. ``broken``
    says why it cannot be the run of the function that was recorded: nothing goes out after that.
    """

    path: str
    agent: AgentSpec
    key: str
    ordinal: int = 0
    returned: bool = False
    over: bool = False
    suspended: bool = False
    broken: str = ""
    claimed: set[int] = field(default_factory=set)
    tools: set[asyncio.Task[Any]] = field(default_factory=set)

    def check_may_begin(self) -> None:
        """Raise when the function may begin no tool call: AgentError, or Suspended."""
        if self.returned:
            raise self._is_over()
        self.check_may_send()
        if self.suspended:
            raise Suspended

    def check_may_send(self) -> None:
        """Raise AgentError when no call that was begun may go out."""
        if self.over:
            raise self._is_over()
        if self.broken:
            raise AgentError(self.broken)

    def fail_to_match(self, message: str) -> AgentError:
        """The function does not do what was recorded of it."""
        self.broken = self.broken or message
        return AgentError(message)

    def _is_over(self) -> AgentError:
        return AgentError(
            f"step {self.path} is over for this run of agent {self.agent.id}: a tool can be "
            "called only while its function is waited for"
        )
