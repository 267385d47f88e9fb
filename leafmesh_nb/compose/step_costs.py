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
    """A step with a call for each agent and model that may take it; a function makes none.

    Of a step that runs another workflow, they are those of its steps. ``bound`` is of the step with
    all its items, iterations, racers and attempts; ``listed`` the same at list price, where each
    call is the dearest that has one.
    """

    workflow: Workflow
    step: Step
    calls: tuple[PricedCall, ...]
    bound: Bound
    listed: Decimal

    @property
    def dearest(self) -> PricedCall | None:
        """The call that counts most."""
        return max(self.calls, key=lambda call: call.usual or Decimal(0), default=None)


def step_costs(spec: Spec, prices: Prices) -> tuple[StepCost, ...]:
    """The costs of every step of every workflow."""
    priced: dict[tuple[str, str, str], PricedCall] = {}
    known: dict[str, tuple[StepCost, ...]] = {}

    def call_of(capability: str, agent: str, model: str) -> PricedCall:
        key = (capability, agent, model)
        if key not in priced:
            declared = spec.agents[agent], spec.models[model]
            priced[key] = price_call(spec, prices, capability, *declared)
        return priced[key]

    def costs_of(workflow: Workflow) -> tuple[StepCost, ...]:
        if workflow.id not in known:
            found = tuple(cost_of(workflow, step) for step in workflow.steps.values())
            known[workflow.id] = found
        return known[workflow.id]

    def cost_of(workflow: Workflow, step: Step) -> StepCost:
        times = _times(step)
        if step.workflow is not None:
            inner = costs_of(spec.workflows[step.workflow])
            calls = tuple({id(call): call for cost in inner for call in cost.calls}.values())
            bound = bound_of(parts_of((cost.step, cost.bound) for cost in inner))
            listed = sum((cost.listed for cost in inner), Decimal(0))
        else:
            candidates = rank(spec, step, "", Observed()).candidates
            calls = tuple(
                call_of(step.capability or "", c.agent, c.model) for c in candidates if c.model
            )
            bound = dearest([NOTHING, *(c.bound.under(c.agent.limits.cost) for c in calls)])
            listed = max((c.listed for c in calls if c.listed is not None), default=Decimal(0))
        bound = bound.times(times).under(spec.budgets.step)
        return StepCost(workflow, step, calls, bound, listed * times)

    return tuple(cost for flow in spec.workflows.values() for cost in costs_of(flow))


def _times(step: Step) -> int:
    """How often a step's performer is called at most."""
    items = step.for_each.max if step.for_each else 1
    iterations = step.repeat.max if step.repeat else 1
    attempts = 1 + (step.retry.max if step.retry else 0)
    return items * iterations * (step.race or 1) * attempts


def run_bounds(spec: Spec, costs: Iterable[StepCost]) -> dict[str, Bound]:
    """What a run of each workflow counts: its steps together, under the budgets of runs."""
    steps: dict[str, list[tuple[Step, Bound]]] = {name: [] for name in spec.workflows}
    for cost in costs:
        steps[cost.workflow.id].append((cost.step, cost.bound))
    return {
        name: bound_of(parts_of(found)).under(spec.budgets.run, spec.budgets.day)
        for name, found in steps.items()
    }
