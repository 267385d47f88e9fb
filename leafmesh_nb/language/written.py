"""Which memory fields are surely written when a step runs, and where a policy reads others.

A workflow's own ``save`` is done before its steps, and a step's when the step is done. What an
agent writes of its own is not known before it runs. A field that nobody has written is null.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from leafmesh_nb.language.build_steps import Draft
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.expressions.ast import (
    Binary,
    Constant,
    Embedded,
    Has,
    ListOf,
    Node,
    children,
    static_path,
)
from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.nodes import Span

__all__ = ["Writing", "warn_of_unwritten"]

Fields = frozenset[str]


@dataclass(frozen=True, slots=True)
class Writing:
    """What a workflow surely writes to memory: ``start`` before its steps, each of the ``steps``
    when it is done."""

    start: Fields
    steps: Mapping[str, Fields]

    @classmethod
    def of(
        cls,
        ctx: Context,
        own: Collection[str],
        drafts: Mapping[str, Draft],
        inner: Mapping[str, Fields],
    ) -> Writing:
        """From its ``own`` save, its steps, and what each workflow that they run has surely
        written when it ends."""
        known = ctx.memory.keys()
        steps = {name: _saved(draft, inner) & known for name, draft in drafts.items()}
        return cls(frozenset(own) & known, steps)

    def after(self, done: Collection[str]) -> Fields:
        """The fields that are surely written once these steps are done."""
        return self.start.union(*(self.steps[name] for name in done if name in self.steps))


def _saved(draft: Draft, inner: Mapping[str, Fields]) -> Fields:
    """What a step has surely written once it is done: of a list without items nothing is."""
    if "for_each" in draft.said:
        return frozenset()
    return frozenset(draft.save) | inner.get(draft.step.workflow or "", frozenset())


def warn_of_unwritten(ctx: Context, expression: Expression, unwritten: Collection[str]) -> None:
    """Warn of a condition of a policy that compares a field which may not have been written:
    null is equal to no value, so the rule says the same as if it were another one."""
    if ctx.collector.failed or not unwritten:
        return
    compared: dict[str, Span] = {}
    guarded: set[str] = set()
    for name, origin, node in _compared(expression.node, expression.origin):
        if node is None:
            guarded.add(name)
        else:
            compared.setdefault(name, origin.locate(node.start, node.end))
    for name, span in compared.items():
        if name in unwritten and name not in guarded:
            ctx.collector.warning(
                "LM419",
                f"`memory.{name}` may be null here (it is until something is written to it), and "
                "null is equal to no value.",
                span,
                f"Write default(memory.{name}, …), or say with memory.{name} == null what holds.",
            )


def _compared(node: Node, origin: Origin) -> Iterator[tuple[str, Origin, Node | None]]:
    """The memory fields that are compared for equality, each with its node; with None where it is
    asked whether they are null."""
    match node:
        case Embedded():
            yield from _compared(node.body, node.origin)
            return
        case Has():
            if name := _field(node.target):
                yield name, origin, None
        case Binary(operator="==" | "!=" | "in"):
            sides = [node.left, node.right]
            null = any(isinstance(side, Constant) and side.value is None for side in sides)
            if isinstance(node.right, ListOf):
                sides += node.right.items
            for side in sides:
                if name := _field(side):
                    yield name, origin, None if null else side
    for part in children(node):
        yield from _compared(part, origin)


def _field(node: Node) -> str:
    path = static_path(node)
    return path[1] if path is not None and len(path) == 2 and path[0] == "memory" else ""
