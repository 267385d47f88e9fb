"""A slice of the 100,000 mutants of ``mutants.py``, other ones than are run by hand."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

import leafmesh_nb.language as language
from leafmesh_nb.language import parse
from leafmesh_nb.mesh.checking import check_text

FIRST = 1_000_000
SLICES, COUNT = 8, 400
EVERY_KEY = Path(__file__).parents[1] / "fixtures" / "every_key.yaml"


@pytest.mark.parametrize("slice", range(SLICES))
def test_whatever_the_slip_what_is_told_can_be_shown(mutants: ModuleType, slice: int) -> None:
    first = FIRST + slice * COUNT
    for number in range(first, first + COUNT):
        assert list(mutants.broken_promises(mutants.mutant(number))) == [], f"mutant {number}"


def test_a_check_of_what_can_still_be_read_ends_in_a_report(mutants: ModuleType) -> None:
    checked = 0
    for number in range(FIRST, FIRST + 300):
        text = mutants.mutant(number)
        if parse(text).spec is not None:
            report = check_text(text, "cell")
            assert report.to_sarif()["version"] == "2.1.0", f"mutant {number}"
            assert str(report)
            checked += 1
    assert checked >= 5


def test_a_mutant_can_be_made_again(mutants: ModuleType) -> None:
    assert mutants.mutant(7) == mutants.mutant(7)
    assert len({mutants.mutant(number) for number in range(50)}) == 50


def test_a_broken_promise_is_found(mutants: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "mesh: a\nb: 1\n"
    assert list(mutants.broken_promises(text)) == []
    wordy = parse(text)

    def parse_wordily(text: str, source: str) -> object:
        (told,) = wordy.diagnostics
        object.__setattr__(told, "message", "validation error")
        object.__setattr__(told, "span", told.span._replace(end_line=9))
        return wordy

    monkeypatch.setattr(mutants, "parse", parse_wordily)
    broken = list(mutants.broken_promises(text))
    assert len(broken) == 3, broken


def test_the_mesh_of_every_key_has_them_all() -> None:
    """So that mutants meet every key; what cannot be enforced yet is all that is wrong with it."""
    text = EVERY_KEY.read_text(encoding="utf-8")
    assert {d.code for d in parse(text).diagnostics} <= {"LM203"}
    written = set(re.findall(r"(?m)(?:^ *(?:- )?|[{,] ?)(\w+):(?= |$)", text))
    folder = Path(str(language.__file__)).parent
    blocks = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for block in re.findall(r"(?m)^[A-Z_]+ = Block\((.*?)\n?\)\n", blocks, re.DOTALL):
        _, _, tables = block.partition(",")
        for table in re.findall(r"(?:required|optional|later)=\((.*?)\)", tables, re.DOTALL):
            assert set(re.findall(r'"(\w+)"', table)) <= written, block
