"""``from_cell_to_service.ipynb``: what it saves, and what it does where things are in its way."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

import leafmesh_nb as lm
from leafmesh_nb.deploy import launch, services
from leafmesh_nb.deploy.access import Access

REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = REPOSITORY / "notebooks" / "from_cell_to_service.ipynb"
QUICKSTART = REPOSITORY / "notebooks" / "quickstart.ipynb"
ANSWERS = REPOSITORY / "tests" / "fixtures" / "answers.json"

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
nbformat.write(notebook, path)
"""


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def outputs(path: Path) -> list[Any]:
    return [output for cell in code_cells(path) for output in cell.outputs]


def text_of(path: Path) -> str:
    return json.dumps(outputs(path))


def assert_no_token(text: str) -> None:
    assert "is served at" in text, "the cell that deploys shows what it did"
    assert not re.search(r"\blm_[\w-]{20}", text), "a token was shown, and would be saved"


class TestAsItIsSaved:
    def test_the_mesh_is_the_one_of_the_quickstart(self) -> None:
        mesh, other = (
            [cell.source for cell in code_cells(path) if cell.source.startswith("%%mesh")]
            for path in (NOTEBOOK, QUICKSTART)
        )
        assert len(mesh) == 1
        assert mesh == other

    def test_it_was_run_from_top_to_bottom(self) -> None:
        counts = [cell.execution_count for cell in code_cells(NOTEBOOK)]
        assert counts == list(range(1, len(counts) + 1))
        for cell in code_cells(NOTEBOOK):
            failed = [output for output in cell.outputs if output.output_type == "error"]
            assert bool(failed) == ("raises-exception" in cell.metadata.get("tags", ()))

    def test_it_holds_nothing_of_the_machine_it_ran_on(self) -> None:
        text = text_of(NOTEBOOK)
        assert_no_token(text)
        assert not re.search(r"/(home|root|tmp|work|Users|var|opt|usr|private)/", text)
        assert "Traceback" not in text
        assert "widget" not in text
        assert "widgets" not in nbformat.read(NOTEBOOK, as_version=4).metadata


class Visit:
    """A folder with the notebook, where a script of answers and a taken port are in its way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.db"
        self.access = Access(self.journal)

    def execute(self, keep: Callable[[str], bool] = lambda source: True) -> Path:
        """Execute the notebook up to the first cell that is not to be kept; returns its path."""
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        end = [i for i, c in enumerate(notebook.cells) if not keep(c.source)]
        notebook.cells = notebook.cells[: end[0]] if end else notebook.cells
        path = self.folder / NOTEBOOK.name
        nbformat.write(notebook, path)
        paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "LEAFMESH_ANSWERS": str(ANSWERS),
            "LEAFMESH_JOURNAL": str(self.journal),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "SHOP_LEDGER": str(self.folder / "payouts.jsonl"),
        }
        done = subprocess.run(
            [sys.executable, "-c", EXECUTE, path.name],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return path

    def service(self) -> services.Served | None:
        return services.running(self.access, "refunds")


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    made = Visit(tmp_path)
    try:
        yield made
    finally:
        left = made.service()
        if left is not None:
            services.stop(made.access, left)
        made.access.close()


@pytest.fixture
def port_taken() -> Iterator[None]:
    """Somebody listens on the port that a service takes where none is named."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind((launch.HOST, launch.PORT))
            other.listen()
        except OSError:
            pass  # somebody else does
        yield


@pytest.mark.usefixtures("port_taken")
def test_it_runs_beside_what_is_in_its_way(visit: Visit) -> None:
    # A first visit ends in the middle; the service outlives its kernel.
    visit.execute(keep=lambda source: "httpx" not in source)
    earlier = visit.service()
    assert earlier is not None
    ready = httpx.get(f"{earlier.url}/readyz", trust_env=False)
    assert ready.json()["status"] == "ready"

    # The second one goes from the top to the bottom, and leaves nothing running.
    path = visit.execute()
    assert visit.service() is None
    said = text_of(path)
    assert_no_token(said)
    assert "the service of refunds has stopped" in said

    paid = (visit.folder / "payouts.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in paid] == [
        {"ticket": "T1001", "amount": "49.99"},
        {"ticket": "T1002", "amount": "620.00"},
    ]
    # The lead answered over HTTP, not the script that the environment names.
    runs = [lm.resume(id, journal=visit.journal) for id in lm.runs(visit.journal)["run"]]
    asked = [d for run in runs for d in run.decisions().to_dict("records") if d["person"] == "lead"]
    assert [(d["final"], d["channel"], d["identity"]) for d in asked] == [
        ("approve", "service", "signed_in")
    ]
    assert sorted(run.status for run in runs) == ["done", "done", "failed"]
