"""What every request and every answer goes through: who sent it, headers, and a last resort."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leafmesh_nb.deploy.problems import Problem, forbidden

__all__ = ["Guard"]

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers send "Origin: null" with a form, also to where it came from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SAFE = ("GET", "HEAD", "OPTIONS")

_PORT = re.compile(r":\d+\Z", re.ASCII)

logger = logging.getLogger(__name__)


class Guard:
    """Refuses what another site sent, and puts the headers on every answer.

    ``fault`` answers where a handler failed: what failed is for the log, and not for the client.
    """

    def __init__(self, app: ASGIApp, fault: Callable[[Request], Response]) -> None:
        self._app = app
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                _count(scope, message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if not is_served(host, scope["app"].state.context.hosts):
            problem = Problem(
                421,
                "other_host",
                "this service has another name",
                "start it with --allow-host and the name that it is reached by",
            )
            await problem.response()(scope, receive, with_headers)
            return
        if scope["method"] not in SAFE and from_another_site(Headers(scope=scope)):
            problem = forbidden(
                "another site sent this request",
                "send it from a program, or from a page of this service",
            )
            await problem.response()(scope, receive, with_headers)
            return
        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            if begun:
                raise  # the connection is broken off: half an answer must not look whole
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await self._fault(Request(scope))(scope, receive, with_headers)


def _count(scope: Scope, status: int) -> None:
    method = scope["method"] if scope["method"] in (*SAFE, "POST") else "other"
    scope["app"].state.context.standing.answered[method, status] += 1


def is_served(host: str, hosts: frozenset[str] | None) -> bool:
    """Whether a ``Host`` header names this service. A page elsewhere can have its own name lead to
    this machine (DNS rebinding), and then reads as the same origin what needs no token."""
    return hosts is None or _PORT.sub("", host).lower() in hosts


def from_another_site(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin sent a request (Fetch Metadata, RFC
    6454). Programs say nothing of the kind."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc != headers.get("host")
    except ValueError:
        return True  # no address at all, and so not ours
