"""What expressions are worth: the table of the language's meaning."""

from __future__ import annotations

import decimal
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from leafmesh_nb.language.expressions import ErrorValue, Expression, parse_expression_text

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES: dict[str, Any] = {
    "tool": {"name": "pay_out", "arguments": {"amount": Decimal("620.00"), "count": 3}},
    "input": {
        "ticket": "I was charged TWICE",
        "tags": ["new", "urgent"],
        "rate": 0.1,
        "items": [{"price": Decimal("1.10")}, {"price": Decimal("2.20")}],
    },
    "steps": {
        "pay": {"status": "skipped", "output": None},
        "classify": {"status": "done", "output": {"category": "refund", "amount": None}},
    },
    "memory": MappingProxyType({"tier": "gold"}),
    "days": {"start": date(2026, 3, 1), "end": date(2026, 3, 8)},
    "times": {
        "utc": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        "berlin": datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=1))),
    },
    "yes": True,
    "no": False,
}


def evaluate(text: str, names: Any = NAMES, now: datetime | None = NOW) -> Any:
    expression = parse_expression_text(text)
    assert isinstance(expression, Expression), expression
    return expression.evaluate(names, now=now)


VALUES = [
    # constants
    ("42", 42),
    ("-7", -7),
    ("- 7", -7),
    ("-9223372036854775808", -(2**63)),
    ("12.50", Decimal("12.50")),
    (".5", Decimal("0.5")),
    ("1e3", Decimal(1000)),
    ("2.5E-1", Decimal("0.25")),
    ("010", 10),
    ("true", True),
    ("false", False),
    ("null", None),
    ('"a"', "a"),
    ("'a'", "a"),
    (r'"tab\t quote\" \x41 \u00e9 \U0001F642 \101 \\ \?"', 'tab\t quote" A é 🙂 A \\ ?'),
    (r"r'\d+\'", "\\d+\\"),
    ('"🙂é"', "🙂é"),
    ("[]", []),
    ("[1, 'a', null, ]", [1, "a", None]),
    ("{}", {}),
    ("{'a': 1, \"b\": [true]}", {"a": 1, "b": [True]}),
    ("{'a': {'b': 2}}.a.b", 2),
    # names, fields, items
    ("tool.name", "pay_out"),
    ("tool['name']", "pay_out"),
    ("tool[memory.tier == 'gold' ? 'name' : 'x']", "pay_out"),
    ("memory.tier", "gold"),
    ("input.tags[1]", "urgent"),
    ("input.items[0].price", Decimal("1.10")),
    ("input.rate", Decimal("0.1")),
    ("steps.classify.output.amount", None),
    # arithmetic: integers
    ("1 + 2 * 3 - 4", 3),
    ("(1 + 2) * 3", 9),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("7 / -2", -3),
    ("7 % 3", 1),
    ("-7 % 3", -1),
    ("7 % -3", 1),
    ("10 - 3 - 2", 5),
    ("100 / 10 / 5", 2),
    ("9223372036854775806 + 1", 2**63 - 1),
    # arithmetic: decimals, exactly
    ("0.1 + 0.2", Decimal("0.3")),
    ("0.1 + 0.2 == 0.3", True),
    ("input.rate + 0.2 == 0.3", True),
    ("1 + 0.5", Decimal("1.5")),
    ("1e20 + 1", Decimal("100000000000000000001")),
    ("1.10 * 3", Decimal("3.30")),
    ("7.0 / 2", Decimal("3.5")),
    ("1.0 / 3", Decimal("0.3333333333333333333333333333333333")),
    ("tool.arguments.amount - 0.01", Decimal("619.99")),
    ("-tool.arguments.amount", Decimal("-620.00")),
    # comparisons across kinds of numbers
    ("1 == 1.0", True),
    ("tool.arguments.amount == 620", True),
    ("100.00 <= 100", True),
    ("100.000000000001 > 100", True),
    ("9007199254740993 == 9007199254740992.0", False),
    ("9007199254740993 > 9007199254740992.0", True),
    ("input.rate == 0.1", True),
    # texts, by code point
    ("'a' < 'b'", True),
    ("'Z' < 'a'", True),
    ("'a' < 'ab'", True),
    ("'é' > 'z'", True),
    ("'a' + 'b' + \"c\"", "abc"),
    # booleans are no numbers
    ("true == 1", False),
    ("false != 0", True),
    ("false < true", True),
    # equality of unrelated kinds is false, as in CEL
    ("'1' == 1", False),
    ("null == null", True),
    ("null == 0", False),
    ("null != 'x'", True),
    ("[1, 2.0] == [1.0, 2]", True),
    ("[1, 2] == [2, 1]", False),
    ("[1] == [1, 2]", False),
    ("{'a': 1, 'b': [2]} == {'b': [2.0], 'a': 1.0}", True),
    ("{'a': 1} == {'a': 2}", False),
    ("{'a': 1} == {'b': 1}", False),
    ("[1] == {'a': 1}", False),
    # in
    ("'urgent' in input.tags", True),
    ("2.0 in [1, 2]", True),
    ("true in [1]", False),
    ("null in [null]", True),
    ("'amount' in tool.arguments", True),
    ("'zip' in tool.arguments", False),
    ("!('a' in [])", True),
    # logic
    ("true && true", True),
    ("true && false", False),
    ("false || true", True),
    ("!true", False),
    ("!!true", True),
    ("true || false && false", True),
    ("1 < 2 && 2 < 3 && 3 < 4", True),
    ("1 > 2 ? 'a' : 2 > 3 ? 'b' : 'c'", "c"),
    ("true ? 1 : 1 / 0", 1),
    # an error that does not decide
    ("1 / 0 > 1 && false", False),
    ("false && 1 / 0 > 1", False),
    ("1 / 0 > 1 || true", True),
    ("true || 1 / 0 > 1", True),
    ("missing && false", False),
    ("1 && false", False),
    ("'x' || true", True),
    ("no && missing && 1 / 0 == 1", False),
    # methods
    ("input.ticket.contains('charged')", True),
    ("input.ticket.lower().endsWith('twice')", True),
    ("'ÄÖ'.lower()", "äö"),
    ("'refund'.startsWith('re')", True),
    ("'refund'.startsWith('fund')", False),
    ("''.contains('')", True),
    ("'a\\nb'.size()", 3),
    # functions
    ("size('🙂é')", 2),
    ("size([1, 2])", 2),
    ("size({'a': 1})", 1),
    ("string(12)", "12"),
    ("string(620.00)", "620.00"),
    ("string(1e3)", "1000"),
    ("string(-0.0)", "0.0"),
    ("string(true)", "true"),
    ("string('a')", "a"),
    ("string(duration('90s'))", "90s"),
    ("string(duration('-1500ms'))", "-1.5s"),
    ("string(now)", "2026-03-01T12:00:00Z"),
    ("string(now + duration('250ms'))", "2026-03-01T12:00:00.25Z"),
    ("string(now + duration('1us'))", "2026-03-01T12:00:00.000001Z"),
    ("string(times.berlin)", "2026-03-01T12:00:00Z"),
    ("string(days.start)", "2026-03-01"),
    ("money('12.50')", Decimal("12.50")),
    ("money(3)", Decimal(3)),
    ("money(0.1)", Decimal("0.1")),
    ("round(2.5)", 3),
    ("round(-2.5)", -3),
    ("round(0.4)", 0),
    ("round(7)", 7),
    ("round(2.345, 2)", Decimal("2.35")),
    ("round(2, 2)", 2),
    ("round(10.0 / 3, 2)", Decimal("3.33")),
    ("min(3, 1.5, 2)", Decimal("1.5")),
    ("max([1, 7, 3])", 7),
    ("max('a', 'b')", "b"),
    ("min(days.start, days.end)", date(2026, 3, 1)),
    ("join(['a', 'b'], ', ')", "a, b"),
    ("join(['a', 'b'])", "ab"),
    ("input.tags.join('/')", "new/urgent"),
    ("join([], ',')", ""),
    # default and has
    ("default(steps.pay.output.amount, 0)", 0),
    ("default(steps.never.output.amount, 0)", 0),
    ("default(steps.classify.output.amount, 1)", 1),
    ("default(missing, 'x')", "x"),
    ("default(memory.tier, 'x')", "gold"),
    ("default(1, 1 / 0)", 1),
    ("default(false, true)", False),
    ("default(0, 5)", 0),
    ("default(default(missing, null), 2)", 2),
    ("default(steps.pay.output.amount + 1, 7)", 7),
    ("default(input.tags[9], 'none')", "none"),
    ("default(input.items.map(i, i.weight), [])", []),
    ("has(tool.name)", True),
    ("has(tool.zip)", False),
    ("has(steps.classify.output.amount)", False),
    ("has(steps.pay.output.amount)", False),
    ("has(steps.never.output.amount)", False),
    # macros
    ("[1, 2, 3].all(x, x > 0)", True),
    ("[].all(x, x > 0)", True),
    ("[1, 2].exists(x, x == 2)", True),
    ("[].exists(x, true)", False),
    ("[1, 2, 2].exists_one(x, x == 2)", False),
    ("[1, 2].exists_one(x, x == 2)", True),
    ("[1, 2, 3].filter(x, x % 2 == 1)", [1, 3]),
    ("[1, 2, 3].map(x, x * 10)", [10, 20, 30]),
    ("[1, 2, 3].map(x, x > 1, x * 10)", [20, 30]),
    ("{'a': 1, 'b': 2}.map(k, k + '!')", ["a!", "b!"]),
    ("input.items.map(i, i.price)", [Decimal("1.10"), Decimal("2.20")]),
    ("[[1, 2], [3]].map(x, x.map(x, x + 1))", [[2, 3], [4]]),
    ("[1, 2].map(x, [10, 20].map(y, x * y))", [[10, 20], [20, 40]]),
    ("[1, 2].exists(x, [0].exists(x, x == 2) || x == 2)", True),
    ("[0, 1].all(x, 1 / x == 5)", False),
    ("[0, 1].exists(x, 1 / x == 1)", True),
    ("[1].map(tool, tool)", [1]),
    # time
    ("now", NOW),
    ("timestamp('2026-03-01T13:00:00+01:00') == now", True),
    ("timestamp('2026-03-01T12:00:00.123456Z')", NOW.replace(microsecond=123456)),
    ("timestamp('2026-03-01t12:00:00z')", NOW),
    ("timestamp(now)", NOW),
    ("timestamp(days.start)", datetime(2026, 3, 1, tzinfo=UTC)),
    ("times.utc == times.berlin", True),
    ("times.utc <= times.berlin", True),
    ("now - timestamp('2026-03-01T10:30:00Z') == duration('1h30m')", True),
    ("now + duration('30m') > now", True),
    ("duration('30m') + now == now + duration('30m')", True),
    ("now - duration('24h')", NOW - timedelta(days=1)),
    ("duration('1h') + duration('1.5s')", timedelta(seconds=3601.5)),
    ("duration('2h') - duration('90m')", timedelta(minutes=30)),
    ("duration('1h') > duration('59m')", True),
    ("duration('0')", timedelta()),
    ("duration('-1h2m3s4ms5us')", -timedelta(hours=1, minutes=2, seconds=3, microseconds=4005)),
    ("days.end - days.start == duration('168h')", True),
    ("days.start + duration('24h')", date(2026, 3, 2)),
    ("days.start < days.end", True),
    ("days.start == now", False),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_value(text: str, value: Any) -> None:
    found = evaluate(text)
    assert not isinstance(found, ErrorValue), found
    assert found == value
    assert type(found) is type(value)


ERRORS = [
    # what is not there
    ("missing", "there is no `missing` here"),
    ("missing.field", "there is no `missing` here"),
    ("tool.zip", "`tool` has no `zip`"),
    ("tool.arguments.zip.code", "`tool.arguments` has no `zip`"),
    ("steps.pay.output.amount", "`steps.pay.output` is null: it has no `amount`"),
    ("input.tags[2]", "there is no item 2 in a list of 2"),
    ("input.tags[-1]", "there is no item -1 in a list of 2"),
    ("tool[memory.tier]", "there is no such field here"),
    ("null.a", "null has no `a`"),
    ("{'a': 1}.b", "there is no `b` here"),
    # no attribute of a Python object is ever reached
    ("tool.__class__", "`tool` has no `__class__`"),
    ("tool.keys", "`tool` has no `keys`"),
    ("input.ticket.__len__", "a text has no `__len__`: it has no fields"),
    ("now.year", "a time has no `year`: it has no fields"),
    # wrong kinds
    ("'a' + 1", "+ does not take a text and a number"),
    ("1 + true", "+ does not take a number and true or false"),
    ("null + 1", "+ does not take null and a number"),
    ("[1] - [1]", "- does not take a list and a list"),
    ("'a' * 3", "* does not take a text and a number"),
    ("-'a'", "- needs a number, not a text"),
    ("-true", "- needs a number, not true or false"),
    ("!1", "! needs true or false, not a number"),
    ("!null", "! needs true or false, not null"),
    ("1 < 'a'", "a number and a text have no order"),
    ("steps.classify.output.amount > 1", "null and a number have no order"),
    ("true < 1", "true or false and a number have no order"),
    ("[1] < [2]", "a list and a list have no order"),
    ("now < days.start", "a time and a date have no order"),
    ("1 in 'abc'", "`in` needs a list or a map, not a text; use contains()"),
    ("1 in null", "`in` needs a list or a map, not null"),
    ("[1] in {}", "a list is no key of a map"),
    ("input.tags['a' + '']", "a list is indexed by an integer, not by a text"),
    ("tool[0]", "a map is indexed by a text, not by a number"),
    ("'abc'[0]", "a text has no items"),
    ("{1: 2}", "the keys of a map are texts, not a number"),
    ("{'a': 1, 'a': 2}", "a key of this map is there twice"),
    # conditions are true or false, nothing else
    ("1 && true", "&& needs true or false, not a number"),
    ("true && 'x'", "&& needs true or false, not a text"),
    ("null || false", "|| needs true or false, not null"),
    ("missing || false", "there is no `missing` here"),
    ("1 / 0 > 1 && missing", "division by zero"),
    ("1 ? 2 : 3", "? : needs true or false, not a number"),
    ("missing ? 1 : 2", "there is no `missing` here"),
    ("[1].all(x, x)", "all() needs true or false, not a number"),
    ("[0, 1].exists(x, 1 / x == 5)", "division by zero"),
    ("[0, 1].all(x, 1 / x == 1)", "division by zero"),
    ("[0, 1].exists_one(x, 1 / x == 1)", "division by zero"),
    ("5.map(x, x)", "map() goes over a list or a map, not over a number"),
    ("missing.all(x, true)", "there is no `missing` here"),
    # numbers
    ("1 / 0", "division by zero"),
    ("1 % 0", "division by zero"),
    ("1.0 / 0", "division by zero"),
    ("0.0 / 0.0", "division by zero"),
    ("5.5 % 2", "% takes integers"),
    ("9223372036854775807 + 1", "the result does not fit 64 bits"),
    ("-9223372036854775808 - 1", "the result does not fit 64 bits"),
    ("9223372036854775807 * 2", "the result does not fit 64 bits"),
    ("0 - (-9223372036854775808)", "the result does not fit 64 bits"),
    ("-9223372036854775808 / -1", "the result does not fit 64 bits"),
    ("-9223372036854775808 % -1", "the result does not fit 64 bits"),
    ("1e900 * 1e900", "the result is out of bounds"),
    ("1e900 + 1e-900", "the result has too many digits"),
    # functions
    ("size(5)", "size() takes a text, a list or a map, not a number"),
    ("string(null)", "string() does not take null"),
    ("string([1])", "string() does not take a list"),
    ("money('1,50')", 'money is written in plain digits, as in "620.00"'),
    ("money('1e3')", 'money is written in plain digits, as in "620.00"'),
    ("money(0.0000000000001)", "money has at most 12 places; round(x, 2) gives two"),
    ("money(true)", "what money() reads must be a text, not true or false"),
    ("round('2')", "round() takes a number, not a text"),
    ("round(2.5, 13)", "round() takes 0 to 12 places"),
    ("round(2.5, -1)", "round() takes 0 to 12 places"),
    ("round(1e900)", "the result does not fit 64 bits"),
    ("min(1, 'a')", "a number and a text have no order"),
    ("min([])", "min() of an empty list has no value"),
    ("max(null)", "null and null have no order"),
    ("join([1])", "each item of join() must be a text, not a number"),
    ("join('ab', ',')", "join() takes a list of texts, not a text"),
    ("'a'.contains(1)", "what contains() looks for must be a text, not a number"),
    ("5.contains('a')", "the text must be a text, not a number"),
    ("nothing()", "there is no function nothing()"),
    ("'a'.nothing()", "there is no function nothing()"),
    ("size()", "size() does not take 0 arguments"),
    ("default(1 / 0, 5)", "division by zero"),
    ("default('a' + 1, 5)", "+ does not take a text and a number"),
    ("default(steps.classify.output.amount + 1, 5)", "+ does not take null and a number"),
    ("has(tool.name.first)", "a text has no `first`: it has no fields"),
    # time
    ("timestamp('2026-03-01')", "a timestamp is written with its time and zone, as in"),
    ("timestamp('2026-03-01T12:00:00')", "a timestamp is written with its time and zone, as in"),
    ("timestamp('2026-02-30T12:00:00Z')", "there is no such date or time"),
    ("timestamp('2026-03-01T12:00:00.1234567Z')", "a timestamp has at most six digits"),
    ("timestamp('0001-01-01T00:00:00+01:00')", "there is no such date or time"),
    ("timestamp('2026-03-01T12:00:00+99:00')", "there is no time zone +99:00"),
    ("duration('1d')", "a duration is written like"),
    ("duration('')", "a duration is written like"),
    ("duration('-')", "a duration is written like"),
    ("duration('1h 30m')", "a duration is written like"),
    ("duration('1ns')", "a duration is not finer than one microsecond"),
    ("duration('99999999999999h')", "this duration is longer than 10,000 years"),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1h')", "the result is beyond the calendar"),
    ("days.start + duration('1h')", "a date takes durations of whole days (24h)"),
    ("days.start - now", "- does not take a date and a time"),
    ("now + now", "+ does not take a time and a time"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_error(text: str, message: str) -> None:
    found = evaluate(text)
    assert isinstance(found, ErrorValue), found
    assert found.message.startswith(message)
    assert found.span is not None


def test_an_error_value_is_neither_true_nor_false() -> None:
    found = evaluate("1 / 0 > 1")
    with pytest.raises(TypeError, match="neither true nor false: division by zero"):
        bool(found)
    with pytest.raises(TypeError):
        _ = "yes" if found else "no"


def test_an_error_points_at_the_part_that_failed() -> None:
    found = evaluate("1 + 2 < 3 || tool.arguments.amount / (tool.arguments.count - 3) > 1")
    assert isinstance(found, ErrorValue)
    assert found.span is not None
    assert (found.span.column, found.span.end_column) == (14, 64)


FOREIGN = [
    (float("nan"), "this number is not a finite number"),
    (float("inf"), "this number is not a finite number"),
    (Decimal("NaN"), "this number is not a finite number"),
    (Decimal("sNaN"), "this number is not a finite number"),
    (Decimal("-Infinity"), "this number is not a finite number"),
    (Decimal("1e1000"), "this number is out of bounds"),
    (Decimal("1e-1000"), "this number is out of bounds"),
    (2**63, "this integer does not fit 64 bits"),
    (b"bytes", "a Python bytes is not a value of the mesh language"),
    ({1, 2}, "a Python set is not a value of the mesh language"),
    (object(), "a Python object is not a value of the mesh language"),
    (1j, "a Python complex is not a value of the mesh language"),
    (ErrorValue("what went wrong before"), "what went wrong before"),
]


@pytest.mark.parametrize(
    ("value", "message"),
    FOREIGN,
    ids=[f"{n}-{type(v).__name__}" for n, (v, _) in enumerate(FOREIGN)],
)
def test_what_is_no_value_is_an_error_wherever_it_is_met(value: Any, message: str) -> None:
    for text in ("x == 1", "y.z == 1", "l.exists(i, i == 1)", "1 in l", "l == [1]", "l[0] == 1"):
        found = evaluate(text, {"x": value, "y": {"z": value}, "l": [value]})
        assert isinstance(found, ErrorValue), text
        assert found.message == message


class Loud(str):
    """A text that would show itself if one of its own methods were called."""

    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("called")

    __eq__ = __contains__ = lower = __str__  # type: ignore[assignment]
    __hash__ = str.__hash__


def test_subclasses_count_by_their_plain_value() -> None:
    class Whole(int):
        def __add__(self, other: int) -> int:
            raise AssertionError("called")

    names = {"s": Loud("AB"), "i": Whole(2), "d": type("D", (Decimal,), {})("1.5"), "t": (1, 2)}
    assert evaluate("s.lower() == 'ab' && s.contains('A')", names) is True
    assert evaluate("i + 1", names) == 3
    assert evaluate("d * i", names) == Decimal("3.0")
    assert evaluate("t + [3]", names) == [1, 2, 3]


def test_the_global_decimal_context_does_not_matter() -> None:
    hostile = decimal.Context(prec=2, Emax=3, Emin=-3, traps=[decimal.Inexact, decimal.Rounded])
    hostile.traps[decimal.FloatOperation] = True
    with decimal.localcontext(hostile):
        for text, value in VALUES:
            found = evaluate(text)
            assert type(found) is type(value), text
            if not isinstance(value, Decimal):
                assert found == value, text
    for text, value in VALUES:
        assert evaluate(text) == value


def test_naive_and_aware_times_have_no_order() -> None:
    names = {"naive": datetime(2026, 3, 1)}  # noqa: DTZ001 - naive on purpose
    found = evaluate("naive < now", names)
    assert isinstance(found, ErrorValue)
    assert found.message == "one of these two times has no time zone"
    assert isinstance(evaluate("now - naive", names), ErrorValue)
    assert evaluate("naive == now", names) is False


def test_now_is_the_given_time_and_no_other() -> None:
    assert evaluate("now", {}, NOW) == NOW
    assert evaluate("now", {"now": NOW}, None) == NOW
    assert isinstance(evaluate("now", {}, None), ErrorValue)
    assert evaluate("[1].map(now, now)", {}, NOW) == [1]


def test_names_of_any_mapping_are_read_by_key_only() -> None:
    names = MappingProxyType({"a": MappingProxyType({"b": 1})})
    assert evaluate("a.b", names) == 1
    assert isinstance(evaluate("a.items", names), ErrorValue)


def test_a_mapping_that_raises_is_an_error_value_without_its_words() -> None:
    class Broken(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            raise RuntimeError("secret")

    found = evaluate("a.b == 1", {"a": Broken()})
    assert found == ErrorValue("`b` could not be read (RuntimeError)", found.span)
    assert isinstance(evaluate("a == {'x': 1}", {"a": Broken(x=1)}), bool | ErrorValue)


def test_reading_does_not_fill_a_default_dict() -> None:
    from collections import defaultdict

    names: dict[str, Any] = {"d": defaultdict(int)}
    assert isinstance(evaluate("d.x", names), ErrorValue)
    assert names["d"] == {}


def test_a_message_holds_no_value_that_was_looked_up() -> None:
    names = {"card": "4111 1111 1111 1111", "m": {}, "l": ["4111 1111 1111 1111"]}
    texts = (
        "m[card]", "card + 1", "{card: 1, card: 2}", "timestamp(card)", "money(card)", "-card",
        "duration(card)", "''.matches('(' + card)", "card > 1", "[card].map(x, m[x])",
    )  # fmt: skip
    for text in texts:
        found = evaluate(text, names)
        assert isinstance(found, ErrorValue), text
        assert "4111" not in found.message
