"""The events of a run as spans: their tree, their times, and that an export may stop anywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.errors import JournalError
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry.mapping import SHAPES, Attribute
from leafmesh_nb.observe.telemetry.projection import project
from leafmesh_nb.observe.telemetry.spans import Span, span_id, trace_id

NAMES = ("approved", "edited", "waiting", "rejected", "skipped")
Runs = dict[str, list[Event]]


def spans_of(events: list[Event], spec: Spec, **more: Any) -> list[Span]:
    return project(events, spec, Masker.for_run(spec, events), **more)


def tree(spans: list[Span]) -> list[str]:
    """The spans as an indented list, by where they begin."""
    lines: list[str] = []

    def walk(parent: int | None, depth: int) -> None:
        for span in sorted((s for s in spans if s.parent == parent), key=lambda s: s.seq):
            lines.append("  " * depth + span.name)
            walk(span.seq, depth + 1)

    walk(None, 0)
    return lines


def named(spans: list[Span], name: str) -> Span:
    (found,) = [span for span in spans if span.name == name]
    return found


def test_the_tree_of_a_run(runs: Runs, spec: Spec) -> None:
    assert tree(spans_of(runs["approved"], spec)) == [
        "invoke_workflow refund",
        "  invoke_agent triage",
        "    route ticket.classify",
        "    chat quick",
        "    policy output",
        "  invoke_agent clerk",
        "    route refund.propose",
        "    function clerk",
        "    policy output",
        "  invoke_agent teller",
        "    route refund.pay",
        "    function teller",
        "      policy tool pay_out",
        "    approval pay_out",
        "    function teller",
        "      execute_tool pay_out",
        "    policy output",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_later_events_change_no_finished_span(runs: Runs, spec: Spec, name: str) -> None:
    """Whatever was exported stays as it was, so a cursor may stand anywhere."""
    events = runs[name]
    masker = Masker.for_run(spec, events)
    whole = project(events, spec, masker, content=True)
    for count in range(len(events) + 1):
        part = project(events[:count], spec, masker, content=True)
        assert part == [span for span in whole if span.closed_by <= count]
        assert part == whole[: len(part)]


@pytest.mark.parametrize("name", NAMES)
def test_parents_are_there_and_hold_their_children(runs: Runs, spec: Spec, name: str) -> None:
    spans = spans_of(runs[name], spec)
    by_seq = {span.seq: span for span in spans}
    assert len(by_seq) == len(spans)
    ended = isinstance(runs[name][-1].body, ev.RunEnded)
    for span in spans:
        assert span.start <= span.end
        parent = by_seq.get(span.parent or 0)
        if parent is None:
            assert span.parent is None or not ended
        else:
            assert parent.seq < span.seq
            assert parent.start <= span.start
            assert parent.closed_by >= span.closed_by or parent.attributes[
                Attribute.CALL_STATUS
            ] in ("unwound", "in_doubt")


def test_ids_follow_from_run_and_seq() -> None:
    assert trace_id("r1") == trace_id("r1") != trace_id("r2")
    ids = {span_id(run, seq) for run in ("r1", "r2", "r11") for seq in range(1, 200)}
    assert len(ids) == 3 * 199
    assert all(0 < found < 2**64 for found in ids)
    assert 0 < trace_id("r1") < 2**128
    # Fixed for good: another version must find the spans that this one sent.
    assert f"{trace_id('r1'):032x}" == "590ca3377c00b6f674de61195d95b923"
    assert f"{span_id('r1', 1):016x}" == "84989c6f7652c6ee"


def test_what_people_took_is_a_span(runs: Runs, spec: Spec) -> None:
    approval = named(spans_of(runs["approved"], spec), "approval pay_out")
    assert approval.seconds == 1800 + 720
    told = approval.attributes
    assert told[Attribute.APPROVAL_WAITED] == 2520.0
    assert told[Attribute.APPROVAL_OUTCOME] == "approved"
    assert told[Attribute.APPROVAL_PERSON] == "finance"
    assert told[Attribute.APPROVAL_ROSTER] == ["lead"]
    assert [h.name for h in approval.happened] == ["leafmesh.approval.escalated"]
    (link,) = approval.links
    decision = named(spans_of(runs["approved"], spec), "policy tool pay_out")
    assert link.seq == decision.seq
    assert decision.attributes[Attribute.OUTCOME] == "ask"
    assert decision.attributes[Attribute.RULES] == ["payouts.large"]


def test_an_edit_and_a_call_in_doubt(runs: Runs, spec: Spec) -> None:
    spans = spans_of(runs["edited"], spec)
    first, second = [span for span in spans if span.of == "approval"]
    assert first.attributes[Attribute.APPROVAL_OUTCOME] == "edited"
    assert second.attributes[Attribute.POINT] == "in_doubt"
    assert [h.name for h in second.happened] == ["leafmesh.approval.refused"]
    lost, sent = [span for span in spans if span.of == "tool"]
    assert [link.seq for link in second.links] == [lost.seq]
    assert lost.failed
    assert lost.attributes[Attribute.ERROR_TYPE] == "in_doubt"
    assert lost.attributes[Attribute.CALL_STATUS] == "in_doubt"
    # The process died right after it: the hour until somebody went on is not the call's.
    assert lost.seconds < 1
    assert not sent.failed
    assert sent.attributes[Attribute.CALL_ATTEMPT] == 2
    assert sent.attributes[Attribute.CALL_KEY] == lost.attributes[Attribute.CALL_KEY]
    edited = [s for s in spans if s.attributes.get(Attribute.EDITED_BY) == "lead"]
    assert [span.name for span in edited] == ["policy tool pay_out"]


def test_a_function_that_was_unwound_did_not_fail(runs: Runs, spec: Spec) -> None:
    unwound, ran = [s for s in spans_of(runs["approved"], spec) if s.name == "function teller"]
    assert unwound.attributes[Attribute.CALL_STATUS] == "unwound"
    assert not unwound.failed
    assert unwound.seconds < 1  # up to the question, not to its answer
    assert ran.attributes[Attribute.CALL_STATUS] == "finished"


def test_open_spans_wait(runs: Runs, spec: Spec) -> None:
    names = [span.name for span in spans_of(runs["waiting"], spec)]
    assert "invoke_workflow refund" not in names
    assert "invoke_agent teller" not in names
    assert "approval pay_out" not in names
    assert "policy tool pay_out" in names


def test_errors_are_a_status(runs: Runs, spec: Spec) -> None:
    spans = spans_of(runs["rejected"], spec)
    failed = {span.name for span in spans if span.failed}
    assert failed == {"invoke_workflow refund", "invoke_agent teller", "function teller"}
    for span in spans:
        kind = "PolicyDenied" if span.failed else None
        assert span.attributes.get(Attribute.ERROR_TYPE) == kind
        assert span.message == ""  # what lead wrote is content
    outcome = named(spans, "approval pay_out").attributes[Attribute.APPROVAL_OUTCOME]
    assert outcome == "rejected"


def test_handoffs_are_links(runs: Runs, spec: Spec) -> None:
    spans = spans_of(runs["approved"], spec)
    by_name = {span.name: span for span in spans}
    assert by_name["invoke_agent triage"].links == ()
    for name, giver, step in (
        ("invoke_agent clerk", "invoke_agent triage", "classify"),
        ("invoke_agent teller", "invoke_agent clerk", "propose"),
    ):
        (link,) = by_name[name].links
        assert link.seq == by_name[giver].seq
        assert link.attributes[Attribute.LINK] == "handoff"
        assert link.attributes[Attribute.STEP] == step


def test_skipped_steps_are_told_of_the_run(runs: Runs, spec: Spec) -> None:
    spans = spans_of(runs["skipped"], spec)
    root = named(spans, "invoke_workflow refund")
    told = [h.attributes[Attribute.STEP] for h in root.happened if "skipped" in h.name]
    assert told == ["propose", "pay"]
    assert [span.of for span in spans if span.parent == root.seq] == ["agent"]


def test_tokens_and_money(runs: Runs, spec: Spec) -> None:
    chat = named(spans_of(runs["approved"], spec), "chat quick").attributes
    assert chat[Attribute.OPERATION] == "chat"
    assert chat[Attribute.PROVIDER] == "offline"
    assert (chat[Attribute.INPUT_TOKENS], chat[Attribute.OUTPUT_TOKENS]) == (310, 42)
    assert (chat[Attribute.SPENT], chat[Attribute.LIST_PRICE]) == (0.0, 0.0001615)


def test_every_span_has_its_openinference_kind(runs: Runs, spec: Spec) -> None:
    kinds = {
        span.of: span.attributes[Attribute.SPAN_KIND]
        for name in NAMES
        for span in spans_of(runs[name], spec)
    }
    assert kinds == {of: shape.kind for of, shape in SHAPES.items() if of != "step"}
    assert set(kinds.values()) == {"CHAIN", "AGENT", "LLM", "TOOL", "GUARDRAIL"}


SAID = ("charged", "ada@example.com", "over the teller", "call them first", "ok for", "620", "R-88")


def everything(span: Span) -> str:
    return json.dumps(
        [
            span.name,
            span.message,
            dict(span.attributes),
            [dict(h.attributes) for h in span.happened],
            [dict(link.attributes) for link in span.links],
        ],
        ensure_ascii=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_was_said_goes_out_unasked(runs: Runs, spec: Spec, name: str) -> None:
    for span in spans_of(runs[name], spec):
        for text in SAID:
            assert text not in everything(span), (span.name, text)


def test_content_is_opt_in_and_masked(runs: Runs, spec: Spec) -> None:
    spans = spans_of(runs["approved"], spec, content=True)
    shown = "\n".join(map(everything, spans))
    assert "4111" not in shown
    assert "ada@example.com" not in shown
    assert "•••" in shown
    chat = named(spans, "chat quick").attributes
    (message,) = json.loads(str(chat[Attribute.INPUT_MESSAGES]))
    assert message["role"] == "user"
    assert "charged my card" in message["parts"][0]["content"]
    (message,) = json.loads(str(chat[Attribute.OUTPUT_MESSAGES]))
    assert (message["role"], message["finish_reason"]) == ("assistant", "stop")
    tool = named(spans, "execute_tool pay_out").attributes
    assert json.loads(str(tool[Attribute.TOOL_ARGUMENTS])) == {
        "ticket_id": "T1002",
        "amount": "620.00",
    }
    assert json.loads(str(tool[Attribute.TOOL_RESULT])) == {"receipt": "R-88"}
    assert "•••" in str(named(spans, "approval pay_out").attributes[Attribute.NOTE])
    rejected = spans_of(runs["rejected"], spec, content=True)
    said = named(rejected, "invoke_workflow refund").message
    assert said == "lead rejected it: call them first"


def test_instructions_are_apart(spec: Spec, story: Any) -> None:
    story.start()
    story.add(ev.StepResolved(True, {}, {}), "classify")
    story.route("classify", "ticket.classify", ("triage", "quick"))
    request = {"instructions": "Be kind.", "inputs": {"ticket": "hello"}}
    story.add(ev.CallStarted("k1", "model", "quick", "triage", 1, "d1", request), "classify")
    error = {"kind": "AgentError", "message": "no answer", "step": "classify"}
    story.add(ev.CallFailed("k1", error, 0.1, 5, 0, "0.25", "0.5"), "classify")
    spans = project(story.events, spec, Masker(), content=True)
    chat = named(spans, "chat quick")
    (part,) = json.loads(str(chat.attributes[Attribute.SYSTEM_INSTRUCTIONS]))
    assert part == {"type": "text", "content": "Be kind."}
    assert "Be kind" not in str(chat.attributes[Attribute.INPUT_MESSAGES])
    assert (chat.failed, chat.message) == (True, "no answer")
    assert chat.attributes[Attribute.SPENT] == 0.25  # it has its price all the same


def test_a_step_that_nobody_can_take(spec: Spec, story: Any) -> None:
    story.start()
    story.add(ev.StepResolved(True, {}, {}), "classify")
    error = {"kind": "RoutingError", "message": "nobody is left", "step": "classify"}
    excluded = ({"agent": "triage", "reason": "no grant"},)
    story.add(ev.TaskRouted("ticket.classify", (), excluded, None, None, error=error), "classify")
    story.add(ev.StepEnded("failed", None, error), "classify")
    route, step = project(story.events, spec, Masker())
    assert (route.name, step.name) == ("route ticket.classify", "step classify")
    assert route.failed
    assert step.failed
    assert route.attributes[Attribute.ROUTE_EXCLUDED] == ["triage"]
    assert Attribute.AGENT not in step.attributes
    assert step.attributes[Attribute.SPAN_KIND] == "CHAIN"


def test_pauses_patches_and_budgets_are_told(spec: Spec, story: Any) -> None:
    story.start()
    story.add(ev.RunPaused("mara"))
    story.add(ev.MemoryPatched("ticket", 2, "mara", "another"))
    story.add(ev.RunResumed("mara"))
    story.add(ev.StepResolved(True, {}, {}), "classify")
    story.route("classify", "ticket.classify", ("triage", "quick"))
    story.add(ev.BudgetRefused("k1", "run", "0.2", "0.5", "0.4"), "classify")
    story.add(ev.StepEnded("failed", None, {"kind": "BudgetError", "message": "x"}), "classify")
    story.add(ev.RunEnded("cancelled"))
    spans = project(story.events, spec, Masker())
    step, root = named(spans, "invoke_agent triage"), named(spans, "invoke_workflow refund")
    assert [h.name for h in step.happened] == ["leafmesh.budget.refused"]
    told = [h.name.removeprefix("leafmesh.") for h in root.happened if "written" not in h.name]
    assert told == ["run.paused", "memory.patched", "run.resumed"]
    assert root.attributes[Attribute.RUN_STATUS] == "cancelled"
    assert not root.failed


def test_clocks_that_are_set_back_give_no_negative_time(spec: Spec, story: Any) -> None:
    story.start()
    story.add(ev.RunEnded("cancelled"), after=-3600)
    (root,) = project(story.events, spec, Masker())
    assert root.seconds == 0


def test_names_of_people_are_masked(spec: Spec, story: Any) -> None:
    story.start()
    story.add(ev.RunPaused("4111 1111 1111 1111"))
    story.add(ev.RunEnded("cancelled"))
    (root,) = project(story.events, spec, Masker())
    assert "4111" not in everything(root)


def test_events_that_no_run_could_have(runs: Runs, spec: Spec) -> None:
    events = [runs["approved"][0], *runs["approved"][3:]]
    with pytest.raises(JournalError, match="cannot follow"):
        project(events, spec, Masker())
    with pytest.raises(JournalError, match="does not begin"):
        project(runs["approved"][1:], spec, Masker())
    assert project([], spec, Masker()) == []
