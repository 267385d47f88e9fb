"""What happens to the calls of a step, and to the money set aside for them."""

from __future__ import annotations

from decimal import Decimal

from leafmesh_nb.engine import events as ev
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
    call = open_call(state, event, body.key)
    _count(state, body)
    call.finished = body
    supersede(state, step.path, digest=body.key)  # it is in doubt no longer


def call_failed(state: RunState, step: StepState, event: Event, body: ev.CallFailed) -> None:
    call, main = open_call(state, event, body.key), state.calls.get(step.main)
    error = dict(body.error)
    _count(state, body)
    call.failed = body
    if main is not None and main is not call and not main.open:
        step.lost = error
    supersede(state, step.path, digest=body.key)


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
    step.reserved += amount
    state.reserved += amount


def settled(state: RunState, step: StepState, event: Event, body: ev.BudgetSettled) -> None:
    call, amount = known_call(state, event, body.key), money_of(body.amount)
    step.reserved -= call.reserved
    state.reserved -= call.reserved
    call.reserved = Decimal(0)
    step.spent += amount
    state.settled += amount
