"""Expressions as the rest of the package sees them: parsed, immutable, ready to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from leafmesh_nb.language.expressions.ast import (
    Constant,
    Embedded,
    ListOf,
    MapOf,
    Node,
    paths,
    size_of,
)
from leafmesh_nb.language.expressions.evaluate import compile_node
from leafmesh_nb.language.expressions.explain import Explanation, in_source_order, trace_of
from leafmesh_nb.language.expressions.finding import Finding, Origin, Problem
from leafmesh_nb.language.expressions.parser import parse
from leafmesh_nb.language.expressions.scope import Run
from leafmesh_nb.language.expressions.values import (
    ErrorValue,
    Exhausted,
    Failure,
    Frame,
    load,
    written,
)
from leafmesh_nb.language.nodes import MappingNode, ScalarNode, SequenceNode, Span

__all__ = ["Expression", "parse_expression", "parse_expression_text", "parse_origin"]


@dataclass(frozen=True)
class Expression:
    """A parsed expression. Two are equal when text and place are.

    ``reads`` are the static paths it reads, such as ``("steps", "classify", "output")``.
    """

    text: str
    span: Span
    reads: frozenset[tuple[str, ...]] = field(compare=False, repr=False)
    node: Node = field(compare=False, repr=False)
    origin: Origin = field(compare=False, repr=False)
    _size: int = field(compare=False, repr=False)
    _compiled: dict[str, Run] = field(compare=False, repr=False, default_factory=dict)

    def evaluate(self, names: Mapping[str, Any], *, now: datetime | None = None) -> Any:
        """The value, or an ErrorValue. Never raises.

        Numbers come out as int or Decimal; lists and maps may be those of ``names``.
        """
        run = self._compiled.get("run") or self._compile("run")
        try:
            return run(Frame(names, now, self._size))
        except Failure as failure:
            return failure.value()
        except Exception as error:
            return _fallen(error, self.span)

    def explain(self, names: Mapping[str, Any], *, now: datetime | None = None) -> Explanation:
        """The value with those of the parts that were evaluated. Never raises."""
        run = self._compiled.get("trace") or self._compile("trace")
        frame = Frame(names, now, self._size)
        frame.parts = []
        value: Any
        try:
            value = run(frame)
        except Failure as failure:
            value = failure.value()
        except Exception as error:
            value = _fallen(error, self.span)
        return Explanation(self.text, value, in_source_order(frame.parts))

    def _compile(self, way: str) -> Run:
        # Two threads may both come here: either closure will do.
        trace = trace_of(self.text) if way == "trace" else None
        run = self._compiled[way] = compile_node(self.node, self.origin, trace)
        return run


def _fallen(error: Exception, span: Span) -> ErrorValue:
    """The value of an evaluation that was cut short."""
    if isinstance(error, Exhausted):
        return ErrorValue(str(error), span)
    if isinstance(error, RecursionError):
        return ErrorValue("these values are nested too deeply", span)
    # A Mapping or a list of foreign code raised; its words may hold anything.
    return ErrorValue(f"a value could not be read ({type(error).__name__})", span)


def parse_expression(node: ScalarNode | SequenceNode | MappingNode) -> Expression | list[Finding]:
    """The expression of a YAML value, or all that is wrong with it.

    A text is an expression; a number, boolean or null is itself; a list or map is one of
    expressions, its keys plain texts.
    """
    findings: list[Finding] = []
    writer = _Writer(findings)
    tree = writer.node(node)
    if findings:
        return findings
    text = "".join(writer.pieces)
    if isinstance(tree, Embedded):
        said = tree.origin.text
        reads, size = _measured(said)
        return Expression(said, node.span, reads, tree.body, tree.origin, size)
    reads, size = _measure(tree)
    return Expression(text, node.span, reads, tree, _whole(text, node.span), size)


def parse_expression_text(text: str) -> Expression | list[Finding]:
    """The expression of a text on its own; lines and columns count from its start."""
    places = []
    line, column = 1, 1
    for character in text:
        places.append((line, column))
        line, column = (line + 1, 1) if character == "\n" else (line, column + 1)
    places.append((line, column))
    span = Span(1, 1, line, max(column, 2) if line == 1 else column)
    return parse_expression(ScalarNode(text, "double", text, span, tuple(places)))


def parse_origin(origin: Origin) -> Node | Finding:
    """The tree of a text at its place."""
    found = parse(origin.text)
    return found.at(origin) if isinstance(found, Problem) else found


@lru_cache(maxsize=2048)
def _measured(text: str) -> tuple[frozenset[tuple[str, ...]], int]:
    """What the expression of a text that parses reads, and its size. Kept, as its tree is: a cell
    that is run again asks for the same."""
    return _measure(cast(Node, parse(text)))


def _measure(node: Node) -> tuple[frozenset[tuple[str, ...]], int]:
    return frozenset(paths(node)), size_of(node)


def _whole(text: str, span: Span) -> Origin:
    return Origin(ScalarNode(text, "plain", text, span), text)


class _Writer:
    """Writes a YAML value as one expression, noting where each part of it begins."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.pieces: list[str] = []
        self.length = 0

    def write(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def node(self, node: ScalarNode | SequenceNode | MappingNode) -> Node:
        start = self.length
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if isinstance(node, SequenceNode):
            items = []
            for position, item in enumerate(node.items):
                self.write(", " if position else "[")
                items.append(self.node(item))
            self.write("]" if items else "[]")
            return ListOf(start, self.length, 1, tuple(items))
        entries = []
        for position, entry in enumerate(node.entries):
            self.write(", " if position else "{")
            at = self.length
            self.write(entry.key.text)
            key = Constant(at, self.length, 1, entry.key.text)
            self.write(": ")
            entries.append((key, self.node(entry.value)))
        self.write("}" if entries else "{}")
        return MapOf(start, self.length, 1, tuple(entries))

    def scalar(self, node: ScalarNode) -> Node:
        start = self.length
        if not isinstance(node.value, str):
            self.write(node.text or written(node.value))
            try:
                return Constant(start, self.length, 1, load(node.value))
            except Failure as failure:
                self.findings.append(Finding("LM117", failure.message, node.span))
                return Constant(start, self.length, 1, None)
        self.write(node.text)
        origin = Origin(node, node.text)
        found = parse_origin(origin)
        if isinstance(found, Finding):
            self.findings.append(found)
            return Constant(start, self.length, 1, None)
        return Embedded(start, self.length, 1, origin, found)
