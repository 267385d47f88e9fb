"""Plain values written in a mesh: examples, defaults, what a policy test gives."""

from __future__ import annotations

from typing import Any

from leafmesh_nb.language.context import Context
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = ["accept_node"]


class _Wrong:
    """The value of a node that does not fit its type; it has been reported."""


WRONG = _Wrong()


def accept_node(ctx: Context, type: Type, node: Node, partial: bool = False) -> Any:
    """The Python value of a node, or WRONG; what does not fit is reported where it stands.

    ``partial`` allows the fields of objects to be missing; a JSON Schema then tells of the fields
    that are there, each for itself.
    """
    if type.schema is not None and not (partial and type.kind == "object"):
        return _fitting(ctx, type, node)
    if isinstance(node, MappingNode) and type.kind == "object":
        return _object(ctx, type, node, partial)
    if isinstance(node, MappingNode) and type.kind in ("map", "any"):
        inner = type.items or ANY
        return _settled(
            {e.key.text: accept_node(ctx, inner, e.value, partial) for e in node.entries}
        )
    if isinstance(node, SequenceNode) and type.kind in ("list", "any"):
        inner = type.items or ANY
        items = [accept_node(ctx, inner, item, partial) for item in node.items]
        return WRONG if WRONG in items else items
    try:
        return accept(type, plain(node))
    except TypeMismatch as mismatch:
        ctx.collector.error(
            "LM402", f"This value {mismatch.message}.", node.span, _quote_hint(type, node)
        )
        return WRONG


def _fitting(ctx: Context, type: Type, node: Node) -> Any:
    """The value of a node that a JSON Schema describes; the part that does not fit is reported."""
    try:
        return accept(type, plain(node))
    except TypeMismatch as mismatch:
        for part in mismatch.parts:
            if isinstance(node, SequenceNode) and isinstance(part, int):
                node = node.items[part]
            elif isinstance(node, MappingNode):
                node = node.get(str(part)) or node
        ctx.collector.error("LM402", f"This value {mismatch.message}.", node.span)
        return WRONG


def plain(node: Node) -> Any:
    """A node as dicts, lists and scalars."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    return {entry.key.text: plain(entry.value) for entry in node}


def _object(ctx: Context, type: Type, node: MappingNode, partial: bool) -> Any:
    result: dict[str, Any] = {}
    meant = set()
    for entry in node:
        name = entry.key.text
        inner = type.field(name) or (ANY if type.open else None)
        if inner is None:
            close = suggest(name, type.names())
            meant.add(close)
            known = ", ".join(type.names())
            ctx.collector.error(
                "LM402",
                f"There is no field `{name}` here.",
                entry.key.span,
                f"Did you mean `{close}`?" if close else f"The fields are {known or 'none'}.",
            )
            result[name] = WRONG
        else:
            result[name] = accept_node(ctx, inner, entry.value, partial)
    if not partial:
        for name, inner in type.fields:
            if name in result:
                continue
            if inner.nullable:
                result[name] = None
            elif name not in meant:
                ctx.collector.error("LM402", f"The field `{name}` is missing.", node.span)
                result[name] = WRONG
    return _settled(result)


def _settled(values: dict[str, Any]) -> Any:
    return WRONG if any(value is WRONG for value in values.values()) else values


def _quote_hint(type: Type, node: Node) -> str:
    text_needed = type.kind in ("string", "enum")
    if text_needed and isinstance(node, ScalarNode) and node.text and node.value != node.text:
        return f'Quote it: "{node.text}".'
    return ""
