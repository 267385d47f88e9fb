"""Parsed expressions: their text, place and reads, and how YAML values become expressions."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.expressions import ErrorValue, Expression, Finding, parse_expression
from leafmesh_nb.language.expressions import parse_expression_text as parse
from leafmesh_nb.language.nodes import (
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    Span,
)


def scalar(text: str, line: int = 1, column: int = 1, value: Any = ...) -> ScalarNode:
    """A plain scalar on one line."""
    places = tuple((line, column + n) for n in range(len(text) + 1))
    span = Span(line, column, line, column + len(text))
    return ScalarNode(text, "plain", text if value is ... else value, span, places)


def mapping(*pairs: tuple[str, Node], line: int = 1) -> MappingNode:
    entries = tuple(Entry(scalar(key, line), value) for key, value in pairs)
    return MappingNode(entries, Span(line, 1, line + 1, 1))


def parsed(node: Any) -> Expression:
    expression = parse_expression(node)
    assert isinstance(expression, Expression), expression
    return expression


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("1", set()),
        ("a", {("a",)}),
        ("steps.classify.output.category == 'refund'",
         {("steps", "classify", "output", "category")}),
        ("memory.tier == input.tier", {("memory", "tier"), ("input", "tier")}),
        ("a['b'].c", {("a", "b", "c")}),
        ("a[0].c", {("a",)}),
        ("a[b.c].d", {("a",), ("b", "c")}),
        ("steps[input.name].output", {("steps",), ("input", "name")}),
        ("input.ticket.contains(memory.word)", {("input", "ticket"), ("memory", "word")}),
        ("has(a.b.c)", {("a", "b", "c")}),
        ("default(a.b, c)", {("a", "b"), ("c",)}),
        ("a.all(x, x.y > b.z)", {("a",), ("b", "z")}),
        ("a.map(x, x.map(y, x + y + z))", {("a",), ("z",)}),
        ("x.map(x, x.y)", {("x",)}),
        ("[a, {'k': b.c}]", {("a",), ("b", "c")}),
        ("a ? b : c && !d || -e > 1", {("a",), ("b",), ("c",), ("d",), ("e",)}),
        ("now > a.at", {("now",), ("a", "at")}),
    ],
)  # fmt: skip
def test_reads(text: str, reads: set[tuple[str, ...]]) -> None:
    expression = parse(text)
    assert isinstance(expression, Expression)
    assert expression.reads == reads


def test_text_and_span_are_those_of_the_source() -> None:
    expression = parsed(scalar(" a  > 1 ", line=4, column=9))
    assert expression.text == " a  > 1 "
    assert expression.span == Span(4, 9, 4, 17)


def test_expressions_are_immutable_and_compare_by_text_and_place() -> None:
    one, two, other = (parsed(scalar("a > 1", line)) for line in (1, 1, 2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    with pytest.raises(AttributeError):
        one.text = "b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (scalar("12", value=12), 12),
        (scalar("0.10", value=Decimal("0.10")), Decimal("0.10")),
        (scalar("true", value=True), True),
        (scalar("", value=None), None),
        (scalar('"refund"'), "refund"),
        (scalar("a + 1"), 8),
        (SequenceNode((), Span(1, 1, 1, 3)), []),
        (mapping(), {}),
        (SequenceNode((scalar("a"), scalar("2", value=2), scalar("'a'")), Span(1, 1, 1, 9)),
         [7, 2, "a"]),
        (mapping(("amount", scalar("a * 2")), ("note", mapping(("deep", scalar("'x'"))))),
         {"amount": 14, "note": {"deep": "x"}}),
    ],
)  # fmt: skip
def test_yaml_values(node: Any, value: Any) -> None:
    found = parsed(node).evaluate({"a": 7})
    assert found == value
    assert type(found) is type(value)


def test_a_map_shows_its_text_and_reads() -> None:
    node = mapping(("amount", scalar("a.b", 2, 11)), ("to", SequenceNode(
        (scalar("c", 3, 8), scalar("1", 3, 11, value=1)), Span(3, 7, 3, 13))))  # fmt: skip
    expression = parsed(node)
    assert expression.text == "{amount: a.b, to: [c, 1]}"
    assert expression.reads == {("a", "b"), ("c",)}
    assert expression.span == node.span


def test_an_error_inside_a_map_points_into_the_source() -> None:
    node = mapping(("amount", scalar("a.b / 0", 2, 11)), ("other", scalar("1 / 0", 3, 10)))
    found = parsed(node).evaluate({"a": {"b": 1}})
    assert found == ErrorValue("division by zero", Span(2, 11, 2, 18))


def test_all_findings_of_a_map_are_told() -> None:
    node = mapping(("one", scalar("a = b", 2, 8)), ("fine", scalar("a", 3, 9)), ("two", scalar(
        "a and b", 4, 8)))  # fmt: skip
    findings = parse_expression(node)
    assert isinstance(findings, list)
    assert [(f.code, f.span) for f in findings] == [
        ("LM114", Span(2, 10, 2, 11)),
        ("LM114", Span(4, 10, 4, 13)),
    ]


@pytest.mark.parametrize(
    "value", [2**63, Decimal("Infinity"), Decimal("NaN"), Decimal("1e1000")], ids=str
)
def test_numbers_beyond_the_bounds_are_findings(value: Any) -> None:
    findings = parse_expression(scalar("x", value=value))
    assert isinstance(findings, list)
    assert [f.code for f in findings] == ["LM117"]


def test_a_quoted_scalar_maps_places_through_its_escapes() -> None:
    # when: "a \x3d b"  - the escape of = takes four columns
    places = ((1, 8), (1, 9), (1, 10), (1, 14), (1, 15), (1, 16))
    node = ScalarNode("a = b", "double", "a = b", Span(1, 7, 1, 17), places)
    findings = parse_expression(node)
    assert isinstance(findings, list)
    assert findings == [Finding("LM114", "`=` does not compare", Span(1, 10, 1, 14), "write `==`")]


def test_lark_is_not_imported_until_something_is_parsed() -> None:
    code = (
        "import sys; import leafmesh_nb.language.expressions as e;"
        " assert 'lark' not in sys.modules; e.parse_expression_text('1');"
        " assert 'lark' in sys.modules;"
        " assert 're2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
