"""``repeat``: a step again and again until its condition holds."""

from __future__ import annotations

from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.testing import ScriptedModel

MESH = """
mesh: repeating
models:
  quick: {provider: offline, tier: small}
memory:
  best: {type: integer}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    memory: {read: [best], write: [best]}
  writer:
    role: Writes
    capabilities: {write: {input: {draft: string}, output: {draft: string, good: boolean}}}
    model: {tier: small}
workflows:
  w:
    input: {ns: {list: integer}}
    steps:
STEPS
    output: OUTPUT
"""


def start(world: Any, steps: str, output: str, worker: Any = None, **parts: Any) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output)
    mesh = world.mesh(text, agents={"worker": worker or (lambda n: {"n": n + 1})}, **parts)
    return world.start(mesh, ns=[1, 2, 3])


WORK = "capability: work, with: {n: 'default(previous.n, 0)'}"


def test_it_is_repeated_until_it_holds_and_gives_the_last(world: Any) -> None:
    steps = f"a: {{{WORK}, repeat: {{until: output.n >= 3, max: 5}}}}"
    run = start(world, steps, "{n: steps.a.output.n}")
    assert run.result(20) == {"n": 3}
    ends = [(e.path, e.body.again) for e in run.recorded() if isinstance(e.body, ev.StepEnded)]
    assert ends == [("a#1", True), ("a#2", True), ("a#3", False), ("a", None)]
    world.verify()


def test_exhausted_is_failed(world: Any) -> None:
    steps = f"a: {{{WORK}, repeat: {{until: output.n >= 9, max: 2}}}}"
    run = start(world, steps, "{}")
    with pytest.raises(
        lm.RunError, match=r"after 2 times its until is still false: output\.n >= 9"
    ):
        run.result(20)
    assert world.kinds(run).count("call.started") == 2


def test_a_model_improves_its_draft(world: Any) -> None:
    model = ScriptedModel([{"draft": "x", "good": False}, {"draft": "xx", "good": True}])
    steps = (
        "a: {capability: write, with: {draft: 'default(previous.draft, \"\")'}, "
        "repeat: {until: output.good, max: 3}}"
    )
    run = start(world, steps, "{draft: steps.a.output.draft}", models={"quick": model})
    assert run.result(20) == {"draft": "xx"}
    assert [request.inputs["draft"] for request in model.requests] == ["", "x"]


def test_it_saves_once_at_the_end_and_as_its_agent(world: Any) -> None:
    steps = f"a: {{{WORK}, repeat: {{until: output.n >= 3, max: 5}}, save: {{best: output.n}}}}"
    run = start(world, steps, "{best: memory.best}")
    assert run.result(20) == {"best": 3}
    (written,) = world.bodies(run, ev.MemoryWritten)
    assert (written.value, written.agent) == (3, "worker")


def test_a_failure_within_fails_it(world: Any) -> None:
    def work(n: int) -> dict[str, int]:
        if n == 1:
            raise ValueError("no more")
        return {"n": n + 1}

    steps = f"a: {{{WORK}, repeat: {{until: output.n > 9, max: 20}}, on_error: continue}}"
    run = start(world, steps, "{a: steps.a.status}", work)
    assert run.result(20) == {"a": "failed"}
    (ended,) = world.bodies(run, ev.StepEnded, "a")
    assert (ended.error["step"], ended.error["kind"]) == ("a#2", "AgentError")


def test_a_condition_that_cannot_be_told_fails_it(world: Any) -> None:
    steps = f"a: {{{WORK}, repeat: {{until: 1 / (output.n - 1) > 0, max: 3}}}}"
    run = start(world, steps, "{}")
    with pytest.raises(lm.RunError, match=r"at step a#1: until: .*zero"):
        run.result(20)


def test_each_item_is_repeated_by_itself(world: Any) -> None:
    steps = (
        "a: {capability: work, with: {n: 'default(previous.n, item)'}, "
        "for_each: {in: input.ns, max: 9, parallel: 2}, repeat: {until: output.n > 2, max: 5}}"
    )
    run = start(world, steps, "{ns: 'steps.a.output.map(o, o.n)'}")
    assert run.result(20) == {"ns": [3, 3, 4]}
    paths = {e.path for e in run.recorded() if e.kind == "call.started"}
    assert paths == {"a[0]#1", "a[0]#2", "a[1]#1", "a[2]#1"}
    world.verify()


def test_a_let_may_count(world: Any) -> None:
    steps = "a: {let: 'default(previous, 1) * 2', repeat: {until: output > 100, max: 20}}"
    run = start(world, steps, "{n: steps.a.output}")
    assert run.result(20) == {"n": 128}


def test_step_by_step_each_time_is_one(world: Any) -> None:
    lines = f"      a: {{{WORK}, repeat: {{until: output.n >= 2, max: 5}}}}"
    text = MESH.replace("STEPS", lines).replace("OUTPUT", "{n: steps.a.output.n}")
    mesh = world.mesh(text, agents={"worker": lambda n: {"n": n + 1}})
    run = mesh.start("w", ns=[], step=True, journal=world.journal)
    world.runs.append(run)
    run.step()
    assert (run.status, world.kinds(run).count("step.ended")) == ("paused", 1)
    run.step()
    assert run.result(20) == {"n": 2}, "the end of what is done needs no step of its own"
