"""Requests that go out of a step, and the money set aside for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json, JsonMap

__all__ = [
    "BudgetRefused",
    "BudgetReserved",
    "BudgetSettled",
    "CallFailed",
    "CallFinished",
    "CallStarted",
]


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
    memory that a function read and wants to write: ``[{field, value, op}]``. ``reused`` says who
    paid where another run did, and nothing was paid here: ``{run, cost, list_cost, tokens_in,
    tokens_out}``.
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
    writes: tuple[Json, ...] = ()
    reused: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class CallFailed(Body):
    """The call ended without a result; ``error`` has ``kind`` and ``message``.

    Tokens, money and ``reused`` as in CallFinished: an answer that nobody can use has its price
    all the same.
    """

    kind: ClassVar[str] = "call.failed"
    key: str
    error: JsonMap
    latency: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: str = "0"
    list_cost: str | None = None
    reused: JsonMap | None = None


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
