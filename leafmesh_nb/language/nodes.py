"""The tree that the reader makes of a YAML text: values with the place of every one of them.

Spans, scalars and entries are named tuples, which are made in a third of the time that a frozen
dataclass takes: a large mesh has tens of thousands of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, overload

__all__ = [
    "Entry",
    "MappingNode",
    "Node",
    "Scalar",
    "ScalarNode",
    "SequenceNode",
    "Span",
    "Straight",
]

Scalar = None | bool | int | Decimal | str
"""A YAML 1.2 core scalar; numbers with a point or an exponent are Decimals of their source text."""


class Span(NamedTuple):
    """A piece of the source: lines and columns count from 1, the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Straight(Sequence[tuple[int, int]]):
    """The places of ``length`` characters that stand on one line, side by side, and of their
    end, without a tuple for each."""

    line: int
    column: int
    length: int

    def __len__(self) -> int:
        return self.length + 1

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[int, int], ...]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int] | tuple[tuple[int, int], ...]:
        offsets = range(self.length + 1)[index]
        if isinstance(offsets, range):
            return tuple((self.line, self.column + offset) for offset in offsets)
        return (self.line, self.column + offsets)


class ScalarNode(NamedTuple):
    """One scalar.

    ``text`` is what YAML makes of it (escapes and folding applied), ``style`` one of ``plain
    single double literal folded``, ``value`` its YAML 1.2 reading (always the text when quoted).
    ``places`` gives, for each character of ``text`` and for its end, the (line, column) in the
    source, so that an error inside an expression can be shown under the right character. It is
    None where ``text`` stands in the source as it is, from the start of ``span``, as nearly
    always; and empty where the places are not known (texts far longer than an expression may be).
    """

    text: str
    style: str
    value: Scalar
    span: Span
    places: Sequence[tuple[int, int]] | None = ()

    def locate(self, start: int, end: int) -> Span:
        """The span of ``text[start:end]`` in the source."""
        places = self.places
        if places is None:
            places = Straight(self.span.line, self.span.column, len(self.text))
        if not places:
            return self.span
        last = len(places) - 1
        line, column = places[min(start, last)]
        end_line, end_column = places[min(max(end, start), last)]
        if (end_line, end_column) <= (line, column):
            end_line, end_column = line, column + 1
        return Span(line, column, end_line, end_column)


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list; ``flow`` says whether it was written with brackets."""

    items: tuple[Node, ...]
    span: Span
    flow: bool = False


class Entry(NamedTuple):
    """A key and its value."""

    key: ScalarNode
    value: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A map in source order; ``flow`` says whether it was written with braces."""

    entries: tuple[Entry, ...]
    span: Span
    flow: bool = False

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def get(self, name: str) -> Node | None:
        """The value under ``name``, or None."""
        return next((e.value for e in self.entries if e.key.text == name), None)


Node = ScalarNode | SequenceNode | MappingNode
