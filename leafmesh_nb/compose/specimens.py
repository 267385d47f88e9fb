"""Values made up for their types, where there is nothing real to look at."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.language import TypeMismatch, accept, json_schema
from leafmesh_nb.language.schemas.document import Schema, canonical, linked
from leafmesh_nb.language.schemas.samples import samples
from leafmesh_nb.language.types import ANY, Type

__all__ = ["specimen"]


def specimen(kind: Type, text: str | None) -> Any:
    """A value of a type in JSON form, as small as can be, or with ``text`` for every text."""
    if text is None and kind.nullable:
        return None
    if kind.schema is not None:
        return _fitting(kind, text)
    match kind.kind:
        case "string" | "any":
            return text or ""
        case "enum":
            return (min if text is None else max)(kind.values, key=len)
        case "boolean":
            return False
        case "integer":
            return math.ceil(_within(kind))
        case "number":
            return float(_within(kind))
        case "money":
            return f"{_within(kind):f}"
        case "date":
            return date(2026, 1, 1).isoformat()
        case "datetime":
            return datetime(2026, 1, 1, 12, tzinfo=UTC).isoformat()
        case "list":
            return [] if text is None else [specimen(kind.items or ANY, text)]
        case "map":
            return {} if text is None else {"key": specimen(kind.items or ANY, text)}
        case "object":
            return {name: specimen(inner, text) for name, inner in kind.fields}


def _fitting(kind: Type, text: str | None) -> Any:
    """A value that a JSON Schema takes; where none is found, one that its type would take."""
    usual = specimen(replace(kind, schema=None, nullable=False), text)
    tried = [usual, *samples(linked(Schema.of(json_schema(kind))))]
    found = [value for value in tried if _taken(kind, value)]
    if not found or (text is not None and found[0] is usual):
        return usual
    return (min if text is None else max)(found, key=lambda value: len(canonical(value)))


def _taken(kind: Type, value: Any) -> bool:
    try:
        accept(kind, value)
    except TypeMismatch:
        return False
    return True


def _within(kind: Type) -> Decimal:
    """The number nearest to zero that a type's bounds allow."""
    value = max(Decimal(0), kind.minimum or Decimal(0))
    return value if kind.maximum is None else min(value, kind.maximum)
