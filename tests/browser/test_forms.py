"""``%mesh new`` in a real JupyterLab: pick, see what is wrong, write the next cell, run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

REFUNDS = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"
DEFINE = "%load_ext leafmesh_nb\n"
MESH = "%%mesh -o mesh\n" + REFUNDS.read_text("utf-8")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

Open = Callable[..., Any]


def sources(notebook: Any) -> list[str]:
    """The texts of all cells, those that are not drawn included."""
    return list(
        notebook.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.widgets.map("
            "(cell) => cell.model.sharedModel.getSource())"
        )
    )


def opened(open_notebook: Open, what: str, **size: Any) -> Any:
    notebook = open_notebook([DEFINE, MESH, f"%mesh new {what}"], **size)
    notebook.run_all()
    notebook.output(2).locator(".lfm-form").wait_for()
    notebook.wait_until_idle()
    return notebook


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("what", ["agent", "policy", "workflow"])
def test_pictures(open_notebook: Open, what: str, theme: str) -> None:
    notebook = opened(open_notebook, what, theme=theme, height=1250)
    notebook.page.evaluate("() => jupyterapp.shell.currentWidget.content.scrollToItem(2, 'start')")
    form = notebook.output(2)
    form.locator(".lfm-pill", has_text="No errors").wait_for()
    assert form.locator(".lfm-form-yaml").inner_text().startswith(f"%%{what} ")
    notebook.shot(f"form-{what}-{theme}")


def test_a_policy_is_picked_written_and_run(open_notebook: Open) -> None:
    """The whole way: a mistake is shown as it is typed, the cell below is written, and it runs."""
    notebook = opened(open_notebook, "policy", height=1250)
    page, form = notebook.page, notebook.output(2)
    wait_for_cells(notebook, 4)
    assert sources(notebook)[3].startswith("%%policy pay_out_limits\nat: tool\n")

    page.get_by_role("textbox", name="Id", exact=True).fill("big-payouts")
    form.get_by_text("a hyphen is a minus in expressions").wait_for()
    assert form.get_by_role("button", name="Write into the next cell").is_disabled()
    notebook.shot("form-mistake-light")
    page.get_by_role("textbox", name="Id", exact=True).fill("big_payouts")
    page.get_by_role("textbox", name="Up to").nth(0).fill("50")
    page.get_by_role("textbox", name="Answer within").fill("soon")
    form.locator(".lfm-pill", has_text="1 error").wait_for()
    form.locator(".lfm-form-told", has_text="LM207").wait_for()
    page.get_by_role("textbox", name="Answer within").fill("45m")
    page.get_by_role("button", name="finance · approver").click()
    form.locator(".lfm-pill", has_text="No errors").wait_for()
    form.locator(".lfm-form-yaml", has_text="escalate: [finance]").wait_for()
    form.get_by_role("button", name="Write into the next cell").click()

    form.get_by_text("written into the next cell: %%policy big_payouts").wait_for()
    written = sources(notebook)
    assert len(written) == 4
    assert "when: tool.arguments.amount <= 50" in written[3]
    assert "within: 45m" in written[3]
    notebook.run_cell(3)
    notebook.output(3).get_by_text("added to mesh").wait_for()
    notebook.output(3).get_by_text("✓ its 4 tests pass").wait_for()
    notebook.shot("form-written-light")
    # What is saved is a line of HTML, no widget without a model.
    (output,) = notebook.save().cells[2].outputs
    assert WIDGET_VIEW not in output.data


def test_what_stands_below_is_not_overwritten(open_notebook: Open) -> None:
    notebook = open_notebook([DEFINE, MESH, "%mesh new agent", "x = 1"], height=1250)
    for index in range(3):
        notebook.run_cell(index)
        notebook.wait_until_idle()
    wait_for_cells(notebook, 5)
    notebook.page.evaluate(
        "() => jupyterapp.shell.currentWidget.content.widgets[3].model.sharedModel"
        ".setSource('mine = 2')"
    )
    form = notebook.output(2)
    form.get_by_role("button", name="Write into the next cell").click()
    form.get_by_text("written into the next cell").wait_for()
    written = sources(notebook)
    assert written[3].startswith("%%agent new_agent")
    assert written[4:] == ["mine = 2", "x = 1"]


def test_a_workflow_of_steps_that_fit(open_notebook: Open) -> None:
    notebook = opened(open_notebook, "workflow", height=1250)
    form = notebook.output(2)
    form.get_by_role("button", name="+ Add a step").click()
    second = form.locator(".lfm-row").nth(1)
    second.get_by_role("combobox", name="Capability").select_option("refund.propose")
    form.locator(".lfm-form-yaml", has_text="default(steps.classify.output.amount, 0)").wait_for()
    second.get_by_role("combobox", name="When").select_option(
        'steps.classify.output.category == "refund"'
    )
    form.locator(".lfm-form-yaml", has_text="tier: input.tier").wait_for()
    form.locator(".lfm-pill", has_text="No errors").wait_for()
    second.get_by_role("combobox", name="tier").select_option("an expression …")
    second.get_by_role("textbox", name="tier").fill("input.tear")
    form.locator(".lfm-form-told", has_text="tear").wait_for()
    notebook.page.evaluate("() => jupyterapp.shell.currentWidget.content.scrollToItem(2, 'start')")
    notebook.shot("form-steps-light")
    second.get_by_role("textbox", name="tier").fill('"gold"')
    form.locator(".lfm-pill", has_text="No errors").wait_for()
    form.get_by_role("button", name="Write into the next cell").click()
    form.get_by_text("written into the next cell").wait_for()
    notebook.run_cell(3)
    notebook.output(3).get_by_text("added to mesh").wait_for()


def test_without_the_extension_the_text_is_there_to_copy(open_notebook: Open) -> None:
    notebook = opened(open_notebook, "agent", height=1250)
    notebook.page.evaluate(
        "() => document.addEventListener('leafmesh:insert-cell', "
        "(event) => event.stopImmediatePropagation(), true)"
    )
    notebook.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    form = notebook.output(2)
    form.get_by_role("button", name="Write into the next cell").click()
    spare = form.locator(".lfm-form-copy")
    spare.wait_for()
    assert spare.input_value().startswith("%%agent new_agent\nrole: ")
    form.get_by_text("Copy the text below into the next cell").wait_for()
    assert notebook.page.evaluate("() => document.activeElement.selectionEnd") > 20


def wait_for_cells(notebook: Any, count: int) -> None:
    notebook.page.wait_for_function(
        "(count) => jupyterapp.shell.currentWidget.content.widgets.length === count", arg=count
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_doctor_asks_the_page(open_notebook: Open, theme: str) -> None:
    notebook = open_notebook([DEFINE, "%mesh doctor"], theme=theme, height=900)
    notebook.run_cell(0)
    output = notebook.output(1)
    for _ in range(3):  # on a busy machine the page's first widget may load for too long
        notebook.run_cell(1)
        output.get_by_text("What works here").wait_for()
        notebook.wait_until_idle()
        if output.get_by_text("this page answered in").count():
            break
    output.get_by_text("this page answered in").wait_for()
    output.get_by_text("the page colours mesh cells, and forms write the next cell").wait_for()
    notebook.shot(f"doctor-{theme}")
    (saved,) = notebook.save().cells[1].outputs
    assert WIDGET_VIEW not in saved.data
