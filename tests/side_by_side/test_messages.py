"""The page of twenty mistakes says of ours what is true now; the others' answers were recorded."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def side_by_side() -> ModuleType:
    path = Path(__file__).with_name("side_by_side.py")
    spec = importlib.util.spec_from_file_location("side_by_side", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def mistakes(side_by_side: ModuleType) -> ModuleType:
    found: ModuleType = side_by_side.load("mistakes")
    return found


@pytest.fixture(scope="module")
def rows(side_by_side: ModuleType) -> list[list[str]]:
    """What each mistake is called on the page, and the four answers."""
    text = side_by_side.PAGE.read_text(encoding="utf-8")
    found = []
    for section in re.split(r"(?m)^## \d+\. ", text)[1:]:
        what, *lines = section.strip().split("\n")
        answers = [re.fullmatch(r"\| (.+?) \| (.*) \|", line) for line in lines if "| " in line]
        cells = [answer.groups() for answer in answers if answer]
        assert [tool for tool, _ in cells] == list(side_by_side.TOOLS), what
        found.append([what, *(said for _, said in cells)])
    return found


def test_what_we_say_is_what_the_page_says(
    side_by_side: ModuleType, mistakes: ModuleType, rows: list[list[str]]
) -> None:
    assert len(rows) == len(mistakes.MISTAKES) == 20
    for mistake, row in zip(mistakes.MISTAKES, rows, strict=True):
        assert row[:2] == [mistake.what, side_by_side.cell(side_by_side.ours(mistake.mesh))]


def test_each_of_ours_is_one_message_with_a_place(
    side_by_side: ModuleType, mistakes: ModuleType
) -> None:
    for mistake in mistakes.MISTAKES:
        assert re.match(r"`\d+:\d+` LM\d{3} \S", side_by_side.ours(mistake.mesh)), mistake.what
        assert " · " not in side_by_side.ours(mistake.mesh), mistake.what


def test_the_same_mistake_is_made_in_the_others_files(
    side_by_side: ModuleType, mistakes: ModuleType, rows: list[list[str]]
) -> None:
    crew = mistakes.AGENTS + mistakes.TASKS
    for mistake, row in zip(mistakes.MISTAKES, rows, strict=True):
        for text, slip, answer in (
            (crew, mistake.crew, row[3]),
            (mistakes.COMPOSE, mistake.compose, row[4]),
        ):
            assert (slip is None) == (answer == side_by_side.NOT_THERE)
            if slip is not None:
                assert side_by_side.slipped(text, slip) != text


def test_an_answer_is_quoted_as_it_is_and_cut(side_by_side: ModuleType) -> None:
    assert side_by_side.quoted("") == side_by_side.NOTHING
    assert side_by_side.quoted("KeyError: 'a'") == "`KeyError: 'a'`"
    assert side_by_side.quoted(f"in {side_by_side.KEY}") == "`in sk-…`"
    long = side_by_side.quoted("word " * 100)
    assert long.endswith("…`")
    assert len(long) <= side_by_side.LONGEST + 2


def test_the_page_holds_no_path_and_no_key(side_by_side: ModuleType) -> None:
    text = side_by_side.PAGE.read_text(encoding="utf-8")
    assert side_by_side.KEY not in text
    assert not re.search(r"/(?:tmp|home|root|work|usr)/", text)
