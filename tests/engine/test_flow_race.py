"""``race``: several agents start, and the first good answer counts."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.testing import FixedClock

MESH = """
mesh: racing
models:
  quick: {provider: offline, tier: small}
  deep: {provider: offline, tier: large}
people:
  lead: {roles: [approver]}
memory:
  best: {type: integer}
  notes: {type: {list: string}, merge: append}
agents:
  hare:
    role: Fast
    kind: python
    capabilities: {run: {input: {n: integer}, output: {n: integer}}}
    memory: {write: [best, notes]}
  tortoise:
    role: Steady
    kind: python
    capabilities: {run: {input: {n: integer}, output: {n: integer}}}
    memory: {write: [best, notes]}
  small:
    role: Cheap
    capabilities: {say: {input: {n: integer}, output: {n: integer}}}
    model: {tier: small}
  large:
    role: Dear
    capabilities: {say: {input: {n: integer}, output: {n: integer}}}
    model: {tier: large}
POLICIES
workflows:
  w:
    input: {n: integer}
    steps:
STEPS
    output: OUTPUT
"""
RUN = "a: {capability: run, with: {n: input.n}, race: 2}"


class Track:
    """Two functions that race: each waits until it is let go, and may fail or give another n."""

    def __init__(self) -> None:
        self.gates = {"hare": threading.Event(), "tortoise": threading.Event()}
        self.gives: dict[str, Any] = {"hare": 1, "tortoise": 2}
        self.over: dict[str, threading.Event] = {n: threading.Event() for n in self.gates}

    def agents(self) -> dict[str, Any]:
        return {name: self._runner(name) for name in self.gates}

    def _runner(self, name: str) -> Any:
        def run(n: int, ctx: Any) -> dict[str, int]:
            try:
                assert self.gates[name].wait(20)
                ctx.memory.append("notes", name)
                given = self.gives[name]
                if isinstance(given, Exception):
                    raise given
                return {"n": given}
            finally:
                self.over[name].set()

        return run

    def let_go(self, *names: str) -> None:
        for name in names or tuple(self.gates):
            self.gates[name].set()


def start(
    world: Any, track: Track, steps: str, output: str, policies: str = "", **parts: Any
) -> Any:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    text = MESH.replace("STEPS", lines).replace("OUTPUT", output).replace("POLICIES", policies)
    mesh = world.mesh(text, agents=track.agents(), **parts)
    return world.start(mesh, n=1)


def both_running(world: Any, run: Any) -> None:
    world.until(run, lambda: world.kinds(run).count("call.started") == 2)


def ends(run: Any) -> dict[str, str]:
    return {e.path: e.body.status for e in run.recorded() if isinstance(e.body, ev.StepEnded)}


def test_the_first_wins_and_the_other_is_abandoned(world: Any) -> None:
    track = Track()
    steps = f"""
{RUN[:-1]}, save: {{best: output.n}}}}
b: {{capability: run, with: {{n: input.n}}, after: a}}
"""
    run = start(
        world, track, steps, "{n: steps.a.output.n, best: memory.best, notes: memory.notes}"
    )
    both_running(world, run)
    routed = {e.path: e.body.agent for e in run.recorded() if isinstance(e.body, ev.TaskRouted)}
    assert sorted(routed.values()) == ["hare", "tortoise"], "each is another agent"
    winner = next(path for path, agent in routed.items() if agent == "tortoise")
    loser = next(path for path, agent in routed.items() if agent == "hare")
    track.let_go("tortoise")
    world.until(run, lambda: "a" in ends(run))
    assert ends(run)[loser] == "cancelled"
    assert ends(run)[winner] == "done"
    late = [e for e in run.recorded() if e.path == loser and e.kind == "call.finished"]
    assert not late
    track.let_go("hare")
    assert run.result(20)["n"] == 2
    assert run.output["best"] == 2
    assert run.output["notes"].count("tortoise") >= 1
    writers = {w.agent for w in world.bodies(run, ev.MemoryWritten, "a")}
    assert writers == {"tortoise"}, "saved as the one that won"
    world.verify()


def test_what_comes_too_late_is_recorded_and_counts_for_nothing(world: Any) -> None:
    track = Track()
    steps = f"{RUN}\nb: {{let: '1', after: a}}\nc: {{wait: 1h, after: b}}"
    clock = FixedClock()
    run = start(
        world,
        track,
        steps,
        "{n: steps.a.output.n, notes: 'default(memory.notes, [])'}",
        clock=clock,
    )
    both_running(world, run)
    track.let_go("hare")
    world.until(run, lambda: "a" in ends(run))
    track.let_go("tortoise")
    loser = next(path for path, status in ends(run).items() if status == "cancelled")
    world.until(run, lambda: "call.finished" in world.kinds(run, loser))
    (late,) = world.bodies(run, ev.CallFinished, loser)
    assert (late.result, late.note) == ({"n": 2}, "it came too late to count")
    clock.advance(hours=1)
    assert run.result(20) == {"n": 1, "notes": ["hare"]}
    world.verify()


def test_one_that_never_comes_back_does_not_hold_the_run(world: Any) -> None:
    track = Track()
    run = start(world, track, RUN, "{n: steps.a.output.n}")
    both_running(world, run)
    track.let_go("hare")
    assert run.result(20) == {"n": 1}
    loser = next(path for path, status in ends(run).items() if status == "cancelled")
    (failed,) = world.bodies(run, ev.CallFailed, loser)
    assert failed.error["kind"] == "Cancelled"
    track.let_go()
    world.verify()


def test_one_that_fails_does_not_win(world: Any) -> None:
    track = Track()
    track.gives["hare"] = ValueError("fell asleep")
    run = start(world, track, RUN, "{n: steps.a.output.n}")
    both_running(world, run)
    track.let_go("hare")
    world.until(run, lambda: "failed" in ends(run).values())
    track.let_go("tortoise")
    assert run.result(20) == {"n": 2}


def test_with_nobody_left_the_race_has_failed(world: Any) -> None:
    track = Track()
    track.gives |= {"hare": ValueError("no"), "tortoise": ValueError("no")}
    run = start(world, track, RUN, "{}")
    track.let_go()
    with pytest.raises(lm.RunError, match="raised ValueError: no"):
        run.result(20)


POLICY = """
policies:
  doubtful:
    at: output
    for: {steps: [a]}
    rules: [{id: small, when: output.n == 1, then: OUTCOME}]
    default: approve
"""


@pytest.mark.parametrize("outcome", ["ask, to: lead", "deny"])
def test_an_answer_that_a_policy_stops_does_not_win(world: Any, outcome: str) -> None:
    track = Track()
    run = start(world, track, RUN, "{n: steps.a.output.n}", POLICY.replace("OUTCOME", outcome))
    both_running(world, run)
    track.let_go("hare")
    world.until(run, lambda: "failed" in ends(run).values())
    assert not run.approvals(), "a race asks nobody"
    assert world.bodies(run, ev.PolicyDecided)[0].outcome == outcome.partition(",")[0]
    track.let_go("tortoise")
    assert run.result(20) == {"n": 2}
    world.verify()


class SlowModel:
    """A model that answers when it is told to, and never when it is cancelled."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.go = threading.Event()
        self.asked = threading.Event()
        self.cancelled = threading.Event()

    async def ask(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        try:
            while not self.go.is_set():  # noqa: ASYNC110  # set from the test's thread
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return ModelReply({"n": self.n}, 10, 1)

    def count(self, request: ModelRequest) -> int:
        return 10


def test_a_model_that_lost_is_cancelled(world: Any) -> None:
    quick, deep = SlowModel(1), SlowModel(2)
    steps = "a: {capability: say, with: {n: input.n}, race: 2}"
    run = start(
        world, Track(), steps, "{n: steps.a.output.n}", models={"quick": quick, "deep": deep}
    )
    assert quick.asked.wait(20)
    assert deep.asked.wait(20)
    deep.go.set()
    assert run.result(20) == {"n": 2}
    assert quick.cancelled.wait(20)
    loser = next(path for path, status in ends(run).items() if status == "cancelled")
    (failed,) = world.bodies(run, ev.CallFailed, loser)
    assert failed.error["kind"] == "Cancelled"
    world.verify()


def test_each_item_has_its_race(world: Any) -> None:
    track = Track()
    track.let_go()
    steps = (
        "a: {capability: run, with: {n: item}, race: 2, "
        "for_each: {in: '[1, 2, 3]', max: 3, parallel: 3}}"
    )
    run = start(world, track, steps, "{n: size(steps.a.output)}")
    assert run.result(20) == {"n": 3}
    winners = [path for path, status in ends(run).items() if status == "done" and "@" in path]
    assert len(winners) == 3
    world.verify()


def test_step_by_step_a_race_is_one(world: Any) -> None:
    track = Track()
    track.let_go("hare")
    text = MESH.replace("STEPS", f"      {RUN}").replace("OUTPUT", "{}").replace("POLICIES", "")
    mesh = world.mesh(text, agents=track.agents())
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    world.runs.append(run)
    run.step()
    assert run.result(20) == {}
    track.let_go()


def test_a_cancelled_run_ends_all_that_race(world: Any) -> None:
    track = Track()
    run = start(world, track, RUN, "{}")
    both_running(world, run)
    run.cancel()
    assert run.status == "cancelled"
    assert set(ends(run).values()) == {"cancelled"}
    track.let_go()
    world.verify()
