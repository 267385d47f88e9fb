"""The service as an ASGI application: the API, the pages, and what every request goes through."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Lifespan

from leafmesh_nb.deploy import api, pages, sign_in
from leafmesh_nb.deploy.context import ServiceContext
from leafmesh_nb.deploy.problems import Problem
from leafmesh_nb.deploy.security import Guard
from leafmesh_nb.errors import LeafmeshError

__all__ = ["build_app"]

logger = logging.getLogger(__name__)


def build_app(context: ServiceContext, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The application; handlers find ``context`` on ``request.app.state.context``."""
    app = Starlette(
        lifespan=lifespan,
        routes=[*api.routes(), *sign_in.routes(), *pages.routes()],
        middleware=[Middleware(Guard, fault=_fault)],
        exception_handlers={
            Problem: _problem,
            HTTPException: _http_problem,
            LeafmeshError: _our_problem,
        },
    )
    # A redirect would name the host that the client claims to have reached.
    app.router.redirect_slashes = False
    app.state.context = context
    return app


def _answer(request: Request, problem: Problem) -> Response:
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem.response()
    return pages.problem_page(request, problem)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _answer(request, error)


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    message = f"{request.method} {request.url.path}: {error.detail}"
    hint = "GET /openapi.json lists what there is"
    return _answer(request, Problem(error.status_code, code, message, hint, headers=error.headers))


def _our_problem(request: Request, error: Exception) -> Response:
    logger.warning("%s %s: %s", request.method, request.url.path, error)
    return _answer(request, Problem(503, "unavailable", str(error)))


def _fault(request: Request) -> Response:
    return _answer(request, Problem(500, "fault", "the service met a fault; its log tells more"))
