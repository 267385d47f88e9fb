"""A schema as somebody wrote it: what is wrong with it, and what is made of it."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import Type, TypeMismatch, accept, describe, json_schema
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.schemas.document import Schema
from leafmesh_nb.language.schemas.keywords import KEYWORDS
from leafmesh_nb.language.schemas.reading import MOST_SCHEMAS, read_schema
from leafmesh_nb.language.schemas.to_type import type_of
from leafmesh_nb.language.types import ANY, DATE, INTEGER, MONEY, NUMBER, STRING, object_of


def type_from(document: Any) -> Type:
    found = read_schema(document)
    assert isinstance(found, Schema), found
    return type_of(found)


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        (3, (), "a map of keywords, and this is a number"),
        (None, (), "this is null"),
        ({"items": [{}]}, ("items",), "this is a list"),
        ({"properties": []}, ("properties",), "a map of names to schemas"),
        ({"properties": {"a": 1}}, ("properties", "a"), "a map of keywords"),
        ({"anyOf": {}}, ("anyOf",), "a list of schemas"),
        ({"anyOf": []}, ("anyOf",), "a list of schemas"),
        ({"anyOf": [1]}, ("anyOf", 0), "a map of keywords"),
        ({"minLength": -1}, ("minLength",), "a whole number, 0 or more"),
        ({"minLength": 1.5}, ("minLength",), "a whole number, 0 or more"),
        ({"minLength": True}, ("minLength",), "a whole number, 0 or more"),
        ({"minimum": "1"}, ("minimum",), "a number, and this is text"),
        ({"exclusiveMinimum": True}, ("exclusiveMinimum",), "must be a number"),
        ({"multipleOf": 0}, ("multipleOf",), "more than 0"),
        ({"minimum": Decimal("0.12345678901234567890")}, ("minimum",), "more digits"),
        ({"minimum": Decimal("1E+400")}, ("minimum",), "more digits"),
        ({"minimum": float("nan")}, ("minimum",), "not a finite number"),
        ({"const": {"a": [object()]}}, ("const", "a", 0), "no value of JSON"),
        ({"enum": "a"}, ("enum",), "a list of values"),
        ({"enum": []}, ("enum",), "a list of values"),
        ({"required": True}, ("required",), "a list of names"),
        ({"required": ["a", 1]}, ("required", 1), "a list of names"),
        ({"required": ["a", "a"]}, ("required", 1), "here twice"),
        ({"dependentRequired": {"a": "b"}}, ("dependentRequired", "a"), "a list of names"),
        ({"type": "int"}, ("type",), "`int` is not a type"),
        ({"type": []}, ("type",), "`type` is empty"),
        ({"type": ["string", None]}, ("type", 1), "this is null"),
        ({"type": ["string", "string"]}, ("type", 1), "here twice"),
        ({"uniqueItems": 1}, ("uniqueItems",), "true or false"),
        ({"pattern": "(a"}, ("pattern",), "not a regular expression of RE2"),
        ({"pattern": "(?=a)"}, ("pattern",), "not a regular expression of RE2"),
        ({"pattern": "a" * 1001}, ("pattern",), "at most 1,000 characters"),
        ({"patternProperties": {"(": {}}}, ("patternProperties", "("), "RE2"),
        ({"format": 1}, ("format",), "must be a text"),
        ({"format": "date", "type": "number"}, ("format",), "a format of texts"),
        ({"$ref": 1}, ("$ref",), "must be a text"),
        ({"$ref": "#/x"}, ("$ref",), "leads to no schema"),
        ({"$ref": "#/const", "const": {}}, ("$ref",), "leads to no schema"),
        ({"$ref": "#x"}, ("$ref",), "leads to no schema"),
        ({"$ref": "other.json"}, ("$ref",), "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, ("$ref",), "nothing is fetched"),
        ({"$id": "https://a/b", "$ref": "https://a/c"}, ("$ref",), "nothing is fetched"),
        ({"$ref": "#"}, ("$ref",), "back to itself"),
        ({"allOf": [{"$ref": "#"}]}, ("allOf", 0, "$ref"), "back to itself"),
        ({"properties": {"a": {"$id": "x"}}}, ("properties", "a", "$id"), "at the top"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, ("$schema",), "this is another"),
        ({"$anchor": "a", "items": {"$anchor": "a"}}, ("items", "$anchor"), "two anchors"),
        ({"minimun": 1}, ("minimun",), "no keyword `minimun`"),
        ({"nullable": True}, ("nullable",), "no keyword `nullable`"),
        ({"additionalItems": False}, ("additionalItems",), "no keyword `additionalItems`"),
        ({"$dynamicRef": "#a"}, ("$dynamicRef",), "no keyword `$dynamicRef`"),
    ],
)
def test_what_is_no_schema(document: Any, path: tuple[Any, ...], says: str) -> None:
    found = read_schema(document)
    assert isinstance(found, list)
    assert says in found[0].message
    assert found[0].path == path
    assert len(found) == 1, found


def test_all_flaws_are_told_at_once() -> None:
    found = read_schema({"minLength": -1, "items": {"typ": "string"}, "$ref": "#/no"})
    assert isinstance(found, list)
    assert [flaw.path for flaw in found] == [("minLength",), ("items", "typ"), ("$ref",)]
    assert [flaw.at_key for flaw in found] == [False, True, False]


NATIVE = [
    ({}, ANY),
    (True, ANY),
    ({"type": "string", "title": "Name", "x-own": 1}, STRING),
    ({"type": ["string", "null"]}, STRING.or_null()),
    ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, INTEGER.or_null()),
    ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, INTEGER.or_null()),
    ({"type": ["integer", "number"]}, NUMBER),
    ({"type": "integer", "exclusiveMinimum": 0}, Type("integer", minimum=Decimal(1))),
    ({"const": "a"}, Type("enum", values=("a",))),
    ({"enum": ["a", None, "b"]}, Type("enum", True, ("a", "b"))),
    ({"type": "string", "format": "date"}, DATE),
    ({"type": "string", "format": "money"}, MONEY),
    ({"type": "string", "format": "email"}, STRING),
    ({"type": "array"}, Type("list", items=ANY)),
    ({"type": "object"}, Type("map", items=ANY)),
    ({"type": "object", "additionalProperties": {"type": "string"}}, Type("map", items=STRING)),
    ({"type": "object", "additionalProperties": False}, object_of({})),
    ({"allOf": [{"type": "string"}]}, STRING),
    ({"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}, STRING),
    ({"$ref": "#here", "$defs": {"a": {"$anchor": "here", "type": "string"}}}, STRING),
    ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": "string"}}}, STRING),
    ({"$id": "https://a/b", "$ref": "https://a/b#/$defs/a", "$defs": {"a": {"type": "string"}}},
     STRING),
    (
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": ["integer", "null"]}},
            "required": ["a"],
            "additionalProperties": False,
        },
        object_of({"a": STRING, "b": INTEGER.or_null()}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "type"), NATIVE)
def test_what_the_shorthand_can_say_is_the_shorthand(document: Any, type: Type) -> None:
    assert type_from(document) == type


def test_what_it_cannot_say_is_known_as_near_as_it_comes() -> None:
    shapes = [
        {"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}},
         "required": ["kind", "lives"], "additionalProperties": False},
        {"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"],
         "additionalProperties": False},
    ]  # fmt: skip
    pet = type_from({"oneOf": shapes})
    assert pet.schema is not None
    assert pet.field("kind") == Type("enum", values=("cat", "dog"))
    assert pet.field("lives") == INTEGER.or_null()
    optional = type_from({"type": "object", "properties": {"a": {"type": "integer"}}})
    assert (optional.open, optional.field("a")) == (True, INTEGER.or_null())
    assert accept(optional, {}) == {}, "what is missing stays missing"
    with pytest.raises(TypeMismatch, match=r"`a`: is null, and a whole number is needed"):
        accept(optional, {"a": None})
    even = type_from({"type": "integer", "multipleOf": 2})
    assert (even.kind, describe(even)) == ("integer", '{schema: {"multipleOf":2,"type":"integer"}}')
    assert describe(even.or_null()).endswith(" or null")


def test_a_recursive_schema() -> None:
    tree = type_from(
        {
            "$ref": "#/$defs/tree",
            "$defs": {
                "tree": {
                    "type": "object",
                    "properties": {
                        "value": {"type": "string"},
                        "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                    },
                    "required": ["value"],
                    "additionalProperties": False,
                }
            },
        }
    )
    assert tree.field("value") == STRING
    deep: dict[str, Any] = {"value": "x"}
    for _ in range(20):
        deep = {"value": "y", "kids": [deep]}
    assert accept(tree, deep) == deep
    deep["kids"][0]["kids"][0]["value"] = 3
    with pytest.raises(TypeMismatch, match=r"`kids\[0\].kids\[0\].value`: is a number, and text"):
        accept(tree, deep)
    assert compare(tree, tree) is None
    assert json_schema(Type("list", items=tree))["$defs"].keys() == {"tree"}


def test_equal_names_of_different_schemas_stay_apart() -> None:
    def node(kind: str) -> Type:
        inner = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"type": kind}}}
        return type_from({"$ref": "#/$defs/n", "$defs": {"n": inner}})

    both = object_of({"x": node("string"), "y": node("integer"), "z": node("string")})
    check_nodes(both)
    check_nodes(type_from(json_schema(both)))


def check_nodes(both: Type) -> None:
    accept(both, {"x": {"b": "t"}, "y": {"a": {"b": 1}}, "z": {"a": {"b": "t"}}})
    with pytest.raises(TypeMismatch, match=r"`y\.a\.b`"):
        accept(both, {"x": {}, "y": {"a": {"b": "t"}}, "z": {}})


def quick(limit: float = 1.0) -> Any:
    class Watch:
        def __enter__(self) -> None:
            self.start = time.perf_counter()

        def __exit__(self, *_: object) -> None:
            assert time.perf_counter() - self.start < limit

    return Watch()


def test_hostile_schemas_take_no_time() -> None:
    # Each definition doubles the next: written out, it has 2^60 parts.
    laughs = {f"d{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/d{n + 1}"}
              for k in "ab"}} for n in range(60)}  # fmt: skip
    laughs["d60"] = {"type": "string"}
    with quick():
        type = type_from({"$ref": "#/$defs/d0", "$defs": laughs})
        accept(type, {"a": {"b": {}}})
        compare(type, type.or_null())
        assert len(describe(type)) < 200
    # Each refers to all of them.
    web = {f"d{n}": {"type": "object", "properties": {f"p{m}": {"$ref": f"#/$defs/d{m}"}
           for m in range(25)}} for n in range(25)}  # fmt: skip
    with quick(3):
        type_from({"$ref": "#/$defs/d0", "$defs": web})
    # Every form of a union is tried again at each level.
    twice = {"anyOf": [{"type": "array", "items": {"$ref": "#"}}] * 2 + [{"type": "integer"}]}
    value: Any = "wrong"
    for _ in range(50):
        value = [value]
    with quick(), pytest.raises(TypeMismatch):
        accept(type_from(twice), value)
    with quick():
        many = read_schema({"anyOf": [{"type": "string"}] * (2 * MOST_SCHEMAS)})
        assert isinstance(many, list)
        assert [flaw.message for flaw in many] == ["This has more than 2,000 schemas."]
        deep: Any = {}
        for _ in range(500):
            deep = {"items": deep}
        (flaw,) = read_schema(deep)
        assert flaw.message == "This is nested too deeply."
    pattern = type_from({"type": "string", "pattern": "(a+)+$"})
    with quick(), pytest.raises(TypeMismatch):
        accept(pattern, "a" * 100_000 + "!")


wild = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["#", "#/$defs/a", "string", "(", "money"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(KEYWORDS)) | st.just("a"), inner, max_size=4)
    ),
    max_leaves=12,
)  # fmt: skip


@given(wild)
def test_anything_is_a_schema_or_has_flaws(document: Any) -> None:
    found = read_schema(document)
    if isinstance(found, Schema):
        assert read_schema(found.to_json()) == found
        type_of(found)
    else:
        assert found
        for flaw in found:
            assert flaw.message.endswith((".", "`"))


WITHOUT = """
import sys
sys.modules["re2"] = None
from leafmesh_nb.language.schemas.reading import read_schema
(flaw,) = read_schema({"type": "string", "pattern": "^a"})
assert flaw.code == "LM416", flaw
assert "pip install 'leafmesh-nb[fast]'" in flaw.message, flaw
assert "jsonschema" not in sys.modules
"""


def test_without_re2_a_pattern_is_refused() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
