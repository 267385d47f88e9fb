"""The policies' own tests."""

from __future__ import annotations

from pathlib import Path

from leafmesh_nb.language import load
from leafmesh_nb.policy.trial import try_policies

REFUNDS = Path(__file__).parent.parent / "fixtures" / "refunds.yaml"


def test_those_of_the_reference_mesh_pass() -> None:
    trials = try_policies(load(REFUNDS.read_text(encoding="utf-8")))
    assert [(t.policy, t.number, t.expect, t.outcome, t.passed) for t in trials] == [
        ("payouts", 1, "approve", "approve", True),
        ("payouts", 2, "ask", "ask", True),
        ("payouts", 3, "deny", "deny", True),
    ]


def test_one_that_fails_says_what_was_decided_and_where_it_stands() -> None:
    text = REFUNDS.read_text(encoding="utf-8")
    text = text.replace('"100.01"}}}, expect: ask', '"100.01"}}}, expect: deny')
    (failed,) = [t for t in try_policies(load(text)) if not t.passed]
    assert (failed.number, failed.expect, failed.outcome) == (2, "deny", "ask")
    assert failed.reason == "100.01 is over the teller's limit"
    assert text.splitlines()[failed.line - 1].strip().startswith("- {given: {tool: {arguments")


def test_a_name_that_a_test_does_not_give_leads_to_on_error() -> None:
    text = REFUNDS.read_text(encoding="utf-8").replace(
        "when: tool.arguments.amount <= 100",
        'when: tool.arguments.amount <= 100 && memory.tier == "gold"',
    )
    first, *_ = try_policies(load(text))
    assert first.outcome == "ask"
    assert "could not be decided" in first.reason
