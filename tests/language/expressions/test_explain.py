"""Explanations: the values behind a value."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.expressions import (
    ErrorValue,
    Explanation,
    Expression,
    parse_expression,
    parse_expression_text,
)
from leafmesh_nb.language.nodes import Entry, MappingNode, ScalarNode, Span

NAMES: dict[str, Any] = {
    "tool": {"name": "pay", "arguments": {"amount": Decimal("620.00")}},
    "input": {"ticket": "Charged twice", "tags": ["a", "b"]},
    "steps": {"pay": {"output": None}},
    "long": "x" * 500,
    "many": list(range(100)),
}


def explain(text: str) -> Explanation:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression)
    explanation = expression.explain(NAMES)
    value = expression.evaluate(NAMES)
    assert explanation.value == value
    return explanation


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("tool.arguments.amount > 100",
         [("tool.arguments.amount", Decimal("620.00")), ("tool.arguments.amount > 100", True)]),
        ("tool.arguments.amount > 1000 && tool.name == 'pay'",
         [("tool.arguments.amount", Decimal("620.00")), ("tool.arguments.amount > 1000", False)]),
        ("tool.name == 'pay' || tool.arguments.amount > 1000",
         [("tool.name", "pay"), ("tool.name == 'pay'", True)]),
        ("tool.name == 'x' ? input.ticket : input.tags",
         [("tool.name", "pay"), ("tool.name == 'x'", False), ("input.tags", ["a", "b"])]),
        ("size(input.tags) + 1 > 2",
         [("size(input.tags)", 2), ("size(input.tags) + 1", 3), ("size(input.tags) + 1 > 2", True),
          ("input.tags", ["a", "b"])]),
        ("(tool.name == 'x' || !(tool.name == 'y')) && -tool.arguments.amount * 2 < 0",
         [("(tool.name == 'x' || !(tool.name == 'y'))", True), ("tool.name", "pay"),
          ("tool.name == 'x'", False), ("!(tool.name == 'y')", True), ("(tool.name == 'y')", False),
          ("tool.name", "pay"), ("-tool.arguments.amount", Decimal("-620.00")),
          ("-tool.arguments.amount * 2", Decimal("-1240.00")),
          ("-tool.arguments.amount * 2 < 0", True), ("tool.arguments.amount", Decimal("620.00"))]),
        ("(tool.name == 'pay' ? 1 : 2) + 1 == 2",
         [("(tool.name == 'pay' ? 1 : 2)", 1), ("(tool.name == 'pay' ? 1 : 2) + 1", 2),
          ("(tool.name == 'pay' ? 1 : 2) + 1 == 2", True), ("tool.name", "pay"),
          ("tool.name == 'pay'", True)]),
        ("tool.arguments.amount * 2", [("tool.arguments.amount", Decimal("620.00"))]),
        ("input.tags.all(t, t != 'c')",
         [("input.tags", ["a", "b"]), ("input.tags.all(t, t != 'c')", True)]),
        ("'a' in input.tags", [("'a' in input.tags", True), ("input.tags", ["a", "b"])]),
        ("has(steps.pay.output.amount)", [("has(steps.pay.output.amount)", False)]),
        ("1 < 2", [("1 < 2", True)]),
        ("true", []),
    ],
)  # fmt: skip
def test_parts_in_source_order(text: str, parts: list[tuple[str, Any]]) -> None:
    assert [(part.text, part.value) for part in explain(text).parts] == parts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tool.arguments.amount > 100", "tool.arguments.amount 620.00 > 100"),
        ("tool.arguments.amount > 1000 && tool.name == 'x'",
         "tool.arguments.amount 620.00 > 1000 && tool.name == 'x'"),
        ("input.ticket.contains('twice')", "input.ticket \"Charged twice\".contains('twice') true"),
        ("default(steps.pay.output.amount, 0) > 1",
         "default(steps.pay.output.amount (`steps.pay.output` is null: it has no `amount`), 0) 0"
         " > 1"),
        ("size(many)",
         "size(many [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, …) 100"),
        ("1 / 0 > size(long)", "1 / 0 > size(long)"),
    ],
)  # fmt: skip
def test_text_shows_each_value_after_its_name(text: str, shown: str) -> None:
    assert explain(text).text == shown


def test_what_failed_is_a_part_with_its_error() -> None:
    explanation = explain("steps.pay.output.amount > 1 || tool.name == 'x'")
    assert isinstance(explanation.value, ErrorValue)
    first = explanation.parts[0]
    assert first.text == "steps.pay.output.amount"
    assert first.value == ErrorValue(
        "`steps.pay.output` is null: it has no `amount`", Span(1, 1, 1, 24)
    )


def test_parts_say_what_they_read_so_that_views_can_mask() -> None:
    explanation = explain("input.ticket.lower() == tool.name")
    masked = tuple(
        replace(part, value="•••") if ("input", "ticket") in part.reads and part.operand else part
        for part in explanation.parts
    )
    assert replace(explanation, parts=masked).text == (
        'input.ticket "•••".lower() "•••" == tool.name "pay"'
    )


def test_parts_of_a_map_stand_in_its_text() -> None:
    def scalar(text: str, line: int) -> ScalarNode:
        return ScalarNode(text, "plain", text, Span(line, 1, line, 9))

    entries = (
        Entry(scalar("amount", 1), scalar("tool.arguments.amount * 2", 1)),
        Entry(scalar("who", 2), scalar("tool.name", 2)),
    )
    expression = parse_expression(MappingNode(entries, Span(1, 1, 3, 1)))
    assert isinstance(expression, Expression)
    explanation = expression.explain(NAMES)
    assert explanation.text == '{amount: tool.arguments.amount 620.00 * 2, who: tool.name "pay"}'
    assert [part.text for part in explanation.parts] == [
        "tool.arguments.amount",
        "tool.arguments.amount * 2",
        "tool.name",
    ]
