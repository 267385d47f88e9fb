"""Types of several words that are written as one text: ``"{list: string} or null"``.

YAML has no words after a brace, so what is in braces is quoted, and read as YAML of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.source import Source

__all__ = ["QUOTED", "braced"]

QUOTED = re.compile(r"\s*(\{.*\})(\s+or\s+null)?\s*\Z", re.DOTALL)
_LONGEST = 10_000


def braced(node: ScalarNode) -> tuple[MappingNode, bool] | None:
    """The map in the braces of a quoted type, at its place in the source, and whether ``or null``
    follows; None where there are no braces, or no map in them."""
    from leafmesh_nb.language.reader import read

    match = QUOTED.match(node.text)
    if match is None or len(node.text) > _LONGEST:
        return None
    source = Source(match[1])
    collector = Collector(source)
    found = read(source, collector)
    if collector.failed or not isinstance(found, MappingNode):
        return None
    return _Mover(node, source, match.start(1)).map(found), match[2] is not None


class _Mover:
    """Gives the nodes of a text within a scalar their places in the source."""

    def __init__(self, outer: ScalarNode, source: Source, start: int) -> None:
        self.outer = outer
        self.source = source
        self.start = start

    def map(self, node: MappingNode) -> MappingNode:
        entries = (Entry(self.scalar(e.key), self.node(e.value)) for e in node.entries)
        return replace(node, entries=tuple(entries), span=self.span(node.span))

    def node(self, node: Node) -> Node:
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if isinstance(node, SequenceNode):
            items = tuple(map(self.node, node.items))
            return replace(node, items=items, span=self.span(node.span))
        return self.map(node)

    def scalar(self, node: ScalarNode) -> ScalarNode:
        # Within the outer text its own characters may stand escaped.
        return node._replace(span=self.span(node.span), places=())

    def span(self, span: Span) -> Span:
        start = self.source.offset(span.line, span.column)
        end = self.source.offset(span.end_line, span.end_column)
        return self.outer.locate(self.start + start, self.start + end)
