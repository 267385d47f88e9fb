"""The page that users read about expressions: all it shows is run here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from leafmesh_nb.language import parse
from leafmesh_nb.language.expressions import (
    ErrorValue,
    Expression,
    Template,
    check,
    parse_expression_text,
    parse_template,
)
from leafmesh_nb.language.expressions.functions import FUNCTIONS, METHODS
from leafmesh_nb.language.expressions.parser import DEPTH, LENGTH, MACROS
from leafmesh_nb.language.expressions.template import LONGEST
from leafmesh_nb.language.expressions.values import COST_LIMIT
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    Type,
    object_of,
)

PAGE = files("leafmesh_nb").joinpath("docs", "expressions.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STATUS = Type("enum", values=("done", "skipped", "failed"))
TYPES = {
    "input": object_of({
        "ticket": STRING, "amount": MONEY, "count": INTEGER, "note": STRING.or_null(),
        "tier": Type("enum", values=("basic", "gold")), "tags": Type("list", items=STRING),
        "prices": Type("map", items=MONEY), "vip": BOOLEAN,
    }),
    "steps": object_of({
        "classify": object_of({
            "status": STATUS, "output": object_of({"category": STRING, "confidence": NUMBER}),
        }),
        "pay": object_of({"status": STATUS, "output": object_of({"amount": MONEY}).or_null()}),
    }),
    "memory": object_of({"limit": MONEY}),
    "now": Type("datetime"),
}  # fmt: skip


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


NAMES: dict[str, Any] = json.loads(block("json"), parse_float=Decimal)


def tables() -> Iterator[tuple[list[str], list[list[str]]]]:
    """The head and the rows of each table."""
    for found in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        rows = [
            [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in found.splitlines()
        ]
        yield rows[0], rows[2:]


def column(*heads: str) -> list[tuple[str, ...]]:
    """The cells under these heads, from every table that has them all."""
    return [
        tuple(row[head.index(name)] for name in heads)
        for head, rows in tables()
        if set(heads) <= set(head)
        for row in rows
    ]


def spans(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def value_of(text: str, names: dict[str, Any] = NAMES) -> Any:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), (text, expression)
    return expression.evaluate(names, now=NOW)


@pytest.mark.parametrize(("write", "gives"), column("write", "gives"))
def test_what_an_example_gives(write: str, gives: str) -> None:
    for text in spans(write):
        found = value_of(text)
        if gives.startswith("error: "):
            assert isinstance(found, ErrorValue)
            assert found.message == gives.removeprefix("error: ")
        elif gives.startswith("`") and gives.endswith("`"):
            expected = value_of(gives.strip("`"))
            assert (found, type(found)) == (expected, type(expected))
        else:
            assert not isinstance(found, ErrorValue)
        expression = parse_expression_text(text)
        assert isinstance(expression, Expression)
        findings = check(expression, TYPES)[1]
        never_equal = text == '"1" == 1'  # true of CEL, and refused when the cell runs
        errors = [f.code for f in findings if f.severity == "error"]
        assert errors == ["LM414"] * never_equal or gives.startswith("error: ")


@pytest.mark.parametrize(("write", "gives"), column("in a text", "gives"))
def test_what_a_text_gives(write: str, gives: str) -> None:
    (text,) = spans(write)
    found = parse_template(ScalarNode(text, "double", text, Span(1, 1, 1, 2)))
    assert isinstance(found, Template)
    assert found.render(NAMES, now=NOW) == gives.strip("`")


LOOSE = {
    "a": STRING, "b": Type("list", items=STRING), "x": Type("list", items=ANY), "test": BOOLEAN,
    "m": Type("map", items=ANY),
}  # fmt: skip


@pytest.mark.parametrize(("instead", "write"), column("instead of", "write"))
def test_what_is_not_here_is_refused_and_the_other_accepted(instead: str, write: str) -> None:
    for text in spans(instead):
        found = parse_expression_text(text)
        assert not isinstance(found, Expression) or check(found, LOOSE)[1], text
    for text in spans(write):
        found = parse_expression_text(text)
        assert isinstance(found, Expression), text
        anything = dict.fromkeys(LOOSE, ANY)
        assert {finding.code for finding in check(found, anything)[1]} <= {"LM404"}


def test_every_function_and_macro_has_an_example() -> None:
    shown = " ".join(write for (write,) in column("write"))
    for name in (*FUNCTIONS, "has"):
        assert f"{name}(" in shown
    for name in (*METHODS, *MACROS):
        assert f".{name}(" in shown or f".{name}(" in PAGE


def test_operators_are_in_the_order_of_the_grammar() -> None:
    """Each binds tighter than those of the next line: without brackets the first holds together."""
    for tight, loose, text in (
        ("!", "*", "!input.vip == true"),
        ("*", "+", "2 + 3 * 4 == 14"),
        ("+", "<", "1 + 1 < 1 + 2"),
        ("<", "&&", "1 < 2 && 2 < 3"),
        ("&&", "||", "true || false && false"),
        ("||", "?", "(false || true ? 1 : 2) == 1"),
    ):
        assert value_of(text) is True, (tight, loose)


def test_the_limits_are_those_of_the_code() -> None:
    limits = dict(column("what", "at most"))
    assert limits["length"] == f"{LENGTH:,} characters"
    assert limits["nesting"] == f"{DEPTH} levels"
    assert limits["cost of one evaluation"].startswith(f"{COST_LIMIT:,}:")
    assert limits["a text with `${…}`"] == f"{LONGEST:,} characters"
    too_long = value_of("'a'.matches(p)", {"p": "a" * 1001})
    assert too_long == ErrorValue("a pattern has at most 1,000 characters", too_long.span)
    assert limits["a pattern of `matches`"] == "1,000 characters"


def test_nothing_on_the_page_is_typeset_as_tex() -> None:
    """In a notebook, a pair of dollar signs outside of code would be a formula."""
    plain = re.sub(r"```.*?```|`[^`]*`", "", PAGE, flags=re.DOTALL)
    assert "$" not in plain


# -- the names of each place

MESH = """\
mesh: desk
memory: {{limit: money}}
people:
  lead: {{roles: [approver]}}
tools:
  pay_out:
    python: "shop:pay_out"
    side_effect: true
    input: {{amount: money}}
    output: {{receipt: string}}
agents:
  clerk:
    role: Clerk
    kind: python
    capabilities:
      mail.answer:
        input: {{ticket: string, amount: money}}
        output: {{answer: string, amount: money}}
    tools: [pay_out]
    memory: {{read: [limit], write: [limit]}}
policies:
  checked:
    at: {at}
    rules:
      - {{id: first, when: '{rule}', then: approve}}
    default: deny
workflows:
  answer:
    input: {{ticket: string, amount: money, tier: {{enum: [basic, gold]}}, parts: {{list: string}}}}
    steps:
      pay:
        capability: mail.answer
        when: input.amount > 1
        with: {{ticket: input.ticket, amount: input.amount}}
      reply:
        capability: mail.answer
{step}
"""
STEP = "with: {ticket: input.ticket, amount: input.amount}"
PLACES = {
    "`with`, `when`, `let`, `output`": ["when: default({}, null) == null"],
    "inside `for_each`": ["for_each: {{in: input.parts, max: 3}}", "when: default({}, 1) == null"],
    "inside `repeat`": [
        "repeat: {{until: output.answer != previous.answer, max: 3}}",
        "when: default({}, null) == null",
    ],
    "`save`, `until`": ['save: {{limit: "default({}, null) == null ? 1 : 2"}}'],
}
POINTS = ("route", "call", "tool", "output", "memory", "end")


def told_of_names(at: str = "tool", rule: str = "true", step: str = "") -> set[str]:
    """The codes about names that a mesh with these parts is told."""
    text = MESH.format(at=at, rule=rule, step=step or f"        {STEP}")
    found = {diagnostic.code for diagnostic in parse(text, source="page").diagnostics}
    return found & {"LM310", "LM311"}


def rows_of_names() -> dict[str, list[str]]:
    """The names of each place, with those that it has from the row before."""
    found: dict[str, list[str]] = {}
    for place, names in column("place", "names"):
        own = [name for cell in spans(names) for name in cell.split()]
        if names.startswith("the same"):
            own += found["`with`, `when`, `let`, `output`"]
        if names.startswith("and"):
            own += found["every policy"]
        found[place] = own
    return found


@pytest.mark.parametrize("place", PLACES)
def test_the_names_of_a_step(place: str) -> None:
    *around, own = PLACES[place]
    everything = {name for names in rows_of_names().values() for name in names}
    for name in everything:
        lines = [*(line.format() for line in around), own.format(name), STEP]
        step = "\n".join(f"        {line}" for line in lines)
        known = name in rows_of_names()[place]
        assert bool(told_of_names(step=step)) is not known, (place, name)


@pytest.mark.parametrize("at", POINTS)
def test_the_names_of_a_policy(at: str) -> None:
    rows = rows_of_names()
    own = [names for place, names in rows.items() if f"`{at}`" in place and "policy" in place]
    (known,) = own
    for name in {name for names in rows.values() for name in names}:
        told = told_of_names(at=at, rule=f"default({name}, null) == null")
        assert bool(told) is (name not in known), (at, name, told)


def test_the_lines_of_a_step_are_good() -> None:
    lines = "\n".join(f"        {line}" for line in block("yaml").split("\n"))
    found = parse(MESH.format(at="tool", rule="true", step=lines), source="page").diagnostics
    assert [d for d in found if d.severity == "error"] == []
