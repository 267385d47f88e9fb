"""Names that expressions have in some places only, where one is used in another place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.expressions.ast import Comprehension, Embedded, Name, Node, children
from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.types import ANY

__all__ = ["at_place"]

_WHERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "item": (
            "in the `with`, `when`, `let`, `until` and `save` of a step with `for_each`",
            "Give the step `for_each: {in: …, max: …}`",
        ),
        "index": (
            "in the `with`, `when`, `let`, `until` and `save` of a step with `for_each`",
            "Give the step `for_each: {in: …, max: …}`",
        ),
        "previous": (
            "in the `with`, `when`, `let`, `until` and `save` of a step with `repeat`",
            "Give the step `repeat: {until: …, max: …}`",
        ),
        "output": (
            "in the `save` and `until` of a step, where it is the step's own",
            "The output of another step is steps.NAME.output",
        ),
        "steps": (
            "in steps and in a workflow's `output`",
            "A workflow's `save` is done before any step: put it into the `save` of a step",
        ),
    }
)


def at_place(ctx: Context, expression: Expression, names: Environment) -> Environment:
    """The names for checking an expression: those of its place, and as ``any`` those of other
    places that it uses, each of which is reported."""
    absent = [
        name
        for name in sorted({path[0] for path in expression.reads})
        if name in _WHERE
        and name not in names
        # Where there is, say, an `input.item`, that one was meant.
        and not any(type.kind == "object" and type.field(name) for type in names.values())
    ]
    for name in absent:
        where, way_out = _WHERE[name]
        written = f"`'\"{name}\"'`" if expression.text.strip() == name else f'`"{name}"`'
        for span in _places(expression.node, name, expression.origin):
            ctx.collector.error(
                "LM310",
                f"There is no `{name}` here: it is {where}.",
                span,
                f"{way_out}; the text itself is written {written}.",
            )
    return {**names, **dict.fromkeys(absent, ANY)} if absent else names


def _places(node: Node, name: str, origin: Origin) -> Iterator[Span]:
    """Where an expression uses a name of its place, which a macro's variable may hide."""
    if isinstance(node, Name):
        if node.name == name:
            yield origin.locate(node.start, node.end)
    elif isinstance(node, Embedded):
        yield from _places(node.body, name, node.origin)
    else:
        hidden = isinstance(node, Comprehension) and node.variable == name
        parts = (node.over,) if isinstance(node, Comprehension) and hidden else children(node)
        for part in parts:
            yield from _places(part, name, origin)
