"""The body of a request: within a limit of size and time, as JSON or as a form."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import anyio
from starlette.requests import ClientDisconnect, Request

from leafmesh_nb.deploy.problems import Problem, forbidden
from leafmesh_nb.deploy.sessions import is_csrf_token

__all__ = ["LARGEST", "form_body", "json_body", "signed_form"]

LARGEST = 1_000_000
"""Bytes of a request's body."""
SECONDS = 15.0
"""In which a body must have arrived."""
MOST_FIELDS = 1_000


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST:
        raise _too_large()
    received = bytearray()
    try:
        with anyio.fail_after(SECONDS):
            async for chunk in request.stream():
                received += chunk
                if len(received) > LARGEST:
                    raise _too_large()
    except TimeoutError:
        raise Problem(
            408, "timeout", f"the body did not arrive within {SECONDS:g} seconds"
        ) from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "the connection ended before the body did") from None
    return bytes(received)


def _too_large() -> Problem:
    return Problem(
        413,
        "too_large",
        f"the body is larger than {LARGEST:,} bytes",
        "send large things to where the mesh's tools can fetch them, and their address here",
        headers={"Connection": "close"},
    )


async def json_body(request: Request) -> dict[str, Any]:
    """A JSON object. Raises Problem 413, 408, 415, or 400 for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # A form of another site can send text/plain without asking; JSON it cannot.
    if kind != "application/json":
        raise Problem(415, "unsupported_media_type", "the body is no JSON", "send application/json")
    body = await _body(request)
    try:
        value = json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad_json", f"the body cannot be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem(400, "bad_json", "the body is JSON, but no object")
    return value


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


async def form_body(request: Request) -> dict[str, str]:
    """The fields of a form, the last of each name. Raises Problem 413, 408, 415 or 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, "unsupported_media_type", "the body is no form")
    body = await _body(request)
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Problem(400, "bad_form", f"the form cannot be read: {error}") from None
    return dict(pairs)


async def signed_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page of this session sent, its field ``csrf`` taken out.

    Raises Problem 403 for any other.
    """
    fields = await form_body(request)
    if not is_csrf_token(request, fields.pop("csrf", "")):
        raise forbidden("this form is not from this session", "load the page again and repeat it")
    return fields
