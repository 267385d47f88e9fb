"""Help, and what every verb answers to it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from leafmesh_nb.cli import main

VERBS = [
    "demo",
    "lab",
    "new",
    "check",
    "schema",
    "run",
    "runs",
    "prune",
    "explain",
    "show",
    "resume",
    "approvals",
    "answer",
    "verify",
    "export",
    "deploy",
    "worker",
    "token",
]


def test_no_verb_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert "examples:" in out
    for verb in VERBS:
        assert f"\n    {verb}" in out, verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([verb, "--help"])
    assert caught.value.code == 0
    assert f"usage: leafmesh-nb {verb}" in capsys.readouterr().out


def test_a_reader_that_has_seen_enough() -> None:
    """``leafmesh-nb runs | head -0``: no traceback, no message."""
    child = subprocess.Popen(
        [sys.executable, "-m", "leafmesh_nb", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()
    child.wait(60)
