"""Side effects that a function leaves in flight: its step waits for them, or a person is asked."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.mesh import Run


async def impatient(amount: Any, ctx: Any) -> dict[str, Any]:
    """Gives its payment up, and goes on without it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ctx.tool("pay", amount=amount), 0.05)
    return {"receipt": "none yet", "amount": amount}


async def broken(amount: Any, ctx: Any) -> dict[str, Any]:
    """Gives its payment up, and fails."""
    await asyncio.wait_for(ctx.tool("pay", amount=amount), 0.05)
    return {}


@pytest.fixture
def left(till: Any) -> Any:
    """Starts a run whose function has ended while its payment is on its way; returns how to let
    that come back, made or lost."""
    free, lost = threading.Event(), threading.Event()

    def pay(amount: Any) -> dict[str, str]:
        assert free.wait(20)
        if lost.is_set():
            raise ConnectionError("the line is dead")
        return till.pay(amount)  # type: ignore[no-any-return]  # a fixture

    def come_back(made: bool) -> None:
        if not made:
            lost.set()
        free.set()

    def start(function: Callable[..., Any]) -> tuple[Run, Callable[[bool], None]]:
        run = till.start(function, tools={"pay": pay})
        with pytest.raises(TimeoutError):
            run.result(0.5)
        return run, come_back

    yield start
    free.set()


def test_a_payment_that_its_function_gave_up_is_waited_for(
    world: Any, till: Any, left: Any
) -> None:
    run, come_back = left(impatient)
    come_back(True)
    assert run.result(20)["receipt"] == "none yet"
    assert till.paid == ["50"]
    paid, returned = world.bodies(run, ev.CallFinished, "pay")
    assert (paid.result, returned.result["receipt"]) == ({"receipt": "R-1"}, "none yet")
    world.verify()


def test_a_function_that_fails_while_its_payment_is_on_its_way(
    world: Any, till: Any, left: Any
) -> None:
    run, come_back = left(broken)
    come_back(True)
    assert "TimeoutError" in till.failure(run)
    assert till.paid == ["50"]
    assert [f.result for f in world.bodies(run, ev.CallFinished, "pay")] == [{"receipt": "R-1"}]


@pytest.mark.parametrize("function", [impatient, broken])
def test_a_doubt_about_a_payment_that_was_given_up_is_asked_about(
    world: Any, till: Any, left: Any, function: Any
) -> None:
    run, come_back = left(function)
    come_back(False)
    question = world.waiting(run)
    assert (question.point, "line is dead" in question.reason) == ("in_doubt", True)
    question.edit({"receipt": "R-9"}, by="lead")
    if function is impatient:
        assert run.result(20)["receipt"] == "none yet"
    else:
        # It is run again, and this time it is told at once that the payment was made.
        assert "field `receipt` is missing" in till.failure(run)
    (entered,) = [f for f in world.bodies(run, ev.CallFinished, "pay") if not f.live]
    assert entered.result == {"receipt": "R-9"}
    world.verify()
