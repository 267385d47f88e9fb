"""What this process has seen of agents: mean latency and calls in flight. Routing's snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from leafmesh_nb.engine.ports import Clock
from leafmesh_nb.routing.suitability import Observed

__all__ = ["Observations"]

WEIGHT = 0.2
"""Of the newest latency in the moving mean: the last dozen executions say how an agent does."""


class Observations:
    """One per mesh in this process; used on the host's loop only."""

    def __init__(self) -> None:
        self._latency: dict[str, float] = {}
        self._load: dict[str, int] = {}

    @contextmanager
    def in_flight(self, agent: str, clock: Clock) -> Iterator[None]:
        """Count an execution, and learn how long it took."""
        self._load[agent] = self._load.get(agent, 0) + 1
        began = clock.monotonic()
        try:
            yield
        finally:
            self._load[agent] -= 1
            took = clock.monotonic() - began
            before = self._latency.get(agent, took)
            self._latency[agent] = before + WEIGHT * (took - before)

    def snapshot(self, prices: Mapping[str, Decimal], unbound: frozenset[str]) -> Observed:
        """As of now; latencies to the millisecond, so that noise breaks no ties."""
        return Observed(
            latency={agent: round(s, 3) for agent, s in self._latency.items() if s >= 0.0005},
            load={agent: n for agent, n in self._load.items() if n},
            price=dict(prices),
            unbound=unbound,
        )
