"""``prune``: what it would delete, and what it deletes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import leafmesh_nb as lm
from leafmesh_nb.cli import main
from leafmesh_nb.journal import open_journal
from leafmesh_nb.journal.cursors import Cursors

Out = pytest.CaptureFixture[str]

MESH = """
mesh: tiny
agents:
  maker:
    role: Makes
    kind: python
    capabilities: {it.make: {input: {n: integer}, output: {n: integer}}}
workflows:
  go:
    input: {n: integer}
    steps:
      one: {capability: it.make, with: {n: input.n}}
    output: {n: steps.one.output.n}
"""


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three runs that ended, in the journal that the verbs use."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    mesh = lm.Mesh.from_yaml(MESH)
    mesh.agent("maker")(lambda n: {"n": n})
    started = [mesh.start("go", n=number) for number in range(3)]
    for run in started:
        run.result(20)
    return [run.id for run in started]


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")


def test_without_yes_it_only_says_what_would_go(capsys: Out, runs: list[str]) -> None:
    assert main(["prune", "--before", tomorrow()]) == 0
    out = capsys.readouterr().out
    assert all(run in out for run in runs)
    assert "would delete 3 runs" in out
    assert "--yes" in out
    assert len(lm.runs()) == 3


def test_with_yes_they_are_gone_and_verify_says_so(capsys: Out) -> None:
    assert main(["prune", "--before", tomorrow(), "--mesh", "tiny", "--yes"]) == 0
    assert "deleted 3 runs" in capsys.readouterr().out
    assert len(lm.runs()) == 0
    assert main(["verify"]) == 0
    assert "3 runs were deleted for good, under signed tombstones" in capsys.readouterr().out
    assert main(["verify", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["pruned"] == 3


def test_what_is_young_stays(capsys: Out) -> None:
    assert main(["prune", "--older-than", "1d", "--yes"]) == 0
    assert "nothing to delete" in capsys.readouterr().out
    assert main(["prune", "--before", tomorrow(), "--mesh", "other", "--yes"]) == 0
    assert "nothing to delete" in capsys.readouterr().out
    assert len(lm.runs()) == 3


def test_a_receiver_that_was_used_once_keeps_nothing_for_ever(capsys: Out, runs: list[str]) -> None:
    journal = open_journal()
    cursors = Cursors(journal, "http://gone.example")
    cursors.move(cursors.open(), {runs[0]: (10_000, 1)}, "")
    assert main(["prune", "--before", tomorrow(), "--yes"]) == 0
    out = capsys.readouterr().out
    assert "deleted 1 run," in out
    assert "kept 2 runs that telemetry has not got yet" in out
    assert main(["prune", "--before", tomorrow(), "--yes", "--unexported"]) == 0
    assert "deleted 2 runs" in capsys.readouterr().out
    assert main(["verify"]) == 0


def test_for_a_script(capsys: Out, runs: list[str]) -> None:
    assert main(["prune", "--before", tomorrow(), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["deleted"] is False
    assert {run["run"] for run in said["runs"]} == set(runs)
    assert said["kept"] == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "one of the arguments --older-than --before is required"),
        (["--older-than", "90"], "is no number of days, such as 90d"),
        (["--older-than", "0d"], "is no number of days"),
        (["--before", "yesterday"], "is no day, such as 2026-07-01"),
        (["--before", "2026-02-30"], "is no day"),
        (["--older-than", "1d", "--before", "2026-01-01"], "not allowed with"),
    ],
)
def test_a_bad_flag(capsys: Out, flags: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prune", *flags])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_journal_that_is_not_there(capsys: Out, tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    assert main(["prune", "--older-than", "1d", "--journal", str(missing)]) == 2
    assert "no such journal" in capsys.readouterr().err
    assert not missing.exists()
