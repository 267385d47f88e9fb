"""``fold``: events in, state out. Pure, and the only place where a run's state changes.

``LEGAL`` is the table of what may happen to a step in which phase. An event that does not fit
raises IllegalEventError before anything has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.state import ActionState, ApprovalState, CallState, RunState, StepState
from leafmesh_nb.errors import JournalError
from leafmesh_nb.memory.merge import Versioned

__all__ = ["LEGAL", "IllegalEventError", "apply", "fold"]

LEGAL: dict[type[Body], tuple[frozenset[str], str | None]] = {
    ev.StepResolved: (frozenset({"pending"}), "resolved"),
    ev.TaskRouted: (frozenset({"resolved"}), "routed"),
    ev.PolicyDecided: (frozenset({"routed"}), None),
    ev.ApprovalAsked: (frozenset({"routed"}), None),
    ev.CallStarted: (frozenset({"routed"}), None),
    ev.CallFinished: (frozenset({"routed"}), None),
    ev.CallFailed: (frozenset({"routed"}), None),
    ev.BudgetReserved: (frozenset({"routed"}), None),
    ev.BudgetSettled: (frozenset({"routed"}), None),
    ev.BudgetRefused: (frozenset({"routed"}), None),
    ev.MemoryWritten: (frozenset({"routed"}), None),
    ev.MemoryDenied: (frozenset({"routed"}), None),
    ev.StepEnded: (frozenset({"pending", "resolved", "routed"}), "ended"),
}
"""Body → (phases of its step in which it is legal, the phase it leads to)."""


class IllegalEventError(JournalError):
    """An event that cannot follow the events before it."""


def fold(events: Iterable[Event]) -> RunState:
    """The state after ``events``, the first of which starts the run."""
    state: RunState | None = None
    for event in events:
        if state is None:
            state = begin(event)
        else:
            apply(state, event)
    if state is None:
        raise JournalError("a run without events has no state")
    return state


def begin(event: Event) -> RunState:
    """The state after a run's first event."""
    body = event.body
    if not isinstance(body, ev.RunStarted) or event.seq != 1:
        raise IllegalEventError(f"{event.stream} does not begin with run.started")
    return RunState(
        run=event.stream.removeprefix("run:"),
        started=body,
        started_at=event.ts,
        seq=1,
        epoch=event.epoch,
        last_at=event.ts,
        functions=dict(body.functions),
        steps_left=0 if body.step_by_step else None,
    )


def apply(state: RunState, event: Event) -> None:
    """Carry one event into ``state``. Raises IllegalEventError, with ``state`` unchanged."""
    body = event.body
    if event.seq != state.seq + 1:
        raise IllegalEventError(f"{event.stream}: seq {event.seq} cannot follow seq {state.seq}")
    if state.ended is not None:
        raise IllegalEventError(f"{event.stream} has ended; {event.kind} cannot follow")
    handler = _HANDLERS.get(type(body))
    if handler is None:
        raise IllegalEventError(f"{event.kind} does not belong in the stream of a run")
    legal = LEGAL.get(type(body))
    if legal is None or (isinstance(body, ev.MemoryWritten) and not event.path):
        handler(state, event, body)
    else:
        step = state.steps.get(event.path) or StepState(event.path)
        phases, leads_to = legal
        if step.phase not in phases:
            raise IllegalEventError(
                f"{event.stream} seq {event.seq}: {event.kind} cannot happen to step "
                f"{event.path!r} in phase {step.phase}"
            )
        handler(state, event, body)
        state.steps.setdefault(event.path, step)
        if leads_to is not None:
            state.steps[event.path].phase = leads_to
    state.seq, state.epoch, state.last_at = event.seq, event.epoch, event.ts


def _step(state: RunState, event: Event) -> StepState:
    return state.steps.setdefault(event.path, StepState(event.path))


def _call(state: RunState, event: Event, key: str) -> CallState:
    call = state.calls.get(key)
    if call is None or not call.open:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: no open call {key}")
    return call


def _approval(state: RunState, event: Event, id: str) -> ApprovalState:
    approval = state.approvals.get(id)
    if approval is None:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: no question {id}")
    return approval


def _open(state: RunState, event: Event, id: str) -> ApprovalState:
    approval = _approval(state, event, id)
    if approval.status != "open":
        raise IllegalEventError(f"{event.stream} seq {event.seq}: question {id} is closed")
    return approval


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _paused(state: RunState, event: Event, body: ev.RunPaused) -> None:
    state.paused = True


def _resumed(state: RunState, event: Event, body: ev.RunResumed) -> None:
    if body.recovered:
        for call in state.calls.values():
            call.in_doubt = call.in_doubt or call.open
    else:
        state.paused = False
        state.steps_left = body.steps


def _ended(state: RunState, event: Event, body: ev.RunEnded) -> None:
    state.ended = body.status
    state.output = body.output
    state.error = dict(body.error) if body.error else None


def _rebound(state: RunState, event: Event, body: ev.RunRebound) -> None:
    state.functions.update(body.functions)


def _resolved(state: RunState, event: Event, body: ev.StepResolved) -> None:
    step = _step(state, event)
    step.inputs, step.versions = dict(body.inputs), dict(body.memory)
    step.resolved_at = event.ts
    if body.run and state.steps_left:
        state.steps_left -= 1


def _routed(state: RunState, event: Event, body: ev.TaskRouted) -> None:
    step = _step(state, event)
    step.agent, step.model = body.agent or "", body.model


def _decided(state: RunState, event: Event, body: ev.PolicyDecided) -> None:
    step = _step(state, event)
    before = step.actions.get(body.action)
    ids = list(before.approvals) if before else []
    for id in ids:
        approval = state.approvals[id]
        if body.edited_by and approval.answer == "edit" and approval.person == body.edited_by:
            # The editor's own answer holds for what the edit made of the action.
            approval.digest = body.digest
        elif approval.status == "open" and approval.digest != body.digest:
            approval.status = "superseded"
    requested = before.requested if before and body.edited_by else body.value
    step.actions[body.action] = ActionState(body, body.value, requested, ids)


def _asked(state: RunState, event: Event, body: ev.ApprovalAsked) -> None:
    if body.id in state.approvals:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: question {body.id} exists")
    action = _step(state, event).actions.get(body.action)
    if action is None:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: nothing to ask about")
    action.approvals.append(body.id)
    if body.point == "in_doubt":
        call = state.calls.get(body.digest)
        if call is not None:
            call.in_doubt = True
    state.approvals[body.id] = ApprovalState(
        path=event.path,
        asked=body,
        digest=body.digest,
        asked_at=event.ts,
        to=body.to,
        roster=tuple(body.roster),
        due=_time(body.due),
        ladder=tuple(body.ladder),
    )


def _answered(state: RunState, event: Event, body: ev.ApprovalAnswered) -> None:
    approval = _open(state, event, body.id)
    approval.answer, approval.person, approval.note = body.answer, body.person, body.note
    if body.answer != "escalate":
        approval.status = "rejected" if body.answer == "reject" else "approved"
        approval.value = body.value


def _refused(state: RunState, event: Event, body: ev.ApprovalRefused) -> None:
    _approval(state, event, body.id)


def _escalated(state: RunState, event: Event, body: ev.ApprovalEscalated) -> None:
    approval = _open(state, event, body.id)
    approval.to, approval.roster = body.to, tuple(body.roster)
    approval.due, approval.ladder = _time(body.due), tuple(body.ladder)


def _expired(state: RunState, event: Event, body: ev.ApprovalExpired) -> None:
    _open(state, event, body.id).status = "expired"


def _call_started(state: RunState, event: Event, body: ev.CallStarted) -> None:
    step = _step(state, event)
    known = state.calls.get(body.key)
    if known is not None and not known.open:
        raise IllegalEventError(
            f"{event.stream} seq {event.seq}: call {body.key} has ended; it is never sent again"
        )
    approvals = [_approval(state, event, id) for id in body.approvals]
    reserved = known.reserved if known else Decimal(0)
    state.calls[body.key] = CallState(event.path, body, reserved=reserved)
    if body.call == "tool":
        step.tools[body.ordinal] = body.key
    else:
        step.main = body.key
    if body.call != "function" and known is None:
        step.calls += 1
    for approval in approvals:
        approval.consumed = True


def _call_finished(state: RunState, event: Event, body: ev.CallFinished) -> None:
    _call(state, event, body.key).finished = body
    for approval in state.approvals.values():
        if approval.digest == body.key and approval.status == "open":
            approval.status = "superseded"
    cost = Decimal(body.cost)
    state.spent += cost
    state.list_price += cost if body.list_cost is None else Decimal(body.list_cost)
    state.tokens += body.tokens_in + body.tokens_out


def _call_failed(state: RunState, event: Event, body: ev.CallFailed) -> None:
    _call(state, event, body.key).failed = body


def _written(state: RunState, event: Event, body: ev.MemoryWritten) -> None:
    if body.scope == "run":
        _put(state, body.field, body.value, body.version)


def _patched(state: RunState, event: Event, body: ev.MemoryPatched) -> None:
    _put(state, body.field, body.value, body.version)


def _put(state: RunState, name: str, value: Any, version: int) -> None:
    state.memory[name] = Versioned(value, version)
    state.history[name, version] = value


def _memory_denied(state: RunState, event: Event, body: ev.MemoryDenied) -> None:
    pass  # recorded for people; it changes nothing that the run decides on


def _reserved(state: RunState, event: Event, body: ev.BudgetReserved) -> None:
    amount, step = Decimal(body.amount), _step(state, event)
    call = state.calls.get(body.key)
    if call is None:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: no call {body.key}")
    call.reserved += amount
    step.reserved += amount
    state.reserved += amount


def _settled(state: RunState, event: Event, body: ev.BudgetSettled) -> None:
    call, step = state.calls.get(body.key), _step(state, event)
    if call is None:
        raise IllegalEventError(f"{event.stream} seq {event.seq}: no call {body.key}")
    step.reserved -= call.reserved
    state.reserved -= call.reserved
    call.reserved = Decimal(0)
    step.spent += Decimal(body.amount)
    state.settled += Decimal(body.amount)


def _budget_refused(state: RunState, event: Event, body: ev.BudgetRefused) -> None:
    pass  # recorded for people; the step.ended that follows carries the failure


def _step_ended(state: RunState, event: Event, body: ev.StepEnded) -> None:
    step = _step(state, event)
    step.status, step.output = body.status, body.output
    step.error = dict(body.error) if body.error else None
    for approval in state.approvals.values():
        if approval.path == event.path and approval.status == "open":
            approval.status = "superseded"


_HANDLERS: dict[type[Body], Callable[[RunState, Event, Any], None]] = {
    ev.RunPaused: _paused,
    ev.RunResumed: _resumed,
    ev.RunEnded: _ended,
    ev.RunRebound: _rebound,
    ev.StepResolved: _resolved,
    ev.TaskRouted: _routed,
    ev.PolicyDecided: _decided,
    ev.ApprovalAsked: _asked,
    ev.ApprovalAnswered: _answered,
    ev.ApprovalRefused: _refused,
    ev.ApprovalEscalated: _escalated,
    ev.ApprovalExpired: _expired,
    ev.CallStarted: _call_started,
    ev.CallFinished: _call_finished,
    ev.CallFailed: _call_failed,
    ev.MemoryWritten: _written,
    ev.MemoryPatched: _patched,
    ev.MemoryDenied: _memory_denied,
    ev.BudgetReserved: _reserved,
    ev.BudgetSettled: _settled,
    ev.BudgetRefused: _budget_refused,
    ev.StepEnded: _step_ended,
}
