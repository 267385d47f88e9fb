"""The gate: the one door between what an agent wants and what takes effect.

Every tool call and every output passes ``passage``. It is pure: it reads the state, evaluates the
policies now, and names the events to record. An approval counts only when its digest is the digest
of what is about to be carried out, so the same look at the policies that asked is taken again
before the effect. A denial is final: an agent that is run again is told the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from leafmesh_nb.engine.events import ApprovalAsked, Body, PolicyDecided
from leafmesh_nb.engine.keys import question_id
from leafmesh_nb.engine.names import output_value, policy_names
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import ActionState, ApprovalState, CallState, RunState, StepState
from leafmesh_nb.language.values import accept
from leafmesh_nb.policy.rules import Ask, Decision, Subject, decide

__all__ = ["OUTPUT", "PERFORMANCE", "Passage", "ask_in_doubt", "passage", "tool_action"]

OUTPUT = "output"
PERFORMANCE = "performance"
"""The action of the call that performs a step: only a doubt about it is ever asked."""


def tool_action(ordinal: int) -> str:
    """The name of a step's tool call among its actions."""
    return f"tool:{ordinal}"


@dataclass(frozen=True, slots=True)
class Passage:
    """What the gate says: ``verdict`` is approve, wait or deny.

    ``bodies`` are to be recorded first; ``value`` is what may take effect (an edit included);
    ``approvals`` are the questions whose approval this passage uses.
    """

    verdict: str
    value: Any
    bodies: tuple[Body, ...] = ()
    approvals: tuple[str, ...] = ()
    reason: str = ""


def passage(
    plan: Plan,
    state: RunState,
    shared: SharedState,
    step: StepState,
    action: str,
    *,
    tool: str = "",
    requested: Any,
    now: datetime,
    edit: tuple[str, Any] | None = None,
) -> Passage:
    """Pass ``requested`` (JSON: a tool's arguments, or an output) through the gate.

    ``edit`` is ``(person, value)`` when a person has just put another value in its place.
    """
    before = step.actions.get(action)
    if before is not None and edit is None:
        denial = _final_denial(state, before)
        if denial:
            return Passage("deny", before.value, reason=denial)
    value = edit[1] if edit else before.value if before else requested
    subject = _subject(plan, step, action, tool, value)
    names = {
        **policy_names(plan, state, shared, step, now),
        **_point_names(plan, state, step, subject),
    }
    decision = decide(plan.spec, subject, names, now)
    if before is None and decision.outcome != "deny":
        refused = _refused_elsewhere(state, step, subject)
        if refused:
            decision = replace(decision, outcome="deny", reason=refused, asks=())
    bodies: list[Body] = []
    if edit or before is None or _differs(before, decision):
        bodies.append(_record(subject, action, decision, edit[0] if edit else ""))
    if decision.outcome == "approve":
        return Passage("approve", value, tuple(bodies))
    if decision.outcome == "deny":
        return Passage("deny", value, tuple(bodies), reason=decision.reason)
    known = _known(state, step, action, before) if before else []
    return _asked(state, step, action, subject, decision, known, bodies, edit, now)


def _final_denial(state: RunState, action: ActionState) -> str:
    """Why this very action was refused before, or an empty text."""
    if action.decided.outcome == "deny":
        return action.decided.reason
    for id in action.approvals:
        approval = state.approvals[id]
        if approval.digest == action.decided.digest and approval.status in ("rejected", "expired"):
            return _refusal(approval)
    return ""


def _refused_elsewhere(state: RunState, step: StepState, subject: Subject) -> str:
    """Why this step was refused the same call before, or an empty text: it is not asked twice."""
    if subject.point != "tool":
        return ""
    for action in step.actions.values():
        same = action.decided.point == "tool" and action.decided.subject == subject.name
        if same and subject.value in (action.requested, action.value):
            denial = _final_denial(state, action)
            if denial:
                return denial
    return ""


def _known(
    state: RunState, step: StepState, action: str, before: ActionState
) -> list[ApprovalState]:
    """The questions that were asked about an action and may still count.

    An approval is used up by the call that it let pass. To send that call again is the same call.
    """
    keys = (key for ordinal, key in step.tools.items() if tool_action(ordinal) == action)
    again = {
        id for key in keys if state.calls[key].open for id in state.calls[key].started.approvals
    }
    asked = [state.approvals[id] for id in before.approvals]
    return [a for a in asked if a.asked.point != "in_doubt" and (not a.consumed or a.id in again)]


def _asked(
    state: RunState,
    step: StepState,
    action: str,
    subject: Subject,
    decision: Decision,
    known: list[ApprovalState],
    bodies: list[Body],
    edit: tuple[str, Any] | None,
    now: datetime,
) -> Passage:
    used: list[str] = []
    waiting = False
    before = step.actions.get(action)
    number = len(before.approvals) if before else 0
    for ask in decision.asks:
        if not ask.roster:
            but = f" but {', '.join(ask.excluded)}, who asked for it" if ask.excluded else ""
            reason = f"nobody can be asked: {ask.to} stands for no one in people{but}"
            return Passage("deny", subject.value, tuple(bodies), reason=reason)
        if edit and edit[0] in ask.roster:
            continue
        answer = _answer_to(ask, decision.digest, known)
        if answer is None:
            id = question_id(state.run, step.path, action, number)
            bodies.append(_question(id, subject, action, step, decision, ask, now))
            number += 1
            waiting = True
        elif answer.status == "open":
            waiting = True
        elif answer.status == "approved":
            used.append(answer.id)
        else:
            return Passage("deny", subject.value, tuple(bodies), reason=_refusal(answer))
    if waiting:
        return Passage("wait", subject.value, tuple(bodies), reason=decision.reason)
    return Passage("approve", subject.value, tuple(bodies), tuple(used))


def _answer_to(ask: Ask, digest: str, known: list[ApprovalState]) -> ApprovalState | None:
    """The latest question for this roster about exactly this action."""
    for approval in reversed(known):
        if approval.digest != digest:
            continue
        same = tuple(approval.asked.roster) == ask.roster
        edited = approval.answer == "edit" and approval.person in ask.roster
        if (same or edited) and approval.status != "superseded":
            return approval
    return None


def _refusal(answer: ApprovalState) -> str:
    if answer.status == "expired":
        return f"nobody answered in time ({answer.to} was asked), and silence denies"
    note = f": {answer.note}" if answer.note else ""
    return f"{answer.person} rejected it{note}"


def ask_in_doubt(
    plan: Plan, state: RunState, step: StepState, call: CallState, now: datetime, *, why: str = ""
) -> ApprovalAsked:
    """The question about a call that was started and whose result never arrived: a side effect, or
    what performs a step that asks about it.

    ``why`` is what is known of it, where something is.

    It goes to whoever approved the action; failing that, to everybody the mesh names.
    """
    tool = call.started.call == "tool"
    action = tool_action(call.started.ordinal) if tool else PERFORMANCE
    asked = [state.approvals[id] for id in call.started.approvals]
    roster = tuple(dict.fromkeys(p for a in asked for p in a.roster)) or tuple(plan.spec.people)
    known = (a for a in state.approvals.values() if a.path == step.path)
    number = sum(a.asked.action == action for a in known)
    return ApprovalAsked(
        id=question_id(state.run, step.path, action, number),
        point="in_doubt",
        action=action,
        subject=call.started.target,
        digest=call.started.key,
        to=asked[0].to if asked else "anyone",
        roster=roster or (state.started.requester,),
        asked_by=step.agent,
        reason=why or f"{call.started.target} was started and its result never arrived",
        value=call.started.request,
        options=("approve", "edit", "reject"),
    )


def _subject(plan: Plan, step: StepState, action: str, tool: str, value: Any) -> Subject:
    is_output = action == OUTPUT
    return Subject(
        point="output" if is_output else "tool",
        name="output" if is_output else tool,
        value=value,
        step=plan.step(step.path).id,
        agent=step.agent,
        capability=plan.step(step.path).capability or "",
        side_effect=not is_output and plan.spec.tools[tool].side_effect,
        at=step.path,
    )


def _point_names(
    plan: Plan, state: RunState, step: StepState, subject: Subject
) -> Mapping[str, Any]:
    if subject.point == "output":
        return {"output": output_value(plan, state, step.path, subject.value)}
    arguments = accept(plan.spec.tools[subject.name].input, subject.value)
    return {"tool": {"name": subject.name, "arguments": arguments}}


def _differs(before: ActionState, decision: Decision) -> bool:
    decided = before.decided
    return decided.digest != decision.digest or decided.outcome != decision.outcome


def _record(subject: Subject, action: str, decision: Decision, edited_by: str) -> PolicyDecided:
    return PolicyDecided(
        point=subject.point,
        action=action,
        subject=subject.name,
        outcome=decision.outcome,
        digest=decision.digest,
        governed=decision.governed,
        agent=subject.agent,
        value=subject.value,
        policies=decision.policies,
        asks=tuple(ask.to_json() for ask in decision.asks),
        reason=decision.reason,
        edited_by=edited_by,
    )


def _question(
    id: str,
    subject: Subject,
    action: str,
    step: StepState,
    decision: Decision,
    ask: Ask,
    now: datetime,
) -> ApprovalAsked:
    due = None if ask.within is None else (now + timedelta(seconds=ask.within)).isoformat()
    return ApprovalAsked(
        id=id,
        point=subject.point,
        action=action,
        subject=subject.name,
        digest=decision.digest,
        to=ask.to,
        roster=ask.roster,
        asked_by=step.agent,
        policy=ask.policy,
        rule=ask.rule,
        reason=ask.reason,
        value=subject.value,
        values=tuple(list(pair) for pair in ask.values),
        within=ask.within,
        due=due,
        ladder=tuple([to, list(roster)] for to, roster in ask.ladder),
        options=("approve", "reject", "edit", *(("escalate",) if ask.ladder else ())),
    )
