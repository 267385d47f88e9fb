"""The JSON Schema (2020-12) of a type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from leafmesh_nb.language.types import ANY, Type

__all__ = ["json_schema"]


def json_schema(type: Type) -> dict[str, Any]:
    """The one JSON Schema of a type. ``money`` is text with ``"format": "money"``."""
    schema = _schema(type)
    if type.nullable and type.kind != "any":
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _schema(type: Type) -> dict[str, Any]:
    schema: dict[str, Any]
    match type.kind:
        case "any":
            return {}
        case "money":
            schema = {"type": "string", "format": "money"}
        case "date":
            return {"type": "string", "format": "date"}
        case "datetime":
            return {"type": "string", "format": "date-time"}
        case "enum":
            return {"type": "string", "enum": list(type.values)}
        case "list":
            return {"type": "array", "items": json_schema(type.items or ANY)}
        case "map":
            return {"type": "object", "additionalProperties": json_schema(type.items or ANY)}
        case "object":
            return {
                "type": "object",
                "properties": {name: json_schema(inner) for name, inner in type.fields},
                "required": [name for name, inner in type.fields if not inner.nullable],
                "additionalProperties": False,
            }
        case _:
            schema = {"type": type.kind}
    if type.minimum is not None:
        schema["minimum"] = _number(type.minimum)
    if type.maximum is not None:
        schema["maximum"] = _number(type.maximum)
    return schema


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
