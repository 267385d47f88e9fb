"""The pages for people: runs, one run, the approvals inbox, costs, routing."""

from __future__ import annotations

import html

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from leafmesh_nb.deploy.problems import Problem

__all__ = ["problem_page", "routes", "sign_in_page"]


def routes() -> list[BaseRoute]:
    """Every page, and what they load."""
    return []


def sign_in_page(request: Request, problem: str, status: int) -> Response:
    """The form that takes a token in its field ``token``; ``problem`` says what was wrong."""
    return HTMLResponse(
        f"<!doctype html><title>Sign in</title><p>{html.escape(problem)}</p>"
        '<form method="post" action="/sign-in"><input name="token" type="password">'
        "<button>Sign in</button></form>",
        status,
    )


def problem_page(request: Request, problem: Problem) -> Response:
    """What went wrong, for somebody at a browser."""
    said = f"<!doctype html><title>Problem</title><p>{html.escape(problem.message)}</p>"
    return HTMLResponse(said, problem.status, problem.headers)
