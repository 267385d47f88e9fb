"""The state of a run: what its events add up to. Only ``fold`` changes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.events import (
    ApprovalAsked,
    CallFailed,
    CallFinished,
    CallStarted,
    PolicyDecided,
    RunStarted,
)
from leafmesh_nb.memory.versions import Versions

__all__ = ["ActionState", "ApprovalState", "CallState", "RunState", "StepState"]


@dataclass(slots=True)
class CallState:
    """One outbound request. ``in_doubt``: it was in flight when its owner was lost."""

    path: str
    started: CallStarted
    finished: CallFinished | None = None
    failed: CallFailed | None = None
    in_doubt: bool = False
    reserved: Decimal = Decimal(0)

    @property
    def open(self) -> bool:
        """Started, and neither finished nor failed."""
        return self.finished is None and self.failed is None


@dataclass(slots=True)
class ApprovalState:
    """One question. ``status``: open, approved, rejected, expired or superseded.

    ``digest`` is what an approval is bound to: what was asked, or what the answerer's edit made
    of it. For a call in doubt it is the call's key.
    """

    path: str
    asked: ApprovalAsked
    digest: str
    asked_at: datetime
    to: str
    roster: tuple[str, ...]
    due: datetime | None
    ladder: tuple[Any, ...]
    status: str = "open"
    answer: str = ""
    person: str = ""
    note: str = ""
    value: Any = None
    consumed: bool = False

    @property
    def id(self) -> str:
        """The question's id, unique in the journal."""
        return self.asked.id


@dataclass(slots=True)
class ActionState:
    """Something of a step that passes the gate: its output, or one tool call by ordinal.

    ``decided`` is the last decision; ``value`` what it was about, an edit included; ``requested``
    what the agent asked for; ``approvals`` are the ids of the questions it led to, in order.
    """

    decided: PolicyDecided
    value: Any
    requested: Any
    approvals: list[str] = field(default_factory=list)


@dataclass(slots=True)
class StepState:
    """A step by path. ``phase``: pending, resolved, routed or ended.

    ``main`` is the key of the call that performs the step (a model's or a function's);
    ``tools`` maps ordinals to the keys of tool calls; ``calls`` counts the calls of models and of
    tools, those that were denied included. ``lost`` is how one of them failed after the function
    had ended, which never heard of it.
    """

    path: str
    phase: str = "pending"
    status: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    resolved_at: datetime | None = None
    agent: str = ""
    model: str | None = None
    main: str = ""
    tools: dict[int, str] = field(default_factory=dict)
    lost: dict[str, Any] | None = None
    actions: dict[str, ActionState] = field(default_factory=dict)
    output: Any = None
    error: dict[str, Any] | None = None
    calls: int = 0
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)


@dataclass(slots=True)
class RunState:
    """A run. ``status``: running, waiting, paused, done, failed or cancelled.

    ``steps_left`` None runs to the end; 0 starts no step until the run is resumed. Money is in US
    dollars. ``saved``: the workflow's own ``save`` was written. ``decoded`` keeps typed values of
    what the events hold as JSON: made when first asked for, never changed, not part of the state.
    """

    run: str
    started: RunStarted
    started_at: datetime
    seq: int
    epoch: int
    last_at: datetime
    steps: dict[str, StepState] = field(default_factory=dict)
    memory: dict[str, Versions] = field(default_factory=dict)
    calls: dict[str, CallState] = field(default_factory=dict)
    approvals: dict[str, ApprovalState] = field(default_factory=dict)
    functions: dict[str, Any] = field(default_factory=dict)
    paused: bool = False
    steps_left: int | None = None
    ended: str | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    spent: Decimal = Decimal(0)
    list_price: Decimal = Decimal(0)
    settled: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    tokens: int = 0
    saved: bool = False
    decoded: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def status(self) -> str:
        """The run's status as people see it."""
        if self.ended is not None:
            return self.ended
        if any(True for _ in self.open_approvals()):
            return "waiting"
        if self.paused or self.steps_left == 0:
            return "paused"
        return "running"

    def open_approvals(self) -> Iterator[ApprovalState]:
        """Questions that still want an answer, oldest first."""
        if self.ended is None:
            yield from (a for a in self.approvals.values() if a.status == "open")

    def call_at(self, path: str, ordinal: int) -> CallState | None:
        """The tool call of a step by its ordinal."""
        step = self.steps.get(path)
        key = step.tools.get(ordinal) if step else None
        return self.calls.get(key) if key else None

    def effects_underway(self, step: StepState) -> list[CallState]:
        """Side effects of a step that were started and whose result has not come back."""
        calls = (self.calls[key] for key in step.tools.values())
        return [call for call in calls if call.open and call.started.side_effect]

    def statuses(self) -> dict[str, str]:
        """Final statuses of the steps that ended."""
        return {p: s.status for p, s in self.steps.items() if s.status is not None}
