"""What each pure effect records: resolving, routing, saving and ending."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import resolving, steps
from leafmesh_nb.engine.ending import cancel_run, end_run
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.plan import Plan, plan_of
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.language import load
from leafmesh_nb.routing.suitability import Observed

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)

MESH = """
mesh: resolving
currency: EUR
memory:
  limit: {type: number, min: 0, max: 100}
  seen: {type: {list: integer}, merge: append}
  tally: {type: integer or null, scope: mesh}
agents:
  a:
    role: Adds
    kind: python
    capabilities:
      add: {input: {n: integer, m: money or null}, output: {n: integer, ratio: number}}
    memory: {read: [limit, tally], write: [seen, limit]}
workflows:
  w:
    input: {n: integer, part: money or null}
    save: {limit: 50}
    steps:
      first: {capability: add, with: {n: input.n, m: input.part}}
      then:
        capability: add
        when: steps.first.output.n > 2 && steps.first.output.n / memory.limit < 1
        with: {n: steps.first.output.n + 1}
        save: {seen: output.n, limit: output.n * 10}
      over: {capability: add, with: {n: steps.first.output.n + 1}}
      tally: {capability: add, with: {n: "default(memory.tally, 0)"}}
      last: {capability: add, with: {n: "default(steps.then.output.n, 0)"}}
    output: {n: steps.last.output.n, ratio: steps.first.output.ratio, part: input.part}
"""

PLAN = plan_of(load(textwrap.dedent(MESH)), "w")
SHARED = SharedState()


def after_first(hand: Any, output: dict[str, Any] | None, *more: Any, n: int = 1) -> RunState:
    """A run in which ``first`` is done with an output (None: not yet)."""
    bodies: list[Any] = [hand.started(input={"n": n, "part": "1.50"})]
    bodies += more
    if output is not None:
        bodies += [
            ("first", ev.StepResolved(True, {"n": n, "m": None})),
            ("first", ev.TaskRouted("add", (), (), "a", None)),
            ("first", ev.StepEnded("done", output)),
        ]
    return fold(hand.events(*bodies))


SAVED = ev.MemoryWritten("limit", 1, "workflow:w", 50)


def resolve(state: RunState, path: str) -> tuple[Any, ...]:
    return resolving.resolve(PLAN, state, SHARED, path, NOW)


def test_a_step_runs_with_its_typed_inputs(hand: Any) -> None:
    state = after_first(hand, None, SAVED)
    (resolved,) = resolve(state, "first")
    assert resolved == ev.StepResolved(True, {"n": 1, "m": "1.50"}, {"limit": 1})


def test_when_keeps_the_values_of_its_parts(hand: Any) -> None:
    state = after_first(hand, {"n": 5, "ratio": 0.5}, SAVED)
    (resolved,) = resolve(state, "then")
    assert resolved.run
    assert resolved.inputs == {"n": 6, "m": None}
    values = dict(resolved.values)
    assert values["steps.first.output.n"] == 5
    assert values["steps.first.output.n > 2"] is True
    assert values["memory.limit"] == 50


def test_a_false_when_skips_and_says_so(hand: Any) -> None:
    state = after_first(hand, {"n": 1, "ratio": 0.5}, SAVED)
    resolved, ended = resolve(state, "then")
    assert not resolved.run
    assert resolved.error is None
    assert resolved.reason.startswith("when is false: steps.first.output.n > 2")
    assert ended.status == "skipped"
    assert ended.error["step"] == "then"


def test_a_when_that_cannot_be_evaluated_fails_the_step(hand: Any) -> None:
    zero = ev.MemoryWritten("limit", 1, "workflow:w", 0)
    state = after_first(hand, {"n": 5, "ratio": 0.5}, zero)
    resolved, ended = resolve(state, "then")
    assert not resolved.run
    assert ended.status == "failed"
    assert ended.error["kind"] == "ExpressionError"
    assert ended.error["message"].startswith("when: ")
    assert "zero" in ended.error["message"]
    # An error is an error value: false && error is false, as in CEL.
    small = after_first(hand, {"n": 1, "ratio": 0.5}, zero)
    assert resolve(small, "then")[1].status == "skipped"


def test_an_input_that_cannot_be_evaluated_fails_the_step(hand: Any) -> None:
    state = after_first(hand, {"n": 9_223_372_036_854_775_807, "ratio": 0.5}, SAVED)
    resolved, ended = resolve(state, "over")
    assert not resolved.run
    assert ended.status == "failed"
    assert ended.error["message"].startswith("with.n: ")


def test_a_shared_value_of_an_older_mesh_is_an_error_value_where_it_is_read(hand: Any) -> None:
    shared = SharedState()
    shared.apply([hand.event(1, ev.MemoryWritten("tally", 1, "a", "many", "mesh"))])
    state = after_first(hand, {"n": 5, "ratio": 0.5}, SAVED)
    _, ended = resolving.resolve(PLAN, state, shared, "tally", NOW)
    assert ended.status == "failed"
    assert "memory.tally does not fit" in ended.error["message"]
    (resolved,) = resolving.resolve(PLAN, state, shared, "last", NOW)
    assert resolved.run, "who does not read it goes on"


def test_a_skipped_steps_output_is_null(hand: Any) -> None:
    state = after_first(hand, {"n": 1, "ratio": 0.5}, SAVED)
    skipped = [
        hand.event(state.seq + 1, ev.StepResolved(False), "then"),
        hand.event(state.seq + 2, ev.StepEnded("skipped"), "then"),
    ]
    for event in skipped:
        apply(state, event)
    (resolved,) = resolve(state, "last")
    assert resolved.inputs == {"n": 0, "m": None}


def test_a_save_is_typed_and_a_write_of_its_field(hand: Any) -> None:
    state = after_first(hand, {"n": 5, "ratio": 0.5}, SAVED)
    state.steps["then"] = state.steps["first"].__class__("then", phase="routed", agent="a")
    step = state.steps["then"]
    found = steps.saves(PLAN, state, SHARED, step.path, {"n": 6, "ratio": 0.1}, NOW)
    assert not isinstance(found, str)
    assert [w.to_json() for w in found] == [
        {"field": "seen", "value": 6, "op": "append"},
        {"field": "limit", "value": 60, "op": "replace"},
    ]
    too_much = steps.saves(PLAN, state, SHARED, step.path, {"n": 11, "ratio": 0.1}, NOW)
    assert too_much == "save.limit: is more than 100"


def test_a_route_lists_everybody(hand: Any) -> None:
    state = after_first(hand, None, SAVED, ("first", ev.StepResolved(True, {"n": 1, "m": None})))
    (routed,) = steps.route(PLAN, state, "first", Observed())
    assert (routed.agent, routed.model, routed.error) == ("a", None, None)
    assert [c["agent"] for c in routed.candidates] == ["a"]
    routed, ended = steps.route(PLAN, state, "first", Observed(unbound=frozenset({"a"})))
    assert routed.agent is None
    assert ended.status == "failed"
    assert ended.error["kind"] == "RoutingError"
    assert "@mesh.agent" in ended.error["message"]


def test_the_output_is_typed_by_what_the_workflow_says(hand: Any) -> None:
    state = after_first(hand, {"n": 5, "ratio": 0.25}, SAVED)
    for body in (
        ev.StepResolved(True, {"n": 0, "m": None}),
        ev.StepEnded("done", {"n": 7, "ratio": 0}),
    ):
        apply(state, hand.event(state.seq + 1, body, "last"))
    ((path, run_ended),) = end_run(PLAN, state, SHARED, "", NOW)
    assert path == ""
    # A number stays a JSON number, money is text.
    assert run_ended == ev.RunEnded("done", {"n": 7, "ratio": 0.25, "part": "1.50"})


def test_a_run_that_fails_closes_what_it_leaves(hand: Any) -> None:
    bodies = [
        hand.started(input={"n": 1, "part": None}),
        ("first", ev.StepResolved(True, {"n": 1, "m": None})),
        ("first", ev.TaskRouted("add", (), (), "a", None)),
        ("first", ev.CallStarted("k1", "model", "m", "a", 0, "x")),
        ("first", ev.BudgetReserved("k1", "0.5")),
        ("then", ev.StepEnded("failed", error={"kind": "AgentError", "message": "no"})),
    ]
    found = end_run(PLAN, fold(hand.events(*bodies)), SHARED, "then", NOW)
    assert [(path, body.kind) for path, body in found] == [
        ("first", "call.failed"),
        ("first", "budget.settled"),
        ("first", "step.ended"),
        ("", "run.ended"),
    ]
    settled, ended, run = found[1][1], found[2][1], found[3][1]
    assert isinstance(settled, ev.BudgetSettled)
    assert settled.amount == "0.5", "nobody will learn what it cost: all of it counts"
    assert isinstance(ended, ev.StepEnded)
    assert ended.status == "cancelled"
    assert isinstance(run, ev.RunEnded)
    assert run.error == {"kind": "AgentError", "message": "no", "step": "then"}


def test_a_side_effect_in_doubt_stays_in_doubt_when_a_run_is_cancelled(hand: Any) -> None:
    bodies = [
        hand.started(input={"n": 1, "part": None}),
        ("first", ev.StepResolved(True, {"n": 1, "m": None})),
        ("first", ev.TaskRouted("add", (), (), "a", None)),
        ("first", ev.CallStarted("k0", "function", "a", "a", 0, "x")),
        ("first", ev.CallStarted("k1", "tool", "pay", "a", 1, "x", side_effect=True)),
        ev.RunResumed("ann", recovered=True),
    ]
    state = fold(hand.events(*bodies))
    found = cancel_run(state, "ann")
    failed = [body.key for _, body in found if isinstance(body, ev.CallFailed)]
    assert failed == ["k0"], "nobody knows of k1, and nobody claims to"
    for number, (path, body) in enumerate(found, state.seq + 1):
        apply(state, hand.event(number, body, path))
    assert state.status == "cancelled"
    assert state.calls["k1"].in_doubt


@pytest.mark.parametrize("plan", [PLAN])
def test_start_saves_are_the_workflows_own(hand: Any, plan: Plan) -> None:
    state = fold(hand.events(hand.started(input={"n": 1, "part": None})))
    found = steps.start_saves(plan, state, SHARED, "", NOW)
    assert not isinstance(found, str)
    assert [(w.field, w.value, w.op) for w in found] == [("limit", 50, "replace")]
