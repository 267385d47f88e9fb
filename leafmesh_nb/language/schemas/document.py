"""A JSON Schema as an immutable value, and JSON in one form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from leafmesh_nb.language.schemas.keywords import subschemas

__all__ = ["NOTHING", "Schema", "canonical", "embedded", "exact", "linked", "reachable"]

NOTHING: Mapping[str, Any] = {"not": {}}
"""The schema that no value fits, as ``false`` is written here."""

_DEFS = "#/$defs/"


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema that has been read: ``text`` is JSON without annotations, its keywords sorted.

    ``true`` is ``{}`` and ``false`` is ``{"not": {}}``; every ``$ref`` is ``#/$defs/NAME``.
    Properties keep their order.
    """

    text: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Schema:
        """The schema of a document that ``read_schema`` gave."""
        return cls(canonical(document, ordered=False))

    def to_json(self) -> dict[str, Any]:
        """A copy as plain JSON, its numbers int and float."""
        found: dict[str, Any] = json.loads(self.text)
        return found


def exact(value: Any) -> int | Decimal:
    """A JSON number as it reads: a float by its shortest text, an integral one as int."""
    if isinstance(value, int):
        return value
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return int(number) if number == number.to_integral_value() else number


def canonical(value: Any, ordered: bool = True) -> str:
    """JSON in one form: equal values of JSON Schema (``1`` and ``1.0``) give equal texts.

    Maps are ordered by their keys, or stay as they are.
    """
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float | Decimal):
        number = exact(value)
        return str(number) if isinstance(number, int) else format(number.normalize(), "f")
    if isinstance(value, Mapping):
        entries = (
            f"{json.dumps(key, ensure_ascii=False)}:{canonical(value[key], ordered)}"
            for key in (sorted(value) if ordered else value)
        )
        return "{" + ",".join(entries) + "}"
    return "[" + ",".join(canonical(item, ordered) for item in value) + "]"


def reachable(document: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``defs`` that a document leads to."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [document]
    while waiting:
        schema = waiting.pop()
        name = str(schema.get("$ref", "")).removeprefix(_DEFS)
        if name and name not in found:
            found[name] = defs[name]
            waiting.append(defs[name])
        waiting.extend(inner for _, inner in subschemas(schema))
    return dict(sorted(found.items()))


def embedded(schema: Schema, defs: dict[str, Any]) -> dict[str, Any]:
    """The schema as a part of a larger document, whose ``defs`` take its own under free names."""
    document = schema.to_json()
    own = document.pop("$defs", {})
    if any(name in defs and defs[name] != inner for name, inner in own.items()):
        count = 2
        while any(f"{name}_{count}" in defs for name in own):
            count += 1
        names = {name: f"{name}_{count}" for name in own}
        for part in (document, *own.values()):
            _rename(part, names)
        own = {names[name]: inner for name, inner in own.items()}
    defs.update(own)
    return document


def _rename(document: dict[str, Any], names: Mapping[str, str]) -> None:
    waiting = [document]
    while waiting:
        schema = waiting.pop()
        name = str(schema.get("$ref", "")).removeprefix(_DEFS)
        if name in names:
            schema["$ref"] = _DEFS + names[name]
        waiting.extend(inner for _, inner in subschemas(schema))


@lru_cache(maxsize=1024)
def linked(schema: Schema) -> Mapping[str, Any]:
    """The document with every ``$ref`` replaced by what it leads to: a graph, not to be changed.

    Its numbers are int and Decimal.
    """
    document: dict[str, Any] = json.loads(schema.text, parse_float=Decimal)
    defs = document.get("$defs", {})
    waiting = [document]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        waiting.extend(inner for _, inner in subschemas(part))
        if "$ref" in part:
            part["$ref"] = defs[part["$ref"].removeprefix(_DEFS)]
    return document
