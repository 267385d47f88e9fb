"""Which fields or items of a value some schema has looked at, for ``unevaluated…``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from leafmesh_nb.language.schemas.patterns import search

__all__ = ["Evaluated"]

Part = str | int
Look = Callable[[Any, Any], Any]


class Evaluated:
    """``check`` compiles a schema; what it gives is None for a value that fits."""

    def __init__(self, check: Callable[[Mapping[str, Any]], Look]) -> None:
        self._check = check

    def of(self, document: Mapping[str, Any], value: Any, memo: Any) -> set[Part]:
        """The names or indexes in ``value`` that a schema, which it fits, has evaluated."""
        if isinstance(value, dict):
            found = self._fields(document, value)
        else:
            found = self._items(document, value, memo)
        for inner in self._applied(document, value, memo):
            found |= self.of(inner, value, memo)
            if isinstance(value, dict) and "unevaluatedProperties" in inner:
                found |= set(value)
            elif isinstance(value, list) and "unevaluatedItems" in inner:
                found |= set(range(len(value)))
        return found

    def _fields(self, document: Mapping[str, Any], value: Mapping[str, Any]) -> set[Part]:
        if "additionalProperties" in document:
            return set(value)
        found: set[Part] = set(document.get("properties", {}).keys() & value.keys())
        for pattern in document.get("patternProperties", {}):
            found |= {name for name in value if search(pattern, name)}
        return found

    def _items(self, document: Mapping[str, Any], value: list[Any], memo: Any) -> set[Part]:
        if "items" in document:
            return set(range(len(value)))
        found: set[Part] = set(range(min(len(value), len(document.get("prefixItems", ())))))
        if "contains" in document:
            look = self._check(document["contains"])
            found |= {i for i, item in enumerate(value) if look(item, memo) is None}
        return found

    def _applied(self, document: Mapping[str, Any], value: Any, memo: Any) -> list[Any]:
        """The schemas in place that the value fits."""
        inner = [document["$ref"]] if "$ref" in document else []
        for keyword in ("allOf", "anyOf", "oneOf"):
            inner += document.get(keyword, ())
        if isinstance(value, dict):
            inner += [s for n, s in document.get("dependentSchemas", {}).items() if n in value]
        if "if" in document:
            holds = self._check(document["if"])(value, memo) is None
            inner += [document["if"]] if holds else []
            branch = "then" if holds else "else"
            inner += [document[branch]] if branch in document else []
        return [schema for schema in inner if self._check(schema)(value, memo) is None]
