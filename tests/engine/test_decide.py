"""What is due, for runs in each kind of state."""

from __future__ import annotations

import textwrap
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.decide import (
    Effect,
    End,
    Finish,
    Gate,
    Perform,
    Resolve,
    Route,
    Settle,
    decide,
)
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.language import load

MESH = """
mesh: deciding
agents:
  a: {role: A, kind: python, capabilities: {do: {input: {n: integer}, output: {n: integer}}}}
workflows:
  w:
    input: {n: integer}
    steps:
      one: {capability: do, with: {n: input.n}}
      two: {capability: do, with: {n: input.n}}
      both: {capability: do, with: {n: 1}, after: [one, two]}
    output: {n: steps.both.output.n}
"""

PLAN = plan_of(load(textwrap.dedent(MESH)), "w")
DONE = ev.StepEnded("done", {"n": 1})
RESOLVED = ev.StepResolved(True, {"n": 1})
ROUTED = ev.TaskRouted("do", (), (), "a", None)


def calling(path: str) -> ev.CallStarted:
    return ev.CallStarted(f"k-{path}", "function", "a", "a", 0, "x")


def due(hand: Any, *bodies: Any, **started: Any) -> tuple[Effect, ...]:
    return decide(PLAN, fold(hand.events(hand.started(**started), *bodies)))


def performing(path: str) -> list[Any]:
    return [(path, RESOLVED), (path, ROUTED), (path, calling(path))]


def test_steps_that_wait_for_nothing_start_together(hand: Any) -> None:
    assert due(hand) == (Resolve("one"), Resolve("two"))


def test_a_step_goes_from_phase_to_phase(hand: Any) -> None:
    assert due(hand, ("one", RESOLVED)) == (Route("one"), Resolve("two"))
    assert due(hand, ("one", RESOLVED), ("one", ROUTED)) == (Perform("one"), Resolve("two"))
    finished = ("one", ev.CallFinished("k-one", {"n": 1}))
    assert due(hand, *performing("one"), finished) == (Gate("one"), Resolve("two"))
    failed = ("one", ev.CallFailed("k-one", {"kind": "AgentError", "message": "no"}))
    assert due(hand, *performing("one"), failed) == (
        Finish("one", "failed", "AgentError", "no"),
        Resolve("two"),
    )


def test_a_join_waits_for_both(hand: Any) -> None:
    assert due(hand, ("one", DONE)) == (Resolve("two"),)
    assert due(hand, ("one", DONE), ("two", DONE)) == (Resolve("both"),)
    skipped = ev.StepEnded("skipped")
    assert due(hand, ("one", skipped), ("two", DONE)) == (Resolve("both"),)
    (finish,) = due(hand, ("one", skipped), ("two", skipped))
    assert (finish.path, finish.status) == ("both", "skipped")  # type: ignore[union-attr]


def test_the_run_ends_when_all_steps_have(hand: Any) -> None:
    done = [(path, DONE) for path in ("one", "two", "both")]
    assert due(hand, *done) == (End(),)
    assert due(hand, *done, ev.RunEnded("done")) == ()


def test_a_failed_step_ends_the_run_and_starts_nothing(hand: Any) -> None:
    assert due(hand, ("two", ev.StepEnded("failed"))) == (End("two"),)


def test_only_the_path_that_asks_waits(hand: Any) -> None:
    asked = ev.ApprovalAsked("q", "tool", "tool:1", "pay", "d", "b", ("b",), "a")
    decided = ev.PolicyDecided("tool", "tool:1", "pay", "ask", "d", True, "a", {})
    state = [*performing("one"), ("one", decided), ("one", asked)]
    assert due(hand, *state) == (Resolve("two"),)
    answered = ev.ApprovalAnswered("q", "approve", "b", "python", "asserted")
    assert due(hand, *state, answered) == (Perform("one"), Resolve("two"))


def test_a_side_effect_left_in_flight_is_settled_before_its_step_ends(hand: Any) -> None:
    decided = ev.PolicyDecided("tool", "tool:1", "pay", "approve", "d", True, "a", {})
    paying = ev.CallStarted("k-pay", "tool", "pay", "a", 1, "x", {}, side_effect=True)
    left = [*performing("one"), ("one", decided), ("one", paying)]
    lost = {"kind": "InDoubtError", "message": "nobody knows"}
    for end in (ev.CallFinished("k-one", {"n": 1}), ev.CallFailed("k-one", {"kind": "E"})):
        state = [*left, ("one", end), ev.RunResumed("ann", recovered=True)]
        assert due(hand, *state)[0] == Settle("one")
        assert due(hand, *state, ev.RunPaused("ann")) == ()
        asked = ev.ApprovalAsked("q", "in_doubt", "tool:1", "pay", "k-pay", "b", ("b",), "a")
        assert due(hand, *state, ("one", asked)) == (Resolve("two"),)
        answered = ev.ApprovalAnswered("q", "approve", "b", "python", "asserted")
        assert due(hand, *state, ("one", asked), answered)[0] == Settle("one")
    done = ("one", ev.CallFinished("k-one", {"n": 1}))
    happened = ("one", ev.CallFinished("k-pay", {}, live=False))
    assert due(hand, *left, done, happened)[0] == Gate("one")
    failed = ("one", ev.CallFailed("k-pay", lost))
    assert due(hand, *left, done, failed)[0] == Finish("one", "failed", *lost.values())
    assert due(hand, *left, failed, done)[0] == Gate("one"), "the function was told of it"


def test_a_paused_run_starts_nothing_and_ends_what_came_back(hand: Any) -> None:
    pause = ev.RunPaused("ann")
    assert due(hand, pause) == ()
    assert due(hand, *performing("one"), pause) == ()
    finished = ("one", ev.CallFinished("k-one", {"n": 1}))
    assert due(hand, *performing("one"), pause, finished) == (Gate("one"),)
    assert due(hand, pause, ev.RunResumed("ann")) == (Resolve("one"), Resolve("two"))


def test_step_by_step_starts_one(hand: Any) -> None:
    assert due(hand, step_by_step=True) == ()
    one = ev.RunResumed("ann", 1)
    assert due(hand, one, step_by_step=True) == (Resolve("one"),)
    assert due(hand, one, ("one", RESOLVED), step_by_step=True) == (Route("one"),)
    assert due(hand, one, ("one", RESOLVED), ("one", DONE), step_by_step=True) == ()
    assert due(hand, ev.RunResumed("ann", 2), step_by_step=True) == (
        Resolve("one"),
        Resolve("two"),
    )
