"""Texts with expressions in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language.expressions import ErrorValue, Template, check, parse_template
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.types import MONEY, STRING, Type

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES: dict[str, Any] = {
    "amount": Decimal("620.00"),
    "big": Decimal("1E+3"),
    "zero": Decimal("-0.00"),
    "n": None,
    "b": True,
    "i": 3,
    "f": 0.1,
    "s": "a “text” ${amount}",
    "d": date(2026, 3, 1),
    "span": timedelta(minutes=90),
    "l": [1, "a", None, Decimal("1.50"), {"k": [True]}],
    "html": "<script>",
}


def node(text: str) -> ScalarNode:
    places = tuple((3, 5 + n) for n in range(len(text) + 1))
    return ScalarNode(text, "double", text, Span(3, 4, 3, 6 + len(text)), places)


def template(text: str) -> Template:
    found = parse_template(node(text))
    assert isinstance(found, Template), found
    return found


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("nothing here", "nothing here"),
        ("${amount} is over the limit", "620.00 is over the limit"),
        ("${amount}${i}", "620.003"),
        ("${big} ${zero} ${f}", "1000 0.00 0.1"),
        ("${n} ${b} ${i}", "null true 3"),
        ("${s}", "a “text” ${amount}"),
        ("${html}", "<script>"),
        ("${d} ${now} ${span}", "2026-03-01 2026-03-01T12:00:00Z 5400s"),
        ("${l}", '[1, "a", null, 1.50, {"k": [true]}]'),
        ("${amount > 100 ? 'large' : 'small'}", "large"),
        ("${ {'a': '}'}.a }!", "}!"),
        ("${'{' + \"}\"}", "{}"),
        (r"${'\'}'}", "'}"),
        ("$${amount}", "${amount}"),
        ("a $${x} ${i} $${", "a ${x} 3 ${"),
        ("100$ {x} $x }{", "100$ {x} $x }{"),
        ("{{name}}", "{{name}}"),
        ("${default(missing.field, 'nobody')}", "nobody"),
    ],
)
def test_render(text: str, rendered: str) -> None:
    assert template(text).render(NAMES, now=NOW) == rendered


@pytest.mark.parametrize(
    ("text", "message", "columns"),
    [
        ("of ${missing}!", "there is no `missing` here", (10, 17)),
        ("${i / 0}", "division by zero", (7, 12)),
        ("${i} and ${n.x}", "`n` is null: it has no `x`", (16, 19)),
    ],
)
def test_an_error_is_an_error_value(text: str, message: str, columns: tuple[int, int]) -> None:
    found = template(text).render(NAMES)
    assert found == ErrorValue(message, Span(3, columns[0], 3, columns[1]))


def test_values_that_cannot_be_written_are_error_values() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    for value in (cyclic, [float("nan")], [object()], ["x" * 1_000_001]):
        assert isinstance(template("${x}").render({"x": value}), ErrorValue)


@pytest.mark.parametrize(
    ("text", "code", "columns", "message"),
    [
        ("a ${amount", "LM112", (7, 9), "this `${` is never closed"),
        ("a ${'}", "LM112", (7, 9), "this `${` is never closed"),
        ("a ${}", "LM113", (9, 10), "an expression is missing here"),
        ("a ${b = c} d", "LM114", (11, 12), "`=` does not compare"),
        ("${a} ${a and b}", "LM114", (14, 17), "`and` is not an operator"),
    ],
)
def test_findings(text: str, code: str, columns: tuple[int, int], message: str) -> None:
    (finding,) = parse_template(node(text))
    assert (finding.code, finding.message) == (code, message)
    assert finding.span == Span(3, columns[0], 3, columns[1])


def test_all_findings_are_told() -> None:
    findings = parse_template(node("${a = b} ${c and d} ${"))
    assert [finding.code for finding in findings] == ["LM114", "LM114", "LM112"]


def test_reads_and_text() -> None:
    found = template("${a.b} of ${c + a.d}")
    assert found.text == "${a.b} of ${c + a.d}"
    assert found.reads == {("a", "b"), ("c",), ("a", "d")}
    assert template("none").reads == frozenset()


def test_check_gives_a_text_and_findings_at_their_place() -> None:
    environment = {"amount": MONEY, "tier": Type("enum", values=("basic", "gold"))}
    kind, findings = check(template("${amount} ${tier == 'gild'} ${amuont}"), environment)
    assert kind == STRING
    assert [(f.code, f.span.column) for f in findings] == [("LM413", 25), ("LM310", 35)]


def test_an_escape_that_hides_a_value_is_a_warning() -> None:
    _, (finding,) = check(template("over $${amount}, $${name} and $${"), {"amount": MONEY})
    assert (finding.code, finding.severity) == ("LM116", "warning")
    assert finding.span == Span(3, 13, 3, 19)
    assert finding.hint == "for an amount in dollars write `$ ${amount}`"


def test_a_null_in_a_template_is_no_finding() -> None:
    assert check(template("${amount}"), {"amount": MONEY.or_null()}) == (STRING, [])
