"""What a model call counts against budgets, by the arithmetic of the runtime's reservations."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.compose.bound import Bound
from leafmesh_nb.compose.call_sizes import CallSize, size_of
from leafmesh_nb.engine.ports import Prices
from leafmesh_nb.language.spec import AgentSpec, ModelSpec, Spec

__all__ = ["PricedCall", "price_call"]


@dataclass(frozen=True, slots=True)
class PricedCall:
    """One call of a model for an agent, in US dollars at its worst case: every token out is used.

    ``least`` (with empty texts) and ``usual`` (with texts of 8 KB) are what it counts against
    budgets, None where that is not known. ``spent`` and ``listed`` are usual calls too: what is
    paid, and the list price of what the model is priced as.
    """

    agent: AgentSpec
    model: ModelSpec
    size: CallSize
    least: Decimal | None
    usual: Decimal | None
    spent: Decimal | None
    listed: Decimal | None

    @property
    def free(self) -> bool:
        """Whether it counts nothing, whatever its size."""
        return self.usual == 0

    @property
    def bound(self) -> Bound:
        """What it counts; a text has no length that it cannot pass, so nothing bounds a price."""
        return Bound(self.usual or Decimal(0), Decimal(0) if self.free else None)


def price_call(
    spec: Spec, prices: Prices, capability: str, agent: AgentSpec, model: ModelSpec
) -> PricedCall:
    """The call that ``model`` gets when ``agent`` takes a step for ``capability``."""
    size = size_of(spec, capability, agent, model)
    out = size.most_out

    def listed(tokens_in: int) -> Decimal | None:
        return prices.list_cost(model.priced_as, tokens_in, out) if model.priced_as else None

    def counted(tokens_in: int) -> Decimal | None:
        # As engine.runner.reservations counts it.
        if spec.budgets.count == "list_price" and model.priced_as:
            return listed(tokens_in)
        return prices.spent(model, tokens_in, out)

    return PricedCall(
        agent,
        model,
        size,
        counted(size.least_in),
        counted(size.usual_in),
        prices.spent(model, size.usual_in, out),
        listed(size.usual_in),
    )
