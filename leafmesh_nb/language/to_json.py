"""Values as JSON: what the journal stores and models are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from leafmesh_nb.language.decimals import in_json, plain_decimal
from leafmesh_nb.language.mismatch import TypeMismatch, mismatch
from leafmesh_nb.language.types import ANY, Type, Value
from leafmesh_nb.language.values import MAX_DEPTH

__all__ = ["JSON", "dump", "dump_any"]

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


def dump(type: Type, value: Value) -> JSON:
    """A value of ``type`` as JSON: money as plain decimal text, dates as ISO text, a Decimal that
    is a number as a JSON number. Raises TypeMismatch for what is no value of a mesh."""
    return _dump(type, value, type.schema is not None)


def _dump(type: Type, value: Value, sparse: bool) -> JSON:
    """``sparse`` within a JSON Schema: what is missing there stays missing."""
    if value is None:
        return None
    sparse = sparse or type.schema is not None
    if type.kind == "money" and isinstance(value, Decimal | int) and not isinstance(value, bool):
        return plain_decimal(Decimal(value))
    if type.kind in ("number", "integer") and isinstance(value, Decimal):
        return in_json(value)
    if type.kind == "list" and isinstance(value, list | tuple):
        return [_dump(type.items or ANY, item, sparse) for item in value]
    if type.kind == "map" and isinstance(value, Mapping):
        return {key: _dump(type.items or ANY, item, sparse) for key, item in value.items()}
    if type.kind == "object" and isinstance(value, Mapping):
        known = dict(type.fields)
        names = known if not sparse else [name for name in known if name in value]
        found = {name: _dump(known[name], value.get(name), sparse) for name in names}
        others = [name for name in value if name not in known] if type.open else ()
        return {**found, **{str(name): dump_any(value[name]) for name in others}}
    return dump_any(value)


def dump_any(value: Value, depth: int = 0) -> JSON:
    """A value as JSON where no type is known: a Decimal becomes plain decimal text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeMismatch("is not a finite number")
        return plain_decimal(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeMismatch("is not a finite number")
        return value
    if isinstance(value, date):
        return _iso(value)
    if depth > MAX_DEPTH:
        raise TypeMismatch(f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, list | tuple):
        return [dump_any(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): dump_any(item, depth + 1) for key, item in value.items()}
    raise mismatch("a value that JSON can hold", value)


def _iso(value: date) -> str:
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
