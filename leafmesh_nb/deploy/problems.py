"""What goes wrong with a request, said in one shape: ``{"error": {"code", "message", "hint"}}``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

__all__ = ["Json", "Problem", "forbidden", "not_found"]


class Problem(Exception):
    """A request that is refused. ``code`` is for programs, ``message`` and ``hint`` for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The problem as JSON."""
        error = {"code": self.code, "message": self.message, "hint": self.hint}
        return Json({"error": error}, self.status, self.headers)


class Json(Response):
    """JSON that may hold what UTF-8 cannot: a lone surrogate from an agent is escaped."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        try:
            return text.encode()
        except UnicodeEncodeError:
            return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def not_found(what: str, hint: str = "") -> Problem:
    """Something that is not there, or that this person may not know of."""
    return Problem(404, "not_found", what, hint)


def forbidden(message: str, hint: str = "") -> Problem:
    """Something that this person may not do."""
    return Problem(403, "forbidden", message, hint)
