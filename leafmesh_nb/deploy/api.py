"""The API for programs: ``/api/…``, health and metrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

__all__ = ["routes"]


def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n")


def routes() -> list[Route]:
    """Every route of the API."""
    return [Route("/healthz", _healthz)]
