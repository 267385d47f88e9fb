"""A journal in a real file, someone who writes into it, and processes to write beside it."""

from __future__ import annotations

import importlib.util
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import leafmesh_nb.journal
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.sqlite import SqliteJournal

HERE = Path(__file__).parent
PACKAGE = Path(leafmesh_nb.journal.__file__).parents[2]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"journal_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def scribe() -> ModuleType:
    return _load("scribe")


@pytest.fixture(scope="session")
def check() -> Callable[[str], tuple[bool, int, int, str]]:
    """Two verifiers that import nothing of ours: of the chains, and of the tables beside them."""
    chains, tables = _load("verify_independent").check, _load("verify_tables").check

    def holds(path: str) -> tuple[bool, int, int, str]:
        ok, runs, events, head = chains(path)
        return ok and tables(path), runs, events, head

    return holds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def query(path: Path) -> Callable[[str], list[tuple[Any, ...]]]:
    """Asks the file itself, past the journal's own code."""

    def ask(statement: str) -> list[tuple[Any, ...]]:
        conn = sqlite3.connect(path)
        try:
            return conn.execute(statement).fetchall()
        finally:
            conn.close()

    return ask


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(path)
    yield journal
    journal.close()


@pytest.fixture
def fails(scribe: ModuleType) -> Callable[..., str]:
    """The message with which writing fails, where reading fails as clearly."""

    def message(path: Path, *, reading: bool = True) -> str:
        journal = SqliteJournal(path)
        with pytest.raises(JournalError, match=re.escape(str(path))) as caught:
            scribe.start(journal, "a")
        if reading:
            with pytest.raises(JournalError, match=re.escape(str(path))):
                journal.runs()
        journal.close()
        return str(caught.value)

    return message


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process with a script, which can import the package and `scribe`."""
    children: list[subprocess.Popen[str]] = []

    def start(script: str, *args: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script, *map(str, args)],
            env=os.environ | {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{HERE}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(process)
        return process

    yield start
    for process in children:
        process.kill()
        process.communicate()


@pytest.fixture
def run_child(child: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Runs a script to its end and returns what it printed; fails when it fails."""

    def run(script: str, *args: object) -> str:
        process = child(script, *args)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return out

    return run
