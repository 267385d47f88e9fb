"""What a function closes over and defaults to is part of its digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.agents.code import code_digest


def closing_over(value: Any) -> Callable[[], Any]:
    return lambda: value


def calling(function: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: function()


@pytest.mark.parametrize(("one", "other"), [(100, 5000), ("lead", "x"), (1, True), (None, 0)])
def test_another_constant_is_another_function(one: Any, other: Any) -> None:
    assert code_digest(closing_over(one)) == code_digest(closing_over(one))
    assert code_digest(closing_over(one)) != code_digest(closing_over(other))
    inner = calling(closing_over(one)), calling(closing_over(other))
    assert code_digest(inner[0]) != code_digest(inner[1])


def test_a_list_that_a_function_fills_does_not_change_it() -> None:
    seen: list[int] = []
    function = closing_over(seen)
    before = code_digest(function)
    seen.append(1)
    assert code_digest(function) == before


def test_a_function_that_closes_over_itself_or_over_nothing_yet() -> None:
    def recursive(n: int) -> int:
        return n if n < 1 else recursive(n - 1)

    def early() -> Any:
        return later

    assert len(code_digest(recursive)) == len(code_digest(early)) == 16
    later = 1


def test_defaults_of_keyword_only_arguments() -> None:
    def limited(limit: int) -> Callable[..., int]:
        def function(*, top: int = limit) -> int:
            return top

        return function

    assert code_digest(limited(100)) != code_digest(limited(5000))
