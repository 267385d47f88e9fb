"""``{schema: …}`` in a text: the type, or diagnostics where the schema is wrong."""

from __future__ import annotations

from typing import Any

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.schemas.document import Schema
from leafmesh_nb.language.schemas.reading import Path, read_schema
from leafmesh_nb.language.schemas.to_type import type_of
from leafmesh_nb.language.types import ANY, Type

__all__ = ["parse_schema"]


def parse_schema(node: Node, diagnostics: Collector) -> Type:
    """The type that a JSON Schema describes; ``any`` where it is wrong, which is reported."""
    found = read_schema(_plain(node))
    if isinstance(found, Schema):
        return type_of(found)
    for flaw in found:
        span = _place(node, flaw.path, flaw.at_key)
        diagnostics.error(flaw.code, flaw.message, span, flaw.hint)
    return ANY


def _plain(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.items]
    return {entry.key.text: _plain(entry.value) for entry in node}


def _place(node: Node, path: Path, at_key: bool) -> Span:
    span = node.span
    for part in path:
        if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            span = node.span
        elif isinstance(node, MappingNode):
            entry = next((entry for entry in node if entry.key.text == part), None)
            if entry is None:
                break
            node = entry.value
            # A block of several lines is named by its key.
            named = at_key and part == path[-1]
            span = entry.key.span if named or not isinstance(node, ScalarNode) else node.span
        else:
            break
    return span
