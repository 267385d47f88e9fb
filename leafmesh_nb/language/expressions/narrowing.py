"""What a condition proves: the paths that are not null where it held, or where it did not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Constant,
    Has,
    Logic,
    Node,
    Unary,
    static_path,
)
from leafmesh_nb.language.expressions.static import Type, present

__all__ = ["Paths", "narrowed", "proven"]

Paths = frozenset[tuple[str, ...]]
_NOTHING: Paths = frozenset()


def proven(node: Node, outcome: bool) -> Paths:
    """The paths that cannot be null once ``node`` gave ``outcome``.

    Only what gives the other outcome for null counts, not what fails for it: `x > 1` is an error
    where x is null, so it guards nothing.
    """
    match node:
        case Unary(operator="!"):
            return proven(node.operand, not outcome)
        case Logic():
            if (node.operator == "&&") != outcome:
                return _NOTHING
            return _NOTHING.union(*(proven(term, outcome) for term in node.terms))
        case Has():
            return _leading(static_path(node.target)) if outcome else _NOTHING
        case Binary(operator="==" | "!="):
            return _equality(node, (node.operator == "==") == outcome)
        case _:
            return _NOTHING


def narrowed(kind: Type, paths: Iterable[tuple[str, ...]]) -> Type:
    """A type of which these parts, each by the names of fields (none for the whole), are not
    null."""
    for path in sorted(paths, key=len):
        kind = _without_null(kind, path)
    return kind


def _without_null(kind: Type, path: tuple[str, ...]) -> Type:
    if not path:
        return present(kind)
    if kind.kind != "object" or kind.schema is not None:
        return kind
    name, *rest = path
    fields = (
        (field, _without_null(inner, tuple(rest)) if field == name else inner)
        for field, inner in kind.fields
    )
    return replace(kind, fields=tuple(fields))


def _equality(node: Binary, equal: bool) -> Paths:
    for one, other in ((node.left, node.right), (node.right, node.left)):
        path = static_path(one)
        if path is None or not isinstance(other, Constant) or equal == (other.value is None):
            continue
        if path[-1] == "status" and other.value == "done":
            # A step that is done has its output.
            return frozenset({path, (*path[:-1], "output")})
        return frozenset({path})
    return _NOTHING


def _leading(path: tuple[str, ...] | None) -> Paths:
    return frozenset(path[: n + 1] for n in range(len(path))) if path else _NOTHING
