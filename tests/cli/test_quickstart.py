"""The quickstart from a shell, and the check of its journal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from leafmesh_nb.cli import main


def test_verify_without_and_with_a_journal(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "nosuch.db"]) == 2
    assert "nosuch.db" in capsys.readouterr().err
    (workdir / "text.db").write_text("no database " * 100)
    assert main(["verify", "text.db"]) == 1
    assert "text.db" in capsys.readouterr().err


def test_demo_tells_the_story_and_verify_finds_tampering(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--out", "out"]) == 0
    out = capsys.readouterr().out
    assert "approved" in out
    assert "lead (script)" in out
    assert "denied" in out
    assert "verified" in out
    html = (workdir / "out" / "quickstart.html").read_text(encoding="utf-8")
    assert str(workdir / "out" / "quickstart.html") in out or "out/quickstart.html" in out
    assert "4111 1111 1111 1111" not in html
    assert "offline reader: rules, not a language model" in html
    paid = (workdir / "out" / "payouts.jsonl").read_text().splitlines()
    assert [json.loads(line)["amount"] for line in paid] == ["49.99", "620.00", "8.99"]

    journal = workdir / "out" / "journal.db"
    assert main(["verify", str(journal)]) == 0
    assert "5 runs" in capsys.readouterr().out
    _raise_a_payout(journal)
    assert main(["verify", str(journal)]) == 1
    assert "BROKEN" in capsys.readouterr().out


def _raise_a_payout(journal: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(journal)) as database, database:
        changed = database.execute(
            "UPDATE events SET payload = replace(payload, '620.00', '999.00') "
            "WHERE kind = 'call.started' AND payload LIKE '%620.00%'"
        )
        assert changed.rowcount > 0


def test_a_folder_that_cannot_be_written(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workdir / "file").write_text("")
    assert main(["demo", "--out", "file/out"]) == 1
    err = capsys.readouterr().err
    assert "cannot be written" in err
    assert "--out DIR" in err


def test_module_runs() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "leafmesh_nb", "--version"], capture_output=True, text=True
    )
    assert ran.returncode == 0
    assert ran.stdout.startswith("leafmesh-nb ")
