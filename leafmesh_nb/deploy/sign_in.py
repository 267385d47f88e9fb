"""Signing in and out of the pages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leafmesh_nb.deploy import sessions, tokens
from leafmesh_nb.deploy.bodies import form_body, signed_form
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages import sign_in_page

__all__ = ["routes"]


_PAGE = re.compile(r"/(?![/\\])[\w/?=&.%~+-]*", re.ASCII)
"""Addresses of pages of this service, and of nothing else."""


def _show(request: Request) -> Response:
    return sign_in_page(request, "", 200, _wanted(request.query_params.get("next", "")))


def _wanted(given: str) -> str:
    """The page that somebody came for; the first one where that is none."""
    return given if _PAGE.fullmatch(given) else "/"


async def _sign_in(request: Request) -> Response:
    fields = await form_body(request)
    return await run_in_threadpool(_begin, request, fields)


def _begin(request: Request, fields: Mapping[str, str]) -> Response:
    context, wanted = context_of(request), _wanted(fields.get("next", ""))
    token = fields.get("token", "").strip()
    holder = tokens.holder(context.access, context.mesh.name, token)
    if holder is None:
        return sign_in_page(request, "this token does not hold", 403, wanted)
    response = RedirectResponse(wanted, status_code=303)
    seq = context.sign_ins.record(holder.person, holder.operator)
    sessions.begin(request, holder, seq, response)
    return response


async def _sign_out(request: Request) -> Response:
    await signed_form(request)
    return await run_in_threadpool(_end, request)


def _end(request: Request) -> Response:
    response = RedirectResponse("/sign-in", status_code=303)
    sessions.end(request, response)
    return response


def routes() -> list[Route]:
    """GET and POST ``/sign-in`` (fields ``token`` and ``next``), POST ``/sign-out``."""
    return [
        Route("/sign-in", _show, methods=["GET"]),
        Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
    ]
