"""A run that another live process owns: seen from here, answered from here, left to it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import registry


class TestALiveOwner:
    def test_a_handle_shows_its_status_and_answers_reach_it(
        self, desk: Any, elsewhere: Any
    ) -> None:
        other = elsewhere()
        run = registry.find(other.run, open_journal())
        assert not run.owned_here
        assert not run.abandoned()
        assert run.status == "waiting"
        (question,) = run.approvals()
        with pytest.raises(lm.ApprovalError, match="mallory is not among those asked"):
            question.approve(by="mallory")
        assert [b.person for b in desk.bodies(run, "approval.refused")] == ["mallory"]
        question.approve(by="lead", note="from afar")
        assert run.result(20) == {"category": "refund", "paid": Decimal(620)}
        assert other.end() == '["done", 1]'
        assert not run.owned_here
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.person, answered.note, answered.channel) == ("lead", "from afar", "python")
        with pytest.raises(lm.ApprovalError, match="it has ended"):
            question.reject(by="lead")
        assert desk.bodies(run, "run.resumed") == []

    def test_it_cannot_be_resumed_while_its_owner_lives(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere()
        desk.mesh()
        with pytest.raises(lm.OwnershipError) as caught:
            lm.resume(other.run)
        assert f"process {other.process.pid}" in str(caught.value)
        other.kill()
        assert desk.keep(lm.resume(other.run)).owned_here

    def test_steering_reaches_it(self, elsewhere: Any) -> None:
        other = elsewhere()
        run = registry.find(other.run, open_journal())
        run.pause()
        run.cancel()
        assert run.status == "cancelled"
        assert other.end() == '["cancelled", 1]'

    def test_a_listener_hears_of_it_while_somebody_waits(self, desk: Any, elsewhere: Any) -> None:
        other = elsewhere()
        run = registry.find(other.run, open_journal())
        heard: list[str] = []
        run.subscribe(lambda events: heard.extend(e.kind for e in events))
        run.approvals()[0].approve(by="lead")
        run.result(20)
        assert heard[0] == "approval.answered"
        assert heard[-1] == "run.ended"

    def test_when_its_owner_dies_the_next_answer_takes_it_over(
        self, desk: Any, elsewhere: Any
    ) -> None:
        other = elsewhere()
        desk.mesh()
        run = desk.keep(registry.find(other.run, open_journal()))
        assert run.status == "waiting"
        other.kill()
        desk.until(run.abandoned)
        run.approvals()[0].approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)
        assert run.owned_here or run.status == "done"
