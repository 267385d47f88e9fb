"""Pause, resume, one step at a time, cancel, memory by hand: at any point of a run."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.journal import open_journal

CHAIN = """
mesh: steered
memory:
  limit: {type: integer}
agents:
  adder:
    role: Adds
    kind: python
    capabilities: {add: {input: {n: integer}, output: {n: integer}}}
    memory: {read: [limit]}
workflows:
  w:
    input: {n: integer}
    save: {limit: 10}
    steps:
      a: {capability: add, with: {n: input.n}}
      b: {capability: add, with: {n: steps.a.output.n}}
      c: {capability: add, with: {n: steps.b.output.n + memory.limit}}
    output: {n: steps.c.output.n}
"""


class Gatekeeper:
    """An adder whose calls begin and end when the test says so."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, n: int) -> dict[str, int]:
        self.begun.release()
        self.go_on.acquire(timeout=20)
        return {"n": n + 1}


def add(n: int) -> dict[str, int]:
    return {"n": n + 1}


def ended(run: Any) -> list[str]:
    return [e.path for e in run.recorded() if isinstance(e.body, ev.StepEnded)]


def test_a_pause_lets_the_call_in_flight_end_and_starts_no_other(world: Any) -> None:
    adder = Gatekeeper()
    run = world.start(world.mesh(CHAIN, agents={"adder": adder}), n=1)
    assert adder.begun.acquire(timeout=20)
    run.pause()
    assert run.status == "paused"
    adder.go_on.release(3)
    world.until(run, lambda: ended(run) == ["a"])
    with pytest.raises(lm.RunError, match="is paused; go on with"):
        run.result(20)
    assert run.status == "paused"
    run.resume()
    assert run.result(20) == {"n": 14}
    assert [type(e.body) for e in run.recorded()].count(ev.RunPaused) == 1


def test_one_step_at_a_time(world: Any) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    assert run.status == "paused"
    for done in (["a"], ["a", "b"], ["a", "b", "c"]):
        run.step()
        assert ended(run) == done
    assert run.result(20) == {"n": 14}


def test_memory_by_hand_is_an_event_and_counts(world: Any) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    run.step()
    run.patch("limit", 100)
    for name, value, message in (
        ("limit", "many", "memory.limit: is text, and a whole number is needed"),
        ("nothing", 1, "memory.nothing is no field of scope run"),
    ):
        with pytest.raises(lm.LeafmeshError, match=message):
            run.patch(name, value)
    run.resume()
    assert run.result(20) == {"n": 104}
    (patched,) = world.bodies(run, ev.MemoryPatched)
    assert (patched.field, patched.version, patched.value) == ("limit", 2, 100)


def test_a_function_in_flight_calls_no_tool_while_the_run_is_paused(world: Any, till: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(amount: Any, ctx: Any) -> dict[str, Any]:
        begun.set()
        go_on.wait(20)
        paid = ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    run = till.start(slow)
    assert begun.wait(20)
    run.pause()
    go_on.set()
    execution_idle = threading.Event()
    execution_idle.wait(0.1)
    assert till.paid == []
    run.resume()
    assert run.result(20)["receipt"] == "R-1"
    assert till.paid == ["50"]


# Cancel


def test_cancel_before_a_step_begins(world: Any) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    run.cancel()
    assert run.status == "cancelled"
    with pytest.raises(lm.RunError, match="cancelled by ") as info:
        run.result(20)
    assert info.value.cause == "Cancelled"
    assert world.kinds(run)[-1] == "run.ended"


def test_cancel_while_a_function_hangs(world: Any) -> None:
    adder = Gatekeeper()
    run = world.start(world.mesh(CHAIN, agents={"adder": adder}), n=1)
    assert adder.begun.acquire(timeout=20)
    run.cancel()
    assert run.status == "cancelled"
    assert world.kinds(run, "a")[-2:] == ["call.failed", "step.ended"], "its call is closed"
    adder.go_on.release()
    (step,) = world.bodies(run, ev.StepEnded)
    assert step.status == "cancelled"


def test_cancel_while_a_person_is_asked(world: Any, till: Any) -> None:
    def pay(amount: Any, ctx: Any) -> Any:
        return ctx.tool("pay", amount=amount)

    run = till.start(pay, amount="620")
    question = world.waiting(run)
    run.cancel()
    assert run.status == "cancelled"
    assert run.approvals() == []
    with pytest.raises(lm.ApprovalError):
        question.approve(by="lead")
    assert till.paid == []


def test_cancel_waits_for_a_side_effect_in_flight(world: Any, till: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(amount: Any) -> dict[str, str]:
        begun.set()
        go_on.wait(20)
        return till.pay(amount)  # type: ignore[no-any-return]

    def pay(amount: Any, ctx: Any) -> Any:
        paid = ctx.tool("pay", amount=amount)
        ctx.tool("look", name="never")
        return {"receipt": paid["receipt"], "amount": amount}

    run = till.start(pay, tools={"pay": slow})
    assert begun.wait(20)
    run.cancel()
    assert run.status == "running", "money is moving: the run must learn what came of it"
    with pytest.raises(lm.RunError, match="is being cancelled"):
        run.pause()
    go_on.set()
    with pytest.raises(lm.RunError, match="cancelled"):
        run.result(20)
    assert till.paid == ["50"]
    assert till.looked == [], "nothing new goes out"
    finished = [f.result for f in world.bodies(run, ev.CallFinished, "pay")]
    assert finished == [{"receipt": "R-1"}]
    world.verify()


def test_cancel_leaves_a_side_effect_that_never_returns_in_doubt(world: Any, till: Any) -> None:
    begun, free = threading.Event(), threading.Event()

    def stuck(amount: Any) -> Any:
        begun.set()
        free.wait(20)

    def pay(amount: Any, ctx: Any) -> Any:
        return ctx.tool("pay", amount=amount)

    run = till.start(pay, "limits: {timeout: 200ms}", tools={"pay": stuck})
    assert begun.wait(20)
    run.cancel()
    with pytest.raises(lm.RunError, match="cancelled"):
        run.result(20)
    free.set()
    state = run._current()
    (call,) = [c for c in state.calls.values() if c.started.side_effect]
    assert call.open
    assert call.in_doubt


def test_a_cancellation_that_a_crash_overtakes_is_read_again(world: Any, till: Any) -> None:
    """The verdict stands in the journal only once the run has ended."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(amount: Any) -> dict[str, str]:
        begun.set()
        go_on.wait(20)
        return till.pay(amount)  # type: ignore[no-any-return]

    def pay(amount: Any, ctx: Any) -> Any:
        return ctx.tool("pay", amount=amount)

    run = till.start(pay, tools={"pay": slow})
    assert begun.wait(20)
    run.cancel()
    journal = open_journal(world.journal)
    (row,) = journal.inbox([run.id])
    assert row.kind == "cancel"
    go_on.set()
    with pytest.raises(lm.RunError):
        run.result(20)
    assert journal.inbox([run.id]) == []
    message = journal.message(row.id)
    assert message is not None
    assert message.verdict is not None
    assert message.verdict.accepted


def test_a_failed_step_does_not_wait_for_a_function_that_hangs(world: Any) -> None:
    text = (
        CHAIN.replace("      b: {capability: add, with: {n: steps.a.output.n}}\n", "")
        .replace(
            "      c: {capability: add, with: {n: steps.b.output.n + memory.limit}}\n",
            "      b: {capability: add, with: {n: 0}}\n",
        )
        .replace("output: {n: steps.c.output.n}", "output: {}")
    )
    begun, free = threading.Event(), threading.Event()

    def either(n: int) -> dict[str, int]:
        if n == 0:
            begun.set()
            free.wait(20)
            return {"n": 0}
        begun.wait(20)
        raise ValueError("no")

    run = world.start(world.mesh(text, agents={"adder": either}), n=1)
    with pytest.raises(lm.RunError, match="at step a"):
        run.result(20)
    free.set()
    (b,) = world.bodies(run, ev.StepEnded, "b")
    assert (b.status, b.error["message"]) == ("cancelled", "step a failed")


# Messages that mean nothing


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("dance", {}, "a run takes no message 'dance'"),
        ("resume", {"steps": -1, "by": "x"}, "-1 is no number of steps"),
        ("resume", {"steps": "all"}, "'all' is no number of steps"),
        ("answer", {}, "this is no answer"),
        ("answer", {"id": "q", "answer": "approve", "colour": "red"}, "this is no answer"),
        ("answer", {"id": "q", "answer": "approve"}, "this run has no question q"),
        ("patch", {}, "memory. is no field"),
    ],
)
def test_a_message_that_means_nothing_is_refused_and_stops_nobody(
    world: Any, kind: str, body: dict[str, Any], reason: str
) -> None:
    from leafmesh_nb.engine.runner.host import host

    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    verdict = host().post(run.journal, run.id, kind, body).result(20)
    assert not verdict.accepted
    assert reason in verdict.reason
    run.resume()
    assert run.result(20) == {"n": 14}


def test_a_message_to_a_run_that_is_over(world: Any) -> None:
    from leafmesh_nb.engine.runner.host import host

    run = world.start(world.mesh(CHAIN, agents={"adder": add}), n=1)
    run.result(20)
    verdict = host().post(run.journal, run.id, "pause", {}).result(20)
    assert not verdict.accepted


def test_many_messages_while_a_run_ends_are_all_answered(world: Any) -> None:
    """Whoever sends a message is told what became of it, however the race goes."""
    from leafmesh_nb.engine.runner.host import host

    mesh = world.mesh(CHAIN, agents={"adder": add})
    for _ in range(10):
        run = world.start(mesh, n=1)
        futures = []
        while not run._execution.ended.done():
            change = {"field": "limit", "value": 10}
            futures.append(host().post(run.journal, run.id, "patch", change))
        run.result(20)
        for future in futures:
            future.result(20)
