"""What each pure effect records: resolving, routing and ending steps, and ending the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.events import (
    Body,
    BudgetSettled,
    CallFailed,
    RunEnded,
    StepEnded,
    StepResolved,
    TaskRouted,
)
from leafmesh_nb.engine.names import memory_versions, output_value, step_names
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.language.expressions import ErrorValue, Expression
from leafmesh_nb.language.spec import Capability
from leafmesh_nb.language.to_json import dump, dump_any
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.merge import Write, write_type
from leafmesh_nb.routing.suitability import Observed, rank

__all__ = [
    "cancel_run",
    "end_run",
    "expected_prices",
    "failure",
    "request_text",
    "resolve",
    "route",
    "saves",
    "start_saves",
]


def failure(kind: str, message: str, step: str = "") -> dict[str, Any]:
    """An error as events carry it: its place in the exception tree, and what a person reads."""
    return {"kind": kind, "message": message, **({"step": step} if step else {})}


def resolve(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> tuple[Body, ...]:
    """Evaluate ``when`` and ``with``; a skip or an error ends the step at once."""
    step = plan.step(path)
    names = step_names(plan, state, shared, now)
    versions = memory_versions(plan, state, shared)
    values: tuple[Any, ...] = ()
    if step.when is not None:
        explanation = step.when.explain(names, now=now)
        values = tuple([part.text, _shown(part.value)] for part in explanation.parts)
        if explanation.value is False:
            reason = f"when is false: {step.when.text}"
            return (
                StepResolved(run=False, memory=versions, values=values, reason=reason),
                StepEnded("skipped", error=failure("Skipped", reason, path)),
            )
        if explanation.value is not True:
            return _unresolved(path, f"when: {_problem(explanation.value)}", versions, values)
    inputs: dict[str, Any] = {}
    for name, expression in step.inputs.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            return _unresolved(path, f"with.{name}: {_problem(value)}", versions, values)
        inputs[name] = value
    kind = plan.capability(path).input
    try:
        accepted: Any = dump(kind, accept(kind, inputs))
    except TypeMismatch as error:
        return _unresolved(path, f"with: {error}", versions, values)
    return (StepResolved(True, accepted, versions, values),)


def _unresolved(
    path: str, message: str, versions: Mapping[str, int], values: tuple[Any, ...]
) -> tuple[Body, ...]:
    error = failure("ExpressionError", message, path)
    return (
        StepResolved(run=False, memory=versions, values=values, error=error),
        StepEnded("failed", error=error),
    )


def route(plan: Plan, state: RunState, path: str, observed: Observed) -> tuple[Body, ...]:
    """Rank the candidates; with nobody left the step ends with the list of who was excluded."""
    declared, step = plan.step(path), state.steps[path]
    ranking = rank(plan.spec, declared, request_text(step.inputs), observed)
    best = ranking.best
    error = None
    if best is None:
        message = f"nobody can take {declared.capability}: {ranking.hindrances}"
        error = failure("RoutingError", message, path)
    routed = TaskRouted(
        capability=declared.capability or "",
        candidates=tuple(c.to_json() for c in ranking.candidates),
        excluded=tuple({"agent": e.agent, "reason": e.reason} for e in ranking.excluded),
        agent=best.agent if best else None,
        model=best.model if best else None,
        tie=ranking.tie,
        error=error,
    )
    return (routed,) if best else (routed, StepEnded("failed", error=error))


def request_text(inputs: Mapping[str, Any]) -> str:
    """The words of a step's inputs, as text fit reads them."""
    return "\n".join(value for value in inputs.values() if isinstance(value, str))


def saves(
    plan: Plan,
    state: RunState,
    shared: SharedState,
    step: StepState,
    output: Any,
    now: datetime,
) -> tuple[Write, ...] | str:
    """What a step's ``save`` writes, given its output in JSON form; a text when it cannot."""
    declared = plan.step(step.path)
    if not declared.save:
        return ()
    names = step_names(plan, state, shared, now)
    names["output"] = output_value(plan, state, step.path, output)
    return _writes(plan, declared.save, names, now)


def start_saves(
    plan: Plan, state: RunState, shared: SharedState, now: datetime
) -> tuple[Write, ...] | str:
    """What the workflow's own ``save`` writes when the run starts; a text when it cannot."""
    return _writes(plan, plan.workflow.save, step_names(plan, state, shared, now), now)


def _writes(
    plan: Plan, expressions: Mapping[str, Expression], names: Mapping[str, Any], now: datetime
) -> tuple[Write, ...] | str:
    found = []
    for name, expression in expressions.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            return f"save.{name}: {_problem(value)}"
        field = plan.spec.memory[name]
        kind = write_type(field, field.merge)
        try:
            found.append(Write(name, dump(kind, accept(kind, value)), field.merge))
        except TypeMismatch as error:
            return f"save.{name}: {error}"
    return tuple(found)


def end_run(
    plan: Plan, state: RunState, shared: SharedState, failed: str, now: datetime
) -> tuple[tuple[str, Body], ...]:
    """End what is still under way as cancelled, then the run; ``(path, body)`` in order."""
    if failed:
        error = dict(state.steps[failed].error or failure("StepFailed", f"{failed} failed"))
        ended = RunEnded("failed", error=error | {"step": failed})
        return (*_abandoned(state, f"step {failed} failed"), ("", ended))
    names = step_names(plan, state, shared, now)
    output: dict[str, Any] = {}
    for name, expression in plan.workflow.output.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            error = failure("ExpressionError", f"output.{name}: {_problem(value)}")
            return (("", RunEnded("failed", error=error)),)
        output[name] = value
    kind = plan.workflow.output_type
    try:
        dumped = dump(kind, accept(kind, output))
    except TypeMismatch as mismatch:
        error = failure("ExpressionError", f"output: {mismatch}")
        return (("", RunEnded("failed", error=error)),)
    return (("", RunEnded("done", output=dumped)),)


def cancel_run(state: RunState, by: str) -> tuple[tuple[str, Body], ...]:
    """End everything as cancelled; ``(path, body)`` in order."""
    why = f"cancelled by {by}"
    ended = RunEnded("cancelled", error=failure("Cancelled", why))
    return (*_abandoned(state, why), ("", ended))


def _abandoned(state: RunState, why: str) -> list[tuple[str, Body]]:
    """End the steps that are under way, with their calls.

    A call without a side effect counts as failed, and what was reserved for it as spent: nobody
    will learn what it cost. A side effect in doubt stays so, for people to see.
    """
    bodies: list[tuple[str, Body]] = []
    for path, step in state.steps.items():
        if step.phase == "ended":
            continue
        for key, call in state.calls.items():
            if call.path != path or not call.open:
                continue
            if not call.started.side_effect:
                bodies.append((path, CallFailed(key, failure("Cancelled", why, path))))
            if call.reserved:
                bodies.append((path, BudgetSettled(key, str(call.reserved))))
        bodies.append((path, StepEnded("cancelled", error=failure("Cancelled", why, path))))
    return bodies


def expected_tokens(capability: Capability, inputs: Mapping[str, Any]) -> tuple[int, int]:
    """A rough size of a call in tokens, for comparing prices: what goes in, what comes out."""
    text = request_text(inputs)
    return 200 + len(text) // 4, 40 * max(1, len(capability.output.fields))


def expected_prices(
    plan: Plan, path: str, inputs: Mapping[str, Any], list_cost: Any
) -> dict[str, Decimal]:
    """Expected US dollars a call, by model; a model without a known price is absent."""
    tokens_in, tokens_out = expected_tokens(plan.capability(path), inputs)
    found: dict[str, Decimal] = {}
    for name, model in plan.spec.models.items():
        cost = list_cost(model, tokens_in, tokens_out)
        if cost is not None:
            found[name] = cost
    return found


def _problem(value: Any) -> str:
    return value.message if isinstance(value, ErrorValue) else "the condition is no boolean"


def _shown(value: Any) -> Any:
    return f"error: {value.message}" if isinstance(value, ErrorValue) else dump_any(value)
