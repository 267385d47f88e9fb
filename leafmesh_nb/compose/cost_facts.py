"""What a run can cost, for people and JSON: for it and for each step, beside the budgets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_UP, Decimal
from typing import Any

from leafmesh_nb.compose.bound import Bound
from leafmesh_nb.compose.call_sizes import TEXT_BYTES
from leafmesh_nb.compose.calls_priced import PricedCall
from leafmesh_nb.compose.step_costs import StepCost
from leafmesh_nb.language.decimals import plain_decimal
from leafmesh_nb.language.spec import Spec

__all__ = ["cost_facts", "in_usd"]


def cost_facts(
    spec: Spec,
    budgets: Mapping[str, Decimal],
    costs: Iterable[StepCost],
    runs: Mapping[str, Bound],
) -> dict[str, Any]:
    """US dollars throughout. ``at most`` and ``usual`` are what counts against the budgets."""
    if not runs:
        return {"summary": "no workflow"}
    costs = tuple(costs)
    return {
        "summary": _summary(runs, costs),
        "in": "US dollars; a call at its worst: every token out that it may use",
        "usual": f"with texts of {TEXT_BYTES // 1024} KB, about {TEXT_BYTES // 4:,} tokens each",
        "budgets": dict(budgets),
        "budgets count": spec.budgets.count.replace("_", " "),
        "runs": {
            name: _run([cost for cost in costs if cost.workflow.id == name], bound)
            for name, bound in runs.items()
        },
    }


def _summary(runs: Mapping[str, Bound], costs: Iterable[StepCost]) -> str:
    """The dearest workflow in a line."""
    listed = dict.fromkeys(runs, Decimal(0))
    for cost in costs:
        listed[cost.workflow.id] += cost.listed
    name = max(runs, key=lambda run: (runs[run].usual, listed[run]))
    most = runs[name].most
    bound = "no bound" if most is None else f"at most {in_usd(most)}"
    listing = f"; at list price about {in_usd(listed[name])}" if listed[name] else ""
    others = f" ({len(runs) - 1} more)" if len(runs) > 1 else ""
    return f"a run of {name}: {bound}{listing}{others}"


def in_usd(amount: Decimal) -> str:
    """With as many places as it takes to tell small amounts apart, rounded up as bounds are."""
    if not amount:
        return "0 USD"
    places = max(2, 2 - amount.adjusted())
    return f"{plain_decimal(amount.quantize(Decimal(1).scaleb(-places), ROUND_UP))} USD"


def _run(costs: list[StepCost], bound: Bound) -> dict[str, Any]:
    return {
        **_bound(bound),
        "usual at list price": sum((cost.listed for cost in costs), Decimal(0)),
        "steps": {
            cost.step.id: {
                **_bound(cost.bound),
                "usual at list price": cost.listed,
                "calls": {f"{c.agent.id} with {c.model.name}": _call(c) for c in cost.calls},
            }
            for cost in costs
        },
    }


def _bound(bound: Bound) -> dict[str, Any]:
    most = "no bound" if bound.most is None else bound.most
    return {"at most": most, "usual": bound.usual}


def _call(call: PricedCall) -> dict[str, Any]:
    return {
        "tokens in, least": call.size.least_in,
        "tokens in, usual": call.size.usual_in,
        "tokens out, at most": call.size.most_out,
        "spent": "unpriced" if call.spent is None else call.spent,
        "at list price": call.listed,
    }
