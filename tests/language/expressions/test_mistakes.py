"""What is said about a text that is not an expression, and where the caret stands."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import leafmesh_nb.language.expressions as package
from leafmesh_nb.language.expressions import parse_expression_text
from leafmesh_nb.language.expressions.finding import CODES

# text, code, what the caret stands under, message, hint
MISTAKES = [
    # operators and words of other languages
    ("a = b", "LM114", "=", "`=` does not compare", "write `==`"),
    ("a === b", "LM114", "===", "`===` is not an operator", "write `==`"),
    ("a !== b", "LM114", "!==", "`!==` is not an operator", "write `!=`"),
    ("a <> b", "LM114", "<>", "`<>` is not an operator", "write `!=`"),
    ("a => b", "LM114", "=>", "`=>` is not an operator", "write `>=`"),
    ("a =< b", "LM114", "=<", "`=<` is not an operator", "write `<=`"),
    ("a & b", "LM114", "&", "`&` is not an operator", "write `&&`"),
    ("a | b", "LM114", "|", "`|` is not an operator", "write `||`"),
    ("a ** 2", "LM114", "**", "there is no power operator", "multiply, as in `x * x`"),
    ("a ?? b", "LM114", "??", "`??` is not an operator", "write `default(x, y)`"),
    ("a?.b", "LM114", "?.", "`?.` is not an operator", "write `default(a.b, y)`"),
    ("a; b", "LM114", ";", "`;` has no meaning here", "one expression, without an end mark"),
    ("a > $5", "LM114", "$", "`$` has no meaning here", "money is a plain number, as in `100.00`"),
    ("${a}", "LM114", "${", "`${…}` is for templates", "write the expression without it"),
    ("a and b", "LM114", "and", "`and` is not an operator", "write `&&`"),
    ("a AND b", "LM114", "AND", "`AND` is not an operator", "write `&&`"),
    ("(a or b)", "LM114", "or", "`or` is not an operator", "write `||`"),
    ("not a", "LM114", "not", "`not` is not an operator", "write `!`, as in `!(x in y)`"),
    ("a && not b", "LM114", "not", "`not` is not an operator", "write `!`, as in `!(x in y)`"),
    ("a not in b", "LM114", "not", "`not` is not an operator", "write `!`, as in `!(x in y)`"),
    ("a is null", "LM114", "is", "`is` is not an operator", "write `==`"),
    ("a if b else c", "LM114", "if", "`if` has no meaning here", "write `b ? a : c`"),
    ("if a then b", "LM114", "if", "`if` has no meaning here", "write `test ? a : b`"),
    ("a == “x”", "LM114", "“", "this is a typographic quote", "write `\"` or `'`"),
    # values of other languages
    ("a == True", "LM115", "True", "`True` is not a value here", "write `true`"),
    ("None", "LM115", "None", "`None` is not a value here", "write `null`"),
    ("f(x, undefined)", "LM115", "undefined", "`undefined` is not a value here", "write `null`"),
    (
        "a > 2026-01-31", "LM115", "2026-01-31", "`2026-01-31` is a subtraction, not a date",
        'write `"2026-01-31"`, or `timestamp("2026-01-31T00:00:00Z")` for the time',
    ),
    # numbers and texts
    ("20s", "LM117", "20s", "`20s` is not a number", 'write `duration("20s")`'),
    ("a > 1h30m", "LM117", "1h30m", "`1h30m` is not a number", 'write `duration("1h30m")`'),
    ("0x1F", "LM117", "0x1F", "`0x1F` is not a number", "write `31`"),
    ("1.2.3", "LM117", "1.2.3", "`1.2.3` is not a number", ""),
    ("5u", "LM117", "5u", "`5u` is not a number", ""),
    ("9223372036854775808", "LM117", "9223372036854775808",
     "this integer does not fit 64 bits", ""),
    ("1e1000 > a", "LM117", "1e1000", "this number is out of bounds", ""),
    (r"a == 'x\qy'", "LM117", r"\q", r"`\q` is not an escape", ""),
    (r"'\ud800'", "LM117", r"\ud800", r"`\ud800` is not a character", ""),
    (r"'\UFFFFFFFF'", "LM117", r"\UFFFFFFFF", r"`\UFFFFFFFF` is not a character", ""),
    (r"'\x4'", "LM117", r"\x", r"`\x` is not an escape", ""),
    ("a == 'it's'", "LM110", "s", "`s` is not expected here; an operator is",
     r"a `'` inside the text is written `\'`"),
    ("a == 'never", "LM111", "'", "this text is never closed",
     r"end it with `'` (inside it, write `\'`)"),
    ('a == "line\nbreak"', "LM111", '"', "this text is never closed",
     r'end it with `"` (inside it, write `\"`)'),
    ("12:30", "LM110", ":", "`:` is not expected here; an operator is",
     "a time of day is a text: `'\"12:30\"'`"),
    # brackets
    ("(a > 1", "LM112", "(", "this `(` is never closed", "a `)` is missing"),
    ("size(a[0)", "LM112", ")", "`)` does not close the `[` before it", "a `]` is missing"),
    ("a > 1)", "LM112", ")", "there is no `(` for this `)`", ""),
    ("[1, 2", "LM112", "[", "this `[` is never closed", "a `]` is missing"),
    ("f({'a': 1)", "LM112", ")", "`)` does not close the `{` before it", "a `}` is missing"),
    ("'(' + (a", "LM112", "(", "this `(` is never closed", "a `)` is missing"),
    # what is missing, or too much
    ("", "LM113", "", "an expression is missing here", ""),
    ("  ", "LM113", "  ", "an expression is missing here", ""),
    ("a >", "LM113", "", "the expression ends too early: a value is expected after `>`", ""),
    ("a ? b", "LM113", "?", "this `?` has no `:`", "write `test ? a : b`"),
    ("a.", "LM113", "", "the expression ends too early: a field's name is expected after `.`", ""),
    ("a..b", "LM110", ".", "`.` is not expected here; a field's name is", ""),
    ("a.1", "LM110", ".1", "`.1` is not expected here; an operator is",
     "an item of a list is written `a[1]`"),
    ("a && || b", "LM110", "||", "`||` is not expected here; a value is", ""),
    ("f(,)", "LM110", ",", "`,` is not expected here; a value is", ""),
    ("f(a b)", "LM110", "b", "`b` is not expected here; an operator or `)` is", ""),
    ("a @ b", "LM114", "@", "`@` has no meaning here", ""),
    ("a \\ b", "LM110", "\\", "`\\` is not expected here; an operator is", ""),
    ("café > 1", "LM110", "café", "`café` is not a name: names are made of a-z, 0-9 and _", ""),
    ("a b", "LM110", "b",
     "`b` is not expected here: this reads like a text, not like an expression",
     "a literal text is quoted twice: `'\"a b\"'`"),
    ("The customer is angry.", "LM110", "customer",
     "`customer` is not expected here: this reads like a text, not like an expression",
     "a literal text is quoted twice: `'\"The customer is angry.\"'`"),
    # macros and has
    ("has(a)", "LM119", "has(a)", "`has()` asks for a field, as in `has(input.amount)`", ""),
    ("has(a.b, c)", "LM119", "has(a.b, c)", "`has()` asks for a field, as in `has(input.amount)`",
     ""),
    ("x.all(1 > 2)", "LM119", "x.all(1 > 2)",
     "`all()` takes a variable and an expression over it",
     "as in `items.all(x, x > 2)`"),
    ("x.map(a.b, 1)", "LM119", "x.map(a.b, 1)",
     "`map()` takes a variable and an expression over it",
     "as in `items.map(x, x * 2)`"),
    # placeholders
    ("{{limit}} > 3", "LM116", "{{limit}}", "`{{limit}}` was not filled in",
     "{{name}} takes a Python variable in a notebook cell; elsewhere write the value"),
    ("a > {{ the.limit }}", "LM116", "{{ the.limit }}", "`{{ the.limit }}` was not filled in",
     "{{name}} takes a Python variable in a notebook cell; elsewhere write the value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "under", "message", "hint"), MISTAKES)
def test_mistake(text: str, code: str, under: str, message: str, hint: str) -> None:
    findings = parse_expression_text(text)
    assert isinstance(findings, list)
    (finding,) = findings
    assert finding.code == code
    assert finding.message == message
    assert finding.hint == hint
    assert finding.severity == "error"
    span = finding.span
    assert span.line == 1
    if under:
        assert text[span.column - 1 : span.end_column - 1] == under
    else:
        assert (span.column, span.end_column) == (len(text) + 1, len(text) + 2)


def test_the_caret_stands_in_the_right_line() -> None:
    (finding,) = parse_expression_text("a > 1 &&\n  b = 2")
    assert finding.span.line == 2
    assert (finding.span.column, finding.span.end_column) == (5, 6)


@pytest.mark.parametrize(
    "text",
    [
        "x.and",
        "x.not.or",
        "a - 1 - 2",
        "2026 - 1 - 1",
        "is_new",
        "notes > 1",
        "x.in",
        "info",
        "a--b",
        "[-1]",
        "index",
        "x in inner",
        "x in[1]",
        "true_flag",
        "nullable > 1",
        "falsey",
        "x.true",
        "x.null.false",
    ],
)
def test_what_only_looks_like_a_mistake_is_none(text: str) -> None:
    assert not isinstance(parse_expression_text(text), list)


def test_every_code_is_explained() -> None:
    folder = Path(inspect.getfile(package)).parent
    used = {
        code for file in folder.glob("*.py") if file.name != "finding.py"
        for code in re.findall(r'"(LM\d{3})"', file.read_text("utf-8"))
    }  # fmt: skip
    assert used == set(CODES)
