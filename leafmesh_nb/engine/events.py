"""What a run is made of: frozen, typed events, and how they stand on disk.

A **body** says what happened; an **event** is a body with its place in a stream. Bodies hold
JSON values only: money is plain decimal text, times are ISO 8601 text in UTC. The payload on disk
is the body's fields as compact JSON with sorted keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, ClassVar

from leafmesh_nb.errors import JournalError

__all__ = [
    "BODIES",
    "ApprovalAnswered",
    "ApprovalAsked",
    "ApprovalEscalated",
    "ApprovalExpired",
    "ApprovalRefused",
    "Body",
    "BudgetRefused",
    "BudgetReserved",
    "BudgetSettled",
    "CallFailed",
    "CallFinished",
    "CallStarted",
    "Draft",
    "Event",
    "MemoryDenied",
    "MemoryPatched",
    "MemoryRevealed",
    "MemoryWritten",
    "PolicyDecided",
    "RunEnded",
    "RunHead",
    "RunPaused",
    "RunRebound",
    "RunResumed",
    "RunStarted",
    "StepEnded",
    "StepResolved",
    "TaskRouted",
    "decode",
    "encode",
]

Json = Any
JsonMap = Mapping[str, Any]


class Body:
    """Base of all bodies. ``kind`` names it on disk, ``v`` is the version of its fields."""

    kind: ClassVar[str]
    v: ClassVar[int] = 1
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class RunStarted(Body):
    """A run begins. ``functions`` maps bound agents and tools to the digest of their code."""

    kind: ClassVar[str] = "run.started"
    mesh: str
    workflow: str
    spec_hash: str
    input: JsonMap
    requester: str
    seed: int
    functions: JsonMap = field(default_factory=dict)
    step_by_step: bool = False
    parent: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class RunPaused(Body):
    """No new step or call starts until the run is resumed; calls in flight may end."""

    kind: ClassVar[str] = "run.paused"
    by: str


@dataclass(frozen=True, slots=True)
class RunResumed(Body):
    """The run goes on: for ``steps`` more steps, or to its end when that is null.

    ``recovered`` says that a new owner took over: what was in flight is in doubt from here.
    """

    kind: ClassVar[str] = "run.resumed"
    by: str
    steps: int | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class RunEnded(Body):
    """``status`` is done, failed or cancelled; ``error`` has ``kind``, ``message``, ``step``."""

    kind: ClassVar[str] = "run.ended"
    status: str
    output: Json = None
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class RunRebound(Body):
    """A person accepted changed functions for this run."""

    kind: ClassVar[str] = "run.rebound"
    by: str
    functions: JsonMap


@dataclass(frozen=True, slots=True)
class RunHead(Body):
    """In the stream ``journal``: the last event of a run that ended."""

    kind: ClassVar[str] = "run.head"
    run: str
    seq: int
    hash: str
    status: str


@dataclass(frozen=True, slots=True)
class StepResolved(Body):
    """A step was decided: run with these inputs, or skip. ``memory`` maps fields to versions.

    ``values`` lists ``[text, value]`` of the sub-expressions of ``when``; ``error`` is set where
    an expression could not be evaluated, which fails the step.
    """

    kind: ClassVar[str] = "step.resolved"
    run: bool
    inputs: JsonMap = field(default_factory=dict)
    memory: JsonMap = field(default_factory=dict)
    values: tuple[Any, ...] = ()
    reason: str = ""
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class TaskRouted(Body):
    """Who performs a step, and why.

    A candidate is ``{agent, model, score, factors: {name: {value, weight, points}}}``; an excluded
    one ``{agent, reason}``. ``agent`` is null when nobody is left. ``tie`` says how a tie broke.
    """

    kind: ClassVar[str] = "task.routed"
    capability: str
    candidates: tuple[Any, ...]
    excluded: tuple[Any, ...]
    agent: str | None
    model: str | None
    tie: str = ""
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class PolicyDecided(Body):
    """One passage of the gate.

    ``action`` identifies what is decided on within the step: ``output``, or ``tool:ORDINAL``;
    ``subject`` is the tool's name or ``output``. A policy is ``{policy, hash, outcome, rules:
    [{rule, verdict, values}]}``. ``asks`` are ``{policy, rule, to, roster, within, escalate,
    reason}``. ``digest`` binds the action and the values the decision read. An edited action is
    recorded with ``edited_by``.
    """

    kind: ClassVar[str] = "policy.decided"
    point: str
    action: str
    subject: str
    outcome: str
    digest: str
    governed: bool
    agent: str
    value: Json = None
    policies: tuple[Any, ...] = ()
    asks: tuple[Any, ...] = ()
    reason: str = ""
    edited_by: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalAsked(Body):
    """A person is asked. ``options`` are the answers that make sense; ``due`` is when the ladder
    moves on. ``shown`` maps labels to what the card shows (JSON values)."""

    kind: ClassVar[str] = "approval.asked"
    id: str
    point: str
    action: str
    subject: str
    digest: str
    to: str
    roster: tuple[str, ...]
    asked_by: str
    policy: str = ""
    rule: str = ""
    reason: str = ""
    value: Json = None
    values: tuple[Any, ...] = ()
    within: float | None = None
    due: str | None = None
    ladder: tuple[Any, ...] = ()
    options: tuple[str, ...] = ("approve", "reject", "edit", "escalate")


@dataclass(frozen=True, slots=True)
class ApprovalAnswered(Body):
    """``answer`` is approve, reject, edit or escalate; an edit carries the new ``value``.

    ``identity`` is asserted, signed_in or script. ``diff`` lists ``{path, old, new}``.
    """

    kind: ClassVar[str] = "approval.answered"
    id: str
    answer: str
    person: str
    channel: str
    identity: str
    note: str = ""
    value: Json = None
    diff: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalRefused(Body):
    """An answer that does not count, and why; the question stays open."""

    kind: ClassVar[str] = "approval.refused"
    id: str
    answer: str
    person: str
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class ApprovalEscalated(Body):
    """The next on the ladder is asked; ``by`` is a person's name, or ``time``."""

    kind: ClassVar[str] = "approval.escalated"
    id: str
    by: str
    to: str
    roster: tuple[str, ...]
    due: str | None
    ladder: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalExpired(Body):
    """Nobody answered up to the end of the ladder: denied."""

    kind: ClassVar[str] = "approval.expired"
    id: str


@dataclass(frozen=True, slots=True)
class CallStarted(Body):
    """Intent: this request is about to go out. ``call`` is model, function or tool.

    ``key`` is stable across crash retries; ``attempt`` counts them from 1. ``approvals`` are the
    questions whose approval this call consumes.
    """

    kind: ClassVar[str] = "call.started"
    key: str
    call: str
    target: str
    agent: str
    ordinal: int
    digest: str
    request: Json = None
    side_effect: bool = False
    attempt: int = 1
    approvals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFinished(Body):
    """The result, in full. Money is in US dollars as text; ``latency`` in seconds.

    ``live`` is false for a recorded or hand-entered result. ``reads`` and ``writes`` are the
    memory that a function read and wants to write: ``[{field, value, op}]``.
    """

    kind: ClassVar[str] = "call.finished"
    key: str
    result: Json
    latency: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: str = "0"
    list_cost: str | None = None
    live: bool = True
    note: str = ""
    reads: tuple[str, ...] = ()
    writes: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFailed(Body):
    """The call ended without a result; ``error`` has ``kind`` and ``message``.

    Tokens and money as in CallFinished: an answer that nobody can use has its price all the same.
    """

    kind: ClassVar[str] = "call.failed"
    key: str
    error: JsonMap
    latency: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: str = "0"
    list_cost: str | None = None


@dataclass(frozen=True, slots=True)
class MemoryWritten(Body):
    """A field has a new value. For scope ``mesh`` the value stands in the stream of the mesh;
    the run's own event has ``scope`` mesh and no value."""

    kind: ClassVar[str] = "memory.written"
    field: str
    version: int
    agent: str
    value: Json = None
    scope: str = "run"
    run: str = ""


@dataclass(frozen=True, slots=True)
class MemoryDenied(Body):
    """An agent tried to read or write a field it was not granted."""

    kind: ClassVar[str] = "memory.denied"
    field: str
    agent: str
    access: str


@dataclass(frozen=True, slots=True)
class MemoryPatched(Body):
    """A person changed a field by hand."""

    kind: ClassVar[str] = "memory.patched"
    field: str
    version: int
    person: str
    value: Json


@dataclass(frozen=True, slots=True)
class MemoryRevealed(Body):
    """In the stream ``journal``: a person looked behind a mask."""

    kind: ClassVar[str] = "memory.revealed"
    run: str
    what: str
    person: str
    channel: str


@dataclass(frozen=True, slots=True)
class BudgetReserved(Body):
    """``amount`` US dollars are set aside for a call, at its worst case."""

    kind: ClassVar[str] = "budget.reserved"
    key: str
    amount: str
    run: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class BudgetSettled(Body):
    """What the call really cost; the rest of its reservation is free again."""

    kind: ClassVar[str] = "budget.settled"
    key: str
    amount: str
    run: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class BudgetRefused(Body):
    """A call that was not made. ``scope`` is calls, cost, step, run or day."""

    kind: ClassVar[str] = "budget.refused"
    key: str
    scope: str
    amount: str
    limit: str
    used: str


@dataclass(frozen=True, slots=True)
class StepEnded(Body):
    """``status`` is done, failed, skipped or cancelled."""

    kind: ClassVar[str] = "step.ended"
    status: str
    output: Json = None
    error: JsonMap | None = None


BODIES: dict[str, type[Body]] = {
    body.kind: body
    for body in (
        RunStarted,
        RunPaused,
        RunResumed,
        RunEnded,
        RunRebound,
        RunHead,
        StepResolved,
        TaskRouted,
        PolicyDecided,
        ApprovalAsked,
        ApprovalAnswered,
        ApprovalRefused,
        ApprovalEscalated,
        ApprovalExpired,
        CallStarted,
        CallFinished,
        CallFailed,
        MemoryWritten,
        MemoryDenied,
        MemoryPatched,
        MemoryRevealed,
        BudgetReserved,
        BudgetSettled,
        BudgetRefused,
        StepEnded,
    )
}

_FIELDS: dict[type[Body], tuple[str, ...]] = {
    body: tuple(f.name for f in fields(body))  # type: ignore[arg-type]  # every body is one
    for body in BODIES.values()
}

_TUPLES: dict[type[Body], tuple[str, ...]] = {
    body: tuple(f.name for f in fields(body) if str(f.type).startswith("tuple"))  # type: ignore[arg-type]  # as above
    for body in BODIES.values()
}
"""The fields that JSON can only say as lists; a value of a run stays the list that it is."""

_COMPACT = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A body that wants a place in a stream."""

    body: Body
    path: str = ""
    ts: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Event:
    """A body in its place. ``seq`` counts from 1 within ``stream``; ``hash`` links the chain."""

    stream: str
    seq: int
    ts: datetime
    epoch: int
    path: str
    body: Body
    hash: str = ""

    @property
    def kind(self) -> str:
        """The body's kind, such as ``step.ended``."""
        return self.body.kind


def encode(body: Body) -> str:
    """The payload of a body: compact JSON, keys sorted, no NaN.

    Text is written as it is; escapes are used only where it holds what UTF-8 cannot (a lone
    surrogate from an agent must not stop a run).
    """
    values = {name: getattr(body, name) for name in _FIELDS[type(body)]}
    text = _COMPACT.encode(values)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text


def decode(kind: str, v: int, payload: str) -> Body:
    """The body of a payload. Raises JournalError for a kind or version this code does not know."""
    body = BODIES.get(kind)
    if body is None or v != body.v:
        raise JournalError(
            f"the journal holds an event {kind!r} (version {v}) that this version of leafmesh_nb "
            "does not know; open it with a newer version"
        )
    values = json.loads(payload)
    for name in _TUPLES[body]:
        if name in values:
            values[name] = tuple(values[name])
    return body(**values)
