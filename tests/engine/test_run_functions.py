"""Agents' functions in a run: how they fail, how coroutines run, what memory they may touch."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev

# Functions that fail


def test_a_function_that_raises_says_what_and_where(world: Any, till: Any) -> None:
    def broken(amount: Any) -> Any:
        raise KeyError("customer")

    run = till.start(broken)
    message = till.failure(run)
    assert "at step pay: agent teller raised KeyError: 'customer' (in broken, line " in message
    assert run.error["kind"] == "AgentError"
    assert "leafmesh" not in message, "no place inside the package"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ({"receipt": "R", "amount": "x"}, "`amount`: is text that is not a plain decimal amount"),
        ({"receipt": "R"}, "its field `amount` is missing"),
        ({"receipt": "R", "amount": "1", "tip": 1}, "unknown field `tip`"),
        (None, "is null"),
        (object(), "is an object of type object"),
        (["R", "1"], "is a list"),
    ],
)
def test_a_function_that_returns_the_wrong_shape(
    world: Any, till: Any, returned: Any, message: str
) -> None:
    said = till.failure(till.start(lambda amount: returned))
    assert "agent teller returned the wrong shape for pay: " in said
    assert message in said


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_function_cannot_end_the_interpreter(world: Any, till: Any, error: BaseException) -> None:
    def leave(amount: Any) -> Any:
        raise error

    assert f"agent teller raised {type(error).__name__}" in till.failure(till.start(leave))


def test_an_exception_whose_text_raises(world: Any, till: Any) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even this")

    def broken(amount: Any) -> Any:
        raise Mute

    assert "agent teller raised Mute (in broken" in till.failure(till.start(broken))


def test_a_very_long_exception_is_cut(world: Any, till: Any) -> None:
    def broken(amount: Any) -> Any:
        raise ValueError("x" * 1_000_000)

    assert len(till.failure(till.start(broken))) < 25_000


def test_a_coroutine_from_a_plain_function(world: Any, till: Any) -> None:
    async def work() -> dict[str, Any]:
        return {}

    message = till.failure(till.start(lambda amount: work()))
    assert "agent teller returned a coroutine; declare its function with async def" in message


def test_a_function_that_hangs_is_left_behind(world: Any, till: Any) -> None:
    free = threading.Event()
    left = threading.Event()

    def hang(amount: Any, ctx: Any) -> Any:
        free.wait(20)
        try:
            ctx.tool("look", name="late")
        except lm.AgentError as error:
            said.append(str(error))
        left.set()
        return {"receipt": "R", "amount": "1"}

    said: list[str] = []
    run = till.start(hang, "limits: {timeout: 100ms}")
    message = till.failure(run)
    assert "agent teller did not return within 0.1 s; its thread is abandoned" in message
    assert "Raise agents.teller.limits.timeout if it needs longer" in message
    free.set()
    assert left.wait(20)
    assert said == [
        "step pay is over for this run of agent teller: a tool can be called only while its "
        "function is waited for"
    ]
    assert till.looked == []
    assert world.kinds(run)[-1] == "run.ended", "what comes too late changes nothing"


def test_a_step_has_a_timeout_of_its_own(world: Any, till: Any) -> None:
    free = threading.Event()
    text = till.text("limits: {timeout: 5s}").replace(
        "{capability: pay,", "{timeout: 50ms, capability: pay,"
    )
    mesh = world.mesh(text, agents={"teller": lambda amount: free.wait(20)}, tools=till.tools)
    message = till.failure(world.start(mesh, amount="1"))
    free.set()
    assert "did not return within 0.05 s" in message
    assert "Raise the timeout of step pay" in message


# Coroutine functions


def test_an_async_agent_calls_tools(world: Any, till: Any) -> None:
    async def pay(amount: Any, ctx: Any) -> dict[str, Any]:
        found = await ctx.tool("look", name="bob")
        assert found == {"found": True}
        paid = await ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}

    run = till.start(pay)
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["50"]


def test_an_async_agent_waits_for_a_person_and_is_run_again(world: Any, till: Any) -> None:
    starts: list[int] = []

    async def pay(amount: Any, ctx: Any) -> dict[str, Any]:
        starts.append(1)
        await ctx.tool("look", name="bob")
        paid = await ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    run = till.start(pay, amount="620")
    world.waiting(run).approve(by="lead")
    run.result(20)
    assert (len(starts), till.looked, till.paid) == (2, ["bob"], ["620"])


def test_an_async_agent_that_hangs_holds_nobody_else_up(world: Any, till: Any) -> None:
    async def wait(amount: Any) -> Any:
        await asyncio.sleep(60)

    message = till.failure(till.start(wait, "limits: {timeout: 50ms}"))
    assert "did not return within 0.05 s" in message

    free = threading.Event()

    async def block(amount: Any) -> Any:
        free.wait(20)  # the mistake under test

    till.failure(till.start(block, "limits: {timeout: 50ms}"))

    async def quick(amount: Any) -> dict[str, Any]:
        return {"receipt": "R", "amount": amount}

    assert till.start(quick).result(20)["receipt"] == "R"
    free.set()


def test_an_async_agent_that_cancels_itself_fails(world: Any, till: Any) -> None:
    async def give_up(amount: Any) -> Any:
        raise asyncio.CancelledError

    assert "agent teller cancelled itself" in till.failure(till.start(give_up))


def test_an_async_agent_that_raises_says_where(world: Any, till: Any) -> None:
    async def broken(amount: Any) -> Any:
        raise ValueError("no")

    message = till.failure(till.start(broken))
    assert "agent teller raised ValueError: no (in broken, line " in message


def test_an_object_with_an_async_call(world: Any, till: Any) -> None:
    class Teller:
        async def __call__(self, amount: Any) -> dict[str, Any]:
            return {"receipt": "R", "amount": amount}

    assert till.start(Teller()).result(20)["receipt"] == "R"


# Memory


@pytest.mark.parametrize(
    ("access", "use"),
    [
        ("read", lambda memory: memory["secret"]),
        ("read", lambda memory: memory.secret),
        ("read", lambda memory: memory["nothing"]),
        ("write", lambda memory: memory.append("secret", "x")),
        ("write", lambda memory: memory.__setitem__("secret", "x")),
    ],
)
def test_a_refused_access_is_an_event_and_an_error(
    world: Any, till: Any, access: str, use: Any
) -> None:
    def pry(amount: Any, ctx: Any) -> Any:
        return use(ctx.memory)

    run = till.start(pry)
    message = till.failure(run)
    assert f"agent teller may not {access} memory." in message
    assert run.error["kind"] == "MemoryScopeError"
    (denied,) = world.bodies(run, ev.MemoryDenied, "pay")
    assert (denied.agent, denied.access) == ("teller", access)
    order = world.kinds(run, "pay")
    assert order.index("memory.denied") < order.index("call.failed")


def test_an_access_that_an_agent_swallows_is_recorded_all_the_same(world: Any, till: Any) -> None:
    def pry(amount: Any, ctx: Any) -> dict[str, Any]:
        with contextlib.suppress(Exception):
            ctx.memory["secret"]
        return {"receipt": "R", "amount": amount}

    run = till.start(pry)
    run.result(20)
    assert len(world.bodies(run, ev.MemoryDenied, "pay")) == 1


def test_a_value_that_does_not_fit_is_no_write(world: Any, till: Any) -> None:
    def wrong(amount: Any, ctx: Any) -> Any:
        ctx.memory.append("notes", 5)

    message = till.failure(till.start(wrong))
    assert "memory.notes takes string: is a number, and text is needed" in message


def test_what_a_failed_step_wrote_is_not_there(world: Any, till: Any) -> None:
    def write_and_fail(amount: Any, ctx: Any) -> Any:
        ctx.memory.append("notes", "half done")
        raise ValueError("no")

    run = till.start(write_and_fail)
    till.failure(run)
    assert world.bodies(run, ev.MemoryWritten) == []
