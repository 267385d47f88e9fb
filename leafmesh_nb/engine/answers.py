"""What the owner of a run makes of an answer: the events it leads to, or why it does not count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from leafmesh_nb.engine.events import (
    ApprovalAnswered,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalRefused,
    Body,
)
from leafmesh_nb.engine.gate import OUTPUT, PERFORMANCE, passage
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import ApprovalState, RunState
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.types import Type
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.marks import cut

__all__ = ["Answer", "Outcome", "answer", "due_questions", "time_out"]

LONGEST_ID = 100
"""Characters of what somebody takes for a question or an answer, and is written down."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says to a question. ``person`` empty: the first of those who are asked.

    ``channel`` is where it came from (notebook, input line, python, script), ``identity`` how sure
    that is (asserted, signed_in, script). ``inside_call`` marks an answer given by agent code;
    ``session`` is where the stream ``journal`` has the sign-in that a signed_in answer goes by.
    """

    id: str
    answer: str
    person: str = ""
    channel: str = "python"
    identity: str = "asserted"
    note: str = ""
    value: Any = None
    inside_call: bool = False
    session: int = 0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Answer:
        """An answer as it stands in the inbox."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Events to record on the question's step, and the refusal to tell the person, if any."""

    path: str
    bodies: tuple[Body, ...]
    refusal: str = ""


def answer(
    plan: Plan, state: RunState, shared: SharedState, given: Answer, now: datetime
) -> Outcome:
    """Validate an answer against the question as it stands; the first valid one wins."""
    approval = state.approvals.get(given.id)
    if approval is None:
        named = cut(given.id, LONGEST_ID)
        return _refused("", named, given, given.person, f"this run has no question {named}")
    person = given.person or (approval.roster[0] if approval.roster else "")
    refusal = _refusal(approval, given, person)
    if refusal:
        return _refused(approval.path, approval.id, given, person, refusal)
    if given.answer == "escalate":
        return Outcome(approval.path, (_answered(given, person), _next_rung(approval, person, now)))
    if given.answer == "edit":
        return _edited(plan, state, shared, approval, given, person, now)
    return Outcome(approval.path, (_answered(given, person),))


def _refusal(approval: ApprovalState, given: Answer, person: str) -> str:
    asked = approval.asked
    if given.inside_call:
        return "an answer from inside an agent's call does not count"
    if approval.status == "superseded":
        return "the question is no longer asked: what it was about has changed or ended"
    if approval.status != "open":
        by = f" by {approval.person}" if approval.person else ""
        return f"it is decided already: {approval.status}{by}"
    if person not in approval.roster:
        return f"{person or 'nobody'} is not among those asked ({', '.join(approval.roster)})"
    if given.answer not in ("approve", "reject", "edit", "escalate"):
        said = cut(given.answer, LONGEST_ID)
        return f"{said!r} is no answer; say approve, reject, edit or escalate"
    if given.answer == "escalate" and not approval.ladder:
        return "there is nobody further up to escalate to"
    if given.answer not in asked.options and given.answer != "escalate":
        return f"this question takes {', '.join(asked.options)}"
    return ""


def _refused(path: str, id: str, given: Answer, person: str, reason: str) -> Outcome:
    body = ApprovalRefused(id, cut(given.answer, LONGEST_ID), person, given.channel, reason)
    return Outcome(path, (body,), reason)


def _answered(given: Answer, person: str, diff: tuple[Any, ...] = ()) -> ApprovalAnswered:
    return ApprovalAnswered(
        id=given.id,
        answer=given.answer,
        person=person,
        channel=given.channel,
        identity=given.identity,
        note=given.note,
        value=given.value if given.answer == "edit" else None,
        diff=diff,
    )


def _edited(
    plan: Plan,
    state: RunState,
    shared: SharedState,
    approval: ApprovalState,
    given: Answer,
    person: str,
    now: datetime,
) -> Outcome:
    """An edit is a new answer: the schema and the policies look at it again."""
    asked = approval.asked
    kind = _edited_type(plan, approval)
    try:
        value = dump(kind, accept(kind, given.value))
    except TypeMismatch as error:
        why = f"the edited value does not fit: {error}"
        return _refused(approval.path, approval.id, given, person, why)
    diff = tuple(_diff(asked.value, value))
    edited = Answer(**{**_fields(given), "value": value})
    if asked.point == "in_doubt":
        return Outcome(approval.path, (_answered(edited, person, diff),))
    step = state.steps[approval.path]
    tool = "" if asked.action == OUTPUT else asked.subject
    passed = passage(
        plan,
        state,
        shared,
        step,
        asked.action,
        tool=tool,
        requested=value,
        now=now,
        edit=(person, value),
    )
    if passed.verdict == "deny":
        why = f"the edited value is denied: {passed.reason}"
        return _refused(approval.path, approval.id, given, person, why)
    return Outcome(approval.path, (_answered(edited, person, diff), *passed.bodies))


def _edited_type(plan: Plan, approval: ApprovalState) -> Type:
    asked = approval.asked
    if asked.action in (OUTPUT, PERFORMANCE):
        return plan.output_type(approval.path)
    tool = plan.spec.tools[asked.subject]
    return tool.output if asked.point == "in_doubt" else tool.input


def _fields(given: Answer) -> dict[str, Any]:
    return {name: getattr(given, name) for name in Answer.__dataclass_fields__}


def _diff(old: Any, new: Any, path: str = "") -> list[dict[str, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[dict[str, Any]] = []
        for name in dict.fromkeys([*old, *new]):
            below = f"{path}.{name}" if path else str(name)
            found.extend(_diff(old.get(name), new.get(name), below))
        return found
    return [] if old == new else [{"path": path, "old": old, "new": new}]


def _next_rung(approval: ApprovalState, by: str, now: datetime) -> ApprovalEscalated:
    to, roster = approval.ladder[0]
    within = approval.asked.within
    due = None if within is None else (now + timedelta(seconds=within)).isoformat()
    return ApprovalEscalated(approval.id, by, to, tuple(roster), due, tuple(approval.ladder[1:]))


def due_questions(state: RunState, now: datetime) -> tuple[ApprovalState, ...]:
    """Open questions whose time is over."""
    return tuple(a for a in state.open_approvals() if a.due is not None and a.due <= now)


def time_out(approval: ApprovalState, now: datetime) -> Body:
    """Silence escalates; at the end of the ladder it denies."""
    if approval.ladder:
        return _next_rung(approval, "time", now)
    return ApprovalExpired(approval.id)
