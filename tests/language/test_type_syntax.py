"""Types as they are written, and written again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from leafmesh_nb.language import Diagnostic, Type, describe, parse_type
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.nodes import MappingNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.types import ANY, MONEY, STRING, object_of


def parsed(written: str) -> tuple[Type, tuple[Diagnostic, ...]]:
    collector = Collector(Source(f"type: {written}\n"))
    node = read(collector.source, collector)
    assert isinstance(node, MappingNode)
    inner = node.get("type")
    assert inner is not None
    type = parse_type(inner, collector)
    return type, collector.finish()


@pytest.mark.parametrize(
    ("written", "type"),
    [
        ("string", STRING),
        ("integer", Type("integer")),
        ("number", Type("number")),
        ("boolean", Type("boolean")),
        ("money", MONEY),
        ("date", Type("date")),
        ("datetime", Type("datetime")),
        ("any", ANY),
        ("any or null", ANY),
        ("money or null", MONEY.or_null()),
        ("money  or  null", MONEY.or_null()),
        ("{enum: [a, b c]}", Type("enum", values=("a", "b c"))),
        ("{enum: [a, null]}", Type("enum", values=("a",), nullable=True)),
        ('{enum: [a, "null"]}', Type("enum", values=("a", "null"))),
        ("{list: money}", Type("list", items=MONEY)),
        ("{list: string or null}", Type("list", items=STRING.or_null())),
        ("{map: {list: any}}", Type("map", items=Type("list", items=ANY))),
        ("{object: {a: string, b: {object: {}}}}", object_of({"a": STRING, "b": Type("object")})),
        (
            "{type: number, min: 0, max: 1}",
            Type("number", minimum=Decimal(0), maximum=Decimal(1)),
        ),
        ("{type: money or null, min: 0.50}", Type("money", True, minimum=Decimal("0.50"))),
        ("{type: string}", STRING),
        ("{type: {list: string}}", Type("list", items=STRING)),
    ],
)
def test_the_shorthand(written: str, type: Type) -> None:
    found, diagnostics = parsed(written)
    assert diagnostics == ()
    assert found == type


@pytest.mark.parametrize(
    "written",
    [
        "string",
        "money or null",
        "{enum: [a, b]}",
        "{list: {map: integer}}",
        "{object: {a: string, b: money or null}}",
        "{type: number, min: 0, max: 1}",
        "{type: money or null, min: 0.50}",
    ],
)
def test_describe_writes_it_again(written: str) -> None:
    assert describe(parsed(written)[0]) == written


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("str", "LM401", "Write `string`."),
        ("int", "LM401", "Write `integer`."),
        ("float", "LM401", "Write `number`."),
        ("strng", "LM401", "Did you mean `string`?"),
        ("monney or null", "LM401", "Did you mean `money`?"),
        ("string | null", "LM401", "Write `string or null`."),
        ("str?", "LM401", "Write `string or null`."),
        ("Optional[int]", "LM401", "Write `integer or null`."),
        ("null or money", "LM401", "Write `money or null`."),
        ("list", "LM401", "Write `{list: string}`."),
        ("wibble", "LM401", "Types are string"),
        ("3", "LM401", "Types are string"),
        ("", "LM401", "Types are string"),
        ("[a, b]", "LM401", "{enum: [a, b]}"),
        ("{a: string}", "LM401", "{object: {…}}"),
        ("{lst: string}", "LM401", "Did you mean `list`?"),
        ("{list: string, map: string}", "LM401", ""),
        ("{enum: a}", "LM401", "{enum: [a, b]}"),
        ("{enum: []}", "LM401", "{enum: [a, b]}"),
        ("{enum: [1, a]}", "LM401", 'Quote it: "1".'),
        ("{enum: [true, a]}", "LM401", 'Quote it: "true".'),
        ("{enum: [a, a]}", "LM213", ""),
        ("{enum: ['', a]}", "LM401", ""),
        ("{list: string, min: 1}", "LM201", "{type: number, min: 0, max: 1}"),
        ("{type: string, min: 1}", "LM401", ""),
        ("{type: number, min: 2, max: 1}", "LM208", ""),
        ("{type: number, min: x}", "LM204", ""),
        ("{type: number, mim: 1}", "LM201", "Did you mean `min`?"),
        ("{type: number, min: 0.1234567890123456789}", "LM208", ""),
        ("{type: {schema: {type: integer, multipleOf: 2}}, min: 1}", "LM209", ""),
        ("{object: [a]}", "LM204", "{name: string, amount: money or null}"),
        ("{object: {Ticket-ID: string}}", "LM205", "Write `ticket_id`."),
        ("{object: {in: string}}", "LM205", "`in_`"),
    ],
)
def test_what_is_no_type(written: str, code: str, hint: str) -> None:
    _, diagnostics = parsed(written)
    assert [d.code for d in diagnostics] == [code], [str(d) for d in diagnostics]
    assert hint in diagnostics[0].hint


LIST = Type("list", items=STRING)


@pytest.mark.parametrize(
    ("written", "type"),
    [
        ('"{list: string} or null"', LIST.or_null()),
        ("'{map: money}  or  null'", Type("map", items=MONEY).or_null()),
        ('"{enum: [a, b]} or null"', Type("enum", values=("a", "b")).or_null()),
        (
            '"{object: {a: string, b: money or null}} or null"',
            object_of({"a": STRING, "b": MONEY.or_null()}).or_null(),
        ),
        ('"{type: number, min: 0} or null"', Type("number", minimum=Decimal(0)).or_null()),
        ('"{list: string}"', LIST),
        ("{list: '{list: string} or null'}", Type("list", items=LIST.or_null())),
        ('{type: "{list: string} or null"}', LIST.or_null()),
        ("|\n  {list: string}\n  or null", LIST.or_null()),
    ],
)
def test_a_type_in_braces_is_quoted_before_or_null(written: str, type: Type) -> None:
    assert parsed(written) == (type, ())
    if type.items is None or not type.items.nullable:
        assert parsed(f"'{describe(type)}'") == (type, ())


def test_what_is_wrong_in_a_quoted_type_has_its_place() -> None:
    _, (found,) = parsed('"{object: {a: strng}} or null"')
    assert (found.code, found.hint) == ("LM401", "Did you mean `string`?")
    assert (found.span.line, found.span.column, found.span.end_column) == (1, 21, 26)
    _, (found,) = parsed('"{lst: string} or null"')
    assert (found.code, found.hint) == ("LM401", "Did you mean `list`?")


@pytest.mark.parametrize(
    ("written", "code", "hint"),
    [
        ("{list: string, nullable: true}", "LM201", '"{list: string} or null"'),
        ("{type: {list: string}, nullable: true}", "LM201", '"{list: string} or null"'),
        ("\n  list: string\n  required: false", "LM201", '"{list: string} or null"'),
        ("{type: string, optional: true}", "LM201", "is written string or null."),
        ('"list[str]"', "LM401", "Write `{list: string}`."),
        ('"string[]"', "LM401", "Write `{list: string}`."),
        ('"[string]"', "LM401", "Write `{list: string}`."),
        ('"{list: string or null"', "LM401", ""),
    ],
)
def test_null_and_lists_as_elsewhere_get_the_type_to_write(
    written: str, code: str, hint: str
) -> None:
    _, (found,) = parsed(written)
    assert found.code == code
    assert hint in found.hint


def test_errors_stand_at_the_innermost_place() -> None:
    _, (found,) = parsed("{object: {a: {list: {map: strng}}}}")
    assert (found.span.line, found.span.column, found.span.end_column) == (1, 33, 38)


def test_yes_and_no_may_be_enum_values() -> None:
    type, diagnostics = parsed("{enum: [yes, no]}")
    assert type.values == ("yes", "no")
    assert {d.severity for d in diagnostics} == {"warning"}


def test_a_type_of_fifty_levels_is_read_and_one_more_is_refused() -> None:
    type, diagnostics = parsed("{list: " * 48 + "string" + "}" * 48)
    assert diagnostics == ()
    depth = 0
    while type.items is not None:
        type, depth = type.items, depth + 1
    assert depth == 48
