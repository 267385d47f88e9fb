from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import BODIES, Event
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe import frames
from leafmesh_nb.observe.audit import stories

ALL = (
    "events_frame",
    "routing_frame",
    "decisions_frame",
    "memory_frame",
    "costs_frame",
    "calls_frame",
    "handoffs_frame",
    "audit_frame",
)
Runs = dict[str, list[Event]]


def columns_of(name: str) -> list[str]:
    """The columns that a frame's docstring promises, in order."""
    doc = " ".join((getattr(frames, name).__doc__ or "").split()).replace("``", "`")
    quoted = [part for part in doc.split("`")[1::2] if part.split()[0] == "run"]
    return quoted[0].split()


@pytest.mark.parametrize("name", [name for name in ALL if name != "routing_frame"])
def test_columns_are_those_documented(name: str, everything: list[Event], spec: Spec) -> None:
    assert list(getattr(frames, name)(everything, spec=spec).columns) == columns_of(name)


@pytest.mark.parametrize("name", ALL)
def test_dtypes_are_the_same_without_events(name: str, everything: list[Event], spec: Spec) -> None:
    full = getattr(frames, name)(everything, spec=spec)
    empty = getattr(frames, name)([], spec=spec)
    assert len(full) > 0
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    for column in full.columns:
        if isinstance(full[column].dtype, pd.CategoricalDtype):
            assert isinstance(empty[column].dtype, pd.CategoricalDtype)
        else:
            assert empty[column].dtype == full[column].dtype


@pytest.mark.parametrize("name", ALL)
def test_nothing_sensitive_is_in_a_frame(name: str, everything: list[Event], spec: Spec) -> None:
    shown = getattr(frames, name)(everything, spec=spec).to_csv()
    for secret in ("4111", "1111 1111", "ada@example.com"):
        assert secret not in shown


@pytest.mark.parametrize("name", [name for name in ALL if name != "handoffs_frame"])
def test_without_a_mesh_card_numbers_are_masked_still(name: str, everything: list[Event]) -> None:
    shown = getattr(frames, name)(everything).to_csv()
    assert "4111" not in shown
    assert "1111 1111" not in shown


def test_a_given_masker_is_used(runs: Runs, spec: Spec) -> None:
    frame = frames.calls_frame(runs["approved"], spec=spec, masker=Masker(["refund"]))
    assert "refund" not in " ".join(frame["result"].dropna())


def test_types_of_columns(everything: list[Event], spec: Spec) -> None:
    calls = frames.calls_frame(everything, spec=spec)
    costs = frames.costs_frame(everything, spec=spec)
    routing = frames.routing_frame(everything, spec=spec)
    assert str(calls["when"].dtype) == "datetime64[us, UTC]"
    assert str(calls["latency"].dtype) == "float64"
    assert str(costs["tokens_in"].dtype) == "Int64"
    assert str(costs["live"].dtype) == "boolean"
    assert str(routing["rank"].dtype) == "Int64"
    assert str(routing["score"].dtype) == "float64"
    assert routing["chosen"].dtype == bool
    assert str(calls["target"].dtype) == "string"
    assert all(v is None or isinstance(v, Decimal) for v in costs["spent"])


def test_pandas_is_imported_on_use_only() -> None:
    code = "import sys; import leafmesh_nb.observe.frames; assert 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class TestRouting:
    def test_a_row_a_candidate_with_points_that_sum_to_the_score(
        self, runs: Runs, spec: Spec
    ) -> None:
        frame = frames.routing_frame(runs["approved"], spec=spec)
        ranked = frame[frame["excluded"].isna()]
        points = ranked[list(frames.FACTORS)].sum(axis=1)
        assert points.round(6).tolist() == ranked["score"].round(6).tolist()
        classify = frame[frame["step"] == "classify"]
        assert classify["agent"].tolist() == ["triage", "veteran", "intern"]
        assert classify["rank"].fillna(0).tolist() == [1, 2, 0]
        assert classify["chosen"].tolist() == [True, False, False]
        assert classify["model"].fillna("").tolist() == ["quick", "deep", ""]

    def test_the_excluded_have_a_reason_and_no_points(self, runs: Runs, spec: Spec) -> None:
        frame = frames.routing_frame(runs["approved"], spec=spec)
        out = frame[frame["excluded"].notna()]
        assert out["agent"].tolist() == ["intern"]
        assert out["excluded"].iloc[0].startswith("no function is bound to it")
        assert out[["score", *frames.FACTORS]].isna().all(axis=None)

    def test_nobody_left(self, story: Any) -> None:
        story.start()
        out = ({"agent": "intern", "reason": "may not read"},)
        story.add(ev.StepResolved(True), "classify")
        story.add(ev.TaskRouted("ticket.classify", (), out, None, None), "classify")
        frame = frames.routing_frame(story.events)
        assert frame["chosen"].tolist() == [False]
        assert frame["score"].isna().all()


class TestDecisions:
    def test_who_was_asked_why_and_what_they_said(self, runs: Runs, spec: Spec) -> None:
        frame = frames.decisions_frame(runs["approved"], spec=spec)
        row = frame[frame["point"] == "tool"].iloc[0]
        assert row["subject"] == "pay_out"
        assert row["value"] == "ticket_id T1002, amount 620.00"
        assert (row["policy"], row["rule"]) == ("payouts", "large")
        assert row["why"] == "tool.arguments.amount 620.00 > 100"
        assert (row["outcome"], row["final"], row["answer"]) == ("ask", "approve", "approve")
        assert (row["asked"], row["person"]) == ("lead, then finance", "finance")
        assert (row["channel"], row["identity"]) == ("notebook", "asserted")
        assert row["waited"] == 2520
        assert row["note"].startswith("ok for •••")

    def test_an_edit_shows_what_changed_and_the_decision_about_it(
        self, runs: Runs, spec: Spec
    ) -> None:
        frame = frames.decisions_frame(runs["edited"], spec=spec)
        tool = frame[frame["point"] == "tool"]
        assert tool["final"].tolist() == ["edited", "approve"]
        assert tool["edit"].iloc[0] == "amount 620.00 → 500.00"
        assert tool["value"].tolist()[1] == "ticket_id T1002, amount 500.00"
        assert tool["identity"].iloc[0] == "script"

    def test_a_call_in_doubt_is_a_decision_of_its_own(self, runs: Runs, spec: Spec) -> None:
        frame = frames.decisions_frame(runs["edited"], spec=spec)
        row = frame[frame["point"] == "in_doubt"].iloc[0]
        assert (row["final"], row["person"], row["waited"]) == ("approve", "lead", 30)

    def test_open_and_refused_ones(self, runs: Runs, spec: Spec) -> None:
        open_ = frames.decisions_frame(runs["waiting"], spec=spec).iloc[-1]
        assert open_["final"] == "waiting"
        assert pd.isna(open_["answer"])
        assert pd.isna(open_["waited"])
        no = frames.decisions_frame(runs["rejected"], spec=spec).iloc[-1]
        assert (no["final"], no["answer"], no["note"]) == ("deny", "reject", "call them first")

    def test_ungoverned_passages_say_so(self, runs: Runs, spec: Spec) -> None:
        frame = frames.decisions_frame(runs["skipped"], spec=spec)
        assert frame["governed"].tolist() == [False]
        assert frame["why"].tolist() == ["no policy applies"]
        assert frame["policy"].isna().all()

    def test_silence_denies(self, story: Any) -> None:
        story.start()
        story.until_asked()
        story.add(ev.ApprovalExpired("q1"), "pay", after=1800)
        row = frames.decisions_frame(story.events).iloc[-1]
        assert (row["final"], row["answer"], row["waited"]) == ("deny", "expired", 1800)
        assert pd.isna(row["person"])

    def test_a_question_that_fell_away(self, story: Any) -> None:
        story.start()
        story.until_asked()
        story.add(ev.StepEnded("cancelled"), "pay")
        story.add(ev.RunEnded("cancelled"))
        assert frames.decisions_frame(story.events)["final"].tolist() == ["superseded"]

    @pytest.mark.parametrize(
        ("rules", "outcome", "why"),
        [
            ([], "deny", "no rule of p matched, its default is deny"),
            ([("r", "matched", [])], "approve", "always"),
            (
                [("r", "error: no such field: amount", [])],
                "ask",
                "rule r could not be evaluated (no such field: amount)",
            ),
            (
                [("r", "matched", [["agent.id", "teller"], ['agent.id == "teller"', True]])],
                "approve",
                'agent.id "teller" == "teller"',
            ),
            (
                [("r", "matched", [["size(input.t)", 4], ["size(input.t) > 3", True]])],
                "approve",
                "size(input.t) 4 > 3",
            ),
            ([("r", "matched", [["memory.vip", True]])], "approve", "memory.vip is true"),
            ([("r", "no match", [["a", 1]]), ("s", "matched", [])], "deny", "always"),
        ],
    )
    def test_why(self, story: Any, rules: Any, outcome: str, why: str) -> None:
        story.start()
        story.until_asked()
        recorded = [{"rule": r, "verdict": v, "values": f} for r, v, f in rules]
        policy = {"policy": "p", "hash": "", "outcome": outcome, "rules": recorded}
        body = ev.PolicyDecided(
            "output", "output", "output", outcome, "d", True, "teller", policies=(policy,)
        )
        story.add(body, "pay")
        assert frames.decisions_frame(story.events).iloc[-1]["why"] == why

    def test_values_of_sensitive_fields_are_masked_however_short(
        self, story: Any, spec: Spec
    ) -> None:
        story.start(card="42")
        story.until_asked()
        values = [["memory.card", "42"], ['memory.card != ""', True]]
        rules = [{"rule": "r", "verdict": "matched", "values": values}]
        policy = {"policy": "p", "hash": "", "outcome": "deny", "rules": rules}
        body = ev.PolicyDecided(
            "output", "output", "output", "deny", "d", True, "teller", policies=(policy,)
        )
        story.add(body, "pay")
        row = frames.decisions_frame(story.events, spec=spec).iloc[-1]
        assert row["why"] == 'memory.card "•••" != ""'
        assert '"42"' not in frames.events_frame(story.events, spec=spec).to_csv(quotechar="'")


class TestMemory:
    def test_writes_and_refused_accesses(self, runs: Runs, spec: Spec) -> None:
        frame = frames.memory_frame(runs["approved"], spec=spec)
        assert frame["access"].tolist() == ["write"] * 3 + ["denied read", "write"]
        assert frame["field"].tolist() == ["ticket", "email", "card", "card", "precedents"]
        assert frame["value"].fillna("").tolist()[1:] == ["•••", "•••", "", ""]
        assert frame["sensitivity"].tolist()[1:3] == ["pii", "secret"]
        denied = frame.iloc[3]
        assert (denied["by"], denied["step"]) == ("clerk", "propose")
        assert pd.isna(denied["version"])

    def test_shared_values_come_from_the_stream_of_the_mesh(
        self, everything: list[Event], spec: Spec
    ) -> None:
        frame = frames.memory_frame(everything, spec=spec)
        shared = frame[(frame["field"] == "precedents") & (frame["run"] == "r1")]
        assert json.loads(shared["value"].iloc[0]) == [f"precedent {n}" for n in range(4)]
        assert shared["scope"].tolist() == ["mesh"]
        reveal = frame[frame["access"] == "reveal"]
        assert (reveal["run"].iloc[0], reveal["by"].iloc[0]) == ("r1", "lead")

    def test_the_stream_of_the_mesh_alone(self, everything: list[Event]) -> None:
        mesh = [event for event in everything if event.stream.startswith("mesh:")]
        frame = frames.memory_frame(mesh)
        assert frame["version"].tolist() == [1, 2, 3, 4]
        assert [len(json.loads(value)) for value in frame["value"]] == [1, 2, 3, 4]
        assert frame["run"].tolist() == ["r1"] * 4

    def test_an_edit_by_hand(self, story: Any, spec: Spec) -> None:
        story.start()
        story.add(ev.MemoryPatched("ticket", 2, "mara", {"a": [1, None]}))
        row = frames.memory_frame(story.events, spec=spec).iloc[-1]
        assert (row["access"], row["by"], row["value"]) == ("edit", "mara", '{"a":[1,null]}')


class TestCallsAndCosts:
    def test_attempts_are_rows(self, runs: Runs, spec: Spec) -> None:
        frame = frames.calls_frame(runs["edited"], spec=spec)
        tool = frame[frame["call"] == "tool"]
        assert tool["attempt"].tolist() == [1, 2]
        assert tool["status"].tolist() == ["in doubt", "finished"]
        assert tool["key"].tolist() == ["k4", "k4"]
        assert tool["side_effect"].all()
        assert pd.isna(tool["latency"].iloc[0])
        assert tool["live"].fillna(False).tolist() == [False, True]

    def test_a_function_that_asked_was_unwound(self, runs: Runs) -> None:
        frame = frames.calls_frame(runs["approved"])
        teller = frame[frame["target"] == "teller"]
        assert teller["status"].tolist() == ["unwound", "finished"]
        crashed = frames.calls_frame(runs["edited"])
        teller = crashed[crashed["target"] == "teller"]
        assert teller["status"].tolist() == ["unwound", "in doubt", "finished"]

    def test_in_flight_failed_and_left_open(self, runs: Runs, story: Any) -> None:
        assert frames.calls_frame(runs["waiting"])["status"].iloc[-1] == "in flight"
        failed = frames.calls_frame(runs["rejected"]).iloc[-1]
        assert failed["status"] == "failed"
        assert failed["error"] == "lead rejected it: call them first"
        assert failed["latency"] == pytest.approx(0.01)
        story.start()
        story.add(ev.StepResolved(True), "classify")
        story.route("classify", "ticket.classify", ("triage", "quick"))
        story.add(ev.CallStarted("k", "model", "quick", "triage", 1, "d"), "classify")
        assert frames.calls_frame(story.events)["status"].tolist() == ["in flight"]
        story.add(ev.RunResumed("mara", None, True))
        assert frames.calls_frame(story.events)["status"].tolist() == ["in doubt"]
        story.add(ev.StepEnded("cancelled"), "classify")
        story.add(ev.RunEnded("cancelled"))
        assert frames.calls_frame(story.events)["status"].tolist() == ["in doubt"]
        costs = frames.costs_frame(story.events)
        assert costs["spent"].tolist() == [None]
        assert frames.costs_total(costs)["unknown"] == 1

    def test_costs_are_exact(self, runs: Runs, spec: Spec) -> None:
        frame = frames.costs_frame(runs["rejected"], spec=spec)
        assert frame["list_price"].tolist()[0] == Decimal("0.0001615")
        assert frame["spent"].tolist() == [Decimal(0)] * 4
        assert frame["tokens_in"].tolist()[0] == 310
        assert frames.costs_total(frame) == {
            "calls": 4,
            "spent": Decimal(0),
            "list_price": Decimal("0.0001615"),
            "tokens_in": 310,
            "tokens_out": 42,
            "unpriced": 0,
            "unknown": 0,
        }

    def test_an_unpriced_model_is_not_free(self, story: Any) -> None:
        story.start()
        story.add(ev.StepResolved(True), "classify")
        story.route("classify", "ticket.classify", ("triage", "mine"))
        story.add(ev.CallStarted("k", "model", "mine", "triage", 1, "d"), "classify")
        story.add(ev.CallFinished("k", {}, 1, 10, 10, "0", None), "classify")
        frame = frames.costs_frame(story.events)
        assert frame["list_price"].tolist() == [None]
        assert frames.costs_total(frame)["unpriced"] == 1

    def test_a_recorded_result_is_not_live(self, story: Any) -> None:
        story.start()
        story.add(ev.StepResolved(True), "classify")
        story.route("classify", "ticket.classify", ("triage", "quick"))
        story.add(ev.CallStarted("k", "model", "quick", "triage", 1, "d"), "classify")
        story.add(ev.CallFinished("k", {}, live=False, note="by hand"), "classify")
        row = frames.calls_frame(story.events).iloc[0]
        assert row["live"] is False or row["live"] == False  # noqa: E712  # numpy's False
        assert row["note"] == "by hand"

    def test_totals_of_nothing(self) -> None:
        assert frames.costs_total(frames.costs_frame([]))["spent"] == Decimal(0)


class TestHandoffs:
    def test_what_was_handed_on(self, runs: Runs, spec: Spec) -> None:
        frame = frames.handoffs_frame(runs["approved"], spec=spec)
        assert frame["from_step"].tolist() == ["classify", "propose"]
        assert frame["to_agent"].tolist() == ["clerk", "teller"]
        first = frame.iloc[0]
        assert (first["from_agent"], first["via"]) == ("triage", "when, with")
        assert first["fields"] == "amount, category"
        assert first["value"] == "amount 620.00, category refund"
        assert first["bytes"] == len('"620.00"') + len('"refund"')

    def test_a_skipped_step_took_nothing(self, runs: Runs, spec: Spec) -> None:
        assert len(frames.handoffs_frame(runs["skipped"], spec=spec)) == 0

    def test_to_oneself_is_no_handoff(self, runs: Runs, spec: Spec) -> None:
        same = [
            replace(e, body=replace(e.body, agent="triage"))
            if isinstance(e.body, ev.TaskRouted)
            else e
            for e in runs["approved"]
        ]
        assert len(frames.handoffs_frame(same, spec=spec)) == 0

    def test_needs_the_mesh(self, runs: Runs) -> None:
        with pytest.raises(ValueError, match="pass spec="):
            frames.handoffs_frame(runs["approved"])


class TestEvents:
    def test_bodies_are_masked_json(self, runs: Runs, spec: Spec) -> None:
        frame = frames.events_frame(runs["approved"], spec=spec)
        assert frame["seq"].tolist() == list(range(1, len(frame) + 1))
        first = json.loads(frame["body"].iloc[0])
        assert set(first) == {f.name for f in fields(ev.RunStarted)}
        assert first["input"]["card"] == "•••"
        assert first["input"]["email"] == "•••"
        assert frame["run"].unique().tolist() == ["r1"]
        assert frame["hash"].iloc[0] == f"{1:064x}"

    def test_streams_outside_runs_keep_their_names(self, everything: list[Event]) -> None:
        names = set(frames.events_frame(everything)["run"])
        assert names == {"r1", "r2", "r3", "r4", "r5", "mesh:refunds", "journal"}


class TestAudit:
    def test_every_kind_of_event_has_a_story(self) -> None:
        from leafmesh_nb.observe.audit import _STORIES

        assert set(_STORIES) == set(BODIES)

    def test_stories_are_one_line(self, everything: list[Event], spec: Spec) -> None:
        frame = frames.audit_frame(everything, spec=spec)
        assert frame["story"].str.len().min() > 10
        assert not frame["story"].str.contains("\n").any()
        assert not frame["story"].str.contains("None|{|}", regex=True).any()

    def test_a_run_reads_as_a_story(self, runs: Runs, spec: Spec) -> None:
        frame = frames.audit_frame(runs["edited"], spec=spec)
        told = frame["story"].tolist()
        assert told[0].startswith("mara started refund of refunds with ticket_id T1002, ticket You")
        assert (
            "payouts: ask a person about pay_out of teller with ticket_id T1002, amount 620.00"
            " (tool.arguments.amount 620.00 > 100)"
        ) in told
        assert "lead edited pay_out (amount 620.00 → 500.00) (script)" in told
        assert told[-1] == "the run is done: category refund, paid 500.00"
        assert frame["who"].dropna().unique().tolist() == [
            "mara", "refund", "triage", "clerk", "teller", "lead", "mallory",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (ev.RunPaused("mara"), "mara paused the run"),
            (ev.RunResumed("mara", 1), "for 1 step"),
            (ev.RunResumed("mara"), "mara resumed the run"),
            (ev.RunRebound("mara", {"clerk": "x"}), "accepted changed functions: clerk"),
            (ev.RunEnded("cancelled"), "the run is cancelled"),
            (
                ev.RunEnded("failed", None, {"kind": "A", "message": "no", "step": "pay"}),
                "the run failed at pay: no",
            ),
            (ev.BudgetRefused("k", "run", "0.2", "0.5", "0.4"), "$0.20, with $0.40 used"),
            (ev.BudgetRefused("k", "calls", "0", "3", "3"), "3 of 3 calls were made already"),
            (ev.BudgetSettled("k", "0.01"), "a call settled at $0.01"),
            (ev.ApprovalExpired("q9"), "nobody answered about q9 in time"),
            (ev.CallFailed("k", {"kind": "A", "message": "hung"}, 20), "failed after 20 s: hung"),
            (ev.StepResolved(False, error={"message": "no such field"}), "cannot run: no such"),
            (ev.MemoryPatched("ticket", 2, "mara", "x"), "mara changed ticket by hand, version 2"),
        ],
    )
    def test_a_sentence(self, story: Any, body: ev.Body, words: str) -> None:
        story.add(body, "pay")
        ((_, _, told),) = stories(story.events, Masker())
        assert words in told

    def test_control_and_direction_characters_do_not_get_through(self, story: Any) -> None:
        story.add(ev.RunRebound("ma\u202era\x1b[31m", {"a\nb": "x"}))
        ((_, _, told),) = stories(story.events, Masker())
        assert not set(told) & set("\u202e\x1b\n")


class TestCaption:
    def test_of_a_run_that_waits(self, runs: Runs) -> None:
        events = runs["waiting"]
        at = f"{events[-1].ts.astimezone():%H:%M}"
        assert frames.caption(events) == f"as of {at}, waiting for lead"
        frame = frames.routing_frame(events)
        assert frame.attrs["status"] == "waiting"
        assert frame.attrs["as_of"] == events[-1].ts
        assert frame.attrs["caption"] == frames.caption(events)

    def test_of_a_run_that_ended(self, runs: Runs) -> None:
        assert frames.caption(runs["approved"]) == ""
        attrs = frames.decisions_frame(runs["rejected"]).attrs
        assert attrs == {"status": "failed"}

    def test_while_it_runs_or_pauses(self, story: Any) -> None:
        story.start()
        assert frames.caption(story.events).endswith(", running")
        story.add(ev.RunPaused("mara"))
        assert frames.caption(story.events).endswith(", paused")

    def test_of_several_runs(self, everything: list[Event]) -> None:
        assert frames.caption(everything).endswith("1 of 5 runs unfinished, 1 waiting for lead")

    def test_of_nothing(self) -> None:
        assert frames.caption([]) == ""

    def test_runs_may_be_interleaved(self, runs: Runs, spec: Spec) -> None:
        mixed = sorted([*runs["approved"], *runs["waiting"]], key=lambda e: (e.seq, e.stream))
        frame = frames.costs_frame(mixed, spec=spec)
        assert frame.groupby("run")["tokens_in"].sum().to_dict() == {"r1": 310, "r3": 310}


def test_a_hundred_runs_at_once(runs: Runs, spec: Spec) -> None:
    events = [
        replace(e, stream=f"run:{n}", ts=e.ts + timedelta(seconds=n))
        for n in range(100)
        for e in runs["edited"]
    ]
    frame = frames.decisions_frame(events, spec=spec)
    assert len(frame) == 100 * len(frames.decisions_frame(runs["edited"], spec=spec))
