"""What the runs cost: spent, and at list price, side by side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.digest import Digest
from leafmesh_nb.deploy.pages.rendering import render
from leafmesh_nb.deploy.pages.sums import by, days_of, total_of
from leafmesh_nb.deploy.shelf import Shelf

__all__ = ["WINDOWS", "digests_within", "show"]

WINDOWS = {"1": "24 hours", "7": "7 days", "30": "30 days", "90": "90 days"}
GROUPS = (("agent", "By agent"), ("model", "By model"), ("workflow", "By workflow"))


def show(request: Request, who: Signed, shelf: Shelf) -> Response:
    """``/costs?days=N``."""
    now = datetime.now(UTC)
    days, digests = digests_within(request, shelf, now)
    return render(
        request,
        "costs.html",
        who,
        total=total_of(digests),
        groups=[(title, by(digests, key)) for key, title in GROUPS],
        days=days_of(digests, now, max(int(days), 7)),
        window=days,
        windows=WINDOWS,
        budgets=context_of(request).mesh.spec.budgets,
    )


def digests_within(request: Request, shelf: Shelf, now: datetime) -> tuple[str, list[Digest]]:
    """The window that the request asks for in days, and the digests of the runs begun in it."""
    days = request.query_params.get("days", "")
    days = days if days in WINDOWS else "30"
    since = now - timedelta(days=int(days))
    # Rows are the newest first.
    ids = [row.id for row in shelf.rows() if row.created >= since]
    return days, [digest for id in ids if (digest := shelf.digest(id)) is not None]
