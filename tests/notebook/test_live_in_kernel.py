"""A card in a real kernel without a browser: what a headless run leaves in the notebook."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "tests" / "fixtures" / "live" / "scripted_run.py"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

START = """
import scripted_run as script
from leafmesh_nb.notebook.live.session import LiveSession
run = script.play(lambda run: script.demo(run, pace=0))
session = LiveSession(run)
session.show()
"""
ANSWER = """
import asyncio
assert await asyncio.to_thread(session.views, 0.1) is None
while not run.state.approvals:
    await asyncio.sleep(0.01)
(question,) = run.state.approvals
run.answer(question, "approve", person="lead", channel="script", identity="script", note="ok")
while run.status != "done":
    await asyncio.sleep(0.01)
assert await asyncio.to_thread(session.join, 20)
"""


@pytest.fixture
def executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    shutil.copy(SCRIPT, tmp_path)
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    cells = [nbformat.v4.new_code_cell(source) for source in (START, ANSWER)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    return client.execute()


def test_the_end_in_a_later_cell_makes_the_first_cells_card_static(
    executed: nbformat.NotebookNode,
) -> None:
    (output,) = executed.cells[0].outputs
    assert WIDGET_VIEW not in output.data
    assert "✓ Done" in output.data["text/plain"]
    assert ">script<" in output.data["text/html"]
    assert executed.cells[1].outputs == []
