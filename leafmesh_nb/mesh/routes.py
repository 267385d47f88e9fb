"""Who would take a task, without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.ports import Prices
from leafmesh_nb.engine.steps import expected_tokens
from leafmesh_nb.errors import RoutingError
from leafmesh_nb.language.spec import Capability, Spec, Step
from leafmesh_nb.mesh.binding import hint
from leafmesh_nb.routing.suitability import Candidate, Excluded, Observed, rank

__all__ = ["Route", "route"]


@dataclass(frozen=True, slots=True)
class Route:
    """Who would take a task, and every candidate with the points of each factor, best first."""

    agent: str
    model: str | None
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


def route(spec: Spec, capability: Any, prices: Prices) -> Route:
    """The route of a task of standard complexity. Raises RoutingError when nobody can take it."""
    declared = {c.name: c for a in spec.agents.values() for c in a.capabilities.values()}
    known = declared.get(capability) if isinstance(capability, str) else None
    if known is None:
        name = str(capability)
        raise RoutingError(f"nobody in mesh {spec.mesh} declares {name!r}{hint(name, declared)}")
    asked = Step(id="route", capability=known.name)
    ranking = rank(spec, asked, "", Observed(price=_prices(spec, known, prices)))
    if ranking.best is None:
        raise RoutingError(f"nobody can take {known.name}: {ranking.hindrances}")
    best = ranking.best
    return Route(best.agent, best.model, ranking.candidates, ranking.excluded)


def _prices(spec: Spec, capability: Capability, prices: Prices) -> dict[str, Decimal]:
    tokens_in, tokens_out = expected_tokens(capability, {})
    found = {}
    for name, model in spec.models.items():
        if model.priced_as:
            cost = prices.list_cost(model.priced_as, tokens_in, tokens_out)
        else:
            cost = prices.spent(model, tokens_in, tokens_out)
        if cost is not None:
            found[name] = cost
    return found
