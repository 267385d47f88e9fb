"""The blocks ``models``, ``routing`` and ``budgets``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import get_args

from leafmesh_nb.language.addresses import environment_name, web_address
from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block, reference
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.cycles import find_cycle
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, Node, ScalarNode
from leafmesh_nb.language.providers import OFFLINE, check_provider, is_provider_model
from leafmesh_nb.language.spec import Budgets, ModelSpec, Price, Routing, Tier
from leafmesh_nb.language.suggest import suggest

__all__ = ["FACTORS", "TIERS", "build_budgets", "build_models", "build_routing"]

TIERS: tuple[Tier, ...] = get_args(Tier)
FACTORS = ("skill", "text", "cost", "latency", "load")
COMPLEXITIES = ("routine", "standard", "complex")

MODEL = Block(
    "a model",
    required=("provider",),
    optional=("tier", "domains", "priced_as", "max_output_tokens", "timeout"),
    later=("model", "price", "base_url", "api_key_env", "fallback", "context_window", "region"),
)
PRICE = Block("`price`", required=("input", "output"), optional=("cached_input",))
BUDGETS = Block("`budgets`", optional=("run", "step", "day", "count"))
ROUTING = Block("`routing`", optional=("weights", "tiers"))
WEIGHTS = Block("`weights`", optional=FACTORS)
ROUTING_TIERS = Block("`tiers`", optional=COMPLEXITIES)

FOR_VENDORS = ("model", "price", "base_url", "api_key_env", "region")
"""Keys that say how a vendor's server is reached and paid."""

_EXAMPLE = "{provider: offline, tier: small}"


def build_models(ctx: Context, node: Node) -> dict[str, ModelSpec]:
    """Models by name."""
    found = mapping(ctx, node, "`models`", "{quick: {provider: offline, tier: small}}")
    if found is None:
        ctx.broken.add("models")
        return {}
    # A fallback may be declared below the model that names it.
    ctx.declared["models"] |= {entry.key.text: entry.key.span for entry in found}
    models = {}
    for entry in found:
        if check_id(entry.key, "a model", ctx.collector):
            model = _model(ctx, entry)
            if model:
                models[model.name] = model
    _check_fallbacks(ctx, models)
    return models


def _model(ctx: Context, entry: Entry) -> ModelSpec | None:
    keys = read_block(ctx, entry.value, MODEL, entry.key.span, _EXAMPLE)
    if keys is None:
        return None
    node = keys.scalar("provider", "text")
    provider = check_provider(ctx, node) if node is not None else None
    tier = keys.choice("tier", TIERS)
    if tier is None and "tier" in keys:
        ctx.broken.add("tiers")
    model = ModelSpec(
        name=entry.key.text,
        provider=provider or OFFLINE,
        model=keys.text("model") or None,
        tier=tier,
        domains=tuple(n.text for n in keys.texts("domains", "texts")),
        priced_as=_priced_as(keys),
        max_output_tokens=keys.integer("max_output_tokens", 1),
        timeout=keys.duration("timeout"),
        price=_price(ctx, keys),
        base_url=web_address(keys, "base_url"),
        api_key_env=environment_name(keys, "api_key_env"),
        fallback=tuple(
            name
            for name in (reference(ctx, n, "models") for n in keys.texts("fallback", "models"))
            if name
        ),
        context_window=keys.integer("context_window", 1),
        region=keys.text("region") or None,
        span=entry.key.span,
    )
    if provider is not None:
        _check_vendor(ctx, keys, model)
    _check_window(ctx, keys, model)
    return model


def _priced_as(keys: Keys) -> str | None:
    text = keys.text("priced_as") or None
    if text and not is_provider_model(text):
        keys.ctx.collector.error(
            "LM210",
            "`priced_as` must be provider:model.",
            (keys.get("priced_as") or keys.node).span,
            'For example "openai:gpt-5-mini".',
        )
    return text


def _price(ctx: Context, keys: Keys) -> Price | None:
    node = keys.get("price")
    block = node and read_block(
        ctx, node, PRICE, keys.span("price"), "{input: 0.25, output: 2, cached_input: 0.03}"
    )
    if not block:
        return None
    prices = {name: block.number(name, 0) for name in ("input", "output", "cached_input")}
    input, output = prices["input"], prices["output"]
    if input is None or output is None:
        return None
    return Price(input, output, prices["cached_input"])


def _check_vendor(ctx: Context, keys: Keys, model: ModelSpec) -> None:
    """A vendor's model has a name of its own; an offline model has nothing of a vendor's."""
    if model.provider != OFFLINE:
        if keys.node.get("model") is None:
            ctx.collector.error(
                "LM202",
                f"`model` is missing: which model of {model.provider} is this?",
                model.span,
                "Add `model: …` with the vendor's own name of it, such as gpt-5-mini.",
            )
        return
    for name in FOR_VENDORS:
        if name in keys:
            ctx.collector.withdraw(keys.span(name), ("LM203",))
            ctx.collector.error(
                "LM214",
                f"`{name}` has no effect here: an offline model costs nothing and reaches no "
                "server.",
                keys.span(name),
                "Remove it, or name the vendor, as in `provider: openai`. `priced_as` shows what "
                "the same tokens would cost elsewhere.",
            )


def _check_window(ctx: Context, keys: Keys, model: ModelSpec) -> None:
    most, window = model.max_output_tokens, model.context_window
    if most is not None and window is not None and most > window:
        ctx.collector.error(
            "LM208",
            f"`max_output_tokens` must be at most {window}: an answer fits into `context_window`.",
            (keys.get("max_output_tokens") or keys.node).span,
        )


def _check_fallbacks(ctx: Context, models: Mapping[str, ModelSpec]) -> None:
    """Report models that fall back on each other, every circle of them."""
    graph = {name: model.fallback for name, model in models.items()}
    while cycle := find_cycle(graph):
        message = f"These models fall back on each other: {' → '.join(cycle)}."
        if len(cycle) == 2:
            message = f"The model `{cycle[0]}` falls back on itself."
        ctx.collector.error(
            "LM330",
            message,
            models[cycle[0]].span,
            "Where all of them fail, there must be a last one. Break the circle.",
        )
        graph = {name: names for name, names in graph.items() if name not in cycle}


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
            if ctx.models:
                check_tier(ctx, block.get(name), tier)
    return Routing(weights, tiers)


def check_tier(ctx: Context, node: Node | None, tier: Tier) -> None:
    """Report a tier that no model has, where it is named."""
    unread = ctx.broken & {"models", "tiers"} or len(ctx.models) < len(ctx.declared["models"])
    if node is None or unread:
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
