"""YAML text to a tree with positions: libyaml's events, YAML 1.2 scalars, nothing dangerous.

No value is ever constructed by PyYAML, so there is nothing to execute, and no recursion, so there
is nothing to overflow. Tags, anchors, aliases and merge keys are errors; where somebody meant an
expression (``!x``, ``min(a, 3)`` inside braces) it is read as such, so that one slip gives one
diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from leafmesh_nb.language.admission import admit
from leafmesh_nb.language.diagnostics import Collector, Related
from leafmesh_nb.language.nodes import (
    Entry,
    MappingNode,
    Node,
    Scalar,
    ScalarNode,
    SequenceNode,
    Span,
    Straight,
)
from leafmesh_nb.language.quoting import quoted_line, value_end
from leafmesh_nb.language.rejoin import rejoined
from leafmesh_nb.language.scalars import NumberOutOfRange, is_old_boolean, places_of, resolve
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.syntax import FILL_IT, explain

__all__ = ["MAX_DEPTH", "MAX_NODES", "read"]

MAX_DEPTH = 50
MAX_NODES = 100_000

_STYLES = {"'": "single", '"': "double", "|": "literal", ">": "folded"}
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]{0,100}\}\}")
_LEADING_TAB = re.compile(r"^ *\t", re.MULTILINE)


def read(source: Source, collector: Collector) -> Node | None:
    """The tree of a text, or None where it cannot be read as YAML at all.

    Every complaint goes to ``collector``; a tree may be given although there are errors, so that
    what can be checked is checked.
    """
    if not admit(source, collector):
        return None
    builder = _Builder(source, collector)
    return builder.build()


def _parse(text: str) -> Iterator[Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


def _first_error(text: str) -> tuple[int, int] | None:
    from yaml import YAMLError

    try:
        for _ in _parse(text):
            pass
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return None


class _Collection:
    """A list or map that is being read."""

    __slots__ = ("broken_key", "entries", "flow", "items", "key", "mapping", "seen", "start")

    def __init__(self, mapping: bool, flow: bool, start: int) -> None:
        self.mapping = mapping
        self.flow = flow
        self.start = start
        self.items: list[Node] = []
        self.entries: list[Entry] = []
        self.key: ScalarNode | None = None
        self.broken_key = False
        self.seen: dict[str, ScalarNode] = {}


class _Stop(Exception):
    """A limit was passed; it has been reported."""


class _Builder:
    def __init__(self, source: Source, collector: Collector) -> None:
        self.source = source
        self.collector = collector
        self.stack: list[_Collection] = []
        self.root: Node | None = None
        self.count = 0
        self.documents = 0
        self.tabbed = {
            source.place(match.start())[0] - 1 for match in _LEADING_TAB.finditer(source.text)
        }

    def build(self) -> Node | None:
        from yaml import YAMLError

        try:
            for event in _parse(self.source.text):
                self._take(event)
        except YAMLError as error:
            explain(error, self.source, self.collector, _first_error)
            return None
        except _Stop:
            return None
        if self.root is None or self._blank(self.root):
            self.collector.error(
                "LM100",
                "The text is empty.",
                Span(1, 1, 1, 2),
                "A mesh starts with its name, such as `mesh: refunds`.",
            )
            return None
        return self.root

    @staticmethod
    def _blank(node: Node) -> bool:
        return isinstance(node, ScalarNode) and node.value is None

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._count(event)
            self._place(self._scalar(event))
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._count(event)
            self._open(event, kind == "MappingStartEvent")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._place(self._close(event))
        elif kind == "AliasEvent":
            self._count(event)
            self._place(self._alias(event))
        elif kind == "DocumentStartEvent":
            self._document(event)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _count(self, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            self.collector.error(
                "LM104",
                f"There are more than {MAX_NODES:,} values.",
                self._span(event),
                "Split the mesh, or keep data in files that agents read.",
            )
            raise _Stop
        if self.tabbed and event.start_mark.line in self.tabbed:
            self._tab(event)

    def _tab(self, event: Any) -> None:
        """A tab before the first value of a line is indentation, though YAML lets some pass."""
        line, column = event.start_mark.line, event.start_mark.column
        text = self.source.lines[line]
        if event.end_mark.index > event.start_mark.index and not text[:column].strip(" \t"):
            self.tabbed.discard(line)
            at = text.index("\t") + 1
            self.collector.error(
                "LM107",
                "A tab is used as indentation.",
                Span(line + 1, at, line + 1, at + 1),
                "Indent with spaces, two for each level.",
            )

    def _document(self, event: Any) -> None:
        self.documents += 1
        span = self._span(event)
        if self.documents > 1:
            self.collector.error(
                "LM105",
                "A second document starts here; a mesh is one document.",
                span,
                "Remove the `---`, or put the second mesh in a cell or file of its own.",
            )
            raise _Stop
        if event.version or event.tags:
            self.collector.error(
                "LM105",
                "A mesh has no YAML directives.",
                Span(span.line, 1, span.line, 2),
                "Remove the line that starts with `%`.",
            )

    # -- scalars

    def _scalar(self, event: Any) -> ScalarNode:
        span = self._span(event)
        style = _STYLES.get(event.style or "", "plain")
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None or event.tag is not None:
            return self._decorated(event, span, start, end)
        text: str = event.value
        value: Any = text
        if style == "plain":
            value = self._resolve(text, span)
        elif style == "double":
            self._check_escapes(text, span)
        places: Sequence[tuple[int, int]]
        if style == "plain" and end - start == len(text) and span.line == span.end_line:
            places = Straight(span.line, span.column, len(text))
        else:
            places = places_of(self.source, start, end, style, text)
        node = ScalarNode(text, style, value, span, places)
        if "{{" in text and (match := _PLACEHOLDER.search(text)):
            self._unfilled(match.group(), node.locate(*match.span()))
            self.collector.close(span)
        return node

    def _resolve(self, text: str, span: Span) -> Scalar:
        try:
            value = resolve(text)
        except NumberOutOfRange:
            self.collector.error(
                "LM123",
                "This number is not finite, or has more than 300 digits.",
                span,
                "Quote it if it is text.",
            )
            self.collector.close(span)
            return text
        if isinstance(value, str) and is_old_boolean(text) and not self._expects_key():
            self.collector.warning(
                "LM122",
                f"`{text}` is text here, though older YAML tools read it as a boolean.",
                span,
                f'Write "{text}" for the text, or true or false.',
            )
        return value

    def _check_escapes(self, text: str, span: Span) -> None:
        if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
            self.collector.error(
                "LM106",
                "This text has an escape for a character that is not allowed.",
                span,
                "NUL and single surrogates cannot be stored.",
            )
            self.collector.close(span)

    def _decorated(self, event: Any, span: Span, start: int, end: int) -> ScalarNode:
        """A scalar with a tag or an anchor, read as the text that it looks like."""
        meant = self._meant(start)
        if event.tag is not None:
            self.collector.error(
                "LM109",
                "`!` at the start of a value is a YAML tag, which a mesh may not use.",
                span,
                "If this is an expression, quote it so that YAML leaves it whole:\n"
                + quoted_line(self.source, start, meant),
            )
        else:
            self._no_anchor("&", event.anchor, span, start, meant)
        text = self.source.text[start:meant]
        whole = self.source.span(start, meant)
        if event.tag is None or text.startswith("!!"):
            self.collector.close(whole)
        return ScalarNode(
            text, "plain", text, whole, places_of(self.source, start, meant, "plain", text)
        )

    def _alias(self, event: Any) -> ScalarNode:
        start = event.start_mark.index
        meant = self._meant(start)
        self._no_anchor("*", event.anchor, self._span(event), start, meant)
        whole = self.source.span(start, meant)
        self.collector.close(whole)
        text = self.source.text[start:meant]
        return ScalarNode(text, "plain", text, whole)

    def _meant(self, start: int) -> int:
        """Where somebody who did not think of YAML's signs meant this value to end."""
        flow = bool(self.stack and self.stack[-1].flow)
        if self._expects_key():
            return start + 1
        return max(start + 1, value_end(self.source, start, flow))

    def _no_anchor(self, sign: str, name: str, span: Span, start: int, meant: int) -> None:
        what = "an anchor" if sign == "&" else "an alias"
        self.collector.error(
            "LM120",
            f"`{sign}{name}` is {what} of YAML, which a mesh may not use.",
            span,
            "Write the value where it is needed. If this is an expression or a text, quote it:\n"
            + quoted_line(self.source, start, meant),
        )

    def _unfilled(self, written: str, span: Span) -> None:
        self.collector.error(
            "LM124",
            f"The placeholder `{written}` was not filled.",
            span,
            FILL_IT,
        )
        self.collector.close(span)

    # -- collections

    def _expects_key(self) -> bool:
        top = self.stack[-1] if self.stack else None
        return bool(top and top.mapping and top.key is None and not top.broken_key)

    def _open(self, event: Any, mapping: bool) -> None:
        span = self._span(event)
        if len(self.stack) >= MAX_DEPTH:
            self.collector.error(
                "LM103",
                f"This is nested more than {MAX_DEPTH} levels deep.",
                span,
                "Check the brackets and the indentation.",
            )
            raise _Stop
        if event.tag is not None:
            self.collector.error(
                "LM109", "A mesh may not use YAML tags.", span, "Remove the part with `!`."
            )
        if event.anchor is not None:
            self.collector.error(
                "LM120",
                f"`&{event.anchor}` is an anchor of YAML, which a mesh may not use.",
                span,
                "Write the value where it is needed.",
            )
        if self._expects_key():
            top = self.stack[-1]
            top.broken_key = True
            offset = event.start_mark.index
            if top.flow and self.source.text.startswith("{{", max(0, offset - 1)):
                placeholder = _PLACEHOLDER.match(self.source.text, offset - 1)
                written = placeholder.group() if placeholder else "{{"
                at = self.source.span(offset - 1, offset - 1 + len(written))
                self._unfilled(written, at)
            else:
                self.collector.error(
                    "LM121", "A key must be text.", span, "Write the key as a plain word."
                )
        self.stack.append(_Collection(mapping, bool(event.flow_style), event.start_mark.index))

    def _close(self, event: Any) -> Node:
        top = self.stack.pop()
        start = self.source.place(top.start)
        if top.flow:
            end = (event.end_mark.line + 1, event.end_mark.column + 1)
        else:
            last: Node | None = None
            if top.mapping and top.entries:
                last = top.entries[-1].value
            elif top.items:
                last = top.items[-1]
            end = (last.span.end_line, last.span.end_column) if last else start
            if end[1] == 1 and end[0] > start[0]:
                end = (end[0] - 1, len(self.source.line(end[0] - 1)) + 1)
        span = Span(*start, *max(start, end))
        if not top.mapping:
            return SequenceNode(tuple(top.items), span, top.flow)
        entries = rejoined(self.source, self.collector, top.entries) if top.flow else top.entries
        return MappingNode(tuple(entries), span, top.flow)

    def _place(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if not top.mapping:
            top.items.append(node)
        elif top.broken_key and top.key is None and not isinstance(node, ScalarNode):
            # The key itself, a list or a map, has just ended; its value is dropped when it comes.
            top.key = ScalarNode("", "plain", None, node.span)
        elif top.key is None:
            top.key = self._key(top, node)
        else:
            if not top.broken_key:
                top.entries.append(Entry(top.key, node))
            top.key = None
            top.broken_key = False

    def _key(self, top: _Collection, node: Node) -> ScalarNode:
        assert isinstance(node, ScalarNode)
        if node.style == "plain" and node.text == "<<":
            self.collector.error(
                "LM120",
                "`<<` is a merge key of YAML, which a mesh may not use.",
                node.span,
                "Write the keys out.",
            )
            top.broken_key = True
        elif node.style == "plain" and node.text == "":
            self.collector.error("LM121", "There is a `:` without a key.", node.span)
            top.broken_key = True
        elif earlier := top.seen.get(node.text):
            self.collector.error(
                "LM108",
                f"The key `{node.text}` is here twice.",
                node.span,
                "Remove one of them.",
                (Related("it is already here", earlier.span),),
            )
            top.broken_key = True
        else:
            top.seen[node.text] = node
        return node
