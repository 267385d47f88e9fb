"""The JSON Schema (2020-12) of a type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from leafmesh_nb.language.schemas.document import embedded
from leafmesh_nb.language.types import ANY, Type

__all__ = ["json_schema"]


def json_schema(type: Type) -> dict[str, Any]:
    """The one JSON Schema of a type, its references under ``$defs``.

    ``money`` is text with ``"format": "money"``; its ``minimum`` and ``maximum``, which other
    readers ignore in a text, bound the amount.
    """
    defs: dict[str, Any] = {}
    schema = _schema(type, defs)
    return {**schema, "$defs": defs} if defs else schema


def _schema(type: Type, defs: dict[str, Any]) -> dict[str, Any]:
    schema = embedded(type.schema, defs) if type.schema else _shorthand(type, defs)
    if type.nullable and not type.anything:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _shorthand(type: Type, defs: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any]
    match type.kind:
        case "any":
            return {}
        case "money" if not type.fraction:
            schema = {"type": "string", "format": "money"}
        case "date":
            return {"type": "string", "format": "date"}
        case "datetime":
            return {"type": "string", "format": "date-time"}
        case "enum":
            return {"type": "string", "enum": list(type.values)}
        case "list":
            return {"type": "array", "items": _schema(type.items or ANY, defs)}
        case "map":
            return {"type": "object", "additionalProperties": _schema(type.items or ANY, defs)}
        case "object":
            schema = {
                "type": "object",
                "properties": {name: _schema(inner, defs) for name, inner in type.fields},
                "required": [name for name, inner in type.fields if not inner.nullable],
            }
            return schema if type.open else {**schema, "additionalProperties": False}
        case _:
            schema = {"type": "number" if type.kind == "money" else type.kind}
    if type.minimum is not None:
        schema["minimum"] = _number(type.minimum)
    if type.maximum is not None:
        schema["maximum"] = _number(type.maximum)
    return schema


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
