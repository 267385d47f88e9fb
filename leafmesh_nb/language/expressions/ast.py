"""The syntax tree of an expression: plain data with the place of every part.

``start`` and ``end`` are offsets into the text that was parsed, parentheses included; ``depth``
is 1 for a leaf. ``&&``, ``||`` and arithmetic are flat, so that a long one is not a deep one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.nodes import Scalar

__all__ = [
    "Binary",
    "Call",
    "Chain",
    "Comprehension",
    "Conditional",
    "Constant",
    "Embedded",
    "Has",
    "Index",
    "ListOf",
    "Logic",
    "MapOf",
    "Name",
    "Node",
    "Select",
    "Unary",
    "applications",
    "children",
    "paths",
    "size_of",
    "static_path",
]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression."""

    start: int
    end: int
    depth: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number, a text, true, false or null."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name of the place, or a macro's variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``operand.name``; ``at`` is where the name starts."""

    operand: Node
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``operand[key]``."""

    operand: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``name(arguments)``, or ``receiver.name(arguments)``; ``at`` is where the name starts."""

    receiver: Node | None
    name: str
    at: int
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Has(Node):
    """``has(operand.name)``."""

    target: Select


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """A macro over a list or the keys of a map.

    ``condition`` is the test of ``all exists exists_one filter`` and of a ``map`` with three
    arguments; ``result`` is what ``map`` gives for each item.
    """

    kind: Literal["all", "exists", "exists_one", "filter", "map"]
    over: Node
    variable: str
    condition: Node | None
    result: Node | None


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``!operand`` or ``-operand``."""

    operator: Literal["!", "-"]
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """``left operator right``; ``at`` is where the operator starts."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Three or more operands of arithmetic, which is done from the left; ``at`` is where each
    operator starts."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Two or more terms joined by ``&&`` or by ``||``."""

    operator: Literal["&&", "||"]
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """``test ? then : otherwise``."""

    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """``[items]``, or a YAML list."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf(Node):
    """``{key: value}``, or a YAML map, whose keys are literal texts."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Embedded(Node):
    """An expression inside a YAML list or map, with its own source.

    ``start`` and ``end`` are offsets into the rendered text of the whole; those of ``body`` count
    from ``start``.
    """

    origin: Origin
    body: Node


def children(node: Node) -> Iterator[Node]:
    """The direct parts of a node, in source order."""
    match node:
        case Select():
            yield node.operand
        case Index():
            yield node.operand
            yield node.key
        case Call():
            if node.receiver is not None:
                yield node.receiver
            yield from node.arguments
        case Has():
            yield node.target
        case Comprehension():
            yield node.over
            if node.condition is not None:
                yield node.condition
            if node.result is not None:
                yield node.result
        case Unary():
            yield node.operand
        case Binary():
            yield node.left
            yield node.right
        case Chain():
            yield from node.operands
        case Logic():
            yield from node.terms
        case Conditional():
            yield node.test
            yield node.then
            yield node.otherwise
        case ListOf():
            yield from node.items
        case MapOf():
            for key, value in node.entries:
                yield key
                yield value
        case Embedded():
            yield node.body


def applications(chain: Chain) -> Iterator[Binary]:
    """What a chain stands for: each operator with all that is before it on its left."""
    left, *rest = chain.operands
    for operator, at, right in zip(chain.operators, chain.at, rest, strict=True):
        left = Binary(left.start, right.end, chain.depth, operator, left, right, at)
        yield left


def size_of(node: Node) -> int:
    """The number of nodes: what one evaluation without macros costs at most."""
    return 1 + sum(size_of(part) for part in children(node))


def static_path(node: Node) -> tuple[str, ...] | None:
    """``("a", "b", "c")`` for ``a.b.c`` or ``a["b"].c``; None for anything else."""
    keys: list[str] = []
    while True:
        match node:
            case Name():
                keys.append(node.name)
                return tuple(reversed(keys))
            case Select():
                keys.append(node.name)
                node = node.operand
            case Index(key=Constant(value=str() as key)):
                keys.append(key)
                node = node.operand
            case _:
                return None


def paths(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[str, ...]]:
    """The static paths that an expression reads; ``bound`` are the macro variables in force."""
    path = static_path(node)
    if path is not None:
        if path[0] not in bound:
            yield path
    elif isinstance(node, Comprehension):
        yield from paths(node.over, bound)
        inner = bound | {node.variable}
        for part in (node.condition, node.result):
            if part is not None:
                yield from paths(part, inner)
    else:
        for part in children(node):
            yield from paths(part, bound)
