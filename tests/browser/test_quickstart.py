"""The quickstart in a real JupyterLab: asked, answered, restarted, saved, exported."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from leafmesh_nb.notebook.export import notebook_html

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"

Open = Callable[..., Any]


def cells() -> list[nbformat.NotebookNode]:
    return list(nbformat.read(QUICKSTART, as_version=4).cells)


def index_of(text: str) -> int:
    found = [i for i, cell in enumerate(cells()) if text in cell.source]
    assert found, f"the quickstart has no cell with {text!r}"
    return found[0]


def definitions() -> list[str]:
    """The cells that load, define and bind; everything a later cell needs."""
    starts = ("%load_ext", "import pandas", "%%mesh", "import json")
    return [c.source for c in cells() if c.cell_type == "code" and c.source.startswith(starts)]


SCROLL = "async (i) => { await jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start') }"


def look(notebook: Any, index: int) -> Any:
    """Scroll to a cell's outputs: JupyterLab draws them only where somebody looks.

    Outputs above that grow meanwhile push the cell out of view again: then it is looked for anew.
    """
    from playwright.sync_api import TimeoutError

    output = notebook.output(index)
    shown = output.locator(".jp-OutputArea-output").first
    for _ in range(10):
        notebook.page.evaluate(SCROLL, index)
        with contextlib.suppress(TimeoutError):
            shown.wait_for(timeout=6_000)
            return output
    raise AssertionError(f"cell {index} shows no output")


def read(notebook: Any, index: int) -> str:
    """The text of a cell's outputs, once it is there."""
    from playwright.sync_api import expect

    output = look(notebook, index)
    expect(output).not_to_have_text("")
    return str(output.text_content())  # also of what is not in view


def approve(scope: Any) -> Any:
    return scope.get_by_role("button", name="Approve", exact=True)


def test_a_click_approves_while_the_cell_awaits(open_notebook: Open) -> None:
    notebook = open_notebook(cells(), name="quickstart.ipynb", height=1240)
    asking = index_of("-o large")
    assert notebook.page.locator("mjx-container").count() == 0, "dollars were taken for TeX"
    notebook.run_all()
    button = approve(notebook.cell(asking))
    button.wait_for()
    notebook.cell(asking).scroll_into_view_if_needed()
    for theme in ("dark", "light"):
        notebook.theme(theme)
        notebook.shot(f"quickstart-asks-{theme}")
        notebook.cell(asking).screenshot(path=notebook.shots / f"approval-{theme}.png")
    assert notebook.cell(asking + 1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    button.click()
    notebook.wait_until_idle()
    assert "620.00" in read(notebook, asking + 1)
    assert "lead" in read(notebook, asking)
    assert "notebook" in read(notebook, asking)
    assert "verified" in read(notebook, index_of("%mesh verify"))
    notebook.cell(asking).scroll_into_view_if_needed()
    notebook.shot("quickstart-answered")

    saved = notebook.save()
    outputs = [output for cell in saved.cells for output in cell.get("outputs", ())]
    assert not [o for o in outputs if WIDGET in o.get("data", {})], "a widget was saved"
    assert not [o for o in outputs if o.output_type == "error"]
    assert "4111 1111" not in nbformat.writes(saved).split("## 1")[1].split("•••")[-1]

    # Reopened by somebody who runs nothing: the cards, the tables and the charts are there.
    notebook.lab.end_kernels()
    notebook.page.close()  # a page behind another draws nothing
    reader = open_notebook(name="quickstart.ipynb")
    assert "approved" in read(reader, asking)
    routing = index_of("%mesh chart routing")
    # A reopened chart is the picture that was saved with it, until somebody touches it.
    look(reader, routing).locator(".main-svg, img").first.wait_for()
    reader.shot("quickstart-reopened")

    # And as one file from disk, with nothing fetched.
    path = reader.shots / "quickstart.html"
    path.write_text(notebook_html(saved, title="quickstart"), encoding="utf-8")
    fetched: list[str] = []
    reader.page.on("request", lambda request: fetched.append(request.url))
    reader.page.goto(path.as_uri())
    reader.page.get_by_text("approved").first.wait_for()
    reader.page.locator(".main-svg").first.wait_for()
    assert [url for url in fetched if url.startswith("http")] == []
    reader.page.screenshot(path=reader.shots / "quickstart-exported.png", full_page=True)


def test_a_question_outlives_its_kernel(open_notebook: Open) -> None:
    defined = definitions()
    start = 'second = ticket("T1002")\n%mesh run refund --input second -o asked'
    notebook = open_notebook(
        [*defined, start, "%mesh approvals", "run = lm.resume(asked_id)\nawait run", "asked_id"],
        height=1240,
    )
    starting = len(defined)
    for i in range(starting + 1):
        notebook.run_cell(i)
    approve(notebook.cell(starting)).wait_for()

    notebook.restart_kernel()
    notebook.wait_until_ready()
    for i in range(starting):
        notebook.run_cell(i)
    notebook.wait_until_idle()
    notebook.run_cell(starting + 1)
    after = notebook.cell(starting + 1)
    approve(after).wait_for()
    after.scroll_into_view_if_needed()
    notebook.shot("approvals-after-restart")
    approve(after).click()
    after.get_by_text("approved").first.wait_for()
    text = read(notebook, starting + 1)
    assert "620.00" in text
    assert "Done" in text


def test_markup_from_a_ticket_is_text_everywhere(open_notebook: Open) -> None:
    hostile = [
        'evil = dict(ticket("T1024"), ticket=ticket("T1024")["ticket"] + " refund me $620.00 "'
        "\"<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 1'>\")\n"
        'evil["ticket_id"] = "<img src=x onerror=window.hacked=1>"\n'
        "%mesh run refund --input evil -o bad",
        "import asyncio\nwhile bad.status == 'running': await asyncio.sleep(0.05)\n"
        "for question in bad.approvals(): question.approve(note='<b onclick=alert(1)>ok</b>')\n"
        "await bad",
        "%mesh decisions bad",
        "%mesh audit bad",
        "%mesh chart routing bad",
        "%mesh chart timeline bad",
        "%mesh chart costs bad",
    ]
    defined = definitions()
    notebook = open_notebook([*defined, *hostile])
    notebook.run_all()
    notebook.wait_until_idle()
    assert "onerror" in read(notebook, len(defined))
    charts = [len(defined) + 4, len(defined) + 5, len(defined) + 6]
    for i in charts:
        look(notebook, i)
        chart = notebook.cell(i).locator(".plot-container")
        chart.wait_for()
        points = chart.locator(".point, .bars path").all()[:6]
        for point in points:
            box = point.bounding_box()
            if box and box["width"] > 1:
                at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
                notebook.page.mouse.move(*at)
                notebook.page.wait_for_timeout(50)
    assert notebook.page.evaluate("() => window.hacked") is None
    saved = notebook.save()
    path = notebook.shots / "hostile.html"
    path.write_text(notebook_html(saved, title="hostile"), encoding="utf-8")
    notebook.page.goto(path.as_uri())
    notebook.page.get_by_text("onerror").first.wait_for()
    assert notebook.page.evaluate("() => window.hacked") is None
