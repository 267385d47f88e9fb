"""Where a node stands while it is compiled, and the shape of what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from leafmesh_nb.language.expressions.ast import Node
from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.expressions.values import Failure, Frame

__all__ = ["Run", "Scope", "Trace", "placed"]

Run = Callable[[Frame], Any]
Trace = Callable[[Node, int, Run], Run]
"""Wraps the closure of a node; the integer is the offset of its text in the whole."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a node stands: its text, the offset of that text in the whole, macro variables."""

    origin: Origin
    base: int = 0
    bound: Mapping[str, int] = field(default_factory=dict)
    depth: int = 0
    trace: Trace | None = None

    def binding(self, variable: str) -> Scope:
        """Inside a macro: values change with every item, so nothing is traced there.

        Each nested macro has its own slot, so that an inner ``x`` hides an outer one.
        """
        bound = {**self.bound, variable: self.depth}
        return Scope(self.origin, self.base, bound, self.depth + 1)

    def untraced(self) -> Scope:
        """The same place, for a part whose own value is not worth showing."""
        return replace(self, trace=None) if self.trace is not None else self


def placed(failure: Failure, node: Node, scope: Scope) -> Failure:
    """The failure, under the node where it happened first."""
    if failure.place is None:
        failure.place = (scope.origin, node.start, node.end)
    return failure
