"""The card's JavaScript on an empty page: a fake model in place of the kernel."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from leafmesh_nb.notebook.live.widget import RunWidget, static_bundle
from leafmesh_nb.observe.card import CardState

pytestmark = pytest.mark.browser

MOUNT = """async ([esm, css, state, views]) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const module = (await import(url)).default;
  window.sent = [];
  const model = {
    get: (key) => (key === "uid" ? "a-run" : state),
    on: (_, receive) => { window.deliver = receive; },
    send: (message) => window.sent.push(message),
  };
  module.initialize({ model });
  window.dispose = [];
  for (let i = 0; i < views; i++) {
    const output = document.createElement("div");
    output.className = "jp-OutputArea-output";
    const el = document.createElement("div");
    output.append(el);
    document.body.append(output);
    window.dispose.push(module.render({ model, el }));
  }
}"""


def _scripted_run() -> Any:
    path = Path(__file__).parents[1] / "fixtures" / "live" / "scripted_run.py"
    spec = importlib.util.spec_from_file_location("scripted_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _scripted_run()


class Card:
    """A mounted card: the page, and the kernel's end of the wire."""

    def __init__(self, page: Any, run: Any, *, views: int = 1, **kwargs: Any) -> None:
        self.page = page
        self.run = run
        self.state = CardState(run.spec, run.workflow, run.id, **kwargs)
        self.state.apply(run.recorded())
        self.state.take()
        at = self.state.snapshot()["tail"][-1][0]
        snapshot = self.state.snapshot() | {"now": at}
        page.set_content("<!doctype html><body data-jp-theme-light='true'></body>")
        page.evaluate(MOUNT, [RunWidget._esm, RunWidget._css, snapshot, views])

    def sent(self, kind: str) -> list[dict[str, Any]]:
        return [m for m in self.page.evaluate("() => window.sent") if m["t"] == kind]

    def deliver(self, message: dict[str, Any]) -> None:
        self.page.evaluate("(message) => window.deliver(message)", message)

    def follow(self) -> None:
        """Send what happened since as a patch."""
        self.state.apply(self.run.recorded())
        patch = self.state.take()
        assert patch is not None
        self.deliver(patch)

    def verdict(self, *, ok: bool, **more: Any) -> None:
        """Judge the last request."""
        asked = self.page.evaluate("() => window.sent.filter((m) => m.req).at(-1)")
        self.deliver({"t": "verdict", "req": asked["req"], "ok": ok, "message": ""} | more)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    errors: list[str] = []
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def waiting(page: Any) -> Card:
    run = script.ScriptedRun()
    script.to_payout(run)
    script.ask_payout(run)
    return Card(page, run)


@pytest.fixture
def in_doubt(page: Any) -> Card:
    run = script.ScriptedRun()
    script.to_payout(run)
    arguments = {**script.ARGUMENTS, "amount": "90.00"}
    script.ask_payout(run, arguments)
    run.lose("issue_refund", "issue_refund", arguments)
    return Card(page, run)


def boxes(page: Any) -> dict[str, dict[str, float]]:
    """Where the graph's nodes stand, by name."""
    return dict(
        page.evaluate(
            "() => [...document.querySelectorAll('.lfm-node')].map((n) => ["
            "n.querySelector('.lfm-node-name').textContent, n.getBoundingClientRect().toJSON()])"
        )
    )


# ---------------------------------------------------------------- what is shown


def test_hostile_texts_are_text(waiting: Card) -> None:
    body = waiting.page.locator("body")
    assert "<script>window.hacked=1</script><img src=x onerror=" in body.inner_text()
    assert waiting.page.evaluate("() => window.hacked") is None
    expect(waiting.page.locator(".lfm script, .lfm img")).to_have_count(0)


def test_a_question_shows_all_that_it_takes_to_answer(waiting: Card) -> None:
    text = waiting.page.locator(".lfm-question").inner_text()
    for told in (
        "Let teller call issue_refund?",
        "412.00 is over the teller's limit",
        "Policy payouts, rule large",
        "tool.arguments.amount 412.00 > 100",
        "55120",
        "What teller saw",
        "(in 30 min)",
        "finance",
        "sam",
        "$0.00 ($0.161 at list price)",
        "you answer as",
        "(asserted)",
    ):
        assert told in text, told


@pytest.mark.parametrize("amount", ["0", "0.0000431", "0.001", "0.1649", "0.5", "0.29", "1234.5"])
def test_money_reads_as_in_the_static_twin(page: Any, amount: str) -> None:
    from leafmesh_nb.observe.wording import usd

    run = script.ScriptedRun()
    run.begin()
    run.start("read_ticket", "intake", "vendor:m")
    run.call("read_ticket", {"summary": "s"}, model="vendor:m", cost=amount, list_cost=amount)
    Card(page, run)
    assert page.locator(".lfm-cost b").inner_text() == usd(amount)


def test_patches_move_the_card_on(waiting: Card) -> None:
    (question,) = [q.id for q in waiting.run.state.open_approvals()]
    waiting.run.answer(
        question, "approve", person="lead", channel="notebook", identity="asserted", note="yes"
    )
    waiting.follow()
    waiting.page.locator(".lfm-question").wait_for(state="detached")
    decision = waiting.page.locator(".lfm-decisions li")
    assert "approved" in decision.inner_text()
    assert "lead notebook, asserted" in decision.inner_text()
    assert "yes" in decision.inner_text()
    script.finish(waiting.run)
    waiting.follow()
    waiting.page.get_by_text("Done", exact=True).wait_for()


def test_two_questions_are_answered_one_by_one(page: Any) -> None:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": "a", "text": "b"})
    script.start_payout(run)
    script.ask_payout(run)
    card = Card(page, run)
    first, second = page.locator(".lfm-question").all()
    second.get_by_role("button", name="Reject").click()
    (answer,) = card.sent("answer")
    assert answer["card"] == [q.id for q in run.state.open_approvals()][1]
    assert first.get_by_role("button", name="Approve").is_enabled()
    assert second.get_by_role("button", name="Approve").is_disabled()


def test_the_label_of_the_offline_model_stands_at_its_output(page: Any) -> None:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": "a", "text": "b"})
    Card(page, run)
    label = "offline reader: rules, not a language model"
    expect(page.locator(".lfm-question").get_by_text(label)).to_have_count(1)
    page.get_by_role("button", name="Read ticket, done").click()
    expect(page.locator(".lfm-output").get_by_text(label)).to_have_count(1)
    page.get_by_role("button", name="Look up account, done").click()
    page.locator(".lfm-output").get_by_text("Amara Okafor").wait_for()
    expect(page.locator(".lfm-output").get_by_text(label)).to_have_count(0)


# ---------------------------------------------------------------- answering


def test_approve_sends_the_note_and_the_person(waiting: Card) -> None:
    waiting.page.get_by_label("Note").fill("fine by me")
    waiting.button("Approve").click()
    (answer,) = waiting.sent("answer")
    assert answer["answer"] == "approve"
    assert (answer["person"], answer["note"], answer["changes"]) == ("lead", "fine by me", {})


def test_a_refusal_is_shown_and_the_buttons_work_again(waiting: Card) -> None:
    waiting.button("Approve").click()
    assert waiting.button("Reject").is_disabled()
    waiting.verdict(ok=False, message="lead is away")
    waiting.page.get_by_text("lead is away").wait_for()
    waiting.button("Reject").click()
    assert [m["answer"] for m in waiting.sent("answer")] == ["approve", "reject"]


def test_a_busy_kernel_is_told(waiting: Card) -> None:
    waiting.button("Approve").click()
    waiting.page.get_by_text("The kernel is busy").wait_for()


def test_an_edit_shows_its_changes_and_sends_only_them(waiting: Card) -> None:
    page = waiting.page
    waiting.button("Edit…").click()
    assert page.evaluate("() => document.activeElement.value") == "55120"
    page.get_by_role("textbox", name="amount").fill("90.00")
    page.get_by_role("combobox", name="urgent").select_option("true")
    diff = page.locator(".lfm-diff")
    assert [line.text_content() for line in diff.locator("div").all()] == [
        "amount 412.00 (old)",
        "amount 90.00 (new)",
        "urgent false (old)",
        "urgent true (new)",
    ]
    # The original stays in view.
    assert "412.00" in page.locator(".lfm-what").inner_text()
    waiting.button("Approve with edits").click()
    (answer,) = waiting.sent("answer")
    assert answer["answer"] == "edit"
    assert answer["changes"] == {"amount": "90.00", "urgent": "true"}


def test_dropping_the_edits_approves_what_was_proposed(waiting: Card) -> None:
    waiting.button("Edit…").click()
    waiting.page.get_by_role("textbox", name="amount").fill("90.00")
    waiting.button("Drop the edits").click()
    waiting.button("Approve").click()
    (answer,) = waiting.sent("answer")
    assert (answer["answer"], answer["changes"]) == ("approve", {})


def test_a_masked_field_stays_as_it_is_unless_typed_over(waiting: Card) -> None:
    waiting.button("Edit…").click()
    memo = waiting.page.get_by_role("textbox", name="memo")
    assert memo.input_value() == ""
    assert "masked" in memo.get_attribute("placeholder")
    waiting.page.get_by_role("textbox", name="amount").fill("90")
    waiting.button("Approve with edits").click()
    assert "memo" not in waiting.sent("answer")[0]["changes"]


def test_escalate_names_the_next_rung_and_the_card_follows(waiting: Card) -> None:
    waiting.page.get_by_label("Note").fill("a long note")
    waiting.button("Escalate to finance").click()
    (answer,) = waiting.sent("answer")
    waiting.run.answer(
        answer["card"], "escalate", person="lead", channel="notebook", identity="asserted"
    )
    waiting.verdict(ok=True)
    waiting.follow()
    waiting.page.locator(".lfm-who b", has_text="finance").wait_for()
    expect(waiting.button("Escalate to finance")).to_have_count(0)
    assert waiting.page.get_by_label("Note").input_value() == "a long note"


def test_an_escalated_question_can_be_answered_again(waiting: Card) -> None:
    waiting.button("Escalate to finance").click()
    (answer,) = waiting.sent("answer")
    waiting.run.answer(
        answer["card"], "escalate", person="lead", channel="notebook", identity="asserted"
    )
    waiting.verdict(ok=True)
    waiting.follow()
    waiting.page.locator(".lfm-who b", has_text="finance").wait_for()
    waiting.button("Approve").click()
    assert waiting.sent("answer")[-1]["person"] == "finance"


def test_a_roster_of_several_offers_who_answers(page: Any) -> None:
    run = script.ScriptedRun()
    script.until_draft(run)
    run.gate("draft_reply", "output", {"subject": "a", "text": "b"})
    card = Card(page, run, person="finance")
    who = page.get_by_label("you answer as")
    assert who.input_value() == "finance"
    who.select_option("lead")
    card.button("Approve").click()
    assert card.sent("answer")[0]["person"] == "lead"


def test_a_person_who_is_not_asked_answers_as_themselves(page: Any) -> None:
    run = script.ScriptedRun()
    script.to_payout(run)
    script.ask_payout(run)
    card = Card(page, run, person="sam")
    assert "you answer as sam (asserted)" in " ".join(page.locator(".lfm-who").inner_text().split())
    card.button("Approve").click()
    assert card.sent("answer")[0]["person"] == "sam"


def test_a_call_in_doubt_has_answers_of_its_own(in_doubt: Card) -> None:
    page = in_doubt.page
    names = [b.inner_text() for b in page.locator(".lfm-actions button:visible").all()]
    assert names == ["Run it again", "It happened, with this result…", "Fail the step"]
    in_doubt.button("It happened, with this result…").click()
    page.get_by_role("textbox", name="receipt").fill("R-77")
    in_doubt.button("It happened, with this result").click()
    (answer,) = in_doubt.sent("answer")
    assert (answer["answer"], answer["changes"]) == ("edit", {"receipt": "R-77"})


@pytest.mark.parametrize(
    ("name", "answer"), [("Run it again", "approve"), ("Fail the step", "reject")]
)
def test_the_other_answers_to_a_doubt(in_doubt: Card, name: str, answer: str) -> None:
    in_doubt.button(name).click()
    assert in_doubt.sent("answer")[0]["answer"] == answer


# ---------------------------------------------------------------- reveal


def test_a_reveal_shows_the_value_in_this_page_until_hidden(waiting: Card) -> None:
    button = waiting.page.get_by_role("button", name="Reveal iban")
    button.click()
    (asked,) = waiting.sent("reveal")
    assert asked["what"].endswith("/memory/1")
    waiting.verdict(ok=True, value="DE89 3704")
    waiting.page.get_by_text("DE89 3704").wait_for()
    waiting.page.get_by_role("button", name="Hide iban").click()
    expect(waiting.page.get_by_text("DE89 3704")).to_have_count(0)


def test_a_refused_reveal_says_why(waiting: Card) -> None:
    waiting.page.get_by_role("button", name="Reveal iban").click()
    waiting.verdict(ok=False, message="nothing can be revealed here")
    waiting.page.get_by_text("nothing can be revealed here").wait_for()
    assert "•••" in waiting.page.locator(".lfm-question").inner_text()


# ---------------------------------------------------------------- steering


def enabled(card: Card) -> list[str]:
    buttons = card.page.locator(".lfm-controls button").all()
    return [button.inner_text() for button in buttons if button.is_enabled()]


def test_the_controls_follow_the_status(page: Any) -> None:
    run = script.ScriptedRun()
    run.begin(step_by_step=True)
    card = Card(page, run)
    assert enabled(card) == ["Step", "Resume", "Cancel"]
    run.resume()
    card.follow()
    page.get_by_text("Running", exact=True).wait_for()
    assert enabled(card) == ["Pause", "Cancel"]
    run.cancel()
    card.follow()
    page.get_by_text("Cancelled", exact=True).wait_for()
    assert enabled(card) == []


def test_cancelling_is_asked_twice(page: Any) -> None:
    run = script.ScriptedRun()
    run.begin()
    card = Card(page, run)
    card.button("Cancel").click()
    assert card.sent("act") == []
    card.button("Really cancel?").click()
    assert [m["action"] for m in card.sent("act")] == ["cancel"]


def test_a_refused_action_is_told(page: Any) -> None:
    run = script.ScriptedRun()
    run.begin()
    card = Card(page, run)
    card.button("Pause").click()
    assert enabled(card) == []
    card.verdict(ok=False, message="it belongs to another process")
    page.get_by_role("alert").get_by_text("it belongs to another process").wait_for()
    assert enabled(card) == ["Pause", "Cancel"]


# ---------------------------------------------------------------- the wire


def test_a_gap_asks_for_the_whole_state(waiting: Card) -> None:
    waiting.deliver({"t": "patch", "seq": 99, "ops": [["set", ["name"], "wrong"]]})
    assert len(waiting.sent("sync")) == 1
    state = waiting.state.snapshot() | {"seq": 99, "name": "Another name"}
    waiting.deliver({"t": "state", "state": state})
    waiting.page.get_by_text("Another name", exact=True).wait_for()


def test_an_old_patch_and_an_old_state_are_passed_over(waiting: Card) -> None:
    waiting.deliver({"t": "patch", "seq": 1, "ops": [["set", ["name"], "old"]]})
    waiting.deliver({"t": "state", "state": waiting.state.snapshot() | {"seq": 0, "name": "old"}})
    waiting.page.wait_for_timeout(100)
    assert waiting.page.locator(".lfm-title").inner_text() == "Refund request"
    assert waiting.sent("sync") == []


def test_a_ping_is_answered_with_the_attached_views(page: Any) -> None:
    run = script.ScriptedRun()
    run.begin()
    card = Card(page, run, views=2)
    card.deliver({"t": "ping", "n": 5})
    assert [(m["n"], m["views"]) for m in card.sent("hello")][-1] == (5, 2)
    page.evaluate("() => window.dispose[0]()")
    card.deliver({"t": "ping", "n": 6})
    assert card.sent("hello")[-1]["views"] == 1


def test_at_the_end_every_view_is_static_and_outlives_the_widget(page: Any) -> None:
    run = script.ScriptedRun()
    script.to_payout(run)
    script.ask_payout(run)
    card = Card(page, run, views=2)
    run.cancel()
    card.state.apply(run.recorded())
    card.deliver({"t": "final", "html": static_bundle(card.state.snapshot())["text/html"]})
    expect(page.locator("button")).to_have_count(0)
    expect(page.get_by_text("– Cancelled")).to_have_count(2)
    # The page that got no update of its display: the widget's own node is taken away.
    page.evaluate(
        "() => { window.dispose[0](); document.querySelector('.lfm-final').parentNode.remove() }"
    )
    page.wait_for_function("() => document.querySelectorAll('.lfm-final').length === 2")
    assert "not answered" in page.locator("body").inner_text()
    assert page.evaluate("() => window.hacked") is None


# ---------------------------------------------------------------- keys and readers


def test_every_focusable_element_keeps_the_notebooks_shortcuts_away(waiting: Card) -> None:
    waiting.button("Edit…").click()
    unmarked = waiting.page.evaluate(
        "() => [...document.querySelectorAll('.lfm button, .lfm input, .lfm select, .lfm textarea,"
        " .lfm [tabindex]'), document.querySelector('.lfm')]"
        ".filter((node) => !node.hasAttribute('data-lm-suppress-shortcuts'))"
        ".map((node) => node.outerHTML)"
    )
    assert unmarked == []


def test_every_control_has_a_name(waiting: Card) -> None:
    waiting.button("Edit…").click()
    unnamed = waiting.page.evaluate(
        "() => [...document.querySelectorAll('.lfm input, .lfm select, .lfm textarea')]"
        ".filter((node) => !node.labels.length).map((node) => node.outerHTML)"
    )
    assert unnamed == []
    expect(waiting.page.get_by_role("group", name="Let teller call issue_refund?")).to_have_count(1)


def test_the_whole_question_is_answered_by_keyboard(waiting: Card) -> None:
    page = waiting.page
    page.get_by_label("Note").focus()
    page.keyboard.type("by keys")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    (answer,) = waiting.sent("answer")
    assert (answer["answer"], answer["note"]) == ("approve", "by keys")


def test_focus_stays_in_the_card_when_its_question_goes(waiting: Card) -> None:
    waiting.button("Approve").focus()
    waiting.run.answer(
        next(iter(waiting.run.state.open_approvals())).id,
        "approve",
        person="lead",
        channel="script",
        identity="script",
    )
    waiting.follow()
    waiting.page.locator(".lfm-question").wait_for(state="detached")
    assert waiting.page.evaluate("() => document.activeElement.className") == "lfm"


def test_a_waiting_run_is_spoken(waiting: Card) -> None:
    spoken = waiting.page.locator("[aria-live=polite]")
    assert spoken.text_content() == "Refund request: Waiting for lead"


def test_nothing_moves_for_those_who_ask_for_it(browser: Any) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    run = script.ScriptedRun()
    run.begin()
    run.start("read_ticket", "intake", "quick")
    Card(page, run)
    animated = page.evaluate(
        "() => [...document.querySelectorAll('.lfm *')]"
        ".filter((node) => getComputedStyle(node).animationName !== 'none').length"
    )
    context.close()
    assert animated == 0


# ---------------------------------------------------------------- layout


def test_the_graph_stands_in_ranks(waiting: Card) -> None:
    at = boxes(waiting.page)
    assert at["Read ticket"]["x"] < at["Look up account"]["x"] < at["Draft reply"]["x"]
    assert at["Look up account"]["x"] == at["Check policy"]["x"]
    assert at["Look up account"]["y"] < at["Read ticket"]["y"] < at["Check policy"]["y"]
    # What a step already waits for through another needs no edge of its own.
    expect(waiting.page.locator(".lfm-graph path")).to_have_count(6)


@pytest.mark.parametrize(("width", "columns"), [(1100, 5), (700, 3), (480, 2), (300, 1)])
def test_the_graph_wraps_and_never_shrinks(waiting: Card, width: int, columns: int) -> None:
    page = waiting.page
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function(
        "(columns) => new Set([...document.querySelectorAll('.lfm-node')]"
        ".map((n) => n.style.left)).size === columns",
        arg=columns,
    )
    at = boxes(page).values()
    assert {round(box["width"]) for box in at} == {164}
    frame = page.locator(".lfm-graph-frame").bounding_box()
    assert all(box["right"] <= frame["x"] + frame["width"] for box in at)
    places = sorted((box["y"], box["x"]) for box in at)
    assert len(set(places)) == 6


def test_a_narrow_card_does_not_overflow(waiting: Card) -> None:
    waiting.button("Edit…").click()
    waiting.page.set_viewport_size({"width": 360, "height": 900})
    waiting.page.wait_for_function("() => document.querySelector('.lfm').clientWidth < 360")
    overflowing = waiting.page.evaluate(
        "() => [...document.querySelectorAll('.lfm-question, .lfm-question *')]"
        ".filter((n) => n.getBoundingClientRect().right > 360).map((n) => n.className)"
    )
    assert overflowing == []


def test_the_clock_of_the_kernel_counts(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = script.ScriptedRun()
    run.begin()
    Card(page, run)
    time = page.locator(".lfm-heading .lfm-muted").last
    # The script's clock is months away from this page's.
    assert time.inner_text().endswith("ms")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.lfm-heading .lfm-muted')].at(-1)"
        ".textContent.endsWith(' s')"
    )


def test_both_themes_have_contrast(waiting: Card) -> None:
    for light in ("true", "false"):
        waiting.page.evaluate(
            "(light) => { document.body.dataset.jpThemeLight = light;"
            " document.body.style.cssText = light === 'true' ? '' : '--jp-layout-color1:#212121;"
            "--jp-ui-font-color1:#dedede;--jp-ui-font-color2:#a0a0a0' }",
            light,
        )
        for selector in (".lfm-pill", ".lfm-title", ".lfm-primary", ".lfm-danger", ".lfm-label"):
            ratio = waiting.page.evaluate(CONTRAST, selector)
            assert ratio >= 4.5, (selector, light)


CONTRAST = """(selector) => {
  const node = document.querySelector(selector);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const grounds = [];
  for (let at = node; at; at = at.parentElement) {
    grounds.unshift(getComputedStyle(at).backgroundColor);
  }
  const luminance = (rgb) => rgb.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = luminance(paint(["#fff", ...grounds]));
  const text = luminance(paint(["#fff", ...grounds, getComputedStyle(node).color]));
  return (Math.max(ground, text) + 0.05) / (Math.min(ground, text) + 0.05);
}"""
