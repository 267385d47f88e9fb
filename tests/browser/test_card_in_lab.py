"""The live card in a real JupyterLab, on a run by script: clicks, the end, reloads, saved files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest

pytestmark = pytest.mark.browser

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

START = """
import scripted_run as script
from leafmesh_nb.notebook.live.session import LiveSession

run = script.play({script})
session = LiveSession(run, on_reveal=lambda what: None)
session.show()
"""
DEMO = START.format(script="lambda run: script.demo(run, pace=0)")
TWO = START.format(script="script.two_questions")
AWAIT = """
import asyncio
while run.status in ("running", "waiting"):
    await asyncio.sleep(0.05)
print("ended:", run.status, [e.body.person for e in run.recorded() if "answered" in e.kind])
"""
BLOCK = """
import time
while run.status in ("running", "waiting"):
    time.sleep(0.05)
print("ended:", run.status)
"""

Open = Callable[..., Any]


def approve(where: Any) -> Any:
    return where.get_by_role("button", name="Approve", exact=True)


def saved_outputs(notebook: Any, cell: int = 0) -> list[Any]:
    return list(notebook.save().cells[cell].outputs)


def test_a_click_while_a_cell_awaits_ends_the_run_and_leaves_static_html(
    open_notebook: Open,
) -> None:
    notebook = open_notebook([DEMO, AWAIT])
    notebook.run_all()
    approve(notebook.page).wait_for()
    notebook.shot("waiting-light")
    notebook.page.get_by_role("textbox", name="Note").fill("paid twice, I checked")
    approve(notebook.page).click()
    notebook.output(1).get_by_text("ended: done ['lead']").wait_for()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    notebook.shot("done-light")

    (output,) = saved_outputs(notebook)
    assert WIDGET_VIEW not in output.data
    text = notebook.output(0).inner_text()
    assert "lead" in text
    assert "notebook, asserted" in text
    assert "paid twice, I checked" in text
    assert "offline reader: rules, not a language model" in text
    # What a ticket says is text, and two dollar amounts are no formula.
    assert "<script>window.hacked=1</script><img src=x onerror=" in text
    assert "$5 or $6" in text
    assert notebook.page.evaluate("() => window.hacked") is None
    assert notebook.output(0).locator("script, img, mjx-container").count() == 0
    assert "4111 1111 1111 1111" not in json.dumps(output)


def test_the_dark_theme(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO], theme="dark")
    notebook.run_all()
    approve(notebook.page).wait_for()
    notebook.shot("waiting-dark")
    pill = notebook.page.locator(".lfm-pill")
    colour = pill.evaluate("(node) => getComputedStyle(node).color")
    assert colour == "rgb(240, 180, 85)"
    approve(notebook.page).click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    notebook.shot("done-dark")


def test_a_click_counts_while_a_cell_blocks(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO, BLOCK])
    notebook.run_all()
    approve(notebook.page).click()
    notebook.output(1).get_by_text("ended: done").wait_for()


def test_two_questions_and_a_rejection(open_notebook: Open) -> None:
    notebook = open_notebook([TWO], height=1500)
    notebook.run_all()
    questions = notebook.page.locator(".lfm-question")
    questions.nth(1).wait_for()
    notebook.shot("two-questions-light")
    approve(questions.nth(0)).click()
    notebook.page.wait_for_function("() => document.querySelectorAll('.lfm-question').length === 1")
    approve(questions.nth(0)).click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    assert notebook.output(0).get_by_text("approved", exact=True).count() == 2


def test_a_denial_is_shown_as_a_failed_run(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO])
    notebook.run_all()
    notebook.page.get_by_role("button", name="Reject").click()
    notebook.output(0).get_by_text("✕ Failed").wait_for()
    notebook.shot("failed-light")
    assert "lead rejected it" in notebook.output(0).inner_text()


def test_an_edit_that_is_refused_says_why_and_can_be_mended(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO], height=1400)
    notebook.run_all()
    page = notebook.page
    page.get_by_role("button", name="Edit…").click()
    amount = page.get_by_role("textbox", name="amount")
    amount.fill("9000")
    page.get_by_role("button", name="Approve with edits").click()
    page.locator(".lfm-refused", has_text="the edited value is denied").wait_for()
    amount.fill("90.00")
    notebook.shot("editing-light")
    page.get_by_role("button", name="Approve with edits").click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    assert "amount: 412.00 → 90.00" in notebook.output(0).inner_text()


def test_letters_typed_into_the_card_are_no_commands_of_the_notebook(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO])
    notebook.run_all()
    page = notebook.page
    approve(page).focus()
    # In command mode: b inserts a cell, dd deletes one.
    page.keyboard.type("bdd")
    page.get_by_role("textbox", name="Note").focus()
    page.keyboard.type("abdd")
    page.locator(".lfm-node").first.focus()
    page.keyboard.type("b")
    assert page.locator(".jp-NotebookPanel .jp-CodeCell").count() == 1
    assert page.get_by_role("textbox", name="Note").input_value() == "abdd"


def test_liveness_counts_attached_views(open_notebook: Open) -> None:
    views = "import asyncio\nprint('views', await asyncio.to_thread(session.views, 10))"
    again = "session.redisplay()"
    notebook = open_notebook([DEMO, views, again, views])
    notebook.run_cell(0)
    approve(notebook.page).wait_for()
    notebook.run_cell(1)
    notebook.output(1).get_by_text("views 1").wait_for()
    notebook.run_cell(2)
    approve(notebook.output(2)).wait_for()
    notebook.run_cell(3)
    notebook.output(3).get_by_text("views 2").wait_for()
    # Both become static, wherever the answer was given.
    approve(notebook.output(2)).click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    notebook.output(2).get_by_text("✓ Done").wait_for()


def test_a_card_without_a_view_counts_none(open_notebook: Open) -> None:
    views = "import asyncio\nprint('views', await asyncio.to_thread(session.views, 10))"
    notebook = open_notebook([DEMO, views])
    notebook.run_cell(0)
    approve(notebook.page).wait_for()
    notebook.page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets[0].model.clearExecution()"
    )
    approve(notebook.page).wait_for(state="detached")
    notebook.run_cell(1)
    notebook.output(1).get_by_text("views 0").wait_for()


def test_after_a_reload_in_the_middle_the_card_lives_and_its_end_stays(
    open_notebook: Open,
) -> None:
    notebook = open_notebook([DEMO])
    notebook.run_all()
    approve(notebook.page).wait_for()
    notebook.save()
    notebook.reload()
    approve(notebook.page).wait_for()
    approve(notebook.page).click()
    notebook.page.get_by_text("✓ Done").wait_for()
    # The widget is gone by then, and took its own view with it.
    notebook.page.wait_for_timeout(1500)
    assert notebook.page.get_by_text("✓ Done").is_visible()
    notebook.shot("after-reload-light")


def test_a_second_tab_sees_the_same_run_and_its_end(open_notebook: Open) -> None:
    first = open_notebook([DEMO])
    first.run_all()
    approve(first.page).wait_for()
    first.save()
    second = open_notebook(name=first.name)
    approve(second.page).wait_for()
    approve(second.page).click()
    for notebook in (first, second):
        notebook.page.get_by_text("✓ Done").wait_for()
        notebook.page.wait_for_timeout(1000)
        assert notebook.page.get_by_text("✓ Done").is_visible()


def test_the_saved_notebook_reads_without_a_kernel_trusted_or_not(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO])
    notebook.run_all()
    approve(notebook.page).click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    content = notebook.save()
    # A stranger's copy carries no signature: JupyterLab sanitises what it shows.
    name = notebook.lab.write(content.cells, "received.ipynb")
    content = notebook.lab.read(name)
    content.cells[0].source += "\n# changed by a stranger"
    nbformat.write(content, notebook.lab.root / name)
    received = open_notebook(name=name)
    text = received.output(0).inner_text()
    for told in ("✓ Done", "approved", "notebook, asserted", "<script>window.hacked=1</script>"):
        assert told in text, told
    received.shot("received-light")
    box = received.output(0).get_by_text("Read ticket").first
    assert box.evaluate("(node) => getComputedStyle(node).fontWeight") == "700"


def test_an_exported_page_opens_from_disk(open_notebook: Open, browser: Any, tmp_path: Any) -> None:
    from nbconvert import HTMLExporter

    notebook = open_notebook([DEMO])
    notebook.run_all()
    approve(notebook.page).click()
    notebook.output(0).get_by_text("✓ Done").wait_for()
    saved = notebook.save()
    for sanitize in (False, True):
        html, _ = HTMLExporter(sanitize_html=sanitize, embed_images=True).from_notebook_node(saved)
        path = tmp_path / f"export-{sanitize}.html"
        path.write_text(html)
        page = browser.new_page()
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        text = page.locator("body").inner_text()
        assert "✓ Done" in text
        assert "<div" not in text
        assert "<tbody" not in text
        assert "<script>window.hacked=1</script>" in text
        assert page.evaluate("() => window.hacked") is None
        page.screenshot(path=notebook.shots / f"export-sanitized-{sanitize}.png", full_page=True)
        page.close()


def test_a_narrow_window(open_notebook: Open) -> None:
    notebook = open_notebook([DEMO], width=620, height=1500)
    notebook.run_all()
    approve(notebook.page).wait_for()
    notebook.shot("narrow-light")
    node = notebook.page.locator(".lfm-node").first.bounding_box()
    assert round(node["width"]) == 164
