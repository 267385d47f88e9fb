"""Where YAML would eat an expression, the hint shows the same line, quoted — and it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.quoting import quote
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

CASES = [
    ("when: !x", 'when: "!x"'),
    ("when: !has(steps.a.output)", 'when: "!has(steps.a.output)"'),
    ("when: !(a && b)", 'when: "!(a && b)"'),
    ("when: !a.ok && b.ok", 'when: "!a.ok && b.ok"'),
    ("when: &a", 'when: "&a"'),
    ("when: *a > 3", 'when: "*a > 3"'),
    ("when: x ? b : c", 'when: "x ? b : c"'),
    ("when: {a: 1}.b ? c : d", "when: \"{a: 1}.b ? c : d\""),
    ('when: "a" == b', "when: '\"a\" == b'"),
    ("when: 'a' == b", "when: \"'a' == b\""),
    ('when: ["a"] == b', "when: '[\"a\"] == b'"),
    ("when: > 3", 'when: "> 3"'),
    ("when: || b", 'when: "|| b"'),
    ("when: @x", 'when: "@x"'),
    ("when: %x", 'when: "%x"'),
    ("when: `x`", 'when: "`x`"'),
    ("{when: !x, then: y}", '{when: "!x", then: y}'),
    ("{when: x ? b : c, then: y}", '{when: "x ? b : c", then: y}'),
    ('{then: y, when: x["b"] > 1}', "{then: y, when: 'x[\"b\"] > 1'}"),
    ("{when: min(a, 3) > 1}", '{when: "min(a, 3) > 1"}'),
    ("{when: x.filter(i, i > 1).size() > 0, then: y}",
     '{when: "x.filter(i, i > 1).size() > 0", then: y}'),
    ("{then: y, when: default(a, b ? c : d)}", '{then: y, when: "default(a, b ? c : d)"}'),
    ("{when: max(a, min(b, c)), then: y}", '{when: "max(a, min(b, c))", then: y}'),
]  # fmt: skip


def errors(text: str) -> list[Any]:
    collector = Collector(Source(text))
    read(collector.source, collector)
    return [d for d in collector.finish() if d.severity == "error"]


@pytest.mark.parametrize(("written", "quoted"), CASES)
@pytest.mark.parametrize("indent", ["", "    "])
def test_the_hint_shows_the_line_quoted(written: str, quoted: str, indent: str) -> None:
    before = "a:\n  b:\n" if indent else ""
    found = errors(f"{before}{indent}{written}\n")
    assert len(found) == 1, [str(d) for d in found]
    assert found[0].hint.split("\n")[-1].strip() == quoted
    assert found[0].code in ("LM109", "LM120", "LM125")
    assert found[0].span.line == (3 if indent else 1)
    assert errors(f"{before}{indent}{quoted}\n") == []


@pytest.mark.parametrize(
    "fine",
    [
        'when: a.b == "c"',
        'when: x["a"] > min(1, 2)',
        "{when: a > 1, then: b}",
        "{text: a (remark) here, b: c}",
        "[a, b (c), d]",
        "text: 5 o'clock #not a comment",
        "text: a smile :( and more",
    ],
)
def test_what_yaml_leaves_whole_is_left_alone(fine: str) -> None:
    assert errors(fine) == []


def test_a_comment_that_cuts_an_expression(changed: Callable[..., Any]) -> None:
    told = changed(
        'when: steps.classify.output.category == "refund"',
        'when: input.ticket.contains("a #1")',
    )
    (found,) = told.diagnostics
    assert "when: 'input.ticket.contains(\"a #1\")'" in found.hint
    assert found.span.line == 110


def test_a_comment_after_a_whole_expression_is_a_comment(changed: Callable[..., Any]) -> None:
    told = changed('== "refund"', '== "refund"  # the rest is for others')
    assert told.diagnostics == ()


def test_a_list_of_expressions_that_commas_cut(refunds: str) -> None:
    text = refunds.replace(
        "      paid: default(steps.pay.output.amount, 0)",
        "      paid: [default(steps.pay.output.amount, 0), 1]",
    )
    (found,) = parse(text).diagnostics
    assert found.code == "LM125"
    assert 'paid: ["default(steps.pay.output.amount, 0)", 1]' in found.hint
    fixed = text.replace(
        "[default(steps.pay.output.amount, 0), 1]", '["default(steps.pay.output.amount, 0)", 1]'
    )
    assert parse(fixed).diagnostics == ()


def test_an_eaten_expression_is_still_checked(changed: Callable[..., Any]) -> None:
    """One slip, one message: what was meant is checked as an expression."""
    told = changed("when: steps.propose.output.amount > 0", "when: !steps.propose.output.paid")
    assert told.codes == ["LM109", "LM311"]
    assert "`paid`" in told.diagnostics[1].message
    told = changed(
        "when: steps.propose.output.amount > 0", "when: !(steps.propose.output.amount > 0)"
    )
    assert told.codes == ["LM125"]


@pytest.mark.parametrize("text", ["a", 'say "hi"', "it's", "both \" and '", "back\\slash", ""])
def test_quote_is_read_back_as_it_was(text: str) -> None:
    import yaml

    assert yaml.safe_load(f"a: {quote(text)}") == {"a": text}
