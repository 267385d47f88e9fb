"""What models cost, from the price list that genai-prices bundles. Nothing is fetched."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.language.spec import ModelSpec

__all__ = ["ListPrices"]


class ListPrices:
    """List prices in US dollars (satisfies ``engine.ports.Prices``).

    What the list does not price is None, never zero: a limit that cannot be counted must not pass.
    """

    def list_cost(self, priced_as: str, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars for ``provider:model``; None when the list has no price for these tokens."""
        provider, _, model = priced_as.partition(":")
        if not provider or not model:
            return None
        # 0.2 s, which a notebook should not pay before the first call.
        from genai_prices import Usage, calc_price

        usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)
        try:
            found = calc_price(usage, model, provider_id=provider)
        except LookupError:
            return None
        price = found.model_price
        # Models billed by the request, the second or not at all have no token price: their total
        # would read as free.
        if (tokens_in and price.input_mtok is None) or (tokens_out and price.output_mtok is None):
            return None
        if price.input_mtok is None and price.output_mtok is None:
            return None
        return found.total_price

    def spent(self, model: ModelSpec, tokens_in: int, tokens_out: int) -> Decimal | None:
        """US dollars that a call of this model costs; None when it is unpriced."""
        if model.provider == "offline":
            return Decimal(0)
        if model.model is None:
            return None
        return self.list_cost(f"{model.provider}:{model.model}", tokens_in, tokens_out)
