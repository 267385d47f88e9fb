"""What a call may cost at worst, and what a refusal tells."""

from __future__ import annotations

from decimal import Decimal

import pytest

from leafmesh_nb.language.spec import AgentSpec, Budgets, Limits
from leafmesh_nb.policy.budget import Refusal, refuse_call


def refused(
    amount: str = "0.10",
    *,
    limits: Limits | None = None,
    budgets: Budgets | None = None,
    calls: int = 0,
    **used: str,
) -> Refusal | None:
    agent = AgentSpec("triage", "Analyst", limits=limits or Limits())
    spent = {scope: Decimal(value) for scope, value in used.items()}
    return refuse_call(agent, budgets or Budgets(), Decimal(amount), calls=calls, used=spent)


def test_without_limits_everything_goes_out() -> None:
    assert refused("1000000", cost="5", step="5", run="5", day="5", calls=10_000) is None


SCOPES = [
    ("cost", "agents.triage.limits.cost"),
    ("step", "budgets.step"),
    ("run", "budgets.run"),
    ("day", "budgets.day"),
]


def limit_of(scope: str, limit: str) -> dict[str, Limits | Budgets]:
    if scope == "cost":
        return {"limits": Limits(cost=Decimal(limit))}
    return {"budgets": Budgets(**{scope: Decimal(limit)})}


@pytest.mark.parametrize(("scope", "key"), SCOPES)
def test_a_call_may_use_a_limit_up_and_not_pass_it(scope: str, key: str) -> None:
    limit = limit_of(scope, "0.50")
    assert refused("0.10", **limit, **{scope: "0.40"}) is None
    refusal = refused("0.10", **limit, **{scope: "0.400001"})
    assert refusal == Refusal(scope, key, Decimal("0.10"), Decimal("0.50"), Decimal("0.400001"))
    for part in ("0.1 USD", "0.400001 USD", f"{key} of 0.5 USD", f"Raise {key}", "smaller model"):
        assert part in refusal.message


def test_a_new_day_is_a_remedy_for_the_day_only() -> None:
    for scope, _ in SCOPES:
        refusal = refused("1", **limit_of(scope, "0.5"), **{scope: "0"})
        assert refusal is not None
        assert ("00:00 UTC" in refusal.message) == (scope == "day")


def test_a_free_call_passes_a_limit_that_is_used_up() -> None:
    assert refused("0", budgets=Budgets(run=Decimal("0.5")), run="0.5") is None


def test_calls_are_counted_before_the_call() -> None:
    limits = Limits(calls=3)
    assert refused("0", limits=limits, calls=2) is None
    refusal = refused("0", limits=limits, calls=3)
    assert refusal is not None
    assert (refusal.scope, refusal.limit, refusal.used) == ("calls", Decimal(3), Decimal(3))
    assert "has made 3 calls" in refusal.message
    assert "Raise agents.triage.limits.calls" in refusal.message


def test_amounts_read_as_plain_numbers() -> None:
    refusal = refused("1E-7", budgets=Budgets(run=Decimal("1E+1")), run="10.000")
    assert refusal is not None
    assert "up to 0.0000001 USD; with 10 USD" in refusal.message
    assert "budgets.run of 10 USD" in refusal.message


def test_the_narrowest_scope_is_named_first() -> None:
    limits, budgets = Limits(cost=Decimal(0)), Budgets(Decimal(0), Decimal(0), Decimal(0))
    used = dict.fromkeys(("cost", "step", "run", "day"), "0")
    refusal = refused("1", limits=limits, budgets=budgets, **used)
    assert refusal is not None
    assert refusal.scope == "cost"
