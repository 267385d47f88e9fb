"""The one JSON Schema of each type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language import Type, json_schema
from leafmesh_nb.language.types import ANY, INTEGER, MONEY, STRING, object_of


@pytest.mark.parametrize(
    ("type", "schema"),
    [
        (STRING, {"type": "string"}),
        (INTEGER, {"type": "integer"}),
        (Type("number"), {"type": "number"}),
        (Type("boolean"), {"type": "boolean"}),
        (MONEY, {"type": "string", "format": "money"}),
        (Type("date"), {"type": "string", "format": "date"}),
        (Type("datetime"), {"type": "string", "format": "date-time"}),
        (Type("enum", values=("a", "b")), {"type": "string", "enum": ["a", "b"]}),
        (Type("list", items=STRING), {"type": "array", "items": {"type": "string"}}),
        (Type("map", items=MONEY), {
            "type": "object", "additionalProperties": {"type": "string", "format": "money"},
        }),
        (ANY, {}),
        (MONEY.or_null(), {"anyOf": [{"type": "string", "format": "money"}, {"type": "null"}]}),
        (
            Type("number", minimum=Decimal(0), maximum=Decimal("0.5")),
            {"type": "number", "minimum": 0, "maximum": 0.5},
        ),
        (object_of({"a": STRING, "b": STRING.or_null(), "c": ANY}), {
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "c": {},
            },
            "required": ["a", "c"],
            "additionalProperties": False,
        }),
    ],
)  # fmt: skip
def test_schema(type: Type, schema: dict[str, Any]) -> None:
    assert json_schema(type) == schema
