"""Types of values: the shorthand of the mesh language as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from leafmesh_nb.language.schemas.document import Schema

__all__ = [
    "ANY",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "INTEGER",
    "MONEY",
    "NO_FIELDS",
    "NUMBER",
    "STRING",
    "Type",
    "describe",
    "object_of",
]

Kind = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "money",
    "date",
    "datetime",
    "any",
    "enum",
    "list",
    "map",
    "object",
]


@dataclass(frozen=True, slots=True)
class Type:
    """A type. ``nullable`` is ``T or null``.

    ``values`` belongs to ``enum``, ``items`` to ``list`` and ``map`` (the element), ``fields`` to
    ``object`` (a nullable field may be missing; ``open`` says that there may be others, of any
    type), ``minimum`` and ``maximum`` to numbers and money.

    ``fraction`` is what the expression checker says of a number that was divided, or multiplied by
    a fraction: it may have more places than money holds.

    ``schema`` is what ``{schema: …}`` says beyond that: the values are those of the JSON Schema,
    and the rest describes them as well as the shorthand can, never too narrowly. Within it what is
    missing stays missing.
    """

    kind: Kind
    nullable: bool = False
    values: tuple[str, ...] = ()
    items: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    open: bool = False
    schema: Schema | None = None
    fraction: bool = False

    def or_null(self) -> Type:
        """This type, or null."""
        if self.nullable or (self.kind == "any" and self.schema is None):
            return self
        return replace(self, nullable=True)

    @property
    def anything(self) -> bool:
        """Whether it is ``any``: every value, null too, is of this type."""
        return self.kind == "any" and self.schema is None

    def field(self, name: str) -> Type | None:
        """The type of an object's field, or None."""
        return next((t for n, t in self.fields if n == name), None)

    def names(self) -> tuple[str, ...]:
        """An object's field names, in order."""
        return tuple(n for n, _ in self.fields)


def object_of(fields: Mapping[str, Type]) -> Type:
    """A closed object."""
    return Type("object", fields=tuple(fields.items()))


STRING = Type("string")
INTEGER = Type("integer")
NUMBER = Type("number")
BOOLEAN = Type("boolean")
MONEY = Type("money")
DATE = Type("date")
DATETIME = Type("datetime")
ANY = Type("any")
NO_FIELDS = Type("object")

Value = Any
"""A value in Python: str, int, float or Decimal (number), bool, Decimal (money), date, datetime,
None, list, dict with text keys."""


def describe(type: Type) -> str:
    """A type in the shorthand, for messages: ``…`` says that there is more."""
    if type.schema is not None:
        text = f"{{schema: {_cut(type.schema.text, 60)}}}"
    elif type.kind == "enum":
        text = f"{{enum: [{', '.join(type.values)}]}}"
    elif type.kind in ("list", "map"):
        text = f"{{{type.kind}: {describe(type.items or ANY)}}}"
    elif type.kind == "object":
        fields = [f"{name}: {describe(inner)}" for name, inner in type.fields]
        text = f"{{object: {{{', '.join([*fields, '…'] if type.open else fields)}}}}}"
    elif type.minimum is not None or type.maximum is not None:
        name = f"{type.kind} or null" if type.nullable else type.kind
        bounds = (("min", type.minimum), ("max", type.maximum))
        written = "".join(f", {key}: {bound:f}" for key, bound in bounds if bound is not None)
        return f"{{type: {name}{written}}}"
    else:
        text = type.kind
    return f"{text} or null" if type.nullable and text != "null" else text


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
