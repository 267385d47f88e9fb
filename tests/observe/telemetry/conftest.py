"""Runs in a real journal, and a receiver on loopback."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from leafmesh_nb.engine.events import Draft, Event, RunEnded, RunStarted
from leafmesh_nb.engine.ports import Append, Batch, RunRow
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe.telemetry import delivery, receiver_at
from leafmesh_nb.observe.telemetry import receiver as receivers
from leafmesh_nb.observe.telemetry.endpoints import endpoints

HERE = Path(__file__).parent
REFUNDS = (HERE.parent.parent / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")
SPEC_HASH = hashlib.sha256(REFUNDS.encode()).hexdigest()


@pytest.fixture(autouse=True)
def _no_telemetry_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def otlp() -> ModuleType:
    """The receiver's module."""
    spec = importlib.util.spec_from_file_location("telemetry_receiver", HERE / "receiver.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receiver(otlp: ModuleType) -> Iterator[Any]:
    found = otlp.Receiver()
    yield found
    found.stop()


@pytest.fixture
def sent_to() -> Iterator[Callable[..., Any]]:
    """``deliver`` to an address, with a receiver that is closed after the test."""
    opened = []

    def deliver(journal: SqliteJournal, address: str, runs: Any = None, **more: Any) -> Any:
        where = endpoints(address)
        assert where is not None
        opened.append(receiver_at(where))
        return delivery.deliver(journal, opened[-1], runs, **more)

    yield deliver
    for found in opened:
        found.close()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Many requests for few spans."""
    monkeypatch.setattr(receivers, "CHUNK", 20)
    monkeypatch.setattr(delivery, "CHUNK", 20)
    return 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    found = SqliteJournal(path)
    yield found
    found.close()


@pytest.fixture
def write(journal: SqliteJournal) -> Callable[..., None]:
    """Writes a story into the journal as a run of this id, or what of it is not there yet."""

    def write(run: str, events: list[Event], most: int | None = None) -> None:
        first = events[0].body
        assert isinstance(first, RunStarted)
        head = len(journal.read(f"run:{run}"))
        events = events[:most]
        if not head:
            started = replace(first, spec_hash=SPEC_HASH)
            row = RunRow(
                run, "refunds", "refund", SPEC_HASH, "running", started.requester, events[0].ts
            )
            begin = Append(f"run:{run}", (Draft(started, ts=events[0].ts),), 0)
            journal.create(row, REFUNDS, Batch((begin,), run))
            head = 1
        rest = tuple(Draft(e.body, e.path, e.ts) for e in events[head:])
        if rest:
            journal.commit(Batch((Append(f"run:{run}", rest, head),), run)).result()

    return write


@pytest.fixture
def fill(write: Callable[..., None], runs: dict[str, list[Event]]) -> Callable[[int], None]:
    """Writes that many ended runs, of every kind in turn."""
    ended = [events for events in runs.values() if isinstance(events[-1].body, RunEnded)]

    def fill(count: int) -> None:
        for number in range(count):
            write(f"r{number:04d}", ended[number % len(ended)])

    return fill
