"""What YAML took apart within braces, put together again; and what it did not take apart.

An expression is cut at a comma or at a colon, a number at a decimal comma, a text in quotes that
YAML does not know at its first comma. ``tier:small`` is one word to YAML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice, takewhile

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Entry, Node, Scalar, ScalarNode
from leafmesh_nb.language.quoting import (
    KEY_ERRORS,
    balanced_end,
    closes_more,
    line_with,
    quote,
    quoted_line,
    unbalanced,
)
from leafmesh_nb.language.scalars import NumberOutOfRange, places_of, resolve
from leafmesh_nb.language.source import Source

__all__ = ["rejoined", "rejoined_item", "separated"]

_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_GLUED = re.compile(r"([A-Za-z_][\w.-]*):(?=[^\s:/=])")
_CLOSED_BY = {
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
}
"""The quotes of books, each with those that close it."""
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
        if (cut := _cut_value(source, collector, entries, index)) is not None:
            whole.append(Entry(entry.key, cut))
            skip_to = source.offset(cut.span.end_line, cut.span.end_column)
            continue
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


def separated(collector: Collector, entries: list[Entry]) -> list[Entry]:
    """The entries of a flow map, with ``{tier:small}`` read as a key and a value."""
    if not any(":" in entry.key.text for entry in entries):
        return entries
    return [_separated(collector, entry) for entry in entries]


def _separated(collector: Collector, entry: Entry) -> Entry:
    key = entry.key
    glued = _GLUED.match(key.text) if key.style == "plain" and _absent(entry.value) else None
    if glued is None:
        return entry
    name, text = glued[1], key.text[glued.end() :]
    shown = text if len(text) <= 60 else text[:59] + "…"
    collector.error(
        "LM101",
        "A space is missing after the colon.",
        key.locate(0, glued.end()),
        f"Write `{name}: {shown}`.",
    )
    rest = key.locate(glued.end(), len(key.text))
    try:
        value = resolve(text)
    except NumberOutOfRange:
        value = text
    return Entry(
        ScalarNode(name, "plain", name, key.locate(0, len(name)), None),
        ScalarNode(text, "plain", value, rest, None if rest.line == rest.end_line else ()),
    )


def _cut_value(
    source: Source, collector: Collector, entries: Sequence[Entry], index: int
) -> ScalarNode | None:
    """``0,50`` or ``“twice, again”`` as the one value of an entry; None for anything else."""
    value = entries[index].value
    if not isinstance(value, ScalarNode) or value.style != "plain" or index + 1 == len(entries):
        return None
    start = source.offset(value.span.line, value.span.column)
    closes = _CLOSED_BY.get(value.text[:1], "")
    read: Scalar
    if _WHOLE_NUMBER.match(value.text):
        second, nothing = entries[index + 1]
        if not (_absent(nothing) and second.style == "plain" and second.text.isdecimal()):
            return None
        text = f"{value.text}.{second.text}"
        last, message, hint = second, "YAML ends a number at its comma.", "Write a decimal point:"
        written, read = text, Decimal(text)
    elif closes and not any(mark in value.text[1:] for mark in closes):
        before = takewhile(lambda other: _absent(other.value), islice(entries, index + 1, None))
        last_of = next((o.key for o in before if o.key.text[-1:] in tuple(closes)), None)
        if last_of is None:
            return None
        last = last_of
        end = source.offset(last.span.end_line, last.span.end_column)
        text = source.text[start + 1 : end - 1]
        message = f"`{value.text[0]}` is no quote of YAML, which ends this text at its first comma."
        hint, written, read = "Write straight quotes:", quote(text), text
    else:
        return None
    end = source.offset(last.span.end_line, last.span.end_column)
    span = source.span(start, end)
    collector.withdraw(span, KEY_ERRORS)
    collector.error("LM125", message, span, f"{hint}\n{line_with(source, start, end, written)}")
    return ScalarNode(text, "plain", read, span, ())


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
