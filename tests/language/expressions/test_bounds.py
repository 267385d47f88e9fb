"""Expressions end: depth, length, cost and patterns have limits."""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.expressions import (
    ErrorValue,
    Expression,
    Finding,
    check,
    parse_expression_text,
)
from leafmesh_nb.language.expressions import functions as functions_module
from leafmesh_nb.language.types import INTEGER, STRING

COSTLY = "this expression costs more than 100,000 steps to evaluate"


def parsed(text: str) -> Expression:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), expression
    return expression


def refused(text: str) -> Finding:
    findings = parse_expression_text(text)
    assert isinstance(findings, list)
    (finding,) = findings
    return finding


def nested(depth: int) -> str:
    return "[" * (depth - 1) + "1" + "]" * (depth - 1)


def test_depth_32_is_the_deepest() -> None:
    assert isinstance(parsed(nested(32)).evaluate({}), list)
    finding = refused(nested(33))
    assert finding.code == "LM118"
    assert finding.message == "this expression is nested deeper than 32 levels"


@pytest.mark.parametrize("text", ["!" * 4000 + "true", "-" * 4000 + "x", "(" * 2000 + ")" * 2000,
                                  "[" * 4096, "a" + ".b" * 2000, "1" + "+(1" * 1300,
                                  "x?" * 1300 + "1", "{'a':" * 800, "f(" * 2000])  # fmt: skip
def test_deep_texts_are_findings_not_crashes(text: str) -> None:
    assert isinstance(parse_expression_text(text), list)


def test_parentheses_alone_are_not_depth() -> None:
    assert parsed("(" * 500 + "1" + ")" * 500).evaluate({}) == 1


def test_a_long_condition_is_not_a_deep_one() -> None:
    text = " && ".join(f"x != {n}" for n in range(300))
    assert parsed(text).evaluate({"x": 300}) is True


@pytest.mark.parametrize("operator", ["+", "-", "*"])
def test_a_long_sum_is_not_a_deep_one(operator: str) -> None:
    text = f" {operator} ".join(["x"] * 1000)
    assert parsed(text).evaluate({"x": 1}) == {"+": 1000, "-": -998, "*": 1}[operator]
    assert check(parsed(text), {"x": INTEGER}) == (INTEGER, [])
    assert parsed(f"-({text}) / x").node.depth == 4


def test_the_part_of_a_long_sum_that_fails_is_named() -> None:
    text = "x + x + 'a' + x"
    found = parsed(text).evaluate({"x": 1})
    assert isinstance(found, ErrorValue)
    assert found.message == "+ does not take a number and a text"
    assert found.span is not None
    assert text[found.span.column - 1 : found.span.end_column - 1] == "x + x + 'a'"
    _, (finding,) = check(parsed(text), {"x": INTEGER})
    assert text[finding.span.column - 1 : finding.span.end_column - 1] == "x + x + 'a'"


def test_length_4096_is_the_longest() -> None:
    assert parsed("1".rjust(4096)).evaluate({}) == 1
    finding = refused("1".rjust(4097))
    assert finding.code == "LM118"
    assert "4,097 characters" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "l.all(a, l.all(b, a + b >= 0))",
        "l.map(a, l.map(b, l.map(c, 1)))",
        "l.filter(a, l.exists(b, false) || true)",
        "l.map(a, long + long)",
        "l.map(a, l + l)",
        "l.map(a, l == l2)",
        "l.map(a, 'x' in l)",
        "l.map(a, long == long2)",
        "l.map(a, long < long2)",
        "l.map(a, long.contains('q'))",
        "l.map(a, long.lower())",
        "l.map(a, join([long, long], ''))",
        "l.map(a, max(l))",
    ],
)
def test_costly_evaluations_end_soon(text: str) -> None:
    names = {
        "l": list(range(1000)),
        "l2": [*range(999), -1],
        "long": "x" * 10_000,
        "long2": "x" * 9_999 + "y",
    }
    began = time.process_time()
    found = parsed(text).evaluate(names)
    assert time.process_time() - began < 2
    assert isinstance(found, ErrorValue)
    assert found.message == COSTLY


def test_the_cost_limit_cannot_be_hidden() -> None:
    names = {"l": list(range(1000))}
    for text in (
        "l.all(a, l.all(b, true)) || true",
        "false && true || l.all(a, l.all(b, true)) || true",
        "default(l.map(a, l.map(b, b)), 1)",
        "[1].exists(x, l.all(a, l.all(b, true)) || true)",
    ):
        found = parsed(text).evaluate(names)
        assert isinstance(found, ErrorValue)
        assert found.message == COSTLY


def test_a_big_result_within_the_limit_is_fine() -> None:
    names = {"l": list(range(1000))}
    assert len(parsed("l.filter(x, x % 2 == 0).map(x, x * x)").evaluate(names)) == 500


def test_deep_and_cyclic_values_are_errors() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    other: list[Any] = []
    other.append(other)
    for names in ({"a": deep, "b": [deep]}, {"a": cyclic, "b": other}):
        found = parsed("a == b").evaluate(names)
        assert isinstance(found, ErrorValue)
        assert "nested" in found.message


def test_matching_is_linear() -> None:
    began = time.process_time()
    assert parsed("t.matches('(a+)+$')").evaluate({"t": "a" * 50_000 + "!"}) is False
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'refund 12'.matches('[0-9]+')", True),
        ("'refund'.matches('^re.*d$')", True),
        ("'REFUND'.matches('(?i)refund')", True),
        ("'refund'.matches('^fund')", False),
        (r"'a1'.matches(r'^\w\d$')", True),
        ("'Größe'.matches('^Gr..e$')", True),
    ],
)
def test_matches(text: str, value: bool) -> None:
    assert parsed(text).evaluate({}) is value


def test_a_bad_pattern_is_an_error() -> None:
    found = parsed("'a'.matches(p)").evaluate({"p": "("})
    assert isinstance(found, ErrorValue)
    assert found.message == "this pattern is not a regular expression of RE2"
    assert isinstance(parsed("'a'.matches(p)").evaluate({"p": "(" * 1001}), ErrorValue)
    assert isinstance(parsed(r"'a'.matches('(.)\\1')").evaluate({}), ErrorValue)


@pytest.fixture
def without_re2(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "re2", None)
    functions_module._compiled.cache_clear()
    yield
    functions_module._compiled.cache_clear()


@pytest.mark.usefixtures("without_re2")
def test_without_re2_matches_is_refused_and_never_done_by_another_engine() -> None:
    expression = parsed("x.matches('a')")
    found = expression.evaluate({"x": "a"})
    assert isinstance(found, ErrorValue)
    assert found.message.startswith("`matches()` needs google-re2")
    _, (finding,) = check(expression, {"x": STRING})
    assert finding.code == "LM416"
    assert "the fast extra" in finding.message
    assert "pip install 'leafmesh-nb[fast]'" in finding.hint
    assert (finding.span.column, finding.span.end_column) == (3, 10)
    again = parsed("x.matches('a') || x.matches('b') || [x].exists(y, y.matches('c'))")
    assert len(check(again, {"x": STRING})[1]) == 1


def test_numbers_written_out_stay_short() -> None:
    text = parsed("string(x)").evaluate({"x": Decimal("1e999")})
    assert len(text) == 1000
