"""Who got which tasks, over all runs of a window, and how clearly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.digest import Digest, Won
from leafmesh_nb.deploy.pages.costs import WINDOWS, digests_within
from leafmesh_nb.deploy.pages.rendering import render
from leafmesh_nb.deploy.shelf import Shelf

__all__ = ["show"]


@dataclass(slots=True)
class _Winner:
    """An agent, with its model, among those who took a capability's tasks."""

    agent: str
    model: str
    tasks: int = 0
    score: float = 0.0
    lead: float = 0.0
    alone: int = 0

    def add(self, won: Won) -> None:
        self.tasks += 1
        self.score += won.score
        self.lead += won.lead
        self.alone += not won.others


@dataclass(slots=True)
class _Capability:
    name: str
    tasks: int = 0
    nobody: int = 0
    winners: dict[tuple[str, str], _Winner] = field(default_factory=dict)

    def add(self, won: Won) -> None:
        self.tasks += 1
        if not won.agent:
            self.nobody += 1
            return
        key = won.agent, won.model
        self.winners.setdefault(key, _Winner(*key)).add(won)

    def ranked(self) -> list[_Winner]:
        """Those with the most tasks first."""
        return sorted(self.winners.values(), key=lambda w: (-w.tasks, w.agent, w.model))


def show(request: Request, who: Signed, shelf: Shelf) -> Response:
    """``/routing?days=N``."""
    now = datetime.now(UTC)
    days, digests = digests_within(request, shelf, now)
    capabilities = _capabilities(digests)
    routing = context_of(request).mesh.spec.routing
    return render(
        request,
        "routing.html",
        who,
        capabilities=sorted(capabilities.values(), key=lambda c: (-c.tasks, c.name)),
        tasks=sum(c.tasks for c in capabilities.values()),
        runs=len(digests),
        weights=dict(routing.weights),
        window=days,
        windows=WINDOWS,
    )


def _capabilities(digests: list[Digest]) -> dict[str, _Capability]:
    found: dict[str, _Capability] = {}
    for digest in digests:
        for won in digest.routed:
            found.setdefault(won.capability, _Capability(won.capability)).add(won)
    return found
