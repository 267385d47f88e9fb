"""YAML text to a tree with positions: libyaml's events, YAML 1.2 scalars, nothing dangerous.

No value is ever constructed by PyYAML, so there is nothing to execute, and no recursion, so there
is nothing to overflow. Tags, anchors, aliases and merge keys are errors; where somebody meant an
expression (``!x``, ``min(a, 3)`` inside braces) it is read as such, so that one slip gives one
diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from leafmesh_nb.language.admission import admit
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode, Span
from leafmesh_nb.language.quoting import value_end
from leafmesh_nb.language.refusals import Refusals
from leafmesh_nb.language.rejoin import rejoined, rejoined_item, separated
from leafmesh_nb.language.scalars import NumberOutOfRange, is_old_boolean, places_of, resolve
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.syntax import explain

__all__ = ["MAX_DEPTH", "MAX_NODES", "read"]

MAX_DEPTH = 50
MAX_NODES = 100_000

_REPAIRS = 6
"""How many lines that YAML cannot read are repaired, so that what else is wrong is told as well."""

_STYLES = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_STARTS = frozenset({ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent})
_NO_KEYS = frozenset({"", "<<"})
_LEADING_TAB = re.compile(r"^ *\t", re.MULTILINE)


def read(source: Source, collector: Collector) -> Node | None:
    """The tree of a text, or None where it cannot be read as YAML at all.

    Every complaint goes to ``collector``; a tree may be given although there are errors, so that
    what can be checked is checked.
    """
    if not admit(source, collector):
        return None
    text = source.covered
    for _ in range(_REPAIRS):
        builder = _Builder(text, collector)
        node = builder.build()
        if builder.repaired is None:
            return node
        text = builder.repaired
    return None


def _events(text: str) -> Iterator[Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(loader(text).get_event, None)


def _first_error(text: str) -> tuple[int, int] | None:
    try:
        for _ in _events(text):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return None


class _Collection:
    """A list or map that is being read. ``merged`` says that it stands under a merge key."""

    __slots__ = ("broken_key", "flow", "key", "mapping", "merged", "parts", "seen", "start")

    def __init__(self, mapping: bool, flow: bool, start: Any, merged: bool) -> None:
        self.mapping = mapping
        self.flow = flow
        self.start = start
        self.merged = merged
        self.parts: list[Any] = []
        self.key: ScalarNode | None = None
        self.broken_key = False
        self.seen: dict[str, ScalarNode] = {}


class _Stop(Exception):
    """A limit was passed; it has been reported."""


class _Builder:
    def __init__(self, source: Source, collector: Collector) -> None:
        self.source = source
        self.collector = collector
        self.refuse = Refusals(source, collector)
        self.stack: list[_Collection] = []
        self.root: Node | None = None
        self.repaired: Source | None = None
        self.documents = 0
        self.tabbed = {
            source.place(match.start())[0] - 1 for match in _LEADING_TAB.finditer(source.text)
        }

    def build(self) -> Node | None:
        try:
            self._read()
        except yaml.YAMLError as error:
            self.repaired = explain(error, self.source, self.collector, _first_error)
            return None
        except _Stop:
            return None
        if self.root is None or (isinstance(self.root, ScalarNode) and self.root.value is None):
            self.refuse.empty()
            return None
        return self.root

    def _read(self) -> None:
        # A large mesh has twenty thousand events: this loop and `_scalar` are kept lean.
        left = MAX_NODES
        tabbed = self.tabbed
        for event in _events(self.source.text):
            kind = type(event)
            if kind is MappingEndEvent or kind is SequenceEndEvent:
                self._place(self._close(event))
                continue
            if kind not in _STARTS:
                if kind is DocumentStartEvent:
                    self._document(event)
                continue
            left -= 1
            if left < 0:
                self.refuse.too_many(MAX_NODES, _span(event))
                raise _Stop
            if tabbed and event.start_mark.line in tabbed:
                self._tab(event)
            if kind is ScalarEvent:
                self._place(self._scalar(event))
            elif kind is AliasEvent:
                self._place(self._alias(event))
            else:
                self._open(event, kind is MappingStartEvent)

    def _tab(self, event: Any) -> None:
        """A tab before the first value of a line is indentation, though YAML lets some pass."""
        line, column = event.start_mark.line, event.start_mark.column
        if event.end_mark.index > event.start_mark.index and not self.source.lines[line][
            :column
        ].strip(" \t"):
            self.tabbed.discard(line)
            self.refuse.tab(line + 1)

    def _document(self, event: Any) -> None:
        self.documents += 1
        span = _span(event)
        if self.documents > 1:
            self.refuse.second_document(span)
            raise _Stop
        if event.version or event.tags:
            self.refuse.directive(span.line)

    # -- scalars

    def _scalar(self, event: Any) -> ScalarNode:
        first, last = event.start_mark, event.end_mark
        line, column, end_column = first.line + 1, first.column + 1, last.column + 1
        end_line = line if first.line == last.line else last.line + 1
        span = Span(line, column, end_line, end_column)
        if event.anchor is not None or event.tag is not None:
            return self._decorated(event, span)
        text: str = event.value
        if event.style:
            node = self._styled(event, text, span)
        else:
            try:
                value = resolve(text)
            except NumberOutOfRange:
                value = text
                self.refuse.number(span)
            if len(text) <= 3 and is_old_boolean(text) and not self._expects_key():
                self.refuse.old_boolean(text, span)
            places = None
            if end_column - column != len(text) or end_line != line:
                places = places_of(self.source, first.index, last.index, "plain", text)
            node = ScalarNode(text, "plain", value, span, places)
        if "{{" in text:
            self.refuse.placeholder_in(node)
        return node

    def _styled(self, event: Any, text: str, span: Span) -> ScalarNode:
        style = _STYLES[event.style]
        if style == "double" and _unstorable(text):
            self.refuse.escape(span)
        start, end = event.start_mark.index, event.end_mark.index
        places = places_of(self.source, start, end, style, text)
        return ScalarNode(text, style, text, span, places)

    def _decorated(self, event: Any, span: Span) -> ScalarNode:
        """A scalar with a tag or an anchor, read as the text that it looks like."""
        if self._expects_key():
            self.refuse.decorated_key(event.anchor, False, span)
            return ScalarNode(event.value, "plain", event.value, span)
        start = event.start_mark.index
        meant = self._meant(start)
        if event.tag is not None:
            self.refuse.tag(span, start, meant)
        else:
            self.refuse.anchor("&", event.anchor, span, start, meant)
        text = self.source.text[start:meant]
        whole = self.source.span(start, meant)
        if event.tag is None or text.startswith("!!"):
            self.collector.close(whole)
        return ScalarNode(
            text, "plain", text, whole, places_of(self.source, start, meant, "plain", text)
        )

    def _alias(self, event: Any) -> ScalarNode:
        span = _span(event)
        if self._expects_key():
            self.refuse.decorated_key(event.anchor, True, span)
            return ScalarNode(event.anchor, "plain", event.anchor, span)
        start = event.start_mark.index
        meant = self._meant(start)
        top = self.stack[-1] if self.stack else None
        if top is None or not (top.merged or _is_merge(top)):
            self.refuse.anchor("*", event.anchor, span, start, meant)
        whole = self.source.span(start, meant)
        self.collector.close(whole)
        text = self.source.text[start:meant]
        return ScalarNode(text, "plain", text, whole)

    def _meant(self, start: int) -> int:
        """Where somebody who did not think of YAML's signs meant this value to end."""
        flow = bool(self.stack and self.stack[-1].flow)
        return max(start + 1, value_end(self.source, start, flow))

    # -- collections

    def _expects_key(self) -> bool:
        top = self.stack[-1] if self.stack else None
        return bool(top and top.mapping and top.key is None)

    def _open(self, event: Any, mapping: bool) -> None:
        top = self.stack[-1] if self.stack else None
        merged = False
        if top is not None:
            if top.mapping and top.key is None:
                self._refuse_key(top, event)
            merged = top.merged or _is_merge(top)
            if len(self.stack) >= MAX_DEPTH:
                self.refuse.too_deep(MAX_DEPTH, _span(event))
                raise _Stop
        if event.tag is not None:
            self.refuse.tagged_collection(_span(event))
        if event.anchor is not None:
            self.refuse.anchored_collection(event.anchor, _span(event))
        self.stack.append(_Collection(mapping, bool(event.flow_style), event.start_mark, merged))

    def _refuse_key(self, top: _Collection, event: Any) -> None:
        top.broken_key = True
        offset = event.start_mark.index
        if top.flow and self.source.text.startswith("{{", max(0, offset - 1)):
            self.refuse.placeholder_at(offset - 1)
        else:
            self.refuse.key_not_text(_span(event))

    def _close(self, event: Any) -> Node:
        top = self.stack.pop()
        line, column = top.start.line + 1, top.start.column + 1
        parts = top.parts
        if top.flow:
            span = Span(line, column, event.end_mark.line + 1, event.end_mark.column + 1)
        else:
            _, _, end_line, end_column = _last(parts) or (0, 0, line, column)
            if end_column == 1 and end_line > line:
                end_line -= 1
                end_column = len(self.source.line(end_line)) + 1
            if end_line == line and end_column < column:
                end_column = column
            span = Span(line, column, end_line, end_column)
        if not top.mapping:
            return SequenceNode(tuple(parts), span, top.flow)
        if top.flow and len(parts) > 1:
            parts = rejoined(self.source, self.collector, parts)
        elif (
            len(parts) == 1 and self.stack and not self.stack[-1].mapping and not self._braced(top)
        ):
            item = rejoined_item(self.source, self.collector, parts, top.flow)
            if item is not None:
                return item
        if top.flow:
            parts = separated(self.collector, parts)
        return MappingNode(tuple(parts), span, top.flow)

    def _braced(self, top: _Collection) -> bool:
        """Whether a map is written with braces: YAML lets one pair in a list go without them."""
        return top.flow and self.source.text.startswith("{", top.start.index)

    def _place(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if not top.mapping:
            top.parts.append(node)
        elif top.key is not None:
            if not top.broken_key:
                top.parts.append(Entry(top.key, node))
            top.key = None
            top.broken_key = False
        elif not isinstance(node, ScalarNode):
            # The key itself, a list or a map, has just ended; its value is dropped when it comes.
            top.key = ScalarNode("", "plain", None, node.span)
        else:
            top.key = node
            if node.text in _NO_KEYS and node.style == "plain":
                top.broken_key = True
                refuse = self.refuse.merge_key if node.text else self.refuse.no_key
                refuse(node.span)
            elif (earlier := top.seen.setdefault(node.text, node)) is not node:
                top.broken_key = True
                self.refuse.duplicate(node, earlier)


def _is_merge(top: _Collection) -> bool:
    """Whether the value that comes next is that of a merge key, which has been refused."""
    return top.broken_key and top.key is not None and top.key.text == "<<"


def _last(parts: list[Any]) -> Span | None:
    """Where the last item or value ends."""
    last: Node | Entry | None = parts[-1] if parts else None
    return last.value.span if isinstance(last, Entry) else last.span if last else None


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _unstorable(text: str) -> bool:
    return "\x00" in text or (not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text))
