"""The blocks ``models``, ``routing`` and ``budgets``."""

from __future__ import annotations

import re
from decimal import Decimal

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, Node, ScalarNode
from leafmesh_nb.language.spec import Budgets, ModelSpec, Routing, Tier
from leafmesh_nb.language.suggest import suggest

__all__ = ["FACTORS", "TIERS", "build_budgets", "build_models", "build_routing"]

TIERS: tuple[Tier, ...] = ("small", "large", "specialist")
FACTORS = ("skill", "text", "cost", "latency", "load")
COMPLEXITIES = ("routine", "standard", "complex")

MODEL = Block(
    "a model",
    required=("provider",),
    optional=("tier", "domains", "priced_as", "max_output_tokens", "timeout"),
    later=("model", "price", "base_url", "api_key_env", "fallback", "context_window", "region"),
)
BUDGETS = Block("`budgets`", optional=("run", "step", "day", "count"))
ROUTING = Block("`routing`", optional=("weights", "tiers"))
WEIGHTS = Block("`weights`", optional=FACTORS)
ROUTING_TIERS = Block("`tiers`", optional=COMPLEXITIES)

_PRICED_AS = re.compile(r"[a-z0-9_-]+:[\w./:@-]+\Z", re.ASCII)


def build_models(ctx: Context, node: Node) -> dict[str, ModelSpec]:
    """Models by name."""
    found = mapping(ctx, node, "`models`", "{quick: {provider: offline, tier: small}}")
    if found is None:
        ctx.broken.add("models")
        return {}
    models = {}
    for entry in found:
        ctx.declared["models"][entry.key.text] = entry.key.span
        if check_id(entry.key, "a model", ctx.collector):
            model = _model(ctx, entry)
            if model:
                models[model.name] = model
    return models


def _model(ctx: Context, entry: Entry) -> ModelSpec | None:
    keys = read_block(ctx, entry.value, MODEL, entry.key.span, "{provider: offline, tier: small}")
    if keys is None:
        return None
    _check_provider(ctx, keys)
    tier = keys.choice("tier", TIERS)
    if tier is None and "tier" in keys:
        ctx.broken.add("tiers")
    priced_as = keys.text("priced_as") or None
    if priced_as and not _PRICED_AS.match(priced_as):
        ctx.collector.error(
            "LM210",
            "`priced_as` must be provider:model.",
            (keys.get("priced_as") or entry.value).span,
            'For example "openai:gpt-5-mini".',
        )
    return ModelSpec(
        name=entry.key.text,
        provider="offline",
        tier=tier,
        domains=tuple(n.text for n in keys.texts("domains", "texts")),
        priced_as=priced_as,
        max_output_tokens=keys.integer("max_output_tokens", 1),
        timeout=keys.duration("timeout"),
        span=entry.key.span,
    )


def _check_provider(ctx: Context, keys: Keys) -> None:
    node = keys.get("provider")
    provider = keys.text("provider", "offline")
    if node is None or provider == "offline":
        return
    if suggest(provider, ("offline",)):
        ctx.collector.error(
            "LM206", f"`{provider}` is not a provider.", node.span, "Did you mean `offline`?"
        )
        return
    hint = "This version runs `offline` models and `python` agents."
    if provider == "python":
        hint += " `python` is an agent's `kind:`."
    else:
        hint += " Write `provider: offline`, and the vendor's model under `priced_as:`."
    ctx.collector.error(
        "LM203", f"The provider `{provider}` is not available yet.", node.span, hint
    )


def build_routing(ctx: Context, node: Node) -> Routing:
    """Weights and tiers."""
    keys = read_block(ctx, node, ROUTING, node.span)
    if keys is None:
        return Routing()
    weights: dict[str, Decimal] = {}
    tiers: dict[str, Tier] = {}
    if (inner := keys.get("weights")) and (
        block := read_block(ctx, inner, WEIGHTS, keys.span("weights"))
    ):
        for name in FACTORS:
            weight = block.number(name, 0, 1000)
            if weight is not None:
                weights[name] = weight
        if weights and not any(weights.values()):
            ctx.collector.error("LM208", "At least one weight must be more than 0.", inner.span)
    if (inner := keys.get("tiers")) and (
        block := read_block(ctx, inner, ROUTING_TIERS, keys.span("tiers"))
    ):
        for name in COMPLEXITIES:
            tier = block.choice(name, TIERS)
            if tier is None:
                continue
            tiers[name] = tier
            value = block.get(name)
            if isinstance(value, ScalarNode) and ctx.models:
                check_tier(ctx, value, tier)
    return Routing(weights, tiers)


def check_tier(ctx: Context, node: ScalarNode, tier: Tier) -> None:
    """Report a tier that no model has."""
    if ctx.broken & {"models", "tiers"} or len(ctx.models) < len(ctx.declared["models"]):
        return
    if not any(model.tier == tier for model in ctx.models.values()):
        known = sorted({m.tier for m in ctx.models.values() if m.tier})
        hint = f"There are models of tier {', '.join(known)}." if known else ""
        ctx.collector.error("LM308", f"No model has the tier `{tier}`.", node.span, hint)


def check_domain(ctx: Context, node: ScalarNode) -> None:
    """Report a domain that no model has."""
    if "models" in ctx.broken or len(ctx.models) < len(ctx.declared["models"]):
        return
    known = {domain: None for model in ctx.models.values() for domain in model.domains}
    if node.text not in known:
        close = suggest(node.text, known)
        hint = (
            f"Did you mean `{close}`?"
            if close
            else f"Known: {', '.join(known)}."
            if known
            else "Give a model `domains: [" + node.text[:40] + "]`."
        )
        ctx.collector.error("LM309", f"No model has the domain `{node.text}`.", node.span, hint)


def build_budgets(ctx: Context, node: Node) -> Budgets:
    """Budgets in US dollars."""
    keys = read_block(ctx, node, BUDGETS, node.span, "{run: 0.50, step: 0.20, day: 20}")
    if keys is None:
        return Budgets()
    return Budgets(
        run=keys.number("run", 0),
        step=keys.number("step", 0),
        day=keys.number("day", 0),
        count=keys.choice("count", ("spent", "list_price")) or "spent",
    )
