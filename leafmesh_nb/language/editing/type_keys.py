"""The words of a type: names, and the keys of its composed forms."""

from __future__ import annotations

from leafmesh_nb.language.blocks import Block
from leafmesh_nb.language.editing.reference import (
    Data,
    Fields,
    Key,
    ListOf,
    Number,
    Section,
    Text,
    TypeOf,
)

__all__ = ["BOUNDED", "SECTIONS", "TYPE_NAMES"]

TYPE_NAMES = {
    "string": "Text.",
    "integer": "A whole number.",
    "number": "A number, exact in decimal; an integer is one too.",
    "boolean": "`true` or `false`.",
    "money": "An amount in the mesh's `currency`: plain decimal text, at most 12 places; a "
    "Decimal in Python.",
    "date": "A day, such as `2026-03-01`.",
    "datetime": "A moment with its zone, such as `2026-03-01T12:00:00Z`.",
    "any": "Anything.",
}

BOUNDED = ("integer", "number", "money")

_FORMS = {
    "enum": Key("One of these texts.", ListOf(Text()), example="{enum: [refund, bug, question]}"),
    "list": Key("A list of values of this type.", TypeOf(), example="{list: string}"),
    "map": Key("A map of texts to values of this type.", TypeOf(), example="{map: money}"),
    "object": Key(
        "A map with these fields and no others.",
        Fields(),
        example="{object: {name: string, amount: money or null}}",
    ),
    "type": Key("A type with bounds.", TypeOf(), example="{type: number, min: 0, max: 1}"),
    "min": Key("The least value.", Number(), example="{type: number, min: 0, max: 1}"),
    "max": Key("The greatest value.", Number(), example="{type: number, min: 0, max: 1}"),
    "schema": Key("Any JSON Schema (2020-12).", Data("any"), example="{schema: {type: string}}"),
}

_TYPE = Section(
    Block(
        "a type",
        optional=("enum", "list", "map", "object", "type", "min", "max", "schema"),
    ),
    "A type: a name (string, integer, number, boolean, money, date, datetime, any), `T or null`, "
    'or one of these forms, quoted before `or null`, as in `"{list: string} or null"`.',
    _FORMS,
)

SECTIONS = {"type": _TYPE}
