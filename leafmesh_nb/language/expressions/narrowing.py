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

    An operand of ``<`` or ``+`` that was null would have been an error, not an outcome; so every
    path that was compared is there, and all paths that lead to it.
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
        case Binary(operator="<" | "<=" | ">" | ">="):
            return _leading(static_path(node.left)) | _leading(static_path(node.right))
        case _:
            return _leading(static_path(node))


def _equality(node: Binary, equal: bool) -> Paths:
    for one, other in ((node.left, node.right), (node.right, node.left)):
        path = static_path(one)
        if path is None or not isinstance(other, Constant):
            continue
        if equal == (other.value is None):
            # Equal to null, or different from some value: null is possible, its parents are not.
            return _leading(path[:-1])
        known = _leading(path)
        if path[-1] == "status" and other.value == "done":
            # A step that is done has its output.
            known |= {(*path[:-1], "output")}
        return known
    return _NOTHING


def _leading(path: tuple[str, ...] | None) -> Paths:
    if not path:
        return _NOTHING
    return frozenset(path[: n + 1] for n in range(len(path)))
