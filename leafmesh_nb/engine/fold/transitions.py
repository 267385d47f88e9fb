"""The table of what may happen, and how an event is carried into a state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold import calls, questions, runs, steps
from leafmesh_nb.engine.fold.checks import IllegalEventError, illegal
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.errors import JournalError

__all__ = ["LEGAL", "OF_RUN", "apply", "begin", "fold"]

LEGAL: dict[type[Body], tuple[frozenset[str], str | None]] = {
    ev.StepResolved: (frozenset({"pending"}), "resolved"),
    ev.TaskRouted: (frozenset({"resolved"}), "routed"),
    ev.PolicyDecided: (frozenset({"routed"}), None),
    ev.ApprovalAsked: (frozenset({"routed"}), None),
    ev.CallStarted: (frozenset({"routed"}), None),
    ev.CallFinished: (frozenset({"routed", "ended"}), None),
    ev.CallFailed: (frozenset({"routed", "ended"}), None),
    ev.BudgetReserved: (frozenset({"routed"}), None),
    ev.BudgetSettled: (frozenset({"routed"}), None),
    ev.BudgetRefused: (frozenset({"routed"}), None),
    ev.MemoryWritten: (frozenset({"resolved", "routed"}), None),
    ev.MemoryDenied: (frozenset({"routed"}), None),
    ev.TimerSet: (frozenset({"resolved", "routed"}), None),
    ev.TimerFired: (frozenset({"resolved", "routed"}), None),
    ev.StepEnded: (frozenset({"pending", "resolved", "routed"}), "ended"),
}
"""Body → (phases of its step in which it is legal, the phase it leads to).

What is not listed happens to the run as a whole, or to a question (legal while it is open)."""

OF_RUN: dict[type[Body], Callable[[RunState, Event, Any], None]] = {
    ev.RunPaused: runs.paused,
    ev.RunResumed: runs.resumed,
    ev.RunEnded: runs.ended,
    ev.RunRebound: runs.rebound,
    ev.MemoryWritten: runs.saved,
    ev.MemoryPatched: runs.patched,
    ev.ApprovalAnswered: questions.answered,
    ev.ApprovalRefused: questions.refused,
    ev.ApprovalEscalated: questions.escalated,
    ev.ApprovalExpired: questions.expired,
}

_OF_STEP: dict[type[Body], Callable[[RunState, StepState, Event, Any], None]] = {
    ev.StepResolved: steps.resolved,
    ev.TaskRouted: steps.routed,
    ev.PolicyDecided: steps.decided,
    ev.ApprovalAsked: questions.asked,
    ev.CallStarted: calls.call_started,
    ev.CallFinished: calls.call_finished,
    ev.CallFailed: calls.call_failed,
    ev.BudgetReserved: calls.reserved,
    ev.BudgetSettled: calls.settled,
    ev.BudgetRefused: steps.noted,
    ev.MemoryWritten: steps.written,
    ev.MemoryDenied: steps.noted,
    ev.TimerSet: steps.timer_set,
    ev.TimerFired: steps.timer_fired,
    ev.StepEnded: steps.step_ended,
}


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
        raise illegal(event, f"a value of {event.kind} cannot be read: {error}") from None
    state.seq, state.epoch, state.last_at = event.seq, event.epoch, event.ts


def _apply_to_step(state: RunState, event: Event) -> None:
    kind = type(event.body)
    step = state.steps.get(event.path) or StepState(event.path)
    phases, leads_to = LEGAL[kind]
    if step.phase not in phases:
        raise illegal(
            event, f"{event.kind} cannot happen to step {event.path!r} in phase {step.phase}"
        )
    if step.phase == "pending":
        _check_whole(state, event)
    _OF_STEP[kind](state, step, event, event.body)
    if leads_to is not None:
        step.phase = leads_to
    state.steps.setdefault(event.path, step)


def _check_whole(state: RunState, event: Event) -> None:
    """What a step is a part of must be under way and made of such parts, which begin in order."""
    before = paths.parent(event.path)
    if not before:
        return
    whole, place = state.steps.get(before), paths.parse(event.path)
    made_of = _MADE_OF[event.path[len(before)]]
    if str(place) != event.path:
        raise illegal(event, f"{event.path!r} is no path of a step; {str(place)!r} is")
    if whole is None or whole.phase != "resolved" or whole.parts != made_of:
        raise illegal(event, f"{event.path!r} is no part of anything under way")
    number = {"items": place.item, "iterations": place.iteration, "racers": place.racer}
    first = 0 if made_of == "items" else 1
    if made_of != "steps" and number[made_of] != whole.begun + first:
        raise illegal(event, f"{event.path!r} is not the next of the {made_of} of {before!r}")


_MADE_OF = {"[": "items", "#": "iterations", "@": "racers", "/": "steps"}


def _apply_to_run(state: RunState, event: Event) -> None:
    handler = OF_RUN.get(type(event.body))
    if handler is None:
        raise illegal(event, f"{event.kind} does not belong here in the stream of a run")
    handler(state, event, event.body)
