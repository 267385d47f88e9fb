"""``/openapi.json``: the API as OpenAPI 3.1, made of the operations that are routed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leafmesh_nb.deploy.api_schemas import SCHEMAS, ref
from leafmesh_nb.deploy.operations import JSON, Operation

__all__ = ["document"]

PROBLEMS = {
    400: "The request cannot be read",
    401: "No token, or one that does not hold",
    403: "Not for you, or sent by another site",
    404: "There is no such thing, or not for you",
    408: "The body did not arrive in time",
    409: "Too late, or in conflict with what was said before",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "What was said does not fit",
    503: "The journal cannot be used, or the service is stopping",
}
BODY = (400, 408, 413, 415, 422)
"""What anything that takes a body may answer."""


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "leafmesh_nb service",
            "version": version,
            "description": "Start runs, follow them, and answer their questions.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    problems = set(operation.problems)
    if not operation.open:
        problems |= {401, 503}
    if operation.body is not None:
        problems |= {*BODY, 403}
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": operation.endpoint.__name__.strip("_"),
        "parameters": [
            {
                "name": p.name,
                "in": p.place,
                "required": p.place == "path",
                "description": p.description,
                "schema": dict(p.schema),
            }
            for p in operation.parameters
        ],
        "responses": {
            **{
                str(status): {"description": said, "content": {kind: {"schema": dict(schema)}}}
                if kind
                else {"description": said}
                for status, (said, kind, schema) in operation.answers.items()
            },
            **{
                str(status): {
                    "description": PROBLEMS[status],
                    "content": {JSON: {"schema": ref("Problem")}},
                }
                for status in sorted(problems)
                if status not in operation.answers
            },
        },
    }
    if operation.body is not None:
        content = {JSON: {"schema": dict(operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    if operation.open:
        described["security"] = []
    return described
