"""What there is to say of something that a mesh declares."""

from __future__ import annotations

from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.editing.outline import Branch
from leafmesh_nb.language.types import Type, describe

__all__ = ["describe_thing", "type_facts"]

_MOST = 12

Told = tuple[str, str, tuple[tuple[str, str], ...]]
"""Kind, text, facts: as a Doc has them."""


def describe_thing(draft: Draft, kind: str, name: str, place: Branch) -> Told | None:
    """What ``name`` of a kind is; ``place`` is where it is mentioned, which decides the workflow
    of a step. None where there is no such thing."""
    match kind:
        case "agents":
            return _agent(draft, name)
        case "capabilities":
            return _capability(draft, name)
        case "memory":
            return _memory(draft, name)
        case "tools":
            return _tool(draft, name)
        case "steps":
            return _step(draft, name, place)
        case "workflows":
            return _workflow(draft, name)
        case "models" if name in draft.known.models:
            return "model", draft.known.models[name], ()
        case "roster" if name in draft.known.roster:
            what, _, whom = draft.known.roster[name].partition(": ")
            return what.removeprefix("a "), whom, ()
        case "domains":
            return "domain", "What a model is a specialist for.", ()
    return None


def type_facts(type: Type) -> tuple[tuple[str, str], ...]:
    """A type as facts; of an object each field by itself."""
    if type.kind != "object":
        return (("type", f"`{describe(type)}`"),)
    shown = [
        (f"`{name}`", ", ".join(f"`{field}`" for field in inner.names()) or f"`{describe(inner)}`")
        for name, inner in type.fields[:_MOST]
    ]
    rest = len(type.fields) - _MOST
    return (*shown, ("…", f"{rest} more")) if rest > 0 else tuple(shown)


def _agent(draft: Draft, name: str) -> Told | None:
    if name not in draft.known.agents:
        return None
    agent = draft.known.agent(name)
    facts = [("can", ", ".join(f"`{capability}`" for capability in agent.capabilities))]
    facts.append(("reads", ", ".join(f"`{field}`" for field in agent.memory.read)))
    facts.append(("writes", ", ".join(f"`{field}`" for field in agent.memory.write)))
    facts.append(("tools", ", ".join(f"`{tool}`" for tool in agent.tools)))
    return f"agent, {agent.kind}", agent.role, _said(facts)


def _capability(draft: Draft, name: str) -> Told | None:
    known = draft.known
    if name not in known.capabilities:
        return None
    able = [agent for agent in known.agents if name in known.offered(agent)]
    facts = [
        ("takes", _fields(known.capability_type(name, "input"))),
        ("gives", _fields(known.capability_type(name, "output"))),
        ("agents", ", ".join(f"`{agent}`" for agent in able[:8]) + (" …" if able[8:] else "")),
    ]
    return "capability", known.capability_about(name), _said(facts)


def _memory(draft: Draft, name: str) -> Told | None:
    field = draft.known.memory.get(name)
    if field is None:
        return None
    facts = [
        ("type", f"`{describe(field.type)}`"),
        ("scope", f"`{field.scope}`"),
        ("merge", f"`{field.merge}`"),
        ("sensitivity", f"`{field.sensitivity}`"),
    ]
    return "memory field", "", _said(facts)


def _tool(draft: Draft, name: str) -> Told | None:
    tool = draft.known.tool(name)
    if tool is None:
        return None
    facts = [("takes", _fields(tool.input)), ("gives", _fields(tool.output))]
    if tool.side_effect:
        facts.append(("side effect", "A policy must let each call pass."))
    return "tool", tool.description, _said(facts)


def _step(draft: Draft, name: str, place: Branch) -> Told | None:
    path = place.path
    flow = path[1].name if len(path) > 1 and path[0].name == "workflows" else ""
    flows = [flow] if flow else list(draft.known.workflows)
    for workflow in flows:
        steps = draft.known.steps(workflow)
        if name not in steps:
            continue
        capability = steps[name]
        facts = []
        if capability:
            facts.append(("capability", f"`{capability}`"))
            facts.append(("output", _fields(draft.known.capability_type(capability, "output"))))
        return f"step of {workflow}", "", _said(facts)
    return None


def _workflow(draft: Draft, name: str) -> Told | None:
    if name not in draft.known.workflows:
        return None
    steps = ", ".join(f"`{step}`" for step in draft.known.steps(name))
    facts = [("input", _fields(draft.known.input_type(name))), ("steps", steps)]
    return "workflow", "", _said(facts)


def _fields(type: Type) -> str:
    if type.kind != "object":
        return f"`{describe(type)}`"
    return ", ".join(f"`{name}: {describe(inner)}`" for name, inner in type.fields)


def _said(facts: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, text) for label, text in facts if text)
