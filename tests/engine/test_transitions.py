"""The fold's transition table: what may happen to a step in which phase, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import BODIES, Body, Event
from leafmesh_nb.engine.fold import LEGAL, IllegalEventError, apply, fold
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import JournalError

PHASES = ("pending", "resolved", "routed", "ended")

ASK = ev.ApprovalAsked("q1", "tool", "tool:1", "pay", "d1", "lead", ("lead",), "teller")

STEP: dict[type[Body], Body] = {
    ev.StepResolved: ev.StepResolved(True, {"n": 1}),
    ev.TaskRouted: ev.TaskRouted("c", (), (), "a", None),
    ev.PolicyDecided: ev.PolicyDecided("tool", "tool:1", "pay", "ask", "d1", True, "a", {"n": 1}),
    ev.ApprovalAsked: ev.ApprovalAsked("q2", "tool", "tool:1", "pay", "d1", "b", ("b",), "a"),
    ev.CallStarted: ev.CallStarted("k2", "tool", "pay", "a", 1, "x"),
    ev.CallFinished: ev.CallFinished("k1", {"n": 1}, cost="0.25", tokens_in=3),
    ev.CallFailed: ev.CallFailed("k1", {"kind": "AgentError", "message": "no"}),
    ev.BudgetReserved: ev.BudgetReserved("k1", "0.5"),
    ev.BudgetSettled: ev.BudgetSettled("k1", "0.25"),
    ev.BudgetRefused: ev.BudgetRefused("k9", "run", "1", "1", "1"),
    ev.MemoryWritten: ev.MemoryWritten("f", 1, "a", "v"),
    ev.MemoryDenied: ev.MemoryDenied("f", "a", "read"),
    ev.TimerSet: ev.TimerSet("2026-03-01T10:00:00+00:00", "timeout"),
    ev.TimerFired: ev.TimerFired(),
    ev.StepEnded: ev.StepEnded("done", {"n": 1}),
}

RUN: dict[type[Body], Body] = {
    ev.RunPaused: ev.RunPaused("ann"),
    ev.RunResumed: ev.RunResumed("ann"),
    ev.RunRebound: ev.RunRebound("ann", {"agent:a": "1"}),
    ev.MemoryPatched: ev.MemoryPatched("f", 1, "ann", "v"),
    ev.MemoryWritten: ev.MemoryWritten("f", 1, "workflow:w", "v"),
    ev.ApprovalAnswered: ev.ApprovalAnswered("q1", "approve", "lead", "python", "asserted"),
    ev.ApprovalRefused: ev.ApprovalRefused("q1", "approve", "bob", "python", "not asked"),
    ev.ApprovalEscalated: ev.ApprovalEscalated("q1", "lead", "cfo", ("cfo",), None),
    ev.ApprovalExpired: ev.ApprovalExpired("q1"),
}

OF_THE_JOURNAL: list[Body] = [
    ev.RunHead("r1", 3, "h", "done"),
    ev.RunPruned("r1", 3, "h", "m", "w", "done", "t", "t", "ann"),
    ev.CheckpointSigned("run:r1", 3, "h", "k", "p", "s"),
    ev.ReleaseRecorded("m", "1", "0", {"m.yaml": "0"}, "ann"),
    ev.PersonSignedIn("ann", "service", True),
    ev.MemoryRevealed("r1", "f", "ann", "python"),
]


def state_in(hand: Any, phase: str) -> RunState:
    """A run whose step ``s`` is in a phase, with an open call k1 and an open question q1."""
    bodies: list[Any] = [hand.started()]
    if phase != "pending":
        bodies.append(("s", STEP[ev.StepResolved]))
    if phase in ("routed", "ended"):
        bodies += [
            ("s", STEP[ev.TaskRouted]),
            ("s", ev.CallStarted("k1", "function", "a", "a", 0, "x")),
            ("s", STEP[ev.PolicyDecided]),
            ("s", ASK),
        ]
    if phase == "ended":
        bodies.append(("s", ev.StepEnded("cancelled")))
    return fold(hand.events(*bodies))


def refused(state: RunState, event: Event, match: str = "") -> None:
    """An event is illegal, and the state is as it was, to the last field."""
    before = copy.deepcopy(state)
    with pytest.raises(IllegalEventError, match=match):
        apply(state, event)
    assert state == before


def test_the_tables_above_name_every_kind_of_event() -> None:
    elsewhere = {ev.RunStarted, ev.RunEnded} | {type(body) for body in OF_THE_JOURNAL}
    assert set(BODIES.values()) == set(STEP) | set(RUN) | elsewhere
    assert set(LEGAL) == set(STEP)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", LEGAL, ids=lambda kind: kind.kind)
def test_a_step_takes_what_the_table_says_and_nothing_else(
    hand: Any, kind: type[Body], phase: str
) -> None:
    state = state_in(hand, phase)
    if kind is ev.TimerFired and phase in ("resolved", "routed"):
        apply(state, hand.event(state.seq + 1, STEP[ev.TimerSet], "s"))
    event = hand.event(state.seq + 1, STEP[kind], "s")
    phases, leads_to = LEGAL[kind]
    if phase not in phases:
        refused(state, event, rf"cannot happen to step 's' in phase {phase}")
        return
    apply(state, event)
    assert state.steps["s"].phase == (leads_to or phase)
    assert (state.seq, state.last_at) == (event.seq, event.ts)


@pytest.mark.parametrize("kind", RUN, ids=lambda kind: kind.kind)
def test_what_happens_to_the_run_or_to_a_question_is_legal_while_it_goes_on(
    hand: Any, kind: type[Body]
) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, RUN[kind]))
    ended = fold(hand.events(hand.started(), ev.RunEnded("done")))
    refused(ended, hand.event(3, RUN[kind]), "has ended")


@pytest.mark.parametrize("kind", LEGAL, ids=lambda kind: kind.kind)
def test_what_happens_to_a_step_needs_its_path(hand: Any, kind: type[Body]) -> None:
    if kind is not ev.MemoryWritten:  # the workflow's own save
        state = state_in(hand, "routed")
        refused(state, hand.event(state.seq + 1, STEP[kind]), "does not belong here")


@pytest.mark.parametrize(
    "body",
    [*OF_THE_JOURNAL, ev.RunStarted("m", "w", "0", {}, "ann", 1)],
    ids=lambda body: body.kind,
)
def test_events_of_other_streams_are_refused(hand: Any, body: Body) -> None:
    state = state_in(hand, "routed")
    refused(state, hand.event(state.seq + 1, body), "does not belong here")


def test_a_run_begins_with_its_start_and_only_once(hand: Any) -> None:
    with pytest.raises(IllegalEventError, match=r"does not begin with run\.started"):
        fold(hand.events(ev.RunPaused("ann")))
    with pytest.raises(IllegalEventError, match=r"does not begin with run\.started"):
        fold([hand.event(2, hand.started())])
    with pytest.raises(JournalError, match="a run without events has no state"):
        fold([])


@pytest.mark.parametrize("gap", [-1, 0, 2])
def test_events_come_in_order(hand: Any, gap: int) -> None:
    state = state_in(hand, "resolved")
    refused(state, hand.event(state.seq + gap, ev.RunPaused("ann")), "cannot follow seq")


def test_a_run_ends_only_when_no_step_is_under_way(hand: Any) -> None:
    for phase in ("resolved", "routed"):
        state = state_in(hand, phase)
        refused(state, hand.event(state.seq + 1, ev.RunEnded("done")), "while s is under way")
    state = state_in(hand, "ended")
    refused(state, hand.event(state.seq + 1, ev.RunEnded("over")), "cannot end as 'over'")
    apply(state, hand.event(state.seq + 1, ev.RunEnded("done", {"x": 1})))
    assert (state.status, state.output) == ("done", {"x": 1})


ILLEGAL = {
    "a call that is not open finishes": (ev.CallFinished("nobody", {}), "no open call nobody"),
    "a call that is not open fails": (ev.CallFailed("nobody", {}), "no open call nobody"),
    "money is held for no call": (ev.BudgetReserved("nobody", "1"), "no open call nobody"),
    "money is settled for no call": (ev.BudgetSettled("nobody", "1"), "no call nobody"),
    "a question is asked twice": (ASK, "question q1 exists"),
    "a question about nothing": (
        ev.ApprovalAsked("q5", "output", "output", "output", "d", "b", ("b",), "a"),
        "nothing to ask about",
    ),
    "a doubt about no call": (
        ev.ApprovalAsked("q5", "in_doubt", "tool:1", "pay", "nobody", "b", ("b",), "a"),
        "no open call nobody",
    ),
    "an approval that was never asked for": (
        ev.CallStarted("k5", "tool", "pay", "a", 1, "x", approvals=("q7",)),
        "no question q7",
    ),
    "an approval that was not given": (
        ev.CallStarted("k5", "tool", "pay", "a", 1, "x", approvals=("q1",)),
        "the approval q1 is used up or was never given",
    ),
    "no amount": (ev.BudgetReserved("k1", "much"), r"a value of budget\.reserved cannot be read"),
    "not a number": (ev.BudgetSettled("k1", "NaN"), "cannot be read: NaN is no amount"),
    "no cost": (ev.CallFinished("k1", {}, cost="x"), "cannot be read"),
    "no list price": (ev.CallFailed("k1", {}, list_cost="x"), "cannot be read"),
    "no tokens": (ev.CallFinished("k1", {}, tokens_in="many"), "cannot be read"),  # type: ignore[arg-type]
    "no inputs": (ev.MemoryWritten([], 1, "a"), "cannot be read"),  # type: ignore[arg-type]
    "an end that is none": (ev.StepEnded("over"), "cannot end as 'over'"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_an_illegal_event_raises_and_changes_nothing(hand: Any, name: str) -> None:
    body, message = ILLEGAL[name]
    state = state_in(hand, "routed")
    refused(state, hand.event(state.seq + 1, body, "s"), message)


def test_a_time_that_is_none_changes_nothing(hand: Any) -> None:
    state = state_in(hand, "routed")
    body = ev.ApprovalEscalated("q1", "time", "cfo", ("cfo",), "tomorrow")
    refused(state, hand.event(state.seq + 1, body), "cannot be read")


@pytest.mark.parametrize(
    ("closes", "status"),
    [
        (RUN[ev.ApprovalAnswered], "approved"),
        (ev.ApprovalAnswered("q1", "reject", "lead", "python", "asserted"), "rejected"),
        (RUN[ev.ApprovalExpired], "expired"),
    ],
    ids=["approve", "reject", "expire"],
)
def test_a_closed_question_takes_no_further_answer(hand: Any, closes: Body, status: str) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, closes))
    assert state.approvals["q1"].status == status
    for kind in (ev.ApprovalAnswered, ev.ApprovalEscalated, ev.ApprovalExpired):
        refused(state, hand.event(state.seq + 1, RUN[kind]), "question q1 is closed")
    # To be told so is recorded all the same.
    apply(state, hand.event(state.seq + 1, RUN[ev.ApprovalRefused]))


def test_one_no_closes_the_questions_of_the_other_rosters(hand: Any) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, STEP[ev.ApprovalAsked], "s"))
    no = ev.ApprovalAnswered("q1", "reject", "lead", "python", "asserted")
    apply(state, hand.event(state.seq + 1, no))
    assert {a.id: a.status for a in state.approvals.values()} == {
        "q1": "rejected",
        "q2": "superseded",
    }
    assert state.status == "running"


def test_an_approval_is_used_once_and_by_one_call(hand: Any) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, RUN[ev.ApprovalAnswered]))
    call = ev.CallStarted("k2", "tool", "pay", "a", 1, "x", approvals=("q1",))
    apply(state, hand.event(state.seq + 1, call, "s"))
    assert state.approvals["q1"].consumed
    other = ev.CallStarted("k3", "tool", "pay", "a", 2, "x", approvals=("q1",))
    refused(state, hand.event(state.seq + 1, other, "s"), "the approval q1 is used up")
    # The same call, sent again, is the one that was approved.
    apply(state, hand.event(state.seq + 1, call, "s"))


def test_a_call_that_has_ended_is_never_sent_again(hand: Any) -> None:
    for end in (STEP[ev.CallFinished], STEP[ev.CallFailed]):
        state = state_in(hand, "routed")
        apply(state, hand.event(state.seq + 1, end, "s"))
        again = ev.CallStarted("k1", "function", "a", "a", 0, "x")
        refused(state, hand.event(state.seq + 1, again, "s"), "it is never sent again")
        refused(state, hand.event(state.seq + 1, end, "s"), "no open call k1")


def test_a_step_does_not_end_while_its_side_effect_is_in_flight(hand: Any) -> None:
    state = state_in(hand, "routed")
    call = ev.CallStarted("k2", "tool", "pay", "a", 1, "x", side_effect=True)
    apply(state, hand.event(state.seq + 1, call, "s"))
    refused(state, hand.event(state.seq + 1, STEP[ev.StepEnded], "s"), "while pay acts")
    doubt = ev.ApprovalAsked("q5", "in_doubt", "tool:1", "pay", "k2", "b", ("b",), "a")
    apply(state, hand.event(state.seq + 1, doubt, "s"))
    assert state.calls["k2"].in_doubt
    for status in ("done", "failed"):
        refused(state, hand.event(state.seq + 1, ev.StepEnded(status), "s"), "while pay acts")
    apply(state, hand.event(state.seq + 1, ev.StepEnded("cancelled"), "s"))
    assert state.approvals["q5"].status == "superseded"


def test_a_new_owner_has_doubts_about_what_was_in_flight(hand: Any) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, ev.RunPaused("ann")))
    apply(state, hand.event(state.seq + 1, ev.RunResumed("bob", recovered=True)))
    assert state.calls["k1"].in_doubt
    assert state.paused, "to take a run over is not to resume it"
    apply(state, hand.event(state.seq + 1, STEP[ev.CallFinished], "s"))
    assert not state.calls["k1"].open


def test_a_field_holds_what_its_writes_add_up_to(hand: Any) -> None:
    state = state_in(hand, "routed")
    for body in (
        ev.MemoryWritten("f", 1, "a", "x", op="append"),
        ev.MemoryWritten("f", 2, "a", ["y", "z"], op="extend"),
        ev.MemoryPatched("f", 3, "ann", []),
        ev.MemoryWritten("f", 4, "a", "x", op="append"),
    ):
        path = "" if isinstance(body, ev.MemoryPatched) else "s"
        apply(state, hand.event(state.seq + 1, body, path))
    assert [state.memory["f"].at(n) for n in range(1, 5)] == [["x"], ["x", "y", "z"], [], ["x"]]
    for body, why in (
        (ev.MemoryWritten("f", 4, "a", "x", op="append"), "version 4 of f cannot follow version 4"),
        (ev.MemoryPatched("f", 6, "ann", []), "version 6 of f cannot follow version 4"),
        (ev.MemoryWritten("f", 5, "a", "x", op="extend"), "a list is extended by a list"),
        (ev.MemoryWritten("f", 5, "a", "x", op="prepend"), "'prepend' is no way to write a field"),
    ):
        path = "" if isinstance(body, ev.MemoryPatched) else "s"
        refused(state, hand.event(state.seq + 1, body, path), why)


def test_money_is_held_settled_and_counted(hand: Any) -> None:
    state = state_in(hand, "routed")
    apply(state, hand.event(state.seq + 1, ev.BudgetReserved("k1", "0.5"), "s"))
    assert (str(state.reserved), str(state.steps["s"].reserved)) == ("0.5", "0.5")
    finished = ev.CallFinished("k1", {}, cost="0.2", list_cost="0.3", tokens_in=5, tokens_out=2)
    apply(state, hand.event(state.seq + 1, finished, "s"))
    apply(state, hand.event(state.seq + 1, ev.BudgetSettled("k1", "0.2"), "s"))
    assert [str(m) for m in (state.reserved, state.settled, state.spent, state.list_price)] == [
        "0.0",
        "0.2",
        "0.2",
        "0.3",
    ]
    assert state.tokens == 7


def test_steps_left_counts_the_steps_that_run(hand: Any) -> None:
    state = fold(hand.events(hand.started(step_by_step=True)))
    assert (state.status, state.steps_left) == ("paused", 0)
    apply(state, hand.event(2, ev.RunResumed("ann", 1)))
    apply(state, hand.event(3, ev.StepResolved(False, reason="when is false"), "a"))
    assert (state.status, state.steps_left) == ("running", 1), "a skipped step is no step"
    apply(state, hand.event(4, ev.StepResolved(True), "b"))
    assert state.steps_left == 0


# What is made of parts


def made_of(hand: Any, parts: str, *bodies: Any, items: Any = None) -> RunState:
    """A run whose step ``s`` is made of parts."""
    whole = ("s", ev.StepResolved(True, parts=parts, items=items))
    return fold(hand.events(hand.started(), whole, *bodies))


RUNS = ev.StepResolved(True, {"n": 1})
PLACES = {"items": "s[0]", "iterations": "s#1", "racers": "s@1", "steps": "s/a"}


@pytest.mark.parametrize("parts", PLACES)
def test_a_step_is_made_of_parts_of_its_kind_and_ends_after_them(hand: Any, parts: str) -> None:
    state = made_of(hand, parts)
    for kind, path in PLACES.items():
        if kind != parts:
            refused(state, hand.event(3, RUNS, path), "is no part of anything under way")
    apply(state, hand.event(3, RUNS, PLACES[parts]))
    assert list(state.steps["s"].open) == [PLACES[parts]]
    refused(state, hand.event(4, ev.StepEnded("done"), "s"), "cannot end before")
    refused(state, hand.event(4, STEP[ev.TaskRouted], "s"), "performed by nobody")
    refused(state, hand.event(4, ev.RunEnded("done")), "while s, .* is under way")
    apply(state, hand.event(4, ev.StepEnded("done", 7), PLACES[parts]))
    assert (state.steps["s"].open, state.steps["s"].won) == ({}, PLACES[parts])
    apply(state, hand.event(5, ev.StepEnded("done", [7]), "s"))
    refused(state, hand.event(6, RUNS, f"{PLACES[parts]}/b"), "is no part")
    assert state.statuses() == {"s": "done"}
    assert state.statuses("s") == ({"a": "done"} if parts == "steps" else {})


@pytest.mark.parametrize("path", ["s[1]", "s[00]", "s[x]", "s[", "s[0][0]", "t[0]", "s[0]#1"])
def test_parts_begin_in_order_and_where_they_belong(hand: Any, path: str) -> None:
    state = made_of(hand, "items", items=[1, 2])
    refused(state, hand.event(3, RUNS, path), "seq 3")


def test_what_a_step_is_made_of_is_known(hand: Any) -> None:
    state = fold(hand.events(hand.started()))
    refused(state, hand.event(2, ev.StepResolved(True, parts="crumbs"), "s"), "not made of")
    refused(state, hand.event(2, RUNS, "s/a"), "is no part of anything under way")


def test_the_first_that_failed_and_the_first_that_is_done_are_kept(hand: Any) -> None:
    ends = [("failed", None), ("done", 1), ("failed", None), ("done", 2)]
    bodies: list[Any] = []
    for number, (status, output) in enumerate(ends):
        bodies += [(f"s[{number}]", RUNS), (f"s[{number}]", ev.StepEnded(status, output))]
    step = made_of(hand, "items", *bodies, items=[1, 2, 3, 4]).steps["s"]
    assert (step.failed, step.won, step.begun) == ("s[0]", "s[1]", 4)


def test_the_last_iteration_gives_what_a_repeat_gives(hand: Any) -> None:
    bodies: list[Any] = []
    for number in (1, 2):
        bodies += [(f"s#{number}", RUNS), (f"s#{number}", ev.StepEnded("done", number, again=True))]
    state = made_of(hand, "iterations", *bodies)
    assert (state.steps["s"].won, state.giver("s").output) == ("s#2", 2)
    assert state.steps["s#2"].again


def test_money_of_a_part_is_money_of_its_step(hand: Any) -> None:
    call = ev.CallStarted("k", "model", "m", "a", 0, "x")
    bodies = [("s[0]", RUNS), ("s[0]", STEP[ev.TaskRouted]), ("s[0]", call)]
    state = made_of(hand, "items", *bodies, items=[1])
    apply(state, hand.event(6, ev.BudgetReserved("k", "0.5"), "s[0]"))
    assert str(state.steps["s"].reserved) == "0.5"
    apply(state, hand.event(7, ev.BudgetSettled("k", "0.2"), "s[0]"))
    assert [str(state.steps[p].spent) for p in ("s", "s[0]")] == ["0.2", "0.2"]
    assert state.steps["s"].reserved == 0
    assert str(state.settled) == "0.2"


# Timers, and what comes late


def test_a_timer_is_set_once_and_fires_once(hand: Any) -> None:
    state = state_in(hand, "resolved")
    wait = ev.TimerSet("2026-03-01T10:00:00+00:00", "wait")
    refused(state, hand.event(state.seq + 1, ev.TimerFired(), "s"), "waits for no time")
    for bad in (
        ev.TimerSet("2026-03-01T10:00:00", "wait"),
        ev.TimerSet("", "wait"),
        ev.TimerSet(wait.due, "lunch"),
    ):
        refused(state, hand.event(state.seq + 1, bad, "s"), "no timer for")
    refused(state, hand.event(state.seq + 1, ev.TimerSet("noon", "wait"), "s"), "cannot be read")
    apply(state, hand.event(state.seq + 1, wait, "s"))
    assert [due.isoformat() for due in state.timers.values()] == [wait.due]
    assert state.next_due() == state.timers["s"]
    refused(state, hand.event(state.seq + 1, wait, "s"), "has a timer")
    apply(state, hand.event(state.seq + 1, ev.TimerFired(), "s"))
    assert state.timers == {}
    refused(state, hand.event(state.seq + 1, ev.TimerFired(), "s"), "waits for no time")


def test_only_what_failed_is_tried_again(hand: Any) -> None:
    state = state_in(hand, "routed")
    retry = ev.TimerSet("2026-03-01T10:00:00+00:00", "retry")
    refused(state, hand.event(state.seq + 1, retry, "s"), "nothing of step 's' has failed")
    apply(state, hand.event(state.seq + 1, STEP[ev.CallFailed], "s"))
    apply(state, hand.event(state.seq + 1, retry, "s"))
    apply(state, hand.event(state.seq + 1, ev.TimerFired(), "s"))
    step = state.steps["s"]
    assert (step.generation, step.main, step.timer, step.phase) == (1, "", None, "routed")


def test_the_end_of_a_step_takes_its_timer_with_it(hand: Any) -> None:
    state = state_in(hand, "resolved")
    wait = ev.TimerSet("2026-03-01T10:00:00+00:00", "wait")
    apply(state, hand.event(state.seq + 1, wait, "s"))
    apply(state, hand.event(state.seq + 1, ev.StepEnded("cancelled"), "s"))
    assert (state.timers, state.next_due()) == ({}, None)


def test_a_late_result_is_taken_only_of_what_was_cancelled(hand: Any) -> None:
    late = STEP[ev.CallFinished]
    for status in ("done", "failed"):
        state = state_in(hand, "routed")
        apply(state, hand.event(state.seq + 1, ev.StepEnded(status), "s"))
        refused(state, hand.event(state.seq + 1, late, "s"), "in phase ended")
    state = state_in(hand, "ended")
    apply(state, hand.event(state.seq + 1, late, "s"))
    assert not state.calls["k1"].open
    assert (state.steps["s"].status, state.steps["s"].output) == ("cancelled", None)
    refused(state, hand.event(state.seq + 1, late, "s"), "no open call")


def test_an_old_journal_folds_as_before(hand: Any) -> None:
    """What was written before there were parts has neither ``parts`` nor ``items``."""
    payload = '{"error":null,"inputs":{"n":1},"memory":{},"reason":"","run":true,"values":[]}'
    body = ev.decode("step.resolved", 1, payload)
    ended = ev.decode("step.ended", 1, '{"error":null,"output":{"n":2},"status":"done"}')
    state = fold(hand.events(hand.started(), ("s", body), ("s", ended)))
    assert (state.steps["s"].output, state.statuses()) == ({"n": 2}, {"s": "done"})
