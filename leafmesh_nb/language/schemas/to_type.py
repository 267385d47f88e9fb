"""A JSON Schema as a type: in the shorthand where that can say it, else as near as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

from leafmesh_nb.language.schemas.document import NOTHING, Schema, exact, reachable
from leafmesh_nb.language.schemas.keywords import IN_PLACE
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    Kind,
    Type,
)

__all__ = ["type_of"]

_MOST_PARTS = 2000
_MOST_LOOKS = 5000
_DEEPEST = 40
_NULL = {"type": "null"}
_FORMATS = {"date": DATE, "date-time": DATETIME, "money": MONEY}
_SCALARS = {"integer": INTEGER, "number": NUMBER, "boolean": BOOLEAN}
_BOUNDS = frozenset({"minimum", "maximum"})
_EXCLUSIVE = frozenset({"exclusiveMinimum", "exclusiveMaximum"})

Document = Mapping[str, Any]


@lru_cache(maxsize=1024)
def type_of(schema: Schema) -> Type:
    """The type of a schema. What the shorthand cannot say stays in ``Type.schema``."""
    document = schema.to_json()
    typer = _Typer(document.pop("$defs", {}))
    return typer.type(document)


class _Typer:
    def __init__(self, defs: Mapping[str, Any]) -> None:
        self._defs = defs
        self._within: set[str] = set()
        self._leads_to = {name: frozenset(reachable(defs[name], defs)) for name in defs}
        self._known: dict[tuple[str, frozenset[str]], Type] = {}
        self._lifts: dict[str | int, tuple[Document, Schema]] = {}
        self._nulls: dict[str, bool] = {}
        self._sizes: dict[int, tuple[Type, int]] = {}
        self._looked_at = 0

    def type(self, document: Document, depth: int = 0) -> Type:
        """The type of a part of the schema."""
        self._looked_at += 1
        if depth > _DEEPEST or self._looked_at > _MOST_LOOKS:
            return Type("any", schema=self._lifted(document))
        inner, nullable = _without_null(document, self._takes_null)
        if nullable:
            return self.type(inner, depth + 1).or_null()
        if document.keys() == {"$ref"}:
            return self._referred(document, depth)
        if document.keys() == {"allOf"} and len(document["allOf"]) == 1:
            return self.type(document["allOf"][0], depth + 1)
        found = self._shorthand(document, depth)
        if found is not None:
            return found
        schema = self._lifted(document)
        base = self._base(document, depth)
        if self._size(base) > _MOST_PARTS or self._takes_null(document):
            base = ANY
        return replace(base, nullable=False, schema=schema)

    def _referred(self, document: Document, depth: int) -> Type:
        name = document["$ref"].removeprefix("#/$defs/")
        if name in self._within:
            return Type("any", schema=self._lifted(document))
        # What stands within a recursive schema knows only what is around it.
        key = name, self._leads_to[name] & self._within
        if key not in self._known:
            self._within.add(name)
            self._known[key] = self.type(self._defs[name], depth + 1)
            self._within.discard(name)
        return self._known[key]

    def _lifted(self, document: Document) -> Schema:
        """A part of the schema as a schema of its own."""
        key = document["$ref"] if document.keys() == {"$ref"} else id(document)
        if key not in self._lifts:
            defs = reachable(document, self._defs)
            schema = Schema.of({**document, "$defs": defs} if defs else document)
            # Kept with the document, so that no other takes its id.
            self._lifts[key] = document, schema
        return self._lifts[key][1]

    def _takes_null(self, document: Document) -> bool:
        """Whether null fits: only what is applied in place tells."""
        values = [document["const"]] if "const" in document else document.get("enum", [None])
        kinds = document.get("type", "null")
        if None not in values or "null" not in (kinds if isinstance(kinds, list) else [kinds]):
            return False
        if "$ref" in document and not self._null_by_name(document["$ref"]):
            return False
        takes = self._takes_null
        if not all(map(takes, document.get("allOf", ()))):
            return False
        if "anyOf" in document and not any(map(takes, document["anyOf"])):
            return False
        if "oneOf" in document and sum(map(takes, document["oneOf"])) != 1:
            return False
        if "not" in document and takes(document["not"]):
            return False
        if "if" in document:
            return takes(document.get("then" if takes(document["if"]) else "else", {}))
        return True

    def _null_by_name(self, reference: str) -> bool:
        if reference not in self._nulls:
            found = self._defs[reference.removeprefix("#/$defs/")]
            self._nulls[reference] = self._takes_null(found)
        return self._nulls[reference]

    # -- what the shorthand can say

    def _shorthand(self, document: Document, depth: int) -> Type | None:
        """The type of the shorthand that has exactly the values of a schema, or None."""
        keys = document.keys()
        if not keys:
            return ANY
        kind = document.get("type")
        values = [document["const"]] if "const" in document else document.get("enum")
        if values is not None and keys - {"type"} in ({"enum"}, {"const"}):
            if kind in (None, "string") and all(isinstance(value, str) for value in values):
                return Type("enum", values=tuple(dict.fromkeys(values)))
            return None
        match kind:
            case "string":
                if keys == {"type"}:
                    return STRING
                extra = _BOUNDS if document.get("format") == "money" else frozenset()
                if keys - extra == {"type", "format"}:
                    return _bounded(_FORMATS[document["format"]], document)
            case "integer" | "number":
                allowed = _BOUNDS | _EXCLUSIVE if kind == "integer" else _BOUNDS
                if keys - allowed == {"type"}:
                    return _bounded(_SCALARS[kind], document)
            case "boolean":
                return BOOLEAN if keys == {"type"} else None
            case "array":
                if keys <= {"type", "items"}:
                    return Type("list", items=self.type(document.get("items", {}), depth + 1))
            case "object":
                if keys <= {"type", "properties", "required", "additionalProperties"}:
                    return self._object(document, depth)
        return None

    def _object(self, document: Document, depth: int) -> Type | None:
        rest = document.get("additionalProperties", {})
        required = set(document.get("required", ()))
        if not required and "properties" not in document and rest != NOTHING:
            return Type("map", items=self.type(rest, depth + 1))
        if rest not in ({}, NOTHING):
            return None
        fields = []
        for name, inner in document.get("properties", {}).items():
            type = self.type(inner, depth + 1)
            # A field of the shorthand may be missing where it may be null, and only there.
            if type.nullable == (name in required):
                return None
            required.discard(name)
            fields.append((name, type))
        found = Type("object", fields=tuple(fields), open=rest == {})
        return found if not required and self._size(found) <= _MOST_PARTS else None

    def _size(self, type: Type) -> int:
        """How many types it is made of; shared ones count each time."""
        if id(type) not in self._sizes:
            inner = [field for _, field in type.fields] + ([type.items] if type.items else [])
            # Kept with the type, so that no other takes its id.
            self._sizes[id(type)] = type, 1 + sum(map(self._size, inner))
        return self._sizes[id(type)][1]

    # -- as near as the shorthand comes

    def _base(self, document: Document, depth: int) -> Type:
        """A type that has every value of a schema but null, without a schema of its own."""
        found = [self._own(document, depth)]
        if "$ref" in document:
            found.append(self._referred(document, depth + 1))
        found += [self.type(inner, depth + 1) for inner in document.get("allOf", ())]
        for keyword in ("anyOf", "oneOf"):
            if keyword in document:
                forms = [form for form in document[keyword] if form != _NULL]
                found.append(_either([self.type(form, depth + 1) for form in forms]))
        known = [replace(type, schema=None, nullable=False) for type in found if type.kind != "any"]
        if not known:
            return ANY
        if all(type.kind == "object" for type in known):
            return _together(known)
        return known[0]

    def _own(self, document: Document, depth: int) -> Type:
        values = [document["const"]] if "const" in document else document.get("enum")
        if values is not None:
            return _of_values(values)
        match document.get("type"):
            case "string":
                return _bounded(_FORMATS.get(document.get("format", ""), STRING), document)
            case "integer" | "number" | "boolean" as kind:
                return _bounded(_SCALARS[kind], document)
            case "array":
                parts = [*document.get("prefixItems", ()), document.get("items", {})]
                parts = [part for part in parts if part != NOTHING]
                return Type("list", items=_either([self.type(p, depth + 1) for p in parts]))
            case "object":
                return self._open_object(document, depth)
        return ANY

    def _open_object(self, document: Document, depth: int) -> Type:
        required = document.get("required", ())
        rest = document.get("additionalProperties", {})
        named = document.get("properties", {})
        if not named and not required and not document.keys() & {*IN_PLACE, "patternProperties"}:
            return Type("map", items=self.type(rest, depth + 1) if rest != NOTHING else ANY)
        fields = {}
        for name, inner in named.items():
            type = self.type(inner, depth + 1)
            fields[name] = type if name in required else type.or_null()
        for name in required:
            fields.setdefault(name, ANY)
        closed = rest == NOTHING and "patternProperties" not in document
        return Type("object", fields=tuple(fields.items()), open=not closed)


def _without_null(document: Document, takes_null: Any) -> tuple[Document, bool]:
    """A schema without its null, and whether that is all that it says of null."""
    keys = document.keys()
    for keyword in ("anyOf", "oneOf"):
        if keys == {keyword} and _NULL in document[keyword]:
            rest = [form for form in document[keyword] if form != _NULL]
            alone = len(rest) == len(document[keyword]) - 1
            if rest and alone and not any(takes_null(form) for form in rest):
                return (rest[0] if len(rest) == 1 else {keyword: rest}), True
    if keys & set(IN_PLACE):
        return document, False
    kinds = document.get("type")
    if isinstance(kinds, list) and "null" in kinds and "const" not in keys:
        others = [kind for kind in kinds if kind != "null"]
        rest_of = {**document, "type": others[0] if len(others) == 1 else others}
        if "enum" not in document:
            return rest_of, True
        values = [value for value in document["enum"] if value is not None]
        return ({**rest_of, "enum": values}, True) if len(values) < len(document["enum"]) else (
            document, False
        )  # fmt: skip
    if (
        kinds is None
        and keys == {"enum"}
        and None in document["enum"]
        and len(document["enum"]) > 1
    ):
        return {"enum": [value for value in document["enum"] if value is not None]}, True
    return document, False


def _bounded(type: Type, document: Document) -> Type:
    if type.kind not in ("integer", "number", "money"):
        return type
    low, high = (_number(document.get(key)) for key in ("minimum", "maximum"))
    above, below = (_number(document.get(key)) for key in ("exclusiveMinimum", "exclusiveMaximum"))
    if type.kind == "integer":
        above = above if above is None else _whole(above, ROUND_FLOOR) + 1
        below = below if below is None else _whole(below, ROUND_CEILING) - 1
    lows = [bound for bound in (low, above) if bound is not None]
    highs = [bound for bound in (high, below) if bound is not None]
    return replace(type, minimum=max(lows, default=None), maximum=min(highs, default=None))


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(exact(value))


def _whole(value: Decimal, rounding: str) -> Decimal:
    return value.to_integral_value(rounding=rounding)


def _of_values(values: list[Any]) -> Type:
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return Type("enum", values=tuple(dict.fromkeys(values)))
    if kinds == {bool}:
        return BOOLEAN
    if kinds <= {int, float}:
        numbers = [Decimal(exact(value)) for value in values]
        whole = all(number == number.to_integral_value() for number in numbers)
        kind: Kind = "integer" if whole else "number"
        return Type(kind, minimum=min(numbers), maximum=max(numbers))
    return ANY


def _either(types: Iterable[Type]) -> Type:
    """A type that has the values of all of these, without bounds and schemas."""
    found = list(types)
    if not found:
        return ANY
    nullable = any(type.nullable for type in found)
    kinds = {type.kind for type in found}
    joined = ANY
    if kinds == {"enum"}:
        joined = Type("enum", values=tuple(dict.fromkeys(v for t in found for v in t.values)))
    elif kinds <= {"enum", "string"}:
        joined = STRING
    elif kinds <= {"integer", "number"}:
        joined = NUMBER if "number" in kinds else INTEGER
    elif kinds == {"object"}:
        names = dict.fromkeys(name for type in found for name in type.names())
        joined = Type(
            "object",
            fields=tuple((name, _common(found, name)) for name in names),
            open=any(type.open for type in found),
        )
    elif kinds in ({"list"}, {"map"}):
        joined = Type(found[0].kind, items=_either(type.items or ANY for type in found))
    elif len(kinds) == 1:
        joined = Type(found[0].kind)
    return joined.or_null() if nullable else joined


def _common(types: list[Type], name: str) -> Type:
    if any(type.open and type.field(name) is None for type in types):
        return ANY
    known = [field for type in types if (field := type.field(name)) is not None]
    joined = _either(known)
    return joined if len(known) == len(types) else joined.or_null()


def _together(objects: list[Type]) -> Type:
    """The fields of objects that hold at once."""
    fields: dict[str, Type] = {}
    for type in objects:
        for name, field in type.fields:
            known = fields.get(name)
            if known is None or known.kind == "any" or (known.nullable and not field.nullable):
                fields[name] = field
    return Type("object", fields=tuple(fields.items()), open=all(t.open for t in objects))
