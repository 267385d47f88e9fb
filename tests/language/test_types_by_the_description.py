"""The language's description of types, sentence by sentence."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language import Type, TypeMismatch, accept, assignable, dump, json_schema, parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.type_syntax import parse_type
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    object_of,
)

NAMED = {
    "string": STRING, "integer": INTEGER, "number": NUMBER, "boolean": BOOLEAN, "money": MONEY,
    "date": DATE, "datetime": DATETIME, "any": ANY,
}  # fmt: skip
ENUM = Type("enum", values=("a", "b"))


def written(text: str) -> Type:
    collector = Collector(Source(f"type: {text}\n"))
    node = read(collector.source, collector)
    assert isinstance(node, MappingNode)
    inner = node.get("type")
    assert inner is not None
    type = parse_type(inner, collector)
    assert collector.finish() == ()
    return type


@pytest.mark.parametrize("name", NAMED)
def test_each_name_is_a_type(name: str) -> None:
    assert written(name) == NAMED[name]


@pytest.mark.parametrize("name", [name for name in NAMED if name != "any"])
def test_what_may_be_null_may_be_missing_or_null(name: str) -> None:
    type = object_of({"x": written(f"{name} or null")})
    assert accept(type, {}) == accept(type, {"x": None}) == {"x": None}
    with pytest.raises(TypeMismatch):
        accept(object_of({"x": NAMED[name]}), {})
    with pytest.raises(TypeMismatch):
        accept(object_of({"x": NAMED[name]}), {"x": None})


def test_the_composed_types() -> None:
    assert written("{enum: [a, b]}") == ENUM
    assert written("{list: money}") == Type("list", items=MONEY)
    assert written("{map: money}") == Type("map", items=MONEY)
    assert written("{object: {a: money}}") == object_of({"a": MONEY})
    assert written("{schema: {type: string}}") == STRING
    assert written("{list: {schema: {type: string, minLength: 1}}}").items is not None


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [("number", 0.5, 1.5), ("integer", 1, 2), ("money", Decimal("0.99"), Decimal("1.01"))],
)
def test_bounds(kind: str, inside: Any, outside: Any) -> None:
    type = written(f"{{type: {kind}, min: 0, max: 1}}")
    assert accept(type, inside) == inside
    for wrong in (outside, -1):
        with pytest.raises(TypeMismatch):
            accept(type, wrong)


def test_each_type_has_one_json_schema() -> None:
    types = [*NAMED.values(), ENUM, Type("list", items=MONEY), object_of({"a": MONEY})]
    schemas = [str(json_schema(type)) for type in types]
    assert len(set(schemas)) == len(types)


INPUT = """
mesh: shop
currency: {currency}
agents:
  clerk:
    role: Clerk
    kind: python
    capabilities: {{pay: {{input: {{amount: money}}, output: {{paid: money}}}}}}
workflows:
  go:
    input: {{amount: {{type: money, default: {amount}}}}}
    steps: {{pay: {{capability: pay, with: {{amount: input.amount}}}}}}
"""


def default(amount: str, currency: str = "USD") -> Any:
    found = parse(INPUT.format(amount=amount, currency=currency))
    return found.spec.workflows["go"].defaults["amount"] if found.spec else found.diagnostics


def test_money_is_in_one_currency_of_iso_4217() -> None:
    assert default("1", "EUR") == 1
    for wrong in ("XXX", "euro", "XAU"):
        (diagnostic,) = default("1", wrong)
        assert "currency" in diagnostic.message or wrong in diagnostic.message


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.1", "0.1"),
        ('"0.1"', "0.1"),
        ("19.90", "19.90"),
        ("0.000000000001", "0.000000000001"),
        ("123456789012345678.123456789012", "123456789012345678.123456789012"),
        ("1e3", "1000"),
    ],
)
def test_money_is_taken_from_the_source_text(text: str, amount: str) -> None:
    """A binary number in between would lose digits."""
    found = default(text)
    assert type(found) is Decimal
    assert dump(MONEY, found) == amount


def test_money_has_at_most_twelve_places() -> None:
    (diagnostic,) = default("0.0000000000001")
    assert (diagnostic.code, "12" in diagnostic.message) == ("LM402", True)


def test_a_python_float_is_money_through_its_repr() -> None:
    assert accept(MONEY, 0.1) == Decimal("0.1")
    assert dump(MONEY, accept(MONEY, 19.9)) == "19.9"
    assert accept(MONEY, 1e22) == Decimal(10) ** 22
    with pytest.raises(TypeMismatch, match="17 decimal places"):
        accept(MONEY, 0.1 + 0.2)
    with pytest.raises(TypeMismatch):
        accept(MONEY, math.inf)


def test_money_is_equal_by_value_and_plain_as_text() -> None:
    assert accept(MONEY, "5") == accept(MONEY, "5.00") == accept(MONEY, 5) == accept(MONEY, 5.0)
    assert dump(MONEY, Decimal("1E+3")) == "1000"
    assert all(isinstance(dump(MONEY, value), str) for value in (Decimal("-0.5"), Decimal(7)))


FITS = {
    ("integer", "number"), ("integer", "money"), ("number", "money"), ("enum", "string"),
}  # fmt: skip
ALL = {**NAMED, "enum": ENUM}


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ALL)
def test_what_is_assignable(source: str, target: str) -> None:
    """T to `T or null`, integer to number to money, enum to string, anything to `any`."""
    fits = source == target or target == "any" or (source, target) in FITS
    assert (assignable(ALL[source], ALL[target]) is None) == fits
    assert (assignable(ALL[source], ALL[target].or_null()) is None) == fits
    maybe = ALL[source].or_null()
    assert (assignable(maybe, ALL[target].or_null()) is None) == fits
    if target != "any" and source != "any":
        assert assignable(maybe, ALL[target]) is not None


def test_an_input_is_coerced_or_refused_before_a_run_starts() -> None:
    spec = parse(INPUT.format(amount="1", currency="USD")).spec
    assert spec is not None
    taken = accept(spec.workflows["go"].input, {"amount": "2.50"}, lenient=True)
    assert taken == {"amount": Decimal("2.50")}
    with pytest.raises(TypeMismatch, match="`amount`"):
        accept(spec.workflows["go"].input, {"amount": "two"}, lenient=True)
