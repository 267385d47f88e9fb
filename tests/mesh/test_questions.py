"""Questions to people: who counts, what is refused, what is recorded."""

from __future__ import annotations

import subprocess
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.mesh import person


def the_question(run: Any) -> Any:
    (question,) = run.approvals()
    return question


class TestAQuestion:
    def test_it_shows_who_what_and_why(self, desk: Any) -> None:
        run = desk.refund("620.00")
        question = the_question(run)
        assert run.status == "waiting"
        assert (question.step, question.point, question.subject) == ("pay", "tool", "pay_out")
        assert question.value == {"ticket_id": "7", "amount": "620.00"}
        assert question.reason == "620.00 is over the teller's limit"
        assert (question.policy, question.rule) == ("payouts", "large")
        assert ["tool.arguments.amount", "620.00"] in [list(v) for v in question.values]
        assert (question.to, question.roster) == ("lead", ("lead",))
        assert question.options == ("approve", "reject", "edit", "escalate")
        asked_at = next(e.ts for e in run.recorded() if e.kind == "approval.asked")
        assert (question.due - asked_at).total_seconds() == pytest.approx(1800, abs=1)
        assert repr(question).startswith(f"<Approval {question.id} refund.pay: pay_out → lead: 620")
        assert desk.paid() == []

    def test_approve(self, desk: Any) -> None:
        run = desk.refund("620")
        the_question(run).approve(by="lead", note="fair enough")
        assert run.result(20) == {"category": "refund", "paid": Decimal(620)}
        assert desk.paid() == [Decimal(620)]
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.answer, answered.person, answered.note) == (
            "approve",
            "lead",
            "fair enough",
        )
        assert (answered.channel, answered.identity) == ("python", "asserted")
        tool = next(c for c in desk.bodies(run, "call.started") if c.call == "tool")
        assert tool.approvals == (answered.id,)

    def test_reject_is_a_denial(self, desk: Any) -> None:
        run = desk.refund("620")
        the_question(run).reject(by="lead", note="not this one")
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        assert caught.value.step == "pay"
        assert caught.value.cause == "PolicyDenied"
        assert "lead rejected it: not this one" in str(caught.value)
        assert run.status == "failed"
        assert desk.paid() == []

    def test_it_is_approved_for_this_action_once(self, desk: Any) -> None:
        mesh = desk.mesh()

        @mesh.agent("teller")
        def twice(ticket_id: str, amount: Decimal, *, ctx: Any) -> dict[str, Any]:
            first = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
            second = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
            return {"receipt": first["receipt"] + second["receipt"], "amount": amount}

        run = desk.refund("620", mesh=mesh)
        the_question(run).approve(by="lead")
        desk.until(lambda: desk.paid() and run.approvals())
        assert desk.paid() == [Decimal(620)]
        the_question(run).reject(by="lead")
        with pytest.raises(lm.RunError, match="lead rejected it"):
            run.result(20)
        assert desk.paid() == [Decimal(620)]


class TestWho:
    @pytest.mark.parametrize("by", ["finance", "mallory", "LEAD", "lead ", "approver"])
    def test_only_those_asked_count(self, desk: Any, by: str) -> None:
        run = desk.refund("620")
        question = the_question(run)
        with pytest.raises(lm.ApprovalError, match="is not among those asked"):
            question.approve(by=by)
        assert run.status == "waiting"
        (refused,) = desk.bodies(run, "approval.refused")
        assert (refused.id, refused.answer, refused.person) == (question.id, "approve", by)
        assert refused.channel == "python"
        assert "not among those asked (lead)" in refused.reason
        assert desk.paid() == []
        question.approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)

    def test_without_a_name_the_first_of_those_asked_is_taken_at_their_word(
        self, desk: Any
    ) -> None:
        run = desk.refund("620")
        the_question(run).approve()
        run.result(20)
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.person, answered.identity) == ("lead", "asserted")

    def test_whoever_was_named_here_answers(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = desk.refund("620")
        person.set_person("mallory")
        with pytest.raises(lm.ApprovalError, match="mallory is not among those asked"):
            the_question(run).approve()
        person.set_person("lead")
        the_question(run).approve()
        run.result(20)
        (answered,) = desk.bodies(run, "approval.answered")
        assert answered.person == "lead"

    def test_nobody_is_more_than_asserted_here(self, desk: Any) -> None:
        run = desk.refund("620")
        with pytest.raises(lm.ApprovalError, match="asserted"):
            run.answer(the_question(run).id, "approve", person="lead", identity="signed_in")
        assert run.status == "waiting"

    def test_a_script_is_recorded_as_one(self, desk: Any) -> None:
        approver = lm.testing.ScriptedApprover(
            [
                {
                    "step": "pay",
                    "policy": "payouts",
                    "rule": "large",
                    "answer": "approve",
                    "by": "lead",
                }
            ]
        )
        run = desk.refund("620", mesh=desk.mesh(approver=approver))
        run.result(20)
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.person, answered.channel, answered.identity) == (
            "lead",
            "script",
            "script",
        )

    @pytest.mark.parametrize(
        "narrow", [{"step": "classify"}, {"rule": "small"}, {"subject": "x"}, {"to": "finance"}]
    )
    def test_a_script_that_does_not_fit_leaves_the_question_open(
        self, desk: Any, narrow: dict[str, str]
    ) -> None:
        approver = lm.testing.ScriptedApprover([{**narrow, "answer": "approve"}])
        assert desk.refund("620", mesh=desk.mesh(approver=approver)).status == "waiting"

    def test_a_script_of_somebody_else_is_refused(self, desk: Any) -> None:
        approver = lm.testing.ScriptedApprover([{"answer": "approve", "by": "mallory"}])
        run = desk.refund("620", mesh=desk.mesh(approver=approver))
        desk.until(lambda: desk.bodies(run, "approval.refused"))
        (refused,) = desk.bodies(run, "approval.refused")
        assert (refused.person, refused.channel) == ("mallory", "script")
        assert run.status == "waiting"

    def test_the_environments_script_denies(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LEAFMESH_ANSWERS", "deny")
        run = desk.refund("620")
        with pytest.raises(lm.RunError, match="denied by --answers deny"):
            run.result(20)


class TestRefusedAnswers:
    @pytest.mark.parametrize("verb", ["maybe", "", "APPROVE", "yes\n"])
    def test_what_is_no_answer(self, desk: Any, verb: str) -> None:
        run = desk.refund("620")
        with pytest.raises(lm.ApprovalError, match="is no answer; say approve, reject"):
            run.answer(the_question(run).id, verb, person="lead")
        assert [b.answer for b in desk.bodies(run, "approval.refused")] == [verb]
        assert run.status == "waiting"

    def test_an_unknown_question(self, desk: Any) -> None:
        run = desk.refund("620")
        with pytest.raises(lm.ApprovalError, match="has no question q0"):
            run.answer("q0", "approve", person="lead")
        assert run.status == "waiting"
        (refused,) = desk.bodies(run, "approval.refused")
        assert (refused.id, refused.person) == ("q0", "lead")
        assert (
            "of lead (python) does not count: this run has no question q0"
            in (run.audit()["story"].iloc[-1])
        )
        assert lm.verify().ok

    def test_a_doubled_answer_comes_too_late(self, desk: Any) -> None:
        mesh = desk.mesh()
        mesh.tool("pay_out")(gate := SlowPay())
        run = desk.refund("620", mesh=mesh)
        question = the_question(run)
        question.approve(by="lead")
        with pytest.raises(lm.ApprovalError, match="decided already: approved by lead"):
            question.reject(by="lead")
        gate.open.set()
        assert run.result(20)["paid"] == Decimal(620)
        assert [b.reason for b in desk.bodies(run, "approval.refused")] == [
            "it is decided already: approved by lead"
        ]
        assert len(desk.bodies(run, "approval.answered")) == 1

    def test_many_answers_at_once_and_one_wins(self, desk: Any) -> None:
        run = desk.refund("620")
        question = the_question(run)
        ready = threading.Barrier(8)
        outcomes: list[str] = []

        def answer(approve: bool) -> None:
            ready.wait()
            try:
                (question.approve if approve else question.reject)(by="lead")
                outcomes.append("approved" if approve else "rejected")
            except lm.ApprovalError:
                outcomes.append("refused")

        threads = [threading.Thread(target=answer, args=(n % 2 == 0,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        desk.settled(run)
        counted = [o for o in outcomes if o != "refused"]
        assert len(counted) == 1
        assert desk.paid() == ([Decimal(620)] if counted == ["approved"] else [])

    def test_an_answer_after_the_end_comes_too_late(self, desk: Any) -> None:
        run = desk.refund("620")
        question = the_question(run)
        question.reject(by="lead")
        desk.settled(run)
        with pytest.raises(lm.ApprovalError, match=r"it has ended \(failed\)"):
            question.approve(by="lead")
        assert desk.paid() == []

    def test_an_answer_to_a_cancelled_run(self, desk: Any) -> None:
        run = desk.refund("620")
        question = the_question(run)
        run.cancel()
        with pytest.raises(lm.ApprovalError, match=r"it has ended \(cancelled\)"):
            question.approve(by="lead")
        assert desk.paid() == []

    @pytest.mark.parametrize("value", [object(), {1, 2}, float("inf"), lambda: 0])
    def test_values_that_no_journal_can_hold(self, desk: Any, value: Any) -> None:
        run = desk.refund("620")
        with pytest.raises(lm.ApprovalError):
            the_question(run).edit(value, by="lead")
        assert run.status == "waiting"


class SlowPay:
    """A tool that waits at its door."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, ticket_id: str, amount: Decimal) -> dict[str, str]:
        assert self.open.wait(20)
        return {"receipt": "R"}


def test_an_output_can_be_asked_about(desk: Any, refunds_text: str) -> None:
    text = refunds_text.replace(
        "policies:\n",
        """policies:
  sure:
    at: output
    for: {capabilities: [ticket.classify]}
    rules:
      - {id: unsure, when: output.confidence < 0.5, then: ask, to: lead, reason: unsure}
    default: approve
""",
    )
    mesh = desk.mesh(text)
    model = lm.testing.ScriptedModel(lambda _: {"category": "bug", "confidence": 0.1})
    mesh.use(models={"quick": model, "deep": model})
    run = desk.settled(desk.start(mesh, "refund", ticket_id="7", ticket="x", tier="gold"))
    question = the_question(run)
    assert (question.point, question.subject, question.step) == ("output", "output", "classify")
    question.edit({"category": "refund", "amount": "20", "confidence": 1}, by="lead")
    assert run.result(20) == {"category": "refund", "paid": Decimal(20)}
    assert desk.paid() == [Decimal(20)]
    assert len(model.requests) == 1


def test_in_an_empty_interpreter_no_question_can_be_asked_for_nobody(tmp_path: Any) -> None:
    code = "import leafmesh_nb as lm\nprint(lm.approvals(), len(lm.runs()))\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[] 0"
