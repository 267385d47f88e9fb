"""Who is asked while a cell waits: the card that answers, else the input line, else nobody."""

from __future__ import annotations

import time
from typing import Any

import pytest

from leafmesh_nb.mesh.waiting import NobodyHere
from leafmesh_nb.notebook import attendant as module
from leafmesh_nb.notebook.attendant import CardAttendant


class FakeCard:
    """Answers pings with the next of a list of views."""

    def __init__(self, *views: int | None) -> None:
        self.answers = list(views)
        self.pings = 0
        self.shown_again = 0

    def views(self, timeout: float) -> int | None:
        self.pings += 1
        return self.answers.pop(0)

    def redisplay(self) -> None:
        self.shown_again += 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(module, "ask_on_input_line", lambda run, why: said.append(why))
    return said


def tick(attendant: CardAttendant, times: int = 2) -> None:
    for _ in range(times):
        attendant.tick(None, 1.0)  # type: ignore[arg-type]  # the run is only handed on
        end = time.monotonic() + 5
        while attendant._asked is not None and not attendant._asked.done():
            assert time.monotonic() < end
            time.sleep(0.001)


def test_a_card_with_a_view_is_left_alone(asked: list[str]) -> None:
    card = FakeCard(1)
    tick(CardAttendant(lambda: card), 5)
    assert card.pings == 1
    assert asked == []


def test_a_card_without_a_view_is_shown_again_once(asked: list[str]) -> None:
    card = FakeCard(0, 0)
    attendant = CardAttendant(lambda: card)
    tick(attendant)
    assert card.shown_again == 1
    attendant._good_until = 0.0
    tick(attendant)
    assert card.shown_again == 1
    assert len(asked) == 1


def test_where_nothing_answers_the_input_line_asks_and_says_why(asked: list[str]) -> None:
    tick(CardAttendant(lambda: FakeCard(None)))
    assert asked == [module.WHY]


def test_a_card_that_fails_counts_as_none(asked: list[str]) -> None:
    class Broken(FakeCard):
        def views(self, timeout: float) -> int | None:
            raise RuntimeError("the comm is gone")

    tick(CardAttendant(Broken))
    assert asked == [module.WHY]


class StdinNotImplementedError(NotImplementedError):
    """As ipykernel names it."""


@pytest.mark.parametrize("error", [EOFError(), StdinNotImplementedError()])
def test_without_an_input_line_nobody_is_here(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def ask(run: Any, why: str) -> None:
        raise error

    monkeypatch.setattr(module, "ask_on_input_line", ask)
    with pytest.raises(NobodyHere):
        tick(CardAttendant(lambda: FakeCard(None)))
