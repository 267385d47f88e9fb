"""Steps that nobody performs: a value that is computed, and a time that passes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.testing import FixedClock

MESH = """
mesh: values
memory:
  total: {type: integer, scope: run}
agents:
  adder:
    role: Adds one
    kind: python
    capabilities: {add: {input: {n: integer}, output: {n: integer}}}
workflows:
  w:
    input: {n: integer, prices: {list: money}}
    steps:
STEPS
    output: OUTPUT
"""
PRICES = ["0.10", "0.20"]


def mesh(world: Any, steps: str, output: str, **parts: Any) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output)
    return world.mesh(text, agents={"adder": lambda n: {"n": n + 1}}, **parts)


def test_a_let_gives_its_value_and_keeps_its_type(world: Any) -> None:
    steps = """
first: {capability: add, with: {n: input.n}}
sum: {let: "steps.first.output.n * 10"}
price: {let: "{'all': input.prices[0] + input.prices[1], 'many': steps.sum.output > 10}"}
last: {capability: add, with: {n: steps.sum.output}, when: steps.price.output.many}
"""
    run = world.start(
        mesh(world, steps, "{n: steps.last.output.n, all: steps.price.output.all}"),
        n=1,
        prices=PRICES,
    )
    assert run.result(20) == {"n": 21, "all": Decimal("0.30")}
    assert world.kinds(run, "sum") == ["step.resolved", "step.ended"]
    (ended,) = world.bodies(run, ev.StepEnded, "price")
    assert ended.output == {"all": "0.30", "many": True}
    world.verify()


def test_a_let_saves_as_its_workflow(world: Any) -> None:
    steps = """
sum: {let: input.n + 1, save: {total: output}}
twice: {let: memory.total * 2, after: sum}
"""
    run = world.start(mesh(world, steps, "{n: steps.twice.output}"), n=20, prices=[])
    assert run.result(20) == {"n": 42}
    (written,) = world.bodies(run, ev.MemoryWritten)
    assert (written.field, written.agent, written.value) == ("total", "workflow:w", 21)


def test_a_let_without_a_value_fails_its_step(world: Any) -> None:
    run = world.start(mesh(world, "bad: {let: 'input.prices[5]'}", "{}"), n=1, prices=PRICES)
    with pytest.raises(lm.RunError, match=r"at step bad: let: ") as info:
        run.result(20)
    assert info.value.cause == "ExpressionError"


def test_a_let_that_is_not_wanted_is_skipped(world: Any) -> None:
    steps = 'a: {let: input.n, when: input.n > 5}\nb: {let: "default(steps.a.output, 7)", after: a}'
    run = world.start(mesh(world, steps, "{b: steps.b.status}"), n=1, prices=[])
    assert run.result(20) == {"b": "skipped"}


def test_step_by_step_a_let_is_a_step(world: Any) -> None:
    made = mesh(world, "a: {let: input.n}\nb: {let: steps.a.output + 1}", "{b: steps.b.output}")
    run = made.start("w", n=1, prices=[], step=True, journal=world.journal)
    world.runs.append(run)
    run.step()
    assert (run.status, [s for s in world.kinds(run) if s == "step.ended"]) == (
        "paused",
        ["step.ended"],
    )
    run.step()
    assert run.result(20) == {"b": 2}


def test_a_wait_passes_when_its_time_has_come(world: Any) -> None:
    clock = FixedClock()
    began = clock.now()
    steps = "pause: {wait: 30m}\nlast: {capability: add, with: {n: input.n}, after: pause}"
    made = mesh(world, steps, "{n: steps.last.output.n, at: steps.pause.output}", clock=clock)
    run = world.start(made, n=1, prices=[])
    world.until(run, lambda: "timer.set" in world.kinds(run))
    due = began + timedelta(minutes=30)
    assert run.status == "running"
    world.until(run, lambda: run.journal.run(run.id).due_at == due)
    clock.advance(minutes=29)
    assert "timer.fired" not in world.kinds(run)
    clock.advance(minutes=1)
    assert run.result(20) == {"n": 2, "at": due}
    assert world.kinds(run, "pause") == [
        "step.resolved",
        "timer.set",
        "timer.fired",
        "step.ended",
    ]
    assert run.journal.run(run.id).due_at is None
    world.verify()


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("duration('90s')", 90),
        ("now + duration('1h')", 3600),
        ("input.n > 5 ? duration('1h') : duration('2m')", 120),
        ("timestamp('2020-01-01T00:00:00Z')", -1),
    ],
)
def test_a_wait_may_be_a_time_or_a_duration(world: Any, wait: str, seconds: int) -> None:
    clock = FixedClock()
    made = mesh(world, f'pause: {{wait: "{wait}"}}', "{at: steps.pause.output}", clock=clock)
    run = world.start(made, n=1, prices=[])
    if seconds > 0:
        world.until(run, lambda: "timer.set" in world.kinds(run))
        due = clock.now() + timedelta(seconds=seconds)
        clock.advance(seconds - 1)
        assert run.status == "running"
        clock.advance(1)
    else:
        due = datetime(2020, 1, 1, tzinfo=UTC)
    assert run.result(20) == {"at": due}


def test_other_steps_go_on_while_one_waits(world: Any) -> None:
    clock = FixedClock()
    steps = "pause: {wait: 1d}\nother: {capability: add, with: {n: input.n}}"
    run = world.start(mesh(world, steps, "{n: steps.other.output.n}", clock=clock), n=1, prices=[])
    world.until(run, lambda: "step.ended" in world.kinds(run, "other"))
    assert run.status == "running"
    run.cancel()
    assert run.status == "cancelled"
    (ended,) = world.bodies(run, ev.StepEnded, "pause")
    assert ended.status == "cancelled"
    world.verify()


def test_step_by_step_a_wait_does_not_hold_whoever_steps(world: Any) -> None:
    clock = FixedClock()
    steps = "pause: {wait: 1d}\nlast: {capability: add, with: {n: input.n}, after: pause}"
    made = mesh(world, steps, "{n: steps.last.output.n}", clock=clock)
    run = made.start("w", n=1, prices=[], step=True, journal=world.journal)
    world.runs.append(run)
    run.step()
    assert world.kinds(run, "pause")[-1] == "timer.set"
    clock.advance(days=1)
    world.until(run, lambda: "step.ended" in world.kinds(run, "pause"))
    run.step()
    assert run.result(20) == {"n": 2}


KILLED = """
import os, sys, threading, leafmesh_nb as lm
mesh = lm.Mesh.from_yaml(sys.argv[1])
run = mesh.start("w", n=1, prices=[], journal=sys.argv[2])
changed = threading.Event()
run.subscribe(lambda events: changed.set())
while run.recorded()[-1].kind != "timer.set":
    changed.wait(0.05)
    changed.clear()
print(run.id, run.recorded()[-1].body.due, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_timer_survives_its_process(world: Any) -> None:
    """The time is the recorded one: who takes the run over does not wait anew."""
    text = MESH.replace("STEPS", "      pause: {wait: 1h}").replace(
        "OUTPUT", "{at: steps.pause.output}"
    )
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, text, world.journal],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    id, said = killed.stdout.split()
    due = datetime.fromisoformat(said)
    clock = FixedClock(due - timedelta(seconds=10))
    run = lm.resume(id, mesh=lm.Mesh.from_yaml(text).use(clock=clock), journal=world.journal)
    world.runs.append(run)
    world.until(run, lambda: "run.resumed" in world.kinds(run))
    assert run.journal.run(id).due_at == due
    clock.advance(9)
    assert run.status == "running"
    clock.advance(1)
    assert run.result(20) == {"at": due}
    kinds = world.kinds(run, "pause")
    assert kinds == ["step.resolved", "timer.set", "timer.fired", "step.ended"]
    world.verify()
