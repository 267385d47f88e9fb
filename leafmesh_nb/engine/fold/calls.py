"""What happens to the calls of a step, and to the money set aside for them."""

from __future__ import annotations

from decimal import Decimal

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold.checks import illegal, known_call, known_question, money_of, open_call
from leafmesh_nb.engine.fold.questions import supersede
from leafmesh_nb.engine.state import CallState, RunState, StepState

__all__ = [
    "call_failed",
    "call_finished",
    "call_started",
    "reserved",
    "settled",
]


def call_started(state: RunState, step: StepState, event: Event, body: ev.CallStarted) -> None:
    known = state.calls.get(body.key)
    if known is not None and not known.open:
        raise illegal(event, f"call {body.key} has ended; it is never sent again")
    approvals = [known_question(state, event, id) for id in body.approvals]
    own = known.started.approvals if known else ()
    for approval in approvals:
        # To send a call again is the same call: what approved it still holds.
        if approval.status != "approved" or (approval.consumed and approval.id not in own):
            raise illegal(event, f"the approval {approval.id} is used up or was never given")
    reserved = known.reserved if known else Decimal(0)
    state.calls[body.key] = CallState(event.path, body, reserved=reserved)
    if body.call == "tool":
        step.tools[body.ordinal] = body.key
    else:
        step.main = body.key
    if body.call == "model" and known is None:
        step.calls += 1
    for approval in approvals:
        approval.consumed = True


def call_finished(state: RunState, step: StepState, event: Event, body: ev.CallFinished) -> None:
    call = _ending(state, step, event, body.key)
    _count(state, body)
    call.finished = body
    supersede(state, step.path, digest=body.key)  # it is in doubt no longer


def call_failed(state: RunState, step: StepState, event: Event, body: ev.CallFailed) -> None:
    call, main = _ending(state, step, event, body.key), state.calls.get(step.main)
    error = dict(body.error)
    _count(state, body)
    call.failed = body
    if main is not None and main is not call and not main.open:
        step.lost = error
    supersede(state, step.path, digest=body.key)


def _ending(state: RunState, step: StepState, event: Event, key: str) -> CallState:
    """The call that ends. After its step's end it can only be one that was abandoned with it."""
    call = open_call(state, event, key)
    if step.phase == "ended" and (step.status != "cancelled" or call.path != step.path):
        raise illegal(event, f"{event.kind} cannot happen to step {step.path!r} in phase ended")
    return call


def _count(state: RunState, body: ev.CallFinished | ev.CallFailed) -> None:
    cost = money_of(body.cost)
    listed = cost if body.list_cost is None else money_of(body.list_cost)
    tokens = int(body.tokens_in) + int(body.tokens_out)
    state.spent += cost
    state.list_price += listed
    state.tokens += tokens


def reserved(state: RunState, step: StepState, event: Event, body: ev.BudgetReserved) -> None:
    call, amount = open_call(state, event, body.key), money_of(body.amount)
    call.reserved += amount
    for place in _with_whole(state, step):
        place.reserved += amount
    state.reserved += amount


def _with_whole(state: RunState, step: StepState) -> tuple[StepState, ...]:
    """The step, and the one of the run's own workflow that it is a part of."""
    whole = state.steps.get(paths.outermost(step.path))
    return (step,) if whole is None or whole is step else (step, whole)


def settled(state: RunState, step: StepState, event: Event, body: ev.BudgetSettled) -> None:
    call, amount = known_call(state, event, body.key), money_of(body.amount)
    for place in _with_whole(state, step):
        place.reserved -= call.reserved
        place.spent += amount
    state.reserved -= call.reserved
    call.reserved = Decimal(0)
    state.settled += amount
