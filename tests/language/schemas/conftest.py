"""Schemas and values made up at random, in a world small enough for them to meet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

NAMES = ["a", "b", "c"]

scalars = st.sampled_from(
    [None, True, False, 0, 1, 2, 3, -1, 0.5, 1.0, 1.5, "", "a", "b", "ab", "abc", "2025-01-31"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)

_numbers = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 3])
_counts = st.integers(0, 3)
_types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
_patterns = st.sampled_from(["^a", "b$", "^[ab]*$", "c"])
_names = st.sampled_from(NAMES)


def _within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas with others in them."""
    named = st.dictionaries(_names, inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _object(inner),
        _object(inner),
        _array(inner),
        st.fixed_dictionaries({"anyOf": several}),
        st.fixed_dictionaries({"oneOf": several}),
        st.fixed_dictionaries({"allOf": several}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
        st.fixed_dictionaries({"dependentSchemas": named}),
        st.builds(lambda a, b: {**a, **b}, _object(inner), _leaf),
        st.builds(lambda a, b: {**a, "anyOf": b}, _object(inner), several),
        st.builds(
            lambda a, b: {**a, "allOf": b, "unevaluatedProperties": False}, _object(inner), several
        ),
        st.builds(lambda a, b: {**a, "anyOf": b, "unevaluatedItems": False}, _array(inner), several),
    )


def _object(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(_names, inner, max_size=3)
    some = st.lists(_names, unique=True, max_size=2)
    return st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": named,
            "required": some,
            "additionalProperties": st.booleans() | inner,
            "patternProperties": st.dictionaries(_patterns, inner, max_size=1),
            "propertyNames": st.builds(lambda p: {"pattern": p}, _patterns),
            "minProperties": _counts,
            "maxProperties": _counts,
            "dependentRequired": st.dictionaries(_names, some, max_size=1),
        },
    )


def _array(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": st.booleans() | inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": _counts,
            "maxItems": _counts,
            "uniqueItems": st.booleans(),
            "contains": inner,
            "minContains": _counts,
            "maxContains": _counts,
        },
    )


_number = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": _numbers,
        "maximum": _numbers,
        "exclusiveMinimum": _numbers,
        "exclusiveMaximum": _numbers,
        "multipleOf": st.sampled_from([0.5, 1, 2, 3]),
    },
)
_text = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={"minLength": _counts, "maxLength": _counts, "pattern": _patterns},
)
_leaf = st.one_of(
    st.just({}),
    st.builds(lambda t: {"type": t}, _types),
    st.builds(lambda t: {"type": t}, st.lists(_types, min_size=1, max_size=3, unique=True)),
    _number,
    _number,
    _text,
    _text,
    st.builds(lambda v: {"enum": v}, st.lists(values, min_size=1, max_size=3)),
    st.builds(lambda v: {"const": v}, values),
    st.sampled_from([{"minimum": 1}, {"maxLength": 2}, {"required": ["a"]}, {"minItems": 1}]),
)

leaves = st.one_of(_leaf, _leaf, st.booleans())
schemas = st.recursive(leaves, _within, max_leaves=6)

_RECURSIVE = {"$ref": "#/$defs/node"}


def _with_node(parts: tuple[Any, Any]) -> Any:
    node, schema = parts
    node = node if isinstance(node, dict) else {}
    properties = {**node.get("properties", {}), "a": _RECURSIVE}
    node = {**node, "type": "object", "properties": properties}
    top = schema if isinstance(schema, dict) else {}
    return {**top, "$defs": {"node": node}, "anyOf": [_RECURSIVE, {"type": ["null", "integer"]}]}


recursive_schemas = st.tuples(_object(leaves), leaves).map(_with_node)


class _Texts(FormatChecker):
    """Knows no format: an annotation, as by default."""


@pytest.fixture(scope="session")
def oracle() -> Any:
    """Whether a value fits a schema, by the jsonschema library."""

    def fits(schema: Any, value: Any) -> bool:
        return bool(Draft202012Validator(schema).is_valid(value))

    return fits
