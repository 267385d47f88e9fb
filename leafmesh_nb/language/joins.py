"""``after``: what a step waits for, and in which order steps can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from leafmesh_nb.language.blocks import kind_of, reference
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.cycles import find_cycle
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.spec import Join

__all__ = [
    "ancestors",
    "cycle_in",
    "cycles_in",
    "implied",
    "in_order",
    "parse_join",
    "with_handlers",
]

_FORMS = "Write a, [a, b], {any: [a, b]}, {all: [a, b]} or {count: 2, of: [a, b, c]}."


def parse_join(ctx: Context, node: Node, steps: Mapping[str, Span]) -> Join | None:
    """The join that ``after`` describes; None where it describes none, which is reported."""
    term = _term(ctx, node, steps)
    if term is None or isinstance(term, Join):
        return term
    return Join("all", (term,))


def _term(ctx: Context, node: Node, steps: Mapping[str, Span]) -> str | Join | None:
    if isinstance(node, ScalarNode):
        if not isinstance(node.value, str):
            ctx.collector.error(
                "LM204", f"`after` names steps, and this is {kind_of(node)}.", node.span, _FORMS
            )
            return None
        return reference(ctx, node, "steps", steps)
    if isinstance(node, SequenceNode):
        return _group(ctx, "all", node, steps)
    keys = {entry.key.text for entry in node}
    if keys == {"count", "of"}:
        return _counted(ctx, node, steps)
    if keys == {"any"} or keys == {"all"}:
        entry = node.entries[0]
        if isinstance(entry.value, SequenceNode):
            return _group(ctx, "any" if keys == {"any"} else "all", entry.value, steps)
        ctx.collector.error(
            "LM204", f"`{entry.key.text}` must be a list of steps.", entry.value.span, _FORMS
        )
        return None
    ctx.collector.error("LM204", "This is not a form of `after`.", node.span, _FORMS)
    return None


def _group(
    ctx: Context, op: str, node: SequenceNode, steps: Mapping[str, Span], count: int = 0
) -> Join | None:
    if not node.items:
        ctx.collector.error("LM211", "`after` names no step.", node.span, _FORMS)
        return None
    terms: list[str | Join] = []
    whole = True
    for item in node.items:
        term = _term(ctx, item, steps)
        if term is None:
            whole = False
        elif term in terms:
            ctx.collector.error("LM213", "This step is named twice here.", item.span)
        else:
            terms.append(term)
    if not whole or not terms:
        return None
    if op == "any":
        return Join("any", tuple(terms))
    return Join("count", tuple(terms), count) if op == "count" else Join("all", tuple(terms))


def _counted(ctx: Context, node: MappingNode, steps: Mapping[str, Span]) -> Join | None:
    count, of = node.get("count"), node.get("of")
    if not isinstance(of, SequenceNode):
        if of is not None:
            ctx.collector.error("LM204", "`of` must be a list of steps.", of.span, _FORMS)
        return None
    number = count.value if isinstance(count, ScalarNode) else None
    if isinstance(number, bool) or not isinstance(number, int):
        if count is not None:
            ctx.collector.error("LM204", "`count` must be a whole number.", count.span, _FORMS)
        return None
    if count is not None and of.items and not 1 <= number <= len(of.items):
        ctx.collector.error(
            "LM208", f"`count` must be from 1 to {len(of.items)}, the steps in `of`.", count.span
        )
        return None
    return _group(ctx, "count", of, steps, number)


def implied(explicit: Join | None, reads: Iterable[str]) -> Join | None:
    """``after`` with the steps that are read: each that it does not mention joins by ``all``."""
    named = explicit.steps() if explicit else ()
    missing = tuple(name for name in dict.fromkeys(reads) if name not in named)
    if not missing:
        return explicit
    if explicit is None:
        return Join("all", missing)
    if explicit.op == "all":
        return Join("all", (*explicit.terms, *missing))
    return Join("all", (explicit, *missing))


def with_handlers(
    joins: Mapping[str, Join | None], handles: Mapping[str, Sequence[str]]
) -> dict[str, Join | None]:
    """The joins, where a step that ``on_error`` names waits for those whose failure it handles,
    too."""
    return {name: implied(join, handles.get(name, ())) for name, join in joins.items()}


def cycles_in(joins: Mapping[str, Join | None]) -> Iterator[list[str]]:
    """Cycles that have no step in common, as ``cycle_in`` gives them."""
    left = dict(joins)
    while (cycle := cycle_in(left)) is not None:
        yield cycle
        for name in cycle[:-1]:
            left[name] = None


def cycle_in(joins: Mapping[str, Join | None]) -> list[str] | None:
    """Steps that wait for each other, as the path back to its start; None if there are none."""
    return find_cycle({name: join.steps() if join else () for name, join in joins.items()})


def ancestors(joins: Mapping[str, Join | None]) -> dict[str, frozenset[str]]:
    """For each step, every step that it waits for, directly or through others; no cycle."""
    found: dict[str, frozenset[str]] = {}
    for name in in_order(joins):
        join = joins[name]
        before = join.steps() if join else ()
        found[name] = frozenset(before).union(*(found.get(step, frozenset()) for step in before))
    return found


def in_order(joins: Mapping[str, Join | None]) -> list[str]:
    """The steps, each after those that it waits for; no cycle."""
    order: dict[str, None] = {}
    for start in joins:
        pending = [(start, True)]
        while pending:
            name, entering = pending.pop()
            if not entering:
                order.setdefault(name)
            elif name not in order and name in joins:
                pending.append((name, False))
                join = joins[name]
                pending += [(term, True) for term in reversed(join.steps() if join else ())]
    return list(order)
