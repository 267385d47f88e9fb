"""What the gate decided, and what people were asked and said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json

__all__ = [
    "ApprovalAnswered",
    "ApprovalAsked",
    "ApprovalEscalated",
    "ApprovalExpired",
    "ApprovalRefused",
    "PolicyDecided",
]


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
    policies: tuple[Json, ...] = ()
    asks: tuple[Json, ...] = ()
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
    values: tuple[Json, ...] = ()
    within: float | None = None
    due: str | None = None
    ladder: tuple[Json, ...] = ()
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
    diff: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalRefused(Body):
    """An answer that does not count, and why; the question, if there is one, stays open."""

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
    ladder: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalExpired(Body):
    """Nobody answered up to the end of the ladder: denied."""

    kind: ClassVar[str] = "approval.expired"
    id: str
