"""The state of a run: what its events add up to. Only ``fold`` changes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

__all__ = ["ActionState", "ApprovalState", "CallState", "RunState", "StepState", "Timer"]


@dataclass(slots=True)
class CallState:
    """One outbound request. ``in_doubt``: it was in flight when its owner was lost.

    ``unwound``: a function that asked a person, and is run again once there is an answer.
    """

    path: str
    started: CallStarted
    finished: CallFinished | None = None
    failed: CallFailed | None = None
    in_doubt: bool = False
    unwound: bool = False
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
class Timer:
    """What a step waits for; ``fired`` once its time has come."""

    due: datetime
    purpose: str
    fired: bool = False


@dataclass(slots=True)
class StepState:
    """A step, or a part of one, by path. ``phase``: pending, resolved, routed or ended.

    ``main`` is the key of the call that performs the step (a model's or a function's);
    ``tools`` maps ordinals to the keys of tool calls; ``calls`` counts the calls of models and of
    tools, those that were denied included. ``lost`` is how one of them failed after the function
    had ended, which never heard of it. ``calls`` and what is spent beyond ``before`` are of this
    attempt, ``generation`` how often it was retried.

    A step that is made of ``parts`` is not routed: it ends when they have. ``items`` are the values
    of its items, ``begun`` counts the parts that have begun, ``open`` are those that have not
    ended, ``failed`` is the first that failed, ``won`` the first that is done, or the last
    iteration. Money includes theirs. ``again`` is what ``until`` said of an iteration.
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
    before: Decimal = Decimal(0)
    generation: int = 0
    timer: Timer | None = None
    parts: str = ""
    items: list[Any] | None = None
    begun: int = 0
    open: dict[str, None] = field(default_factory=dict)
    failed: str = ""
    won: str = ""
    again: bool | None = None


@dataclass(slots=True)
class RunState:
    """A run. ``status``: running, waiting, paused, done, failed or cancelled.

    ``steps_left`` None runs to the end; 0 starts no step until the run is resumed. Money is in US
    dollars. ``saved``: the workflow's own ``save`` was written. ``scopes`` has the final statuses
    of the steps of the workflow, and by path of those that are run within it; ``timers`` when each
    timer that is set is due; ``asking`` the ids of the questions that are open. ``decoded`` keeps
    typed values of what the events hold as JSON: made when first asked for, never changed, not part
    of the state.
    """

    run: str
    started: RunStarted
    started_at: datetime
    seq: int
    epoch: int
    last_at: datetime
    steps: dict[str, StepState] = field(default_factory=dict)
    scopes: dict[str, dict[str, str]] = field(default_factory=dict)
    timers: dict[str, datetime] = field(default_factory=dict)
    memory: dict[str, Versions] = field(default_factory=dict)
    calls: dict[str, CallState] = field(default_factory=dict)
    approvals: dict[str, ApprovalState] = field(default_factory=dict)
    asking: dict[str, None] = field(default_factory=dict)
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
            yield from (self.approvals[id] for id in self.asking)

    def call_at(self, path: str, ordinal: int) -> CallState | None:
        """The tool call of a step by its ordinal."""
        step = self.steps.get(path)
        key = step.tools.get(ordinal) if step else None
        return self.calls.get(key) if key else None

    def effects_underway(self, step: StepState) -> list[CallState]:
        """Side effects of a step that were started and whose result has not come back."""
        calls = (self.calls[key] for key in step.tools.values())
        return [call for call in calls if call.open and call.started.side_effect]

    def doubts(self, key: str) -> list[ApprovalState]:
        """The questions whether a call happened that no later attempt has used up."""
        return [
            a
            for a in self.approvals.values()
            if a.asked.point == "in_doubt" and a.digest == key and not a.consumed
        ]

    def statuses(self, scope: str = "") -> Mapping[str, str]:
        """Final statuses of the steps that ended, of the workflow at ``scope``."""
        return self.scopes.get(scope, {})

    def giver(self, path: str) -> StepState:
        """The part that gave what a place gives: its last iteration, or the racer that won."""
        step = self.steps[path]
        while step.parts in ("iterations", "racers") and step.won:
            step = self.steps[step.won]
        return step

    def at_work(self) -> list[StepState]:
        """The steps that are under way and neither made of others nor waiting for a time."""
        return [
            s
            for s in self.steps.values()
            if s.phase in ("resolved", "routed") and not s.parts and s.path not in self.timers
        ]

    def next_due(self) -> datetime | None:
        """When the next timer is due, or the time for the next question is over."""
        asked = [a.due for a in self.open_approvals() if a.due is not None]
        return min([*asked, *self.timers.values()], default=None)
