"""Types of expressions: what is related to what, what two branches have in common, in words.

Two kinds are of expressions alone: ``null`` and ``duration``. What keeps the type of a value gets
that of ``public``; a duration cannot be kept at all (``duration_in``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from leafmesh_nb.language.decimals import MONEY_PLACES
from leafmesh_nb.language.nodes import Scalar
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    Type,
)

__all__ = [
    "ANY",
    "BOOLEAN",
    "DATETIME",
    "DURATION",
    "INTEGER",
    "MONEY",
    "NULL",
    "NUMBER",
    "STRING",
    "Type",
    "common",
    "duration_in",
    "family",
    "in_words",
    "is_null",
    "is_whole",
    "of_constant",
    "present",
    "public",
    "rounded",
    "unbounded",
]

NULL = Type(cast(Any, "null"), nullable=True)
DURATION = Type(cast(Any, "duration"))
DATETIME = Type("datetime")

_RANK = {"integer": 0, "number": 1, "money": 2}
_FAMILIES = {
    "integer": "number",
    "money": "number",
    "enum": "string",
    "object": "map",
}
_WORDS = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "money": "money",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a time",
    "duration": "a duration",
    "list": "a list",
    "map": "a map",
    "object": "a map",
    "any": "anything",
    "null": "null",
}


def family(kind: Type) -> str:
    """``number`` for integer, number and money, ``string`` for enums, ``map`` for objects."""
    return _FAMILIES.get(kind.kind, kind.kind)


def is_null(kind: Type) -> bool:
    """Whether it is the type of null alone."""
    return family(kind) == "null"


def in_words(kind: Type) -> str:
    """A type for a message."""
    if kind.kind == "enum":
        if len(kind.values) == 1:
            return f'the text "{kind.values[0]}"'
        listed = ", ".join(kind.values[:6]) + (", …" if len(kind.values) > 6 else "")
        return f"one of {listed}"
    return _WORDS[kind.kind]


def present(kind: Type) -> Type:
    """The type without null."""
    if is_null(kind):
        return ANY
    return replace(kind, nullable=False) if kind.nullable else kind


def rounded(kind: Type) -> Type:
    """What ``round(x, 2)`` gives: a number or money whose places are known to be few."""
    return replace(unbounded(kind), fraction=False)


def is_whole(kind: Type) -> bool:
    """Whether all its values are integers."""
    if kind.kind == "integer":
        return True
    low = kind.minimum
    return low is not None and low == kind.maximum and low == low.to_integral_value()


def unbounded(kind: Type) -> Type:
    """The type without minimum, maximum and schema: what arithmetic makes of it."""
    if kind.minimum is None and kind.maximum is None and kind.schema is None:
        return kind
    return replace(kind, minimum=None, maximum=None, schema=None)


def of_constant(value: Scalar) -> Type:
    """The narrowest type of a constant: a text is an enum of itself, a number its own bounds."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return Type("integer", minimum=Decimal(value), maximum=Decimal(value))
    if isinstance(value, Decimal):
        fraction = int(value.as_tuple().exponent) < -MONEY_PLACES
        return Type("number", minimum=value, maximum=value, fraction=fraction)
    return Type("enum", values=(value,))


def common(left: Type, right: Type) -> Type:
    """The narrowest type known to hold the values of both."""
    if left == right:
        return left
    if left.kind == "any" or right.kind == "any":
        return ANY
    if is_null(left) or is_null(right):
        return (right if is_null(left) else left).or_null()
    both = _common_present(present(left), present(right))
    return both.or_null() if left.nullable or right.nullable else both


def _common_present(left: Type, right: Type) -> Type:
    if family(left) != family(right):
        return ANY
    if left.kind in _RANK:
        kind = max(left.kind, right.kind, key=lambda k: _RANK[k])
        return Type(
            kind,
            minimum=_lesser(left.minimum, right.minimum),
            maximum=_greater(left.maximum, right.maximum),
            fraction=left.fraction or right.fraction,
        )
    if left.kind == "enum" and right.kind == "enum":
        return Type("enum", values=tuple(dict.fromkeys(left.values + right.values)))
    if family(left) == "string":
        return STRING
    if left.kind == "list":
        return Type("list", items=_common_items(left.items, right.items))
    if left.kind == "object" and right.kind == "object":
        names = dict.fromkeys(left.names() + right.names())
        fields = tuple((n, _common_field(left, right, n)) for n in names)
        return Type("object", fields=fields, open=left.open or right.open)
    if family(left) == "map":
        return Type("map", items=_common_items(_items(left), _items(right)))
    return replace(left, schema=None)


def _common_field(left: Type, right: Type, name: str) -> Type:
    a, b = left.field(name), right.field(name)
    if (a is None and left.open) or (b is None and right.open):
        return ANY
    if a is None or b is None:
        return (a or b or ANY).or_null()
    return common(a, b)


def _common_items(left: Type | None, right: Type | None) -> Type | None:
    if left is None or right is None:
        return left or right
    return common(left, right)


def _items(kind: Type) -> Type | None:
    """The element type of a map, or what an object's fields have in common."""
    if kind.kind == "map":
        return kind.items
    if kind.open:
        return ANY
    items: Type | None = None
    for _, field in kind.fields:
        items = _common_items(items, field)
    return items


def _lesser(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else min(a, b)


def _greater(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else max(a, b)


def public(kind: Type) -> Type:
    """The type as the rest of the language knows it: divided, money is a number like any other."""
    if family(kind) in ("null", "duration"):
        return Type("any", nullable=kind.nullable)
    if kind.fraction and kind.kind == "money":
        return replace(kind, kind="number")
    items = kind.items and public(kind.items)
    fields = tuple((name, public(field)) for name, field in kind.fields)
    if items == kind.items and fields == kind.fields:
        return kind
    return replace(kind, items=items, fields=fields)


def duration_in(kind: Type) -> str | None:
    """Where a value holds a duration (``lines[].late``; empty for the whole), or None."""
    found = next(_durations(kind), None)
    return found and found.removeprefix(".")


def _durations(kind: Type) -> Iterator[str]:
    if family(kind) == "duration":
        yield ""
    if kind.items is not None:
        inside = "[]" if kind.kind == "list" else ".*"
        yield from (inside + path for path in _durations(kind.items))
    for name, field in kind.fields:
        yield from (f".{name}{path}" for path in _durations(field))
