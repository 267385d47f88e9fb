"""A service's pump: it follows the journal, sits out an outage, and ends with nothing left."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe import telemetry
from leafmesh_nb.observe.telemetry import Pump

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def pump(journal: SqliteJournal, receiver: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pump]:
    monkeypatch.setenv(BASE, receiver.url)
    found = telemetry.pump(journal, every=0.05)
    assert found is not None
    yield found
    found.stop()


def test_there_is_none_where_nobody_says_where_to(journal: SqliteJournal) -> None:
    assert telemetry.pump(journal) is None


def test_an_address_that_is_none_shows_at_once(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BASE, "collector:4318")
    with pytest.raises(LeafmeshError, match="is no address"):
        telemetry.pump(journal)


def test_a_journal_by_its_place(
    fill: Any, path: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(1)
    monkeypatch.setenv(BASE, receiver.url)
    found = telemetry.pump(path)
    assert found is not None
    assert found.tick().runs == {"r0000"}
    assert found.to == f"{receiver.url}/v1/traces"
    found.stop()


def test_a_tick_takes_what_is_new(write: Any, runs: Any, receiver: Any, pump: Pump) -> None:
    events = runs["approved"]
    assert pump.tick().spans == 0
    write("r1", events, 10)
    assert pump.tick().spans == 2
    requests = len(receiver.requests)
    assert pump.tick().spans == 0
    assert len(receiver.requests) == requests
    write("r1", events)
    write("r2", runs["rejected"])
    assert pump.tick().runs == {"r1", "r2"}
    assert len(receiver.ids) == len(set(receiver.ids)) == 17 + 15


def test_another_pump_goes_on_where_the_last_one_ended(
    write: Any, runs: Any, journal: SqliteJournal, receiver: Any, pump: Pump
) -> None:
    write("r1", runs["approved"], 10)
    pump.tick()
    write("r1", runs["approved"])
    after = telemetry.pump(journal)
    assert after is not None
    assert after.tick().spans == 15
    after.stop()
    assert len(receiver.ids) == len(set(receiver.ids)) == 17


def test_it_follows_the_journal(write: Any, runs: Any, receiver: Any, pump: Pump) -> None:
    assert pump.start() is pump.start()
    for number in range(3):
        write(f"r{number}", runs["approved"])
        receiver.wait(lambda number=number: len(receiver.ids) == 17 * (number + 1))
    pump.stop()
    assert len(set(receiver.ids)) == 3 * 17
    assert pump.problem == ""


def test_what_came_last_goes_before_it_ends(
    write: Any, runs: Any, journal: SqliteJournal, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BASE, receiver.url)
    slow = telemetry.pump(journal, every=3600)
    assert slow is not None
    slow.start()
    write("r1", runs["approved"])
    slow.stop()
    assert len(receiver.ids) == 17


def test_an_outage_is_told_once_and_nothing_is_lost(
    write: Any, runs: Any, receiver: Any, pump: Pump, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "leafmesh_nb")
    receiver.stop()
    write("r1", runs["approved"])
    told = threading.Event()
    handler = _Calls(told.set)
    logging.getLogger("leafmesh_nb").addHandler(handler)
    try:
        pump.start()
        assert told.wait(30)
        write("r2", runs["rejected"])
        assert "nothing answers at" in pump.problem
        receiver.start()
        receiver.wait(lambda: len(receiver.ids) == 17 + 15)
    finally:
        logging.getLogger("leafmesh_nb").removeHandler(handler)
    pump.stop()
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said] == [
        "telemetry waits",
        f"telemetry goes on to {receiver.url.partition(':')[0]}",
    ]
    assert pump.problem == ""
    assert len(receiver.ids) == len(set(receiver.ids))


def test_it_ends_soon_while_the_receiver_is_away(
    write: Any, runs: Any, receiver: Any, pump: Pump, otlp: Any
) -> None:
    """A request that waits to be tried again is given up."""
    write("r1", runs["approved"])
    receiver.rule = lambda n, path, body: otlp.Answer(503)
    pump.start()
    receiver.wait(lambda: receiver.requests)
    pump.stop(0.2)
    assert pump._thread is not None
    pump._thread.join(5)
    assert not pump._thread.is_alive()


def test_a_journal_that_was_replaced(
    fill: Any, path: Path, journal: SqliteJournal, receiver: Any, pump: Pump
) -> None:
    fill(2)
    assert len(pump.tick().runs) == 2
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(f"{path}{suffix}"):
            os.remove(f"{path}{suffix}")
    fill(1)
    assert pump.tick().runs == {"r0000"}


def test_a_run_that_cannot_be_read_is_told_once(
    fill: Any, path: Path, pump: Pump, caplog: pytest.LogCaptureFixture, journal: SqliteJournal
) -> None:
    import sqlite3

    fill(2)
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE events SET payload = '{' WHERE stream = 'run:r0001' AND seq = 5")
    conn.close()
    assert pump.tick().runs == {"r0000"}
    pump._mark = 0
    assert pump.tick().runs == set()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert said[0].startswith("run r0001 is not exported: event 5 of run:r0001")


@pytest.mark.parametrize("value", ["true", "SPAN_ONLY", "span_and_event"])
def test_content_by_the_environment(
    write: Any,
    runs: Any,
    journal: SqliteJournal,
    receiver: Any,
    otlp: Any,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)
    monkeypatch.setenv(BASE, receiver.url)
    write("r1", runs["approved"])
    found = telemetry.pump(journal)
    assert found is not None
    found.tick()
    found.stop()
    chat = otlp.attributes(receiver.by_name()["chat quick"])
    assert "charged my card" in chat["gen_ai.input.messages"]
    assert "4111" not in str(receiver.spans)


class _Calls(logging.Handler):
    def __init__(self, then: Any) -> None:
        super().__init__()
        self._then = then

    def emit(self, record: logging.LogRecord) -> None:
        self._then()
