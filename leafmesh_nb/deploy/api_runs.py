"""``/api/runs``: start runs, list them, and look at one.

All of it is the operator's. A reviewer sees what they may answer, under ``/api/approvals``: a run
shows more than the question that it asks.
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.api_schemas import ref
from leafmesh_nb.deploy.auth import Signed, require_operator
from leafmesh_nb.deploy.bodies import json_body
from leafmesh_nb.deploy.context import ServiceContext, context_of
from leafmesh_nb.deploy.operations import JSON, Operation, Parameter
from leafmesh_nb.deploy.problems import Json, Problem, not_found
from leafmesh_nb.deploy.shelf import KeptRun
from leafmesh_nb.deploy.views import row_view, run_view
from leafmesh_nb.errors import JournalError, RunError
from leafmesh_nb.language.spec import Workflow
from leafmesh_nb.mesh.inputs import accepted_input

__all__ = ["OPERATIONS", "find_run"]

PAGE = 100
LARGEST_PAGE = 1_000
LONGEST_KEY = 200


# Starting


async def _start_run(request: Request) -> Response:
    signed = await run_in_threadpool(require_operator, request)
    body = await json_body(request)
    key = request.headers.get("idempotency-key", "")
    if len(key) > LONGEST_KEY:
        raise Problem(422, "bad_key", f"an Idempotency-Key has at most {LONGEST_KEY} characters")
    return await run_in_threadpool(_start, context_of(request), signed, body, key)


def _start(context: ServiceContext, signed: Signed, body: dict[str, Any], key: str) -> Response:
    if context.standing.draining.is_set():
        raise Problem(503, "stopping", "the service is stopping", "try again when it is back")
    extra = sorted(set(body) - {"workflow", "input"})
    if extra or not isinstance(body.get("workflow"), str):
        said = f"it has {extra[0]!r}" if extra else "workflow is missing, or no text"
        raise Problem(
            422, "bad_input", f"this starts no run: {said}", 'send {"workflow": …, "input": {…}}'
        )
    mesh = context.mesh
    flow = mesh.spec.workflows.get(body["workflow"])
    if flow is None:
        known = ", ".join(mesh.spec.workflows)
        raise Problem(
            422,
            "no_workflow",
            f"mesh {mesh.name} has no workflow {body['workflow']!r}",
            f"there is {known}",
        )
    accepted = _accepted(flow, body.get("input"))
    id = _keyed(mesh.name, signed.person, key) if key else None
    if id is not None:
        known_run = context.shelf.run(id)
        if known_run is not None:
            return _again(context, known_run, body)
    try:
        run = mesh.begin(
            flow,
            accepted,
            context.journal,
            id=id,
            requester=signed.person,
            release=context.release.hash,
        )
    except JournalError:
        # Two requests with one key at the same moment: the journal lets one of them through.
        known_run = context.shelf.run(id) if id is not None else None
        if known_run is None:
            raise
        return _again(context, known_run, body)
    except RunError as error:
        raise Problem(422, "bad_input", str(error)) from None
    return Json({"id": run.id, "status": run.status}, 201, {"Location": f"/api/runs/{run.id}"})


def _accepted(flow: Workflow, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise Problem(422, "bad_input", "input is no object")
    try:
        return accepted_input(flow, given, {})
    except RunError as error:
        raise Problem(422, "bad_input", str(error)) from None


def _keyed(mesh: str, person: str, key: str) -> str:
    """The id of the run that a person's key stands for: the key holds as long as the journal."""
    return hashlib.sha256("\0".join(("run", mesh, person, key)).encode()).hexdigest()[:16]


def _again(context: ServiceContext, run: KeptRun, body: dict[str, Any]) -> Response:
    """The answer to a key that was used: the same run for the same body."""
    started = run.state.started
    # By the mesh that the run was started with: its defaults may have changed since.
    same = started.workflow == body["workflow"]
    if not same or _accepted(run.workflow, body.get("input")) != dict(started.input):
        raise Problem(
            409,
            "key_reused",
            "this Idempotency-Key started a run with another body",
            "use a new key for a new run",
        )
    return Json({"id": run.id, "status": run.state.status}, 201)


# Reading


def _list_runs(request: Request) -> Response:
    require_operator(request)
    query = request.query_params
    rows = list(context_of(request).shelf.rows())
    status = query.get("status")
    if status:
        rows = [row for row in rows if row.status == status]
    workflow = query.get("workflow")
    if workflow:
        rows = [row for row in rows if row.workflow == workflow]
    before = query.get("before")
    if before:
        ids = [row.id for row in rows]
        if before not in ids:
            raise not_found(f"there is no run {before} to go on from")
        rows = rows[ids.index(before) + 1 :]
    limit = _limit(query.get("limit", ""))
    page = rows[:limit]
    more = page[-1].id if len(rows) > limit else None
    return Json({"runs": [row_view(row) for row in page], "next": more})


def _limit(text: str) -> int:
    if not text:
        return PAGE
    number = text.isascii() and text.isdecimal() and len(text) < 10
    if not (number and 1 <= int(text) <= LARGEST_PAGE):
        raise Problem(422, "bad_limit", f"limit is a number from 1 to {LARGEST_PAGE:,}")
    return int(text)


def _get_run(request: Request) -> Response:
    require_operator(request)
    context = context_of(request)
    kept = find_run(context, request.path_params["id"])
    row = context.journal.run(kept.id)
    if row is None:
        raise not_found(f"the journal has lost run {kept.id}")
    return Json(run_view(kept, row))


def find_run(context: ServiceContext, id: str) -> KeptRun:
    """A run by its id. Raises Problem 404 when there is none."""
    kept = context.shelf.run(id)
    if kept is None:
        raise not_found(f"there is no run {id}", "GET /api/runs lists them")
    return kept


ID = Parameter("id", "path", "The run's id.")

OPERATIONS = (
    Operation(
        "POST",
        "/api/runs",
        _start_run,
        "Start a run (the operator)",
        {201: ("The run, started now or by the same key before", JSON, ref("Started"))},
        problems=(409,),
        parameters=(
            Parameter(
                "Idempotency-Key",
                "header",
                "The same key with the same body is the same run, also after a restart.",
            ),
        ),
        body=ref("StartRun"),
    ),
    Operation(
        "GET",
        "/api/runs",
        _list_runs,
        "Runs of this mesh, newest first (the operator)",
        {200: ("A page of runs", JSON, ref("Runs"))},
        problems=(403, 404, 422),
        parameters=(
            Parameter("status", "query", "Only runs of this status."),
            Parameter("workflow", "query", "Only runs of this workflow."),
            Parameter(
                "limit",
                "query",
                "So many at most.",
                {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE},
            ),
            Parameter("before", "query", "Those after this run's id: ``next`` of a page."),
        ),
    ),
    Operation(
        "GET",
        "/api/runs/{id}",
        _get_run,
        "One run (the operator)",
        {200: ("The run as it stands", JSON, ref("Run"))},
        problems=(403, 404),
        parameters=(ID,),
    ),
)
