"""The API for programs: everything that ``/openapi.json`` describes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leafmesh_nb.deploy import api_approvals, api_runs, events_stream, metrics
from leafmesh_nb.deploy.api_schemas import ref
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.openapi import document
from leafmesh_nb.deploy.operations import JSON, Operation
from leafmesh_nb.deploy.problems import Json, Problem

__all__ = ["OPERATIONS", "routes"]

VERSION = "1.0"
"""Of the API, not of the package: it moves when what is answered changes."""


def _healthz(request: Request) -> Response:
    return Json({"status": "ok"})


def _readyz(request: Request) -> Response:
    context = context_of(request)
    if context.standing.draining.is_set():
        raise Problem(503, "stopping", "the service is stopping")
    if not context.standing.ready.is_set():
        raise Problem(503, "starting", "the service is starting")
    context.journal.runs(status=("no such status",))  # raises when the journal cannot be read
    release = context.release
    return Json({"status": "ready", "mesh": context.mesh.name, "release": release.hash})


def _openapi(request: Request) -> Response:
    return Json(document(OPERATIONS, VERSION))


OPERATIONS = (
    *api_runs.OPERATIONS,
    *events_stream.OPERATIONS,
    *api_approvals.OPERATIONS,
    *metrics.OPERATIONS,
    Operation(
        "GET",
        "/healthz",
        _healthz,
        "Whether the process lives",
        {200: ("It does", JSON, ref("Health"))},
        open=True,
    ),
    Operation(
        "GET",
        "/readyz",
        _readyz,
        "Whether the service takes runs and can read its journal",
        {200: ("It does", JSON, ref("Ready"))},
        problems=(503,),
        open=True,
    ),
    Operation(
        "GET",
        "/openapi.json",
        _openapi,
        "This description",
        {200: ("OpenAPI 3.1", JSON, {"type": "object"})},
        open=True,
    ),
)


def routes() -> list[Route]:
    """Every route of the API."""
    return [operation.route() for operation in OPERATIONS]
