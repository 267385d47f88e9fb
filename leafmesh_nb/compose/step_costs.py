"""What each step of a mesh counts against budgets, over all that it may be routed to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.compose.bound import NOTHING, Bound, bound_of, dearest, parts_of
from leafmesh_nb.compose.calls_priced import PricedCall, price_call
from leafmesh_nb.engine.ports import Prices
from leafmesh_nb.language.spec import Spec, Step, Workflow
from leafmesh_nb.routing.suitability import Observed, rank

__all__ = ["StepCost", "run_bounds", "step_costs"]


@dataclass(frozen=True, slots=True)
class StepCost:
    """A step with a call for each agent and model that may take it; a function makes none."""

    workflow: Workflow
    step: Step
    calls: tuple[PricedCall, ...]
    bound: Bound

    @property
    def dearest(self) -> PricedCall | None:
        """The call that counts most."""
        return max(self.calls, key=lambda call: call.usual or Decimal(0), default=None)

    @property
    def listed(self) -> Decimal:
        """The list price of the dearest call, of those that have one."""
        return max((c.listed for c in self.calls if c.listed is not None), default=Decimal(0))


def step_costs(spec: Spec, prices: Prices) -> tuple[StepCost, ...]:
    """The costs of every step of every workflow."""
    priced: dict[tuple[str, str, str], PricedCall] = {}

    def call_of(capability: str, agent: str, model: str) -> PricedCall:
        key = (capability, agent, model)
        if key not in priced:
            declared = spec.agents[agent], spec.models[model]
            priced[key] = price_call(spec, prices, capability, *declared)
        return priced[key]

    def cost_of(workflow: Workflow, step: Step) -> StepCost:
        candidates = rank(spec, step, "", Observed()).candidates
        calls = tuple(
            call_of(step.capability or "", c.agent, c.model) for c in candidates if c.model
        )
        bounds = [c.bound.under(c.agent.limits.cost, spec.budgets.step) for c in calls]
        return StepCost(workflow, step, calls, dearest([NOTHING, *bounds]))

    flows = spec.workflows.values()
    return tuple(cost_of(flow, step) for flow in flows for step in flow.steps.values())


def run_bounds(spec: Spec, costs: Iterable[StepCost]) -> dict[str, Bound]:
    """What a run of each workflow counts: its steps together, under the budgets of runs."""
    steps: dict[str, list[tuple[Step, Bound]]] = {name: [] for name in spec.workflows}
    for cost in costs:
        steps[cost.workflow.id].append((cost.step, cost.bound))
    return {
        name: bound_of(parts_of(found)).under(spec.budgets.run, spec.budgets.day)
        for name, found in steps.items()
    }
