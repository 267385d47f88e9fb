"""Why an expression has the value it has: the values of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Chain,
    Comprehension,
    Conditional,
    Has,
    Index,
    Logic,
    Name,
    Node,
    Select,
    Unary,
    paths,
)
from leafmesh_nb.language.expressions.scope import Run
from leafmesh_nb.language.expressions.values import ErrorValue, Failure, Frame, written

__all__ = ["Explanation", "Part", "shown", "trace_of"]

_LONGEST = 60
_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-expression and its value (or ErrorValue).

    ``start`` and ``end`` are offsets into the expression's text, ``reads`` the static paths that
    the value comes from, so that a view can mask what is sensitive. ``operand`` says that the value
    is that of a name, a path or a call: what a reader wants to see beside it.
    """

    text: str
    value: Any
    start: int
    end: int
    reads: frozenset[tuple[str, ...]] = frozenset()
    operand: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """An expression's value and those of its evaluated parts, in source order.

    What ``&&``, ``||`` and ``?:`` never came to is absent. The text is made of the parts, so that
    ``replace(explanation, parts=masked)`` masks it too.
    """

    source: str
    value: Any
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The expression with each value after its name: ``tool.arguments.amount 620.00 > 100``."""
        pieces: list[str] = []
        position = 0
        ends = {part.end: part for part in self.parts if part.operand}
        for end in sorted(ends):
            pieces += [self.source[position:end], " ", shown(ends[end].value)]
            position = end
        return "".join([*pieces, self.source[position:]])


def shown(value: Any) -> str:
    """A value in a few characters: texts quoted, long ones cut."""
    if isinstance(value, ErrorValue):
        return f"({value.message})"
    try:
        text = written([value])[1:-1]
    except Failure as failure:
        return f"({failure.message})"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def trace_of(text: str) -> Any:
    """A trace that appends a Part for each sub-expression to ``frame.parts``.

    Constants and the lists and maps that are written out show themselves, and what ``&&``, ``||``,
    ``? :`` and arithmetic give as a whole is the value of the whole.
    """

    def trace(node: Node, base: int, run: Run) -> Run:
        operand = isinstance(node, Name | Select | Index | Call | Has | Comprehension)
        compares = isinstance(node, Binary) and node.operator in _COMPARISONS
        inner = (base + node.start, base + node.end) != (0, len(text))
        combines = inner and isinstance(node, Binary | Chain | Logic | Unary | Conditional)
        if not (operand or compares or combines):
            return run
        start, end = base + node.start, base + node.end
        reads = frozenset(paths(node))

        def traced(frame: Frame) -> Any:
            assert frame.parts is not None
            try:
                value = run(frame)
            except Failure as failure:
                frame.parts.append(
                    Part(text[start:end], failure.value(), start, end, reads, operand)
                )
                raise
            frame.parts.append(Part(text[start:end], value, start, end, reads, operand))
            return value

        return traced

    return trace


def in_source_order(parts: list[Part]) -> tuple[Part, ...]:
    """Each place once, inner parts before the outer ones that they begin."""
    by_place = {(part.start, part.end): part for part in parts}
    return tuple(by_place[place] for place in sorted(by_place))
