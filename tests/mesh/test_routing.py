"""Routes as runs record them: every candidate, every exclusion, and the model that was asked."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.testing import ScriptedModel

TEXT = """
    mesh: desk
    models:
      quick:   {provider: offline, tier: small, priced_as: "openai:gpt-5-mini"}
      deep:    {provider: offline, tier: large, priced_as: "anthropic:claude-sonnet-4-5"}
      counsel: {provider: offline, tier: specialist, domains: [legal], priced_as: "openai:gpt-5"}
    agents:
      generalist:
        role: Generalist
        capabilities: {it.answer: {input: {text: string}, output: {by: string}}}
      typist:
        role: Typist
        capabilities: {it.type: {input: {text: string}, output: {by: string}}}
    routing: {tiers: {routine: small, standard: small, complex: large}}
    workflows:
      routine:
        input: {text: string}
        steps: {one: {capability: it.answer, with: {text: input.text}, complexity: routine}}
        output: {by: steps.one.output.by}
      complex:
        input: {text: string}
        steps: {one: {capability: it.answer, with: {text: input.text}, complexity: complex}}
        output: {by: steps.one.output.by}
      legal:
        input: {text: string}
        steps: {one: {capability: it.answer, with: {text: input.text}, domain: legal}}
        output: {by: steps.one.output.by}
    """


@pytest.mark.parametrize(
    ("workflow", "model"), [("routine", "quick"), ("complex", "deep"), ("legal", "counsel")]
)
def test_small_large_and_specialist_by_complexity_and_domain(
    desk: Any, workflow: str, model: str
) -> None:
    models = {n: ScriptedModel([{"by": n}]) for n in ("quick", "deep", "counsel")}
    run = desk.start(desk.mesh(TEXT, models=models), workflow, text="x")
    assert run.result(20) == {"by": model}
    assert [name for name, m in models.items() if m.requests] == [model]
    (routed,) = desk.bodies(run, "task.routed")
    assert (routed.agent, routed.model) == ("generalist", model)


def test_every_candidate_is_recorded_with_every_factor(desk: Any) -> None:
    run = desk.refund("50")
    run.result(20)
    classify, propose, pay = desk.bodies(run, "task.routed")
    assert [(c["agent"], c["model"]) for c in classify.candidates] == [
        ("triage", "quick"),
        ("veteran", "deep"),
    ]
    assert [c["agent"] for c in propose.candidates] == ["clerk"]
    assert [c["agent"] for c in pay.candidates] == ["teller"]
    for routed in (classify, propose, pay):
        assert routed.agent == routed.candidates[0]["agent"]
        for candidate in routed.candidates:
            factors = candidate["factors"]
            assert list(factors) == ["skill", "text", "cost", "latency", "load"]
            points = sum(f["points"] for f in factors.values())
            assert points == pytest.approx(candidate["score"], abs=1e-6)
    frame = run.routing()
    assert len(frame[frame["excluded"].isna()]) == 4


def test_the_same_inputs_take_the_same_route(desk: Any) -> None:
    mesh = desk.mesh(TEXT, clock=lm.testing.FixedClock())
    found = []
    for _ in range(3):
        run = desk.start(mesh, "routine", text="the same text")
        run.result(20)
        found.append(desk.bodies(run, "task.routed"))
    assert found[0] == found[1] == found[2]


PYTHON = """
    mesh: pool
    agents:
      first:
        role: First
        kind: python
        capabilities: {it.do: {input: {n: integer}, output: {by: string}}}
      second:
        role: Second
        kind: python
        capabilities: {it.do: {input: {n: integer}, output: {by: string}}}
    workflows:
      go:
        input: {n: integer}
        steps: {one: {capability: it.do, with: {n: input.n}}}
        output: {by: steps.one.output.by}
    """


def test_whoever_is_busy_is_spared(desk: Any) -> None:
    mesh = desk.mesh(PYTHON, clock=lm.testing.FixedClock())
    door, inside = threading.Event(), threading.Event()

    @mesh.agent("first")
    def first(n: int) -> dict[str, str]:
        inside.set()
        assert door.wait(20)
        return {"by": "first"}

    mesh.agent("second")(lambda n: {"by": "second"})
    busy = desk.start(mesh, "go", n=1)
    assert inside.wait(20)
    assert desk.start(mesh, "go", n=2).result(20) == {"by": "second"}
    door.set()
    assert busy.result(20) == {"by": "first"}
    assert desk.start(mesh, "go", n=3).result(20) == {"by": "first"}


def test_whoever_was_slow_is_spared(desk: Any) -> None:
    clock = lm.testing.FixedClock()
    mesh = desk.mesh(PYTHON, clock=clock)

    @mesh.agent("first")
    def first(n: int) -> dict[str, str]:
        clock.advance(9)
        return {"by": "first"}

    @mesh.agent("second")
    def second(n: int) -> dict[str, str]:
        clock.advance(1)
        return {"by": "second"}

    took = [desk.start(mesh, "go", n=n).result(20)["by"] for n in range(4)]
    # Nobody was observed before; then what is known to be slow is no worse than what is unknown...
    assert took[0] == "first"
    # ...and once both are known the quick one has the work.
    run = desk.start(mesh, "go", n=9)
    run.result(20)
    (routed,) = desk.bodies(run, "task.routed")
    latency = {c["agent"]: c["factors"]["latency"]["value"] for c in routed.candidates}
    assert latency["first"] is not None
    assert routed.agent == max(latency, key=lambda a: (latency[a], a == "first"))


def test_a_task_that_nobody_can_take_fails_the_step_with_every_reason(desk: Any) -> None:
    mesh = desk.mesh(
        """
        mesh: closed
        memory: {secret: string}
        agents:
          one:
            role: One
            kind: python
            capabilities: {it.do: {input: {s: string}, output: {by: string}}}
            memory: {read: [secret]}
          two:
            role: Two
            kind: python
            capabilities: {it.do: {input: {s: string}, output: {by: string}}}
        workflows:
          go:
            input: {s: string}
            save: {secret: input.s}
            steps: {one: {capability: it.do, with: {s: memory.secret}}}
        """
    )
    mesh.agent("two")(lambda s: {"by": "two"})
    run = desk.start(mesh, "go", s="x")
    with pytest.raises(lm.RunError) as caught:
        run.result(20)
    assert caught.value.cause == "RoutingError"
    assert str(caught.value).endswith(
        "nobody can take it.do: one: no function is bound to it; bind one with @mesh.agent('one'); "
        "two: the step gives it memory.secret, which it may not read; grant it with "
        "agents.two.memory.read: [secret]"
    )
    assert desk.bodies(run, "call.started") == []
