"""The card's state: a projection of a run's events, patched by sequence number, masked."""

from __future__ import annotations

import importlib.util
import json
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.errors import JournalError
from leafmesh_nb.observe.card import CardState

IBAN = "DE89370400440532013000"


def _scripted_run() -> Any:
    path = Path(__file__).parents[1] / "fixtures" / "live" / "scripted_run.py"
    spec = importlib.util.spec_from_file_location("scripted_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _scripted_run()


@pytest.fixture
def run() -> Any:
    return script.ScriptedRun()


def card_of(run: Any, **kwargs: Any) -> CardState:
    card = CardState(run.spec, run.workflow, run.id, **kwargs)
    card.apply(run.recorded())
    return card


def state_of(run: Any, **kwargs: Any) -> dict[str, Any]:
    return card_of(run, **kwargs).snapshot()


def statuses(state: dict[str, Any]) -> dict[str, str]:
    return {name: step["status"] for name, step in state["steps"].items()}


def answer(run: Any, given: str, person: str = "lead", **kwargs: Any) -> str:
    question = next(iter(run.state.open_approvals())).id
    run.answer(question, given, person=person, channel="notebook", identity="asserted", **kwargs)
    return str(question)


def question_of(state: dict[str, Any]) -> dict[str, Any]:
    (question,) = state["questions"].values()
    return question


def texts(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["name"]: row["text"] for row in rows}


# ---------------------------------------------------------------- steps and status


def test_before_the_first_event_every_step_is_queued(run: Any) -> None:
    state = CardState(run.spec, run.workflow, run.id).snapshot()
    assert set(statuses(state).values()) == {"idle"}
    assert state["order"] == list(run.spec.workflows[run.workflow].steps)
    assert state["status"] == "running"
    assert state["started"] is None


def test_steps_follow_their_events(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "quick")
    assert statuses(state_of(run))["read_ticket"] == "run"
    script_state = state_of(run)["steps"]["read_ticket"]
    assert (script_state["agent"], script_state["model"]) == ("intake", "quick")
    run.done("read_ticket", {"summary": "s", "amount": None})
    state = state_of(run)
    assert statuses(state)["read_ticket"] == "ok"
    assert texts(state["steps"]["read_ticket"]["output"]) == {"summary": "s", "amount": "–"}


def test_edges_come_from_what_a_step_reads_and_waits_for(run: Any) -> None:
    steps = state_of(run)["steps"]
    assert steps["read_ticket"]["after"] == []
    assert {"look_up_account", "check_policy"} <= set(steps["draft_reply"]["after"])


def test_a_step_waits_while_its_question_is_open(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    state = state_of(run)
    assert statuses(state)["issue_refund"] == "wait"
    assert state["steps"]["issue_refund"]["asks"] == "lead"
    assert state["status"] == "waiting"
    answer(run, "approve")
    state = state_of(run)
    assert statuses(state)["issue_refund"] == "run"
    assert state["status"] == "running"
    assert state["questions"] == {}


def test_two_questions_wait_at_once(run: Any) -> None:
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": "a", "text": "b"})
    script.start_payout(run)
    script.ask_payout(run)
    state = state_of(run)
    assert [q["step"] for q in state["questions"].values()] == ["draft_reply", "issue_refund"]
    assert [name for name, status in statuses(state).items() if status == "wait"] == [
        "draft_reply",
        "issue_refund",
    ]


def test_a_finished_run_has_its_output_and_no_questions(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    answer(run, "approve")
    script.finish(run)
    state = state_of(run)
    assert state["status"] == "done"
    assert texts(state["output"]) == {"receipt": "R-2041", "amount": "412.00"}
    assert state["ended"] > state["started"]
    assert set(statuses(state).values()) == {"ok"}


def test_a_failed_run_says_what_failed(run: Any) -> None:
    script.until_draft(run)
    run.fail("draft_reply", "AgentError", "the writer hung")
    state = state_of(run)
    assert state["status"] == "failed"
    assert state["error"] == "the writer hung"
    assert state["steps"]["draft_reply"]["error"] == "the writer hung"
    assert statuses(state)["draft_reply"] == "fail"
    assert statuses(state)["send_reply"] == "idle"
    assert state["output"] == []


def test_skipped_and_cancelled_steps(run: Any) -> None:
    script.until_draft(run)
    run.skip("issue_refund", "when is false")
    run.cancel()
    state = state_of(run)
    assert statuses(state)["issue_refund"] == "skip"
    assert statuses(state)["draft_reply"] == "cancelled"
    assert state["status"] == "cancelled"


def test_step_by_step_runs_pause_between_steps(run: Any) -> None:
    run.begin(step_by_step=True)
    assert state_of(run)["status"] == "paused"
    run.step()
    assert state_of(run)["status"] == "running"
    run.start("read_ticket", "intake", "quick")
    run.done("read_ticket", {"summary": "s", "amount": None})
    assert state_of(run)["status"] == "paused"
    run.resume()
    assert state_of(run)["status"] == "running"
    run.pause()
    assert state_of(run)["status"] == "paused"


# ---------------------------------------------------------------- money


def test_spent_and_list_price_and_tokens_add_up(run: Any) -> None:
    script.to_payout(run)
    state = state_of(run)
    assert state["spent"] == "0"
    assert Decimal(state["list_price"]) == Decimal("0.1614")
    assert state["tokens"] == sum(step["tokens"] for step in state["steps"].values()) == 4362
    assert state["budget"] == "1.00"
    assert state["steps"]["draft_reply"]["list_price"] == "0.118"
    assert not state["unpriced"]


def test_the_offline_model_is_labelled_where_its_output_shows(run: Any) -> None:
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": "a", "text": "b"})
    state = state_of(run)
    label = "offline reader: rules, not a language model"
    assert state["steps"]["read_ticket"]["label"] == label
    assert state["steps"]["look_up_account"]["label"] == ""
    assert question_of(state)["label"] == label
    assert state["labels"] == [label]


def test_an_offline_output_is_labelled_even_where_the_note_is_missing(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "quick")
    run.call("read_ticket", {"summary": "s"}, model="quick", tokens=10, note="")
    assert state_of(run)["steps"]["read_ticket"]["label"].startswith("offline reader")


def test_a_vendors_call_without_a_price_is_unpriced_not_free(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "vendor:new-model")
    run.call("read_ticket", {"summary": "s"}, model="vendor:new-model", tokens=10)
    state = state_of(run)
    assert state["unpriced"]
    assert state["steps"]["read_ticket"]["unpriced"]


# ---------------------------------------------------------------- questions


def test_a_question_says_who_what_why_and_what_the_agent_saw(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    question = question_of(state_of(run))
    assert question["title"] == "Let teller call issue_refund?"
    assert question["reason"] == "412.00 is over the teller's limit"
    assert (question["to"], question["roster"], question["ladder"]) == (
        "lead",
        ["lead"],
        ["finance"],
    )
    assert question["due"] - question["asked_at"] == pytest.approx(30 * 60_000, abs=1000)
    assert (question["policy"], question["rule"]) == ("payouts", "large")
    assert question["conditions"] == [
        {"text": "tool.arguments.amount 412.00 > 100", "holds": True},
        {"text": "tool.arguments.amount 412.00 <= 5000", "holds": True},
    ]
    assert texts(question["value"])["amount"] == "412.00"
    assert texts(question["inputs"]) == {"account": "55120", "amount": "412.00"}
    assert list(texts(question["memory"])) == ["ticket", "iban"]
    assert question["requester"] == "sam"
    assert question["options"] == ["approve", "reject", "edit", "escalate"]


def test_texts_in_conditions_are_quoted(run: Any) -> None:
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": r"a\1 b", "text": "b"})
    (condition,) = question_of(state_of(run))["conditions"]
    assert condition["text"] == r'output.subject "a\\1 b" != ""'


def test_an_escalated_question_names_the_next_rung(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    answer(run, "escalate", note="too much for me")
    state = state_of(run)
    question = question_of(state)
    assert (question["to"], question["roster"], question["ladder"]) == ("finance", ["finance"], [])
    assert "escalate" not in question["options"]
    assert [(d["verdict"], d["who"]) for d in state["decisions"]] == [("escalated", "lead")]


def test_a_question_in_doubt_offers_what_makes_sense(run: Any) -> None:
    script.to_payout(run)
    arguments = {**script.ARGUMENTS, "amount": "90.00"}
    script.ask_payout(run, arguments)
    run.lose("issue_refund", "issue_refund", arguments)
    question = question_of(state_of(run))
    assert question["point"] == "in_doubt"
    assert question["options"] == ["approve", "edit", "reject"]
    assert [field["name"] for field in question["fields"]] == ["receipt"]
    assert texts(question["value"])["amount"] == "90.00"
    assert question["inputs"][0]["text"] == "55120"


def test_who_answered_is_told_with_channel_identity_note_and_diff(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    answer(run, "edit", note="half", value={**script.ARGUMENTS, "amount": "90.00"})
    script.ask_payout(run)
    decisions = state_of(run)["decisions"]
    by_person = decisions[0]
    assert (by_person["verdict"], by_person["who"]) == ("approved with edits", "lead")
    assert (by_person["channel"], by_person["identity"]) == ("notebook", "asserted")
    assert by_person["note"] == "half"
    assert by_person["diff"] == [{"path": "amount", "old": "412.00", "new": "90.00"}]
    assert [d["why"] for d in decisions[1:]] == ["rule payouts.small"]


def test_a_denial_of_the_rules_is_told_and_ungoverned_passages_are_not(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run, {**script.ARGUMENTS, "amount": "9000.00"})
    (decision,) = state_of(run)["decisions"]
    assert (decision["verdict"], decision["tone"]) == ("denied", "fail")
    assert "default" in decision["why"]


def test_a_question_that_the_end_left_open_is_told_as_not_answered(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    run.cancel()
    state = state_of(run)
    assert state["questions"] == {}
    assert [d["verdict"] for d in state["decisions"]] == ["not answered: the run ended"]


def test_an_expired_question_is_told_as_denied(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    id = next(iter(run.state.open_approvals())).id
    run.record("issue_refund", ev.ApprovalExpired(id))
    (decision,) = state_of(run)["decisions"]
    assert decision["verdict"] == "denied: nobody answered in time"
    assert decision["who"] == "lead was asked"


# ---------------------------------------------------------------- masks


def test_no_secret_is_in_the_state(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run, {**script.ARGUMENTS, "memo": f"to {IBAN}"})
    answer(run, "edit", note=f"I know {IBAN}", value={**script.ARGUMENTS, "memo": IBAN})
    text = json.dumps(state_of(run), ensure_ascii=False)
    assert IBAN not in text
    assert script.CARD not in text
    assert "•••" in text


def test_masked_rows_are_marked_and_name_their_source(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    card = card_of(run)
    question = question_of(card.snapshot())
    marked = {row["name"]: row["source"] for row in question["memory"] if row["masked"]}
    assert list(marked) == ["ticket", "iban"]
    assert card.behind_mask(marked["iban"]) == IBAN
    assert script.CARD in card.behind_mask(marked["ticket"])
    assert IBAN not in json.dumps(card.snapshot())


@pytest.mark.parametrize(
    "source",
    ["", "x", "x/memory/0", "{id}/memory/9", "{id}/memory/-1", "{id}/secrets/0", "{id}/memory/x"],
)
def test_an_unknown_source_has_nothing_behind_it(run: Any, source: str) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    card = card_of(run)
    id = question_of(card.snapshot())["id"]
    with pytest.raises(KeyError):
        card.behind_mask(source.format(id=id))


def test_what_becomes_a_secret_later_is_masked_in_what_was_shown_before(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "quick")
    run.done("read_ticket", {"summary": "the code is XK-9911-PQ", "amount": None})
    card = card_of(run)
    assert "XK-9911-PQ" in json.dumps(card.snapshot())
    card.take()
    run.record("", ev.MemoryPatched("iban", 2, "lead", "XK-9911-PQ"))
    card.apply(run.recorded())
    patch = card.take()
    assert patch is not None
    assert ["steps", "read_ticket"] in [path for _, path, _ in patch["ops"]]
    assert "XK-9911-PQ" not in json.dumps(card.snapshot())


def test_texts_that_would_deceive_the_eye_or_break_a_message_are_made_visible(run: Any) -> None:
    script.to_payout(run)
    evil = "pay \u202e00.001\u202c \x00 now"
    script.ask_payout(run, {**script.ARGUMENTS, "account": evil, "memo": None})
    question = question_of(state_of(run))
    assert texts(question["value"])["account"].count("\ufffd") == 3
    run.fail("issue_refund", "AgentError", "half a \ud800 letter")
    text = json.dumps(state_of(run), ensure_ascii=False)
    text.encode()
    assert "\u202e" not in text


def test_long_values_are_shortened_after_masking(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "quick")
    run.done("read_ticket", {"summary": "x" * 3_990 + IBAN + "y" * 100, "amount": None})
    text = texts(state_of(run)["steps"]["read_ticket"]["output"])["summary"]
    assert "DE8937" not in text
    assert len(text) < 4_100
    assert "more characters" in text


def test_wide_outputs_show_their_first_fields(run: Any) -> None:
    run.begin()
    run.start("read_ticket", "intake", "quick")
    run.done("read_ticket", {f"k{i}": i for i in range(100)})
    rows = state_of(run)["steps"]["read_ticket"]["output"]
    assert len(rows) == 41
    assert rows[-1]["text"] == "60 more fields"


# ---------------------------------------------------------------- edits


@pytest.fixture
def asked(run: Any) -> tuple[CardState, str]:
    script.to_payout(run)
    script.ask_payout(run)
    card = card_of(run)
    return card, question_of(card.snapshot())["id"]


def test_the_editor_has_an_input_a_field(asked: tuple[CardState, str]) -> None:
    fields = question_of(asked[0].snapshot())["fields"]
    assert [(f["name"], f["kind"], f["text"]) for f in fields] == [
        ("account", "text", "55120"),
        ("amount", "decimal", "412.00"),
        ("urgent", "boolean", "false"),
        ("method", "choice", "card"),
        ("memo", "text", ""),
    ]
    assert fields[3]["options"] == ["card", "transfer"]
    assert fields[4]["masked"]
    assert fields[4]["old"] == "to card •••• 1111"


def test_an_edit_changes_what_was_typed_and_keeps_the_rest(asked: tuple[CardState, str]) -> None:
    card, id = asked
    value = card.edited(id, {"amount": " 90.5 ", "urgent": "true", "method": "transfer"})
    assert value == {
        **script.ARGUMENTS,
        "amount": "90.5",
        "urgent": True,
        "method": "transfer",
    }
    assert card.edited(id, {"memo": None})["memo"] is None
    # What is masked was not touched, and keeps its true value.
    assert value["memo"] == f"to card {script.CARD}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": "a lot"}, "amount"),
        ({"amount": None}, "amount: a value is needed"),
        ({"urgent": "perhaps"}, "urgent"),
        ({"method": "cash"}, "card, transfer"),
        ({"colour": "red"}, "no field 'colour'"),
    ],
)
def test_an_edit_that_does_not_fit_names_the_field(
    asked: tuple[CardState, str], changes: dict[str, str | None], message: str
) -> None:
    card, id = asked
    with pytest.raises(ValueError, match=message):
        card.edited(id, changes)


def test_an_edit_of_an_unknown_question_is_refused(asked: tuple[CardState, str]) -> None:
    with pytest.raises(ValueError, match="no question nope"):
        asked[0].edited("nope", {})


def test_a_lost_result_is_entered_from_nothing(run: Any) -> None:
    script.to_payout(run)
    arguments = {**script.ARGUMENTS, "amount": "90.00"}
    script.ask_payout(run, arguments)
    run.lose("issue_refund", "issue_refund", arguments)
    card = card_of(run)
    id = question_of(card.snapshot())["id"]
    with pytest.raises(ValueError, match="receipt: a value is needed"):
        card.edited(id, {})
    assert card.edited(id, {"receipt": "R-1"}) == {"receipt": "R-1"}


# ---------------------------------------------------------------- patches


def patched(state: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """What a view makes of a patch."""
    assert patch["seq"] == state["seq"] + 1
    for op, path, *value in patch["ops"]:
        target = state
        for key in path[:-1]:
            target = target[key]
        if op == "drop":
            del target[path[-1]]
        else:
            target[path[-1]] = value[0]
    state["seq"] = patch["seq"]
    return state


def test_a_view_that_follows_every_patch_holds_the_snapshot(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    answer(run, "escalate")
    answer(run, "approve", person="finance")
    script.finish(run)
    card = CardState(run.spec, run.workflow, run.id)
    view = card.snapshot()
    patches = 0
    for event in run.recorded():
        card.apply([event])
        patch = card.take()
        assert patch is not None
        view = patched(view, json.loads(json.dumps(patch)))
        patches += 1
    assert view == json.loads(json.dumps(card.snapshot()))
    assert view["seq"] == patches == len(run.recorded())
    assert card.take() is None


def test_a_snapshot_between_patches_may_be_patched_again(run: Any) -> None:
    script.to_payout(run)
    card = card_of(run)
    view = card.snapshot()
    script.ask_payout(run)
    card.apply(run.recorded())
    early = card.snapshot()
    assert early["seq"] == view["seq"]
    patch = card.take()
    assert patch is not None
    assert patched(early, patch) == card.snapshot()


def test_many_events_make_one_patch_with_one_op_a_path(run: Any) -> None:
    script.to_payout(run)
    card = card_of(run)
    patch = card.take()
    assert patch is not None
    paths = [tuple(path) for _, path, *_ in patch["ops"]]
    assert len(paths) == len(set(paths))
    assert card.take() is None


def test_a_snapshot_is_the_callers_own(run: Any) -> None:
    card = card_of(run)
    card.snapshot()["steps"].clear()
    assert card.snapshot()["steps"]


def test_events_seen_before_are_passed_over(run: Any) -> None:
    script.to_payout(run)
    card = card_of(run)
    before = card.snapshot()
    card.apply(run.recorded()[3:9])
    assert card.snapshot() == before


def test_a_missing_event_is_an_error_and_reading_again_heals_it(run: Any) -> None:
    script.to_payout(run)
    events = run.recorded()
    card = CardState(run.spec, run.workflow, run.id)
    card.apply(events[:4])
    card.take()
    with pytest.raises(JournalError):
        card.apply(events[5:])
    card.reread(events)
    patch = card.take()
    assert patch is not None
    assert patch["seq"] == 2
    assert card.snapshot()["steps"] == state_of(run)["steps"]


def test_the_card_may_be_read_while_it_is_written(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    events: list[Event] = run.recorded()
    card = CardState(run.spec, run.workflow, run.id)
    started = threading.Barrier(3)
    failures: list[BaseException] = []

    def read() -> None:
        started.wait()
        try:
            while card.snapshot()["events"] < len(events):
                card.take()
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    started.wait()
    for event in events:
        card.apply([event])
    for reader in readers:
        reader.join(20)
    assert not failures
    assert not any(reader.is_alive() for reader in readers)


def test_the_tail_tells_the_last_events(run: Any) -> None:
    script.to_payout(run)
    script.ask_payout(run)
    state = state_of(run)
    assert state["events"] == len(run.recorded())
    assert len(state["tail"]) == 8
    assert state["tail"][-1][1:] == ["approval.asked", "issue_refund asks lead"]


def test_every_kind_of_event_has_a_line(run: Any) -> None:
    from leafmesh_nb.observe.wording import event_line

    script.to_payout(run)
    script.ask_payout(run)
    answer(run, "approve")
    script.finish(run)
    lines = {event.kind: event_line(event) for event in run.recorded()}
    assert lines["task.routed"] == "send_reply → mailer"
    assert lines["approval.answered"] == "issue_refund approve by lead (notebook, asserted)"
    assert lines["run.ended"] == "done"
    assert all(lines.values())


def test_who_sits_there_is_part_of_the_state(run: Any) -> None:
    assert state_of(run, person="finance")["person"] == "finance"
    assert state_of(run)["person"] is None
