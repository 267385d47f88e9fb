"""Whatever the text and whatever the names: findings or a value, never an exception."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leafmesh_nb.language.expressions import (
    ErrorValue,
    Expression,
    Finding,
    Template,
    check,
    parse_expression_text,
    parse_template,
)
from leafmesh_nb.language.expressions import expression as expression_module
from leafmesh_nb.language.expressions import parser as parser_module
from leafmesh_nb.language.expressions.ast import (
    Binary,
    Call,
    Chain,
    Comprehension,
    Conditional,
    Constant,
    Has,
    Index,
    ListOf,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
    children,
)
from leafmesh_nb.language.expressions.parser import DEPTH, LENGTH
from leafmesh_nb.language.expressions.values import written
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.types import ANY, BOOLEAN, INTEGER, MONEY, STRING, Type, object_of

PIECES = [
    "a", "b", "x", "a.b", "a.b.c", "now", "1", "0", "2.5", "1e3", "'t'", '"u"', "r'\\d'", "true",
    "null", "[", "]", "(", ")", "{", "}", ",", ":", "?", ".", "!", "-", "+", "*", "/", "%", "<",
    "<=", "==", "!=", "&&", "||", "in", " ", "\n", "=", "and", "not", "has(", "size(", "default(",
    "timestamp('2026-03-01T00:00:00Z')", "duration('1h')", "string(", "money(", "round(", "max(",
    ".all(x,", ".map(x,", ".filter(x,", ".contains(", ".matches(", ".lower()", "join(", "[0]",
    "${", "}}", "{{", "'", '"', "\\", "é", "\x00", "True", "$",
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
)

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
    st.binary(max_size=3),
    st.just(ErrorValue("before")),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", "c", "x"]), inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(), st.none()), inner, max_size=2),
    ),
    max_leaves=12,
)
names_strategy = st.dictionaries(st.sampled_from(["a", "b", "x", "now"]), values, max_size=4)

ENVIRONMENT = {
    "a": object_of({"b": object_of({"c": MONEY.or_null()}).or_null()}),
    "b": Type("list", items=STRING),
    "x": Type("enum", values=("t", "u")),
    "now": Type("datetime"),
}
# Well formed, so that most of them reach the evaluation.
WORKING = [
    "a", "a == b", "a < b", "a + b", "a - b", "a * b", "a / b", "a % b", "-a", "!a", "a && b",
    "a || b", "a ? b : x", "a in b", "a[b]", "a.b", "a.b.c", "a['x']", "a[0]", "has(a.b)",
    "size(a)", "default(a.b, b)", "string(a)", "money(a)", "round(a)", "round(a, b)", "round(a, 2)",
    "min(a, b)", "max(a)", "join(a, b)", "join(a)", "timestamp(a)", "duration(a)", "a.lower()",
    "a.contains(b)", "a.startsWith(b)", "a.endsWith(b)", "a.matches(b)", "a.size()",
    "a.all(x, x == b)", "a.exists(x, x < b)", "a.exists_one(x, x)", "a.filter(x, x != b)",
    "a.map(x, x + b)", "a.map(x, has(x.a), x.a)", "{'k': a, b: x}", "[a, b] + x", "now - a",
    "now < a", "a == b || a != b", "a.b.c > 1 && b.a.c < 2.5", "(a + b) * x / (a - b)",
]  # fmt: skip


@given(texts)
@settings(max_examples=400)
def test_any_text_parses_or_is_told_what_is_wrong(text: str) -> None:
    found = parse_expression_text(text)
    if isinstance(found, Expression):
        assert found.text == text
        kind, findings = check(found, ENVIRONMENT)
        assert isinstance(kind, Type)
    else:
        assert len(found) == 1
        findings = found
    lines = text.split("\n")
    for finding in findings:
        assert isinstance(finding, Finding)
        assert finding.message
        assert 1 <= finding.span.line <= len(lines)
        assert 1 <= finding.span.column <= len(lines[finding.span.line - 1]) + 1
        start = (finding.span.line, finding.span.column)
        assert start < (finding.span.end_line, finding.span.end_column)


long_texts = st.one_of(
    st.lists(st.sampled_from([*PIECES, " if ", " else ", "{{", "  " * 40]), max_size=900).map(
        lambda pieces: "".join(pieces)[:LENGTH]
    ),
    st.tuples(st.sampled_from(PIECES), st.sampled_from(PIECES), st.sampled_from(PIECES)).map(
        lambda pieces: (pieces[0] + pieces[1] * LENGTH + pieces[2])[:LENGTH]
    ),
)


@given(long_texts)
@settings(max_examples=60)
def test_the_longest_texts_are_read_or_refused_soon(text: str) -> None:
    began = time.process_time()
    found = parse_expression_text(text)
    assert time.process_time() - began < 1
    if isinstance(found, list):
        (finding,) = found
        assert len(finding.message) < 600
        assert len(finding.hint) < LENGTH + 200


@given(st.integers(0, 2**32), st.integers(0, 5))
@settings(max_examples=300)
def test_what_is_printed_reads_as_the_same(writing: ModuleType, seed: int, depth: int) -> None:
    """Every part in brackets: so precedence and every spelling of a constant are read rightly."""
    found = parse_expression_text(writing.Writer(seed).any_of(depth))
    assert isinstance(found, Expression)
    again = parse_expression_text(printed(found.node))
    assert isinstance(again, Expression), printed(found.node)
    assert shape(again.node) == shape(found.node)
    for node in nodes(found.node):
        assert 0 <= node.start < node.end <= len(found.text)
        for part in children(node):
            assert node.start <= part.start <= part.end <= node.end
            assert part.depth < node.depth


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for part in children(node):
        yield from nodes(part)


def printed(node: Node) -> str:
    """A text of a tree, with brackets around every part."""
    match node:
        case Constant(value=str() as text):
            return json.dumps(text, ensure_ascii=False)
        case Constant(value=value):
            return written(value) if not isinstance(value, Decimal) else f"({value!s})"
        case Name():
            return node.name
        case Select():
            return f"({printed(node.operand)}).{node.name}"
        case Index():
            return f"({printed(node.operand)})[{printed(node.key)}]"
        case Has():
            return f"has({printed(node.target)})"
        case Call():
            arguments = ", ".join(map(printed, node.arguments))
            before = "" if node.receiver is None else f"({printed(node.receiver)})."
            return f"{before}{node.name}({arguments})"
        case Comprehension():
            bodies = [printed(part) for part in (node.condition, node.result) if part is not None]
            return f"({printed(node.over)}).{node.kind}({', '.join([node.variable, *bodies])})"
        case Unary():
            return f"({node.operator}({printed(node.operand)}))"
        case Binary():
            return f"({printed(node.left)} {node.operator} {printed(node.right)})"
        case Chain():
            signs = (*node.operators, "")
            pairs = zip(node.operands, signs, strict=True)
            return f"({' '.join(f'{printed(part)} {sign}' for part, sign in pairs)})"
        case Logic():
            return f"({f' {node.operator} '.join(f'({printed(term)})' for term in node.terms)})"
        case Conditional():
            parts = (printed(node.test), printed(node.then), printed(node.otherwise))
            return "(({}) ? ({}) : ({}))".format(*parts)
        case ListOf():
            return f"[{', '.join(map(printed, node.items))}]"
        case MapOf():
            pairs = (f"{printed(key)}: {printed(value)}" for key, value in node.entries)
            return f"{{{', '.join(pairs)}}}"
        case _:
            raise AssertionError(type(node).__name__)


def shape(node: Node) -> Any:
    """A tree without its places."""
    own = tuple(
        (field.name, getattr(node, field.name))
        for field in fields(node)
        if field.name in ("value", "name", "kind", "variable", "operator")
    )
    return type(node).__name__, repr(own), [shape(part) for part in children(node)]


NESTED = {
    "[": ("[", "1", "]"),
    "{": ("{'a': ", "1", "}"),
    "!": ("!", "t", ""),
    "-": ("-", "x", ""),
    ".": ("", "x", ".a"),
    "[0]": ("", "x", "[0]"),
    "x[x[": ("x[", "0", "]"),
    "+": ("1 + (", "1", ")"),
    "<": ("", "1", " < 1"),
    "in": ("", "1", " in x"),
    "f(": ("size(", "x", ")"),
    ".f(": ("", "x", ".lower()"),
    "all": ("x.all(y, ", "t", ")"),
    "? then": ("t ? (", "1", ") : 2"),
    "? else": ("t ? 2 : ", "1", ""),
    "&&": ("t && (f || ", "t", ")"),
}


@pytest.mark.parametrize("kind", NESTED)
def test_depth_is_exact_for_each_kind_of_nesting(kind: str) -> None:
    before, core, after = NESTED[kind]
    levels = 2 if kind == "&&" else 1

    def nested(depth: int) -> str:
        return before * (depth // levels) + core + after * (depth // levels)

    deepest = parse_expression_text(nested(DEPTH - 1 if levels == 1 else DEPTH - 2))
    assert isinstance(deepest, Expression)
    assert deepest.node.depth == (DEPTH if levels == 1 else DEPTH - 1)
    (finding,) = parse_expression_text(nested(DEPTH))
    assert (finding.code, finding.message) == (
        "LM118",
        f"this expression is nested deeper than {DEPTH} levels",
    )


@given(st.sampled_from(["x", "'é'", "1 + 1", "[1]"]), st.sampled_from(" \n\t"))
def test_length_is_exact(text: str, blank: str) -> None:
    assert isinstance(parse_expression_text(text.ljust(LENGTH, blank)), Expression)
    (finding,) = parse_expression_text(text.ljust(LENGTH + 1, blank))
    assert finding.code == "LM118"


@given(texts, names_strategy)
@settings(max_examples=200)
def test_any_names_give_a_value_or_an_error(text: str, names: dict[str, Any]) -> None:
    found = parse_expression_text(text)
    if isinstance(found, Expression):
        evaluated(found, names)


@given(st.sampled_from(WORKING), names_strategy)
@settings(max_examples=400)
def test_any_values_under_any_operator(text: str, names: dict[str, Any]) -> None:
    found = parse_expression_text(text)
    assert isinstance(found, Expression)
    evaluated(found, names)


def evaluated(expression: Expression, names: dict[str, Any]) -> None:
    """Evaluate in each way; nothing may fall through to the net for foreign exceptions."""
    value = expression.evaluate(names)
    if isinstance(value, ErrorValue):
        assert "could not be read" not in value.message
    else:
        assert value is None or isinstance(
            value, bool | int | Decimal | str | date | timedelta | list | tuple | dict
        )
    explanation = expression.explain(names)
    assert repr(explanation.value) == repr(value)
    assert isinstance(explanation.text, str)


@given(texts, names_strategy)
@settings(max_examples=150)
def test_any_template_renders_or_is_told_what_is_wrong(text: str, names: dict[str, Any]) -> None:
    node = ScalarNode(text, "double", text, Span(1, 1, 1, 2))
    found = parse_template(node)
    if isinstance(found, Template):
        assert isinstance(found.render(names), str | ErrorValue)
        check(found, ENVIRONMENT)
    else:
        assert found


@given(st.sampled_from(WORKING), names_strategy)
@settings(max_examples=200)
def test_what_checks_without_findings_fails_only_for_its_values(
    text: str, names: dict[str, Any]
) -> None:
    """A checked expression over values of the declared types never has a type error."""
    found = parse_expression_text(text)
    assert isinstance(found, Expression)
    environment = {"a": INTEGER, "b": STRING, "x": BOOLEAN, "now": Type("datetime")}
    kind, findings = check(found, environment)
    if findings:
        return
    value = found.evaluate(
        {"a": 3, "b": names.get("b") if isinstance(names.get("b"), str) else "t", "x": True},
        now=datetime(2026, 3, 1, tzinfo=UTC),
    )
    if isinstance(value, ErrorValue):
        assert not any(
            words in value.message for words in ("does not take", "no order", "needs", "no fields")
        ), (text, value)
    elif kind != ANY:
        expected = {"integer": int, "string": str, "boolean": bool, "enum": str}.get(kind.kind)
        assert expected is None or isinstance(value, expected), (text, kind, value)


def test_the_net_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    found = parse_expression_text("a")
    assert isinstance(found, Expression)

    def burst(*_: Any) -> Any:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(expression_module, "compile_node", lambda *_: burst)
    assert found.evaluate({}) == ErrorValue(
        "a value could not be read (ZeroDivisionError)", found.span
    )


def test_many_threads_share_one_parser_and_one_expression() -> None:
    parser_module.parse.cache_clear()
    parser_module._parser.cache_clear()
    start = threading.Barrier(8)
    shared = parse_expression_text("n.l.map(x, n.l.filter(y, y <= x).size()) == n.expected")
    assert isinstance(shared, Expression)
    parser_module._parser.cache_clear()

    def work(number: int) -> bool:
        start.wait()
        for round_ in range(60):
            own = parse_expression_text(f"n.l.exists(x, x == {number}) && {round_} >= 0")
            assert isinstance(own, Expression)
            assert own.evaluate({"n": {"l": [number]}}) is True
            names = {"n": {"l": list(range(number)), "expected": list(range(1, number + 1))}}
            assert shared.evaluate(names) is True
            assert shared.explain(names).value is True
            bad = parse_expression_text(f"n = {number}")
            assert isinstance(bad, list)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
