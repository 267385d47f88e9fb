"""``not: [requester]``: whoever asked for something does not approve it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.mesh import person


@pytest.fixture
def barred(desk: Any, refunds_text: str) -> Any:
    """Start a refund of 620 for somebody, where the requester may not answer."""

    def start(requester: str, change: tuple[str, str] = ("", "")) -> Any:
        text = refunds_text.replace("to: lead\n", "to: approver\n        not: [requester]\n", 1)
        person.set_person(requester)
        return desk.refund("620", mesh=desk.mesh(text.replace(*change)))

    return start


def test_the_requester_is_not_among_those_asked(desk: Any, barred: Any) -> None:
    run = barred("lead")
    (question,) = run.approvals()
    assert question.roster == ("finance",)
    with pytest.raises(lm.ApprovalError, match="lead is not among those asked"):
        question.approve(by="lead")
    question.approve(by="finance")
    run.result(20)
    assert desk.paid() == [Decimal(620)]


def test_who_asked_for_nothing_answers_as_before(barred: Any) -> None:
    (question,) = barred("somebody").approvals()
    assert question.roster == ("lead", "finance")


def test_a_rung_without_anybody_else_is_passed_over(barred: Any) -> None:
    (question,) = barred("lead", ("to: approver", "to: lead")).approvals()
    assert (question.to, question.roster) == ("finance", ("finance",))
    with pytest.raises(lm.ApprovalError, match="nobody further up"):
        question.escalate(by="finance")


def test_nobody_else_to_ask_is_a_denial(desk: Any, barred: Any) -> None:
    run = barred("finance", ("to: approver", "to: finance"))
    with pytest.raises(lm.RunError, match="no one in people but finance, who asked for it"):
        run.result(20)
    assert desk.paid() == []


def test_it_holds_for_what_could_not_be_decided_too(barred: Any) -> None:
    error = (
        "when: tool.arguments.amount > 100 &&",
        "when: 1 == [1][size(tool.name)] || tool.arguments.amount > 100 &&",
    )
    (question,) = barred("lead", error).approvals()
    assert question.roster == ("finance",)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("not: [lead]", "LM206"),
        ("not: [requestor]", "LM206"),
        ("not: {requester: true}", "LM204"),
        ("not: [requester, requester]", "LM213"),
    ],
)
def test_what_it_does_not_take_is_said(refunds_text: str, said: str, code: str) -> None:
    with pytest.raises(lm.MeshError) as caught:
        lm.Mesh.from_yaml(refunds_text.replace("to: lead\n", f"to: lead\n        {said}\n", 1))
    assert code in [found.code for found in caught.value.diagnostics]


def test_it_belongs_to_a_question(refunds_text: str) -> None:
    text = refunds_text.replace("then: approve\n", "then: approve\n        not: [requester]\n", 1)
    with pytest.raises(lm.MeshError) as caught:
        lm.Mesh.from_yaml(text)
    assert [found.code for found in caught.value.diagnostics] == ["LM503"]


def test_it_counts_in_the_digest_of_its_policy(refunds_text: str) -> None:
    text = refunds_text.replace("to: lead\n", "to: lead\n        not: [requester]\n", 1)
    digests = {lm.Mesh.from_yaml(t).spec.policies["payouts"].digest for t in (text, refunds_text)}
    assert len(digests) == 2
