"""The pages for people: runs, one run, the approvals inbox, costs, routing, policies, audit.

Made on the server: every page works without a script, and every text of a run is escaped in one
place. A script reads a page again when the journal got something it shows (``/live``), and morphs
what changed into it. Charts are SVG of a few KB, drawn here in percent of their width: plotly is
1.2 MB of script at least, and one bar chart of it sets 67 inline styles that the service's policy
refuses (measured with plotly 7.1 in Chromium).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from leafmesh_nb.deploy.auth import Signed, signed
from leafmesh_nb.deploy.pages import audit, costs, inbox, live, one_run, policies, routing, runs
from leafmesh_nb.deploy.pages.assets import Assets
from leafmesh_nb.deploy.pages.rendering import page, render
from leafmesh_nb.deploy.problems import Problem
from leafmesh_nb.deploy.shelf import Shelf

__all__ = ["problem_page", "routes", "sign_in_page"]


def routes() -> list[BaseRoute]:
    """Every page, and what they load."""
    return [
        Route("/", page(_home, reviewers=True)),
        *runs.routes(),
        *one_run.routes(),
        *inbox.routes(),
        Route("/costs", page(costs.show)),
        Route("/routing", page(routing.show)),
        Route("/policies", page(policies.show)),
        Route("/audit", page(audit.show)),
        Route("/live", live.follow),
        Mount("/static", Assets()),
    ]


def sign_in_page(request: Request, problem: str, status: int, wanted: str) -> Response:
    """The form that takes a token in its field ``token``; ``problem`` says what was wrong, and
    ``wanted`` is the page to go on to."""
    return render(request, "sign_in.html", code=status, problem=problem, wanted=wanted)


def problem_page(request: Request, problem: Problem) -> Response:
    """What went wrong, for somebody at a browser."""
    try:
        who = signed(request)
        answer = render(request, "problem.html", who, problem.status, problem=problem)
    except Exception:  # a journal that cannot be read must not hide what went wrong
        answer = render(request, "problem.html", code=problem.status, problem=problem)
    answer.headers.update(problem.headers)
    return answer


def _home(request: Request, who: Signed, shelf: Shelf) -> Response:
    return RedirectResponse("/runs" if who.operator else "/approvals", status_code=303)
