"""``workflow``: the steps of another workflow, within the same run."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.testing import FixedClock

MESH = """
mesh: nested
people:
  lead: {roles: [approver]}
memory:
  topic: {type: string}
  notes: {type: {list: string}, merge: append}
tools:
  pay: {side_effect: true, input: {amount: money}, output: {receipt: string}}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    tools: [pay]
    memory: {read: [topic], write: [notes]}
policies:
  payouts: {at: tool, for: {tools: [pay]}, rules: [{id: all, then: ask, to: lead}], default: deny}
workflows:
  w:
    input: {n: integer}
    steps:
STEPS
    output: OUTPUT
  inner:
    input: {n: integer, by: {type: integer, default: 2}}
    save: {topic: "'n is ' + string(input.n)"}
    steps:
      twice: {let: input.n * input.by}
      work: {capability: work, with: {n: steps.twice.output}}
    output: {n: steps.work.output.n, doubled: steps.twice.output}
  deep:
    input: {ns: {list: integer}}
    steps:
      each: {workflow: inner, with: {n: item}, for_each: {in: input.ns, max: 5}}
    output: {ns: "steps.each.output.map(o, o.n)"}
"""


def start(world: Any, steps: str, output: str, worker: Any = None, n: int = 5, **parts: Any) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output)
    tools = {"pay": lambda amount: {"receipt": "R"}}
    mesh = world.mesh(
        text, agents={"worker": worker or (lambda n: {"n": n + 1})}, tools=tools, **parts
    )
    return world.start(mesh, n=n)


def test_another_workflow_runs_within_the_run(world: Any) -> None:
    steps = "a: {workflow: inner, with: {n: input.n}}\nb: {let: steps.a.output.n + 1}"
    run = start(
        world, steps, "{n: steps.a.output.n, doubled: steps.a.output.doubled, b: steps.b.output}"
    )
    assert run.result(20) == {"n": 11, "doubled": 10, "b": 12}
    resolved, *_ = world.bodies(run, ev.StepResolved, "a")
    assert (resolved.parts, resolved.inputs) == ("steps", {"n": 5, "by": 2})
    ends = [e.path for e in run.recorded() if isinstance(e.body, ev.StepEnded)]
    assert ends == ["a/twice", "a/work", "a", "b"]
    (written,) = world.bodies(run, ev.MemoryWritten)
    assert (written.field, written.agent, written.value) == ("topic", "workflow:inner", "n is 5")
    assert run.calls()["step"].tolist() == ["a/work"]
    world.verify()


def test_a_default_may_be_overruled(world: Any) -> None:
    run = start(
        world, "a: {workflow: inner, with: {n: input.n, by: '10'}}", "{n: steps.a.output.n}"
    )
    assert run.result(20) == {"n": 51}


def test_two_levels_with_a_loop_between(world: Any) -> None:
    steps = "a: {workflow: deep, with: {ns: '[input.n, input.n + 1]'}}"
    run = start(world, steps, "{ns: steps.a.output.ns}")
    assert run.result(20) == {"ns": [11, 13]}
    paths = {e.path for e in run.recorded() if e.kind == "call.started"}
    assert paths == {"a/each[0]/work", "a/each[1]/work"}
    world.verify()


def test_a_failure_within_fails_the_step_that_runs_it(world: Any) -> None:
    def work(n: int) -> dict[str, int]:
        raise ValueError("not here")

    run = start(world, "a: {workflow: inner, with: {n: input.n}}", "{}", work)
    with pytest.raises(lm.RunError, match="at step a/work: agent worker raised ValueError") as info:
        run.result(20)
    assert (info.value.step, info.value.cause) == ("a/work", "AgentError")
    ends = {e.path: e.body.status for e in run.recorded() if isinstance(e.body, ev.StepEnded)}
    assert ends == {"a/twice": "done", "a/work": "failed", "a": "failed"}


def test_a_failure_within_may_be_tolerated_outside(world: Any) -> None:
    def work(n: int) -> dict[str, int]:
        if n == 4:
            raise ValueError("not 4")
        return {"n": n}

    steps = (
        "a: {workflow: inner, with: {n: item}, on_error: continue, "
        "for_each: {in: '[1, 2, 3]', max: 5}}"
    )
    run = start(world, steps, "{ns: 'steps.a.output.map(o, default(o.n, 0))'}", work)
    assert run.result(20) == {"ns": [2, 0, 6]}


def test_a_question_within_is_asked_and_only_its_path_waits(world: Any) -> None:
    def work(n: int, ctx: Any) -> dict[str, int]:
        return {"n": int(ctx.tool("pay", amount=n)["receipt"] == "R")}

    steps = "a: {workflow: inner, with: {n: input.n}}\nb: {let: '1'}"
    run = start(world, steps, "{n: steps.a.output.n}", work)
    question = world.waiting(run)
    assert question.step == "a/work"
    world.until(run, lambda: "step.ended" in world.kinds(run, "b"))
    question.approve(by="lead")
    assert run.result(20) == {"n": 1}


def test_it_may_be_given_up_after_a_time(world: Any) -> None:
    clock, gate = FixedClock(), threading.Event()

    def work(n: int) -> dict[str, int]:
        assert gate.wait(20)
        return {"n": n}

    steps = (
        "a: {workflow: inner, with: {n: input.n}, timeout: 5m, on_error: late}\nlate: {let: '7'}"
    )
    run = start(world, steps, "{late: steps.late.output}", work, clock=clock)
    world.until(run, lambda: "call.started" in world.kinds(run, "a/work"))
    clock.advance(minutes=5)
    try:
        assert run.result(20) == {"late": 7}
    finally:
        gate.set()
    ends = {e.path: e.body.status for e in run.recorded() if isinstance(e.body, ev.StepEnded)}
    assert (ends["a/work"], ends["a"]) == ("cancelled", "failed")
    (ended,) = world.bodies(run, ev.StepEnded, "a")
    assert ended.error["message"] == "it did not end within 300 s"
    world.verify()


def test_an_input_that_does_not_fit_fails_the_step(world: Any) -> None:
    text = MESH.replace("input: {n: integer, by:", "input: {n: {type: integer, max: 3}, by:")
    lines = "      a: {workflow: inner, with: {n: input.n}}"
    mesh = world.mesh(
        text.replace("STEPS", lines).replace("OUTPUT", "{}"),
        agents={"worker": lambda n: {"n": n}},
        tools={"pay": lambda amount: {"receipt": ""}},
    )
    run = world.start(mesh, n=9)
    with pytest.raises(lm.RunError, match=r"at step a: with: `n`: is more than 3"):
        run.result(20)


def test_the_functions_of_what_is_run_must_be_there(world: Any) -> None:
    lines = "      a: {workflow: inner, with: {n: input.n}}"
    mesh = world.mesh(MESH.replace("STEPS", lines).replace("OUTPUT", "{}"))
    with pytest.raises(lm.RunError, match="has no function for agent:worker"):
        world.start(mesh, n=1)
