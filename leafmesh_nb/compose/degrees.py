"""How much of a value gets through: a type, or an expression, may leave it only a choice."""

from __future__ import annotations

from collections.abc import Iterator

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Has,
    Logic,
    Node,
    Unary,
    children,
    static_path,
)
from leafmesh_nb.language.types import ANY, Type

__all__ = ["BY_CHOICE", "FREELY", "Degree", "carried", "degree_of"]

Degree = int
BY_CHOICE, FREELY = 1, 2
"""Only a choice among values that the mesh names; or anything at all."""

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_TESTS = frozenset({"contains", "startsWith", "endsWith", "matches"})


def degree_of(kind: Type) -> Degree:
    """How much a value of this type can say."""
    match kind.kind:
        case "enum" | "boolean" | "date" | "datetime":
            return BY_CHOICE
        case "integer" | "number" | "money":
            return FREELY if kind.minimum is None or kind.maximum is None else BY_CHOICE
        case "list":
            return degree_of(kind.items or ANY)
        case "object":
            return max((degree_of(inner) for _, inner in kind.fields), default=0)
    return FREELY


def carried(node: Node, most: Degree = FREELY) -> Iterator[tuple[tuple[str, ...], Degree]]:
    """The paths that an expression reads, with how much of each its value can hold.

    A macro's variable reads as a path of its own, which no place has; what it stands for is read
    where the macro goes over it.
    """
    path = static_path(node)
    if path is not None:
        yield path, most
        return
    match node:
        case Conditional():
            yield from carried(node.test, BY_CHOICE)
            yield from carried(node.then, most)
            yield from carried(node.otherwise, most)
            return
        case Comprehension(kind="filter" | "map"):
            yield from carried(node.over, most)
            if node.condition is not None:
                yield from carried(node.condition, BY_CHOICE)
            if node.result is not None:
                yield from carried(node.result, most)
            return
        case Has() | Logic() | Comprehension() | Unary(operator="!"):
            most = BY_CHOICE
        case Binary() if node.operator in _COMPARISONS:
            most = BY_CHOICE
        case Call() if node.name in _TESTS:
            most = BY_CHOICE
    for part in children(node):
        yield from carried(part, most)
