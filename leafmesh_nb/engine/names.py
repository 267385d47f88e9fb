"""The names that expressions see at each place, as typed Python values.

What the events hold never changes, so each value is typed once and kept beside it
(``RunState.decoded``). Expressions read these values and never change them; whoever hands one to
foreign code types it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.language.expressions import ErrorValue
from leafmesh_nb.language.types import Type, describe
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.merge import initial

__all__ = [
    "instruction_names",
    "memory_values",
    "memory_versions",
    "output_value",
    "policy_names",
    "step_names",
    "workflow_names",
]


def memory_values(
    plan: Plan, state: RunState, shared: SharedState, versions: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Every field's value in JSON form: as it is now, or at the given versions.

    A field that was never written is null, or an empty list where writes add to it.
    """
    at = memory_versions(plan, state, shared) if versions is None else versions
    values: dict[str, Any] = {}
    for name, field in plan.spec.memory.items():
        version = at.get(name, 0)
        memory = (shared if field.scope == "mesh" else state).memory
        values[name] = memory[name].at(version) if version else initial(field)
    return values


def memory_versions(plan: Plan, state: RunState, shared: SharedState) -> dict[str, int]:
    """The version of every field that has been written."""
    versions: dict[str, int] = {}
    for name, field in plan.spec.memory.items():
        current = (shared if field.scope == "mesh" else state).memory.get(name)
        if current is not None:
            versions[name] = current.version
    return versions


def workflow_names(
    plan: Plan, state: RunState, shared: SharedState, scope: str, now: datetime
) -> dict[str, Any]:
    """The names of a workflow's own expressions: the run's, or of the one that ``scope`` runs.

    The output of a step that is not done is null."""
    steps: dict[str, Any] = {}
    for id, status in state.statuses(scope).items():
        output = None
        if status == "done":
            path = paths.inner(scope, id)
            output = output_value(plan, state, path, state.steps[path].output)
        steps[id] = {"status": status, "output": output}
    return {
        "input": _input(plan, state, scope),
        "memory": _memory(plan, state, shared),
        "steps": steps,
        "run": _run(state),
        "now": now,
    }


def step_names(
    plan: Plan, state: RunState, shared: SharedState, path: str, now: datetime
) -> dict[str, Any]:
    """The names of the expressions of a step, or of a part of one: its workflow's, with ``item
    index`` in a part of a ``for_each``, and ``previous`` in a ``repeat``."""
    place, declared = paths.parse(path), plan.step(path)
    names = workflow_names(plan, state, shared, place.scope, now)
    if place.item is not None and declared.for_each is not None:
        whole = paths.inner(place.scope, place.step)
        kind = Type("list", items=declared.for_each.item_type)
        items = _once(state, ("items", whole), kind, state.steps[whole].items)
        names |= {"item": items[place.item], "index": place.item}
    if declared.repeat is not None:
        names["previous"] = None
        if place.iteration is not None and place.iteration > 1:
            before = str(replace(place, iteration=place.iteration - 1, racer=None))
            names["previous"] = output_value(plan, state, before, state.steps[before].output)
    return names


def policy_names(
    plan: Plan, state: RunState, shared: SharedState, step: StepState, now: datetime
) -> dict[str, Any]:
    """The names that policies have at every point; the point's own are added by the gate."""
    declared = plan.step(step.path)
    agent = plan.spec.agents[step.agent]
    return {
        "input": _input(plan, state, paths.scope(step.path)),
        "memory": _memory(plan, state, shared),
        "run": _run(state),
        "cost": {"spent": state.spent, "list_price": state.list_price},
        "task": {
            "step": declared.id,
            "capability": declared.capability or "",
            "complexity": declared.complexity,
            "domain": declared.domain,
            "input": _task_input(plan, state, step),
        },
        "agent": {"id": agent.id, "role": agent.role, "kind": agent.kind},
        "now": now,
    }


def instruction_names(
    plan: Plan, state: RunState, step: StepState, memory: Mapping[str, Any]
) -> dict[str, Any]:
    """The names of an agent's instructions: what it is given, and the fields it may read.

    ``now`` is when the step was resolved: a request that is sent again must be the same request.
    """
    fields = plan.spec.memory
    return {
        "input": _task_input(plan, state, step),
        "memory": {
            name: _once(state, ("seen", step.path, name), fields[name].type, value, name)
            for name, value in memory.items()
        },
        "run": _run(state),
        "now": step.resolved_at,
    }


def output_value(plan: Plan, state: RunState, path: str, output: Any) -> Any:
    """A step's output, on its way through the gate or recorded, typed."""
    return _once(state, ("output", path), plan.output_type(path), output)


def _once(state: RunState, key: tuple[Any, ...], kind: Type, value: Any, name: str = "") -> Any:
    """A value, typed; the same object each time for the same value.

    What another mesh of this name wrote may have another type: an error value then.
    """
    if value is None:
        return None
    known = state.decoded.get(key)
    if known is not None and known[0] is value:
        return known[1]
    try:
        typed = accept(kind, value)
    except TypeMismatch as mismatch:
        if not name:
            raise
        typed = ErrorValue(f"{name} does not fit its type {describe(kind)}: {mismatch}")
    state.decoded[key] = (value, typed)
    return typed


def _input(plan: Plan, state: RunState, scope: str) -> Any:
    given = state.steps[scope].inputs if scope else state.started.input
    return _once(state, ("input", scope), plan.flow(scope).workflow.input, given)


def _task_input(plan: Plan, state: RunState, step: StepState) -> Any:
    return _once(state, ("task", step.path), plan.capability(step.path).input, step.inputs)


def _memory(plan: Plan, state: RunState, shared: SharedState) -> dict[str, Any]:
    """The fields that some expression of the mesh reads; a long list that none reads costs
    nothing."""
    fields = plan.spec.memory
    values: dict[str, Any] = {}
    for name in plan.memory_read:
        field = fields[name]
        current = (shared if field.scope == "mesh" else state).memory.get(name)
        if current is None:
            values[name] = initial(field)
        else:
            key = ("memory", name, current.version)
            values[name] = _once(state, key, field.type, current.value, f"memory.{name}")
    return values


def _run(state: RunState) -> dict[str, Any]:
    return {
        "id": state.run,
        "workflow": state.started.workflow,
        "requester": state.started.requester,
        "started": state.started_at,
    }
