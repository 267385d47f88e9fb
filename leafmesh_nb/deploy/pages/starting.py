"""A run started from a page: a form made from the input of a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from leafmesh_nb.deploy.auth import Signed, require_operator
from leafmesh_nb.deploy.bodies import signed_form
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages.fields import typed_changes, with_texts
from leafmesh_nb.deploy.pages.rendering import render
from leafmesh_nb.deploy.problems import Problem
from leafmesh_nb.deploy.shelf import Shelf
from leafmesh_nb.errors import RunError
from leafmesh_nb.language.spec import Workflow
from leafmesh_nb.language.to_json import dump_any
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.mesh.inputs import accepted_input
from leafmesh_nb.observe.card_values import edit_fields, edited

__all__ = ["show", "start"]


def show(request: Request, who: Signed, shelf: Shelf) -> Response:
    """The form of the workflow that ``workflow=`` names, else of the first."""
    flows = context_of(request).mesh.spec.workflows
    chosen = flows.get(request.query_params.get("workflow", "")) or next(iter(flows.values()))
    return _form(request, who, chosen, {}, "", 200)


async def start(request: Request) -> Response:
    """Start a run from the form; what does not fit is said beside what was typed."""
    who = await run_in_threadpool(require_operator, request)
    given = await signed_form(request)
    return await run_in_threadpool(_start, request, who, given)


def _start(request: Request, who: Signed, given: Mapping[str, str]) -> Response:
    context = context_of(request)
    flow = context.mesh.spec.workflows.get(given.get("workflow", ""))
    if flow is None:
        return RedirectResponse("/runs/new", status_code=303)
    if context.standing.draining.is_set():
        raise Problem(503, "stopping", "the service is stopping", "try again when it is back")
    try:
        values = edited(flow.input, _defaults(flow), typed_changes(_fields(flow), given))
        accepted = accepted_input(flow, values, {})
        run = context.mesh.begin(
            flow,
            accepted,
            context.journal,
            requester=who.person,
            release=context.release.hash,
        )
    except (ValueError, RunError) as error:
        return _form(request, who, flow, given, str(error), 422)
    context_of(request).shelf.refresh()
    return RedirectResponse(f"/runs/{run.id}", status_code=303)


def _form(
    request: Request,
    who: Signed,
    flow: Workflow,
    given: Mapping[str, str],
    problem: str,
    status: int,
) -> Response:
    mesh = context_of(request).mesh
    return render(
        request,
        "start.html",
        who,
        status,
        flow=flow,
        workflows=list(mesh.spec.workflows),
        description=mesh.spec.description,
        fields=with_texts(_fields(flow), given),
        problem=problem,
    )


def _fields(flow: Workflow) -> list[dict[str, Any]]:
    # What somebody is about to type is theirs to see.
    fields = edit_fields(flow.input, _defaults(flow), Masker())
    # A box that grows: nobody knows which text is a word and which is a letter.
    return [
        field | {"long": True, "rows": 1} if field["kind"] == "text" else field for field in fields
    ]


def _defaults(flow: Workflow) -> dict[str, Any]:
    return {name: dump_any(value) for name, value in flow.defaults.items()}
