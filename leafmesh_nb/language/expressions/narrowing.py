"""What a condition proves: the paths that are not null where it held, or where it did not."""

from __future__ import annotations

from leafmesh_nb.language.expressions.ast import (
    Binary,
    Constant,
    Has,
    Logic,
    Node,
    Unary,
    static_path,
)

__all__ = ["Paths", "proven"]

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
            return _leading(static_path(node.target.operand)) if outcome else _NOTHING
        case Binary(operator="==" | "!="):
            return _equality(node, (node.operator == "==") == outcome)
        case _:
            return _NOTHING


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
