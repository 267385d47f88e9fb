"""What may be bound to what, and which functions a workflow cannot do without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from leafmesh_nb.agents.functions import check_signature
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.errors import AgentError, MeshError
from leafmesh_nb.language.spec import AgentSpec, Spec, ToolSpec, Workflow
from leafmesh_nb.language.suggest import suggest

__all__ = [
    "Bound",
    "check_agent",
    "check_tool",
    "declared_agent",
    "declared_tool",
    "fitting",
    "hint",
    "how_to_bind",
    "lacking",
]

Bound = Mapping[str, Callable[..., Any]]
"""Functions by ``agent:ID`` and ``tool:ID``."""


def declared_agent(spec: Spec, id: Any) -> AgentSpec:
    """A python agent of the mesh. Raises MeshError for anything else."""
    _require_name(id, "agent")
    declared = spec.agents.get(id)
    if declared is None:
        known = [a.id for a in spec.agents.values() if a.kind == "python"]
        raise MeshError(f"mesh {spec.mesh} has no python agent {id!r}{hint(id, known)}")
    if declared.kind != "python":
        raise MeshError(
            f"agent {id} of mesh {spec.mesh} is performed by a model (kind: {declared.kind}); to "
            f"bind a function to it, declare agents.{id}.kind: python"
        )
    return declared


def declared_tool(spec: Spec, id: Any) -> ToolSpec:
    """A tool of the mesh. Raises MeshError for anything else."""
    _require_name(id, "tool")
    declared = spec.tools.get(id)
    if declared is None:
        raise MeshError(f"mesh {spec.mesh} has no tool {id!r}{hint(id, list(spec.tools))}")
    return declared


def check_agent(declared: AgentSpec, function: Any) -> None:
    """Raise where ``function`` cannot perform every capability of the agent."""
    owner = f"agent {declared.id}"
    _require_function(owner, function)
    for capability in declared.capabilities.values():
        check_signature(owner, function, capability.input.names())


def check_tool(declared: ToolSpec, function: Any) -> None:
    """Raise where ``function`` cannot take the tool's input."""
    owner = f"tool {declared.name}"
    _require_function(owner, function)
    check_signature(owner, function, declared.input.names())


def fitting(spec: Spec, bound: Bound) -> dict[str, Callable[..., Any]]:
    """Those functions of another definition of a mesh that this one can use as well."""
    found = {}
    for owner, function in bound.items():
        kind, _, id = owner.partition(":")
        try:
            if kind == "agent":
                check_agent(declared_agent(spec, id), function)
            else:
                check_tool(declared_tool(spec, id), function)
        except (AgentError, MeshError):
            continue
        found[owner] = function
    return found


def lacking(spec: Spec, flow: Workflow, missing: Iterable[str]) -> list[str]:
    """Those of the ``missing`` functions that a workflow, with those that it runs, cannot do
    without, in order.

    A step that another agent can take is left to routing, which records the exclusion.
    """
    absent = list(missing)
    needed: dict[str, None] = {}
    flows = plan_of(spec, flow.id).flows.values()
    for step in (step for inner in flows for step in inner.workflow.steps.values()):
        agents = (spec.agents[step.agent],) if step.agent else spec.capable(step.capability or "")
        able = [a for a in agents if f"agent:{a.id}" not in absent]
        for agent in able or agents:
            for owner in (f"agent:{agent.id}", *(f"tool:{tool}" for tool in agent.tools)):
                needed.setdefault(owner)
    return [owner for owner in absent if owner in needed]


def how_to_bind(owners: Iterable[str]) -> str:
    """The decorators that bind these, for a message."""
    parts = (owner.partition(":") for owner in owners)
    return ", ".join(f'@mesh.{kind}("{id}")' for kind, _, id in parts)


def hint(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name."""
    names = list(known)
    meant = suggest(name, names)
    if meant:
        return f". Did you mean {meant!r}?"
    return f"; there are {', '.join(names)}" if names else "; it has none"


def _require_name(id: Any, kind: str) -> None:
    if not isinstance(id, str):
        raise MeshError(
            f'@mesh.{kind} takes the name of a declared {kind}: @mesh.{kind}("name"), with the '
            "function below it"
        )


def _require_function(owner: str, function: Any) -> None:
    if not callable(function):
        raise AgentError(f"{owner} needs a function, not {type(function).__name__}")
