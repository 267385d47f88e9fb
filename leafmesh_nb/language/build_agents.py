"""The block ``agents`` with its capabilities."""

from __future__ import annotations

from dataclasses import replace

from leafmesh_nb.language.addresses import environment_name, web_address
from leafmesh_nb.language.agent_kinds import check_kind
from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block, reference
from leafmesh_nb.language.build_memory import check_arguments, fields_of, python_name
from leafmesh_nb.language.build_models import TIERS, check_domain, check_tier
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import Template
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.names import check_capability_name, check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.plain import accept_node
from leafmesh_nb.language.providers import inline_model
from leafmesh_nb.language.scope import instruction_names
from leafmesh_nb.language.spec import (
    AgentSpec,
    Capability,
    Example,
    Grants,
    Kind,
    Limits,
    ModelChoice,
    Tier,
)
from leafmesh_nb.language.types import ANY, Type, object_of

__all__ = ["build_agents"]

KINDS: tuple[Kind, ...] = ("llm", "python")
LATER_KINDS: tuple[Kind, ...] = ("http", "mcp", "human")

CAPABILITY = Block(
    "a capability",
    required=("input", "output"),
    optional=("description", "examples", "proficiency"),
)
AGENT = Block(
    "an agent",
    required=("role", "capabilities"),
    optional=(
        "instructions",
        "kind",
        "model",
        "memory",
        "tools",
        "limits",
        "python",
        "url",
        "command",
        "tool",
        "api_key_env",
    ),
    below={"capabilities": CAPABILITY},
)
EXAMPLE = Block("an example", required=("text",), optional=("output",))
MODEL_CHOICE = Block("`model`", optional=("tier", "domain"))
GRANTS = Block("an agent's `memory`", optional=("read", "write"))
LIMITS = Block("`limits`", optional=("calls", "timeout", "cost"))


def build_agents(ctx: Context, node: Node) -> dict[str, AgentSpec]:
    """Agents by id; their capabilities go to ``ctx.capabilities``."""
    found = mapping(ctx, node, "`agents`")
    if found is None:
        ctx.broken |= {"agents", "capabilities"}
        return {}
    agents = {}
    for entry in found:
        ctx.declared["agents"][entry.key.text] = entry.key.span
        valid = check_id(entry.key, "an agent", ctx.collector)
        agent = _agent(ctx, entry)
        if valid and agent:
            agents[agent.id] = agent
            for name in agent.capabilities:
                ctx.offers.setdefault(name, []).append(agent)
    return agents


def _agent(ctx: Context, entry: Entry) -> AgentSpec | None:
    keys = read_block(ctx, entry.value, AGENT, entry.key.span, "{role: Clerk, capabilities: {…}}")
    if keys is None:
        ctx.broken.add("capabilities")
        return None
    said = keys.choice("kind", KINDS, LATER_KINDS)
    unknown_kind = said is None and "kind" in keys
    kind = said or "llm"
    agent = AgentSpec(
        id=entry.key.text,
        role=keys.text("role"),
        kind=kind,
        capabilities=_capabilities(ctx, keys, kind),
        model=_model(ctx, keys),
        memory=_grants(ctx, keys),
        tools=_tools(ctx, keys),
        limits=_limits(ctx, keys),
        python=python_name(ctx, keys),
        url=web_address(keys, "url"),
        command=tuple(n.text for n in keys.texts("command", "a program and its arguments", True)),
        tool=keys.text("tool") or None,
        api_key_env=environment_name(keys, "api_key_env"),
        span=entry.key.span,
    )
    if not unknown_kind:
        check_kind(ctx, keys, agent)
    return _with_instructions(ctx, keys, agent)


def _with_instructions(ctx: Context, keys: Keys, agent: AgentSpec) -> AgentSpec:
    node = keys.scalar("instructions", "text")
    if node is None:
        return agent
    if not isinstance(node.value, str):
        keys.wrong("instructions", "text", node, f'Quote it: "{node.text}".')
        return agent
    if not node.text.strip():
        keys.empty("instructions")
        return agent
    template = ctx.template(node)
    if template is None:
        return agent
    names = instruction_names(ctx, agent)
    ctx.check_template(node, template, _with_ungranted(ctx, template, names))
    return replace(agent, instructions=template)


def _with_ungranted(ctx: Context, template: Template, names: Environment) -> Environment:
    """The names of instructions, with the fields that the agent may not read, which are reported:
    they are there, and only the grant is missing."""
    missing: dict[str, Type] = {}
    for part in template.expressions:
        for path in sorted(part.reads):
            field = ctx.memory.get(path[1]) if path[0] == "memory" and len(path) > 1 else None
            if field is None or names["memory"].field(field.name) is not None:
                continue
            missing[field.name] = ANY
            granted = [name for name, _ in names["memory"].fields]
            ctx.collector.error(
                "LM604",
                f"The instructions name memory.{field.name}, and the agent may not read it.",
                part.span,
                f"Grant it: memory: {{read: [{', '.join([*granted, field.name])}]}}.",
                (Related("the field is declared here", field.span),),
            )
    if not missing:
        return names
    return {**names, "memory": object_of({**dict(names["memory"].fields), **missing})}


# -- capabilities


def _capabilities(ctx: Context, keys: Keys, kind: str) -> dict[str, Capability]:
    node = keys.get("capabilities")
    found = mapping(ctx, node, "`capabilities`") if node else None
    if node is not None and found is None:
        ctx.broken.add("capabilities")
    if found is None:
        return {}
    if not found.entries:
        ctx.collector.error("LM211", "An agent needs at least one capability.", found.span)
    capabilities = {}
    for entry in found:
        ctx.declared["capabilities"].setdefault(entry.key.text, entry.key.span)
        valid = check_capability_name(entry.key, ctx.collector)
        errors = ctx.collector.errors
        block = read_block(
            ctx,
            entry.value,
            CAPABILITY,
            entry.key.span,
            "{input: {a: string}, output: {b: string}}",
            AGENT,
        )
        if block is None:
            continue
        capability = _capability(ctx, entry, block)
        if ctx.collector.errors > errors:
            ctx.doubtful.add(capability.name)
        if kind == "python":
            check_arguments(ctx, block.get("input"), "an agent")
        if valid:
            capabilities[capability.name] = capability
            _agree(ctx, capability, block)
    return capabilities


def _capability(ctx: Context, entry: Entry, block: Keys) -> Capability:
    output = fields_of(ctx, block, "output")
    proficiency = block.number("proficiency", 0, 1)
    return Capability(
        name=entry.key.text,
        input=fields_of(ctx, block, "input"),
        output=output,
        description=block.text("description"),
        examples=_examples(ctx, block, output),
        proficiency=0.5 if proficiency is None else float(proficiency),
        span=entry.key.span,
    )


def _examples(ctx: Context, block: Keys, output: Type) -> tuple[Example, ...]:
    node = block.get("examples")
    if node is None:
        return ()
    if not isinstance(node, SequenceNode):
        block.wrong("examples", "a list of texts or of {text, output}", node)
        return ()
    examples = []
    for item in node.items:
        if isinstance(item, ScalarNode):
            if isinstance(item.value, str) and item.value.strip():
                examples.append(Example(item.value))
            else:
                ctx.collector.error("LM204", "An example is a text.", item.span, "Quote it.")
            continue
        keys = read_block(ctx, item, EXAMPLE, item.span, '{text: "…", output: {category: refund}}')
        if keys is None or "text" not in keys or not (text := keys.text("text")):
            continue
        given = keys.get("output")
        value = accept_node(ctx, output, given, partial=True) if given else {}
        if isinstance(value, dict):
            examples.append(Example(text, value))
    return tuple(examples)


def _agree(ctx: Context, capability: Capability, block: Keys) -> None:
    """Whoever declares a capability must declare it with the same types."""
    first = ctx.capabilities.get(capability.name)
    if first is None:
        ctx.capabilities[capability.name] = capability
        node = block.get("input")
        if isinstance(node, MappingNode):
            ctx.input_nodes[capability.name] = node
        return
    for name, own, other in (
        ("input", capability.input, first.input),
        ("output", capability.output, first.output),
    ):
        if own == other or capability.name in ctx.doubtful:
            continue
        misfit = compare(own, other) or compare(other, own)
        detail = f": {misfit}" if misfit else ""
        ctx.collector.error(
            "LM405",
            f"`{capability.name}` has another `{name}` here than where it was declared first"
            f"{detail}.",
            block.span(name),
            "Agents are interchangeable for a capability: give it the same types everywhere, or "
            "give this one another name.",
            (Related("declared first here", first.span),),
        )


# -- the agent's other keys


def _model(ctx: Context, keys: Keys) -> ModelChoice | None:
    node = keys.get("model")
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return _model_by(ctx, keys, node)
    if isinstance(node, SequenceNode) or not isinstance(node.value, str):
        keys.wrong("model", "a name, provider:model, {tier: …} or {domain: …}", node)
        return None
    if not node.text.strip():
        keys.empty("model")
        return None
    if ":" in node.text:
        inline = inline_model(ctx, node)
        return ModelChoice(inline=inline) if inline else None
    if node.text in TIERS and node.text not in ctx.declared["models"]:
        ctx.collector.error(
            "LM301",
            f"`{node.text}` is a tier, and there is no model of that name.",
            node.span,
            f"Write model: {{tier: {node.text}}}.",
        )
        return None
    name = reference(ctx, node, "models")
    return ModelChoice(name=name) if name else None


def _model_by(ctx: Context, keys: Keys, node: MappingNode) -> ModelChoice | None:
    """A model by its tier or by its domain."""
    block = read_block(ctx, node, MODEL_CHOICE, keys.span("model"), "{tier: small}")
    if block is None:
        return None
    if len(block.entries) != 1:
        if len(node.entries) == len(block.entries):
            ctx.collector.error(
                "LM209",
                "`model` takes either a `tier` or a `domain`.",
                node.span,
                "Write a model's name, {tier: small} or {domain: legal}.",
            )
        return None
    tier: Tier | None = block.choice("tier", TIERS)
    domain = block.scalar("domain", "text")
    if tier is not None:
        check_tier(ctx, block.get("tier"), tier)
        return ModelChoice(tier=tier)
    if domain is not None:
        check_domain(ctx, domain)
        return ModelChoice(domain=domain.text)
    return None


def _grants(ctx: Context, keys: Keys) -> Grants:
    node = keys.get("memory")
    block = node and read_block(ctx, node, GRANTS, keys.span("memory"), "{read: [ticket]}")
    if not block:
        return Grants()

    def fields(name: str) -> tuple[str, ...]:
        nodes = block.texts(name, "memory fields")
        return tuple(f for f in (reference(ctx, n, "memory") for n in nodes) if f)

    return Grants(fields("read"), fields("write"))


def _tools(ctx: Context, keys: Keys) -> tuple[str, ...]:
    nodes = keys.texts("tools", "tools")
    return tuple(t for t in (reference(ctx, n, "tools") for n in nodes) if t)


def _limits(ctx: Context, keys: Keys) -> Limits:
    node = keys.get("limits")
    block = node and read_block(
        ctx, node, LIMITS, keys.span("limits"), "{calls: 3, timeout: 20s, cost: 0.05}"
    )
    if not block:
        return Limits()
    return Limits(
        calls=block.integer("calls", 1),
        timeout=block.duration("timeout"),
        cost=block.number("cost", 0),
    )
