"""Sessions of the pages: a cookie that stands for the token somebody signed in with."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.access import hashed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.tokens import Holder
from leafmesh_nb.journal.text import now, stamp

__all__ = ["Session", "begin", "csrf_token", "end", "find", "is_csrf_token"]

LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is good; ``signed_in`` is where the journal has its sign-in."""

    holder: Holder
    signed_in: int


def begin(request: Request, holder: Holder, signed_in: int, response: Response) -> None:
    """Sign in: the answer carries the cookie."""
    context = context_of(request)
    cookie = secrets.token_urlsafe(32)
    moment = now()
    with context.access.writing() as conn:
        conn.execute("DELETE FROM sessions WHERE expires <= ?", (stamp(moment),))
        conn.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?)",
            (hashed(cookie), holder.token, signed_in, stamp(moment + LASTS)),
        )
    response.set_cookie(
        context.cookie,
        cookie,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def end(request: Request, response: Response) -> None:
    """Sign out."""
    context = context_of(request)
    cookie = request.cookies.get(context.cookie, "")
    with context.access.writing() as conn:
        conn.execute("DELETE FROM sessions WHERE hash = ?", (hashed(cookie),))
    response.delete_cookie(context.cookie, httponly=True, samesite="strict")


def find(request: Request) -> Session | None:
    """The session of a request's cookie, while it and its token are good."""
    context = context_of(request)
    cookie = request.cookies.get(context.cookie)
    if not cookie:
        return None
    with context.access.reading() as conn:
        row = conn.execute(
            "SELECT t.hash, t.person, t.operator, s.signed_in "
            "FROM sessions s JOIN tokens t ON t.hash = s.token "
            "WHERE s.hash = ? AND s.expires > ? AND t.mesh = ? AND t.revoked IS NULL",
            (hashed(cookie), stamp(now()), context.mesh.name),
        ).fetchone()
    return None if row is None else Session(Holder(row[0], row[1], bool(row[2])), row[3])


def csrf_token(request: Request) -> str:
    """What every form of this session must carry in its field ``csrf``; empty without a session.

    Derived from the cookie, which no script and no other site can read.
    """
    cookie = request.cookies.get(context_of(request).cookie, "")
    return hashlib.sha256(f"csrf:{cookie}".encode()).hexdigest() if cookie else ""


def is_csrf_token(request: Request, given: str) -> bool:
    """Whether a form came from a page of this session."""
    expected = csrf_token(request)
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())
