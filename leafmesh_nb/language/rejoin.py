"""Expressions that YAML cut at a comma, put together again."""

from __future__ import annotations

import re

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Entry, ScalarNode
from leafmesh_nb.language.quoting import balanced_end, quoted_line, unbalanced
from leafmesh_nb.language.scalars import places_of
from leafmesh_nb.language.source import Source

__all__ = ["rejoined"]

_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")


def rejoined(source: Source, collector: Collector, entries: list[Entry]) -> list[Entry]:
    """The entries of a flow map, with the expressions put together again that a comma split:
    ``{when: min(a, 3) > 1}`` is read by YAML as two keys."""
    if all(_NAME.match(entry.key.text) for entry in entries[1:]):
        return entries
    whole: list[Entry] = []
    skip_to = 0
    for index, entry in enumerate(entries):
        key_offset = source.offset(entry.key.span.line, entry.key.span.column)
        if key_offset < skip_to:
            continue
        value = entry.value
        following = entries[index + 1] if index + 1 < len(entries) else None
        if (
            following is not None
            and isinstance(value, ScalarNode)
            and value.style == "plain"
            and not _NAME.match(following.key.text)
            and unbalanced(value.text)
        ):
            start = source.offset(value.span.line, value.span.column)
            skip_to = balanced_end(source.text, start)
            text = source.text[start:skip_to]
            span = source.span(start, skip_to)
            collector.error(
                "LM125",
                "Within braces, YAML ends a plain text at its first comma.",
                span,
                "Quote the expression:\n" + quoted_line(source, start, skip_to),
            )
            places = places_of(source, start, skip_to, "plain", text)
            value = ScalarNode(text, "plain", text, span, places)
        whole.append(Entry(entry.key, value))
    return whole
