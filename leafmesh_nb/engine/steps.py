"""What routing a step records, and what its end writes to memory and asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Body, StepEnded, TaskRouted
from leafmesh_nb.engine.names import output_value, step_names, workflow_names
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.language.expressions import ErrorValue, Expression
from leafmesh_nb.language.spec import Capability
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.merge import Write, write_type
from leafmesh_nb.routing.suitability import Observed, rank

__all__ = [
    "again",
    "evaluated",
    "expected_prices",
    "failure",
    "problem",
    "request_text",
    "route",
    "saves",
    "start_saves",
]


def failure(kind: str, message: str, step: str = "") -> dict[str, Any]:
    """An error as events carry it: its place in the exception tree, and what a person reads."""
    return {"kind": kind, "message": message, **({"step": step} if step else {})}


def route(plan: Plan, state: RunState, path: str, observed: Observed) -> tuple[Body, ...]:
    """Rank the candidates; with nobody left the step ends with the list of who was excluded."""
    declared, step = plan.step(path), state.steps[path]
    ranking = rank(plan.spec, declared, request_text(step.inputs), observed)
    others = _racing(state, path)
    best = next((c for c in ranking.candidates if c.agent not in others), None)
    error = None
    if best is None:
        message = f"nobody can take {declared.capability}: {ranking.hindrances}"
        if ranking.candidates:
            message = f"nobody is left to race for {declared.capability}: {', '.join(others)} do"
        error = failure("RoutingError", message, path)
    routed = TaskRouted(
        capability=declared.capability or "",
        candidates=tuple(c.to_json() for c in ranking.candidates),
        excluded=tuple({"agent": e.agent, "reason": e.reason} for e in ranking.excluded),
        agent=best.agent if best else None,
        model=best.model if best else None,
        tie="" if others else ranking.tie,
        error=error,
    )
    return (routed,) if best else (routed, StepEnded("failed", error=error))


def _racing(state: RunState, path: str) -> dict[str, None]:
    """The agents that race already for the same."""
    whole = state.steps.get(paths.parent(path))
    if whole is None or whole.parts != "racers":
        return {}
    numbers = range(1, whole.begun + 1)
    agents = (state.steps[paths.racer(whole.path, number)].agent for number in numbers)
    return dict.fromkeys(agent for agent in agents if agent)


def request_text(inputs: Mapping[str, Any]) -> str:
    """The words of a step's inputs, as text fit reads them."""
    return "\n".join(value for value in inputs.values() if isinstance(value, str))


def saves(
    plan: Plan, state: RunState, shared: SharedState, path: str, output: Any, now: datetime
) -> tuple[Write, ...] | str:
    """What a step's ``save`` writes, given its output in JSON form; a text when it cannot."""
    declared = plan.step(path)
    if not declared.save or not plan.carries_save(path):
        return ()
    names = step_names(plan, state, shared, path, now)
    names["output"] = output_value(plan, state, path, output)
    return _writes(plan, declared.save, names, now)


def again(
    plan: Plan, state: RunState, shared: SharedState, path: str, output: Any, now: datetime
) -> bool | str | None:
    """Whether ``until`` asks for another iteration, given what this one gave in JSON form; None
    for what is no iteration, a text when it cannot be told."""
    repeat, place = plan.step(path).repeat, paths.parse(path)
    if repeat is None or place.iteration is None or place.racer is not None:
        return None
    names = step_names(plan, state, shared, path, now)
    names["output"] = output_value(plan, state, path, output)
    value = repeat.until.evaluate(names, now=now)
    if not isinstance(value, bool):
        return f"until: {problem(value)}"
    return not value


def evaluated(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> tuple[Any, str]:
    """What a step that nobody performs gives, in JSON form, or a text when it gives nothing."""
    step, kind = plan.step(path), plan.output_type(path)
    if step.let is None:
        timer = state.steps[path].timer
        assert timer is not None, "a wait ends when its time has come"
        return dump(kind, timer.due), ""
    value = step.let.evaluate(step_names(plan, state, shared, path, now), now=now)
    if isinstance(value, ErrorValue):
        return None, f"let: {value.message}"
    try:
        return dump(kind, accept(kind, value, computed=True)), ""
    except TypeMismatch as error:
        return None, f"let: {error}"


def start_saves(
    plan: Plan, state: RunState, shared: SharedState, scope: str, now: datetime
) -> tuple[Write, ...] | str:
    """What the own ``save`` of the workflow at ``scope`` writes when it starts; a text when it
    cannot."""
    names = workflow_names(plan, state, shared, scope, now)
    return _writes(plan, plan.flow(scope).workflow.save, names, now)


def _writes(
    plan: Plan, expressions: Mapping[str, Expression], names: Mapping[str, Any], now: datetime
) -> tuple[Write, ...] | str:
    found = []
    for name, expression in expressions.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            return f"save.{name}: {problem(value)}"
        field = plan.spec.memory[name]
        kind = write_type(field, field.merge)
        try:
            written = dump(kind, accept(kind, value, computed=True))
            found.append(Write(name, written, field.merge))
        except TypeMismatch as error:
            return f"save.{name}: {error}"
    return tuple(found)


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


def problem(value: Any) -> str:
    """Why a value is no condition."""
    return value.message if isinstance(value, ErrorValue) else "the condition is no boolean"
