"""What scripts, pipes and terminals of every kind get to read."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from leafmesh_nb.cli import main

NOISY = 'import os, sys\nprint("IMPORTED")\nos.system("echo CHILD")\n'


@pytest.fixture
def shop(workdir: Path) -> Path:
    """The template, in a folder of its own; its functions print, and so do their children."""
    done(sys.executable, "-m", "leafmesh_nb", "new", "refunds", "--out", "my shop")
    functions = workdir / "my shop" / "shop.py"
    functions.write_text(NOISY + functions.read_text())
    return workdir / "my shop"


def done(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"LEAFMESH_ANSWERS": ""} | variables,
    )


def shell(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return done(sys.executable, "-m", "leafmesh_nb", *words, **variables)


def run(ticket: str, *more: str) -> subprocess.CompletedProcess[str]:
    inputs = ["--input", "ticket_id=7", "--input", f"ticket={ticket}"]
    return shell("run", "my shop/refunds.yaml", "refund", *inputs, *more)


def test_json_alone_is_on_standard_output(shop: Path) -> None:
    said = run("Please refund the 20.00", "--format", "json")
    assert json.loads(said.stdout)["status"] == "done", said.stderr
    assert "IMPORTED" in said.stderr
    assert "CHILD" in said.stderr


def test_advice_can_be_pasted(shop: Path, workdir: Path) -> None:
    """From the folder where it was given: with the journal and the mesh that it is about."""
    waits = run("Please refund the 620.00", "--journal", "other place.db")
    (advice,) = [line for line in waits.stderr.splitlines() if " approve --by " in line]
    words = shlex.split(advice)
    assert words[0] == "leafmesh-nb"
    assert words[-4:] == ["--journal", "other place.db", "--mesh", "my shop/refunds.yaml"]
    answered = shell(*words[1:])
    assert answered.returncode == 0, answered.stderr
    assert "paid: 620.00" in answered.stdout


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_id_answers_nothing(shop: Path, empty: str) -> None:
    """A variable that is not set must not approve the one question that is open."""
    run("Please refund the 620.00")
    said = shell("answer", empty, "approve", "--by", "lead")
    assert (said.returncode, said.stdout) == (2, "")
    assert "ID is empty" in said.stderr
    assert json.loads(shell("approvals", "--format", "json").stdout)


def test_a_terminal_that_writes_ascii_only(shop: Path) -> None:
    said = shell("check", "my shop/refunds.yaml", PYTHONIOENCODING="ascii")
    assert said.returncode == 0, said.stderr
    assert r"schema  \u2713 green" in said.stdout


def test_words_of_agents_steer_no_terminal(shop: Path) -> None:
    (shop / "shop.py").write_text('raise RuntimeError("boom \\x1b[2J\\x07")\n')
    said = run("Please refund the 20.00")
    assert said.returncode == 1
    assert r"RuntimeError: boom \x1b[2J\x07" in said.stderr
    assert "\x1b" not in said.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_full_disk(shop: Path, format: str) -> None:
    with open("/dev/full", "w") as full:
        child = subprocess.run(
            [sys.executable, "-m", "leafmesh_nb", "runs", "--format", format],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (child.returncode, child.stderr) == (1, "leafmesh-nb: No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize("words", ["runs >&-", "runs --format json >&-", "show nope 2>&-"])
def test_a_stream_that_is_closed(shop: Path, words: str) -> None:
    said = done("sh", "-c", f"{shlex.quote(sys.executable)} -m leafmesh_nb {words}")
    assert said.returncode == int("2>" in words)
    assert (said.stdout, said.stderr) == ("", "")


def test_an_export_that_is_read_in_part(shop: Path) -> None:
    run("Please refund the 20.00")
    child = subprocess.Popen(
        [sys.executable, "-m", "leafmesh_nb", "export", "--format", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.wait(60) == 0


def test_an_unknown_flag_names_its_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["runs", "--bogus"])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: leafmesh-nb runs ")
    assert "unrecognized arguments: --bogus" in said


def test_what_the_template_says_next_can_be_pasted(workdir: Path) -> None:
    said = shell("new", "refunds", "--out", "a b").stdout.splitlines()
    commands = [shlex.split(line.removeprefix("next")) for line in said[-2:]]
    assert [words[:2] for words in commands] == [["leafmesh-nb", "check"], ["leafmesh-nb", "run"]]
    for words in commands:
        assert shell(*words[1:]).returncode == 0, words
