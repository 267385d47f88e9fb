"""Runs and their questions from a shell, in processes that come and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leafmesh_nb.cli import main
from leafmesh_nb.cli.tables import table
from leafmesh_nb.mesh import registry

Out = pytest.CaptureFixture[str]
Shell = Callable[..., subprocess.CompletedProcess[str]]

SMALL = ["--input", "ticket_id=7", "--input", "ticket=Please refund the 20.00 charged twice"]
LARGE = ["--input", "ticket_id=8", "--input", "ticket=Please refund the 620.00 charged twice"]
RUN = ["run", "refunds.yaml", "refund"]


@pytest.fixture(autouse=True)
def mesh(workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    """The template's mesh and its functions in an empty folder."""
    monkeypatch.setattr(registry, "_defined", {})
    # What --answers sets, and what a mesh's folder adds, is gone after the test.
    monkeypatch.setenv("LEAFMESH_ANSWERS", "")
    monkeypatch.syspath_prepend(str(workdir))
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    assert main(["new", "refunds"]) == 0
    capsys.readouterr()


@pytest.fixture
def shell(workdir: Path) -> Shell:
    """A shell of its own: no terminal, nobody to ask."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "leafmesh_nb", *words],
            cwd=workdir,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "LEAFMESH_ANSWERS": ""},
        )

    return run


def paid(workdir: Path) -> list[str]:
    ledger = workdir / "payouts.jsonl"
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [json.loads(line)["amount"] for line in lines]


def test_a_run_tells_its_story_and_shows_its_card(workdir: Path, capsys: Out) -> None:
    assert main([*RUN, *SMALL]) == 0
    out, err = capsys.readouterr()
    assert "✓ Done" in out
    assert "payouts: approve pay_out of teller" in err
    assert paid(workdir) == ["20.00"]

    assert main(["runs"]) == 0
    assert "refunds  refund" in capsys.readouterr().out
    assert main(["runs", "--format", "json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["status"], listed["interrupted"]) == ("done", False)
    assert main(["show", listed["run"][:5]]) == 0
    assert "paid: 20.00" in capsys.readouterr().out


def test_json_is_for_a_script_and_masks(capsys: Out) -> None:
    assert main([*RUN, *SMALL, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["output"] == {"category": "refund", "paid": "20.00"}
    assert [step["status"] for step in said["steps"]] == ["ok", "ok", "ok"]
    assert "charged twice" not in out + err, "the ticket is personal data in this mesh"


def test_a_question_outlives_its_process(shell: Shell, workdir: Path) -> None:
    waits = shell(*RUN, *LARGE)
    assert waits.returncode == 1
    assert "waits for lead: 620.00 is over the teller's limit" in waits.stderr
    (question,) = json.loads(shell("approvals", "--format", "json").stdout)
    for answer in ("approve", "reject"):
        assert f"  leafmesh-nb answer {question['id']} {answer} --by lead\n" in waits.stderr
    assert paid(workdir) == []
    assert "waiting, interrupted" in shell("runs").stdout
    assert "620.00 is over" in shell("approvals").stdout

    answered = shell("answer", question["id"][:5], "approve", "--by", "lead", "--note", "fine")
    assert answered.returncode == 0, answered.stderr
    assert "(lead, shell, asserted)" in answered.stdout
    assert "started refund" not in answered.stderr, "only what is new is told"
    assert paid(workdir) == ["620.00"]
    assert shell("approvals").stdout.strip() == "no question is open"
    assert shell("verify").returncode == 0


@pytest.mark.parametrize(
    ("answer", "code", "amounts"), [("deny", 0, []), ("yes.json", 0, ["620.00"])]
)
def test_a_script_answers(
    workdir: Path, capsys: Out, answer: str, code: int, amounts: list[str]
) -> None:
    (workdir / "yes.json").write_text('[{"answer": "approve", "by": "lead"}]')
    main([*RUN, *LARGE, "--answers", answer, "--format", "json"])
    assert paid(workdir) == amounts
    assert "script" in capsys.readouterr().err


def test_an_edit_and_bad_answers(shell: Shell, capsys: Out, workdir: Path) -> None:
    shell(*RUN, *LARGE)
    assert main(["answer", "q", "edit", "--by", "lead"]) == 2
    assert "--value" in capsys.readouterr().err
    assert main(["answer", "q", "edit", "--by", "lead", "--value", "{"]) == 2
    assert "no JSON" in capsys.readouterr().err
    assert main(["answer", "nosuch", "approve", "--by", "lead"]) == 1
    assert "no open question begins with 'nosuch': q" in capsys.readouterr().err
    assert main(["answer", "q", "approve", "--by", "mallory"]) == 1
    assert "mallory" in capsys.readouterr().err
    value = json.dumps({"ticket_id": "8", "amount": "50.00"})
    assert main(["answer", "q", "edit", "--by", "lead", "--value", value]) == 0
    assert "approved with edits" in capsys.readouterr().out
    assert paid(workdir) == ["50.00"]


def test_resume_after_a_kill(shell: Shell, workdir: Path, capsys: Out) -> None:
    """Killed while the clerk works: the run is interrupted, and goes on where it was."""
    source = (workdir / "shop.py").read_text()
    hangs = source.replace(
        '    """What to refund, and why."""',
        "    import pathlib, time\n"
        '    if not pathlib.Path("go").exists():\n'
        '        pathlib.Path("here").touch()\n'
        "        time.sleep(600)",
    )
    (workdir / "shop.py").write_text(hangs)
    child = subprocess.Popen(
        [sys.executable, "-m", "leafmesh_nb", *RUN, *SMALL],
        cwd=workdir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "clerk runs clerk" in line:
            break
    child.kill()
    child.communicate()
    (workdir / "go").touch()
    (listed,) = json.loads(shell("runs", "--format", "json").stdout)
    assert (listed["status"], listed["interrupted"]) == ("running", True)
    done = shell("resume", listed["run"])
    assert done.returncode == 0, done.stderr
    assert "✓ Done" in done.stdout
    assert paid(workdir) == ["20.00"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["run", "nosuch.yaml", "refund"], 2, "nosuch.yaml"),
        (["run", "refunds.yaml", "nosuch"], 1, "no workflow 'nosuch'"),
        (["run", "refunds.yaml", "refund", "--input", "ticket"], 2, "write key=value"),
        (["run", "refunds.yaml", "refund", "--input", "ticket_id=7"], 1, "refund takes"),
        (["run", "refunds.yaml", "refund", "--input-file", "no.json"], 2, "no.json"),
        (["run", "refunds.yaml", "refund", "--input-file", "shop.py"], 2, "no JSON"),
        (["show", "nosuch"], 1, "no run 'nosuch'"),
        (["resume", "nosuch"], 1, "no run 'nosuch'"),
    ],
)
def test_bad_input(capsys: Out, words: list[str], code: int, said: str) -> None:
    assert main(words) == code
    assert said in capsys.readouterr().err


def test_inputs_from_a_file_are_overruled_by_flags(workdir: Path, capsys: Out) -> None:
    (workdir / "in.json").write_text(
        json.dumps({"ticket_id": "1", "ticket": "Please refund the 5.00"})
    )
    assert main([*RUN, "--input-file", "in.json", "--input", "ticket_id=0042"]) == 0
    assert json.loads((workdir / "payouts.jsonl").read_text())["ticket"] == "0042", "text stays"


def test_an_empty_journal(capsys: Out) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.strip() == "no runs yet"
    assert main(["approvals"]) == 0
    assert capsys.readouterr().out.strip() == "no question is open"


def test_a_table_steers_no_terminal() -> None:
    drawn = table(("id", "why"), [("q1", "red \x1b[31m\x07 and\nmore " + "word " * 60)])
    assert "\x1b" not in drawn
    assert all(len(line) <= 100 for line in drawn.splitlines())
    assert drawn.splitlines()[0] == "id  why"
