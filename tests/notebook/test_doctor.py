"""``%mesh doctor``: each row measures what it tells, and no secret is shown."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.notebook import doctor
from leafmesh_nb.notebook.doctor import Row, examine
from leafmesh_nb.notebook.doctor_table import table_html, table_text
from leafmesh_nb.notebook.probe import Answer

Refunds = Callable[[], Any]
SECRET = "sk-proj-not-a-real-key-1234567890abcdef"
SMALL = 'ticket_id="7" ticket="I was charged twice, refund $40.00" tier="gold"'


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no receiver, no script; a signing key that is this test's."""
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("LEAFMESH_ANSWERS", raising=False)
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", str(tmp_path / "key" / "signing.pem"))


@pytest.fixture
def rows(cells: Any) -> Callable[..., dict[str, Row]]:
    """Examines; rows by what they are about."""

    def look(answer: Answer | None = None) -> dict[str, Row]:
        (magics,) = [c for c in cells.shell.configurables if type(c).__name__ == "MeshMagics"]
        found = examine(magics.workbench, answer or Answer())
        return {row.what: row for row in found}

    return look


Rows = Callable[..., dict[str, Row]]


def test_the_table_as_it_is_typed(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    cells.good("%mesh doctor")
    assert "What works here: " in cells.out
    assert "✓ offline model  ok" in cells.out
    assert "<table" in cells.html
    # To look is to change nothing.
    assert not (workdir / ".leafmesh").exists()
    cells.run("%mesh doctor now")
    assert "takes nothing more" in cells.out


def test_every_row_says_what_to_do_unless_all_is_well(rows: Rows) -> None:
    for row in rows().values():
        assert row.found
        if row.status == "attention":
            assert row.remedy, row
    shown = table_html(list(rows().values()))
    assert all(row.what.replace("()", "") in shown for row in rows().values())
    assert len(table_text(list(rows().values())).splitlines()) > len(rows())


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"])
def test_a_key_is_told_by_name_and_never_shown(
    rows: Rows, cells: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, SECRET)
    assert any(f"{name} is set" in row.found for row in rows().values())
    cells.good("%mesh doctor")
    assert SECRET[:12] not in cells.out + cells.html


def test_the_journal_is_tried(refunds: Refunds, rows: Rows, workdir: Path) -> None:
    assert "will be made with the first run" in rows()["journal"].found
    cells = refunds()
    cells.good(f"%mesh run refund {SMALL} -o small")
    cells.good("small.result(20)")
    row = rows()["journal"]
    assert row.status == "ok"
    assert "1 run, wal mode, on a disk of this machine" in row.found
    path = workdir / ".leafmesh" / "journal.db"
    path.chmod(0o644)
    row = rows()["journal"]
    assert (row.status, row.remedy) == ("attention", "chmod 600 .leafmesh/journal.db")
    path.chmod(0o600)
    with sqlite3.connect(path, isolation_level=None) as conn:
        conn.execute("BEGIN IMMEDIATE")
        row = rows()["journal"]
        assert row.status == "attention"
        assert "locked" in row.found
        conn.execute("ROLLBACK")
    conn.close()


def test_a_journal_that_is_none_or_cannot_be_made(
    rows: Rows, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workdir / "text.db").write_text("no journal at all, but long enough to be read as one" * 20)
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(workdir / "text.db"))
    assert "not a database" in rows()["journal"].found
    (workdir / "file").write_text("")
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(workdir / "file" / "j.db"))
    row = rows()["journal"]
    assert row.status == "attention"
    assert "cannot be made" in row.found
    assert "LEAFMESH_JOURNAL" in row.remedy


def test_a_disk_that_is_full_and_a_clock_that_is_wrong(
    refunds: Refunds, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund {SMALL} -o small")
    cells.good("small.result(20)")
    assert rows()["clock"].status == "ok"
    monkeypatch.setattr(doctor, "SMALLEST_DISK", 10**18)
    assert rows()["disk"].status == "attention"

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(UTC) - timedelta(days=2)

    monkeypatch.setattr(doctor, "datetime", Earlier)
    row = rows()["clock"]
    assert row.status == "attention"
    assert "before the newest run" in row.found


def test_the_signing_key_and_who_may_read_it(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leafmesh_nb.journal.signing import own_key

    assert "is made when a run ends" in rows()["signing key"].found
    key = own_key(create=True)
    assert key is not None
    place = tmp_path / "key" / "signing.pem"
    row = rows()["signing key"]
    assert (row.status, key.fingerprint[:12] in row.found) == ("ok", True)
    place.chmod(0o640)
    row = rows()["signing key"]
    assert row.status == "attention"
    assert row.remedy.startswith("chmod 600")
    assert "PRIVATE" not in table_text(list(rows().values()))
    monkeypatch.setenv("LEAFMESH_SIGNING_KEY", "relative.pem")
    assert rows()["signing key"].status == "attention"


@pytest.fixture
def receiver() -> Iterator[int]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_telemetry_is_connected_to_and_its_password_is_not_shown(
    rows: Rows, receiver: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows()["telemetry"].status == "missing"
    address = f"http://user:{SECRET}@127.0.0.1:{receiver}/?key={SECRET}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    row = rows()["telemetry"]
    assert row.status == "ok"
    assert "answers" in row.found
    assert SECRET[:8] not in f"{row}"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    row = rows()["telemetry"]
    assert (row.status, "does not answer" in row.found) == ("attention", True)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"nonsense {SECRET[:4]}")
    assert rows()["telemetry"].status == "attention"


def test_what_the_page_said(rows: Rows) -> None:
    found = rows(Answer(asked=True, milliseconds=21, extension=True))
    assert found["widgets"].found.endswith("this page answered in 21 ms")
    assert found["editor"].status == "ok"
    found = rows(Answer(asked=True, milliseconds=21))
    assert (found["widgets"].status, found["editor"].status) == ("ok", "missing")
    found = rows(Answer(asked=True, waited=5.0))
    assert "no page answered within 5 s" in found["widgets"].found
    assert found["widgets"].remedy


def test_extras_that_are_not_installed(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    there = doctor._has
    absent = ("re2", "uvicorn")
    monkeypatch.setattr(doctor, "_has", lambda name: name not in absent and there(name))
    found = rows()
    assert found["matches()"].remedy.startswith("pip install 'leafmesh-nb[fast]'")
    assert "uvicorn" in found["deploy"].found
    assert found["deploy"].remedy.startswith("pip install 'leafmesh-nb[deploy]'")


def test_a_script_that_answers_is_told(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows()["approvals"].status == "ok"
    monkeypatch.setenv("LEAFMESH_ANSWERS", "answers.json")
    row = rows()["approvals"]
    assert (row.status, "nobody is asked" in row.found) == ("attention", True)


def test_a_check_that_fails_is_a_row(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Any) -> Any:
        raise PermissionError("not yours")

    monkeypatch.setattr(doctor.shutil, "disk_usage", broken)
    found = [row for row in rows().values() if "could not be examined" in row.found]
    assert [row.found for row in found] == ["could not be examined: PermissionError: not yours"]
