"""One run: its steps, its timeline, and the tables behind them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.pages import candidates
from leafmesh_nb.deploy.pages.graph import graph_of
from leafmesh_nb.deploy.pages.paging import slice_of
from leafmesh_nb.deploy.pages.rendering import page, render
from leafmesh_nb.deploy.pages.timeline_figure import timeline_figure
from leafmesh_nb.deploy.problems import not_found
from leafmesh_nb.deploy.shelf import KeptRun, Shelf
from leafmesh_nb.mesh.run import live_owner
from leafmesh_nb.observe.audit import stories
from leafmesh_nb.observe.calls import calls_of
from leafmesh_nb.observe.card_values import rows
from leafmesh_nb.observe.masked import masked_body
from leafmesh_nb.observe.phrasing import brief

__all__ = ["routes"]

SIZE = 100
TABS = (
    ("", "Overview"),
    ("routing", "Routing"),
    ("memory", "Memory"),
    ("costs", "Costs"),
    ("events", "Events"),
)


def routes() -> list[BaseRoute]:
    """``/runs/{id}`` and its tabs."""
    return [
        Route("/runs/{run}", page(_overview)),
        Route("/runs/{run}/routing", page(_routing)),
        Route("/runs/{run}/memory", page(_memory)),
        Route("/runs/{run}/costs", page(_costs)),
        Route("/runs/{run}/events", page(_events)),
    ]


def _kept(request: Request, shelf: Shelf) -> KeptRun:
    id = request.path_params["run"]
    kept = shelf.run(id)
    if kept is None:
        raise not_found(f"there is no run {id}", "the runs of this mesh are under Runs")
    return kept


def _tab(
    request: Request, who: Signed, shelf: Shelf, kept: KeptRun, tab: str, **context: Any
) -> Response:
    row = next((row for row in shelf.rows() if row.id == kept.id), None)
    going = kept.state.ended is None
    return render(
        request,
        f"run_{tab or 'overview'}.html",
        who,
        kept=kept,
        run=kept.card,
        tabs=TABS,
        tab=tab,
        interrupted=bool(going and row and live_owner(row) is None),
        **context,
    )


def _overview(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept = _kept(request, shelf)
    return _tab(
        request,
        who,
        shelf,
        kept,
        "",
        input=rows(dict(kept.state.started.input), kept.masker),
        graph=graph_of(kept.card),
        timeline=timeline_figure(kept),
    )


def _routing(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept = _kept(request, shelf)
    return _tab(request, who, shelf, kept, "routing", tasks=candidates.tasks_of(kept))


def _memory(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept = _kept(request, shelf)
    lines = []
    for event in kept.events:
        if event.kind.startswith("memory."):
            body = masked_body(event, kept.masker)
            denied = event.kind == "memory.denied"
            if denied:
                value = f"tried to {body['access']} it without a grant, and was refused"
            elif body.get("scope") == "mesh":
                value = "stands in the shared memory of the mesh"
            else:
                added = "" if body.get("op", "replace") == "replace" else "added "
                value = f"{added}{brief(body['value'], 400)}"
            field = kept.spec.memory.get(body["field"])
            lines.append(
                {
                    "at": event.ts,
                    "field": body["field"],
                    "value": value,
                    "denied": denied,
                    "by": body.get("agent") or body.get("person") or "the workflow",
                    "step": event.path,
                    "version": body.get("version"),
                    "scope": field.scope if field else "",
                    "sensitivity": field.sensitivity if field else "",
                }
            )
    return _tab(request, who, shelf, kept, "memory", lines=lines)


def _costs(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept = _kept(request, shelf)
    return _tab(request, who, shelf, kept, "costs", calls=calls_of(kept.events, kept.masker))


def _events(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept = _kept(request, shelf)
    told = list(reversed(stories(kept.events, kept.masker)))
    return _tab(request, who, shelf, kept, "events", slice=slice_of(request, told, SIZE))
