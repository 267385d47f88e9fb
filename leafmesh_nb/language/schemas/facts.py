"""What is known of every value that fits several schemas at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from leafmesh_nb.language.schemas.document import NOTHING, exact
from leafmesh_nb.language.schemas.keywords import ASSERTED_FORMATS
from leafmesh_nb.language.schemas.patterns import search

__all__ = ["Document", "Facts", "Given"]

Document = Mapping[str, Any]
Given = tuple[Document, ...]

_ALL = frozenset({"null", "boolean", "number", "string", "array", "object"})
_MOST_VALUES = 1000
_SURE_DEPTH = 8


class Facts:
    """The values that fit all of ``given``, as far as its keywords tell.

    ``docs`` are the schemas with those of ``allOf`` and ``$ref`` among them; ``unions`` the lists
    of forms of ``anyOf`` and ``oneOf`` that are still to be told apart (``spent`` are not).
    ``fits`` says whether a value fits a schema.
    """

    def __init__(
        self, given: Given, spent: frozenset[int], fits: Callable[[Document, Any], bool]
    ) -> None:
        self._fits = fits
        self.docs: list[Document] = []
        self.unions: list[list[Document]] = []
        self._said: dict[str, list[Any]] = {}
        seen: set[int] = set()
        waiting = list(given)
        while waiting:
            doc = waiting.pop(0)
            if id(doc) in seen:
                continue
            seen.add(id(doc))
            self.docs.append(doc)
            for keyword, value in doc.items():
                self._said.setdefault(keyword, []).append(value)
            if "$ref" in doc:
                waiting.append(doc["$ref"])
            waiting.extend(doc.get("allOf", ()))
            for keyword in ("anyOf", "oneOf"):
                if keyword in doc and id(doc[keyword]) not in spent:
                    self.unions.append(doc[keyword])

    def said(self, keyword: str) -> list[Any]:
        """What the schemas say under a keyword."""
        return self._said.get(keyword, [])

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that a value may have; ``integer`` is ``number``."""
        types = _ALL
        for said in self.said("type"):
            names = said if isinstance(said, list) else [said]
            types &= {"number" if name == "integer" else name for name in names}
        if {} in self.said("not"):
            return frozenset()
        if self._values is not None:
            kinds = {canonical_type(value) for value in self._values}
            types &= kinds
        return types

    @cached_property
    def whole(self) -> bool:
        """Whether a number must be whole."""
        return any(
            "number" not in said and "integer" in said
            for said in (s if isinstance(s, list) else [s] for s in self.said("type"))
        )

    @cached_property
    def _values(self) -> list[Any] | None:
        if "enum" not in self._said and "const" not in self._said:
            return None
        lists: list[list[Any]] = [*self.said("enum"), *([value] for value in self.said("const"))]
        shortest = min(lists, key=len)
        if len(self.docs) == 1 and self.docs[0].keys() in ({"const"}, {"enum"}):
            return shortest
        return [v for v in shortest if all(self._fits(doc, v) for doc in self.docs)]

    @cached_property
    def values(self) -> list[Any] | None:
        """Every value that there is, where they can be counted."""
        if self._values is not None:
            return self._values if len(self._values) <= _MOST_VALUES else None
        if self.types <= {"null", "boolean"}:
            both: list[Any] = [None] if "null" in self.types else []
            both += [False, True] if "boolean" in self.types else []
            return [v for v in both if all(self._fits(doc, v) for doc in self.docs)]
        return None

    # -- sizes

    def least(self, keyword: str) -> Any:
        """The largest of the lower bounds under a keyword, or None."""
        return max(map(exact, self.said(keyword)), default=None)

    def most(self, keyword: str) -> Any:
        """The smallest of the upper bounds under a keyword, or None."""
        return min(map(exact, self.said(keyword)), default=None)

    def low(self) -> tuple[int | Decimal, bool] | None:
        """The lower bound of numbers, and whether it is excluded."""
        bounds = [(exact(b), False) for b in self.said("minimum")]
        bounds += [(exact(b), True) for b in self.said("exclusiveMinimum")]
        return max(bounds, default=None)

    def high(self) -> tuple[int | Decimal, bool] | None:
        """The upper bound of numbers, and whether it is excluded."""
        bounds = [(exact(b), True) for b in self.said("exclusiveMaximum")]
        bounds += [(exact(b), False) for b in self.said("maximum")]
        return min(bounds, key=lambda bound: (bound[0], not bound[1]), default=None)

    @cached_property
    def formats(self) -> frozenset[str]:
        """The asserted formats of texts."""
        return frozenset(self.said("format")) & ASSERTED_FORMATS

    # -- maps

    @cached_property
    def required(self) -> frozenset[str]:
        """The fields that are there."""
        return frozenset(name for names in self.said("required") for name in names)

    @cached_property
    def names(self) -> list[str]:
        """The fields that are named somewhere, in order."""
        named = (name for fields in self.said("properties") for name in fields)
        return list(dict.fromkeys([*named, *sorted(self.required)]))

    def field(self, name: str) -> Given | None:
        """What is said of the field ``name``; None where it cannot be there."""
        found: list[Document] = []
        for doc in self.docs:
            own = doc.get("properties", {})
            mine = [own[name]] if name in own else []
            mine += [s for p, s in doc.get("patternProperties", {}).items() if search(p, name)]
            if not mine and "additionalProperties" in doc:
                mine = [doc["additionalProperties"]]
            found += mine
            if "propertyNames" in doc and not self._fits(doc["propertyNames"], name):
                return None
        return None if NOTHING in found else tuple(found)

    def others(self) -> Given | None:
        """What is said of every field that is not named; None where there is none."""
        found: list[Document] = []
        for doc in self.docs:
            if "additionalProperties" in doc and not doc.get("patternProperties"):
                found.append(doc["additionalProperties"])
        return None if NOTHING in found else tuple(found)

    # -- lists

    def item(self, index: int) -> Given:
        """What is said of one item."""
        found = []
        for doc in self.docs:
            first = doc.get("prefixItems", ())
            if index < len(first):
                found.append(first[index])
            elif "items" in doc:
                found.append(doc["items"])
        return tuple(found)

    @cached_property
    def prefix(self) -> int:
        """From this index on, all items are described alike."""
        return max((len(first) for first in self.said("prefixItems")), default=0)

    @cached_property
    def longest(self) -> int | None:
        """The items that a list has at most."""
        sizes = [*self.said("maxItems")]
        sizes += [
            len(doc.get("prefixItems", ())) for doc in self.docs if doc.get("items") == NOTHING
        ]
        return min(sizes, default=None)

    # -- nothing at all

    def empty(self, again: Callable[[Given], Facts], depth: int = 0) -> bool:
        """Whether it is certain that no value fits. ``again`` gives the facts of other schemas."""
        if not self.types or self.values == []:
            return True
        for union in self.unions:
            forms = (again((*self.docs, form)) for form in union)
            if depth < _SURE_DEPTH and all(form._apart(again, depth + 1) for form in forms):
                return True
        return self._apart(again, depth)

    def _apart(self, again: Callable[[Given], Facts], depth: int) -> bool:
        if not self.types or self.values == []:
            return True
        if self.types == {"number"}:
            low, high = self.low(), self.high()
            return low is not None and high is not None and _crossed(low, high)
        if self.types == {"string"}:
            return _above(self.least("minLength"), self.most("maxLength"))
        if self.types == {"array"}:
            return _above(self.least("minItems"), self.longest)
        if self.types == {"object"} and depth < _SURE_DEPTH:
            for name in self.required:
                said = self.field(name)
                if said is None or (said and again(said).empty(again, depth + 1)):
                    return True
        return False


def canonical_type(value: Any) -> str:
    """The type of a JSON value; an integer is a number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "object" if isinstance(value, Mapping) else "number"


def same(left: Any, right: Any) -> bool:
    """Whether two parts of schemas read alike; those that hold references do not."""
    if left is right:
        return True
    return not _refers((left, right)) and repr(left) == repr(right)


def _refers(parts: Iterable[Any]) -> bool:
    for part in parts:
        if isinstance(part, Mapping):
            if "$ref" in part or _refers(part.values()):
                return True
        elif isinstance(part, list) and _refers(part):
            return True
    return False


def _crossed(low: tuple[Any, bool], high: tuple[Any, bool]) -> bool:
    return bool(low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1])))


def _above(least: Any, most: Any) -> bool:
    return least is not None and most is not None and bool(least > most)
