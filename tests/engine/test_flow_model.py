"""Any workflow, whatever becomes of its calls and in whatever order they come back: it ends.

The events are those that the engine's own decisions append; calls, their order and the clock are
made up. What holds at every point: ``decide`` is deterministic and changes nothing, something is
due or a timer is set, and folding what was recorded gives the state that was reached.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.decide import Cancel, End, Perform, decide
from leafmesh_nb.engine.ending import abandoned, end_run
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold import apply, begin, fold
from leafmesh_nb.engine.plan import Plan, plan_of
from leafmesh_nb.engine.runner.decisions import Decisions
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.language import load
from leafmesh_nb.memory.merge import Write

AGENTS = """
mesh: any_flow
memory:
  notes: {type: {list: integer}, merge: append}
agents:
  one: {role: A, kind: python, memory: {write: [notes]}, capabilities: CAPABILITIES}
  two: {role: B, kind: python, memory: {write: [notes]}, capabilities: CAPABILITIES}
  three: {role: C, kind: python, memory: {write: [notes]}, capabilities: CAPABILITIES}
workflows:
""".replace("CAPABILITIES", "{do: {input: {n: integer}, output: {n: integer}}}")
INPUT = "    input: {n: integer}\n    steps:\n"
MOST_TURNS = 2_000


@st.composite
def steps_of(draw: st.DrawFn, workflows: Sequence[str]) -> str:
    """The steps of a workflow; each waits for some of those before it."""
    count = draw(st.integers(2, 5))
    lines = []
    handled: set[int] = set()
    for number in range(count):
        keys = [draw(performers(workflows))]
        kind = keys[0].partition(":")[0]
        if kind == "capability":
            keys += draw(st.sampled_from([[], ["race: 2"], ["race: 3"]]))
            keys += draw(st.sampled_from([[], [], ["retry: {max: 1, backoff: 1s}"]]))
            keys += draw(st.sampled_from([[], ["save: {notes: output.n}"]]))
        if kind in ("capability", "workflow"):
            loop = "for_each: {in: '[1, 2, 3]', max: 3, parallel: %d}" % draw(st.integers(1, 3))  # noqa: UP031
            keys += draw(st.sampled_from([[], [loop], [f"{loop}, when: item != 2"]]))
            keys += draw(st.sampled_from([[], ["repeat: {until: output.n > 3, max: 3}"]]))
        before = [f"s{n}" for n in range(number) if draw(st.booleans())]
        if before:
            forms = [f"[{', '.join(before)}]", f"{{any: [{', '.join(before)}]}}"]
            keys.append(f"after: {draw(st.sampled_from(forms))}")
        keys += draw(on_error(number, count, handled))
        if "when" not in " ".join(keys):
            keys += draw(st.sampled_from([*[[]] * 7, ["when: input.n > 100"]]))
        lines.append(f"      s{number}: {{{', '.join(keys)}}}\n")
    return "".join(lines)


def performers(workflows: Sequence[str]) -> st.SearchStrategy[str]:
    ask = "capability: do, with: {n: input.n}"
    known = [ask, ask, ask, "let: \"{'n': 4}\"", "wait: 1m"]
    return st.sampled_from([*known, *(f"workflow: {w}, with: {{n: input.n}}" for w in workflows)])


@st.composite
def on_error(draw: st.DrawFn, number: int, count: int, handled: set[int]) -> list[str]:
    what = draw(st.sampled_from(["fail", "fail", "continue", "step"]))
    if what == "step" and number + 1 < count:
        return [f"on_error: s{draw(st.integers(number + 1, count - 1))}"]
    return [f"on_error: {what}"] if what == "continue" else []


@st.composite
def meshes(draw: st.DrawFn) -> str:
    inner = f"  inner:\n{INPUT}{draw(steps_of(()))}    output: {{n: '4'}}\n"
    outer = f"  w:\n{INPUT}{draw(steps_of(['inner']))}    output: {{}}\n"
    return AGENTS + outer + inner


@dataclass
class World:
    """A run without a journal: what the engine decides is recorded, and calls are made up."""

    plan: Plan
    draw: Any
    now: datetime
    events: list[Event] = field(default_factory=list)
    shared: SharedState = field(default_factory=SharedState)
    calls: int = 0

    def __post_init__(self) -> None:
        started = ev.RunStarted("any_flow", "w", "0" * 64, {"n": 1}, "ann", seed=5)
        self.events.append(Event("run:r", 1, self.now, 1, "", started))
        self.state = begin(self.events[0])
        self.clock = self.agents = self.prices = self

    # As the record

    def append(self, path: str, *bodies: Body, now: datetime | None = None) -> None:
        for body in bodies:
            event = Event("run:r", self.state.seq + 1, self.now_at(now), 1, path, body)
            apply(self.state, event)
            self.events.append(event)

    def now_at(self, now: datetime | None) -> datetime:
        return now or self.now

    def write(self, path: str, agent: str, writes: Sequence[Write]) -> None:
        for item in writes:
            known = self.state.memory.get(item.field)
            version = known.version + 1 if known else 1
            self.append(path, ev.MemoryWritten(item.field, version, agent, item.value, op=item.op))

    # As the agents and their prices

    def unbound(self) -> frozenset[str]:
        return frozenset()

    # What happens

    def perform(self, path: str) -> None:
        """A call goes out; what becomes of it is drawn when it comes back."""
        step = self.state.steps[path]
        if step.main in self.state.calls:
            return
        self.calls += 1
        self.append(path, ev.CallStarted(f"k{self.calls}", "function", "a", step.agent, 0, "x"))

    def come_back(self) -> bool:
        """One of the calls that are out comes to its end; False where none is."""
        out = [call for call in self.state.calls.values() if call.open]
        out = [call for call in out if self.state.steps[call.path].phase == "routed"]
        if not out:
            return False
        call = self.draw(st.sampled_from(out), label="comes back")
        key = call.started.key
        outcome = self.draw(st.sampled_from(["good", "good", "small", "bad"]), label="outcome")
        if outcome == "bad":
            self.append(call.path, ev.CallFailed(key, {"kind": "AgentError", "message": "no"}))
        else:
            self.append(call.path, ev.CallFinished(key, {"n": 5 if outcome == "good" else 2}))
        return True

    def pass_time(self) -> bool:
        """The next timer fires; False where none is set."""
        if not self.state.timers:
            return False
        self.now = max(self.now, min(self.state.timers.values()))
        for path in [p for p, due in self.state.timers.items() if due <= self.now]:
            self.append(path, ev.TimerFired())
        return True


def run(world: World) -> None:
    """Drive it to its end, as an execution does."""
    decisions = Decisions(world, _Ports(world), Observations())  # type: ignore[arg-type]
    for _ in range(MOST_TURNS):
        before = copy.deepcopy(world.state)
        effects = decide(world.plan, world.state)
        assert effects == decide(world.plan, world.state), "decide is deterministic"
        assert world.state == before, "and changes nothing"
        if world.state.ended is not None:
            assert effects == ()
            return
        moved = False
        for effect in effects:
            if isinstance(effect, Perform):
                world.perform(effect.path)
                continue
            moved = True
            if isinstance(effect, End):
                found = end_run(world.plan, world.state, world.shared, effect.failed, world.now)
                for path, body in found:
                    world.append(path, body)
            elif isinstance(effect, Cancel):
                step = world.state.steps[effect.path]
                world.append(effect.path, *tuple(abandoned(world.state, step, effect.reason)))
            else:
                decisions.make(effect)
                status = world.state.steps[effect.path].status
                if status == "failed" or (status == "done" and "@" in effect.path):
                    break
        assert moved or world.come_back() or world.pass_time(), f"stuck: {effects}"
    pytest.fail("it does not end")


@dataclass
class _Ports:
    clock: Any

    def __post_init__(self) -> None:
        self.agents = self.clock
        self.clock = _Clock(self.clock)
        self.prices = None


@dataclass
class _Clock:
    world: World

    def now(self) -> datetime:
        self.world.now += timedelta(milliseconds=1)
        return self.world.now


@settings(max_examples=60, deadline=None)
@given(text=meshes(), data=st.data())
def test_every_workflow_comes_to_an_end(text: str, data: st.DataObject) -> None:
    plan = plan_of(load(text), "w")
    world = World(plan, data.draw, datetime.fromisoformat("2026-03-01T09:00:00+00:00"))
    run(world)
    state = world.state
    assert state.ended in ("done", "failed")
    assert fold(world.events) == state
    assert all(step.phase == "ended" and not step.open for step in state.steps.values())
    assert not state.timers
    assert not any(call.open for call in state.calls.values())
    tolerated = plan.flow("").tolerated
    failed = [id for id, status in state.statuses().items() if status == "failed"]
    assert (state.ended == "failed") == any(id not in tolerated for id in failed)
    for path, step in state.steps.items():
        if step.parts == "items" and step.status == "done":
            assert len(step.output) == 3, path
        if step.parts == "racers" and step.status == "done":
            done = [p for p, s in state.steps.items() if s.status == "done" and p == step.won]
            assert len(done) == 1
            racers = [s for p, s in state.steps.items() if p.startswith(f"{path}@")]
            assert sum(s.status == "done" and "/" not in s.path[len(path) :] for s in racers) == 1


@settings(max_examples=25, deadline=None)
@given(text=meshes(), data=st.data())
def test_any_prefix_folds_to_what_was_and_wants_the_same(text: str, data: st.DataObject) -> None:
    plan = plan_of(load(text), "w")
    world = World(plan, data.draw, datetime.fromisoformat("2026-03-01T09:00:00+00:00"))
    run(world)
    cut = data.draw(st.integers(1, len(world.events)), label="cut")
    state = fold(world.events[:cut])
    effects = decide(plan, state)
    assert effects == decide(plan, fold(world.events[:cut]))
    out = any(call.open for call in state.calls.values())
    assert effects or state.timers or out or state.ended, "a run that was cut here is not stuck"
    for event in world.events[cut:]:
        apply(state, event)
    assert state == world.state
