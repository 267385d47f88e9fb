"""Ending what is made of others, and the run. Pure: it names what to record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Body, BudgetSettled, CallFailed, RunEnded, StepEnded
from leafmesh_nb.engine.names import workflow_names
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.language.expressions import ErrorValue
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = ["abandoned", "cancel_run", "collected", "end_run"]


def collected(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> tuple[Any, str]:
    """What the parts of a step gave, in JSON form, or a text when it cannot be made an output."""
    step = state.steps[path]
    if step.parts == "items":
        places = (paths.item(path, index) for index in range(step.begun))
        return [state.steps[place].output for place in places], ""
    if step.parts == "steps":
        return _output(plan, state, shared, path, now)
    return state.steps[step.won].output, ""


def _output(
    plan: Plan, state: RunState, shared: SharedState, scope: str, now: datetime
) -> tuple[Any, str]:
    """The output of the workflow at ``scope`` in JSON form, or a text when there is none."""
    flow, output = plan.flow(scope).workflow, {}
    names = workflow_names(plan, state, shared, scope, now)
    for name, expression in flow.output.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            return None, f"output.{name}: {value.message}"
        output[name] = value
    try:
        accepted = accept(flow.output_type, output, computed=True)
        return dump(flow.output_type, accepted), ""
    except TypeMismatch as mismatch:
        return None, f"output: {mismatch}"


def end_run(
    plan: Plan, state: RunState, shared: SharedState, failed: str, now: datetime
) -> tuple[tuple[str, Body], ...]:
    """End what is still under way as cancelled, then the run; ``(path, body)`` in order."""
    if failed:
        error = dict(state.steps[failed].error or failure("StepFailed", f"{failed} failed"))
        ended = RunEnded("failed", error={"step": failed, **error})
        return (*_all_abandoned(state, f"step {failed} failed"), ("", ended))
    output, why = _output(plan, state, shared, "", now)
    ended = RunEnded("failed", error=failure("ExpressionError", why))
    if not why:
        ended = RunEnded("done", output=output)
    return (*_all_abandoned(state, "the run has ended"), ("", ended))


def cancel_run(state: RunState, by: str) -> tuple[tuple[str, Body], ...]:
    """End everything as cancelled; ``(path, body)`` in order."""
    why = f"cancelled by {by}"
    ended = RunEnded("cancelled", error=failure("Cancelled", why))
    return (*_all_abandoned(state, why), ("", ended))


def _all_abandoned(state: RunState, why: str) -> Iterable[tuple[str, Body]]:
    """The end of all that is under way: what a step is made of comes before the step itself."""
    going = [step for step in state.steps.values() if step.phase != "ended"]
    paths_going = {step.path for step in going}
    for step in sorted(going, key=lambda step: -paths.depth(step.path)):
        yield from ((step.path, body) for body in abandoned(state, step, why))
    for call in state.calls.values():
        if call.open and not call.started.side_effect and call.path not in paths_going:
            lost = f"it had not come back when the run ended: {why}"
            key = call.started.key
            yield call.path, CallFailed(key, failure("Cancelled", lost, call.path))


def abandoned(
    state: RunState, step: StepState, why: str, *, except_key: str = ""
) -> Iterable[Body]:
    """End a step that is under way as cancelled, with its calls.

    A call without a side effect counts as failed, and what was reserved for it as spent: nobody
    will learn what it cost. A side effect in doubt stays so, for people to see. The call with
    ``except_key`` stays open: what it comes to is recorded when it comes.
    """
    keys = dict.fromkeys(key for key in (step.main, *step.tools.values()) if key in state.calls)
    for key in keys:
        call = state.calls[key]
        if not call.open:
            continue
        if not call.started.side_effect and key != except_key:
            yield CallFailed(key, failure("Cancelled", why, step.path))
        if call.reserved:
            yield BudgetSettled(key, str(call.reserved))
    yield StepEnded("cancelled", error=failure("Cancelled", why, step.path))
