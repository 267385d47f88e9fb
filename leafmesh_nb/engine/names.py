"""The names that expressions see at each place, as typed Python values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.language.values import accept
from leafmesh_nb.memory.merge import initial

__all__ = ["instruction_names", "memory_values", "memory_versions", "policy_names", "step_names"]


def memory_values(
    plan: Plan, state: RunState, shared: SharedState, versions: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Every field's value in JSON form: as it is now, or at the given versions.

    A field that was never written and has no initial value is absent.
    """
    values: dict[str, Any] = {}
    for name, field in plan.spec.memory.items():
        if versions is None:
            current = shared.current(name) if field.scope == "mesh" else state.memory.get(name)
            known = current is not None and current.version > 0
            value = current.value if current is not None else None
        else:
            version = versions.get(name, 0)
            known = version > 0
            value = None
            if known:
                mesh = field.scope == "mesh"
                value = shared.at(name, version) if mesh else state.history[name, version]
        if not known:
            value = initial(field)
        if value is not None or known or field.type.nullable:
            values[name] = value
    return values


def memory_versions(plan: Plan, state: RunState, shared: SharedState) -> dict[str, int]:
    """The version of every field that has been written."""
    versions: dict[str, int] = {}
    for name, field in plan.spec.memory.items():
        current = shared.current(name) if field.scope == "mesh" else state.memory.get(name)
        if current is not None and current.version:
            versions[name] = current.version
    return versions


def step_names(plan: Plan, state: RunState, shared: SharedState, now: datetime) -> dict[str, Any]:
    """The names of ``with``, ``when``, ``save`` and ``output``; a skipped step's output is null."""
    steps: dict[str, Any] = {}
    for path in plan.workflow.steps:
        step = state.steps.get(path)
        if step is None or step.status is None:
            continue
        output = None
        if step.status == "done":
            output = accept(plan.output_type(path), step.output)
        steps[path] = {"status": step.status, "output": output}
    return {
        "input": accept(plan.workflow.input, dict(state.started.input)),
        "memory": _typed(plan, memory_values(plan, state, shared)),
        "steps": steps,
        "run": _run(state),
        "now": now,
    }


def policy_names(
    plan: Plan, state: RunState, shared: SharedState, step: StepState, now: datetime
) -> dict[str, Any]:
    """The names that policies have at every point; the point's own are added by the gate."""
    declared = plan.step(step.path)
    agent = plan.spec.agents[step.agent]
    return {
        "input": accept(plan.workflow.input, dict(state.started.input)),
        "memory": _typed(plan, memory_values(plan, state, shared)),
        "run": _run(state),
        "cost": {"spent": state.spent, "list_price": state.list_price},
        "task": {
            "step": step.path,
            "capability": declared.capability or "",
            "complexity": declared.complexity,
            "domain": declared.domain,
            "input": accept(plan.capability(step.path).input, step.inputs),
        },
        "agent": {"id": agent.id, "role": agent.role, "kind": agent.kind},
        "now": now,
    }


def instruction_names(
    plan: Plan, state: RunState, step: StepState, memory: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The names of an agent's instructions: what it is given, and the fields it may read."""
    return {
        "input": accept(plan.capability(step.path).input, step.inputs),
        "memory": _typed(plan, memory),
        "run": _run(state),
        "now": now,
    }


def _run(state: RunState) -> dict[str, Any]:
    return {
        "id": state.run,
        "workflow": state.started.workflow,
        "requester": state.started.requester,
        "started": state.started_at,
    }


def _typed(plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
    fields = plan.spec.memory
    return {
        name: None if value is None else accept(fields[name].type, value)
        for name, value in values.items()
    }
