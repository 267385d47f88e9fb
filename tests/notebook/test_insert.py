"""``{{name}}``: values in, never structure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.expressions import Template, parse_expression, parse_template
from leafmesh_nb.language.expressions.expression import Expression
from leafmesh_nb.language.nodes import Node, ScalarNode
from leafmesh_nb.language.overlay import tree_of
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.notebook.insert import insert


class Colour(Enum):
    RED = "red"


def tree(text: str) -> Node:
    """What the language reads, which must be without an error."""
    source = Source(text)
    collector = Collector(source)
    node = read(source, collector)
    assert node is not None, collector.finish()
    return node


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (True, "true"),
        (None, "null"),
        (-2.5, "-2.5"),
        (1e-7, "0.0000001"),
        (Decimal("1E+3"), "1000"),
        ("b: c", '"b: c"'),
        ("12", '"12"'),
        ("no", '"no"'),
        ('say "hi"', "'say \"hi\"'"),
        ("two\nlines", '"two\\nlines"'),
        ("a\u2028b\x85c", '"a\\u2028b\\u0085c"'),
        (date(2026, 3, 1), '"2026-03-01"'),
        (timedelta(minutes=30), '"1800s"'),
        (Colour.RED, '"red"'),
        (np.int64(7), "7"),
        (np.float64(1.5), "1.5"),
        (np.bool_(True), "true"),
        (np.str_("x"), '"x"'),
        (pd.Timestamp("2026-03-01T12:00:00Z"), '"2026-03-01T12:00:00+00:00"'),
        (["a, b", 2, None], '["a, b", 2, null]'),
        ({"k: x": [1]}, '{"k: x": [1]}'),
        ((), "[]"),
    ],
)
def test_a_value_of_its_own(value: Any, written: str) -> None:
    assert insert("a: {{x}}", {"x": value}) == f"a: {written}"
    assert insert("a: {b: [{{ x }}, 1]} # {{x}}", {"x": value}) == (
        f"a: {{b: [{written}, 1]}} # {{{{x}}}}"
    )


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        ("role: The {{x}} clerk", "night", "role: The night clerk"),
        ("role: The {{x}} clerk", "ni: ght", 'role: "The ni: ght clerk"'),
        ("role: '{{x}} clerk'", "it's", "role: 'it''s clerk'"),
        ('role: "{{x}} clerk"', 'a"b\\', 'role: "a\\"b\\\\ clerk"'),
        ("role: a{{x}}", "5", "role: a5"),
        ("role: 0{{x}}", "5", 'role: "05"'),
        ("role: 0.{{x}}", 5, "role: 0.5"),
        (
            "role: |\n  Be {{x}}.\n  Bye.\nkind: llm",
            "kind",
            "role: |\n  Be kind.\n  Bye.\nkind: llm",
        ),
        (
            "role: |\n  Be {{x}}.\n  Bye.\nkind: llm",
            "a\nb",
            'role: "Be a\\nb.\\nBye.\\n"\n\n\nkind: llm',
        ),
        ("role: | # {{x}}\n  {{x}}\n", "y", "role: | # {{x}}\n  y\n"),
        ("no hole", "", "no hole"),
        ("# {{nothing}}\na: 1", "", "# {{nothing}}\na: 1"),
    ],
)
def test_inside_a_text(text: str, value: Any, result: str) -> None:
    assert insert(text, {"x": value}) == result


@pytest.mark.parametrize(
    ("when", "value", "result"),
    [
        ("amount > {{x}}", Decimal("9.50"), "amount > 9.50"),
        ("amount > {{x}}", -1, "amount > (-1)"),
        ("amount > {{x}}", "1 || true", "'amount > \"1 || true\"'"),
        ("'tier == \"{{x}}\"'", 'a" || true || "', '\'tier == "a\\" || true || \\""\''),
        ("tier in {{x}}", ["a", "b"], '\'tier in ["a", "b"]\''),
        ("now > {{x}}", datetime(2026, 3, 1, tzinfo=UTC), None),
        ("duration('1s') < {{x}}", timedelta(hours=1), None),
        ("{{x}}", "refund", "'\"refund\"'"),
        ("{{x}}", True, "true"),
    ],
)
def test_where_texts_are_expressions_a_value_is_a_literal(
    when: str, value: Any, result: str | None
) -> None:
    text = insert(f"rules: [{{id: a, when: {when}}}]", {"x": value}, at=("policies", "p"))
    if result is not None:
        assert text == f"rules: [{{id: a, when: {result}}}]"
    node = tree(text).get("rules").items[0].get("when")  # type: ignore[union-attr]
    assert isinstance(parse_expression(node), Expression)  # type: ignore[arg-type]


def test_literals_of_steps_and_outputs() -> None:
    names = {"x": "hi", "rows": ["a", {"k": "b"}], "note": "costs ${memory.card}"}
    steps = "steps: {a: {capability: {{x}}, with: {t: {{x}}, u: {{rows}}}}}\noutput: {o: {{x}}}"
    assert insert(steps, names, at=("workflows", "w")) == (
        'steps: {a: {capability: "hi", with: {t: \'"hi"\', u: [\'"a"\', {"k": \'"b"\'}]}}}\n'
        "output: {o: '\"hi\"'}"
    )
    agent = insert("role: {{note}}\ninstructions: {{note}}", names, at=("agents", "a"))
    assert agent == 'role: "costs ${memory.card}"\ninstructions: "costs $${memory.card}"'


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("a: {{limt}}", {"limit": 1}, "line 1: There is no Python variable `limt`. Did you mean"),
        ("b: 1\na: {{x}}", {"x": {1}}, "line 2: `x` is a set"),
        ("a: {{x}}", {"x": pd.DataFrame()}, "is a DataFrame"),
        ("a: {{x}}", {"x": np.array([1])}, ".tolist() makes a list"),
        ("a: {{x}}", {"x": pd.NA}, "missing value"),
        ("a: {{x}}", {"x": pd.NaT}, "missing value"),
        ("a: {{x}}", {"x": float("nan")}, "not a finite number"),
        ("a: {{x}}", {"x": 10**5000}, "more than 300 digits"),
        ("a: {{x}}", {"x": Decimal("1E+999999")}, "more than 300 digits"),
        ("a: {{x}}", {"x": {1: 2}}, "keys of a map are texts"),
        ("a: {{x}}", {"x": "a\0b"}, "NUL"),
        ("a: {{x}}", {"x": "\ud800"}, "surrogate"),
        ("a: {{x}}", {"x": "{{y}}"}, "placeholder"),
        ("a: {{x}}", {"x": [{"k": "{{y}}"}]}, "placeholder"),
        ("a: {{x}}", {"x": object()}, "is an object"),
        ("a: {{x}}", {"x": list(range(20_000))}, "more than 10,000 values"),
        ("a: the {{x}} one", {"x": [1]}, "no form inside a text"),
        ("{{x}}: 1", {"x": "k"}, "A key cannot come from Python"),
        ("a: {{x}}\nb: [", {"x": 1}, "The text ends inside a value"),
    ],
)
def test_what_cannot_stand_there_is_refused_with_its_place(
    text: str, names: dict[str, Any], said: str
) -> None:
    with pytest.raises(MeshError, match="line") as caught:
        insert(text, names)
    assert said in str(caught.value)
    assert caught.value.diagnostics[0].lines[0] in text.split("\n")


def test_all_that_is_wrong_is_told_at_once_with_places() -> None:
    with pytest.raises(MeshError) as caught:
        insert("a: {{x}}\nb: {{limt}} {{limt}}\n{{x}}: 2", {"x": {1}, "limit": 1})
    places = [(d.span.line, d.span.column, d.code) for d in caught.value.diagnostics]
    assert places == [(1, 4, "LM124"), (2, 4, "LM124"), (2, 13, "LM124"), (3, 1, "LM124")]


@pytest.mark.parametrize("when", ["in{{x}}", "{{x}}in", "r{{x}}", "{{x}}{{x}}", "'a'{{x}}"])
def test_a_literal_needs_room(when: str) -> None:
    text = f'rules: [{{id: a, when: "{when}"}}]'
    with pytest.raises(MeshError, match="needs a space"):
        insert(text, {"x": "b"}, at=("policies", "p"))


def test_a_list_that_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(MeshError, match="levels deep"):
        insert("a: {{x}}", {"x": loop})


# Whatever the text, and wherever it goes, nothing but that scalar changes.

ATTACKS = [
    "a\nb: c", "a: b", "a #b", "'", '"', "\\", "}}", "]", ", x: y", "- a", "? a", "|", ">", "&a",
    "*a", "!t", "%", "---", "...", "\n---\n", "${x}", "$", "{a}", "\u2028", "\x85", "\ufeff", "\t",
    " ", "", "a ", " a", "null", "1e5", "-1", "{{", "a" * 5000, '" || true || "', "\\\" ' || (",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(alphabet=st.sampled_from(list("ab :#'\"\\}{]$,|\n-?&!\t\u2028")), max_size=12),
    st.text(max_size=20),
    st.lists(st.sampled_from(ATTACKS), min_size=2, max_size=3).map("".join),
)
PLACES = {
    "plain": ("first: 1\nk: {{x}}\nlast: 2\n", "{}"),
    "in plain": ("first: 1\nk: a {{x}} b\nlast: 2\n", "a {} b"),
    "at the end of plain": ("k: a-{{x}}\nlast: 2\n", "a-{}"),
    "in two lines": ("k: a\n  {{x}} b\nlast: 2\n", "a {} b"),
    "double": ('k: "a {{x}} b"\nlast: 2\n', "a {} b"),
    "only in double": ('k: "{{x}}"\nlast: 2\n', "{}"),
    "double in two lines": ('k: "a {{x}}\n  b"\nlast: 2\n', "a {} b"),
    "single": ("k: 'a {{x}}'\nlast: 2\n", "a {}"),
    "literal": ("k: |\n  a {{x}}\n  b\nlast: 2\n", "a {}\nb\n"),
    "at the start of a literal": ("k: |-\n  {{x}}\n  b\nlast: 2\n", "{}\nb"),
    "folded": ("k: >\n  a\n  {{x}} b\n\nlast: 2\n", "a {} b\n"),
    "flow": ("m: {first: 1, k: {{x}}, last: 2}\n", "{}"),
    "in flow": ("m: {first: 1, k: a {{x}} b, last: 2}\n", "a {} b"),
    "flow list": ("m: [{k: a{{x}}}, 2]\nlast: 2\n", "a{}"),
    "twice": ("k: '{{x}}{{x}}'\nlast: [{{n}}]\n", "{}{}"),
}


@pytest.mark.parametrize("place", PLACES)
@given(value=TEXTS)
@example(value="a\n  b: c")
def test_a_text_never_adds_structure(place: str, value: str) -> None:
    text, expected = PLACES[place]
    filled = filled_or_refused(text, {"x": value, "n": 2})
    if filled is None:
        return
    # The same tree as with a word in its place, that scalar aside.
    before = tree(insert(text, {"x": "word", "n": 2}))
    after = tree(filled)
    meant = ("str", expected.replace("{}", "word"))
    wanted = ("str", expected.replace("{}", value))
    assert tree_of(after) == _put(tree_of(before), meant, wanted)
    assert filled.count("\n") == text.count("\n")


def filled_or_refused(text: str, names: dict[str, Any], at: tuple[str, ...] = ()) -> str | None:
    """The text, or None for a value that no mesh can hold."""
    try:
        return insert(text, names, at=at)
    except MeshError as error:
        if any(word in str(error) for word in ("placeholder", "NUL", "surrogate")):
            return None
        raise


def _put(found: Any, old: Any, new: Any) -> Any:
    if found == old:
        return new
    return tuple(_put(part, old, new) for part in found) if isinstance(found, tuple) else found


CODE_PLACES = ("x == {{x}}", "x == '{{x}}'", 'x == "{{x}}" && y', "x.contains({{x}}) || z")


@pytest.mark.parametrize("place", CODE_PLACES)
@given(value=TEXTS)
def test_a_text_is_one_literal_of_an_expression(place: str, value: str) -> None:
    text = f"rules:\n  - id: a\n    when: {place}\n"
    filled = filled_or_refused(text, {"x": value}, at=("policies", "p"))
    if filled is None:
        return
    node = tree(filled).get("rules").items[0].get("when")  # type: ignore[union-attr]
    assert isinstance(node, ScalarNode)
    found = parse_expression(node)
    if isinstance(found, Expression):
        names = {"x": value, "y": True, "z": False}
        assert found.evaluate(names) is True
    else:  # too long for any expression
        assert len(value) > 1000


@given(value=TEXTS)
def test_a_text_is_text_in_a_template(value: str) -> None:
    text = "rules:\n  - id: a\n    reason: 'over $5 {{x}} ${ {{x}} }.'\n"
    filled = filled_or_refused(text, {"x": value}, at=("policies", "p"))
    if filled is None:
        return
    node = tree(filled).get("rules").items[0].get("reason")  # type: ignore[union-attr]
    assert isinstance(node, ScalarNode)
    found = parse_template(node)
    if isinstance(found, Template):
        assert found.render({}) == f"over $5 {value} {value}."
    else:
        assert len(value) > 1000


@pytest.mark.parametrize(
    ("text", "value"), [("a ${{x}}", "{memory.card}"), ("a {{x}}{memory.card}", "$")]
)
def test_a_value_makes_no_template_with_its_neighbours(text: str, value: str) -> None:
    with pytest.raises(MeshError, match="together with what stands beside it"):
        insert(f"instructions: '{text}'", {"x": value}, at=("agents", "a"))
