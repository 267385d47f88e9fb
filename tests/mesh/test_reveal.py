"""Looking behind a mask is an event, also when the run has ended."""

from __future__ import annotations

from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.events import MemoryRevealed
from leafmesh_nb.errors import ConflictError
from leafmesh_nb.mesh.reveal import record_reveal


def revealed(run: Any) -> list[MemoryRevealed]:
    bodies = [event.body for event in run.journal.read("journal")]
    return [body for body in bodies if isinstance(body, MemoryRevealed)]


def test_a_look_is_recorded_with_its_person(desk: Any) -> None:
    run = desk.refund("50")
    run.result(20)
    record_reveal(run, "q1/inputs/card")
    record_reveal(run, "q1/memory/0", channel="notebook")
    first, second = revealed(run)
    assert (first.run, first.what, first.channel) == (run.id, "q1/inputs/card", "notebook")
    assert first.person
    assert second.what == "q1/memory/0"
    assert lm.verify(run.journal.location).ok


def test_a_look_that_cannot_be_recorded_shows_nothing(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = desk.refund("50")
    run.result(20)

    def taken(batch: Any) -> Any:
        raise ConflictError("somebody was first")

    monkeypatch.setattr(run.journal, "commit", taken)
    with pytest.raises(lm.JournalError, match="nothing is revealed"):
        record_reveal(run, "q1/inputs/card")
