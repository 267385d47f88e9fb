"""How often a step is performed: ``for_each``, ``repeat`` and ``retry``, as they are written."""

from __future__ import annotations

from leafmesh_nb.language.blocks import Block, Keys, read_block
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.spec import ForEach, Repeat, Retry

__all__ = ["FOR_EACH", "REPEAT", "RETRY", "build_for_each", "build_repeat", "build_retry"]

FOR_EACH = Block(
    "`for_each`",
    required=("in", "max"),
    optional=("parallel",),
    hints={"max": "Add `max: …`: a longer list fails the step, so that its cost is bounded."},
)
REPEAT = Block(
    "`repeat`",
    required=("until", "max"),
    hints={"max": "Add `max: …`: after so many times without `until` the step has failed."},
)
RETRY = Block("`retry`", required=("max",), optional=("backoff",))


def build_for_each(ctx: Context, keys: Keys) -> ForEach | None:
    """A step's ``for_each``, its items not yet typed; None where it has none that can be read."""
    block = _block(ctx, keys, "for_each", FOR_EACH, "{in: input.lines, max: 20}")
    if block is None:
        return None
    items = ctx.expression(node) if (node := block.get("in")) is not None else None
    most = block.integer("max", 1)
    parallel = block.integer("parallel", 1) or 1
    if most is not None and parallel > most:
        ctx.collector.error(
            "LM208",
            f"`parallel` must be at most `max`, which is {most}.",
            block.span("parallel"),
            "Without it, one item is done after the other.",
        )
    return ForEach(items, most or 1, parallel) if items is not None else None


def build_repeat(ctx: Context, keys: Keys) -> Repeat | None:
    """A step's ``repeat``; None where it has none that can be read."""
    block = _block(ctx, keys, "repeat", REPEAT, "{until: output.confidence > 0.9, max: 3}")
    if block is None:
        return None
    until = ctx.expression(node) if (node := block.get("until")) is not None else None
    most = block.integer("max", 1) or 1
    return Repeat(until, most) if until is not None else None


def build_retry(ctx: Context, keys: Keys) -> Retry | None:
    """A step's ``retry``; None where it has none that can be read."""
    block = _block(ctx, keys, "retry", RETRY, "{max: 3, backoff: 1s}")
    if block is None:
        return None
    most = block.integer("max", 1)
    backoff = block.duration("backoff") or 0.0
    return Retry(most, backoff) if most is not None else None


def _block(ctx: Context, keys: Keys, name: str, block: Block, example: str) -> Keys | None:
    node = keys.get(name)
    return None if node is None else read_block(ctx, node, block, keys.span(name), example)
