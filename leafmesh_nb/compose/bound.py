"""Bounds of what a run costs, put together from those of its steps.

The parts of a workflow add up, whether they run one after the other or side by side: a budget
holds what is reserved and what was spent. Of parts that exclude each other one counts, the dearest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.expressions.ast import (
    Binary,
    Constant,
    Embedded,
    Logic,
    Node,
    static_path,
)
from leafmesh_nb.language.spec import Step

__all__ = ["NOTHING", "Bound", "OneOf", "Part", "Together", "bound_of", "dearest", "parts_of"]


@dataclass(frozen=True, slots=True)
class Bound:
    """US dollars: with texts of a usual size, and at most (None: nothing bounds it)."""

    usual: Decimal
    most: Decimal | None

    def __add__(self, other: Bound) -> Bound:
        most = None if self.most is None or other.most is None else self.most + other.most
        return Bound(self.usual + other.usual, most)

    def times(self, number: int) -> Bound:
        """The same so many times."""
        most = None if self.most is None else self.most * number
        return Bound(self.usual * number, most)

    def under(self, *limits: Decimal | None) -> Bound:
        """The same where the runtime refuses what would pass one of these limits."""
        caps = [limit for limit in (self.most, *limits) if limit is not None]
        return Bound(self.usual, min(caps, default=None))


NOTHING = Bound(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Together:
    """Parts that all may run."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Parts of which at most one runs."""

    parts: tuple[Part, ...]


Part = Bound | Together | OneOf


def bound_of(part: Part) -> Bound:
    """The bound of a whole."""
    match part:
        case Together():
            return sum(map(bound_of, part.parts), NOTHING)
        case OneOf():
            return dearest(map(bound_of, part.parts))
        case Bound():
            return part


def dearest(bounds: Iterable[Bound]) -> Bound:
    """The bound of whichever of these happens; of none, nothing."""
    found = tuple(bounds)
    if not found:
        return NOTHING
    tops = [bound.most for bound in found if bound.most is not None]
    return Bound(
        max(bound.usual for bound in found), max(tops) if len(tops) == len(found) else None
    )


def parts_of(steps: Iterable[tuple[Step, Bound]]) -> Part:
    """The parts of a workflow, given each of its steps with its bound.

    Steps exclude each other when their ``when`` compares one value with different constants, as in
    ``steps.classify.output.category == "refund"``. A value that may change in a run, in memory,
    does not count.
    """
    free: list[Part] = []
    branches: dict[tuple[str, ...], dict[object, list[Part]]] = {}
    for step, bound in steps:
        found = _chosen_by(step.when) if step.when is not None else None
        if found is None:
            free.append(bound)
        else:
            path, value = found
            key = (isinstance(value, bool), value)  # in Python, True is 1
            branches.setdefault(path, {}).setdefault(key, []).append(bound)
    for ways in branches.values():
        free.append(OneOf(tuple(Together(tuple(way)) for way in ways.values())))
    return Together(tuple(free))


def _chosen_by(when: Expression) -> tuple[tuple[str, ...], object] | None:
    """The value and the constant that a condition cannot hold without being equal, if any."""
    for term in _terms(when.node):
        if isinstance(term, Binary) and term.operator == "==":
            for side, other in ((term.left, term.right), (term.right, term.left)):
                path = static_path(side)
                if path and path[0] in ("input", "steps") and isinstance(other, Constant):
                    return path, other.value
    return None


def _terms(node: Node) -> Iterable[Node]:
    if isinstance(node, Embedded):
        return _terms(node.body)
    if isinstance(node, Logic) and node.operator == "&&":
        return [inner for term in node.terms for inner in _terms(term)]
    return (node,)
