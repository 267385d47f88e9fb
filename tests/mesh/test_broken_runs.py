"""One run that somebody tampered with hides no other: it alone is left out, by name."""

from __future__ import annotations

import sqlite3
from typing import Any
from weakref import WeakValueDictionary

import pytest

import leafmesh_nb as lm
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import registry
from leafmesh_nb.notebook.overview import status_html, status_text

DAMAGE = {
    "another requester in the row": "UPDATE runs SET requester = 'mallory' WHERE id = :run",
    "another mesh in the row": "UPDATE runs SET mesh = 'other' WHERE id = :run",
    "half a payload": (
        "UPDATE events SET payload = '{' WHERE stream = 'run:' || :run AND kind = 'approval.asked'"
    ),
    "an event is gone": "DELETE FROM events WHERE stream = 'run:' || :run AND seq = 3",
    "an event of another kind": (
        "UPDATE events SET kind = 'run.paused', path = '' "
        "WHERE stream = 'run:' || :run AND kind = 'step.resolved'"
    ),
    "its first event is gone": "DELETE FROM events WHERE stream = 'run:' || :run AND seq = 1",
}


@pytest.fixture(params=DAMAGE)
def three(request: Any, desk: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of three runs that wait, the one in the middle broken; nobody has read them yet."""
    runs = [desk.refund("620") for _ in range(3)]
    ids = [run.id for run in runs]
    with sqlite3.connect(desk.journal) as conn:
        assert conn.execute(DAMAGE[request.param], {"run": ids[1]}).rowcount > 0
    monkeypatch.setattr(registry, "_handles", WeakValueDictionary())
    return ids


def test_the_others_questions_are_listed(desk: Any, three: list[str]) -> None:
    with pytest.warns(UserWarning, match=f"run {three[1]} is left out") as warned:
        found = lm.approvals()
    assert [question.run.id for question in found] == [three[0], three[2]]
    assert warned[0].filename == __file__, "it points at whoever asked"
    assert "verify() tells more" in str(warned[0].message)
    found[0].approve(by="lead")
    assert found[0].run.result(20)["category"] == "refund"


def test_the_overview_names_it(desk: Any, three: list[str]) -> None:
    runs, notes = registry.open_runs(open_journal(desk.journal))
    assert [run.id for run in runs] == [three[2], three[0]]
    (note,) = notes
    assert note.startswith(f"run {three[1]} is left out, because it cannot be read: ")
    for shown in (status_text(None, runs, notes), status_html(None, runs, notes)):
        assert all(id in shown for id in three)


def test_the_broken_run_itself_is_refused(desk: Any, three: list[str]) -> None:
    for attempt in (registry.find, lambda id, _: lm.resume(id)):
        with pytest.raises(lm.JournalError):
            attempt(three[1], open_journal(desk.journal))
    assert desk.paid() == []


def test_without_damage_nobody_is_warned(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = desk.refund("620")
    monkeypatch.setattr(registry, "_handles", WeakValueDictionary())
    assert [question.run.id for question in lm.approvals()] == [run.id]
