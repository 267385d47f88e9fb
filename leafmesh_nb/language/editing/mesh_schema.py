"""The JSON Schema (2020-12) of a mesh, for editors that know YAML and not this language.

It says what keys there are, what each takes and which words a choice has. Names that must exist,
expressions and types that must fit are the compiler's: ``leafmesh-nb check``.
"""

from __future__ import annotations

from typing import Any

from leafmesh_nb.language.editing.reference import (
    Boolean,
    Choice,
    Data,
    Dollars,
    Duration,
    Expression,
    Expressions,
    Fields,
    Key,
    ListOf,
    Maps,
    Name,
    Number,
    Section,
    SectionOf,
    Template,
    Terms,
    Text,
    TypeOf,
    Value,
    sections,
)
from leafmesh_nb.language.editing.type_keys import TYPE_NAMES

__all__ = ["mesh_schema"]

Schema = dict[str, Any]

ID = "^[a-z][a-z0-9_]*$"
CAPABILITY = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
DURATION = r"^([0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h|d))+$"
NAMED_TYPE = rf"^({'|'.join(TYPE_NAMES)})(\s+or\s+null)?$"
BRACED_TYPE = r"^\s*\{[\s\S]*\}(\s+or\s+null)?\s*$"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def mesh_schema() -> Schema:
    """The schema of a whole mesh. Keys that are not available yet are not in it."""
    whole = _section("mesh", sections()["mesh"])
    others = {
        _defined(name): _section(name, section)
        for name, section in sections().items()
        if name not in ("mesh", "type", "join")
    }
    definitions = {
        **others,
        "type": _type(),
        "after": _after(),
        "expression": {
            "title": "An expression",
            "description": "A text is an expression; numbers, booleans, lists and maps are "
            "themselves, their texts expressions again.",
        },
    }
    return {"$schema": _DIALECT, **whole, "title": "A mesh of leafmesh-nb", "$defs": definitions}


def _defined(section: str) -> str:
    return section.replace(" ", "_")


def _section(name: str, section: Section) -> Schema:
    schema: Schema = {
        "title": section.block.what[:1].upper() + section.block.what[1:],
        "description": section.doc,
        "type": ["object", "null"] if not section.block.required and name == "person" else "object",
        "properties": {key: _key(section.keys[key]) for key in section.available()},
        "additionalProperties": False,
    }
    if section.block.required:
        schema["required"] = list(section.block.required)
    return schema


def _key(key: Key) -> Schema:
    schema = {"description": key.doc, **_value(key.value)}
    if key.example:
        schema["description"] += f"\n\n{key.example}"
    if isinstance(key.value, Choice) and key.default in key.value.values:
        schema["default"] = key.default
    return schema


def _value(value: Value) -> Schema:
    match value:
        case Text(pattern):
            return {"type": "string", "pattern": pattern} if pattern else {"type": "string"}
        case Number(whole, least, most):
            bounds = {"minimum": least, "maximum": most}
            kept = {name: bound for name, bound in bounds.items() if bound is not None}
            return {"type": "integer" if whole else "number", **kept}
        case Dollars():
            return {"type": "number", "minimum": 0}
        case Boolean():
            return {"type": "boolean"}
        case Duration():
            return {"type": "string", "pattern": DURATION}
        case Choice(values):
            words = list(value.available())
            return {"enum": words, "enumDescriptions": [values[word] for word in words]}
        case Name(kind):
            if kind == "domains":
                return {"type": "string"}
            return {"type": "string", "pattern": CAPABILITY if kind == "capabilities" else ID}
        case TypeOf():
            return _reference("type")
        case Fields(defaults):
            forms = [_reference("type"), _reference("input")]
            return _map(ID, {"anyOf": forms} if defaults else forms[0])
        case Expression(_, condition):
            return {"type": ["string", "boolean"]} if condition else _reference("expression")
        case Expressions():
            return _map(ID, _reference("expression"))
        case Template():
            return {"type": "string"}
        case Terms():
            return _reference("after")
        case Data(of):
            return {"type": "object"} if of in ("output", "given") else {}
        case SectionOf(section):
            return _reference(_defined(section))
        case Maps(what, inner):
            return _map(CAPABILITY if what == "a capability" else ID, _value(inner))
        case ListOf(item, alone):
            several = {"type": "array", "items": _value(item)}
            return {"anyOf": [_value(item), several]} if alone else several
    return {"anyOf": [_value(form) for form in value.forms]}


def _map(names: str, value: Schema) -> Schema:
    return {"type": "object", "propertyNames": {"pattern": names}, "additionalProperties": value}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _type() -> Schema:
    section = sections()["type"]
    nullable = [f"{name} or null" for name in TYPE_NAMES if name != "any"]
    bounds = {name: section.keys[name] for name in ("min", "max")}
    forms: list[Schema] = [
        {"enum": [*TYPE_NAMES, *nullable]},
        {"type": "string", "pattern": NAMED_TYPE},
        {"type": "string", "pattern": BRACED_TYPE},
    ]
    for name in section.available():
        if name in bounds:
            continue
        keys = {name: section.keys[name], **(bounds if name == "type" else {})}
        forms.append(
            {
                "type": "object",
                "properties": {key: _key(told) for key, told in keys.items()},
                "required": [name],
                "additionalProperties": False,
            }
        )
    return {"title": "A type", "description": section.doc, "anyOf": forms}


def _after() -> Schema:
    section = sections()["join"]
    named: list[tuple[str, ...]] = [("any",), ("all",), ("count", "of")]
    forms = [
        {
            "type": "object",
            "properties": {name: _key(section.keys[name]) for name in names},
            "required": list(names),
            "additionalProperties": False,
        }
        for names in named
    ]
    steps = [{"type": "string", "pattern": ID}, {"type": "array", "items": _reference("after")}]
    return {"title": "`after`", "description": section.doc, "anyOf": [*steps, *forms]}
