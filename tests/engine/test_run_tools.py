"""Tools in a run: through the gate, once; recorded results for a function that is run again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.ports import Suspended
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.testing import ScriptedApprover


def teller(amount: Any, ctx: Any) -> dict[str, Any]:
    paid = ctx.tool("pay", amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ctx: ctx.tool("other"), "may not use tool 'other'; it may use: pay, look"),
        (lambda ctx: ctx.tool("nothing", x=1), "may not use tool 'nothing'"),
        (
            lambda ctx: ctx.tool("look"),
            "look was called with the wrong arguments: its field",
        ),
        (lambda ctx: ctx.tool("look", name=5), "wrong arguments: `name`: is a number"),
        (lambda ctx: ctx.tool("look", name="x", at=1), "unknown field `at`"),
    ],
)
def test_a_tool_call_that_does_not_hold(world: Any, till: Any, call: Any, message: str) -> None:
    run = till.start(lambda amount, ctx: call(ctx))
    assert message in till.failure(run)
    assert till.looked == []
    assert not [c for c in world.bodies(run, ev.CallStarted, "pay") if c.call == "tool"]


def test_a_tool_that_raises_and_one_that_returns_nonsense(world: Any, till: Any) -> None:
    said: list[str] = []

    def curious(amount: Any, ctx: Any) -> dict[str, Any]:
        for _ in range(2):
            try:
                ctx.tool("look", name="bob")
            except lm.AgentError as error:
                said.append(str(error))
        return {"receipt": "R", "amount": amount}

    answers = iter([lambda: 1 / 0, lambda: {"found": "maybe"}])
    run = till.start(curious, tools={"look": lambda name: next(answers)()})
    run.result(20)
    assert said[0].startswith("tool look raised ZeroDivisionError: division by zero (in ")
    assert said[1] == (
        "tool look ran, but returned the wrong shape: `found`: is text, and true or false is needed"
    )
    failed = world.bodies(run, ev.CallFailed, "pay")
    assert [f.error["message"] for f in failed] == said


def test_a_tools_own_limit_of_calls(world: Any, till: Any) -> None:
    def curious(amount: Any, ctx: Any) -> dict[str, Any]:
        for name in "abc":
            ctx.tool("look", name=name)
        return {"receipt": "R", "amount": amount}

    run = till.start(curious, "limits: {calls: 2}")
    assert "agents.teller.limits.calls allows 2" in till.failure(run)
    assert till.looked == ["a", "b"]
    (refused,) = world.bodies(run, ev.BudgetRefused, "pay")
    assert refused.scope == "calls"


def test_a_tool_called_from_threads_of_the_function_is_waited_for(world: Any, till: Any) -> None:
    calling = threading.Event()
    go_on = threading.Event()

    def slow(name: str) -> dict[str, bool]:
        calling.set()
        go_on.wait(20)
        return till.look(name)

    def careless(amount: Any, ctx: Any) -> dict[str, Any]:
        threading.Thread(target=lambda: ctx.tool("look", name="aside"), daemon=True).start()
        calling.wait(20)
        threading.Timer(0.05, go_on.set).start()
        return {"receipt": "R", "amount": amount}

    run = till.start(careless, tools={"look": slow})
    run.result(20)
    assert till.looked == ["aside"]
    kinds = world.kinds(run, "pay")
    assert kinds.count("call.started") == kinds.count("call.finished") == 2


def test_a_tool_called_from_a_thread_after_the_step(world: Any, till: Any) -> None:
    said: list[str] = []
    over, done = threading.Event(), threading.Event()

    def careless(amount: Any, ctx: Any) -> dict[str, Any]:
        def later() -> None:
            over.wait(20)
            try:
                ctx.tool("pay", amount="1")
            except lm.AgentError as error:
                said.append(str(error))
            done.set()

        threading.Thread(target=later, daemon=True).start()
        return {"receipt": "R", "amount": amount}

    run = till.start(careless)
    run.result(20)
    over.set()
    assert done.wait(20)
    assert said[0].startswith("step pay is over for this run of agent teller")
    assert till.paid == []


def test_an_answer_from_inside_a_call_does_not_count(world: Any, till: Any) -> None:
    said: list[str] = []
    runs: list[Any] = []
    started = threading.Event()

    def sly(amount: Any, ctx: Any) -> dict[str, Any]:
        started.wait(20)
        for question in runs[0].approvals():
            try:
                question.approve(by="lead")
            except lm.ApprovalError as error:
                said.append(str(error))
        paid = ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    text = till.text().replace(
        "    steps: {pay: {capability: pay, with: {amount: input.amount}}}",
        "    steps:\n"
        "      first: {capability: pay, with: {amount: input.amount}}\n"
        "      pay: {capability: pay, with: {amount: input.amount}}",
    )

    def either(amount: Any, ctx: Any) -> Any:
        return (sly if started.is_set() else teller)(amount, ctx)

    mesh = world.mesh(text, agents={"teller": either}, tools=till.tools)
    run = world.start(mesh, amount="620")
    runs.append(run)
    world.until(run, lambda: len(run.approvals()) == 2)
    started.set()
    run.approvals()[0].approve(by="lead")
    world.until(run, lambda: bool(said))
    assert "an answer from inside an agent's call does not count" in said[0]
    world.until(run, lambda: len(run.approvals()) == 1)
    run.approvals()[0].approve(by="lead")
    run.result(20)
    assert till.paid == ["620", "620"]


# Unwinding and running again


def test_recorded_results_come_back_by_ordinal(world: Any, till: Any) -> None:
    starts: list[int] = []

    def careful(amount: Any, ctx: Any) -> dict[str, Any]:
        starts.append(1)
        ctx.memory.append("notes", "looked")
        assert ctx.tool("look", name="a") == {"found": True}
        small = ctx.tool("pay", amount="5")
        large = ctx.tool("pay", amount=amount)
        return {"receipt": f"{small['receipt']} {large['receipt']}", "amount": amount}

    run = till.start(careful, amount="620")
    world.waiting(run).approve(by="lead")
    assert run.result(20)["receipt"] == "R-1 R-2"
    assert len(starts) == 2, "unwound while the question was open, and run again"
    assert (till.looked, till.paid) == (["a"], ["5", "620"])
    assert len(world.bodies(run, ev.MemoryWritten)) == 1, "what it wrote before it was unwound"
    functions = [c for c in world.bodies(run, ev.CallStarted, "pay") if c.call == "function"]
    assert [c.attempt for c in functions] == [1, 2]
    assert len({c.key for c in functions}) == 1
    world.verify()


def test_an_agent_that_swallows_everything_is_unwound_all_the_same(world: Any, till: Any) -> None:
    answers: list[str] = []

    def stubborn(amount: Any, ctx: Any) -> dict[str, Any]:
        receipt = "made up"
        for _ in range(3):
            try:
                receipt = ctx.tool("pay", amount=amount)["receipt"]
                break
            except BaseException:  # the mistake under test
                answers.append("swallowed")
        return {"receipt": receipt, "amount": amount}

    run = till.start(stubborn, amount="620")
    question = world.waiting(run)
    assert till.paid == []
    question.approve(by="lead")
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["620"]
    assert len(world.bodies(run, ev.ApprovalAsked)) == 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda ctx, amount: ctx.tool("look", name="b"), "called look with other arguments"),
        (lambda ctx, amount: ctx.tool("pay", amount="1"), "called pay with other arguments"),
        (lambda ctx, amount: None, "called 0 tools, where it had called 1 before"),
    ],
    ids=["other arguments", "another tool", "none"],
)
def test_a_function_that_does_something_else_when_run_again_fails(
    world: Any, till: Any, second: Any, message: str
) -> None:
    starts: list[int] = []

    def fickle(amount: Any, ctx: Any) -> dict[str, Any]:
        starts.append(1)
        if len(starts) == 1:
            ctx.tool("look", name="a")
            ctx.tool("pay", amount=amount)
        second(ctx, amount)
        return {"receipt": "R", "amount": amount}

    run = till.start(fickle, amount="620")
    world.waiting(run).approve(by="lead")
    assert message in till.failure(run)
    assert till.paid == []


def test_a_denial_is_told_again_when_the_function_is_run_again(world: Any, till: Any) -> None:
    told: list[str] = []

    def asks_twice(amount: Any, ctx: Any) -> dict[str, Any]:
        try:
            ctx.tool("pay", amount="700")
        except lm.PolicyDenied as error:
            told.append(str(error))
        paid = ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    run = till.start(asks_twice, amount="620")
    world.waiting(run).reject(by="lead", note="too much")
    world.until(run, lambda: len(told) == 1 and bool(run.approvals()))
    run.approvals()[0].approve(by="lead")
    run.result(20)
    assert told == ["pay was denied: lead rejected it: too much"] * 2
    assert till.paid == ["620"]


def test_a_failed_tool_call_fails_the_same_way_when_the_function_is_run_again(
    world: Any, till: Any
) -> None:
    errors: list[tuple[str, str]] = []

    def resilient(amount: Any, ctx: Any) -> dict[str, Any]:
        try:
            ctx.tool("look", name="a")
        except lm.LeafmeshError as error:
            errors.append((type(error).__name__, str(error)))
        paid = ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    calls: list[str] = []

    def look(name: str) -> Any:
        calls.append(name)
        raise lm.RoutingError("the directory is down")

    run = till.start(resilient, amount="620", tools={"look": look})
    world.waiting(run).approve(by="lead")
    run.result(20)
    assert errors == [("RoutingError", "the directory is down")] * 2
    assert calls == ["a"]


def test_an_edit_takes_the_place_of_what_the_agent_asked_for(world: Any, till: Any) -> None:
    script = ScriptedApprover([{"answer": "edit", "by": "lead", "value": {"amount": "90.50"}}])
    run = till.start(teller, amount="620", approver=script)
    assert str(run.result(20)["amount"]) == "90.50"
    assert till.paid == ["90.50"]


def test_a_rejection_is_an_error_of_the_agent_and_pays_nothing(world: Any, till: Any) -> None:
    run = till.start(teller, amount="620")
    world.waiting(run).reject(by="lead", note="no")
    assert "pay was denied: lead rejected it: no" in till.failure(run)
    assert run.error["kind"] == "PolicyDenied"
    assert till.paid == []


# Doubt while the run goes on


def test_a_side_effect_that_outlasts_its_agents_timeout_is_in_doubt(world: Any, till: Any) -> None:
    free = threading.Event()

    def slow(amount: Any) -> dict[str, str]:
        free.wait(20)
        return till.pay(amount)

    run = till.start(teller, "limits: {timeout: 600ms}", tools={"pay": slow})
    question = world.waiting(run)
    assert question.reason == "pay is still running here, longer than 0.6 s"
    assert "step.ended" not in world.kinds(run, "pay")
    free.set()
    # Its result arrives after all: the doubt is over, and the agent is given it.
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["50"]
    with pytest.raises(lm.ApprovalError):
        question.approve(by="lead")


def test_a_side_effect_is_not_run_again_while_it_still_runs(world: Any, till: Any) -> None:
    free, entered = threading.Event(), []

    def slow(amount: Any) -> dict[str, str]:
        entered.append(amount)
        free.wait(20)
        return till.pay(amount)

    run = till.start(teller, "limits: {timeout: 600ms}", tools={"pay": slow})
    world.waiting(run).approve(by="lead")

    def started() -> list[Any]:
        return [c for c in world.bodies(run, ev.CallStarted) if c.call == "function"]

    world.until(run, lambda: len(started()) == 2)
    free.set()
    assert run.result(20)["receipt"] == "R-1"
    assert (len(entered), till.paid) == (1, ["50"])


def test_a_side_effect_that_says_it_timed_out_is_in_doubt(world: Any, till: Any) -> None:
    tries: list[str] = []

    def flaky(amount: Any) -> dict[str, str]:
        tries.append(str(amount))
        if len(tries) == 1:
            raise TimeoutError("the bank does not answer")
        return till.pay(amount)

    run = till.start(teller, tools={"pay": flaky})
    question = world.waiting(run)
    assert question.options == ("approve", "edit", "reject")
    question.approve(by="lead")  # run it again
    assert run.result(20)["receipt"] == "R-1"
    calls = [c for c in world.bodies(run, ev.CallStarted, "pay") if c.call == "tool"]
    assert [c.attempt for c in calls] == [1, 2]
    assert calls[0].key == calls[1].key


def raising(error: BaseException) -> Any:
    def tool() -> Any:
        raise error

    return tool


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (raising(OSError("read timed out")), "tool pay raised OSError: read timed out"),
        (raising(lm.PolicyDenied("says the bank")), "says the bank"),
        (raising(SystemExit(3)), "tool pay raised SystemExit: 3"),
        (raising(Suspended()), "tool pay unwound itself"),
        (lambda: {"recipt": "R"}, "tool pay ran, but returned the wrong shape"),
        (lambda: None, "tool pay ran, but returned the wrong shape"),
    ],
)
def test_a_side_effect_that_raises_is_in_doubt(
    world: Any, till: Any, ending: Any, said: str
) -> None:
    def acts(amount: Any) -> Any:
        till.pay(amount)
        return ending()

    def insists(amount: Any, ctx: Any) -> Any:
        for _ in range(3):
            try:
                return teller(amount, ctx)
            except Exception:
                continue
        raise ValueError("gave up")

    run = till.start(insists, tools={"pay": acts})
    question = world.waiting(run)
    assert question.point == "in_doubt"
    assert question.reason.startswith(said)
    assert question.reason.endswith("; whether it happened is not known")
    question.edit({"receipt": "R-1"}, by="lead")
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["50"]


def test_an_async_side_effect_that_is_cancelled_is_in_doubt(world: Any, till: Any) -> None:
    async def acts(amount: Any) -> Any:
        till.pay(amount)
        raise asyncio.CancelledError

    run = till.start(teller, tools={"pay": acts})
    assert "tool pay cancelled itself" in world.waiting(run).reason
    assert till.paid == ["50"]


def test_a_tool_that_says_it_did_not_act_has_failed(world: Any, till: Any) -> None:
    said: list[str] = []

    def closed(amount: Any) -> Any:
        if not said:
            raise lm.NotDoneError("the bank is closed")
        return till.pay(amount)

    def patient(amount: Any, ctx: Any) -> Any:
        try:
            return teller(amount, ctx)
        except lm.NotDoneError as error:
            said.append(str(error))
        return teller(amount, ctx)

    run = till.start(patient, tools={"pay": closed})
    assert run.result(20)["receipt"] == "R-1"
    assert said == ["the bank is closed"]
    assert not world.bodies(run, ev.ApprovalAsked)


@pytest.mark.parametrize("verdict", ["it happened", "let it fail"])
def test_a_person_settles_a_doubt(world: Any, till: Any, verdict: str) -> None:
    def lost(amount: Any) -> Any:
        raise TimeoutError

    run = till.start(teller, tools={"pay": lost})
    question = world.waiting(run)
    if verdict == "it happened":
        question.edit({"receipt": "R-77"}, by="lead")
        assert run.result(20)["receipt"] == "R-77"
        finished = [f for f in world.bodies(run, ev.CallFinished, "pay") if not f.live]
        assert [f.note for f in finished] == ["entered by lead"]
    else:
        question.reject(by="lead")
        assert "pay is in doubt, and lead let it fail" in till.failure(run)
        assert run.error["kind"] == "InDoubtError"


def test_a_read_that_times_out_has_failed(world: Any, till: Any) -> None:
    def look(name: str) -> Any:
        raise TimeoutError("no answer")

    def curious(amount: Any, ctx: Any) -> Any:
        return ctx.tool("look", name="a")

    run = till.start(curious, tools={"look": look})
    assert "tool look raised TimeoutError: no answer" in till.failure(run)


def test_progress_is_for_whoever_watches_and_not_recorded(world: Any, till: Any) -> None:
    told, go_on = threading.Event(), threading.Event()

    def slow(amount: Any, ctx: Any) -> dict[str, Any]:
        ctx.progress("counting " + "x" * 1000)
        told.set()
        go_on.wait(20)
        return {"receipt": "R", "amount": amount}

    run = till.start(slow)
    assert told.wait(20)
    execution = host().execution(run.journal, run.id)
    assert execution is not None
    assert execution.progress["pay"] == "counting " + "x" * 191 + "…"
    go_on.set()
    run.result(20)
    assert not [e for e in run.recorded() if "counting" in str(e.body)]


def test_a_call_is_refused_once_the_function_has_returned(world: Any, till: Any) -> None:
    """While a call of one thread is waited for, another thread begins none."""
    acting, go_on, refused = threading.Event(), threading.Event(), threading.Event()
    said: list[str] = []

    def slow(name: str) -> dict[str, bool]:
        acting.set()
        go_on.wait(20)
        return till.look(name)

    def careless(amount: Any, ctx: Any) -> dict[str, Any]:
        def hammer() -> None:
            acting.wait(20)
            while not refused.is_set():
                try:
                    ctx.tool("pay", amount="1")
                except lm.AgentError as error:
                    said.append(str(error))
                    refused.set()
            go_on.set()

        threading.Thread(target=lambda: ctx.tool("look", name="aside"), daemon=True).start()
        acting.wait(20)
        threading.Thread(target=hammer, daemon=True).start()
        return {"receipt": "R", "amount": amount}

    run = till.start(careless, tools={"look": slow})
    assert run.result(20)["receipt"] == "R"
    assert said[0].startswith("step pay is over for this run of agent teller")
    assert till.looked == ["aside"]
    calls = [c for c in world.bodies(run, ev.CallStarted, "pay") if c.target == "pay"]
    assert len(calls) == len(till.paid)


def test_a_question_of_a_thread_is_waited_for_when_the_function_has_returned(
    world: Any, till: Any
) -> None:
    def careless(amount: Any, ctx: Any) -> dict[str, Any]:
        def ask() -> None:
            with contextlib.suppress(Suspended):
                ctx.tool("pay", amount=amount)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(20)
        return {"receipt": f"R-{len(till.paid)}", "amount": amount}

    run = till.start(careless, amount="620")
    world.waiting(run).approve(by="lead")
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["620"]


def test_nothing_goes_out_after_a_call_that_does_not_match(world: Any, till: Any) -> None:
    starts: list[int] = []

    def fickle(amount: Any, ctx: Any) -> dict[str, Any]:
        starts.append(1)
        wanted = ["5", amount] if len(starts) == 1 else ["6", "7", "5", amount]
        for each in wanted:
            try:
                ctx.tool("pay", amount=each)
            except lm.AgentError:
                continue
        return {"receipt": "R", "amount": amount}

    run = till.start(fickle, amount="620")
    world.waiting(run).approve(by="lead")
    assert "called pay with other arguments than before (call 1)" in till.failure(run)
    assert till.paid == ["5"]


def test_a_recorded_call_is_not_made_again_in_another_place(world: Any, till: Any) -> None:
    starts: list[int] = []

    def shifting(amount: Any, ctx: Any) -> dict[str, Any]:
        starts.append(1)
        if len(starts) == 1:
            with pytest.raises(lm.AgentError):
                ctx.tool("pay", amount="nothing")
        ctx.tool("pay", amount="5")
        return teller(amount, ctx)

    run = till.start(shifting, amount="620")
    world.waiting(run).approve(by="lead")
    assert "made call 2 of pay as call 1" in till.failure(run)
    assert till.paid == ["5"]


def test_a_rejected_call_is_not_asked_about_again(world: Any, till: Any) -> None:
    told: list[str] = []

    def nags(amount: Any, ctx: Any) -> dict[str, Any]:
        for _ in range(3):
            try:
                return teller(amount, ctx)
            except lm.PolicyDenied as error:
                told.append(str(error))
        return {"receipt": "none", "amount": amount}

    run = till.start(nags, amount="620")
    world.waiting(run).reject(by="lead", note="no")
    assert run.result(20)["receipt"] == "none"
    assert told == ["pay was denied: lead rejected it: no"] * 3
    assert len(world.bodies(run, ev.ApprovalAsked)) == 1
    assert till.paid == []


def test_a_doubt_that_was_let_fail_is_not_repeated_as_another_call(world: Any, till: Any) -> None:
    def lost(amount: Any) -> Any:
        till.pay(amount)
        raise OSError("reset")

    def nags(amount: Any, ctx: Any) -> dict[str, Any]:
        for _ in range(3):
            with contextlib.suppress(lm.InDoubtError):
                return teller(amount, ctx)
        return {"receipt": "none", "amount": amount}

    run = till.start(nags, tools={"pay": lost})
    world.waiting(run).reject(by="lead")
    assert run.result(20)["receipt"] == "none"
    assert till.paid == ["50"]
