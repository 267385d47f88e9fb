"""Comparisons, on the shortest path for what conditions mostly compare: numbers and texts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb.language.expressions.ast import Binary, Constant
from leafmesh_nb.language.expressions.scope import Run, Scope, placed
from leafmesh_nb.language.expressions.values import (
    CHARACTERS_PER_COST,
    Failure,
    Frame,
    no_order,
    ordered,
)

__all__ = ["COMPARISONS", "compile_comparison", "compile_text_equality"]

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_text_equality(node: Binary, left: Run) -> Run | None:
    """``==`` and ``!=`` with a constant text on the right, which cannot fail and cost nothing."""
    text = node.right.value if isinstance(node.right, Constant) else None
    if type(text) is not str:
        return None
    equal_is = node.operator == "=="

    def run(frame: Frame) -> bool:
        value = left(frame)
        return (type(value) is str and value == text) is equal_is

    return run


def compile_comparison(node: Binary, scope: Scope, left: Run, right: Run) -> Run:
    """The closure of ``< <= > >=`` from those of its sides."""
    compare = COMPARISONS[node.operator]
    constant = node.right.value if isinstance(node.right, Constant) else None

    def run_constant(frame: Frame) -> bool:
        value = left(frame)
        kind = type(value)
        if kind is Decimal or kind is int:
            return compare(value, constant)
        raise placed(no_order(value, constant), node, scope)

    if type(constant) is int or type(constant) is Decimal:
        return run_constant

    def run(frame: Frame) -> bool:
        a, b = left(frame), right(frame)
        first, second = type(a), type(b)
        if (first is Decimal or first is int) and (second is int or second is Decimal):
            return compare(a, b)
        try:
            ordered(a, b)
        except Failure as failure:
            raise placed(failure, node, scope) from None
        if first is str:
            frame.charge(len(a) // CHARACTERS_PER_COST)
        return compare(a, b)

    return run
