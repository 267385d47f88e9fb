"""The whole mesh: from the tree of its text to a Spec."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from leafmesh_nb.language.blocks import Block, Keys, read_block
from leafmesh_nb.language.build_agents import AGENT, build_agents
from leafmesh_nb.language.build_memory import build_memory, build_people, build_tools
from leafmesh_nb.language.build_models import build_budgets, build_models, build_routing
from leafmesh_nb.language.build_policies import POLICY, build_policies
from leafmesh_nb.language.build_workflows import WORKFLOW, build_workflows
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.currencies import CURRENCIES
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Node, ScalarNode, Span
from leafmesh_nb.language.spec import Budgets, Policy, Routing, Spec, Workflow

__all__ = ["build"]

T = TypeVar("T")

MESH = Block(
    "a mesh",
    required=("mesh",),
    optional=(
        "description",
        "currency",
        "models",
        "memory",
        "people",
        "tools",
        "agents",
        "policies",
        "budgets",
        "routing",
        "workflows",
    ),
    hints={"mesh": "A mesh starts with its name, such as `mesh: refunds`."},
    below={"agents": AGENT, "policies": POLICY, "workflows": WORKFLOW},
)
NAMED_IN: Mapping[str, tuple[str, ...]] = {
    "models": ("models",),
    "memory": ("memory",),
    "people": ("roster",),
    "tools": ("tools",),
    "agents": ("agents", "capabilities"),
    "workflows": ("workflows", "steps"),
    "policies": ("policies",),
}
"""What is declared in each block."""
_START = Span(1, 1, 1, 2)


def build(ctx: Context, node: Node, text: str, name: str | None) -> Spec | None:
    """The Spec of a tree. What does not hold goes to ``ctx.collector``; the Spec is whole only if
    there is no error there."""
    keys = read_block(ctx, node, MESH, _START, "mesh: refunds")
    if keys is None:
        return None
    ctx.root = node
    own_name = _name(ctx, keys, name)
    for block, kinds in NAMED_IN.items():
        if block not in keys and keys.node.get(block) is not None:
            ctx.broken.update(kinds)

    # The order of the references: each block names only what stands above it here.
    if (inner := keys.get("memory")) is not None:
        ctx.memory = build_memory(ctx, inner)
    if (inner := keys.get("people")) is not None:
        ctx.people = build_people(ctx, inner)
    if (inner := keys.get("tools")) is not None:
        ctx.tools = build_tools(ctx, inner)
    if (inner := keys.get("models")) is not None:
        ctx.models = build_models(ctx, inner)
    routing = build_routing(ctx, inner) if (inner := keys.get("routing")) else Routing()
    budgets = build_budgets(ctx, inner) if (inner := keys.get("budgets")) else Budgets()
    if (inner := keys.get("agents")) is not None:
        ctx.agents = build_agents(ctx, inner)
    workflows: dict[str, Workflow] = {}
    if (inner := keys.get("workflows")) is not None:
        workflows = build_workflows(ctx, inner)
    policies: dict[str, Policy] = {}
    if (inner := keys.get("policies")) is not None:
        policies = build_policies(ctx, inner, workflows)
    _check_side_effects(ctx, policies)

    return Spec(
        mesh=own_name,
        text=text,
        hash=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest(),
        source=ctx.source.name,
        description=keys.text("description"),
        currency=_currency(ctx, keys),
        models=_frozen(ctx.models),
        memory=_frozen(ctx.memory),
        people=_frozen(ctx.people),
        tools=_frozen(ctx.tools),
        agents=_frozen(ctx.agents),
        policies=_frozen(policies),
        budgets=budgets,
        routing=routing,
        workflows=_frozen(workflows),
    )


def _frozen(found: dict[str, T]) -> Mapping[str, T]:
    return MappingProxyType(found)


def _name(ctx: Context, keys: Keys, other: str | None) -> str:
    node = keys.scalar("mesh", "a name")
    if node is None or not check_id(node, "a mesh", ctx.collector):
        return ""
    if other is not None and node.text != other:
        ctx.collector.error(
            "LM212",
            f"This mesh is called `{node.text}` here and `{other}` where it is defined.",
            node.span,
            "A mesh has one name: make them equal, or leave the other one out.",
        )
    return node.text


def _currency(ctx: Context, keys: Keys) -> str:
    code = keys.text("currency", "USD")
    if code in CURRENCIES:
        return code
    node = keys.get("currency")
    close = next((known for known in sorted(CURRENCIES) if known == code.upper()), None)
    starts = [known for known in sorted(CURRENCIES) if known.startswith(code[:2].upper())]
    offer = ", ".join(starts) or "USD or EUR"
    ctx.collector.error(
        "LM210",
        f"`{code[:40]}` is not a currency.",
        node.span if isinstance(node, ScalarNode) else _START,
        f"Did you mean `{close}`?" if close else f"Write its ISO 4217 code, such as {offer}.",
    )
    return "USD"


def _check_side_effects(ctx: Context, policies: Mapping[str, Policy]) -> None:
    """Say in advance what the gate will do: a side effect without a policy is denied."""
    if "policies" in ctx.broken:
        return
    targets = [policy.target for policy in policies.values() if policy.at == "tool"]
    if any(not target.tools for target in targets):
        return
    covered = {name for target in targets for name in target.tools}
    for tool in ctx.tools.values():
        if tool.side_effect and tool.name not in covered:
            ctx.collector.warning(
                "LM603",
                f"`{tool.name}` has side effects and no policy covers it: every call is denied.",
                tool.span,
                "Add a policy, here one that asks a person every time:\n"
                f"    {tool.name}_gate: {{at: tool, for: {{tools: [{tool.name}]}}, rules: "
                f"[{{id: always, then: ask, to: {next(iter(ctx.people), 'PERSON')}}}], "
                "default: deny}",
            )
