"""One run of an agent's function, as the engine sees it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from leafmesh_nb.engine.ports import Suspended
from leafmesh_nb.errors import AgentError, BudgetError, PolicyDenied
from leafmesh_nb.language.spec import AgentSpec

__all__ = ["Invocation"]

REFUSALS = 100
"""How often a function may be refused the same call, or run into its limits, before it is unwound
for good: a loop over items comes to its end, one that retries for ever does not."""


@dataclass(slots=True)
class Invocation:
    """One run of an agent's function.

    ``ordinal`` counts its tool calls, ``claimed`` are those that have their place in the record;
    ``tools`` are those under way. ``returned``: it begins no more of them. ``over``: nobody waits
    for it any more, so nothing goes out for it either; ``forsaken``: since nobody needs what it
    gives. ``suspended``: a person is asked. ``broken`` says why it cannot be the run of the
    function that was recorded: nothing goes out after that. ``unheeded`` is what it was told more
    often than it may be.
    """

    path: str
    agent: AgentSpec
    key: str
    ordinal: int = 0
    returned: bool = False
    over: bool = False
    forsaken: bool = False
    suspended: bool = False
    broken: str = ""
    unheeded: PolicyDenied | BudgetError | None = None
    refusals: Counter[str] = field(default_factory=Counter)
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

    def refused(self, request: str, error: PolicyDenied | BudgetError) -> None:
        """Count a refusal of the call with this digest. Raises Suspended when it was one too many.

        A denial is about one call, a limit about all of them."""
        about = request if isinstance(error, PolicyDenied) else ""
        self.refusals[about] += 1
        if self.refusals[about] > REFUSALS:
            self.unheeded = error
            raise Suspended

    def _is_over(self) -> AgentError:
        return AgentError(
            f"step {self.path} is over for this run of agent {self.agent.id}: a tool can be "
            "called only while its function is waited for"
        )
