"""The reference mesh ends well for every category and tier, whatever the amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm

AMOUNTS = {"null": None, "50": "50", "620": "620", "9000": "9000"}


@pytest.mark.parametrize("amount", AMOUNTS)
@pytest.mark.parametrize("tier", ["basic", "gold"])
@pytest.mark.parametrize("category", ["refund", "bug", "question"])
def test_every_category_tier_and_amount(desk: Any, category: str, tier: str, amount: str) -> None:
    reply = {"category": category, "amount": AMOUNTS[amount], "confidence": 0.9}
    model = lm.testing.ScriptedModel([reply])
    approver = lm.testing.ScriptedApprover([{"answer": "approve", "by": "lead"}])
    mesh = desk.mesh(models={"quick": model, "deep": model}, approver=approver)
    run = desk.start(mesh, "refund", ticket_id="7", ticket="money back", tier=tier)
    due = Decimal(AMOUNTS[amount] or 0) if category == "refund" else Decimal(0)
    if due > 5000:
        with pytest.raises(lm.RunError, match="pay_out was denied: no rule of payouts matched"):
            run.result(20)
        assert (run.status, run.error["step"], run.error["kind"]) == (
            "failed",
            "pay",
            "PolicyDenied",
        )
        assert desk.paid() == []
    else:
        assert run.result(20) == {"category": category, "paid": due}
        assert run.status == "done"
        assert desk.paid() == ([due] if due else [])
        assert len(run.decisions().query("answer == 'approve'")) == (1 if due == 620 else 0)
    assert lm.verify(desk.journal).ok


def test_the_offline_model_ends_well_too(desk: Any) -> None:
    mesh = desk.mesh()
    for text, category, paid in (
        ("I was charged twice, please refund $49.99", "refund", "49.99"),
        ("The app crashes when I log in", "bug", "0"),
        ("How do I change my address?", "question", "0"),
    ):
        run = desk.start(mesh, "refund", ticket_id="1", ticket=text, tier="basic")
        assert run.result(20) == {"category": category, "paid": Decimal(paid)}
    assert desk.paid() == [Decimal("49.99")]
