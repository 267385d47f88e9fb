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
"""Body → (phases of its step in which it is legal, the phase it leads to).

What is not listed happens to the run as a whole, or to a question (legal while it is open)."""


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
    if event.seq != state.seq + 1:
        raise IllegalEventError(f"{event.stream}: seq {event.seq} cannot follow seq {state.seq}")
    if state.ended is not None:
        raise IllegalEventError(f"{event.stream} has ended; {event.kind} cannot follow")
    try:
        if event.path and type(event.body) in LEGAL:
            _apply_to_step(state, event)
        else:
            _apply_to_run(state, event)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise _illegal(event, f"a value of {event.kind} cannot be read: {error}") from None
    state.seq, state.epoch, state.last_at = event.seq, event.epoch, event.ts


def _apply_to_step(state: RunState, event: Event) -> None:
    kind = type(event.body)
    step = state.steps.get(event.path) or StepState(event.path)
    phases, leads_to = LEGAL[kind]
    if step.phase not in phases:
        raise _illegal(
            event, f"{event.kind} cannot happen to step {event.path!r} in phase {step.phase}"
        )
    _OF_STEP[kind](state, step, event, event.body)
    if leads_to is not None:
        step.phase = leads_to
    state.steps.setdefault(event.path, step)


def _apply_to_run(state: RunState, event: Event) -> None:
    handler = _OF_RUN.get(type(event.body))
    if handler is None:
        raise _illegal(event, f"{event.kind} does not belong here in the stream of a run")
    handler(state, event, event.body)


def _illegal(event: Event, why: str) -> IllegalEventError:
    return IllegalEventError(f"{event.stream} seq {event.seq}: {why}")


# Each handler reads and checks all that it needs before it changes anything.


def _call(state: RunState, event: Event, key: str) -> CallState:
    call = state.calls.get(key)
    if call is None or not call.open:
        raise _illegal(event, f"no open call {key}")
    return call


def _any_call(state: RunState, event: Event, key: str) -> CallState:
    call = state.calls.get(key)
    if call is None:
        raise _illegal(event, f"no call {key}")
    return call


def _approval(state: RunState, event: Event, id: str) -> ApprovalState:
    approval = state.approvals.get(id)
    if approval is None:
        raise _illegal(event, f"no question {id}")
    return approval


def _open(state: RunState, event: Event, id: str) -> ApprovalState:
    approval = _approval(state, event, id)
    if approval.status != "open":
        raise _illegal(event, f"question {id} is closed")
    return approval


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _money(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text} is no amount")
    return amount


def _supersede(state: RunState, path: str, *, digest: str | None = None) -> None:
    """Close the open questions of a step (about one digest) that nobody needs to answer now."""
    for approval in state.approvals.values():
        if (
            approval.status == "open"
            and approval.path == path
            and digest in (None, approval.digest)
        ):
            approval.status = "superseded"


# The run as a whole


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
    if body.status not in ("done", "failed", "cancelled"):
        raise _illegal(event, f"a run cannot end as {body.status!r}")
    underway = [s.path for s in state.steps.values() if s.phase in ("resolved", "routed")]
    if underway:
        raise _illegal(event, f"the run cannot end while {', '.join(underway)} is under way")
    error = dict(body.error) if body.error else None
    state.ended, state.output, state.error = body.status, body.output, error


def _rebound(state: RunState, event: Event, body: ev.RunRebound) -> None:
    state.functions.update(dict(body.functions))


def _saved(state: RunState, event: Event, body: ev.MemoryWritten) -> None:
    """The workflow's own ``save``: all of it is one transaction."""
    _put(state, body)
    state.saved = True


def _patched(state: RunState, event: Event, body: ev.MemoryPatched) -> None:
    _put(state, body)


def _put(state: RunState, body: ev.MemoryWritten | ev.MemoryPatched) -> None:
    if isinstance(body, ev.MemoryWritten) and body.scope != "run":
        return
    known, written = (body.field, int(body.version)), Versioned(body.value, body.version)
    state.history[known] = body.value
    state.memory[body.field] = written


# Questions


def _answered(state: RunState, event: Event, body: ev.ApprovalAnswered) -> None:
    approval = _open(state, event, body.id)
    approval.answer, approval.person, approval.note = body.answer, body.person, body.note
    if body.answer == "escalate":
        return
    approval.value = body.value
    approval.status = "rejected" if body.answer == "reject" else "approved"
    if body.answer == "reject":
        # One no decides: the other rosters need not answer any more.
        _supersede(state, approval.path, digest=approval.digest)


def _refused(state: RunState, event: Event, body: ev.ApprovalRefused) -> None:
    _approval(state, event, body.id)


def _escalated(state: RunState, event: Event, body: ev.ApprovalEscalated) -> None:
    approval = _open(state, event, body.id)
    due, roster, ladder = _time(body.due), tuple(body.roster), tuple(body.ladder)
    approval.to, approval.roster, approval.due, approval.ladder = body.to, roster, due, ladder


def _expired(state: RunState, event: Event, body: ev.ApprovalExpired) -> None:
    approval = _open(state, event, body.id)
    approval.status = "expired"
    _supersede(state, approval.path, digest=approval.digest)


# Steps


def _resolved(state: RunState, step: StepState, event: Event, body: ev.StepResolved) -> None:
    step.inputs, step.versions = dict(body.inputs), dict(body.memory)
    step.resolved_at = event.ts
    if body.run and state.steps_left:
        state.steps_left -= 1


def _routed(state: RunState, step: StepState, event: Event, body: ev.TaskRouted) -> None:
    step.agent, step.model = body.agent or "", body.model


def _decided(state: RunState, step: StepState, event: Event, body: ev.PolicyDecided) -> None:
    before = step.actions.get(body.action)
    ids = list(before.approvals) if before else []
    for id in ids:
        approval = state.approvals[id]
        if approval.asked.point == "in_doubt":
            continue
        if body.edited_by and approval.answer == "edit" and approval.person == body.edited_by:
            # The editor's own answer holds for what the edit made of the action.
            approval.digest = body.digest
        elif approval.status == "open" and approval.digest != body.digest:
            approval.status = "superseded"
    requested = before.requested if before and body.edited_by else body.value
    step.actions[body.action] = ActionState(body, body.value, requested, ids)


def _asked(state: RunState, step: StepState, event: Event, body: ev.ApprovalAsked) -> None:
    if body.id in state.approvals:
        raise _illegal(event, f"question {body.id} exists")
    action = step.actions.get(body.action)
    if action is None:
        raise _illegal(event, "nothing to ask about")
    call = _call(state, event, body.digest) if body.point == "in_doubt" else None
    approval = ApprovalState(
        path=event.path,
        asked=body,
        digest=body.digest,
        asked_at=event.ts,
        to=body.to,
        roster=tuple(body.roster),
        due=_time(body.due),
        ladder=tuple(body.ladder),
    )
    if call is not None:
        call.in_doubt = True
    action.approvals.append(body.id)
    state.approvals[body.id] = approval


def _call_started(state: RunState, step: StepState, event: Event, body: ev.CallStarted) -> None:
    known = state.calls.get(body.key)
    if known is not None and not known.open:
        raise _illegal(event, f"call {body.key} has ended; it is never sent again")
    approvals = [_approval(state, event, id) for id in body.approvals]
    own = known.started.approvals if known else ()
    for approval in approvals:
        # To send a call again is the same call: what approved it still holds.
        if approval.status != "approved" or (approval.consumed and approval.id not in own):
            raise _illegal(event, f"the approval {approval.id} is used up or was never given")
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


def _call_finished(state: RunState, step: StepState, event: Event, body: ev.CallFinished) -> None:
    call = _call(state, event, body.key)
    _count(state, body)
    call.finished = body
    _supersede(state, step.path, digest=body.key)  # it is in doubt no longer


def _call_failed(state: RunState, step: StepState, event: Event, body: ev.CallFailed) -> None:
    call = _call(state, event, body.key)
    _count(state, body)
    call.failed = body
    _supersede(state, step.path, digest=body.key)


def _count(state: RunState, body: ev.CallFinished | ev.CallFailed) -> None:
    cost = _money(body.cost)
    listed = cost if body.list_cost is None else _money(body.list_cost)
    tokens = int(body.tokens_in) + int(body.tokens_out)
    state.spent += cost
    state.list_price += listed
    state.tokens += tokens


def _written(state: RunState, step: StepState, event: Event, body: ev.MemoryWritten) -> None:
    _put(state, body)


def _reserved(state: RunState, step: StepState, event: Event, body: ev.BudgetReserved) -> None:
    call, amount = _call(state, event, body.key), _money(body.amount)
    call.reserved += amount
    step.reserved += amount
    state.reserved += amount


def _settled(state: RunState, step: StepState, event: Event, body: ev.BudgetSettled) -> None:
    call, amount = _any_call(state, event, body.key), _money(body.amount)
    step.reserved -= call.reserved
    state.reserved -= call.reserved
    call.reserved = Decimal(0)
    step.spent += amount
    state.settled += amount


def _noted(state: RunState, step: StepState, event: Event, body: Body) -> None:
    pass  # recorded for people; it changes nothing that the run decides on


def _step_ended(state: RunState, step: StepState, event: Event, body: ev.StepEnded) -> None:
    if body.status not in ("done", "failed", "skipped", "cancelled"):
        raise _illegal(event, f"a step cannot end as {body.status!r}")
    for key in step.tools.values():
        call = state.calls[key]
        if call.open and call.started.side_effect and not call.in_doubt:
            raise _illegal(event, f"step {step.path!r} cannot end while {call.started.target} acts")
    error = dict(body.error) if body.error else None
    step.status, step.output, step.error = body.status, body.output, error
    _supersede(state, step.path)


_OF_RUN: dict[type[Body], Callable[[RunState, Event, Any], None]] = {
    ev.RunPaused: _paused,
    ev.RunResumed: _resumed,
    ev.RunEnded: _ended,
    ev.RunRebound: _rebound,
    ev.MemoryWritten: _saved,
    ev.MemoryPatched: _patched,
    ev.ApprovalAnswered: _answered,
    ev.ApprovalRefused: _refused,
    ev.ApprovalEscalated: _escalated,
    ev.ApprovalExpired: _expired,
}

_OF_STEP: dict[type[Body], Callable[[RunState, StepState, Event, Any], None]] = {
    ev.StepResolved: _resolved,
    ev.TaskRouted: _routed,
    ev.PolicyDecided: _decided,
    ev.ApprovalAsked: _asked,
    ev.CallStarted: _call_started,
    ev.CallFinished: _call_finished,
    ev.CallFailed: _call_failed,
    ev.BudgetReserved: _reserved,
    ev.BudgetSettled: _settled,
    ev.BudgetRefused: _noted,
    ev.MemoryWritten: _written,
    ev.MemoryDenied: _noted,
    ev.StepEnded: _step_ended,
}
