"""The list of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.digest import Digest
from leafmesh_nb.deploy.pages import starting
from leafmesh_nb.deploy.pages.paging import slice_of
from leafmesh_nb.deploy.pages.rendering import page, render
from leafmesh_nb.deploy.shelf import Shelf
from leafmesh_nb.engine.ports import RunRow

__all__ = ["routes"]

STATUSES = ("waiting", "running", "paused", "done", "failed", "cancelled")
SIZE = 50
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class _Line:
    row: RunRow
    digest: Digest | None

    @property
    def took(self) -> int | None:
        """Milliseconds from start to end."""
        if self.row.ended is None:
            return None
        return (self.row.ended - self.row.created) // timedelta(milliseconds=1)


def routes() -> list[BaseRoute]:
    """``/runs``, and the way to start one."""
    return [
        Route("/runs", page(_show), methods=["GET"]),
        Route("/runs", starting.start, methods=["POST"]),
        Route("/runs/new", page(starting.show), methods=["GET"]),
    ]


def _show(request: Request, who: Signed, shelf: Shelf) -> Response:
    rows = shelf.rows()
    asked = request.query_params
    status, workflow = asked.get("status", ""), asked.get("workflow", "")
    search = asked.get("q", "").strip()[:LONGEST_SEARCH]
    found = [row for row in rows if _fits(row, workflow, search)]
    counts = Counter(row.status for row in found)
    chosen = [row for row in found if status in ("", row.status)]
    shown = slice_of(request, chosen, SIZE)
    return render(
        request,
        "runs.html",
        who,
        lines=[_Line(row, shelf.digest(row.id)) for row in shown.items],
        slice=shown,
        counts=counts,
        found=len(found),
        statuses=[s for s in STATUSES if counts[s] or s == status],
        status=status,
        workflow=workflow,
        workflows=_workflows(rows),
        search=search,
        any_runs=bool(rows),
    )


def _fits(row: RunRow, workflow: str, search: str) -> bool:
    if workflow and row.workflow != workflow:
        return False
    text = search.casefold()
    return not text or any(text in field.casefold() for field in (row.id, row.requester))


def _workflows(rows: Sequence[RunRow]) -> list[str]:
    return sorted({row.workflow for row in rows})
