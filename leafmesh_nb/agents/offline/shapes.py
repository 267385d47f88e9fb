"""The JSON Schemas that the reader can fill, and whether a value fits one.

Understood are the schemas that the mesh language's types stand for, with bounds. A schema that
says more (`pattern`, `$ref`, `oneOf`) is not guessed at: no value fits it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final

from leafmesh_nb.agents.offline.words import word_set

Schema = Mapping[str, Any]

DEEPEST: Final = 24

_NOTES: Final = word_set(
    "$schema $id $comment title description default examples deprecated readOnly writeOnly"
)
_JUDGED: Final = word_set(
    "type enum const format minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength "
    "items minItems maxItems properties required additionalProperties anyOf"
)


class Sort(Enum):
    """What a schema asks for; the values are how a message says it."""

    STRING = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "a yes or no"
    MONEY = "an amount of money"
    DATE = "a date"
    DATETIME = "a date and time"
    ENUM = "one of its values"
    LIST = "a list"
    MAP = "a map"
    OBJECT = "an object"
    ANY = "anything"
    OTHER = "a value of a schema that the offline reader does not know"


_BY_TYPE: Final = {
    "integer": Sort.INTEGER,
    "number": Sort.NUMBER,
    "boolean": Sort.BOOLEAN,
    "array": Sort.LIST,
}
_BY_FORMAT: Final = {"money": Sort.MONEY, "date": Sort.DATE, "date-time": Sort.DATETIME}


def unwrap(schema: Any) -> tuple[Schema, bool]:
    """The schema without its "or null", and whether it had one."""
    if not isinstance(schema, Mapping):
        return ({} if schema is True else {"not": {}}), False
    options = schema.get("anyOf")
    if isinstance(options, list) and len(options) == 2 and {"type": "null"} in options:
        inner = options[0] if options[1] == {"type": "null"} else options[1]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        if isinstance(inner, Mapping) and not rest.keys() & inner.keys() - _NOTES:
            return {**rest, **inner}, True
    kinds = schema.get("type")
    if isinstance(kinds, list) and len(kinds) == 2 and "null" in kinds:
        other = kinds[0] if kinds[1] == "null" else kinds[1]
        plain = {**schema, "type": other}
        if isinstance(schema.get("enum"), list):
            plain["enum"] = [value for value in schema["enum"] if value is not None]
            return plain, None in schema["enum"]
        return plain, True
    values = schema.get("enum")
    if isinstance(values, list) and None in values and len(values) > 1 and "type" not in schema:
        return {**schema, "enum": [value for value in values if value is not None]}, True
    return schema, False


def sort_of(schema: Schema) -> Sort:
    """What an unwrapped schema asks for."""
    if schema.keys() - _NOTES - _JUDGED or "anyOf" in schema:
        return Sort.OTHER
    if "const" in schema or "enum" in schema:
        return Sort.ENUM if options_of(schema) else Sort.OTHER
    kind, format_ = schema.get("type"), schema.get("format")
    if kind == "string":
        if format_ is None:
            return Sort.STRING
        return _BY_FORMAT.get(format_, Sort.OTHER) if isinstance(format_, str) else Sort.OTHER
    if kind == "object":
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping) and not schema.get("properties"):
            return Sort.MAP
        return Sort.OBJECT
    if kind is None:
        return Sort.ANY if not schema.keys() - _NOTES else Sort.OTHER
    return _BY_TYPE.get(kind, Sort.OTHER) if isinstance(kind, str) else Sort.OTHER


def options_of(schema: Schema) -> list[Any]:
    """The values of an enum or const, without those that its other keywords rule out."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list):
        return []
    return [v for v in values if isinstance(v, str | int | float) and fits(v, schema)]


def fits(value: Any, schema: Any, depth: int = 0) -> bool:
    """Whether `value` (JSON form) is valid against `schema`; False where that is not known."""
    if depth > DEEPEST:
        return False
    if not isinstance(schema, Mapping):
        return schema is True
    if schema.keys() - _NOTES - _JUDGED:
        return False
    if "anyOf" in schema:
        options = schema["anyOf"]
        if not isinstance(options, list):
            return False
        if not any(fits(value, option, depth + 1) for option in options):
            return False
    if "enum" in schema and not (
        isinstance(schema["enum"], list) and any(_same(value, v) for v in schema["enum"])
    ):
        return False
    if "const" in schema and not _same(value, schema["const"]):
        return False
    kinds = schema.get("type")
    if kinds is not None:
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(_is(value, kind) for kind in kinds):
            return False
    return _within_bounds(value, schema) and _parts_fit(value, schema, depth)


def _same(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is(value: Any, kind: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    finite = isinstance(value, float) and math.isfinite(value)
    return {
        "string": isinstance(value, str),
        "integer": whole or (finite and value == int(value)),
        "number": whole or finite,
        "boolean": isinstance(value, bool),
        "null": value is None,
        "array": isinstance(value, list),
        "object": isinstance(value, Mapping),
    }.get(kind if isinstance(kind, str) else "", False)


def _within_bounds(value: Any, schema: Schema) -> bool:
    try:
        if isinstance(value, str):
            size_ok = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)
            return size_ok and _formatted(value, schema.get("format"))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return bool(
                schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
                and schema.get("exclusiveMinimum", -math.inf) < value
                and value < schema.get("exclusiveMaximum", math.inf)
            )
        if isinstance(value, list):
            return bool(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf))
    except TypeError:  # a bound that is no number
        return False
    return True


def _formatted(value: str, format_: Any) -> bool:
    try:
        if format_ == "money":
            amount = Decimal(value)
            places = amount.as_tuple().exponent
            return amount.is_finite() and isinstance(places, int) and -12 <= places <= 0
        if format_ == "date":
            return date.fromisoformat(value).isoformat() == value
        if format_ == "date-time":
            return "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except (ValueError, InvalidOperation):
        return False
    return format_ is None


def _parts_fit(value: Any, schema: Schema, depth: int) -> bool:
    if isinstance(value, list):
        items = schema.get("items", True)
        return all(fits(item, items, depth + 1) for item in value)
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        required = schema.get("required", [])
        if not isinstance(properties, Mapping) or not isinstance(required, list):
            return False
        if any(name not in value for name in required):
            return False
        return all(fits(v, properties.get(k, more), depth + 1) for k, v in value.items())
    return True
