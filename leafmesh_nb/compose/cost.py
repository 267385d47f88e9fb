"""Layer 5, cost: what a run can cost at most, beside the budgets that bound it.

Bounds are static: the tiers and agents that a step may be routed to, the dearest of them, every
token out that ``max_output_tokens`` allows. What goes in has no longest length, so two sizes are
looked at: empty texts, below which no call can stay, and texts of 8 KB. Budgets and limits are
enforced when a run comes to a call, so

- a call that passes a limit even with empty texts can never run: an error;
- one that passes it with texts of 8 KB, and a run whose calls do so together, may be cut short: a
  warning that names the dearest step;
- what a run can come to at most is what the limits let through. A call that counts something under
  no limit is an error, and so is one that cannot be priced, for no limit can count it.

``offline`` models and ``python`` agents cost nothing and are never unpriced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.compose.call_sizes import TEXT_BYTES
from leafmesh_nb.compose.calls_priced import PricedCall
from leafmesh_nb.compose.cost_facts import cost_facts, in_usd
from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.step_costs import StepCost, run_bounds, step_costs
from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Related, Span
from leafmesh_nb.language.decimals import plain_decimal
from leafmesh_nb.language.spec import AgentSpec, Spec

__all__ = ["check"]

_SIZE = f"texts of {TEXT_BYTES // 1024} KB"


def check(subject: Subject) -> LayerReport:
    """Look at a mesh that the language accepted."""
    spec = subject.spec
    assert spec is not None, "a mesh that the language accepted has a spec"
    return _Costs(subject, spec).report()


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit of the mesh: ``key`` names it as the runtime's refusals do."""

    key: str
    amount: Decimal
    span: Span

    def __str__(self) -> str:
        return f"`{self.key}` is {plain_decimal(self.amount)} USD"


@dataclass(frozen=True, slots=True)
class _Refused:
    """A call of a step that a limit refuses."""

    limit: _Limit
    cost: StepCost
    call: PricedCall

    def __str__(self) -> str:
        agent, model = self.call.agent.id, self.call.model.name
        return f"A call of `{model}` by `{agent}` in step `{self.cost.step.id}`"


class _Costs:
    """The look at one mesh."""

    def __init__(self, subject: Subject, spec: Spec) -> None:
        self._subject = subject
        self._spec = spec
        self._findings = Findings(subject, "cost")
        budgets = {"step": spec.budgets.step, "run": spec.budgets.run, "day": spec.budgets.day}
        self._budgets = {name: amount for name, amount in budgets.items() if amount is not None}
        self._costs = step_costs(spec, subject.prices)
        self._runs = run_bounds(spec, self._costs)

    def report(self) -> LayerReport:
        """All that there is to say."""
        self._check_prices()
        self._check_list()
        never = self._check_calls()
        if self._runs:
            self._check_runs(never)
        self._check_bounds()
        facts = cost_facts(self._spec, self._budgets, self._costs, self._runs)
        self._findings.facts.update(facts)
        return self._findings.report()

    def _limits(self, agent: AgentSpec) -> Iterator[_Limit]:
        """Every limit that one call of an agent must not pass."""
        if agent.limits.cost is not None:
            span = self._subject.at_value("agents", agent.id, "limits", "cost")
            yield _Limit(f"agents.{agent.id}.limits.cost", agent.limits.cost, span)
        for name in self._budgets:
            yield self._budget(name)

    def _budget(self, name: str) -> _Limit:
        span = self._subject.at_value("budgets", name)
        return _Limit(f"budgets.{name}", self._budgets[name], span)

    def _check_prices(self) -> None:
        """Paid calls without a price."""
        calls = [call for cost in self._costs for call in cost.calls]
        for model in {c.model.name: c.model for c in calls if c.spent is None}.values():
            self._findings.error(
                "LM701",
                f"A call of `{model.name}` cannot be priced: {model.provider}:{model.model} is not "
                "in the price list, so that no limit can count it.",
                model.span,
                "Name a model that is in the list.",
            )

    def _check_list(self) -> None:
        """Models whose ``priced_as`` is not in the price list."""
        counted = {
            call.model.name
            for cost in self._costs
            for call in cost.calls
            if self._spec.budgets.count == "list_price" and any(self._limits(call.agent))
        }
        for model in self._spec.models.values():
            name = model.priced_as
            if not name or self._subject.prices.list_cost(name, 1, 1) is not None:
                continue
            span = self._subject.at_value("models", model.name, "priced_as")
            hint = "Write provider:model as the vendor calls it, such as openai:gpt-5-mini."
            if model.name in counted:
                message = (
                    f"A call of `{model.name}` cannot be priced: `{name}` is not in the price "
                    "list, and with `count: list_price` every limit needs its price."
                )
                self._findings.error("LM701", message, span, hint)
            else:
                message = f"`{name}` is not in the price list: no list price is ever shown."
                self._findings.warning("LM705", message, span, hint)

    def _check_calls(self) -> set[str]:
        """Single calls that a limit refuses; the keys of limits that refuse some in any case."""
        never: list[_Refused] = []
        maybe: list[_Refused] = []
        for cost in self._costs:
            for call in cost.calls:
                for limit in self._limits(call.agent):
                    if call.least is not None and call.least > limit.amount:
                        never.append(_Refused(limit, cost, call))
                    elif call.usual is not None and call.usual > limit.amount:
                        maybe.append(_Refused(limit, cost, call))
        for found in _by_cause(never):
            self._findings.error(
                "LM703",
                f"{found[0]} can never run: even with empty texts it reserves "
                f"{_usd(found[0].call.least)}, and {_limits_of(found)}.",
                found[0].limit.span,
                _remedy(found[0].call),
                _places(found[0].cost, found[0].call),
            )
        sure = {refused.limit.key for refused in never}
        # What passes the budget of a run is told of the whole run.
        told = sure | {"budgets.run", "budgets.day"}
        for found in _by_cause([refused for refused in maybe if refused.limit.key not in told]):
            self._findings.warning(
                "LM704",
                f"{found[0]} may be refused: with {_SIZE} it reserves "
                f"{_usd(found[0].call.usual)}, and {_limits_of(found)}.",
                found[0].limit.span,
                _remedy(found[0].call),
                _places(found[0].cost, found[0].call),
            )
        return sure

    def _check_runs(self, never: set[str]) -> None:
        """Runs whose calls pass a budget together; the dearest workflow stands for all."""
        flow = max(self._runs, key=lambda name: self._runs[name].usual)
        steps = [cost for cost in self._costs if cost.workflow.id == flow]
        cost = max(steps, key=lambda cost: cost.bound.usual)
        usual, call = self._runs[flow].usual, cost.dearest
        for limit in [self._budget(name) for name in ("run", "day") if name in self._budgets]:
            if usual <= limit.amount or limit.key in never or call is None:
                continue
            self._findings.warning(
                "LM704",
                f"A run of `{flow}` may be cut short: with {_SIZE} its calls reserve up to "
                f"{_usd(usual)}, and {limit}. The dearest step is `{cost.step.id}`: "
                f"`{call.model.name}` for `{call.agent.id}`, {_usd(cost.bound.usual)}.",
                limit.span,
                _remedy(call),
                _places(cost, call),
            )

    def _check_bounds(self) -> None:
        """Runs whose calls count something, with nothing that keeps them from counting more."""
        for flow, bound in self._runs.items():
            open_calls = [
                (cost, call)
                for cost in self._costs
                for call in cost.calls
                if cost.workflow.id == flow and call.usual and cost.bound.most is None
            ]
            if bound.most is not None or not open_calls:
                continue
            cost, call = max(open_calls, key=lambda found: found[1].usual or 0)
            self._findings.error(
                "LM702",
                f"Nothing bounds what a run of `{flow}` costs: texts may have any length, and no "
                f"limit counts the calls of `{call.model.name}` in step `{cost.step.id}`.",
                cost.workflow.span,
                "Add budgets: {run: …} to the mesh, or limits: {cost: …} to its agents.",
                _places(cost, call),
            )


def _by_cause(refused: Iterable[_Refused]) -> list[list[_Refused]]:
    """The refusals to tell together, the dearest call of the tightest limit first.

    A limit that refuses only calls that a tighter one refuses too is not told apart.
    """
    limits: dict[str, list[_Refused]] = {}
    for each in refused:
        limits.setdefault(each.limit.key, []).append(each)
    groups: list[list[_Refused]] = []
    for found in sorted(limits.values(), key=lambda found: found[0].limit.amount):
        found.sort(key=lambda each: -(each.call.usual or 0))
        same = next(
            (g for g in groups if {id(e.call) for e in found} <= {id(e.call) for e in g}), None
        )
        if same is None:
            groups.append(found)
        else:
            same.extend(found)
    return groups


def _limits_of(found: list[_Refused]) -> str:
    """The limits of refusals that are told together, with how many other calls they refuse."""
    limits = " and ".join(dict.fromkeys(str(each.limit) for each in found))
    others = len({(id(e.call), e.cost.step.id) for e in found}) - 1
    return f"{limits} ({others} more like it)" if others else limits


def _remedy(call: PricedCall) -> str:
    return (
        "Raise it, lower the model's max_output_tokens "
        f"({call.size.most_out:,} now), or route the step to a smaller model."
    )


def _places(cost: StepCost, call: PricedCall) -> tuple[Related, ...]:
    return (Related("the model", call.model.span), Related("the step", cost.step.span))


def _usd(amount: Decimal | None) -> str:
    return in_usd(amount or Decimal(0))
