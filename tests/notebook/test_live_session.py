"""The session between a run and its card, without a browser: messages in, messages out."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.errors import LeafmeshError, RunError
from leafmesh_nb.notebook.live import session as session_module
from leafmesh_nb.notebook.live import widget as widget_module
from leafmesh_nb.notebook.live.session import LiveSession

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SOON = 20


def _scripted_run() -> Any:
    path = Path(__file__).parents[1] / "fixtures" / "live" / "scripted_run.py"
    spec = importlib.util.spec_from_file_location("scripted_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _scripted_run()


class Page:
    """A browser's end of the widget: keeps what was sent, and sends."""

    def __init__(self, snapshot: Callable[[], Any], receive: Callable[[Any], None]) -> None:
        self.snapshot = snapshot
        self.deliver = receive
        self.sent: list[dict[str, Any]] = []
        self.closed = False
        self._arrived = threading.Condition()

    def send(self, message: dict[str, Any]) -> None:
        # What cannot be JSON would never reach a browser.
        message = json.loads(json.dumps(message, allow_nan=False))
        with self._arrived:
            self.sent.append(message)
            self._arrived.notify_all()

    def close(self) -> None:
        self.closed = True

    def wait(self, wanted: Callable[[dict[str, Any]], bool], start: int = 0) -> dict[str, Any]:
        """The first message after ``start`` that is wanted."""
        with self._arrived:
            found = self._arrived.wait_for(
                lambda: next((m for m in self.sent[start:] if wanted(m)), None), SOON
            )
        assert found, [m["t"] for m in self.sent]
        return found

    def ask(self, **message: Any) -> dict[str, Any]:
        """Send a request, and wait for its verdict."""
        req = f"r{len(self.sent)}"
        self.deliver({"req": req, **message})
        return self.wait(lambda m: m["t"] == "verdict" and m["req"] == req)


class Slot:
    """A display that can be updated."""

    def __init__(self, shown: Any) -> None:
        self.shown = shown
        self.updates: list[Any] = []

    def update(self, bundle: Any, *, raw: bool) -> None:
        assert raw
        self.updates.append(bundle)


class Notebook:
    """What was displayed."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.slots: list[Slot] = []
        self.displayed: list[Any] = []

    def widget(self, snapshot: Any, receive: Any) -> Page:
        self.pages.append(Page(snapshot, receive))
        return self.pages[-1]

    def display(self, shown: Any, *, display_id: bool = False, raw: bool = False) -> Any:
        self.displayed.append(shown)
        if not display_id:
            assert raw
            return None
        self.slots.append(Slot(shown))
        return self.slots[-1]


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    made = Notebook()
    monkeypatch.setattr("IPython.display.display", made.display)
    monkeypatch.setattr(widget_module, "RunWidget", made.widget)
    monkeypatch.setattr(session_module, "PATCH_EVERY", 0.005)
    return made


@pytest.fixture
def run() -> Iterator[Any]:
    made = script.ScriptedRun()
    yield made
    # Sessions end with their run.
    if made.state is None:
        made.begin()
    if made.state.ended is None:
        made.cancel()


def waiting_at_payout(run: Any, **kwargs: Any) -> tuple[LiveSession, str]:
    script.to_payout(run)
    script.ask_payout(run)
    session = LiveSession(run, **kwargs)
    session.show()
    return session, next(iter(run.state.open_approvals())).id


# ---------------------------------------------------------------- showing


def test_the_card_is_displayed_and_follows_the_run(notebook: Notebook, run: Any) -> None:
    run.begin()
    LiveSession(run).show()
    (page,) = notebook.pages
    assert notebook.displayed == [page]
    assert page.snapshot()["status"] == "running"
    run.start("read_ticket", "intake", "quick")
    patch = page.wait(lambda m: m["t"] == "patch")
    assert patch["seq"] >= 1
    assert patch["now"] == pytest.approx(time.time() * 1000, abs=60_000)
    assert page.snapshot()["steps"]["read_ticket"]["status"] == "run"


def test_the_end_sends_final_updates_every_display_and_closes(notebook: Notebook, run: Any) -> None:
    session, question = waiting_at_payout(run)
    session.redisplay()
    (page,) = notebook.pages
    run.answer(question, "approve", person="lead", channel="python", identity="asserted")
    script.ask_payout(run)
    script.finish(run)
    assert session.join(SOON)
    final = page.sent[-1]
    assert final["t"] == "final"
    assert "R-2041" in final["html"]
    assert page.closed
    assert len(notebook.slots) == 2
    for slot in notebook.slots:
        (bundle,) = slot.updates
        assert set(bundle) == {"text/html", "text/plain"}
        assert bundle["text/html"] == final["html"]


def test_after_the_end_nothing_is_shown_again_and_no_ping_is_answered(
    notebook: Notebook, run: Any
) -> None:
    run.begin()
    session = LiveSession(run)
    session.show()
    run.cancel()
    assert session.join(SOON)
    session.redisplay()
    assert len(notebook.slots) == 1
    assert session.views(20) is None


class DistantRun(script.ScriptedRun):
    """A run that another process drives: its events arrive when somebody asks for its status."""

    def subscribe(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self.told, self.callback = len(self.recorded()), callback
        return lambda: None

    @property
    def status(self) -> str:
        news = self.recorded()[self.told :]
        if news:
            self.told += len(news)
            self.callback(news)
        return str(super().status)


def test_the_card_follows_a_run_that_another_process_drives(notebook: Notebook) -> None:
    run = DistantRun()
    session, question = waiting_at_payout(run)
    (page,) = notebook.pages
    script.ScriptedRun.answer(
        run, question, "approve", person="lead", channel="service", identity="asserted"
    )
    page.wait(lambda m: m["t"] == "patch")
    script.ask_payout(run)
    script.finish(run)
    assert session.join(SOON)
    assert "R-2041" in page.sent[-1]["html"]


def test_a_run_that_has_ended_is_shown_without_a_widget(notebook: Notebook, run: Any) -> None:
    run.begin()
    run.cancel()
    session = LiveSession(run)
    session.show()
    assert notebook.pages == []
    (bundle,) = notebook.displayed
    assert "Cancelled" in bundle["text/plain"]
    assert session.join(0)


def test_an_event_between_subscribing_and_reading_is_not_lost(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.begin()
    recorded = run.recorded

    def late() -> Any:
        events = recorded()
        run.start("read_ticket", "intake", "quick")
        return events

    monkeypatch.setattr(run, "recorded", late)
    LiveSession(run).show()
    (page,) = notebook.pages
    page.wait(lambda m: m["t"] == "patch")
    assert page.snapshot()["steps"]["read_ticket"]["status"] == "run"


def test_a_missed_event_is_read_from_the_run(notebook: Notebook, run: Any) -> None:
    run.begin()
    LiveSession(run).show()
    (page,) = notebook.pages
    listeners, run._listeners[:] = list(run._listeners), []
    run.start("read_ticket", "intake", "quick")
    run._listeners[:] = listeners
    run.done("read_ticket", {"summary": "s", "amount": None})
    page.wait(lambda m: m["t"] == "patch")
    assert page.snapshot()["steps"]["read_ticket"]["status"] == "ok"


def test_many_events_make_few_messages(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "PATCH_EVERY", 0.1)
    run.begin()
    session = LiveSession(run)
    session.show()
    for _ in range(500):
        run.pause()
        run.resume()
    (page,) = notebook.pages
    run.cancel()
    assert session.join(SOON)
    assert len(page.sent) < 100
    assert page.snapshot()["events"] == len(run.recorded())


def test_a_keyframe_follows_the_patches(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "KEYFRAME_EVERY", 0.05)
    run.begin()
    LiveSession(run).show()
    (page,) = notebook.pages
    run.start("read_ticket", "intake", "quick")
    whole = page.wait(lambda m: m["t"] == "state")
    assert whole["state"]["steps"]["read_ticket"]["status"] == "run"
    assert whole["state"]["seq"] >= 1


def test_a_view_that_lags_gets_the_whole_state(notebook: Notebook, run: Any) -> None:
    waiting_at_payout(run)
    (page,) = notebook.pages
    start = len(page.sent)
    page.deliver({"t": "sync"})
    page.wait(lambda m: m["t"] == "state", start)
    start = len(page.sent)
    page.deliver({"t": "hello", "n": 0, "views": 1, "seq": 99})
    page.wait(lambda m: m["t"] == "state", start)


def test_the_end_is_shown_before_whoever_waits_for_the_run_goes_on(
    notebook: Notebook, run: Any
) -> None:
    run.begin()
    LiveSession(run).show()
    # Returns after the commit, as the runner does.
    run.cancel()
    (slot,) = notebook.slots
    assert "Cancelled" in slot.updates[0]["text/plain"]


@pytest.mark.faulty
def test_a_card_that_cannot_be_shown_does_not_hold_the_runner_for_long(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    run.begin()
    session = LiveSession(run)
    session.show()
    (page,) = notebook.pages
    monkeypatch.setattr(page, "send", lambda _: 1 / 0)
    run.cancel()
    assert session.join(SOON)
    assert "the live card of run" in caplog.text


# ---------------------------------------------------------------- liveness


def test_views_counts_those_that_answer(notebook: Notebook, run: Any) -> None:
    session, _ = waiting_at_payout(run)
    (page,) = notebook.pages

    def answer_ping() -> None:
        ping = page.wait(lambda m: m["t"] == "ping")
        page.deliver({"t": "hello", "n": ping["n"], "views": 2, "seq": 0, "tab": "a"})

    thread = threading.Thread(target=answer_ping)
    thread.start()
    assert session.views(SOON) == 2
    thread.join()


def test_no_page_at_all_is_none_and_a_page_without_views_is_zero(
    notebook: Notebook, run: Any
) -> None:
    session, _ = waiting_at_payout(run)
    (page,) = notebook.pages
    assert session.views(0.02) is None

    def answer_ping() -> None:
        ping = page.wait(lambda m: m["t"] == "ping" and m["n"] == 2)
        page.deliver({"t": "hello", "n": ping["n"], "views": 0, "seq": 0})

    thread = threading.Thread(target=answer_ping)
    thread.start()
    assert session.views(SOON) == 0
    thread.join()


def test_before_it_is_shown_nobody_looks(run: Any) -> None:
    assert LiveSession(run).views(SOON) is None


# ---------------------------------------------------------------- answers


def test_an_answer_is_recorded_with_person_channel_identity_and_note(
    notebook: Notebook, run: Any
) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    verdict = page.ask(t="answer", card=question, answer="approve", person="lead", note="fine")
    assert (verdict["ok"], verdict["card"]) == (True, question)
    answered = [e.body for e in run.recorded() if e.kind == "approval.answered"]
    assert [(a.person, a.channel, a.identity, a.note) for a in answered] == [
        ("lead", "notebook", "asserted", "fine")
    ]


def test_a_refused_answer_comes_back_with_its_reason(notebook: Notebook, run: Any) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    verdict = page.ask(t="answer", card=question, answer="approve", person="finance", note="")
    assert not verdict["ok"]
    assert "finance is not among those asked" in verdict["message"]
    assert page.ask(t="answer", card=question, answer="approve", person="lead", note="")["ok"]
    late = page.ask(t="answer", card=question, answer="reject", person="lead", note="")
    assert "decided already" in late["message"]


def test_an_edit_is_made_of_what_was_typed(notebook: Notebook, run: Any) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    edit = {"t": "answer", "card": question, "answer": "edit", "person": "lead", "note": ""}
    bad = page.ask(**edit, changes={"amount": "plenty"})
    assert not bad["ok"]
    assert bad["message"].startswith("amount:")
    denied = page.ask(**edit, changes={"amount": "9000"})
    assert "denied" in denied["message"]
    assert page.ask(**edit, changes={"amount": "90"})["ok"]
    (answered,) = [e.body for e in run.recorded() if e.kind == "approval.answered"]
    assert answered.value == {**script.ARGUMENTS, "amount": "90"}


def test_an_answer_does_not_block_the_kernel(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    judged = threading.Event()
    monkeypatch.setattr(run, "answer", lambda *_, **__: judged.wait(SOON))
    page.deliver({"t": "answer", "req": "r", "card": question, "answer": "approve", "note": ""})
    assert not [m for m in page.sent if m["t"] == "verdict"]
    judged.set()
    assert page.wait(lambda m: m["t"] == "verdict")["ok"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": "maybe"},
        {"answer": None},
        {"note": 7},
        {"note": "x" * 2001},
        {"person": ["lead"]},
        {"answer": "edit", "changes": None},
        {"answer": "edit", "changes": {"amount": 90}},
        {"answer": "edit", "changes": ["amount"]},
    ],
)
def test_a_malformed_answer_is_refused(notebook: Notebook, run: Any, wrong: dict[str, Any]) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    message = {"card": question, "answer": "approve", "person": "lead", "note": ""} | wrong
    verdict = page.ask(t="answer", **message)
    assert not verdict["ok"]
    assert verdict["message"]
    assert not [e for e in run.recorded() if e.kind == "approval.answered"]


@pytest.mark.parametrize(
    "message",
    [{}, {"t": "nonsense"}, {"t": "answer"}, {"t": "act", "req": 1, "action": "step"}, {"t": 3}],
)
def test_messages_that_mean_nothing_are_ignored(
    notebook: Notebook, run: Any, message: dict[str, Any]
) -> None:
    waiting_at_payout(run)
    (page,) = notebook.pages
    page.deliver(message)
    assert page.ask(t="act", action="pause")["ok"]
    assert run.asked_for == ["pause"]


@pytest.mark.faulty
def test_an_error_of_our_own_is_told_and_the_card_lives_on(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    with monkeypatch.context() as patch:
        patch.setattr(run, "answer", lambda *_, **__: 1 / 0)
        verdict = page.ask(t="answer", card=question, answer="approve", note="")
    assert verdict["message"].startswith("ZeroDivisionError")
    assert "failed" in caplog.text
    assert page.ask(t="answer", card=question, answer="approve", person="lead", note="")["ok"]


# ---------------------------------------------------------------- steering and revealing


def test_the_buttons_steer_the_run(notebook: Notebook, run: Any) -> None:
    run.begin(step_by_step=True)
    LiveSession(run).show()
    (page,) = notebook.pages
    for action in ("step", "resume", "pause", "cancel"):
        assert page.ask(t="act", action=action)["ok"]
    assert run.asked_for == ["step", "resume", "pause", "cancel"]


def test_what_a_run_refuses_is_told(
    notebook: Notebook, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.begin()
    LiveSession(run).show()
    (page,) = notebook.pages

    def refuse(**_: Any) -> None:
        raise RunError("this run belongs to another process")

    monkeypatch.setattr(run, "resume", refuse)
    assert page.ask(t="act", action="resume")["message"] == "this run belongs to another process"
    assert "cannot dance" in page.ask(t="act", action="dance")["message"]


def test_a_reveal_is_recorded_first_and_never_part_of_the_state(
    notebook: Notebook, run: Any
) -> None:
    recorded: list[str] = []
    _, question = waiting_at_payout(run, on_reveal=recorded.append)
    (page,) = notebook.pages
    (source,) = [
        row["source"]
        for row in page.snapshot()["questions"][question]["memory"]
        if row["name"] == "iban"
    ]
    verdict = page.ask(t="reveal", card=question, what=source)
    assert verdict["value"] == "DE89370400440532013000"
    assert recorded == [source]
    others = [m for m in page.sent if m["t"] != "verdict"]
    assert "DE8937" not in json.dumps([*others, page.snapshot()])


def test_a_reveal_that_cannot_be_recorded_shows_nothing(notebook: Notebook, run: Any) -> None:
    def refuse(_: str) -> None:
        raise LeafmeshError("the journal is read-only")

    _, question = waiting_at_payout(run, on_reveal=refuse)
    (page,) = notebook.pages
    verdict = page.ask(t="reveal", card=question, what=f"{question}/memory/1")
    assert not verdict["ok"]
    assert verdict["message"] == "the journal is read-only"
    assert "value" not in verdict
    gone = page.ask(t="reveal", card=question, what=f"{question}/memory/99")
    assert "no longer there" in gone["message"]


def test_without_a_recorder_nothing_is_revealed(notebook: Notebook, run: Any) -> None:
    _, question = waiting_at_payout(run)
    (page,) = notebook.pages
    verdict = page.ask(t="reveal", card=question, what=f"{question}/memory/1")
    assert not verdict["ok"]
    assert "value" not in verdict


# ---------------------------------------------------------------- the widget itself


def test_the_widget_serialises_what_is_true_now(run: Any) -> None:
    states = [{"seq": 1}, {"seq": 2}]
    received: list[Any] = []
    widget = widget_module.RunWidget(lambda: states[0], received.append)
    try:
        states.pop(0)
        state = widget.get_state(["state"])["state"]
        assert state["seq"] == 2
        assert state["now"] > 0
        widget._handle_custom_msg({"t": "sync"}, [])
        assert received == [{"t": "sync"}]
    finally:
        widget.close()


def test_the_widget_has_a_static_picture_beside_it(run: Any) -> None:
    from leafmesh_nb.observe.card import CardState

    run.begin()
    card = CardState(run.spec, run.workflow, run.id)
    card.apply(run.recorded())
    widget = widget_module.RunWidget(card.snapshot, lambda _: None)
    try:
        data, _ = widget._repr_mimebundle_()
    finally:
        widget.close()
    assert WIDGET_VIEW in data
    assert "Refund request" in data["text/html"]
    assert "Refund request" in data["text/plain"]


def test_the_module_for_the_browser_is_one_piece() -> None:
    source = widget_module.RunWidget._esm
    assert source.count("export default") == 1
    assert "import " not in source
    assert "innerHTML" in source
    assert source.count("innerHTML") == 1, "only the kernel's own static HTML may become markup"
    for name in ("http://", "https://"):
        assert source.replace("http://www.w3.org/2000/svg", "").count(name) == 0


def test_every_class_of_the_style_sheet_has_our_prefix() -> None:
    import re

    css = re.sub(r"/\*.*?\*/", "", widget_module.RunWidget._css, flags=re.S)
    ours = re.findall(r"\.(-?[a-zA-Z][\w-]*)", re.sub(r"\{[^}]*\}", "{}", css))
    assert {name for name in ours if not name.startswith("lfm")} == {"vscode-dark"}
