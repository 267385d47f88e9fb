"""Expressions that YAML took apart, put together again: at a comma, or at a colon."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Entry, Node, ScalarNode
from leafmesh_nb.language.quoting import (
    KEY_ERRORS,
    balanced_end,
    closes_more,
    quoted_line,
    unbalanced,
)
from leafmesh_nb.language.scalars import places_of
from leafmesh_nb.language.source import Source

__all__ = ["rejoined", "rejoined_item"]

_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
_SIGN = re.compile(r"[?\"'()\[\]&|<>=!]")


def rejoined(source: Source, collector: Collector, entries: list[Entry]) -> list[Entry]:
    """The entries of a flow map, with the expressions put together again that a comma split:
    ``{when: min(a, 3) > 1}`` is read by YAML as two keys."""
    for key, value in entries[1:]:  # most maps are left as they are, and soon
        if not key.text.isidentifier() or _absent(value):
            break
    else:
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
            and (_absent(following.value) or not _NAME.match(following.key.text))
            and unbalanced(value.text)
        ):
            start = source.offset(value.span.line, value.span.column)
            skip_to = balanced_end(source.text, start)
            value = _whole(
                source,
                collector,
                (start, skip_to),
                "Within braces, YAML ends a plain text at its first comma.",
            )
        whole.append(Entry(entry.key, value))
    return whole


def rejoined_item(
    source: Source, collector: Collector, entries: Sequence[Entry], flow: bool
) -> Node | None:
    """An item of a list that YAML reads as a key and a value, though it is an expression, such as
    ``x ? b : c``; None for anything else. ``entries`` are those of the one map that it is."""
    if len(entries) != 1:
        return None
    key, value = entries[0]
    if (
        not isinstance(value, ScalarNode)
        or value.style not in ("plain", "single", "double")
        or key.style != "plain"
        or key.span.line != value.span.end_line
        or not _SIGN.search(key.text)
        or (flow and closes_more(value.text))  # a comma before has split it as well
    ):
        return None
    part = (
        source.offset(key.span.line, key.span.column),
        source.offset(value.span.end_line, value.span.end_column),
    )
    return _whole(source, collector, part, "YAML takes `: ` in a text for a key and its value.")


def _absent(value: Node) -> bool:
    return isinstance(value, ScalarNode) and not value.text and value.style == "plain"


def _whole(source: Source, collector: Collector, part: tuple[int, int], message: str) -> ScalarNode:
    start, end = part
    text = source.text[start:end]
    span = source.span(start, end)
    hint = "Quote the expression:\n" + quoted_line(source, start, end)
    collector.withdraw(span, KEY_ERRORS)
    collector.error("LM125", message, span, hint)
    return ScalarNode(text, "plain", text, span, places_of(source, start, end, "plain", text))
