"""Runs with a real journal and real threads: order, joins, skips, step by step."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.testing import ScriptedModel

AGENTS = """
agents:
  adder:
    role: Adds one
    kind: python
    capabilities: {add: {input: {n: integer}, output: {n: integer}}}
"""


def flow(steps: str, output: str = "{}", name: str = "flows") -> str:
    return f"""
mesh: {name}
{AGENTS}
workflows:
  w:
    input: {{n: integer}}
    steps:
{steps}
    output: {output}
"""


def step(id: str, n: str = "input.n", **more: str) -> str:
    keys = {"capability": "add", "with": f"{{n: {n}}}", **more}
    return f"      {id}: {{{', '.join(f'{k}: {v}' for k, v in keys.items())}}}\n"


def add(n: int) -> dict[str, int]:
    return {"n": n + 1}


def ended(world: Any, run: Any) -> list[str]:
    return [e.path for e in run.recorded() if isinstance(e.body, ev.StepEnded)]


def test_a_chain_runs_in_order(world: Any) -> None:
    text = flow(
        step("c", "steps.b.output.n") + step("a") + step("b", "steps.a.output.n"),
        "{n: steps.c.output.n}",
    )
    run = world.start(world.mesh(text, agents={"adder": add}), n=1)
    assert run.result(20) == {"n": 4}
    assert ended(world, run) == ["a", "b", "c"]
    assert world.kinds(run, "a") == [
        "step.resolved",
        "task.routed",
        "call.started",
        "call.finished",
        "policy.decided",
        "step.ended",
    ]
    world.verify()


def test_steps_that_wait_for_nothing_run_at_the_same_time(world: Any) -> None:
    together = threading.Barrier(3, timeout=20)

    def meet(n: int) -> dict[str, int]:
        together.wait()
        return {"n": n}

    text = flow(step("a") + step("b") + step("c"))
    run = world.start(world.mesh(text, agents={"adder": meet}), n=1)
    assert run.result(20) == {}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("a", "skipped"),
        ("b", "done"),
        ("[a, b]", "done"),
        ("{any: [a, b]}", "done"),
        ("{any: [a, z]}", "skipped"),
        ("{all: [a, {any: [b, z]}]}", "done"),
        ("{count: 2, of: [a, b, c]}", "done"),
        ("{count: 2, of: [a, b, z]}", "skipped"),
    ],
)
def test_forms_of_after_with_skipped_branches(world: Any, after: str, expected: str) -> None:
    """``a`` and ``z`` are skipped, ``b`` and ``c`` are done."""
    text = flow(
        step("a", when="input.n > 5")
        + step("z", when="false")
        + step("b")
        + step("c")
        + step("last", after=after),
        "{last: steps.last.status}",
    )
    run = world.start(world.mesh(text, agents={"adder": add}), n=1)
    assert run.result(20) == {"last": expected}
    if expected == "skipped":
        assert world.kinds(run, "last") == ["step.ended"], "a skipped step is never resolved"


def test_a_skip_goes_down_the_chain_but_not_past_a_default(world: Any) -> None:
    text = flow(
        step("a", when="input.n > 5")
        + step("b", "steps.a.output.n")
        + step("c", "steps.b.output.n")
        + step("d", '"default(steps.c.output.n, 41)"', after="{any: [c, e]}")
        + step("e"),
        "{b: steps.b.status, c: steps.c.status, d: steps.d.output.n}",
    )
    run = world.start(world.mesh(text, agents={"adder": add}), n=1)
    assert run.result(20) == {"b": "skipped", "c": "skipped", "d": 42}
    (ended_b,) = world.bodies(run, ev.StepEnded, "b")
    assert ended_b.error["message"] == "a was skipped"


def test_a_failed_step_ends_the_run_and_says_where(world: Any) -> None:
    def fail(n: int) -> dict[str, int]:
        raise ValueError("no such number")

    text = flow(step("a") + step("b", "steps.a.output.n"))
    run = world.start(world.mesh(text, agents={"adder": fail}), n=1)
    with pytest.raises(
        lm.RunError, match="failed at step a: agent adder raised ValueError"
    ) as info:
        run.result(20)
    assert (info.value.step, info.value.cause) == ("a", "AgentError")
    assert "b" not in {e.path for e in run.recorded()}
    world.verify()


def test_a_condition_that_cannot_be_evaluated_fails_the_run(world: Any) -> None:
    text = flow(step("a", when="1 / input.n > 0"))
    run = world.start(world.mesh(text, agents={"adder": add}), n=0)
    with pytest.raises(lm.RunError, match=r"at step a: when: .*zero"):
        run.result(20)


def test_an_output_that_cannot_be_evaluated_fails_the_run(world: Any) -> None:
    text = flow(step("a"), "{n: 1 / input.n}")
    run = world.start(world.mesh(text, agents={"adder": add}), n=0)
    with pytest.raises(lm.RunError, match=r"output\.n: .*zero"):
        run.result(20)
    assert run.status == "failed"


MEMORY = """
mesh: remembering
models:
  quick: {provider: offline, tier: small}
memory:
  topic: {type: string}
  notes: {type: {list: string}, merge: append}
  shared: {type: {list: string}, scope: mesh, merge: append}
agents:
  writer:
    role: Writes
    kind: python
    capabilities: {write: {input: {text: string}, output: {text: string}}}
    memory: {read: [notes, shared], write: [notes, shared]}
  reader:
    role: Reads ${memory.topic} for ${run.requester}
    instructions: "The topic is ${memory.topic}."
    capabilities: {read: {input: {text: string}, output: {text: string, score: number}}}
    model: {tier: small}
    memory: {read: [topic, notes]}
workflows:
  w:
    input: {text: string}
    save: {topic: input.text}
    steps:
      one: {capability: write, with: {text: input.text}, save: {notes: "output.text + '!'"}}
      two: {capability: write, with: {text: steps.one.output.text}}
      three: {capability: read, with: {text: steps.two.output.text}}
    output: {text: steps.three.output.text, score: steps.three.output.score}
""".replace("role: Reads ${memory.topic} for ${run.requester}", "role: Reads")


def test_memory_is_a_snapshot_at_the_start_and_written_at_the_end(world: Any) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def write(text: str, ctx: Any) -> dict[str, str]:
        ctx.memory.append("notes", f"wrote {text}")
        ctx.memory.append("shared", text)
        seen.append((ctx.memory["notes"], ctx.memory["shared"]))
        return {"text": text}

    model = ScriptedModel([{"text": "ok", "score": 0.5}])
    mesh = world.mesh(MEMORY, agents={"writer": write}, models={"quick": model})
    run = world.start(mesh, text="tea")
    assert run.result(20) == {"text": "ok", "score": 0.5}
    # Its own write is not read back within the step; the next step sees both.
    assert seen == [([], []), (["wrote tea", "tea!"], ["tea"])]
    (request,) = model.requests
    assert request.instructions == "The topic is tea."
    assert request.memory == {"topic": "tea", "notes": ["wrote tea", "tea!", "wrote tea"]}
    assert "shared" not in request.memory, "what is not granted is not in the request"

    second = world.start(
        mesh.use(models={"quick": ScriptedModel([{"text": "", "score": 1}])}), text="x"
    )
    second.result(20)
    assert seen[2] == ([], ["tea", "tea"]), (
        "memory of the mesh outlives a run, a run's own does not"
    )
    world.verify()


def test_the_start_saves_of_a_workflow_are_its_own(world: Any) -> None:
    mesh = world.mesh(
        MEMORY,
        agents={"writer": lambda text: {"text": text}},
        models={"quick": ScriptedModel([{"text": "", "score": 1}])},
    )
    run = world.start(mesh, text="tea")
    run.result(20)
    first = run.recorded()[1]
    assert isinstance(first.body, ev.MemoryWritten)
    assert (first.path, first.body.field, first.body.agent) == ("", "topic", "workflow:w")


def test_start_saves_that_cannot_be_evaluated_fail_the_run(world: Any) -> None:
    text = MEMORY.replace("topic: input.text", 'topic: "input.text + string(1 / size(input.text))"')
    mesh = world.mesh(
        text,
        agents={"writer": lambda text: {"text": text}},
        models={"quick": ScriptedModel([])},
    )
    run = world.start(mesh, text="")
    with pytest.raises(lm.RunError, match=r"save\.topic: .*zero"):
        run.result(20)
    assert world.kinds(run) == ["run.started", "run.ended"]
