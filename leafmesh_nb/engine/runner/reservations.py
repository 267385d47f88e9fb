"""Money before and after a call: its worst case is reserved, what it really cost is settled."""

from __future__ import annotations

from decimal import Decimal

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import BudgetRefused, BudgetReserved, BudgetSettled
from leafmesh_nb.engine.runner.call_context import CallContext
from leafmesh_nb.engine.state import StepState
from leafmesh_nb.errors import BudgetError
from leafmesh_nb.language.spec import AgentSpec, ModelSpec
from leafmesh_nb.policy.budget import Refusal, refuse_call

__all__ = ["Reservations"]


class Reservations:
    """The budgets of one run."""

    def __init__(self, context: CallContext) -> None:
        self._context = context

    def counted(
        self, agent: AgentSpec, model: ModelSpec, tokens_in: int, tokens_out: int
    ) -> Decimal:
        """US dollars that a call of this size counts against budgets.

        Raises BudgetError where something limits them and the list price is not known.
        """
        prices = self._context.ports.prices
        if self._counts_list_price and model.priced_as:
            listed = prices.list_cost(model.priced_as, tokens_in, tokens_out)
            if listed is None and self._limited(agent):
                raise BudgetError(
                    f"model {model.name} is unpriced: {model.priced_as!r}, which it is priced as, "
                    "is not in the price list, so that no limit can count the call. Name a model "
                    "that is, or drop the limits"
                )
            return listed or Decimal(0)
        return prices.spent(model, tokens_in, tokens_out) or Decimal(0)

    def _limited(self, agent: AgentSpec) -> bool:
        budgets = self._context.record.plan.spec.budgets
        limits = (budgets.step, budgets.run, budgets.day, agent.limits.cost)
        return any(limit is not None for limit in limits)

    @property
    def _counts_list_price(self) -> bool:
        return self._context.record.plan.spec.budgets.count == "list_price"

    async def refuse(
        self, step: StepState, agent: AgentSpec, key: str, amount: Decimal
    ) -> Refusal | None:
        """Which limit a call would pass, if any. With none, the day's share is held from here."""
        state, budgets = self._context.record.state, self._context.record.plan.spec.budgets
        if key in state.calls:
            return None  # sent again after a crash: it was let through when it was sent first
        whole = state.steps[paths.outermost(step.path)]
        used = {
            "cost": step.spent - step.before + step.reserved,
            "step": whole.spent + whole.reserved,
            "run": state.settled + state.reserved,
        }
        refusal = refuse_call(agent, budgets, amount, calls=step.calls, used=used)
        if refusal is None and amount and budgets.day is not None:
            now = self._context.ports.clock.now()
            passed = await self._context.stream.reserve(key, state.run, amount, budgets.day, now)
            if passed is not None:
                return Refusal("day", "budgets.day", amount, budgets.day, passed)
        return refusal

    def reserve(self, path: str, key: str, amount: Decimal) -> None:
        """Hold a started call's worst case; one that is sent again holds it already."""
        record = self._context.record
        if amount and not record.state.calls[key].reserved:
            record.append(path, BudgetReserved(key, str(amount)))

    def settle(self, path: str, key: str, spent: Decimal | None, listed: Decimal | None) -> None:
        """What a call cost, ``listed`` at list price; the rest of its reservation is free again."""
        listed = listed if self._counts_list_price else None
        amount = (spent if listed is None else listed) or Decimal(0)
        if self._context.record.state.calls[key].reserved or amount:
            self._context.record.append(path, BudgetSettled(key, str(amount)))

    def settle_worst(self, path: str, key: str) -> None:
        """Nobody knows what the call cost: all that was reserved counts as spent."""
        reserved = self._context.record.state.calls[key].reserved
        if reserved:
            self._context.record.append(path, BudgetSettled(key, str(reserved)))

    def record_refusal(self, path: str, key: str, refusal: Refusal) -> None:
        """Write down a call that is not made."""
        amount, limit, used = str(refusal.amount), str(refusal.limit), str(refusal.used)
        body = BudgetRefused(key, refusal.scope, amount, limit, used)
        self._context.record.append(path, body)
