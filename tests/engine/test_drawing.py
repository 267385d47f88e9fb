"""The page about runs shows the table that the engine goes by."""

from __future__ import annotations

import subprocess
import sys

from leafmesh_nb.engine.fold.drawing import diagram, table
from leafmesh_nb.engine.fold.transitions import LEGAL, OF_RUN
from leafmesh_nb.language.topics import find_topic


def test_the_page_is_drawn_from_the_table() -> None:
    page = find_topic("runs")
    assert page is not None
    assert table() in page.markdown, "draw it again: python -m leafmesh_nb.engine.fold.drawing"
    assert f"```mermaid\n{diagram()}\n```" in page.markdown


def test_every_kind_of_event_of_a_run_is_drawn() -> None:
    assert all(f"`{body.kind}`" in table() for body in (*LEGAL, *OF_RUN))


def test_the_command_that_the_page_is_made_with() -> None:
    command = [sys.executable, "-m", "leafmesh_nb.engine.fold.drawing"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown == f"{table()}\n\n```mermaid\n{diagram()}\n```\n"
