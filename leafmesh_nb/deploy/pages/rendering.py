"""Templates to pages: one environment, and what every page knows.

Every text of a run reaches a page through autoescape, and through ``visible``: no character in it
may hide, turn around or break what stands beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from leafmesh_nb.deploy.auth import Signed, csrf_token, signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.problems import forbidden
from leafmesh_nb.deploy.shelf import Shelf
from leafmesh_nb.observe.card_values import visible
from leafmesh_nb.observe.phrasing import seconds
from leafmesh_nb.observe.wording import (
    ANSWERS,
    GLYPHS,
    RUN_TONES,
    RUN_WORDS,
    STEP_WORDS,
    duration,
    step_name,
    usd,
)

__all__ = ["STATIC", "View", "page", "render", "view"]

_HERE = Path(__file__).parent.parent
STATIC = _HERE / "static"

View = Callable[[Request, Signed, Shelf], Response]

NAVIGATION = (
    ("runs", "Runs"),
    ("approvals", "Approvals"),
    ("costs", "Costs"),
    ("routing", "Routing"),
    ("policies", "Policies"),
    ("audit", "Audit"),
)
FOR_REVIEWERS = ("approvals",)


def page(show: View, *, reviewers: bool = False) -> Callable[[Request], Response]:
    """An endpoint that shows a page to the operator, and to reviewers where they may see it."""

    def endpoint(request: Request) -> Response:
        return view(request, show, reviewers=reviewers)

    return endpoint


def view(request: Request, show: View, *, reviewers: bool = False) -> Response:
    """Show a page to whoever sent a request. Raises Problem 403."""
    who = signed(request)
    if who is None:
        return RedirectResponse(_sign_in(request), status_code=303)
    if not (who.operator or reviewers):
        raise forbidden(
            f"{who.person} answers questions here and does not see this page",
            "your questions are under Approvals; everything else is the operator's",
        )
    shelf = context_of(request).shelf
    # Before anything is read: what comes in between is told again, and nothing is missed.
    request.state.cursor = shelf.refresh()
    return show(request, who, shelf)


def _sign_in(request: Request) -> str:
    """Where to sign in; from there it goes on to the page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"/sign-in?{urlencode({'next': asked})}" if asked != "/" else "/sign-in"


def render(
    request: Request, template: str, who: Signed | None = None, code: int = 200, **context: Any
) -> HTMLResponse:
    """A template as an answer."""
    service = context_of(request)
    shown: dict[str, Any] = {
        "who": who,
        "csrf": csrf_token(request),
        "mesh": service.mesh.name,
        "release": service.release,
        "navigation": [],
        "open_questions": 0,
        "cursor": 0,
        "now": datetime.now(UTC),
        "here": request.url.path,
    }
    if who is not None:
        shelf = context_of(request).shelf
        person = None if who.operator else who.person
        shown["cursor"] = getattr(request.state, "cursor", 0)
        shown["open_questions"] = len(shelf.questions(person))
        shown["navigation"] = [
            (id, name) for id, name in NAVIGATION if who.operator or id in FOR_REVIEWERS
        ]
    html = environment().get_template(template).render(shown | context)
    return HTMLResponse(html, code, {"Vary": "Cookie"})


@cache
def environment() -> Environment:
    """The templates, with the words that they share."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    made.filters.update(
        ago=_ago,
        until=_until,
        usd=usd,
        duration=duration,
        seconds=seconds,
        when=_when,
        moment=_moment,
        step_name=step_name,
        count=_count,
        percent=_percent,
        query=_query,
    )
    made.globals.update(
        asset=_asset,
        GLYPHS=GLYPHS,
        RUN_TONES=RUN_TONES,
        RUN_WORDS=RUN_WORDS,
        STEP_WORDS=STEP_WORDS,
        ANSWERS=ANSWERS,
    )
    made.globals["parts"] = made.get_template("parts.html").module
    return made


def _finalize(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value


@cache
def _asset(name: str) -> str:
    """The address of a static file; it changes with the file, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def _moment(at: datetime | int) -> datetime:
    """A time, also from milliseconds since 1970."""
    return datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else at.astimezone(UTC)


def _when(at: datetime | int) -> str:
    """A moment, exactly: ``22 Nov 2026, 17:35:51 UTC``."""
    moment = _moment(at)
    return f"{moment.day} {moment:%b %Y, %H:%M:%S} UTC"


def _time(at: datetime | int, text: str, kind: str) -> Markup:
    moment = _moment(at)
    return Markup('<time class="ago" data-kind="{}" datetime="{}" title="{}">{}</time>').format(
        kind, moment.isoformat(timespec="milliseconds"), _when(moment), text
    )


def _ago(at: datetime | int | None) -> Markup:
    """How long ago, with the exact time on hover; a script keeps it true."""
    if at is None:
        return Markup("")
    passed = (datetime.now(UTC) - _moment(at)).total_seconds()
    return _time(at, f"{_long(passed)} ago" if passed >= 10 else "just now", "ago")


def _until(at: datetime | int | None) -> Markup:
    """How long until, in the same way."""
    if at is None:
        return Markup("")
    left = (_moment(at) - datetime.now(UTC)).total_seconds()
    return _time(at, f"in {_long(left)}" if left > 0 else "now", "until")


def _long(passed: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if passed >= size:
            return f"{int(passed // size)} {unit}"
    return f"{int(max(passed, 0))} s"


def _count(number: int, one: str, many: str = "") -> Markup:
    """A number with its noun: ``1 run``, ``1,204 runs``."""
    noun = one if number == 1 else many or f"{one}s"
    return Markup("{:,} {}").format(number, noun)


def _percent(share: float | Decimal) -> str:
    """A share of one as an attribute of SVG: ``12.5%``."""
    return f"{max(0.0, min(1.0, float(share))) * 100:.3f}%"


def _query(path: str, **parts: Any) -> Markup:
    """An address with the given parts, those that are empty left out."""
    given = {name: value for name, value in parts.items() if value not in ("", None)}
    return escape(f"{path}?{urlencode(given)}" if given else path)
