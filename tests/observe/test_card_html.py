"""The static twin: stands alone, says everything, and nothing in it is markup of a stranger's."""

from __future__ import annotations

import importlib.util
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.observe.card import CardState
from leafmesh_nb.observe.card_html import ranks, run_html, run_text


def _scripted_run() -> Any:
    path = Path(__file__).parents[1] / "fixtures" / "live" / "scripted_run.py"
    spec = importlib.util.spec_from_file_location("scripted_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _scripted_run()

# nbconvert's sanitiser shows other tags as text, or what a parser puts into them.
PLAIN_TAGS = {"div", "span", "b"}


class Page(HTMLParser):
    """What a browser would make of the HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.lines: list[str] = []
        self.dollars: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "div":
            self.lines.append("\n")

    def handle_data(self, data: str) -> None:
        self.lines.append(data)
        if "$" in data:
            self.dollars.append(data)


def finished() -> Any:
    run = script.ScriptedRun()
    script.to_payout(run)
    script.ask_payout(run)
    (asked,) = run.state.open_approvals()
    run.answer(
        asked.id,
        "edit",
        person="lead",
        channel="notebook",
        identity="asserted",
        note=f"half of it {script.HOSTILE}",
        value={**script.ARGUMENTS, "amount": "90.00"},
    )
    script.ask_payout(run)
    script.finish(run)
    return run


def waiting() -> Any:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": script.HOSTILE, "text": "b"})
    script.start_payout(run)
    script.ask_payout(run, {**script.ARGUMENTS, "account": script.HOSTILE})
    return run


def failed() -> Any:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.fail("draft_reply", "AgentError", f"the writer said {script.HOSTILE}")
    return run


def cancelled() -> Any:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.skip("issue_refund", "when is false")
    run.cancel()
    return run


def queued() -> Any:
    return script.ScriptedRun()


RUNS = [finished, waiting, failed, cancelled, queued]


def answered_by_script() -> Any:
    run = script.ScriptedRun()
    script.to_payout(run)
    script.ask_payout(run)
    (asked,) = run.state.open_approvals()
    run.answer(asked.id, "approve", person="lead", channel="script", identity="script")
    return run


def state_of(run: Any) -> dict[str, Any]:
    card = CardState(run.spec, run.workflow, run.id)
    card.apply(run.recorded())
    return card.snapshot()


@pytest.mark.parametrize("made", RUNS)
def test_only_plain_tags_with_inline_styles(made: Any) -> None:
    page = Page(run_html(state_of(made())))
    assert page.tags <= PLAIN_TAGS
    assert page.attributes <= {"style"}


@pytest.mark.parametrize("made", RUNS)
def test_nbconverts_sanitiser_keeps_every_word_and_shows_no_tag_as_text(made: Any) -> None:
    from nbconvert.filters.strings import clean_html

    html = run_html(state_of(made()))
    before, after = Page(html), Page(clean_html(html))
    assert after.text == before.text
    assert after.tags == before.tags


@pytest.mark.parametrize("made", [finished, waiting, failed])
def test_hostile_texts_are_shown_as_text(made: Any) -> None:
    page = Page(run_html(state_of(made())))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "<script>window.hacked=1</script><img src=x" in page.text


@pytest.mark.parametrize("made", RUNS)
def test_no_dollar_sign_can_pair_up_with_another_as_tex(made: Any) -> None:
    page = Page(run_html(state_of(made())))
    assert set(page.dollars) <= {"$"}


def test_a_hostile_style_cannot_leave_its_attribute() -> None:
    # Names of steps, models and people come from the mesh's text.
    state = state_of(finished())
    state["name"] = state["mesh"] = '"><script>x</script>'
    state["steps"]["read_ticket"]["agent"] = "' onmouseover='x"
    page = Page(run_html(state))
    assert "script" not in page.tags
    assert page.attributes == {"style"}


def test_the_finished_run_tells_its_story() -> None:
    text = Page(run_html(state_of(finished()))).text
    for told in (
        "Refund request",
        "✓ Done",
        "$0.00 of $1.00",
        "$0.161 at list price",
        "Look up account",
        "intake · quick",
        "offline reader: rules, not a language model",
        "approved with edits",
        "amount: 412.00 → 90.00",
        "notebook, asserted",
        "rule payouts.small",
        "R-2041",
        "4,362 tokens",
        "6 of 6 steps done",
        "started by sam",
    ):
        assert told in text, told


def test_the_waiting_run_tells_what_is_asked() -> None:
    text = Page(run_html(state_of(waiting()))).text
    for told in (
        "Waiting for approver, lead",
        "Let teller call issue_refund?",
        "412.00 is over the teller's limit",
        "tool.arguments.amount 412.00 > 100",
        "lead is asked until 3 March, 13:50 UTC",
        "approver (lead, finance) is asked",
        "%mesh approvals",
    ):
        assert told in text, told


def test_nothing_masked_comes_through() -> None:
    for made in RUNS:
        state = state_of(made())
        for shown in (run_html(state), run_text(state)):
            assert script.CARD not in shown
            assert "DE89370400440532013000" not in shown


def test_an_unpriced_call_is_never_shown_as_free() -> None:
    run = script.ScriptedRun()
    run.begin()
    run.start("read_ticket", "intake", "vendor:new")
    run.call("read_ticket", {"summary": "s"}, model="vendor:new", tokens=10)
    run.done("read_ticket", {"summary": "s", "amount": None})
    text = Page(run_html(state_of(run))).text
    assert "has unpriced calls" in text
    assert "unpriced\n" in text


def test_ranks_follow_the_longest_way() -> None:
    assert ranks(state_of(queued())) == [
        ["read_ticket"],
        ["look_up_account", "check_policy"],
        ["draft_reply"],
        ["issue_refund"],
        ["send_reply"],
    ]


def test_colours_do_not_depend_on_the_pages_variables() -> None:
    html = run_html(state_of(finished()))
    # One variable is used, for the boxes' ground, and it has a fallback.
    assert html.count("var(") == html.count("var(--jp-layout-color1,transparent)")
    assert "color:#000" not in html
    assert "color:#fff" in html  # on the icons' own ground


def test_a_run_stays_small() -> None:
    assert len(run_html(state_of(finished()))) < 24_000


def test_the_text_says_the_same() -> None:
    text = run_text(state_of(finished()))
    assert text.splitlines()[0].startswith("Refund request  ✓ Done")
    assert "✓ Look up account" in text
    assert "approved with edits: 412.00 is over the teller's limit" in text
    assert "(lead, notebook, asserted)" in text
    assert "receipt: R-2041" in text
    assert "(offline reader: rules, not a language model)" in text
    open_text = run_text(state_of(waiting()))
    assert "! Let teller call issue_refund?" in open_text
    assert "lead is asked until 3 March, 13:50 UTC" in open_text


def test_a_state_that_went_through_json_shows_the_same() -> None:
    state = state_of(finished())
    assert run_html(json.loads(json.dumps(state))) == run_html(state)


def test_a_cancelled_run_says_so_without_a_result() -> None:
    run = cancelled()
    text = Page(run_html(state_of(run))).text
    assert "– Cancelled" in text
    assert "Result" not in text
    assert "when is false" in text


def test_a_long_step_name_and_a_long_error_stay_whole() -> None:
    run = script.ScriptedRun()
    run.begin()
    run.start("read_ticket", "intake", "quick")
    run.record("read_ticket", ev.StepEnded("failed", error={"kind": "X", "message": "e" * 300}))
    assert "e" * 300 in run_html(state_of(run))


def test_a_way_of_answering_that_is_its_own_identity_stands_once() -> None:
    state = state_of(answered_by_script())
    assert ">script<" in run_html(state)
    assert "(lead, script)" in run_text(state)
    assert "notebook, asserted" in run_html(state_of(finished()))
