"""The type checker: what expressions give, and what cannot hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from leafmesh_nb.language.expressions import (
    Expression,
    Finding,
    check,
    parse_expression,
    parse_expression_text,
)
from leafmesh_nb.language.expressions.static import DURATION, NULL, duration_in, public
from leafmesh_nb.language.nodes import Entry, MappingNode, ScalarNode, SequenceNode, Span
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

CATEGORY = Type("enum", values=("refund", "bug", "question"))
TIER = Type("enum", values=("basic", "gold"))
STATUS = Type("enum", values=("done", "skipped", "failed"))
DATE, DATETIME = Type("date"), Type("datetime")
FRACTION = replace(MONEY, fraction=True)
SHARE = Type("number", minimum=Decimal(0), maximum=Decimal(1))
CLASSIFIED = object_of({"category": CATEGORY, "amount": MONEY.or_null(), "confidence": SHARE})

ENVIRONMENT = {
    "input": object_of({
        "ticket": STRING, "tier": TIER, "ok": BOOLEAN, "count": INTEGER, "day": DATE,
        "due": DATETIME, "tags": Type("list", items=STRING), "sizes": Type("list", items=INTEGER),
        "prices": Type("map", items=MONEY), "note": STRING.or_null(), "extra": ANY,
        "lines": Type("list", items=object_of({"note": STRING.or_null()}).or_null()),
        "share": NUMBER,
    }),
    "memory": object_of({"tier": STRING.or_null(), "limit": MONEY}),
    "steps": object_of({
        "classify": object_of({"status": STATUS, "output": CLASSIFIED}),
        "pay": object_of({"status": STATUS, "output": object_of({"amount": MONEY}).or_null()}),
    }),
    "now": DATETIME,
    "any": ANY,
}  # fmt: skip


def checked(text: str) -> tuple[Type, list[Finding]]:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), expression
    return check(expression, ENVIRONMENT)


TYPES = [
    # constants are their own narrowest types
    ("'gold'", Type("enum", values=("gold",))),
    ("5", Type("integer", minimum=Decimal(5), maximum=Decimal(5))),
    ("1.50", Type("number", minimum=Decimal("1.50"), maximum=Decimal("1.50"))),
    ("true", BOOLEAN),
    ("null", NULL),
    ("[]", Type("list")),
    ("['a', 'b']", Type("list", items=Type("enum", values=("a", "b")))),
    ("{'a': true, 'b': input.ticket}", object_of({"a": BOOLEAN, "b": STRING})),
    ("{input.ticket: 1.0, 'b': memory.limit}",
     Type("map", items=Type("money"))),
    # names
    ("input.tier", TIER),
    ("input['tier']", TIER),
    ("input.tags[0]", STRING),
    ("input.prices.apple", MONEY),
    ("input.prices['apple']", MONEY),
    ("input.prices[input.ticket]", MONEY),
    ("input.note", STRING.or_null()),
    ("any.what.ever[3]", ANY),
    ("steps.classify.output", CLASSIFIED),
    # arithmetic: integer, number, money
    ("input.count + 1", INTEGER),
    ("input.count / 2", INTEGER),
    ("input.count % 2", INTEGER),
    ("-input.count", INTEGER),
    ("input.count * 1.5", NUMBER),
    ("1.5 * 1.5", replace(NUMBER, fraction=True)),
    ("memory.limit + 1", MONEY),
    ("memory.limit * 2", MONEY),
    ("memory.limit * input.count * 2.0", MONEY),
    ("memory.limit * 0.5", FRACTION),
    ("memory.limit / memory.limit", replace(NUMBER, fraction=True)),
    ("memory.limit / 3 + 1", FRACTION),
    ("-(memory.limit / 3)", FRACTION),
    ("min(memory.limit / 3, 1)", FRACTION),
    ("input.ok ? memory.limit / 3 : 0", FRACTION),
    ("default(steps.pay.output.amount, 0) / 3", FRACTION),
    ("round(memory.limit / 3, 2)", MONEY),
    ("round(memory.limit / 3)", INTEGER),
    ("any + 1", ANY),
    ("input.ticket + '!'", STRING),
    ("input.tags + ['x']", Type("list", items=STRING)),
    ("now + duration('1h')", DATETIME),
    ("input.day - duration('24h')", DATE),
    ("now - input.due", DURATION),
    # conditions
    ("input.count > 1 && input.ok", BOOLEAN),
    ("memory.limit >= input.count", BOOLEAN),
    ("input.ticket in input.tags", BOOLEAN),
    ("now - input.due > duration('1h')", BOOLEAN),
    ("input.ok ? 1 : 2.5", Type("number", minimum=Decimal(1), maximum=Decimal("2.5"))),
    ("input.ok ? 'a' : 'b'", Type("enum", values=("a", "b"))),
    ("input.ok ? input.tier : input.ticket", STRING),
    ("input.ok ? memory.limit : null", MONEY.or_null()),
    ("input.ok ? 'a' : 1", ANY),
    ("input.ok ? {'a': 1} : {'a': 2, 'b': true}",
     object_of({"a": Type("integer", minimum=Decimal(1), maximum=Decimal(2)),
                "b": BOOLEAN.or_null()})),
    # functions
    ("size(input.tags)", INTEGER),
    ("input.ticket.size()", INTEGER),
    ("string(input.count)", STRING),
    ("money('1.50')", MONEY),
    ("round(memory.limit, 2)", MONEY),
    ("round(memory.limit)", INTEGER),
    ("round(input.count)", INTEGER),
    ("max(input.count, 1.5)", NUMBER),
    ("max(input.sizes)", INTEGER),
    ("max(any, 1)", ANY),
    ("join(input.tags, ', ')", STRING),
    ("timestamp('2026-03-01T00:00:00Z')", DATETIME),
    ("input.ticket.lower()", STRING),
    ("has(steps.pay.output.amount)", BOOLEAN),
    # default takes null away
    ("default(input.note, 'none')", STRING),
    ("default(steps.pay.output.amount, 0)", Type("money")),
    ("default(steps.classify.output.amount, null)", MONEY.or_null()),
    ("default(steps.pay.output, {'amount': 0})", object_of({"amount": MONEY})),
    ("default(null, 'x')", Type("enum", values=("x",))),
    ("default(any.x, 1)", ANY),
    # macros
    ("input.tags.all(t, t.size() > 1)", BOOLEAN),
    ("input.sizes.filter(n, n > 1)", Type("list", items=INTEGER)),
    ("input.sizes.map(n, n * 1.5)", Type("list", items=NUMBER)),
    ("input.prices.map(k, k + '!')", Type("list", items=STRING)),
    ("input.sizes.map(n, [n]).map(x, x[0])", Type("list", items=INTEGER)),
    ("input.tags.map(input, input.size())", Type("list", items=INTEGER)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), TYPES)
def test_type(text: str, kind: Type) -> None:
    assert checked(text) == (kind, [])


# text, code, what the caret stands under, message, hint
FINDINGS = [
    # names
    ("inputs.ticket", "LM310", "inputs", "there is no name `inputs` here",
     "Did you mean `input`? The text itself is written `\"inputs\"`"),
    ("refund", "LM310", "refund", "there is no name `refund` here",
     "the text itself is written `'\"refund\"'`;"
     " the names here are input, memory, steps, now, any"),
    ("input.ticket == refund", "LM310", "refund", "there is no name `refund` here",
     "the text itself is written `\"refund\"`; the names here are input, memory, steps, now, any"),
    ("default(refund, 1)", "LM310", "refund", "there is no name `refund` here",
     "the text itself is written `\"refund\"`; the names here are input, memory, steps, now, any"),
    ("input.tags.all(tag, tga == 'x')", "LM310", "tga", "there is no name `tga` here",
     "Did you mean `tag`? The text itself is written `\"tga\"`"),
    ("[1, refund in [refund]].size()", "LM310", "refund", None, None),
    ("input.tickets", "LM311", "tickets", "`input` has no field `tickets`",
     "Did you mean `ticket`?"),
    ("steps.clasify.output.category", "LM311", "clasify", "`steps` has no field `clasify`",
     "Did you mean `classify`?"),
    ("has(input.tickets)", "LM311", "tickets", "`input` has no field `tickets`",
     "Did you mean `ticket`?"),
    ("default(steps.pay.output.sum, 0)", "LM311", "sum",
     "`steps.pay.output` has no field `sum`", "it has amount"),
    ("input['tickets']", "LM311", "'tickets'", "`input` has no field `tickets`",
     "Did you mean `ticket`?"),
    ("{'a': 1}.b", "LM311", "b", "`{'a': 1}` has no field `b`", "it has a"),
    ("steps.clas-sify.output", "LM311", "clas", "`steps` has no field `clas`",
     "Did you mean `classify`? A hyphen is minus here, ids are written with `_`"),
    ("my-first-step > 1", "LM310", "my", "there is no name `my` here",
     "the text itself is written `\"my\"`; the names here are input, memory, steps, now, any;"
     " a hyphen is minus here, ids are written with `_`"),
    ("input.tags[input.share]", "LM410", "input.share",
     "a list is indexed by an integer, not by a number", "write `input.tags[round(input.share)]`"),
    ("input.count / 0", "LM410", "input.count / 0", "this divides by zero", ""),
    ("input.count + 1 % 0", "LM410", "1 % 0", "this divides by zero", ""),
    ("round(input.share, -2)", "LM412", "-2", "`round()` takes 0 to 12 places",
     "as in `round(x, 2)`"),
    ("round(input.share, 20)", "LM412", "20", "`round()` takes 0 to 12 places",
     "as in `round(x, 2)`"),
    ("now > '2024-01-01'", "LM410", "now > '2024-01-01'", "a time and the text \"2024-01-01\" have"
     " no order", "write `timestamp(\"2024-01-01T00:00:00Z\")`"),
    ("now > 'yesterday'", "LM410", "now > 'yesterday'", "a time and the text \"yesterday\" have"
     " no order", "as in `timestamp(\"2026-03-01T12:00:00Z\")`"),
    ("now - input.due > '2 hours'", "LM410", "now - input.due > '2 hours'",
     "a duration and the text \"2 hours\" have no order", "as in `duration(\"1h30m\")`"),
    # functions
    ("lenght(input.ticket)", "LM312", "lenght", "there is no function lenght()",
     "there are default, duration, has, join, max, min, money, round, size, string, timestamp"),
    ("sizes(input.ticket)", "LM312", "sizes", "there is no function sizes()",
     "Did you mean `size`?"),
    ("contains(input.ticket, 'a')", "LM312", "contains", "there is no function contains()",
     'write `x.contains("a")`'),
    ("all(input.tags, true)", "LM312", "all", "there is no function all()",
     "write `items.all(x, …)`"),
    ("input.ticket.startswith('a')", "LM312", "startswith", "there is no method startswith()",
     "Did you mean `startsWith`?"),
    ("input.ticket.money()", "LM312", "money", "there is no method money()",
     'write `money("12.50")`'),
    ("size()", "LM411", "size()", "`size()` takes 1 argument, not 0", "as in `size(x)`"),
    ("input.ticket.contains()", "LM411", "contains()", "`contains()` takes 1 argument, not 0",
     'as in `x.contains("a")`'),
    ("round(1.5, 2, 3)", "LM411", "round(1.5, 2, 3)", "`round()` takes 1 to 2 arguments, not 3",
     "as in `round(x, 2)`"),
    ("min()", "LM411", "min()", "`min()` takes at least 1 argument, not 0", "as in `min(a, b)`"),
    ("default(input.note)", "LM411", "default(input.note)",
     "`default()` takes 2 arguments, not 1", "as in `default(x, y)`"),
    ("size(5)", "LM412", "5", "`size()` takes a text, a list or a map; this is an integer",
     "as in `size(x)`"),
    ("input.count.contains('a')", "LM412", "input.count",
     "`contains()` takes a text; this is an integer", 'as in `x.contains("a")`'),
    ("round(input.ticket)", "LM412", "input.ticket", "`round()` takes a number; this is a text",
     "as in `round(x, 2)`"),
    ("round(1.5, 1.5)", "LM412", "1.5", "`round()` takes an integer; this is a number",
     "as in `round(x, 2)`"),
    ("join(input.sizes)", "LM412", "input.sizes", "`join()` takes a list of texts; this is a list",
     'as in `join(items, ", ")`'),
    ("string(input.tags)", "LM412", "input.tags",
     "`string()` takes a text, a number, a time or true or false; this is a list",
     "as in `string(x)`"),
    ("min(1, 'a')", "LM412", "min(1, 'a')",
     "`min()` takes values with one order, not an integer and the text \"a\"", "as in `min(a, b)`"),
    ("duration('1 day')", "LM412", "'1 day'",
     'a duration is written like "1h30m" or "1.5s" (units h, m, s, ms, us)', ""),
    ("timestamp('2026-03-01')", "LM412", "'2026-03-01'",
     "a timestamp is written with its time and zone, as in 2026-03-01T12:00:00Z",
     'write `"2026-03-01T00:00:00Z"`'),
    ("money('1.000,00')", "LM412", "'1.000,00'",
     'money is written in plain digits, as in "620.00"', ""),
    ("input.ticket.matches('(a')", "LM416", "'(a'",
     "this pattern is not a regular expression of RE2: missing ): (a", ""),
    # operands
    ("input.ticket > 3", "LM410", "input.ticket > 3",
     "a text and an integer have no order", 'write `"3"` in quotes'),
    ("memory.limit > '100'", "LM410", "memory.limit > '100'",
     'money and the text "100" have no order', "write `100` without quotes"),
    ("input.due < '2026-03-01T00:00:00Z'", "LM410", "input.due < '2026-03-01T00:00:00Z'",
     'a time and the text "2026-03-01T00:00:00Z" have no order',
     'write `timestamp("2026-03-01T00:00:00Z")`'),
    ("now - input.due > '1h'", "LM410", "now - input.due > '1h'",
     'a duration and the text "1h" have no order', 'write `duration("1h")`'),
    ("input.tags > 1", "LM410", "input.tags > 1", "a list and an integer have no order", ""),
    ("any > input.tags", "LM410", "any > input.tags", "a list has no order", ""),
    ("input.day < now", "LM410", "input.day < now", "a date and a time have no order",
     "write `timestamp(input.day)`"),
    ("input.ticket + 1", "LM410", "input.ticket + 1", "`+` does not take a text and an integer",
     "write `string(1)`"),
    ("input.count % 2.5", "LM410", "input.count % 2.5",
     "`%` does not take an integer and a number", ""),
    ("input.ok + 1", "LM410", "input.ok + 1", "`+` does not take true or false and an integer", ""),
    ("-input.ticket", "LM410", "-input.ticket", "`-` needs a number; this is a text", ""),
    ("null + 1", "LM410", "null", "null is no value here", ""),
    ("input.tags['a' + 'b']", "LM410", "'a' + 'b'",
     "a list is indexed by an integer, not by a text", ""),
    ("input.tags[-1]", "LM410", "-1", "items of a list are counted from 0",
     "the last one is `input.tags[size(input.tags) - 1]`"),
    ("input.prices[0]", "LM410", "0", "a map is indexed by a text, not by an integer", ""),
    ("'a' in input.ticket", "LM410", "input.ticket", "`in` needs a list or a map; this is a text",
     "write `input.ticket.contains('a')`"),
    ("1 in input.prices", "LM410", "1", "the keys of a map are texts, not an integer", ""),
    ("{1: 2}", "LM410", "1", "the keys of a map are texts, not an integer", ""),
    ("{'a': 1, 'a': 2}", "LM410", "'a'", "the key `a` is there twice", ""),
    ("input.ticket.all(c, true)", "LM410", "input.ticket",
     "`all()` goes over a list or a map; this is a text", ""),
    ("input.ticket.length", "LM417", "length", "a text has no fields",
     "write `size(input.ticket)`"),
    ("now.year", "LM417", "year", "a time has no fields", ""),
    ("null.x", "LM417", "x", "null has no fields", ""),
    ("input.count[0]", "LM417", "input.count", "an integer has no items", ""),
    # never true
    ("steps.classify.output.category == 'refnd'", "LM413", "'refnd'",
     '"refnd" is none of its values', 'Did you mean `"refund"`?'),
    ("'silver' != input.tier", "LM413", "'silver'", '"silver" is none of its values',
     "its values are basic, gold"),
    ("input.tier in ['gold', 'platinum']", "LM413", "'platinum'",
     '"platinum" is none of its values', "its values are basic, gold"),
    ("input.tier == steps.classify.output.category", "LM413",
     "input.tier == steps.classify.output.category",
     "one of basic, gold is never one of refund, bug, question", "its values are basic, gold"),
    ("steps.pay.status == 'Done'", "LM413", "'Done'", '"Done" is none of its values',
     'Did you mean `"done"`?'),
    ("steps.classify.output.confidence > 1", "LM413", "steps.classify.output.confidence > 1",
     "this can never be true", "the value is at least 0 and at most 1"),
    ("-0.1 >= steps.classify.output.confidence", "LM413",
     "-0.1 >= steps.classify.output.confidence",
     "this can never be true", "the value is at least 0 and at most 1"),
    ("steps.classify.output.confidence == 90", "LM413", "steps.classify.output.confidence == 90",
     "this can never be true", "the value is at least 0 and at most 1"),
    ("input.ticket == 5", "LM414", "input.ticket == 5", "a text is never equal to an integer",
     'write `"5"` in quotes'),
    ("memory.limit == '100'", "LM414", "memory.limit == '100'",
     'money is never equal to the text "100"', "write `100` without quotes"),
    ("input.ok != 'true'", "LM414", "input.ok != 'true'",
     'true or false is never equal to the text "true"', "write `true` without quotes"),
    ("5 in input.tags", "LM414", "5 in input.tags", "an integer is never equal to a text",
     'write `"5"` in quotes'),
    ("input.count in ['1']", "LM414", "'1'", 'an integer is never equal to the text "1"',
     "write `1` without quotes"),
    # conditions
    ("input.ticket && input.ok", "LM415", "input.ticket",
     "`&&` needs true or false; this is a text", 'compare it, as in `input.ticket == "…"`'),
    ("input.ok || input.count", "LM415", "input.count",
     "`||` needs true or false; this is an integer", "compare it, as in `input.count > 0`"),
    ("!input.tags", "LM415", "input.tags", "`!` needs true or false; this is a list", ""),
    ("input.count ? 1 : 2", "LM415", "input.count",
     "the test of `? :` needs true or false; this is an integer",
     "compare it, as in `input.count > 0`"),
    ("input.sizes.filter(n, n + 1)", "LM415", "n + 1",
     "`filter()` needs true or false; this is an integer", "compare it, as in `n + 1 > 0`"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "under", "message", "hint"), FINDINGS)
def test_finding(text: str, code: str, under: str, message: str | None, hint: str | None) -> None:
    _, findings = checked(text)
    finding = findings[0]
    assert finding.code == code
    assert finding.severity == "error"
    if message is None:
        return
    assert findings == [finding]
    assert (finding.message, finding.hint) == (message, hint)
    assert text[finding.span.column - 1 : finding.span.end_column - 1] == under


NULLABLE = [
    ("steps.pay.output.amount > 0", "steps.pay.output.amount",
     "`steps.pay.output` may be null here, and null has no `amount`"
     " (step `pay` may have been skipped, or have failed)",
     "`default(steps.pay.output.amount, …)` says what to take then"),
    ("steps.classify.output.amount > 0", "steps.classify.output.amount",
     "`steps.classify.output.amount` may be null here",
     "`default(steps.classify.output.amount, …)` says what to take then"),
    ("input.note + '!'", "input.note", "`input.note` may be null here",
     "`default(input.note, …)` says what to take then"),
    ("input.note.size() > 1", "input.note", "`input.note` may be null here",
     "`default(input.note, …)` says what to take then"),
    ("input.ok ? steps.pay.output.amount : 0", "steps.pay.output.amount", None, None),
    ("has(steps.pay.output.amount) ? 1 : steps.pay.output.amount", "steps.pay.output.amount",
     None, None),
    ("default(input.note + '!', 'none')", "input.note", None, None),
    ("default(1, steps.pay.output.amount)", "steps.pay.output.amount", None, None),
    ("input.note != null || input.note.size() > 1", "input.note", None, None),
    ("input.note == null && input.note.size() > 1", "input.note", None, None),
    ("[1].all(steps, true) && steps.pay.output.amount > 1", "steps.pay.output.amount", None, None),
    ("round(steps.classify.output.amount)", "steps.classify.output.amount", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "under", "message", "hint"), NULLABLE)
def test_what_may_be_null_is_a_warning(
    text: str, under: str, message: str | None, hint: str | None
) -> None:
    _, (finding,) = checked(text)
    assert (finding.code, finding.severity) == ("LM419", "warning")
    assert text[finding.span.column - 1 : finding.span.end_column - 1] == under
    if message is not None:
        assert (finding.message, finding.hint) == (message, hint)


@pytest.mark.parametrize(
    "text",
    [
        "default(steps.pay.output.amount, 0) > 0",
        "default(steps.pay.output.amount * 2, 0) > 0",
        "has(steps.pay.output.amount)",
        "steps.pay.output == null",
        "steps.classify.output.amount != null",
        "input.note in ['a', 'b']",
        "input.ok ? input.note : 'x'",
        "[input.note]",
        # proven by the rest of the condition
        "input.note != null && input.note.size() > 1",
        "input.note.size() > 1 && input.note != null",
        "null != input.note && input.note.size() > 1",
        "input.note == null || input.note.size() > 1",
        "!(input.note == null) && input.note.size() > 1",
        "!(input.note != null && input.ok) || input.note.size() > 1",
        "input.note == 'a' ? input.note.size() : 0",
        "input.note == null ? 0 : input.note.size()",
        "steps.pay.output != null && steps.pay.output.amount > 1",
        "steps.pay.status == 'done' && steps.pay.output.amount > 1",
        "steps.pay.status != 'done' || steps.pay.output.amount > 1",
        "steps.pay.status == 'done' ? steps.pay.output.amount : 0",
        "has(steps.pay.output.amount) && steps.pay.output.amount > 1",
        "[null, 'a'].filter(x, x != null).size() > 0",
        "has(input.note) && input.note.size() > 1",
        "has(input.note) ? input.note.size() : 0",
        "!has(input.note) || input.note.size() > 1",
        "input.lines.filter(x, x != null).map(x, default(x.note, '').size()).size() > 0",
        "input.lines.filter(x, has(x.note)).map(x, x.note.size()).size() > 0",
        "['a', null].map(x, x != null, x.size())",
    ],
)
def test_what_cannot_be_null_there_is_no_warning(text: str) -> None:
    assert checked(text)[1] == []


DOUBTS = [
    ("input.extra ? 1 : 2", "input.extra", "true or false"),
    ("input.extra && input.ok", "input.extra", "true or false"),
    ("!any", "any", "true or false"),
    ("any.map(x, x.y)", "any", "a list or a map"),
    ("any.list.filter(x, x.y == 1)", "any.list", "a list or a map"),
    ("input.tags.all(t, any[t])", "any[t]", "true or false"),
    ("string(any)", "any", "a text, a number, a time or true or false"),
    ("any.contains('a')", "any", "a text"),
    ("input.ticket.contains(any)", "any", "a text"),
    ("size(any) + size(any) > 1", "any", "a text, a list or a map"),
]


@pytest.mark.parametrize(("text", "under", "wanted"), DOUBTS)
def test_what_may_be_anything_is_a_warning(text: str, under: str, wanted: str) -> None:
    _, (finding,) = checked(text)
    assert (finding.code, finding.severity) == ("LM404", "warning")
    assert text[finding.span.column - 1 : finding.span.end_column - 1] == under
    assert finding.message == f"It cannot be proved that `{under}` is {wanted}: it may be anything"


def test_money_of_what_was_divided_is_a_warning() -> None:
    kind, (finding,) = checked("money(memory.limit / 3)")
    assert kind == MONEY
    assert (finding.code, finding.severity) == ("LM404", "warning")
    assert finding.message == "It cannot be proved that `memory.limit / 3` has at most 12 places"
    assert finding.hint == "write `round(memory.limit / 3, 2)`"
    assert checked("money(round(memory.limit / 3, 2))") == (MONEY, [])


def test_a_doubt_beside_an_error_is_its_echo() -> None:
    _, findings = checked("nobody ? 1 : 2")
    assert [finding.code for finding in findings] == ["LM310"]


def test_what_keeps_a_type_has_none_of_the_checkers_own() -> None:
    kind, _ = checked("{'a': null, 'b': [memory.limit / 3], 'c': now - now}")
    field = {name: public(kind).field(name) for name in "abc"}
    assert field == {
        "a": Type("any", nullable=True),
        "b": Type("list", items=replace(NUMBER, fraction=True)),
        "c": ANY,
    }


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("now - input.due", ""),
        ("{'a': {'late': now - input.due}}", "a.late"),
        ("[{'late': [now - input.due]}]", "[].late[]"),
        ("{input.ticket: now - input.due}", "*"),
        ("string(now - input.due)", None),
        ("now - (now - input.due)", None),
    ],
)
def test_where_a_duration_is(text: str, path: str | None) -> None:
    assert duration_in(checked(text)[0]) == path


def test_one_cause_is_told_once() -> None:
    _, findings = checked("steps.pay.output.amount > 1 && steps.pay.output.amount < 5")
    assert len(findings) == 1
    _, findings = checked("nobody.knows.this + 1 > 'a' && nobody.else")
    assert [f.code for f in findings] == ["LM310", "LM310"]
    _, findings = checked("input.tickets.contains(1) > 2")
    assert [f.code for f in findings] == ["LM410", "LM311", "LM412"]


def test_findings_come_in_source_order() -> None:
    _, findings = checked("input.tier == 'gild' && steps.x.y > nobody")
    assert [f.code for f in findings] == ["LM413", "LM311", "LM310"]
    assert [f.span for f in findings] == sorted(f.span for f in findings)


def test_a_yaml_map_is_typed_and_its_findings_point_into_the_source() -> None:
    def scalar(text: str, line: int, column: int, value: object = ...) -> ScalarNode:
        places = tuple((line, column + n) for n in range(len(text) + 1))
        span = Span(line, column, line, column + len(text))
        return ScalarNode(text, "plain", text if value is ... else value, span, places)

    node = MappingNode(
        (
            Entry(scalar("ticket", 5, 3), scalar("input.ticket", 5, 11)),
            Entry(scalar("tier", 6, 3), scalar("input.tir", 6, 9)),
            Entry(scalar("to", 7, 3), SequenceNode(
                (scalar("2", 7, 8, 2), scalar("input.count", 7, 11)), Span(7, 7, 7, 23))),
        ),
        Span(5, 3, 8, 1),
    )  # fmt: skip
    expression = parse_expression(node)
    assert isinstance(expression, Expression)
    kind, findings = check(expression, ENVIRONMENT)
    assert kind == object_of({"ticket": STRING, "tier": ANY, "to": Type("list", items=INTEGER)})
    assert [(f.code, f.span) for f in findings] == [("LM311", Span(6, 15, 6, 18))]
