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


PAID = "      paid: default(steps.pay.output.amount, 0)"
SMALL = "      - id: small\n        when: tool.arguments.amount <= 100\n        then: approve"
PLACES = {
    "a step's when": ("when: steps.propose.output.amount > 0", "when: EXPR"),
    "a rule's when": (SMALL, "      - id: small\n        when: EXPR\n        then: approve"),
    "a rule in braces": (SMALL, "      - {id: small, when: EXPR, then: approve}"),
    "the last of a rule in braces": (SMALL, "      - {id: small, then: approve, when: EXPR}"),
    "an output": (PAID, "      paid: EXPR"),
    "an item of a list": (PAID, "      paid:\n        - EXPR\n        - 1"),
    "the first of brackets": (PAID, "      paid: [EXPR, 1]"),
    "the last of brackets": (PAID, "      paid: [1, EXPR]"),
    "the first of braces": (PAID, "      paid: {a: EXPR, b: 1}"),
    "the last of braces": (PAID, "      paid: {a: 1, b: EXPR}"),
    "braces in brackets": (PAID, "      paid: [{a: 1, b: EXPR}, 2]"),
    "braces in braces": (PAID, "      paid: {a: {b: EXPR}, c: [1, 2]}"),
    "braces over lines": (PAID, "      paid: {\n        a: 1,\n        b: EXPR,\n        c: 2}"),
    "brackets over lines": (PAID, "      paid: [\n        1,\n        EXPR,\n        2]"),
}
EATEN = [
    "!true",
    "!(run.id == 'x')",
    "!has(memory.ticket) || run.id == 'a, b'",
    "- size(run.id) < 0",
    "run.id == 'x' ? true : false",
    "run.id.contains('k: v')",
    "run.id.contains('a #1')",
    "run.id == ' #'",
    "run.id == 'a, b'",
    "run.id == '}'",
    "run.id == ']'",
    "run.id == '{'",
    "'x' == run.id",
    '"x" in [run.id] && true',
    '["x"] == [run.id]',
    '["x", "y"].exists(i, i == run.id)',
    "[1, 2].size() > 1",
    'run.id in ["x", "y"]',
    '{"a": 1}.a > 0',
    "{'a': 1}['a'] > 0",
    "{'a': 1} == {'a': size(run.id)}",
    "min(1, 3) > 1",
    "max(1, min(2, 3), 4, 5) > 1",
    "[1, 2].filter(i, i > 1).size() > 0",
    "(size(run.id) > 1 ? 'a, b' : run.id) == 'a'",
    'run.id.matches("[a-z]{2,3}\\\\d+")',
    "(run.id == 'x' || run.id == 'y') && size([1, 2]) > 1",
]


def read_whole(text: str, expression: str) -> bool:
    """Whether YAML leaves an expression whole, and nobody complains of it."""
    from leafmesh_nb.language.plain import plain

    source = Source(text)
    node = read(source, Collector(source))
    return node is not None and expression in leaves(plain(node)) and parse(text).spec is not None


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return (
        [leaf for inner in value for leaf in leaves(inner)] if isinstance(value, list) else [value]
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("expression", EATEN)
def test_wherever_it_is_eaten_the_line_that_is_shown_repairs_it(
    refunds: str, place: str, expression: str
) -> None:
    """One error; its hint is the line quoted, and with that line the mesh is good."""
    old, new = PLACES[place]
    assert old in refunds
    text = refunds.replace(old, new.replace("EXPR", expression))
    if read_whole(text, expression) or (place, expression[:2]) == ("an item of a list", "- "):
        return  # in the list of a list, `- - x` is right
    found = [d for d in parse(text).diagnostics if d.severity == "error"]
    assert len(found) == 1, [str(d) for d in found]
    shown = found[0].hint.split("\n")[-1]
    assert shown.startswith("    "), found[0]
    lines = text.split("\n")
    number = next(i for i, line in enumerate(lines) if expression in line)
    indent = len(lines[number]) - len(lines[number].lstrip())
    lines[number] = " " * indent + shown.strip()
    assert lines[number] != text.split("\n")[number]
    assert read_whole("\n".join(lines), expression), shown


def test_most_of_them_are_eaten_somewhere(refunds: str) -> None:
    """So that the test above has something to test."""
    for expression in EATEN:
        assert any(
            not read_whole(refunds.replace(old, new.replace("EXPR", expression)), expression)
            for old, new in PLACES.values()
        ), expression
