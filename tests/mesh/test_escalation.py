"""Time and the ladder: silence moves a question up, and at the end denies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.testing import FixedClock


def the_question(run: Any) -> Any:
    (question,) = run.approvals()
    return question


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def run(desk: Any, clock: FixedClock) -> Any:
    return desk.refund("620", mesh=desk.mesh(clock=clock))


class TestTheLadder:
    def test_lead_then_finance_then_denied(self, desk: Any, run: Any, clock: FixedClock) -> None:
        question = the_question(run)
        assert (question.to, question.due - clock.now()) == ("lead", timedelta(minutes=30))
        clock.advance(minutes=29, seconds=59)
        assert desk.bodies(run, "approval.escalated") == []
        clock.advance(seconds=1)
        desk.until(lambda: the_question(run).to == "finance")
        again = the_question(run)
        assert again.id == question.id
        assert again.roster == ("finance",)
        assert again.due - clock.now() == timedelta(minutes=30)
        (escalated,) = desk.bodies(run, "approval.escalated")
        assert (escalated.by, escalated.to) == ("time", "finance")
        clock.advance(minutes=30)
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert "nobody answered in time (finance was asked), and silence denies" in str(
            caught.value
        )
        assert caught.value.cause == "PolicyDenied"
        assert len(desk.bodies(run, "approval.expired")) == 1
        assert desk.bodies(run, "approval.answered") == []
        assert desk.paid() == []

    def test_after_the_first_rung_only_the_second_counts(
        self, desk: Any, run: Any, clock: FixedClock
    ) -> None:
        clock.advance(minutes=30)
        desk.until(lambda: the_question(run).to == "finance")
        with pytest.raises(lm.ApprovalError, match=r"lead is not among those asked \(finance\)"):
            the_question(run).approve(by="lead")
        the_question(run).approve(by="finance")
        assert run.result(20)["paid"] == Decimal(620)

    def test_a_long_silence_asks_the_next_before_it_denies(
        self, desk: Any, run: Any, clock: FixedClock
    ) -> None:
        clock.advance(days=3)
        desk.until(lambda: the_question(run).to == "finance")
        assert run.status == "waiting"
        assert the_question(run).due == clock.now() + timedelta(minutes=30)

    def test_only_the_path_that_asks_waits(self, desk: Any, clock: FixedClock) -> None:
        mesh = desk.mesh(
            """
            mesh: two
            people: {lead: {roles: [approver]}}
            tools:
              send: {side_effect: true, input: {n: integer}, output: {n: integer}}
            agents:
              sender:
                role: Sends
                kind: python
                capabilities: {it.send: {input: {n: integer}, output: {n: integer}}}
                tools: [send]
              adder:
                role: Adds
                kind: python
                capabilities: {it.add: {input: {n: integer}, output: {n: integer}}}
            policies:
              p: {at: tool, rules: [{id: a, then: ask, to: lead}]}
            workflows:
              go:
                steps:
                  asks: {capability: it.send, with: {n: 1}}
                  runs: {capability: it.add, with: {n: 1}}
                  after: {capability: it.add, with: {n: steps.runs.output.n}}
            """,
            clock=clock,
        )
        mesh.agent("sender")(lambda n, ctx: {"n": ctx.tool("send", n=n)["n"]})
        mesh.agent("adder")(lambda n: {"n": n + 1})
        mesh.tool("send")(lambda n: {"n": n})
        run = desk.start(mesh, "go")
        desk.until(lambda: run.approvals() and len(desk.bodies(run, "step.ended")) == 2)
        assert run.status == "waiting"
        assert the_question(run).due - clock.now() == timedelta(hours=24)
        clock.advance(hours=24)
        with pytest.raises(lm.RunError, match="silence denies"):
            run.result(20)


class TestByHand:
    def test_escalate_asks_the_next_at_once(self, desk: Any, run: Any, clock: FixedClock) -> None:
        clock.advance(minutes=10)
        the_question(run).escalate(by="lead", note="above my pay")
        question = the_question(run)
        assert question.to == "finance"
        assert question.due == clock.now() + timedelta(minutes=30)
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.answer, answered.person, answered.note) == (
            "escalate",
            "lead",
            "above my pay",
        )
        (escalated,) = desk.bodies(run, "approval.escalated")
        assert escalated.by == "lead"
        question.approve(by="finance")
        assert run.result(20)["paid"] == Decimal(620)

    def test_at_the_top_there_is_nobody_further_up(self, run: Any) -> None:
        the_question(run).escalate(by="lead")
        with pytest.raises(lm.ApprovalError, match="nobody further up"):
            the_question(run).escalate(by="finance")
        assert the_question(run).to == "finance"

    def test_only_those_asked_may_escalate(self, run: Any) -> None:
        with pytest.raises(lm.ApprovalError, match="not among those asked"):
            the_question(run).escalate(by="finance")
        assert the_question(run).to == "lead"

    def test_a_script_answers_on_the_second_rung(self, desk: Any) -> None:
        approver = lm.testing.ScriptedApprover(
            [
                {"to": "lead", "answer": "escalate", "by": "lead"},
                {"to": "finance", "answer": "approve", "by": "finance"},
            ]
        )
        run = desk.refund("620", mesh=desk.mesh(approver=approver))
        assert run.result(20)["paid"] == Decimal(620)


CHILD = """
    import os, sys, time
    import leafmesh_nb as lm
    from leafmesh_nb.quickstart import shop
    from leafmesh_nb.testing import FixedClock, ScriptedModel

    text = open(sys.argv[1], encoding="utf-8").read()
    mesh = lm.Mesh.from_yaml(text)
    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(shop.pay_out)
    reply = {"category": "refund", "amount": "620", "confidence": 1}
    model = ScriptedModel(lambda _: reply)
    mesh.use(models={"quick": model, "deep": model}, clock=FixedClock())
    run = mesh.start("refund", ticket_id="7", ticket="x", tier="gold")
    while run.status != "waiting":
        time.sleep(0.01)
    print(run.id, flush=True)
    os._exit(9)
    """


class TestAcrossProcesses:
    """The process that asked is gone: what is due is looked at with the next touch."""

    @pytest.fixture
    def abandoned(self, desk: Any, tmp_path: Path, refunds_text: str) -> str:
        file = tmp_path / "refunds.yaml"
        file.write_text(refunds_text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "LEAFMESH_JOURNAL": desk.journal},
            check=False,
        )
        assert done.returncode == 9, done.stderr
        return done.stdout.strip()

    def clock(self, **later: float) -> FixedClock:
        clock = FixedClock()
        clock.advance(**later)
        return clock

    def test_in_time_the_question_is_still_leads(self, desk: Any, abandoned: str) -> None:
        desk.mesh(clock=self.clock(minutes=10))
        (question,) = lm.approvals()
        assert (question.run.id, question.to) == (abandoned, "lead")
        question.approve(by="lead")
        assert desk.keep(question.run).result(20)["paid"] == Decimal(620)
        assert json.loads(desk.ledger()[0])["ticket_id"] == "7"

    def test_late_it_is_finances(self, desk: Any, abandoned: str) -> None:
        desk.mesh(clock=self.clock(hours=1))
        (question,) = lm.approvals()
        with pytest.raises(lm.ApprovalError, match=r"lead is not among those asked \(finance\)"):
            question.approve(by="lead")
        run = desk.keep(question.run)
        assert run.id == abandoned
        the_question(run).approve(by="finance")
        assert run.result(20)["paid"] == Decimal(620)

    def test_the_second_rung_has_its_own_time_and_then_denies(
        self, desk: Any, abandoned: str
    ) -> None:
        clock = self.clock(hours=1)
        desk.mesh(clock=clock)
        run = desk.keep(lm.resume(abandoned))
        desk.until(lambda: the_question(run).to == "finance")
        clock.advance(minutes=30)
        with pytest.raises(lm.RunError, match="silence denies"):
            run.result(20)
        assert desk.paid() == []
        assert lm.verify().ok
