"""The names that a policy may use, with their types, for each point of the gate.

| point | names |
|---|---|
| every point | ``memory run cost task agent input now`` |
| ``route`` | ``model`` |
| ``call`` | ``model request`` |
| ``tool`` | ``tool.name tool.arguments`` |
| ``output``, ``end`` | ``output`` |
| ``memory`` | ``write.field write.old write.new`` |

``cost`` is what the run has spent so far, ``{spent, list_price}``, in US dollars; ``task`` is the
step at the gate, ``{step, capability, complexity, domain, input}``, where ``input`` is what the
agent is given; ``agent`` is ``{id, role, kind}``; and ``input`` is the workflow's own input, as
everywhere. At ``end`` a whole workflow stands at the gate: ``output`` is its output, and ``task``
and ``agent`` are null. ``model`` is null where a function and not a model is chosen. ``write.old``
is the field's value, ``write.new`` what is written to it: one element, where the field appends.

Where a policy covers things of several types, a name has the fields of all of them, a field that
only some have may be null.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from leafmesh_nb.language.scope import COMPLEXITY, RUN, memory_names, union
from leafmesh_nb.language.spec import (
    AgentSpec,
    Capability,
    Kind,
    MemoryField,
    Point,
    Target,
    Tier,
    ToolSpec,
    Workflow,
)
from leafmesh_nb.language.types import ANY, DATETIME, INTEGER, MONEY, STRING, Type, object_of

if TYPE_CHECKING:
    from leafmesh_nb.language.context import Context

__all__ = ["PASSING", "PolicyScope", "policy_scope"]

COST = object_of({"spent": MONEY, "list_price": MONEY})
AGENT = object_of({"id": STRING, "role": STRING, "kind": Type("enum", values=get_args(Kind))})
MODEL = object_of(
    {
        "name": STRING,
        "provider": STRING,
        "model": STRING.or_null(),
        "tier": Type("enum", values=get_args(Tier), nullable=True),
        "domains": Type("list", items=STRING),
        "region": STRING.or_null(),
        "context_window": INTEGER.or_null(),
    }
)

PASSING: Mapping[Point, str] = {
    "call": "request",
    "tool": "tool.arguments",
    "output": "output",
    "memory": "write.new",
    "end": "output",
}
"""The name of what passes the gate if nobody objects; at ``route`` nothing does."""


@dataclass(frozen=True, slots=True)
class PolicyScope:
    """What a policy sees at its point: its names, and each type of what may pass there, which
    stands under the name ``PASSING[at]``; ``each`` has them by the names of the capabilities,
    tools, fields or workflows whose they are. ``unwritten`` are the memory fields that are not
    surely written by then, and null if they are not."""

    at: Point
    names: Mapping[str, Type]
    passing: tuple[Type, ...] = ()
    each: Mapping[str, Type] = field(default_factory=dict)
    unwritten: frozenset[str] = frozenset()


def policy_scope(
    ctx: Context, at: Point, target: Target, workflows: Mapping[str, Workflow]
) -> PolicyScope:
    """What a policy sees; ``workflows`` are all that the mesh has."""
    agents = _agents(ctx, at, target)
    offered = _offered(ctx, target, agents, workflows)
    met = [w for w in workflows.values() if at == "end" or _meets(target, w)]
    task = object_of(
        {
            "step": STRING,
            "capability": STRING,
            "complexity": COMPLEXITY,
            "domain": STRING.or_null(),
            "input": union(c.input for c in offered),
        }
    )
    written = _written_by_then(ctx, at, target, offered, workflows)
    names = {
        "memory": memory_names(ctx, written=written),
        "run": RUN,
        "cost": COST,
        "task": task.or_null() if at == "end" else task,
        "agent": AGENT.or_null() if at == "end" else AGENT,
        "input": union(w.input for w in met),
        "now": DATETIME,
    }
    passing: tuple[Type, ...] = ()
    each: dict[str, Type] = {}
    match at:
        case "route":
            names["model"] = MODEL.or_null() if any(a.kind != "llm" for a in agents) else MODEL
        case "call":
            names["model"] = MODEL
            passing = tuple(_requests(ctx, agents, offered))
            names["request"] = union(passing)
        case "tool":
            each = {tool.name: tool.input for tool in _tools(ctx, target, agents)}
            passing = tuple(each.values())
            names["tool"] = object_of({"name": STRING, "arguments": union(passing)})
        case "output":
            each = {c.name: c.output for c in offered}
            passing = tuple(each.values())
            names["output"] = union(passing)
        case "memory":
            fields = [ctx.memory[n] for n in target.fields or ctx.memory if n in ctx.memory]
            each = {f.name: _written(f) for f in fields}
            passing = tuple(each.values())
            names["write"] = _write(fields, union(passing))
        case "end":
            each = {w.id: w.output_type for w in met}
            passing = tuple(each.values())
            names["output"] = union(passing)
    unwritten = {
        name
        for name, field in ctx.memory.items()
        if name not in written and field.merge == "replace" and not field.type.nullable
    }
    return PolicyScope(at, names, passing, each, frozenset(unwritten))


def _written_by_then(
    ctx: Context,
    at: Point,
    target: Target,
    offered: Iterable[Capability],
    workflows: Mapping[str, Workflow],
) -> frozenset[str]:
    """The memory fields that are surely written whenever something stands at the gate."""
    everything = frozenset(ctx.memory)
    if at == "end":
        places = [(workflow.id, "") for workflow in workflows.values()]
    else:
        names = {capability.name for capability in offered}
        places = [
            (workflow.id, step.id)
            for workflow in workflows.values()
            for step in workflow.steps.values()
            if (not target.steps or step.id in target.steps)
            and not names.isdisjoint((step.capability, *step.consult))
        ]
    return everything.intersection(*(ctx.written.get(place, everything) for place in places))


def _agents(ctx: Context, at: Point, target: Target) -> list[AgentSpec]:
    """The agents that may stand at the gate."""
    agents = [a for a in ctx.agents.values() if not target.agents or a.id in target.agents]
    if at == "call":
        return [a for a in agents if a.kind == "llm"]
    if at == "tool":
        named = set(target.tools or ctx.tools)
        return [a for a in agents if named & set(a.tools)]
    return agents


def _offered(
    ctx: Context, target: Target, agents: Iterable[AgentSpec], workflows: Mapping[str, Workflow]
) -> list[Capability]:
    """The capabilities that those agents may be at work for."""
    wanted = target.capabilities or tuple(ctx.capabilities)
    if target.steps:
        named = {
            step.capability
            for workflow in workflows.values()
            for step in workflow.steps.values()
            if step.id in target.steps
        }
        wanted = tuple(name for name in wanted if name in named)
    return [c for a in agents for c in a.capabilities.values() if c.name in wanted]


def _meets(target: Target, workflow: Workflow) -> bool:
    """Whether a step of a workflow may stand at the gate."""
    return any(
        (not target.steps or step.id in target.steps)
        and (not target.capabilities or step.capability in target.capabilities)
        for step in workflow.steps.values()
    )


def _requests(
    ctx: Context, agents: Iterable[AgentSpec], offered: Iterable[Capability]
) -> Iterator[Type]:
    """What a model is asked for each capability: an agent's memory has what it may read."""
    granted = dict.fromkeys(name for agent in agents for name in agent.memory.read)
    fields = memory_names(ctx, granted).fields
    memory = object_of({name: type.or_null() for name, type in fields})
    for inputs in dict.fromkeys(capability.input for capability in offered):
        yield object_of(
            {
                "instructions": STRING,
                "inputs": inputs,
                "memory": memory,
                "max_output_tokens": INTEGER,
            }
        )


def _tools(ctx: Context, target: Target, agents: Iterable[AgentSpec]) -> list[ToolSpec]:
    tools = [ctx.tools[name] for name in target.tools or ctx.tools if name in ctx.tools]
    if not target.tools and (target.agents or target.capabilities):
        granted = {tool for agent in agents for tool in agent.tools}
        tools = [tool for tool in tools if tool.name in granted]
    return tools


def _write(fields: Sequence[MemoryField], new: Type) -> Type:
    name = Type("enum", values=tuple(field.name for field in fields)) if fields else STRING
    old = union(field.type for field in fields).or_null()
    return object_of({"field": name, "old": old, "new": new})


def _written(field: MemoryField) -> Type:
    """What one write to a field is: an element where the field appends."""
    if field.merge == "append" and field.type.kind == "list":
        return field.type.items or ANY
    return field.type
