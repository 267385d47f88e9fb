"""How a magic's line is split."""

from __future__ import annotations

import pytest

from leafmesh_nb.notebook.words import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("refund", ["refund"]),
        ('refund ticket="I was charged twice"', ["refund", 'ticket="I was charged twice"']),
        ("a=[1, 2]  b={'x': (1, 2)} c", ["a=[1, 2]", "b={'x': (1, 2)}", "c"]),
        ("a=f(x, y=' ') --step -o run", ["a=f(x, y=' ')", "--step", "-o", "run"]),
        ("a='it''s' b=\"é ü\"", ["a='it''s'", 'b="é ü"']),
        ("--journal=/tmp/a.db", ["--journal=/tmp/a.db"]),
        ("x=-5 y=1.5", ["x=-5", "y=1.5"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ['a="open', "a=[1, 2", "a=(1"])
def test_what_does_not_end_is_said(line: str) -> None:
    with pytest.raises(ValueError, match=r"not closed|does not end"):
        split(line)
