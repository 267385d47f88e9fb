"""Agents that are refused: denials count as calls, and who asks for ever comes to an end."""

from __future__ import annotations

from typing import Any

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.runner.invocation import REFUSALS


def start(world: Any, till: Any, teller: Any, limits: str = "") -> Any:
    """A run in a mesh whose policy denies every payment."""
    head, _, rest = till.text(limits).partition("    rules:\n")
    rules = "    rules: [{id: none, when: 'true', then: deny, reason: nothing goes out today}]\n"
    text = head + rules + rest[rest.index("    default: deny") :]
    mesh = world.mesh(text, agents={"teller": teller}, tools=till.tools)
    return world.start(mesh, amount="50")


def test_an_agent_that_retries_a_denied_call_comes_to_its_limit(world: Any, till: Any) -> None:
    told: list[str] = []

    def nags(amount: Any, ctx: Any) -> dict[str, Any]:
        while True:
            try:
                return dict(ctx.tool("pay", amount=amount))
            except lm.PolicyDenied as error:
                told.append(str(error))

    run = start(world, till, nags, "limits: {calls: 3}")
    message = till.failure(run)
    assert "the step has made 3 calls, and agents.teller.limits.calls allows 3" in message
    assert run.error["kind"] == "BudgetError"
    assert told == ["pay was denied: nothing goes out today"] * 3
    assert len(world.bodies(run, ev.PolicyDecided, "pay")) == 3
    assert till.paid == []


def test_denied_and_made_calls_count_alike(world: Any, till: Any) -> None:
    def tries(amount: Any, ctx: Any) -> dict[str, Any]:
        for name in "ab":
            ctx.tool("look", name=name)
            try:
                ctx.tool("pay", amount=amount)
            except lm.PolicyDenied:
                continue
        ctx.tool("look", name="c")
        raise AssertionError("one call too many")

    run = start(world, till, tries, "limits: {calls: 4}")
    assert "has made 4 calls" in till.failure(run)
    assert till.looked == ["a", "b"]


def test_an_agent_that_heeds_neither_denial_nor_limit_is_unwound(world: Any, till: Any) -> None:
    def deaf(amount: Any, ctx: Any) -> dict[str, Any]:
        while True:
            try:
                return dict(ctx.tool("pay", amount=amount))
            except lm.LeafmeshError:
                continue

    limited = start(world, till, deaf, "limits: {calls: 3}")
    assert "agents.teller.limits.calls allows 3" in till.failure(limited)
    assert limited.error["kind"] == "BudgetError"
    assert len(world.bodies(limited, ev.PolicyDecided, "pay")) == 3
    assert len(world.bodies(limited, ev.BudgetRefused, "pay")) == REFUSALS + 1

    unlimited = start(world, till, deaf)
    assert "pay was denied: nothing goes out today" in till.failure(unlimited)
    assert unlimited.error["kind"] == "PolicyDenied"
    assert len(world.bodies(unlimited, ev.PolicyDecided, "pay")) == REFUSALS + 1
    assert till.paid == []
    world.verify()


def test_an_async_agent_is_unwound_as_well(world: Any, till: Any) -> None:
    async def deaf(amount: Any, ctx: Any) -> dict[str, Any]:
        while True:
            try:
                return dict(await ctx.tool("pay", amount=amount))
            except lm.LeafmeshError:
                continue

    run = start(world, till, deaf)
    assert "pay was denied" in till.failure(run)


def test_many_different_calls_may_be_denied(world: Any, till: Any) -> None:
    def thorough(amount: Any, ctx: Any) -> dict[str, Any]:
        denied = 0
        for number in range(REFUSALS + 20):
            try:
                ctx.tool("pay", amount=number)
            except lm.PolicyDenied:
                denied += 1
        return {"receipt": "none", "amount": denied}

    run = start(world, till, thorough)
    assert int(run.result(20)["amount"]) == REFUSALS + 20


def test_nobody_is_asked_about_a_call_beyond_the_limit(world: Any, till: Any) -> None:
    def teller(amount: Any, ctx: Any) -> dict[str, Any]:
        ctx.tool("look", name="bob")
        return dict(ctx.tool("pay", amount="620"))

    run = till.start(teller, "limits: {calls: 1}")
    assert "has made 1 calls" in till.failure(run)
    assert world.bodies(run, ev.ApprovalAsked) == []


def test_an_agent_cannot_ask_people_for_ever(world: Any, till: Any) -> None:
    def bargains(amount: Any, ctx: Any) -> dict[str, Any]:
        price = 1000
        while True:
            try:
                return dict(ctx.tool("pay", amount=price))
            except lm.PolicyDenied:
                price -= 1

    reject = [{"answer": "reject", "by": "lead"}] * 10
    run = till.start(bargains, "limits: {calls: 3}", approver=lm.testing.ScriptedApprover(reject))
    assert "has made 3 calls" in till.failure(run)
    asked = [a.value["amount"] for a in world.bodies(run, ev.ApprovalAsked)]
    assert asked == ["1000", "999", "998"]


def test_a_call_that_waited_for_a_person_counts_once(world: Any, till: Any) -> None:
    def teller(amount: Any, ctx: Any) -> dict[str, Any]:
        ctx.tool("look", name="bob")
        paid = ctx.tool("pay", amount="620")
        return {"receipt": paid["receipt"], "amount": amount}

    run = till.start(teller, "limits: {calls: 2}")
    world.waiting(run).approve(by="lead")
    assert run.result(20)["receipt"] == "R-1"
