"""The names that a mesh declares, while it is being written: from the cell, and from the mesh that
is in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import TypeVar

from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Collector, TooManyErrors
from leafmesh_nb.language.editing.outline import Branch, read_outline
from leafmesh_nb.language.editing.reference import Kind
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.scalars import NumberOutOfRange, resolve
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.spec import (
    AgentSpec,
    Capability,
    Grants,
    MemoryField,
    Spec,
    Step,
    ToolSpec,
    Workflow,
)
from leafmesh_nb.language.type_syntax import parse_fields, parse_type
from leafmesh_nb.language.types import ANY, NO_FIELDS, Type, object_of

__all__ = ["Known", "fields_at", "type_at"]

T = TypeVar("T")

_SPAN = Span(1, 1, 1, 2)
_GRANTED = {"tools": ("tools",), "read": ("memory", "read"), "write": ("memory", "write")}


class Known:
    """What is declared in an outline, and then in ``spec``, which may be None."""

    def __init__(self, root: Branch, spec: Spec | None) -> None:
        self.root = root
        self.spec = spec

    def names(self, kind: Kind) -> Iterable[str]:
        """The names of a kind, those of the cell first."""
        match kind:
            case "steps":
                return dict.fromkeys(s for flow in self.workflows for s in self.steps(flow))
            case "roster":
                return self.roster
            case "domains":
                return self._domains
            case "models":
                return self.models
            case "capabilities":
                return self.capabilities
            case "memory":
                return self._all("memory", self.spec.memory if self.spec else {})
            case "agents":
                return self.agents
            case "tools":
                return self.tools
            case "workflows":
                return self.workflows

    # Agents and what they can do

    @cached_property
    def agents(self) -> Mapping[str, Branch | AgentSpec]:
        """Agents by id, those of the cell first."""
        return self._all("agents", self.spec.agents if self.spec else {})

    @cached_property
    def capabilities(self) -> Mapping[str, Branch | Capability]:
        """Capabilities by name, each as it is declared first."""
        found: dict[str, Branch | Capability] = {}
        for agent in self.agents.values():
            if isinstance(agent, Branch):
                for branch in _children(agent.get("capabilities")):
                    found.setdefault(branch.name, branch)
            else:
                for name, capability in agent.capabilities.items():
                    found.setdefault(name, capability)
        return found

    def offered(self, agent: str) -> list[str]:
        """The capabilities of an agent."""
        found = self.agents.get(agent)
        if isinstance(found, Branch):
            return [branch.name for branch in _children(found.get("capabilities"))]
        return list(found.capabilities) if found else []

    def capability_type(self, name: str, side: str) -> Type:
        """The object that a capability takes (``input``) or gives (``output``)."""
        found = self.capabilities.get(name)
        if found is None:
            return ANY
        if isinstance(found, Branch):
            return fields_at(found.get(side))
        return found.input if side == "input" else found.output

    def capability_about(self, name: str) -> str:
        """What a capability does, where it says so."""
        found = self.capabilities.get(name)
        if isinstance(found, Branch):
            said = found.get("description")
            return said.scalar if said else ""
        return found.description if found else ""

    # Memory, tools, people, models

    @cached_property
    def memory(self) -> Mapping[str, MemoryField]:
        """Memory fields by name."""
        found: dict[str, MemoryField] = {}
        for name, field in self._all("memory", self.spec.memory if self.spec else {}).items():
            if isinstance(field, Branch):
                inner = field.get("type")
                said = {
                    key: value.scalar
                    for key in ("scope", "merge", "sensitivity")
                    if inner is not None and (value := field.get(key)) is not None
                }
                # Words as they stand, half written or wrong: nothing here goes by them.
                field = MemoryField(name, type_at(inner or field), **said)  # type: ignore[arg-type]
            found[name] = field
        return found

    @cached_property
    def tools(self) -> Mapping[str, Branch | ToolSpec]:
        """Tools by name."""
        return self._all("tools", self.spec.tools if self.spec else {})

    def tool(self, name: str) -> ToolSpec | None:
        """A tool with its types."""
        found = self.tools.get(name)
        if not isinstance(found, Branch):
            return found
        effect, said = found.get("side_effect"), found.get("description")
        return ToolSpec(
            name,
            fields_at(found.get("input")),
            fields_at(found.get("output")),
            side_effect=effect is not None and effect.scalar == "true",
            description=said.scalar if said else "",
        )

    @cached_property
    def models(self) -> Mapping[str, str]:
        """Models by name, with their provider and tier."""
        found: dict[str, str] = {}
        for name, model in self._all("models", self.spec.models if self.spec else {}).items():
            if isinstance(model, Branch):
                parts = [b.scalar for key in ("provider", "tier") if (b := model.get(key))]
            else:
                parts = [model.provider, model.tier or ""]
            found[name] = ", ".join(filter(None, parts))
        return found

    @cached_property
    def _domains(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, model in self._all("models", self.spec.models if self.spec else {}).items():
            if isinstance(model, Branch):
                domains: Iterable[str] = b.texts if (b := model.get("domains")) else ()
            else:
                domains = model.domains
            for domain in domains:
                found.setdefault(domain, f"the model {name}")
        return found

    @cached_property
    def roster(self) -> Mapping[str, str]:
        """People and roles, with what each is."""
        people: dict[str, str] = {}
        roles: dict[str, list[str]] = {}
        for name, person in self._all("people", self.spec.people if self.spec else {}).items():
            if isinstance(person, Branch):
                own = b.texts if (b := person.get("roles")) else []
            else:
                own = list(person.roles)
            people[name] = f"a person: {', '.join(own)}" if own else "a person"
            for role in own:
                roles.setdefault(role, []).append(name)
        return people | {r: f"a role: {', '.join(names)}" for r, names in roles.items()}

    # Workflows

    @property
    def workflows(self) -> tuple[str, ...]:
        """The workflows by id."""
        return tuple(self._all("workflows", self.spec.workflows if self.spec else {}))

    def steps(self, workflow: str) -> Mapping[str, str | None]:
        """The steps of a workflow, each with its capability, where that is known."""
        branch = self.root.at("workflows", workflow, "steps")
        if branch is not None:
            return {step.name: self._performed(step) for step in _children(branch)}
        found = self.spec.workflows.get(workflow) if self.spec else None
        return {s.id: s.capability for s in found.steps.values()} if found else {}

    def step_output(self, workflow: str, step: str) -> Type:
        """What a step gives; ``any`` where that is not known."""
        capability = self.steps(workflow).get(step)
        if capability is not None:
            return self.capability_type(capability, "output")
        inner = self.root.at("workflows", workflow, "steps", step, "workflow")
        return self._output(inner.scalar) if inner is not None else ANY

    def input_type(self, workflow: str) -> Type:
        """The input of a workflow, as an object."""
        branch = self.root.at("workflows", workflow)
        if branch is not None:
            return object_of(
                {
                    child.name: type_at(child.get("type") or child)
                    for child in _children(branch.get("input"))
                }
            )
        found = self.spec.workflows.get(workflow) if self.spec else None
        return found.input if found else NO_FIELDS

    def flows(self) -> Mapping[str, Workflow]:
        """The workflows as far as a policy looks at them: inputs, and who does which step."""
        return {
            name: Workflow(
                name,
                self.input_type(name),
                {step: Step(step, capability) for step, capability in self.steps(name).items()},
                output_type=self._output(name),
            )
            for name in self.workflows
        }

    def _output(self, workflow: str) -> Type:
        branch = self.root.at("workflows", workflow)
        if branch is not None:
            return object_of({child.name: ANY for child in _children(branch.get("output"))})
        found = self.spec.workflows.get(workflow) if self.spec else None
        return found.output_type if found else NO_FIELDS

    def _performed(self, step: Branch) -> str | None:
        capability, agent = step.get("capability"), step.get("agent")
        if capability is not None and capability.scalar:
            return capability.scalar
        offered = self.offered(agent.scalar) if agent is not None else []
        return offered[0] if len(offered) == 1 else None

    # For the checker

    def context(self, *, agents: bool = False, tools: bool = False) -> Context:
        """The names with their types, as the builders of a mesh share them. Agents and tools are
        made only where they are asked for: there may be hundreds."""
        source = Source("")
        ctx = Context(source, Collector(source))
        ctx.memory = dict(self.memory)
        if tools:
            ctx.tools = {n: t for n in self.tools if (t := self.tool(n)) is not None}
        if agents:
            ctx.agents = {name: self.agent(name) for name in self.agents}
            for agent in ctx.agents.values():
                ctx.capabilities.update(agent.capabilities)
        return ctx

    def agent(self, name: str) -> AgentSpec:
        """An agent with the types of its capabilities."""
        found = self.agents[name]
        if not isinstance(found, Branch):
            return found
        if found.last > found.below:
            return _agent_of(name, found.whole[found.below : found.last], False)
        return _agent_of(name, found.text, True)

    def _all(self, block: str, spec: Mapping[str, T]) -> dict[str, Branch | T]:
        found: dict[str, Branch | T] = {b.name: b for b in _children(self.root.get(block))}
        for name, value in spec.items():
            found.setdefault(name, value)
        return found


def _children(branch: Branch | None) -> list[Branch]:
    return [child for child in branch.children if child.name] if branch is not None else []


@lru_cache(maxsize=1024)
def _agent_of(name: str, text: str, bracketed: bool) -> AgentSpec:
    """An agent of its own text, which stays as it is while a line elsewhere is written."""
    agent = Branch(text, None, stop=len(text)) if bracketed else read_outline(text)
    granted = {
        key: tuple(branch.texts) if (branch := agent.at(*path)) else ()
        for key, path in _GRANTED.items()
    }
    role, kind = agent.get("role"), agent.get("kind")
    capabilities = {
        branch.name: Capability(
            branch.name, fields_at(branch.get("input")), fields_at(branch.get("output"))
        )
        for branch in _children(agent.get("capabilities"))
    }
    return AgentSpec(
        name,
        role.scalar if role else "",
        kind=kind.scalar if kind else "llm",  # type: ignore[arg-type]  # as it stands
        capabilities=capabilities,
        memory=Grants(granted["read"], granted["write"]),
        tools=granted["tools"],
    )


def fields_at(branch: Branch | None) -> Type:
    """The object that a map of names to types describes, as far as it goes."""
    if branch is None:
        return NO_FIELDS
    if branch.bracketed:
        return _from_text(branch.text, True)
    return _type(branch, fields=True)


def type_at(branch: Branch) -> Type:
    """The type that is written at a branch; ``any`` where it is none yet."""
    if branch.stop > branch.value:
        return _from_text(branch.text, False)
    return _type(branch, fields=False)


@lru_cache(maxsize=4096)
def _from_text(text: str, fields: bool) -> Type:
    return _type(Branch(text, None, stop=len(text)), fields)


def _type(branch: Branch, fields: bool) -> Type:
    collector = Collector(Source(""))
    try:
        node = _node(branch)
        return parse_fields(node, "", collector) if fields else parse_type(node, collector)
    except TooManyErrors:
        return ANY


def _node(branch: Branch) -> Node:
    children = branch.children
    if branch.text[:1] == "[" or any(child.is_item for child in children):
        return SequenceNode(tuple(map(_node, children)), _SPAN)
    if branch.bracketed or children:
        entries = (Entry(_scalar(child.name, False), _node(child)) for child in children)
        return MappingNode(tuple(entries), _SPAN)
    return _scalar(branch.scalar, branch.text[:1] not in ("'", '"'))


def _scalar(text: str, plain: bool) -> ScalarNode:
    try:
        value = resolve(text) if plain else text
    except NumberOutOfRange:
        value = None
    return ScalarNode(text, "plain" if plain else "double", value, _SPAN)
