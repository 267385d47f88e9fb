"""``leafmesh-nb explain``."""

from __future__ import annotations

import pytest

from leafmesh_nb.cli import main
from leafmesh_nb.language import CODES


def test_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LM302"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("LM302: an unknown capability\n")
    assert "\nWhat to do\n" in out
    assert "\x1b" not in out  # standard output is no terminal here


def test_a_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "expressions"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Expressions: ")
    assert "\nFunctions\n" in out
    assert "\x1b" not in out


def test_without_a_word_every_topic_and_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("topics\n  expressions  Expressions: ")
    assert all(f"  {code}  {title}\n" in out for code, title in CODES.items())


def test_what_is_no_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "LM3O2"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "leafmesh-nb: there is no code 'LM3O2'. Did you mean LM302?\n"


def test_what_is_no_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "expression"]) == 2
    assert capsys.readouterr().err == (
        "leafmesh-nb: there is no code or topic 'expression'. Did you mean expressions?\n"
    )


def test_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", "--help"])
    assert caught.value.code == 0
    assert "usage: leafmesh-nb explain [-h] [CODE|TOPIC]" in capsys.readouterr().out
