"""The quickstart without a browser: execute its notebook, then tell what the journal holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.quickstart.files import copy_to

__all__ = ["Demo", "run_demo"]

CELL_TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo's things are."""

    folder: Path
    journal: Path
    html: Path
    began: datetime


def run_demo(out: Path | None = None) -> Demo:
    """Execute the quickstart in ``out`` (default: a new folder) with scripted answers.

    Raises LeafmeshError with the failing cell's message.
    """
    folder = _folder(out)
    try:
        notebook, *_ = copy_to(folder)
    except OSError as error:
        raise LeafmeshError(
            f"{folder} cannot be written: {error.strerror}. Name a folder with --out DIR"
        ) from None
    journal = folder / "journal.db"
    began = datetime.now(UTC)
    executed = _execute(notebook, journal)
    html = folder / "quickstart.html"
    html.write_text(_as_html(executed), encoding="utf-8")
    return Demo(folder, journal, html, began)


def _folder(out: Path | None) -> Path:
    if out is not None:
        return out.resolve()
    if os.access(Path.cwd(), os.W_OK):
        # A folder for each: a ledger of two demos would show every ticket paid twice.
        return Path.cwd() / "leafmesh-demo" / datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    return Path(tempfile.mkdtemp(prefix="leafmesh-demo-"))


def _execute(path: Path, journal: Path) -> Any:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    answers = Path(__file__).parent / "answers.json"
    env = {
        "LEAFMESH_JOURNAL": str(journal),
        "LEAFMESH_ANSWERS": str(answers),
        "SHOP_LEDGER": str(path.parent / "payouts.jsonl"),
    }

    class Client(NotebookClient):
        """Talks to its kernel over sockets in a folder of ours: nothing listens on a port."""

        def create_kernel_manager(self) -> Any:
            manager = super().create_kernel_manager()
            if sys.platform != "win32":
                manager.transport, manager.ip = "ipc", f"{sockets}/kernel"
            return manager

    with tempfile.TemporaryDirectory(prefix="leafmesh-") as sockets:
        client = Client(
            notebook,
            kernel_name="python3",
            timeout=CELL_TIMEOUT,
            store_widget_state=False,  # the cards have become static
            resources={"metadata": {"path": str(path.parent)}},
        )
        with _environment(env), _quiet():
            try:
                client.execute()
            except CellExecutionError as error:
                raise LeafmeshError(f"a cell of the quickstart failed: {error}") from None
            except RuntimeError as error:
                raise LeafmeshError(f"the notebook's kernel did not start: {error}") from None
    return notebook


def _as_html(notebook: Any) -> str:
    from leafmesh_nb.notebook.export import notebook_html

    return notebook_html(notebook, title="leafmesh_nb quickstart")


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' own remarks about loops and platforms out of the demo."""
    if sys.platform == "win32":
        asyncio.set_event_loop_policy(asyncio.WindowsSelectorEventLoopPolicy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
