"""What the description of the language says about expressions, sentence by sentence."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import leafmesh_nb.language.expressions as package
from leafmesh_nb.language import parse
from leafmesh_nb.language.expressions import (
    ErrorValue,
    Expression,
    check,
    parse_expression_text,
)
from leafmesh_nb.language.expressions.functions import FUNCTIONS, METHODS
from leafmesh_nb.language.expressions.parser import MACROS
from leafmesh_nb.language.types import ANY, MONEY, STRING, Type, object_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES: dict[str, Any] = {
    "a": {"b": 1, "none": None},
    "steps": {"pay": {"status": "skipped", "output": None}},
    "price": Decimal("12.50"),
    "float": 0.1,
    "l": [1, 2],
}
ERROR = object()

SENTENCES: list[tuple[str, list[tuple[str, Any]]]] = [
    ("Literals, lists, maps", [
        ("1", 1), ("1.5", Decimal("1.5")), ("'a'", "a"), ("true", True), ("null", None),
        ("[1, [2]]", [1, [2]]), ("{'a': {'b': 1}}", {"a": {"b": 1}}),
    ]),
    (". []", [("a.b", 1), ("a['b']", 1), ("l[1]", 2)]),
    ("! - * / % + < <= > >= == != in && || ?:", [
        ("!true", False), ("-l[0]", -1), ("2 * 3", 6), ("7 / 2", 3), ("7 % 2", 1), ("1 + 1", 2),
        ("1 < 2", True), ("2 <= 2", True), ("1 > 2", False), ("1 >= 2", False), ("1 == 1", True),
        ("1 != 1", False), ("1 in l", True), ("true && false", False), ("true || false", True),
        ("true ? 1 : 2", 1),
    ]),
    ("has(), size()", [("has(a.b)", True), ("has(a.x)", False), ("size(l)", 2)]),
    ("contains startsWith endsWith matches lower", [
        ("'abc'.contains('b')", True), ("'abc'.startsWith('a')", True),
        ("'abc'.endsWith('c')", True), ("'abc'.matches('^a.c$')", True), ("'ABC'.lower()", "abc"),
    ]),
    ("all exists exists_one filter map (bounded)", [
        ("l.all(x, x > 0)", True), ("l.exists(x, x > 1)", True), ("l.exists_one(x, x > 1)", True),
        ("l.filter(x, x > 1)", [2]), ("l.map(x, x * 2)", [2, 4]),
    ]),
    ("timestamp() duration() string() money() round() min() max() join() default()", [
        ("timestamp('2026-03-01T12:00:00Z')", NOW), ("duration('1h')", timedelta(hours=1)),
        ("string(1)", "1"), ("money('1.5')", Decimal("1.5")), ("round(1.5)", 2),
        ("min(1, 2)", 1), ("max(1, 2)", 2), ("join(['a', 'b'], '-')", "a-b"), ("default(x, 1)", 1),
    ]),
    ("default(x, y) (lazy) is y where x is null, missing or of a skipped step", [
        ("default(a.none, 5)", 5), ("default(a.x.y, 5)", 5), ("default(x, 5)", 5),
        ("default(steps.pay.output, 5)", 5), ("default(steps.pay.output.amount, 5)", 5),
        ("default(a.b, 5)", 1), ("default(a.b, 1 / 0)", 1), ("default(1 / 0, 5)", ERROR),
    ]),
    ("Decimal division keeps 34 digits, integer division truncates", [
        ("2.0 / 3", Decimal("0." + "6" * 33 + "7")), ("7 / 2", 3), ("-7 / 2", -3), ("7 / -2", -3),
    ]),
    ("numbers compare and add exactly across integer, decimal and money", [
        ("price + 1 == 13.5", True), ("1 + 0.1 + float == 1.2", True), ("price > 12", True),
        ("9007199254740993 == 9007199254740992.0", False),
    ]),
    ("a missing field or a type error is an error value", [
        ("a.x", ERROR), ("a.x == null", ERROR), ("a.x == a.x", ERROR), ("!a.x", ERROR),
        ("'a' + 1", ERROR), ("a.x ? 1 : 2", ERROR), ("[a.x]", ERROR), ("{'k': a.x}", ERROR),
    ]),
    ("error && false is false, as in CEL", [
        ("a.x && false", False), ("false && a.x", False), ("a.x || true", True),
        ("true || a.x", True), ("a.x && true", ERROR), ("a.x || false", ERROR),
    ]),
    ("now is the time of the event that caused the evaluation", [("now", NOW)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "text", "value"),
    [(sentence, text, value) for sentence, rows in SENTENCES for text, value in rows],
)
def test_a_sentence(sentence: str, text: str, value: Any) -> None:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), sentence
    found = expression.evaluate(NAMES, now=NOW)
    if value is ERROR:
        assert isinstance(found, ErrorValue), sentence
    else:
        assert (found, type(found)) == (value, type(value)), sentence


def test_there_is_nothing_but_what_is_listed() -> None:
    assert " ".join(sorted(FUNCTIONS)) == (
        "default duration join max min money round size string timestamp"
    )
    assert " ".join(sorted(METHODS)) == "contains endsWith join lower matches size startsWith"
    assert " ".join(sorted(MACROS)) == "all exists exists_one filter map"


def test_an_error_value_is_never_false_and_never_truthy() -> None:
    error = parse_expression_text("a.x")
    assert isinstance(error, Expression)
    value = error.evaluate(NAMES)
    for use in (bool, lambda v: v and 1, lambda v: not v):
        with pytest.raises(TypeError, match="neither true nor false"):
            use(value)


def test_matches_is_only_ever_done_by_re2() -> None:
    """No module of expressions matches a pattern of a mesh with Python's own `re`."""
    source = Path(str(package.__file__)).with_name("functions.py").read_text(encoding="utf-8")
    assert "import re\n" not in source
    assert 'import_module("re2")' in source


def test_there_is_no_io() -> None:
    """Nothing in the package of expressions opens, asks or waits: checked over what it imports."""
    banned = {"os", "io", "socket", "subprocess", "pathlib", "time", "random", "threading", "sys"}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        held = {v.__name__ for v in vars(module).values() if isinstance(v, ModuleType)}
        assert not held & banned, info.name
        assert "open(" not in Path(str(module.__file__)).read_text(encoding="utf-8")


def test_an_unknown_name_offers_the_text_itself_quoted_twice() -> None:
    for text in ("refund", "datetime", "amount"):
        expression = parse_expression_text(text)
        assert isinstance(expression, Expression)
        _, (finding,) = check(expression, {"input": object_of({"amount": MONEY})})
        assert finding.code == "LM310"
        assert f"ext itself is written `'\"{text}\"'`" in finding.hint


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("input.mail", "string"),
        ("'\"refund\"'", "string"),
        ("12.50", "number"),
        ("[input.mail, '\"a\"']", "{list: string}"),
        ("{a: input.mail, b: 1}", "{object: {a: string, b: integer}}"),
    ],
)
def test_a_text_is_an_expression_and_anything_else_is_itself(value: str, output: str) -> None:
    text = f"""\
mesh: desk
agents:
  clerk:
    role: Clerk
    kind: python
    capabilities:
      mail.read:
        input: {{given: {output}}}
        output: {{topic: string}}
workflows:
  read:
    input: {{mail: string}}
    steps:
      read:
        capability: mail.read
        with:
          given: {value}
"""
    assert parse(text, source="cell").diagnostics == ()


def test_it_is_checked_when_the_cell_runs_with_a_caret_under_the_wrong_part() -> None:
    expression = parse_expression_text("default(input.mail, '') == 5 && input.nail != ''")
    assert isinstance(expression, Expression)
    _, findings = check(expression, {"input": object_of({"mail": STRING.or_null()}), "now": ANY})
    text = expression.text
    under = [text[f.span.column - 1 : f.span.end_column - 1] for f in findings]
    assert under == ["default(input.mail, '') == 5", "nail"]


def test_now_is_never_the_clock() -> None:
    expression = parse_expression_text("now")
    assert isinstance(expression, Expression)
    assert isinstance(expression.evaluate({}), ErrorValue)
    assert check(expression, {"now": Type("datetime")}) == (Type("datetime"), [])
