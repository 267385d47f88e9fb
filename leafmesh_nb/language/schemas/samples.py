"""A few values that fit a schema, near its edges: to look for one that another schema refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from leafmesh_nb.language.schemas.document import NOTHING, canonical, exact

__all__ = ["samples"]

Document = Mapping[str, Any]

_MOST = 60
_EACH = 6
_DEEPEST = 6
_MOST_STEPS = 500
_PLAIN: tuple[Any, ...] = (None, "", "a", 0, 1, 0.5, True, False, [], {})
_FORMATTED = {"date": "2025-01-31", "date-time": "2025-01-31T12:30:00Z", "money": "1.50"}


def samples(document: Document) -> list[Any]:
    """Values that a linked schema may accept, each once, no more than 60; to be checked."""
    found: dict[str, Any] = {}
    for value in islice(_Sampler().values((document,), 0), 4 * _MOST):
        found.setdefault(canonical(value), value)
        if len(found) == _MOST:
            break
    return list(found.values())


class _Sampler:
    """Looks for values in a bounded number of steps, for unions of unions have many."""

    def __init__(self) -> None:
        self._steps = 0

    def values(self, docs: tuple[Document, ...], depth: int) -> Iterator[Any]:
        """Candidates for values of several schemas at once."""
        self._steps += 1
        if depth > _DEEPEST or self._steps > _MOST_STEPS:
            return
        docs = _flat(docs)
        for doc in docs:
            if "const" in doc:
                yield doc["const"]
                return
            if "enum" in doc:
                yield from doc["enum"]
                return
        for doc in docs:
            for keyword in ("anyOf", "oneOf"):
                if keyword in doc:
                    others = tuple(_without(d, keyword) if d is doc else d for d in docs)
                    yield from _in_turn([self.values((*others, f), depth) for f in doc[keyword]])
                    return
        kinds = _kinds(docs)
        if kinds is None:
            yield from _PLAIN
            kinds = ["object", "array", "string", "number"]
        yield from _in_turn([self._of_kind(kind, docs, depth) for kind in kinds])

    def _of_kind(self, kind: str, docs: tuple[Document, ...], depth: int) -> Iterator[Any]:
        match kind:
            case "null":
                yield None
            case "boolean":
                yield True
                yield False
            case "integer" | "number":
                yield from _numbers(kind, docs)
            case "string":
                yield from _texts(docs)
            case "array":
                yield from self._lists(docs, depth)
            case "object":
                yield from self._maps(docs, depth)

    def _few(self, docs: tuple[Document, ...], depth: int) -> list[Any]:
        return list(islice(self.values(docs, depth), _EACH))

    def _lists(self, docs: tuple[Document, ...], depth: int) -> Iterator[list[Any]]:
        least = max((doc["minItems"] for doc in docs if "minItems" in doc), default=0)
        first = max((len(doc.get("prefixItems", ())) for doc in docs), default=0)
        if least > 20:
            return
        for size in dict.fromkeys((max(least, first, 1), least, first)):
            each = [self._few(_item(docs, i), depth + 1) for i in range(size)]
            if not size:
                yield []
            elif all(each):
                for turn in range(_EACH * size):
                    yield [
                        options[(turn // (i + 1)) % len(options)] for i, options in enumerate(each)
                    ]

    def _maps(self, docs: tuple[Document, ...], depth: int) -> Iterator[dict[str, Any]]:
        needed = {name for doc in docs for name in doc.get("required", ())}
        named = {name: None for doc in docs for name in doc.get("properties", {})}
        each: dict[str, list[Any]] = {}
        for name in [*named, *sorted(needed - named.keys()), "other"]:
            each[name] = self._few(_field(docs, name), depth + 1)
            if not each[name] and name in needed:
                return
        full = {name: values[0] for name, values in each.items() if values and name != "other"}
        least = {name: value for name, value in full.items() if name in needed}
        yield least
        yield full
        for name, values in each.items():
            for value in values:
                yield {**least, name: value}
            if name in full and name not in needed:
                yield {key: value for key, value in full.items() if key != name}


def _flat(docs: tuple[Document, ...]) -> tuple[Document, ...]:
    found: list[Document] = []
    waiting = list(docs)
    while waiting and len(found) < 50:
        doc = waiting.pop(0)
        found.append(doc)
        if "$ref" in doc:
            waiting.append(doc["$ref"])
        waiting.extend(doc.get("allOf", ()))
    return tuple(found)


def _without(doc: Document, keyword: str) -> Document:
    return {key: value for key, value in doc.items() if key not in (keyword, "$ref", "allOf")}


def _in_turn(each: list[Iterator[Any]]) -> Iterator[Any]:
    while each:
        for values in list(each):
            try:
                yield next(values)
            except StopIteration:
                each.remove(values)


def _kinds(docs: tuple[Document, ...]) -> list[str] | None:
    kinds: list[str] | None = None
    for doc in docs:
        if "type" in doc:
            said = doc["type"] if isinstance(doc["type"], list) else [doc["type"]]
            if kinds is None:
                kinds = list(said)
            else:
                numeric = "integer" if "number" in kinds and "integer" in said else ""
                kinds = [k for k in kinds if k in said or (k == "integer" and "number" in said)]
                kinds += [numeric] if numeric else []
    return kinds


def _numbers(kind: str, docs: tuple[Document, ...]) -> Iterator[Any]:
    said = [doc[key] for doc in docs for key in ("minimum", "maximum") if key in doc]
    steps = [exact(doc["multipleOf"]) for doc in docs if "multipleOf" in doc]
    yield from (exact(bound) for bound in said)
    edges = [doc[k] for doc in docs for k in ("exclusiveMinimum", "exclusiveMaximum") if k in doc]
    yield from (exact(edge) + shift for edge in edges for shift in (1, -1))
    yield from (step * count for step in steps for count in (1, 0, -1, 3))
    if kind == "number":
        yield from (exact(bound) + exact(0.5) for bound in said)
        yield 0.5
    yield from (1, 0, -1, 7)


def _texts(docs: tuple[Document, ...]) -> Iterator[str]:
    formats = [doc["format"] for doc in docs if "format" in doc]
    yield from (_FORMATTED[name] for name in formats)
    least = max((doc["minLength"] for doc in docs if "minLength" in doc), default=1)
    most = min((doc["maxLength"] for doc in docs if "maxLength" in doc), default=1000)
    for size in dict.fromkeys((min(least, 1000), min(most, 1000))):
        yield from (letter * size for letter in ("a", "A", "0"))


def _item(docs: tuple[Document, ...], index: int) -> tuple[Document, ...]:
    found = []
    for doc in docs:
        first = doc.get("prefixItems", ())
        if index < len(first):
            found.append(first[index])
        elif "items" in doc:
            found.append(doc["items"])
    return tuple(found)


def _field(docs: tuple[Document, ...], name: str) -> tuple[Document, ...]:
    found = []
    for doc in docs:
        if name in doc.get("properties", {}):
            found.append(doc["properties"][name])
        elif "additionalProperties" in doc:
            found.append(doc["additionalProperties"])
    return () if not found else tuple(d if d != NOTHING else {"enum": []} for d in found)
