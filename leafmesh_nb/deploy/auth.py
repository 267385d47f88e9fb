"""Who sent a request: the holder of its bearer token, or of its session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from leafmesh_nb.deploy import sessions, tokens
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.problems import Problem, forbidden
from leafmesh_nb.deploy.sessions import csrf_token

__all__ = ["Signed", "csrf_token", "require", "require_operator", "signed"]


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who is signed in: with a bearer token, or with the session of a page.

    ``session`` is where the stream ``journal`` has the sign-in.
    """

    person: str
    operator: bool
    channel: Literal["bearer", "session"]
    session: int


def signed(request: Request) -> Signed | None:
    """Who sent a request; None when it shows nothing that holds. Reads a file: call on a thread."""
    context = context_of(request)
    given = request.headers.get("authorization")
    if given is not None:
        # A token that does not hold is not made good by a cookie beside it.
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer":
            return None
        holder = tokens.holder(context.access, context.mesh.name, token.strip())
        if holder is None:
            return None
        seq = context.sign_ins.of_token(holder.token, holder.person, holder.operator)
        return Signed(holder.person, holder.operator, "bearer", seq)
    session = sessions.find(request)
    if session is None:
        return None
    return Signed(session.holder.person, session.holder.operator, "session", session.signed_in)


def require(request: Request) -> Signed:
    """Who sent a request. Raises Problem 401 when nobody is signed in."""
    found = signed(request)
    if found is None:
        wrong = "authorization" in request.headers
        raise Problem(
            401,
            "not_signed_in",
            "this token does not hold" if wrong else "nobody is signed in",
            "send Authorization: Bearer TOKEN; deploy prints the operator's token, "
            "leafmesh-nb token create PERSON a reviewer's",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return found


def require_operator(request: Request) -> Signed:
    """The operator. Raises Problem 401 when nobody is signed in, 403 for anybody else."""
    found = require(request)
    if not found.operator:
        raise forbidden(
            f"{found.person} reviews here and may not do this",
            "use the operator's token, which deploy prints",
        )
    return found
