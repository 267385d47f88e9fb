"""What is done about a failure: go on, another step, another attempt; and about a doubt."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.errors import AgentError
from leafmesh_nb.testing import FixedClock, ScriptedModel

MESH = """
mesh: failing
models:
  quick: {provider: offline, tier: small}
people:
  lead: {roles: [approver]}
tools:
  pay: {side_effect: true, input: {amount: money}, output: {receipt: string}}
  look: {input: {name: string}, output: {found: boolean}}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    tools: [pay, look]
    LIMITS
  judge:
    role: Judges
    capabilities: {judge: {input: {text: string}, output: {good: boolean}}}
    model: {tier: small}
policies:
  payouts: {at: tool, for: {tools: [pay]}, default: approve}
workflows:
  w:
    input: {n: integer}
    steps:
STEPS
    output: OUTPUT
"""
WORK = "capability: work, with: {n: input.n}"


class Worker:
    """Fails as often as it is told to, then works; ``attempts`` counts its calls."""

    def __init__(self, failures: int = 1000, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or ValueError("not today")
        self.attempts = 0

    def __call__(self, n: int) -> dict[str, int]:
        self.attempts += 1
        if self.attempts <= self.failures:
            raise self.error
        return {"n": n}


def start(
    world: Any, steps: str, output: str, worker: Any, *, limits: str = "", n: int = 1, **parts: Any
) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output)
    text = text.replace("    LIMITS\n", f"    {limits}\n" if limits else "")
    tools = {"pay": lambda amount: {"receipt": "R"}, "look": lambda name: {"found": True}}
    tools |= parts.pop("tools", {})
    mesh = world.mesh(text, agents={"worker": worker}, tools=tools, **parts)
    return world.start(mesh, n=n)


# on_error


def test_the_run_goes_on_past_a_failure_that_is_tolerated(world: Any) -> None:
    steps = f"""
a: {{{WORK}, on_error: continue}}
b: {{let: "default(steps.a.output.n, 41) + 1"}}
"""
    run = start(world, steps, "{b: steps.b.output, a: steps.a.status}", Worker())
    assert run.result(20) == {"b": 42, "a": "failed"}
    (ended,) = world.bodies(run, ev.StepEnded, "a")
    assert (ended.status, ended.error["kind"]) == ("failed", "AgentError")
    world.verify()


def test_a_tolerated_failure_counts_for_no_any(world: Any) -> None:
    steps = f"""
a: {{{WORK}, on_error: continue}}
b: {{let: "1", after: {{any: [a]}}, on_error: continue}}
c: {{let: "2", after: [a, b]}}
"""
    run = start(world, steps, "{b: steps.b.status, c: steps.c.output}", Worker())
    assert run.result(20) == {"b": "failed", "c": 2}


@pytest.mark.parametrize(("failures", "expected"), [(1000, "repair"), (0, "")])
def test_another_step_takes_a_failure_over(world: Any, failures: int, expected: str) -> None:
    steps = f"""
a: {{{WORK}, on_error: repair}}
repair: {{let: '"repair"'}}
last: {{let: 'default(steps.repair.output, "")', after: [a, repair]}}
"""
    output = "{last: steps.last.output, repair: steps.repair.status}"
    run = start(world, steps, output, Worker(failures))
    status = "done" if expected else "skipped"
    assert run.result(20) == {"last": expected, "repair": status}


def test_a_handler_waits_for_all_that_it_handles(world: Any) -> None:
    gate = threading.Event()

    def work(n: int) -> dict[str, int]:
        if n == 1:
            raise ValueError("at once")
        assert gate.wait(20)
        return {"n": n}

    steps = """
a: {capability: work, with: {n: "1"}, on_error: repair}
b: {capability: work, with: {n: "2"}, on_error: repair}
repair: {let: "7"}
"""
    run = start(world, steps, "{repair: steps.repair.output}", work)
    world.until(run, lambda: "step.ended" in world.kinds(run, "a"))
    assert not world.kinds(run, "repair")
    gate.set()
    assert run.result(20) == {"repair": 7}


def test_a_handler_that_fails_ends_the_run(world: Any) -> None:
    steps = f"a: {{{WORK}, on_error: repair}}\nrepair: {{{WORK}}}"
    run = start(world, steps, "{}", Worker())
    with pytest.raises(lm.RunError, match="at step repair: agent worker raised"):
        run.result(20)


def test_a_denial_is_tolerated_as_any_failure(world: Any) -> None:
    def work(n: int, ctx: Any) -> dict[str, int]:
        ctx.tool("pay", amount="1")
        return {"n": n}

    text = MESH.replace("default: approve", "default: deny")
    lines = f"      a: {{{WORK}, on_error: continue, retry: {{max: 3}}}}"
    text = text.replace("STEPS", lines).replace("OUTPUT", "{a: steps.a.status}")
    mesh = world.mesh(
        text.replace("    LIMITS\n", ""),
        agents={"worker": work},
        tools={"pay": lambda amount: {"receipt": ""}, "look": lambda name: {"found": True}},
    )
    run = world.start(mesh, n=1)
    assert run.result(20) == {"a": "failed"}
    assert "timer.set" not in world.kinds(run), "a denial is never retried"


# retry


def test_a_step_is_tried_again(world: Any) -> None:
    worker = Worker(failures=2)
    run = start(world, f"a: {{{WORK}, retry: {{max: 2}}}}", "{n: steps.a.output.n}", worker)
    assert run.result(20) == {"n": 1}
    assert worker.attempts == 3
    started = world.bodies(run, ev.CallStarted)
    assert len({call.key for call in started}) == 3, "each attempt is a call of its own"
    assert [call.attempt for call in started] == [1, 1, 1]
    assert world.kinds(run, "a").count("step.resolved") == 1, "what was decided stays decided"
    assert world.kinds(run, "a").count("task.routed") == 1
    world.verify()


def test_the_last_attempt_decides(world: Any) -> None:
    worker = Worker()
    run = start(world, f"a: {{{WORK}, retry: {{max: 2}}}}", "{}", worker)
    with pytest.raises(lm.RunError, match="at step a: agent worker raised ValueError: not today"):
        run.result(20)
    assert worker.attempts == 3


def test_attempts_come_after_a_backoff_that_doubles(world: Any) -> None:
    clock, worker = FixedClock(), Worker(failures=3)
    steps = f"a: {{{WORK}, retry: {{max: 3, backoff: 10s}}}}"
    run = start(world, steps, "{n: steps.a.output.n}", worker, clock=clock)
    pauses = []
    for number in (1, 2, 3):
        world.until(run, lambda n=number: world.kinds(run).count("timer.set") == n)
        *_, timer = [e for e in run.recorded() if isinstance(e.body, ev.TimerSet)]
        due = datetime.fromisoformat(timer.body.due)
        world.until(run, lambda d=due: run.journal.run(run.id).due_at == d)
        pause = due - clock.now()
        pauses.append(pause / timedelta(seconds=10 * 2 ** (number - 1)))
        assert worker.attempts == number
        clock.advance(pause.total_seconds())
    assert run.result(20) == {"n": 1}
    assert all(0.5 <= share < 1.5 for share in pauses)
    assert len(set(pauses)) == 3, "each has its own jitter"


def test_what_a_tool_returned_is_not_called_again_by_a_retry(world: Any) -> None:
    paid, looked = [], []

    def pay(amount: Any) -> dict[str, str]:
        paid.append(str(amount))
        return {"receipt": f"R{len(paid)}"}

    def look(name: str) -> dict[str, bool]:
        looked.append(name)
        if len(looked) == 1:
            raise ValueError("no light")
        return {"found": True}

    receipts = []

    def work(n: int, ctx: Any) -> dict[str, int]:
        receipts.append(ctx.tool("pay", amount="5")["receipt"])
        ctx.tool("look", name="x")
        return {"n": n}

    steps = f"a: {{{WORK}, retry: {{max: 1}}}}"
    run = start(world, steps, "{n: steps.a.output.n}", work, tools={"pay": pay, "look": look})
    assert run.result(20) == {"n": 1}
    assert (paid, looked, receipts) == (["5"], ["x", "x"], ["R1", "R1"])
    world.verify()


def test_a_model_is_asked_again_and_each_answer_is_paid_once(world: Any) -> None:
    model = ScriptedModel([AgentError("busy"), {"good": "what?"}, {"good": True}], cost="0.01")
    steps = "a: {capability: judge, with: {text: '\"x\"'}, retry: {max: 2}}"
    run = start(world, steps, "{good: steps.a.output.good}", Worker(), models={"quick": model})
    assert run.result(20) == {"good": True}
    assert len({request.key for request in model.requests}) == 3
    assert str(run._current().spent) == "0.02", "the answer of the wrong shape had its price"


def test_limits_are_of_one_attempt(world: Any) -> None:
    def work(n: int, ctx: Any) -> dict[str, int]:
        ctx.tool("look", name="a")
        ctx.tool("look", name="b")
        if len(attempts) < 2:
            attempts.append(n)
            raise ValueError("again")
        ctx.tool("look", name="c")
        return {"n": n}

    attempts: list[int] = []
    steps = f"a: {{{WORK}, retry: {{max: 3}}}}"
    run = start(world, steps, "{n: steps.a.output.n}", work, limits="limits: {calls: 2}")
    assert run.result(20) == {"n": 1}


def test_a_retry_that_nobody_waits_for_is_cancelled(world: Any) -> None:
    clock = FixedClock()
    steps = f"a: {{{WORK}, retry: {{max: 3, backoff: 1h}}}}"
    run = start(world, steps, "{}", Worker(), clock=clock)
    world.until(run, lambda: "timer.set" in world.kinds(run))
    run.cancel()
    assert run.status == "cancelled"
    clock.advance(days=2)
    world.verify()


def test_a_paused_run_retries_once_it_is_resumed(world: Any) -> None:
    clock, worker = FixedClock(), Worker(failures=1)
    steps = f"a: {{{WORK}, retry: {{max: 1, backoff: 1s}}}}"
    run = start(world, steps, "{n: steps.a.output.n}", worker, clock=clock)
    world.until(run, lambda: "timer.set" in world.kinds(run))
    run.pause()
    clock.advance(10)
    world.until(run, lambda: "timer.fired" in world.kinds(run))
    assert (run.status, worker.attempts) == ("paused", 1)
    run.resume()
    assert run.result(20) == {"n": 1}
