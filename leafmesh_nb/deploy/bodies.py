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
MOST_THROWN_AWAY = 100_000_000
"""Bytes of a body that is too large which are still taken from its sender, and not kept."""
SECONDS = 15.0
"""In which a body must have arrived."""
MOST_FIELDS = 1_000


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    waits = "expect" in request.headers  # with its body, for what is said to its headers
    if waits and declared.isdecimal() and int(declared) > LARGEST:
        raise _too_large()
    received, size = bytearray(), 0
    try:
        with anyio.fail_after(SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= LARGEST:
                    received += chunk
                elif size > MOST_THROWN_AWAY:
                    break
    except TimeoutError:
        if size > LARGEST:
            raise _too_large() from None
        raise Problem(
            408, "timeout", f"the body did not arrive within {SECONDS:g} seconds"
        ) from None
    except ClientDisconnect:
        raise Problem(400, "bad_request", "the connection ended before the body did") from None
    if size > LARGEST:
        # Not before: a connection that is closed on a sender takes the answer with it.
        raise _too_large()
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
        value = json.loads(body.decode(), parse_constant=_no_json, object_pairs_hook=_once)
    except RecursionError:
        raise Problem(400, "bad_json", "the body is nested too deeply to be read") from None
    except ValueError as error:
        raise Problem(400, "bad_json", f"the body cannot be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem(400, "bad_json", "the body is JSON, but no object")
    return value


def _no_json(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Readers differ on which of two equal names counts, so neither does."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it has {name[:80]!r} twice")
        found[name] = value
    return found


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
