"""Deciding a step: whether it runs, with what, and how often. Pure: it names what to record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Body, StepEnded, StepResolved, TimerSet
from leafmesh_nb.engine.keys import share
from leafmesh_nb.engine.names import memory_versions, step_names
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.engine.steps import failure, problem
from leafmesh_nb.language.expressions import ErrorValue
from leafmesh_nb.language.spec import Step
from leafmesh_nb.language.to_json import dump, dump_any
from leafmesh_nb.language.types import Type
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = ["resolve", "retry_timer", "wait_timer"]

LONGEST_BACKOFF = 86_400.0
"""Seconds between two attempts: a backoff that doubles would soon be years."""


class _Unresolved(Exception):
    """Something that a step needs cannot be had; the message says what."""


def resolve(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> tuple[Body, ...]:
    """Evaluate what decides a step, or a part of one; a skip or an error ends it at once."""
    step, form = plan.step(path), plan.form(path)
    names = step_names(plan, state, shared, path, now)
    versions = memory_versions(plan, state, shared)
    values: tuple[Any, ...] = ()
    try:
        if step.when is not None and _decides(step, path):
            explanation = step.when.explain(names, now=now)
            values = tuple([part.text, _shown(part.value)] for part in explanation.parts)
            if explanation.value is False:
                reason = f"when is false: {step.when.text}"
                return (
                    StepResolved(run=False, memory=versions, values=values, reason=reason),
                    StepEnded("skipped", error=failure("Skipped", reason, path)),
                )
            if explanation.value is not True:
                raise _Unresolved(f"when: {problem(explanation.value)}")
        match form:
            case "items":
                items = _items(step, names, now)
                resolved = StepResolved(True, {}, versions, values, parts=form, items=items)
            case "iterations" | "racers":
                resolved = StepResolved(True, {}, versions, values, parts=form)
            case "steps":
                flow = plan.flow(path).workflow
                inputs = _inputs(step, flow.input, flow.defaults, names, now)
                resolved = StepResolved(True, inputs, versions, values, parts=form)
                if step.timeout is not None:
                    return resolved, _timer(now, step.timeout, "timeout")
            case "agent":
                inputs = _inputs(step, plan.capability(path).input, {}, names, now)
                resolved = StepResolved(True, inputs, versions, values)
            case _:
                resolved = StepResolved(True, {}, versions, values)
    except _Unresolved as why:
        error = failure("ExpressionError", str(why), path)
        return (
            StepResolved(run=False, memory=versions, values=values, error=error),
            StepEnded("failed", error=error),
        )
    return (resolved,)


def _decides(step: Step, path: str) -> bool:
    """Whether ``when`` is decided here: once for the step, or once for each of its items."""
    place = paths.parse(path)
    whole = place.item is None or step.for_each is None
    return place.iteration is place.racer is None and (step.when_each != whole)


def _items(step: Step, names: Mapping[str, Any], now: datetime) -> Any:
    loop = step.for_each
    assert loop is not None, "only a for_each has items"
    value = loop.items.evaluate(names, now=now)
    if isinstance(value, ErrorValue):
        raise _Unresolved(f"for_each: {value.message}")
    if isinstance(value, list | tuple) and len(value) > loop.max:
        raise _Unresolved(f"for_each: the list has {len(value):,} items, and max is {loop.max:,}")
    kind = Type("list", items=loop.item_type)
    try:
        return dump(kind, accept(kind, value, computed=True))
    except TypeMismatch as error:
        raise _Unresolved(f"for_each: {error}") from None


def _inputs(
    step: Step,
    kind: Type,
    defaults: Mapping[str, Any],
    names: Mapping[str, Any],
    now: datetime,
) -> Any:
    inputs: dict[str, Any] = dict(defaults)
    for name, expression in step.inputs.items():
        value = expression.evaluate(names, now=now)
        if isinstance(value, ErrorValue):
            raise _Unresolved(f"with.{name}: {value.message}")
        inputs[name] = value
    try:
        return dump(kind, accept(kind, inputs, computed=True))
    except TypeMismatch as error:
        raise _Unresolved(f"with: {error}") from None


def wait_timer(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> TimerSet | str:
    """The timer of a ``wait``; a text when there is no telling when it is due."""
    wait = plan.step(path).wait
    if not isinstance(wait, int | float):
        assert wait is not None, "only a wait has a timer of its own"
        value = wait.evaluate(step_names(plan, state, shared, path, now), now=now)
        if isinstance(value, ErrorValue):
            return f"wait: {value.message}"
        if isinstance(value, datetime):
            return TimerSet(value.astimezone(UTC).isoformat(), "wait")
        if not isinstance(value, timedelta):
            return "wait: this is neither a time nor a duration"
        wait = value.total_seconds()
    try:
        return _timer(now, wait, "wait")
    except OverflowError:
        return "wait: this is longer than there are years"


def retry_timer(plan: Plan, state: RunState, path: str, now: datetime) -> TimerSet:
    """When a step that failed is tried again: its ``backoff``, doubled with each attempt, times a
    share between 0.5 and 1.5 that follows from the run's seed, so that steps which failed together
    do not come back together."""
    retry, step = plan.step(path).retry, state.steps[path]
    assert retry is not None, "only a step that is retried has a timer for it"
    jitter = 0.5 + share(state.started.seed, path, step.generation)
    seconds: float = retry.backoff * 2.0 ** min(step.generation, 40) * jitter
    return _timer(now, min(seconds, LONGEST_BACKOFF), "retry")


def _timer(now: datetime, seconds: float, purpose: str) -> TimerSet:
    return TimerSet((now + timedelta(seconds=seconds)).isoformat(), purpose)


def _shown(value: Any) -> Any:
    return f"error: {value.message}" if isinstance(value, ErrorValue) else dump_any(value)
