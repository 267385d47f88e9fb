"""``for_each``: a step once for each item of a list."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.testing import FixedClock, ScriptedApprover, ScriptedModel

MESH = """
mesh: listing
models:
  quick: {provider: offline, tier: small, priced_as: "openai:gpt-5-mini"}
people:
  lead: {roles: [approver]}
memory:
  seen: {type: {list: integer}, merge: append}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    memory: {read: [seen], write: [seen]}
  judge:
    role: Judges
    capabilities: {judge: {input: {text: string}, output: {good: boolean}}}
    model: {tier: small}
POLICIES
workflows:
  w:
    input: {ns: {list: integer}, prices: {type: {list: money}, default: []}}
    steps:
STEPS
    output: OUTPUT
"""
EACH = "capability: work, with: {n: item}, for_each: {in: input.ns, max: 100"


def start(
    world: Any,
    steps: str,
    output: str,
    worker: Any = None,
    *,
    policies: str = "",
    ns: Any = (1, 2, 3),
    **parts: Any,
) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output).replace("POLICIES", policies)
    work = worker or (lambda n: {"n": n * 10})
    mesh = world.mesh(text, agents={"worker": work}, **parts)
    return world.start(mesh, ns=list(ns))


def test_the_output_is_a_list_in_order(world: Any) -> None:
    run = start(world, f"a: {{{EACH}, parallel: 3}}}}", "{ns: 'steps.a.output.map(o, o.n)'}")
    assert run.result(20) == {"ns": [10, 20, 30]}
    resolved, *_ = world.bodies(run, ev.StepResolved, "a")
    assert (resolved.parts, resolved.items) == ("items", [1, 2, 3])
    assert world.kinds(run, "a") == ["step.resolved", "step.ended"]
    assert world.kinds(run, "a[1]")[0] == "step.resolved"
    (ended,) = world.bodies(run, ev.StepEnded, "a")
    assert ended.output == [{"n": 10}, {"n": 20}, {"n": 30}]
    world.verify()


def test_an_empty_list_gives_an_empty_list(world: Any) -> None:
    run = start(world, f"a: {{{EACH}}}}}", "{ns: 'steps.a.output.map(o, o.n)'}", ns=[])
    assert run.result(20) == {"ns": []}


def test_equal_items_are_calls_of_their_own(world: Any) -> None:
    run = start(world, f"a: {{{EACH}}}}}", "{ns: size(steps.a.output)}", ns=[7, 7, 7])
    assert run.result(20) == {"ns": 3}
    assert len({call.key for call in world.bodies(run, ev.CallStarted)}) == 3


def test_so_many_at_once_and_no_more(world: Any) -> None:
    both = threading.Barrier(2, timeout=20)
    lock, now, most = threading.Lock(), [0], [0]

    def work(n: int) -> dict[str, int]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        both.wait()
        with lock:
            now[0] -= 1
        return {"n": n}

    run = start(
        world, f"a: {{{EACH}, parallel: 2}}}}", "{n: size(steps.a.output)}", work, ns=range(6)
    )
    assert run.result(20) == {"n": 6}
    assert most == [2]


def test_without_a_word_one_comes_after_the_other(world: Any) -> None:
    seen: list[int] = []

    def work(n: int, ctx: Any) -> dict[str, int]:
        assert ctx.memory["seen"] == seen
        seen.append(n)
        return {"n": n}

    steps = f"a: {{{EACH}}}, save: {{seen: output.n}}}}"
    run = start(world, steps, "{seen: memory.seen}", work)
    assert run.result(20) == {"seen": [1, 2, 3]}
    written = world.bodies(run, ev.MemoryWritten)
    assert [(w.value, w.agent) for w in written] == [(n, "worker") for n in (1, 2, 3)]


def test_a_longer_list_than_max_fails_the_step(world: Any) -> None:
    run = start(world, f"a: {{{EACH}}}}}".replace("100", "2"), "{}")
    with pytest.raises(
        lm.RunError, match="at step a: for_each: the list has 3 items, and max is 2"
    ):
        run.result(20)


def fails_at(*bad: int) -> Any:
    def work(n: int) -> dict[str, int]:
        if n in bad:
            raise ValueError(f"no {n}")
        return {"n": n}

    return work


def test_a_failed_item_fails_the_step_and_the_run(world: Any) -> None:
    run = start(world, f"a: {{{EACH}}}}}", "{}", fails_at(2), ns=range(5))
    with pytest.raises(lm.RunError, match="no 2") as info:
        run.result(20)
    assert info.value.step == "a[2]"
    assert "a[3]" not in {e.path for e in run.recorded()}, "nothing starts after a failure"
    world.verify()


def test_a_failed_item_may_be_null(world: Any) -> None:
    steps = f"a: {{{EACH}, parallel: 2}}, on_error: continue}}"
    run = start(
        world,
        steps,
        "{ns: 'steps.a.output.map(o, default(o.n, -1))', a: steps.a.status}",
        fails_at(1, 3),
        ns=range(5),
    )
    assert run.result(20) == {"ns": [0, -1, 2, -1, 4], "a": "done"}
    world.verify()


def test_a_step_may_take_over_where_an_item_failed(world: Any) -> None:
    steps = f"a: {{{EACH}}}, on_error: fix}}\nfix: {{let: '\"fixed\"'}}"
    run = start(world, steps, "{fix: steps.fix.output}", fails_at(2))
    assert run.result(20) == {"fix": "fixed"}


def test_items_under_way_are_cancelled_when_one_fails(world: Any) -> None:
    """The others' functions are left to themselves; the run goes on with what handles it."""
    entered, gate = threading.Barrier(3, timeout=20), threading.Event()

    def work(n: int) -> dict[str, int]:
        entered.wait()
        if n == 2:
            raise ValueError("no 2")
        assert gate.wait(20)
        return {"n": n}

    steps = f"a: {{{EACH}, parallel: 3}}, on_error: fix}}\nfix: {{let: '\"fixed\"'}}"
    run = start(world, steps, "{fix: steps.fix.output}", work)
    try:
        assert run.result(20) == {"fix": "fixed"}
    finally:
        gate.set()
    assert {e.path: e.body.status for e in run.recorded() if isinstance(e.body, ev.StepEnded)} == {
        "a[0]": "cancelled",
        "a[1]": "failed",
        "a[2]": "cancelled",
        "a": "failed",
        "fix": "done",
    }
    world.verify()


def test_an_item_may_be_passed_over(world: Any) -> None:
    steps = f"a: {{{EACH}}}, when: item % 2 == 1}}"
    run = start(
        world,
        steps,
        "{ns: 'steps.a.output.map(o, default(o.n, 0))'}",
        ns=range(5),
    )
    assert run.result(20) == {"ns": [0, 10, 0, 30, 0]}
    assert world.kinds(run, "a[0]") == ["step.resolved", "step.ended"]


def test_a_condition_without_the_item_is_decided_once(world: Any) -> None:
    steps = f"a: {{{EACH}}}, when: size(input.ns) > 5}}"
    run = start(world, steps, "{a: steps.a.status}")
    assert run.result(20) == {"a": "skipped"}
    assert world.kinds(run).count("step.resolved") == 1


def test_a_let_may_be_done_for_each_with_its_index(world: Any) -> None:
    steps = """
a: {let: "item * 2 + index", for_each: {in: input.ns, max: 10}}
b: {let: "'%' + string(item)", for_each: {in: input.prices, max: 10}}
""".replace("'%' + ", "")
    run = start(world, steps, "{a: steps.a.output, b: steps.b.output}")
    assert run.result(20) == {"a": [2, 5, 8], "b": []}


def test_each_item_is_retried_by_itself(world: Any) -> None:
    clock, failed = FixedClock(), set()

    def work(n: int) -> dict[str, int]:
        if n == 2 and n not in failed:
            failed.add(n)
            raise ValueError("once")
        return {"n": n}

    steps = f"a: {{{EACH}, parallel: 3}}, retry: {{max: 1, backoff: 1m}}}}"
    run = start(world, steps, "{n: size(steps.a.output)}", work, clock=clock)
    world.until(run, lambda: "timer.set" in world.kinds(run))
    (timer,) = [e for e in run.recorded() if e.kind == "timer.set"]
    assert timer.path == "a[1]"
    world.until(run, lambda: world.kinds(run).count("step.ended") == 2)
    clock.advance(minutes=2)
    assert run.result(20) == {"n": 3}


POLICIES = """
policies:
  doubtful:
    at: output
    for: {steps: [a]}
    rules: [{id: odd, when: "output.n == 20", then: ask, to: lead}]
    default: approve
"""


def test_a_policy_for_a_step_is_for_its_items_and_each_is_asked_about(world: Any) -> None:
    run = start(
        world, f"a: {{{EACH}, parallel: 3}}}}", "{n: size(steps.a.output)}", policies=POLICIES
    )
    question = world.waiting(run)
    world.until(run, lambda: world.kinds(run).count("step.ended") == 2)
    assert question.step == "a[1]"
    question.edit({"n": 21}, by="lead")
    assert run.result(20) == {"n": 3}
    (ended,) = world.bodies(run, ev.StepEnded, "a")
    assert [item["n"] for item in ended.output] == [10, 21, 30]


def test_an_approval_of_one_item_is_none_of_another(world: Any) -> None:
    """Two items with the same output are two actions: each has a digest of its own."""
    run = start(
        world,
        f"a: {{{EACH}, parallel: 3}}}}",
        "{n: size(steps.a.output)}",
        policies=POLICIES,
        ns=[2, 2],
        approver=ScriptedApprover([{"answer": "approve", "step": "a[0]"}]),
    )
    world.until(run, lambda: len(run.approvals()) == 1 and run.status == "waiting")
    world.until(run, lambda: world.kinds(run, "a[0]")[-1] == "step.ended")
    (question,) = run.approvals()
    assert question.step == "a[1]"
    digests = {asked.digest for asked in world.bodies(run, ev.ApprovalAsked)}
    assert len(digests) == 2
    question.reject(by="lead")
    with pytest.raises(lm.RunError, match="lead rejected it"):
        run.result(20)


def test_the_budget_of_a_step_is_of_all_its_items(world: Any) -> None:
    text = "judge: {capability: judge, with: {text: 'string(item)'}, "
    steps = text + "for_each: {in: input.ns, max: 9}}"
    model = ScriptedModel(lambda request: {"good": True}, cost="0.02")
    lines = "\n".join(f"      {line}" for line in steps.splitlines())
    mesh_text = MESH.replace("STEPS", lines).replace("OUTPUT", "{}")
    mesh_text = mesh_text.replace("POLICIES", "budgets: {step: 0.05}")

    class Prices:
        def list_cost(self, priced_as: str, tokens_in: int, tokens_out: int) -> Decimal:
            return Decimal("0.02")

        def spent(self, model: Any, tokens_in: int, tokens_out: int) -> Decimal:
            return Decimal("0.02")

    mesh = world.mesh(
        mesh_text, agents={"worker": fails_at()}, models={"quick": model}, prices=Prices()
    )
    run = world.start(mesh, ns=[1, 2, 3])
    with pytest.raises(lm.RunError, match=r"budgets\.step"):
        run.result(20)
    assert len(model.requests) == 2, "the third would pass the budget of the step"
    (refused,) = world.bodies(run, ev.BudgetRefused)
    assert (refused.scope, refused.used) == ("step", "0.04")


def test_step_by_step_each_item_is_one(world: Any) -> None:
    lines = f"      a: {{{EACH}, parallel: 3}}}}"
    text = MESH.replace("STEPS", lines).replace("OUTPUT", "{}").replace("POLICIES", "")
    mesh = world.mesh(text, agents={"worker": fails_at()})
    run = mesh.start("w", ns=[1, 2, 3], step=True, journal=world.journal)
    world.runs.append(run)
    for number in (1, 2):
        run.step()
        assert (run.status, world.kinds(run).count("step.ended")) == ("paused", number)
    run.step()
    assert run.result(20) == {}


def test_a_cancelled_run_ends_what_items_are_under_way(world: Any) -> None:
    gate = threading.Event()

    def work(n: int) -> dict[str, int]:
        assert gate.wait(20)
        return {"n": n}

    run = start(world, f"a: {{{EACH}, parallel: 3}}}}", "{}", work, ns=range(9))
    world.until(run, lambda: world.kinds(run).count("call.started") == 3)
    run.cancel()
    gate.set()
    assert run.status == "cancelled"
    ends = [e.path for e in run.recorded() if isinstance(e.body, ev.StepEnded)]
    assert ends == ["a[0]", "a[1]", "a[2]", "a"]
    world.verify()


@pytest.mark.parametrize("parallel", [1, 50])
def test_ten_times_as_many_items_take_ten_times_as_long(world: Any, parallel: int) -> None:
    """What is behind in a loop costs nothing: no turn goes over all that has ended."""
    took = {}
    for count in (300, 3000):
        steps = (
            f"a: {{let: item + 1, for_each: {{in: input.ns, max: 10000, parallel: {parallel}}}}}"
        )
        began = time.process_time()
        run = start(world, steps, "{n: size(steps.a.output)}", ns=range(count))
        assert run.result(60) == {"n": count}
        took[count] = time.process_time() - began
    assert took[3000] < 30 * took[300], took


def test_an_item_that_is_paying_is_waited_for(world: Any) -> None:
    """Another item has failed: nothing new goes out, and what is under way is not left in doubt."""
    paying, gate = threading.Event(), threading.Event()
    paid: list[int] = []

    def pay(amount: int) -> dict[str, bool]:
        paying.set()
        assert gate.wait(20)
        paid.append(amount)
        return {"ok": True}

    def work(n: int, ctx: Any) -> dict[str, int]:
        if n == 2:
            assert paying.wait(20)
            raise ValueError("no 2")
        ctx.tool("pay", amount=n)
        ctx.tool("pay", amount=n + 100)
        return {"n": n}

    text = MESH.replace("    memory: {read: [seen], write: [seen]}", "    tools: [pay]")
    text = text.replace("memory:\n  seen: {type: {list: integer}, merge: append}\n", TOOLS)
    policy = "policies: {p: {at: tool, for: {tools: [pay]}, rules: [{id: all, then: approve}]}}"
    steps = f"      a: {{{EACH}, parallel: 2}}, on_error: fix}}\n      fix: {{let: '1'}}"
    text = text.replace("POLICIES", policy).replace("STEPS", steps).replace("OUTPUT", "{}")
    mesh = world.mesh(text, agents={"worker": work}, tools={"pay": pay})
    run = world.start(mesh, ns=[1, 2])
    world.until(run, lambda: "step.ended" in world.kinds(run, "a[1]"))
    assert "step.ended" not in world.kinds(run, "a"), "a payment is under way"
    gate.set()
    assert run.result(20) == {}
    assert paid == [1], "nothing went out after the failure"
    calls = world.bodies(run, ev.CallFinished, "a[0]")
    assert [call.result for call in calls][:1] == [{"ok": True}]
    (ended,) = world.bodies(run, ev.StepEnded, "a[0]")
    assert ended.status == "cancelled"
    assert not world.bodies(run, ev.ApprovalAsked)
    world.verify()


TOOLS = """tools:
  pay: {side_effect: true, input: {amount: integer}, output: {ok: boolean}}
"""


def test_a_thousand_questions_are_asked_and_answered(world: Any) -> None:
    """What was answered costs nothing: no turn goes over all that was ever asked."""
    lines = f"      a: {{{EACH}, parallel: 20}}}}".replace("max: 100", "max: 2000")
    policy = POLICIES.replace('when: "output.n == 20", ', "")
    text = MESH.replace("STEPS", lines).replace("OUTPUT", "{n: size(steps.a.output)}")
    mesh = world.mesh(
        text.replace("POLICIES", policy),
        agents={"worker": lambda n: {"n": n}},
        approver=ScriptedApprover([{"answer": "approve"}]),
    )
    run = world.start(mesh, ns=list(range(1000)))
    assert run.result(60) == {"n": 1000}
    assert len(world.bodies(run, ev.ApprovalAnswered)) == 1000


def test_a_payment_that_hangs_does_not_hold_the_failure_for_ever(world: Any) -> None:
    """The item that pays is waited for up to its time; then the payment is in doubt, and stays so
    for people to see."""
    paying, gate = threading.Event(), threading.Event()

    def pay(amount: int) -> dict[str, bool]:
        paying.set()
        assert gate.wait(20)
        return {"ok": True}

    def work(n: int, ctx: Any) -> dict[str, int]:
        if n == 2:
            assert paying.wait(20)
            raise ValueError("no 2")
        ctx.tool("pay", amount=n)
        return {"n": n}

    text = MESH.replace("    memory: {read: [seen], write: [seen]}", "    tools: [pay]")
    text = text.replace("memory:\n  seen: {type: {list: integer}, merge: append}\n", TOOLS)
    policy = "policies: {p: {at: tool, for: {tools: [pay]}, rules: [{id: all, then: approve}]}}"
    steps = f"      a: {{{EACH}, parallel: 2}}, timeout: 1s, on_error: fix}}\n"
    steps += "      fix: {let: '1'}"
    text = text.replace("POLICIES", policy).replace("STEPS", steps).replace("OUTPUT", "{}")
    mesh = world.mesh(text, agents={"worker": work}, tools={"pay": pay})
    run = world.start(mesh, ns=[1, 2])
    try:
        assert run.result(20) == {}
    finally:
        gate.set()
    ends = {e.path: e.body.status for e in run.recorded() if isinstance(e.body, ev.StepEnded)}
    assert ends == {"a[1]": "failed", "a[0]": "cancelled", "a": "failed", "fix": "done"}
    (asked,) = world.bodies(run, ev.ApprovalAsked)
    assert asked.point == "in_doubt"
    assert run.calls().set_index("target").loc["pay", "status"] == "in doubt"
    world.verify()
