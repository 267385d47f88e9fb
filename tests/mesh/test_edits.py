"""An edit is a new answer: the schema looks at it, then the policies again, and both are kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm


@pytest.fixture
def run(desk: Any) -> Any:
    return desk.refund("620.00")


def the_question(run: Any) -> Any:
    (question,) = run.approvals()
    return question


def edited(ticket_id: str = "7", **changes: Any) -> dict[str, Any]:
    return {"ticket_id": ticket_id, "amount": "620.00", **changes}


class TestGovernedAgain:
    @pytest.mark.parametrize("amount", ["80", 80, Decimal("80.00"), 80.0])
    def test_an_edit_that_needs_no_approval_passes(self, desk: Any, run: Any, amount: Any) -> None:
        the_question(run).edit(edited(amount=amount), by="lead", note="half of it was used")
        assert run.result(20) == {"category": "refund", "paid": Decimal(80)}
        assert desk.paid() == [Decimal(80)]

    def test_both_versions_are_recorded(self, desk: Any, run: Any) -> None:
        the_question(run).edit(edited(amount="80"), by="lead", note="half")
        run.result(20)
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.answer, answered.person, answered.note) == ("edit", "lead", "half")
        assert answered.value == {"ticket_id": "7", "amount": "80"}
        assert list(answered.diff) == [{"path": "amount", "old": "620.00", "new": "80"}]
        first, second = [d for d in desk.bodies(run, "policy.decided") if d.point == "tool"]
        assert (first.outcome, first.value["amount"], first.edited_by) == ("ask", "620.00", "")
        assert (second.outcome, second.value["amount"], second.edited_by) == (
            "approve",
            "80",
            "lead",
        )
        tool = next(c for c in desk.bodies(run, "call.started") if c.call == "tool")
        assert tool.request == {"ticket_id": "7", "amount": "80"}
        row = run.decisions().query("answer == 'edit'").iloc[0]
        assert "620" in row["edit"]
        assert "80" in row["edit"]

    def test_the_editors_answer_holds_for_an_edit_that_still_needs_them(
        self, desk: Any, run: Any
    ) -> None:
        the_question(run).edit(edited(amount="700"), by="lead")
        assert run.result(20)["paid"] == Decimal(700)
        assert desk.paid() == [Decimal(700)]
        assert len(desk.bodies(run, "approval.asked")) == 1

    def test_an_edit_that_a_rule_denies_is_refused_and_the_question_stays(
        self, desk: Any, run: Any
    ) -> None:
        with pytest.raises(lm.ApprovalError, match="the edited value is denied: no rule of payou"):
            the_question(run).edit(edited(amount="9000"), by="lead")
        assert run.status == "waiting"
        (refused,) = desk.bodies(run, "approval.refused")
        assert (refused.answer, refused.person) == ("edit", "lead")
        assert desk.paid() == []
        the_question(run).approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)

    def test_an_edit_that_needs_others_asks_them_anew(self, desk: Any, refunds_text: str) -> None:
        text = refunds_text.replace(
            "    default: deny\n    on_error: ask\n",
            """      - id: other
        when: tool.arguments.ticket_id != "7"
        then: ask
        to: finance
        reason: another ticket
    default: deny
    on_error: ask
""",
        )
        run = desk.refund("620", mesh=desk.mesh(text))
        the_question(run).edit(edited("8"), by="lead")
        question = the_question(run)
        assert (question.roster, question.reason) == (("finance",), "another ticket")
        assert question.value == {"ticket_id": "8", "amount": "620.00"}
        assert desk.paid() == []
        with pytest.raises(lm.ApprovalError, match="lead is not among those asked"):
            question.approve(by="lead")
        question.approve(by="finance")
        run.result(20)
        assert '"ticket_id": "8"' in desk.ledger()[0]

    def test_an_edit_to_the_same_value_is_an_approval(self, desk: Any, run: Any) -> None:
        the_question(run).edit(edited(), by="lead")
        assert run.result(20)["paid"] == Decimal(620)
        (answered,) = desk.bodies(run, "approval.answered")
        assert answered.diff == ()


class TestShapes:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (None, "is null"),
            ("80", "is text"),
            ([], "is a list"),
            ({}, "its field `ticket_id` is missing"),
            ({"ticket_id": "7"}, "its field `amount` is missing"),
            ({"ticket_id": "7", "amount": "a lot"}, "`amount`: is text that is not a plain"),
            ({"ticket_id": "7", "amount": None}, "`amount`: is null"),
            ({"ticket_id": "7", "amount": True}, "`amount`: is a boolean"),
            ({"ticket_id": 7, "amount": "80"}, "`ticket_id`: is a number"),
            ({"ticket_id": "7", "amount": "80", "to": "me"}, "unknown field `to`"),
            ({"ticket_id": "7", "amount": "1e3"}, "`amount`: is text that is not a plain"),
        ],
    )
    def test_one_that_does_not_fit_is_refused_and_the_question_stays(
        self, desk: Any, run: Any, value: Any, message: str
    ) -> None:
        question = the_question(run)
        with pytest.raises(lm.ApprovalError) as caught:
            question.edit(value, by="lead")
        assert "the edited value does not fit" in str(caught.value)
        assert message in str(caught.value)
        (refused,) = desk.bodies(run, "approval.refused")
        assert refused.reason in str(caught.value)
        assert [q.id for q in run.approvals()] == [question.id]
        assert desk.paid() == []

    def test_only_those_asked_may_edit(self, run: Any) -> None:
        with pytest.raises(lm.ApprovalError, match="not among those asked"):
            the_question(run).edit(edited(amount="1"), by="finance")
        assert run.status == "waiting"

    def test_an_approval_carries_no_value(self, desk: Any, run: Any) -> None:
        run.answer(the_question(run).id, "approve", person="lead", value=edited(amount="1"))
        assert run.result(20)["paid"] == Decimal(620)
        (answered,) = desk.bodies(run, "approval.answered")
        assert answered.value is None


def test_a_script_can_edit(desk: Any) -> None:
    approver = lm.testing.ScriptedApprover(
        [{"answer": "edit", "value": {"ticket_id": "7", "amount": 80.5}, "by": "lead"}]
    )
    run = desk.refund("620", mesh=desk.mesh(approver=approver))
    assert run.result(20)["paid"] == Decimal("80.5")
    assert desk.paid() == [Decimal("80.5")]


def test_an_edit_with_two_rosters_still_wants_the_other(desk: Any, refunds_text: str) -> None:
    text = refunds_text.replace(
        "policies:\n",
        """policies:
  second:
    at: tool
    for: {tools: [pay_out]}
    rules:
      - {id: two, then: ask, to: finance, reason: two pairs of eyes}
""",
    )
    run = desk.refund("620", mesh=desk.mesh(text))
    assert {q.to for q in run.approvals()} == {"lead", "finance"}
    of_lead = next(q for q in run.approvals() if q.to == "lead")
    of_lead.edit(edited(amount="700"), by="lead")
    (left,) = run.approvals()
    assert (left.to, left.value["amount"]) == ("finance", "700")
    left.approve(by="finance")
    assert run.result(20)["paid"] == Decimal(700)
    assert desk.paid() == [Decimal(700)]
