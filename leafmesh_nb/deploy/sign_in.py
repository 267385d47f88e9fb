"""Signing in and out of the pages."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from leafmesh_nb.deploy import sessions, tokens
from leafmesh_nb.deploy.bodies import form_body, signed_form
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages import sign_in_page

__all__ = ["routes"]


def _show(request: Request) -> Response:
    return sign_in_page(request, "", 200)


async def _sign_in(request: Request) -> Response:
    fields = await form_body(request)
    return await run_in_threadpool(_begin, request, fields.get("token", "").strip())


def _begin(request: Request, token: str) -> Response:
    context = context_of(request)
    holder = tokens.holder(context.access, context.mesh.name, token)
    if holder is None:
        return sign_in_page(request, "this token does not hold", 403)
    response = RedirectResponse("/", status_code=303)
    seq = context.sign_ins.record(holder.person, holder.operator)
    sessions.begin(context.access, holder, seq, response, secure=request.url.scheme == "https")
    return response


async def _sign_out(request: Request) -> Response:
    await signed_form(request)
    return await run_in_threadpool(_end, request)


def _end(request: Request) -> Response:
    response = RedirectResponse("/sign-in", status_code=303)
    sessions.end(context_of(request).access, request, response)
    return response


def routes() -> list[Route]:
    """GET and POST ``/sign-in`` (field ``token``), POST ``/sign-out``."""
    return [
        Route("/sign-in", _show, methods=["GET"]),
        Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
    ]
