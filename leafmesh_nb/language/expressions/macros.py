"""The macros ``all exists exists_one filter map``: loops with a bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leafmesh_nb.language.expressions.ast import Comprehension, size_of
from leafmesh_nb.language.expressions.scope import Run
from leafmesh_nb.language.expressions.values import Failure, Frame, kind_of, load

__all__ = ["compile_macro"]


def compile_macro(
    node: Comprehension, slot: int, over: Run, condition: Run | None, result: Run | None
) -> Run:
    """The closure of a macro from those of its parts; ``slot`` is its variable's place in
    ``frame.locals``, its own among the macros around it.

    ``all`` and ``exists`` are ``&&`` and ``||`` over the items: a deciding item wins over errors
    of others.
    """
    price = 1 + sum(size_of(part) for part in (node.condition, node.result) if part is not None)

    def each(frame: Frame) -> Iterator[None]:
        """Bind the variable to one item after the other, paying for each."""
        values = over(frame)
        if not isinstance(values, list | tuple | Mapping):
            raise Failure(f"{node.kind}() goes over a list or a map, not over {kind_of(values)}")
        for value in values:
            frame.charge(price)
            frame.locals[slot] = load(value)
            yield

    def test(frame: Frame) -> bool:
        assert condition is not None
        value = condition(frame)
        if type(value) is not bool:
            raise Failure(f"{node.kind}() needs true or false, not {kind_of(value)}")
        return value

    def quantify(frame: Frame) -> bool:
        decisive = node.kind == "exists"
        kept: Failure | None = None
        for _ in each(frame):
            try:
                if test(frame) is decisive:
                    return decisive
            except Failure as failure:
                kept = kept or failure
        if kept is not None:
            raise kept
        return not decisive

    def exactly_one(frame: Frame) -> bool:
        return sum(test(frame) for _ in each(frame)) == 1

    def kept(frame: Frame) -> list[Any]:
        return [frame.locals[slot] for _ in each(frame) if test(frame)]

    def mapped(frame: Frame) -> list[Any]:
        assert result is not None
        return [result(frame) for _ in each(frame) if condition is None or test(frame)]

    return {
        "all": quantify,
        "exists": quantify,
        "exists_one": exactly_one,
        "filter": kept,
        "map": mapped,
    }[node.kind]
