"""What fits where it is handed over: money that was divided, durations, null, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Telling = Callable[..., Any]

MESH = """\
mesh: m
agents:
  k: {role: R, kind: python, capabilities: {k.k: {input: {x: KIND}, output: {ok: boolean}}}}
workflows:
  w:
    input: {q: string, bill: money, n: number, i: integer, at: datetime, day: date, f: boolean,
      tier: {enum: [a, b]}, some: any, maybe: string or null, lines: {list: string}}
    steps:
      a: {let: "LET"}
      k:
        capability: k.k
        with:
          x: GIVEN
    output: {ok: steps.k.output.ok}
"""


def given(told: Telling, kind: str, expression: str, let: str = "1") -> Any:
    text = MESH.replace("KIND", kind).replace("GIVEN", expression).replace("LET", let)
    return told(text)


@pytest.mark.parametrize(
    "expression",
    [
        "input.bill / 3",
        "input.bill * 0.333333333333",
        "input.bill / 3 + 1",
        "input.n * input.n",
        "input.i / 3.0",
        "[input.bill / 3][0]",
        "input.f ? input.bill / 3 : 0",
        "default(input.bill / 3, 0)",
        "input.bill / input.bill",
    ],
)
def test_a_part_of_an_amount_may_have_too_many_places(told: Telling, expression: str) -> None:
    found = given(told, "money", f"'{expression}'")
    warning = found.only("LM404")
    assert "it was divided or multiplied, and money has at most 12 places" in warning.message
    assert warning.hint == f"Write round({expression}, 2)."
    assert given(told, "money", f"'round({expression}, 2)'").codes == []
    assert given(told, "number", f"'{expression}'").codes == []
    assert given(told, "any", f"'{expression}'").codes == []
    assert given(told, "string", f"'{expression}'").codes == ["LM403"]


@pytest.mark.parametrize(
    "expression",
    [
        "input.bill", "input.n", "input.i", "input.bill * 2", "input.bill * input.i", "-input.bill",
        "input.bill + input.n", "input.bill - 0.5", "input.i / 3", "money(input.q)", "2.0 * 3",
        "max(input.bill, 1)", "12.50",
    ],
)  # fmt: skip
def test_other_amounts_fit(told: Telling, expression: str) -> None:
    assert given(told, "money", f"'{expression}'").codes == []


def test_a_part_of_an_amount_is_known_through_other_steps(told: Telling) -> None:
    assert given(told, "money", "steps.a.output", let="input.bill / 3").codes == ["LM404"]
    assert given(told, "money", "steps.a.output", let="round(input.bill / 3, 2)").codes == []
    assert given(told, "number", "steps.a.output", let="input.bill / 3").codes == []


@pytest.mark.parametrize("kind", ["any", "number", "string", "'{list: string} or null'"])
@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("input.at - now", "it"),
        ('duration("5m")', "it"),
        ("{late: [input.at - now]}", "`late[]`"),
    ],
)
def test_a_duration_stays_within_expressions(
    told: Telling, kind: str, expression: str, what: str
) -> None:
    found = given(told, kind, f"'{expression}'" if expression[0] != "{" else expression)
    error = found.only("LM403")
    assert error.message == (
        f"The input `x` of `k.k` cannot be this: {what} is a duration, and durations are there "
        "within expressions only."
    )
    if what == "it":
        assert f"string({expression})" in error.hint
        assert given(told, "string", f"'string({expression})'").codes == []


def test_no_step_gives_a_duration(told: Telling) -> None:
    found = given(told, "any", "input.q", let="{'d': now - input.at}")
    assert found.only("LM403").message == (
        "The output of `a` cannot be this: `d` is a duration, and durations are there within "
        "expressions only."
    )
    text = MESH.replace("KIND", "any").replace("GIVEN", "input.q").replace("LET", "1")
    found = told(text.replace("{ok: steps.k.output.ok}", "{late: now - input.at}"))
    assert found.only("LM403").message.startswith("The output `late` cannot be this: it is")
    assert given(told, "boolean", "'now - input.at > duration(\"1h\")'").codes == []


def test_null_deep_in_a_map_is_null(told: Telling) -> None:
    kind = "{object: {f: string, g: {object: {h: integer or null}}}}"
    assert given(told, kind, "{f: input.q, g: {h: null}}").codes == []
    kind = kind.replace(" or null", "")
    error = given(told, kind, "{f: input.q, g: {h: null}}").only("LM403")
    assert "`g.h`: it is null, and integer is needed" in error.message
    schema = "{schema: {type: object, properties: {h: {type: [integer, 'null']}, f: {}}}}"
    assert given(told, schema, "{f: input.q, h: null}").codes == []


@pytest.mark.parametrize(
    ("kind", "expression", "hint"),
    [
        ("money", "input.q", "money(input.q)"),
        ("string", "input.i", "string(input.i)"),
        ("string", "input.bill", "string(input.bill)"),
        ("string", "input.f", "string(input.f)"),
        ("integer", "input.n", "round(input.n)"),
        ("datetime", "input.q", "timestamp(input.q)"),
        ("datetime", "input.day", "timestamp(input.day)"),
        ("{list: string}", "input.q", "[input.q]"),
        ("money", "input.tier", "money(input.tier)"),
    ],
)
def test_the_hint_is_an_expression_that_fits(
    told: Telling, kind: str, expression: str, hint: str
) -> None:
    assert given(told, kind, expression).only("LM403").hint == f"Write {hint}."
    assert given(told, kind, f"'{hint}'").codes == []


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("input.maybe", "input.maybe"),
        ("input.f ? input.maybe : input.q", "input.maybe"),
        ("input.f ? input.q : input.maybe", "input.maybe"),
        ("input.maybe != null ? input.q : input.maybe", "input.maybe"),
        ("default(input.maybe, input.maybe)", "input.maybe"),
        ("input.f ? (input.f ? input.q : input.maybe) : input.q", "input.maybe"),
    ],
)
def test_the_hint_names_the_part_that_may_be_null(
    told: Telling, expression: str, part: str
) -> None:
    error = given(told, "string", f"'{expression}'").only("LM403")
    assert error.hint.startswith(f"Say what to take where it is null: default({part}, …).")


def test_null_that_is_written_is_replaced(told: Telling) -> None:
    error = given(told, "string", '\'input.q == "a" ? "b" : null\'').only("LM403")
    assert error.hint == "Write the value to take in place of `null`."


def test_what_has_asked_for_a_field_has_it(told: Telling) -> None:
    assert given(told, "string", "'has(input.maybe) ? input.maybe : \"none\"'").codes == []
    assert given(told, "boolean", "'has(input.maybe) && size(input.maybe) > 3'").codes == []


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("steps.a.output.b if steps.a else 0", "write `default(steps.a.output.b, 0)`"),
        ("input.maybe if input.maybe else 'x'", "write `default(input.maybe, 'x')`"),
        ("input.maybe if input.maybe is not None else 'x'", "write `default(input.maybe, 'x')`"),
        ("input.q if input.maybe is not None else 'x'",
         "write `input.maybe != null ? input.q : 'x'`"),
        ("1 if input.f else 0", "write `input.f ? 1 : 0`"),
        ("input.q if input.i > 3 else 'x'", "write `input.i > 3 ? input.q : 'x'`"),
        ("input.lines[0] if input.lines else 'x'", "write `default(input.lines[0], 'x')`"),
    ],
)  # fmt: skip
def test_a_condition_of_python_is_written_here(told: Telling, written: str, hint: str) -> None:
    found = given(told, "any", f'"{written}"')
    error = found.only("LM114")
    assert error.hint.lower().startswith(hint.lower())
    expression = hint.removeprefix("write `").removesuffix("`")
    assert given(told, "any", f'"{expression}"', let="{'b': 1}").codes == []


def test_an_any_as_a_condition_cannot_be_proved(told: Telling) -> None:
    text = MESH.replace("KIND", "any").replace("GIVEN", "input.q").replace("LET", "1")
    text = text.replace("{ok: steps.k.output.ok}", "{}")
    found = told(text.replace("capability: k.k\n", "capability: k.k\n        when: input.some\n"))
    assert found.only("LM404").message == (
        "It cannot be proved that this is true or false: it may be anything."
    )
    assert given(told, "any", "'input.some.map(x, x.y)'").codes == ["LM404"]
    # where there are errors, it may be their echo
    assert given(told, "any", "'input.nothing ? 1 : 2'").codes == ["LM311"]
