"""Schemas made up at random: our verdicts beside those of the jsonschema library."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from leafmesh_nb.language import Type, TypeMismatch, accept, dump, json_schema
from leafmesh_nb.language.fit import Misfit, compare
from leafmesh_nb.language.schemas.document import Schema, linked
from leafmesh_nb.language.schemas.reading import read_schema
from leafmesh_nb.language.schemas.samples import samples
from leafmesh_nb.language.schemas.to_type import type_of
from leafmesh_nb.language.schemas.validate import validator

NAMES = ["a", "b", "c"]
Any_ = st.SearchStrategy[Any]

slow = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
    ],
)  # fmt: skip

# -- a world so small that schemas and values meet

scalars = st.sampled_from(
    [None, True, False, 0, 1, 2, 3, -1, 0.5, 1.0, 1.5, "", "a", "b", "ab", "abc"]
)
names = st.sampled_from(NAMES)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
counts = st.integers(0, 3)
numbers = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 3])
patterns = st.sampled_from(["^a", "b$", "^[ab]*$", "c"])
kinds = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
number_schemas = st.fixed_dictionaries(
    {"type": st.sampled_from(["integer", "number"])},
    optional={
        "minimum": numbers, "maximum": numbers, "exclusiveMinimum": numbers,
        "exclusiveMaximum": numbers, "multipleOf": st.sampled_from([0.5, 1, 2, 3]),
    },
)  # fmt: skip
text_schemas = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={"minLength": counts, "maxLength": counts, "pattern": patterns},
)
maps = st.one_of(
    st.just({}),
    st.builds(lambda t: {"type": t}, kinds),
    st.builds(lambda t: {"type": t}, st.lists(kinds, min_size=1, max_size=3, unique=True)),
    number_schemas,
    number_schemas,
    text_schemas,
    text_schemas,
    st.builds(lambda v: {"enum": v}, st.lists(values, min_size=1, max_size=3)),
    st.builds(lambda v: {"const": v}, values),
    st.sampled_from([{"minimum": 1}, {"maxLength": 2}, {"required": ["a"]}, {"minItems": 1}]),
)
leaves = maps | maps | st.booleans()


def objects(inner: Any_) -> Any_:
    some = st.lists(names, unique=True, max_size=2)
    return st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(names, inner, max_size=3),
            "required": some,
            "additionalProperties": st.booleans() | inner,
            "patternProperties": st.dictionaries(patterns, inner, max_size=1),
            "propertyNames": st.builds(lambda p: {"pattern": p}, patterns),
            "minProperties": counts,
            "maxProperties": counts,
            "dependentRequired": st.dictionaries(names, some, max_size=1),
        },
    )


def arrays(inner: Any_) -> Any_:
    return st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": st.booleans() | inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": counts,
            "maxItems": counts,
            "uniqueItems": st.booleans(),
            "contains": inner,
            "minContains": counts,
            "maxContains": counts,
        },
    )


def within(inner: Any_) -> Any_:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        objects(inner),
        objects(inner),
        arrays(inner),
        st.fixed_dictionaries({"anyOf": several}),
        st.fixed_dictionaries({"oneOf": several}),
        st.fixed_dictionaries({"allOf": several}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
        st.fixed_dictionaries({"dependentSchemas": st.dictionaries(names, inner, max_size=2)}),
        st.builds(lambda a, b: {**a, **b}, objects(inner), maps),
        st.builds(lambda a, b: {**a, "anyOf": b}, objects(inner), several),
        st.builds(
            lambda a, b: {**a, "allOf": b, "unevaluatedProperties": False}, objects(inner), several
        ),
        st.builds(
            lambda a, b: {**a, "anyOf": b, "unevaluatedItems": False}, arrays(inner), several
        ),
    )


NODE = {"$ref": "#/$defs/node"}


def with_node(node: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    node = {**node, "properties": {**node.get("properties", {}), "a": NODE}}
    return {**top, "$defs": {"node": node}, "anyOf": [NODE, {"type": ["null", "integer"]}]}


schemas = st.recursive(leaves, within, max_leaves=6) | st.builds(with_node, objects(leaves), maps)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas that are often near each other: the second is the first, changed in a place."""
    source = draw(schemas)
    how = draw(st.sampled_from(["other", "wider", "narrower", "less", "more", "turned"]))
    refers = isinstance(source, dict) and "$defs" in source
    if how == "other":
        return source, draw(schemas)
    if how == "wider" and not refers:
        return source, {"anyOf": [source, draw(maps)]}
    if how == "narrower" and not refers:
        return {"allOf": [draw(maps), source]}, source
    target = copy.deepcopy(source)
    place = target
    for _ in range(draw(st.integers(0, 3))):
        inner = _parts(place)
        place = draw(st.sampled_from(inner)) if inner else place
    if isinstance(place, dict) and place:
        key = draw(st.sampled_from(sorted(place)))
        if how == "less" and key not in ("$defs", "$ref"):
            del place[key]
        else:
            place.update(draw(maps))
    return (target, source) if how == "turned" else (source, target)


def _parts(place: Any) -> list[dict[str, Any]]:
    if not isinstance(place, dict):
        return []
    found = [*place.values(), *place.get("properties", {}).values(), *place.get("anyOf", ())]
    return [part for part in found if isinstance(part, dict) and part and _is_schema(part)]


def _is_schema(part: dict[str, Any]) -> bool:
    return isinstance(read_schema(part), Schema) or "$ref" in str(part)


def plain(value: Any) -> Any:
    """A value as the jsonschema library takes it."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def oracle(schema: Any) -> Callable[[Any], bool]:
    found = Draft202012Validator(schema)
    return lambda value: bool(found.is_valid(plain(value)))


@slow
@given(schemas, st.lists(values, min_size=5, max_size=10))
def test_a_value_is_taken_where_the_library_takes_it(schema: Any, some: list[Any]) -> None:
    read = read_schema(schema)
    assert isinstance(read, Schema)
    type, fits, check = type_of(read), oracle(schema), validator(read)
    for value in some:
        fault = check(value)
        assert (fault is None) == fits(value), (value, fault)
        try:
            taken = accept(type, value)
        except TypeMismatch:
            assert not fits(value), value
            continue
        assert fits(value), value
        assert fits(dump(type, taken)), value
        assert accept(type, taken) == taken
        assert accept(type, dump(type, taken)) == taken


@slow
@given(schemas)
def test_a_type_and_its_schema_are_one(schema: Any) -> None:
    read = read_schema(schema)
    assert isinstance(read, Schema)
    type = type_of(read)
    again = read_schema(json_schema(type))
    assert isinstance(again, Schema)
    assert type_of(again) == type
    Draft202012Validator.check_schema(json_schema(type))


@slow
@given(pairs(), st.lists(values, min_size=5, max_size=12))
def test_what_is_said_of_two_types_is_so(pair: tuple[Any, Any], some: list[Any]) -> None:
    verdict(pair, some)


def test_another_keyword_may_evaluate_more() -> None:
    wanted = {"type": "object", "allOf": [{}], "unevaluatedProperties": False}
    assert verdict((wanted, {**wanted, "minProperties": 0}), []) == "same"
    assert verdict(({**wanted, "additionalProperties": {}}, wanted), [{"a": 1}]) != "compatible"
    listed = {"type": "array", "allOf": [{}], "unevaluatedItems": False}
    assert verdict(({**listed, "contains": {}}, listed), [[1]]) != "compatible"


def test_all_three_answers_are_given() -> None:
    """Else the test above would show little."""
    answers: Counter[str] = Counter()

    @settings(slow, max_examples=300, database=None, derandomize=True)
    @given(pairs(), st.lists(values, min_size=5, max_size=12))
    def look(pair: tuple[Any, Any], some: list[Any]) -> None:
        answers[verdict(pair, some)] += 1

    look()
    assert answers["compatible"] > 50
    assert answers["incompatible"] > 20
    assert answers["cannot prove"] > 5


def verdict(pair: tuple[Any, Any], some: list[Any]) -> str:
    """What is said, once it has been compared with what the library says of values."""
    read = [read_schema(schema) for schema in pair]
    if not all(isinstance(schema, Schema) for schema in read):
        return "not schemas"
    source, target = (type_of(schema) for schema in read)  # type: ignore[arg-type]
    fits, wanted = (oracle(schema) for schema in pair)
    found = [v for v in [*some, *samples(linked(read[0]))] if fits(v)]  # type: ignore[arg-type]
    misfit = compare(source, target)
    if misfit is None:
        for value in found:
            assert wanted(value), ("said to be compatible", value)
            accept(target, accept(source, value))
        return "same" if source == target else "compatible"
    if misfit.certain:
        assert not all(map(wanted, found)), ("said to be incompatible", misfit, found)
        return "incompatible"
    return "cannot prove"


# -- the shorthand and its schemas


@st.composite
def types(draw: st.DrawFn, depth: int = 2) -> Type:
    """Any type of the shorthand, and objects that are open."""
    bound = st.none() | st.sampled_from([Decimal(-2), Decimal(0), Decimal("0.5"), Decimal(3)])
    kind = draw(st.sampled_from(["plain", "number", "enum", "list", "map", "object"][: 3 + depth]))
    if kind == "plain":
        found = Type(draw(st.sampled_from(["string", "boolean", "date", "datetime", "any"])))
    elif kind == "number":
        low, high = draw(bound), draw(bound)
        low, high = (
            (high, low) if low is not None and high is not None and low > high else (low, high)
        )
        number = draw(st.sampled_from(["integer", "number", "money"]))
        found = Type(number, minimum=low, maximum=high)
    elif kind == "enum":
        listed = draw(st.lists(st.sampled_from(["a", "b", "ü"]), min_size=1, unique=True))
        found = Type("enum", values=tuple(listed))
    elif kind == "object":
        fields = draw(st.dictionaries(names, types(depth - 1), max_size=3))
        found = Type("object", fields=tuple(fields.items()), open=draw(st.booleans()))
    else:
        found = Type(kind, items=draw(types(depth - 1)))  # type: ignore[arg-type]
    return found.or_null() if draw(st.booleans()) else found


@given(types())
def test_the_schema_of_a_type_gives_the_type(type: Type) -> None:
    schema = read_schema(json_schema(type))
    assert isinstance(schema, Schema)
    assert type_of(schema) == type


json_values = st.recursive(
    scalars | st.sampled_from(["1.50", "-3", "2025-01-31", "2025-01-31T12:30:00Z", "2025-02-30"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@slow
@given(types(), st.lists(json_values, min_size=5, max_size=10))
def test_a_type_takes_what_its_schema_takes(type: Type, some: list[Any]) -> None:
    """What is taken is, as JSON, a value of the schema; what the schema takes is taken.

    The library knows `date` and `date-time`; `money` is told to it, and its bounds are left out.
    """
    unbounded = _without_money_bounds(type)
    fits = Draft202012Validator(json_schema(unbounded), format_checker=FORMATS)
    for value in some:
        try:
            taken = accept(unbounded, value)
        except TypeMismatch:
            assert not fits.is_valid(value), value
        else:
            assert fits.is_valid(dump(unbounded, taken)), value
    check: Callable[[Any], Any] = validator(read_or_fail(json_schema(type)))
    for value in some:
        try:
            taken = accept(type, value)
        except TypeMismatch:
            assert check(value) is not None, value
        else:
            assert check(dump(type, taken)) is None, value


def read_or_fail(document: Any) -> Schema:
    schema = read_schema(document)
    assert isinstance(schema, Schema)
    return schema


def _without_money_bounds(type: Type) -> Type:
    if type.kind == "money":
        return Type("money", type.nullable)
    return Type(
        type.kind,
        type.nullable,
        type.values,
        type.items and _without_money_bounds(type.items),
        tuple((name, _without_money_bounds(field)) for name, field in type.fields),
        type.minimum,
        type.maximum,
        type.open,
    )


def _formats() -> Any:
    from jsonschema import FormatChecker

    found = FormatChecker(["date", "date-time"])

    @found.checks("money")
    def money(text: object) -> bool:
        if not isinstance(text, str):
            return True
        digits = text.removeprefix("-").replace(".", "", 1)
        return digits.isdigit() and not text.endswith(".")

    return found


FORMATS = _formats()


# -- the shorthand and schemas together


def of_schema(schema: Any) -> Type:
    return type_of(read_or_fail(schema))


formatted = st.sampled_from(
    [
        {"type": "string", "format": "date", "minLength": 2},
        {"anyOf": [{"type": "string", "format": "money"}, {"type": "boolean"}]},
        {"type": "string", "format": "money", "minLength": 1},
        {"type": "string", "format": "money", "minimum": 0},
        {"type": "array", "items": {"type": "string", "format": "date-time"}, "maxItems": 2},
        {"type": "object", "properties": {"a": {"type": "string", "format": "money"}}},
    ]
)
mixed = st.one_of(
    types(),
    st.builds(of_schema, schemas | formatted),
    st.builds(lambda inner: Type("list", items=of_schema(inner)), schemas | formatted),
    st.builds(
        lambda inner, other: Type("object", fields=(("a", of_schema(inner)), ("b", other))),
        schemas | formatted,
        types(),
    ),
)


@slow
@given(mixed, mixed, st.lists(json_values, min_size=5, max_size=10))
def test_what_fits_is_taken(source: Type, target: Type, some: list[Any]) -> None:
    """Values flow as Python has them: amounts are Decimals, dates are dates."""
    misfit = compare(source, target)
    if misfit is not None and not misfit.certain:
        return
    taken = []
    for value in [*some, *samples(linked(read_or_fail(json_schema(source))))]:
        with suppress(TypeMismatch):
            taken.append(accept(source, value))
    if misfit is None:
        for value in taken:
            accept(target, value)


def test_a_misfit_says_where() -> None:
    misfit = Misfit("items[].amount", "it may be null, and money is needed")
    assert str(misfit) == "`items[].amount`: it may be null, and money is needed"
