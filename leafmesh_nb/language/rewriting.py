"""A line with another expression in it, as it must be written in YAML."""

from __future__ import annotations

import re

from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.quoting import line_with, quote
from leafmesh_nb.language.source import Source

__all__ = ["in_flow", "rewritten"]

_LONGEST = 200
_NOT_PLAIN = re.compile(r"[!&*\[\]{}|>@`\"'%#,?:-]|.*(?::(?:\s|\Z)|\s#)", re.DOTALL)
_IN_FLOW = re.compile(r"[,\[\]{}]")


def rewritten(source: Source, node: ScalarNode, text: str, flow: bool) -> str:
    """The source line of a plain scalar with ``text``, quoted, in its place; an empty text where it
    can be written as it is. ``flow`` says whether it stands within braces or brackets."""
    span = node.span
    if node.style != "plain" or span.line != span.end_line or len(text) > _LONGEST:
        return ""
    if not _NOT_PLAIN.match(text) and not (flow and _IN_FLOW.search(text)):
        return ""
    start, end = source.offset(*span[:2]), source.offset(*span[2:])
    return line_with(source, start, end, quote(text))


def in_flow(root: Node | None, span: Span) -> bool:
    """Whether a place is within braces or brackets."""
    node = root
    while isinstance(node, MappingNode | SequenceNode):
        if node.flow:
            return True
        parts = node.items if isinstance(node, SequenceNode) else [e.value for e in node.entries]
        node = next((part for part in parts if part.span[:2] <= span[:2] < part.span[2:]), None)
    return False
