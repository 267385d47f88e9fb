"""``{{name}}``: values in, never structure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.errors import MeshError
from leafmesh_nb.notebook.insert import insert


@pytest.mark.parametrize(
    ("text", "names", "result"),
    [
        ("a: {{x}}", {"x": 3}, "a: 3"),
        ("a: {{ x }}", {"x": True}, "a: true"),
        ("a: {{x}}", {"x": None}, "a: null"),
        ("a: {{x}}", {"x": Decimal("1E+3")}, "a: 1000"),
        ("a: {{x}}", {"x": "b: c"}, 'a: "b: c"'),
        ("when: amount > {{x}} && y", {"x": Decimal("9.50")}, "when: amount > 9.50 && y"),
        ("role: The {{x}} clerk", {"x": "night"}, "role: The night clerk"),
        ("no hole", {}, "no hole"),
    ],
)
def test_values(text: str, names: dict[str, Any], result: str) -> None:
    assert insert(text, names) == result


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("a: {{x}}", {}, "line 1: {{x}} needs a Python variable 'x'"),
        ("b: 1\na: {{x}}", {"x": [1]}, "line 2: x is a list"),
        ("a: the {{x}} one", {"x": "b: c"}, "line of its own"),
        ("a: {b: {{x}}}", {"x": "c, d: e}"}, "line of its own"),
    ],
)
def test_what_could_change_the_meaning_is_refused(
    text: str, names: dict[str, Any], said: str
) -> None:
    with pytest.raises(MeshError, match="line") as caught:
        insert(text, names)
    assert said in str(caught.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_text_stays_one_value(value: str) -> None:
    text = insert("first: {{x}}\nsecond: 2\n", {"x": value})
    assert yaml.safe_load(text) == {"first": value, "second": 2}
