"""An operation of the API: what is routed and what is documented are one thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.routing import Route

__all__ = ["Operation", "Parameter"]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a path, a query or a header."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    ``answers`` maps a status to ``(description, media type, schema)``; the problems that every
    operation may answer with need not be named. ``open`` needs no token.
    """

    method: Literal["GET", "POST"]
    path: str
    endpoint: Callable[..., Any]
    summary: str
    answers: Mapping[int, tuple[str, str, Mapping[str, Any]]]
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, Any] | None = None
    open: bool = False

    def route(self) -> Route:
        """The way to it."""
        return Route(self.path, self.endpoint, methods=[self.method])
