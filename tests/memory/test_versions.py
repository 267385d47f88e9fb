"""What the writes of a field add up to."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.memory.versions import Versions

VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers()))
WRITES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["replace", "append"]), VALUES),
        st.tuples(st.just("extend"), st.lists(VALUES, max_size=3)),
    ),
    max_size=12,
)


def written(*writes: tuple[str, Any]) -> Versions:
    field = Versions()
    for op, value in writes:
        field.write(value, op)
    return field


def naive(before: Any, op: str, value: Any) -> Any:
    """The whole value, anew with each write."""
    if op == "replace":
        return value
    base = before if isinstance(before, list) else []
    return [*base, value] if op == "append" else [*base, *value]


@pytest.mark.parametrize(
    ("writes", "values"),
    [
        ([], [None]),
        ([("replace", "a"), ("replace", None)], [None, "a", None]),
        ([("append", "a"), ("append", "b")], [None, ["a"], ["a", "b"]]),
        ([("extend", []), ("extend", ["a", "b"])], [None, [], ["a", "b"]]),
        ([("replace", ["a"]), ("append", ["b"])], [None, ["a"], ["a", ["b"]]]),
        ([("append", 1), ("replace", [7]), ("append", 8)], [None, [1], [7], [7, 8]]),
        ([("replace", "no list"), ("append", 1)], [None, "no list", [1]]),
    ],
)
def test_how_a_value_joins_the_one_that_is_there(
    writes: list[tuple[str, Any]], values: list[Any]
) -> None:
    field = written(*writes)
    assert field.version == len(writes)
    assert [field.at(version) for version in range(len(values))] == values
    assert field.value == values[-1]


@given(WRITES)
def test_every_version_is_what_its_writes_say(writes: list[tuple[str, Any]]) -> None:
    given_values = copy.deepcopy([value for _, value in writes])
    field, expected = Versions(), [None]
    for op, value in writes:
        field.write(value, op)
        expected.append(naive(expected[-1], op, value))
        assert field.value == expected[-1]
    assert [field.at(n) for n in range(field.version + 1)] == expected
    assert [value for _, value in writes] == given_values, "nothing that was given has changed"
    assert field == written(*writes)
    assert copy.deepcopy(field) == field


def test_what_was_handed_out_does_not_grow() -> None:
    field = written(("append", 1))
    first = field.value
    assert field.value is first
    field.write(2, "append")
    assert (first, field.value) == ([1], [1, 2])


def test_additions_take_room_for_what_they_add() -> None:
    """A thousand lists of up to a thousand items would be half a million references."""
    field = written(*[("append", n) for n in range(1000)])
    assert sum(len(base) for base in field._bases) == 1000
    assert field.at(500) == list(range(500))


@pytest.mark.parametrize(
    ("op", "value", "error"),
    [("prepend", 1, ValueError), (None, 1, ValueError), ("extend", "text", TypeError)],
)
def test_a_write_that_makes_no_sense_changes_nothing(
    op: Any, value: Any, error: type[Exception]
) -> None:
    field = written(("append", 1))
    with pytest.raises(error):
        field.write(value, op)
    assert field == written(("append", 1))


def test_a_version_that_is_not_there() -> None:
    with pytest.raises(IndexError):
        written(("append", 1)).at(2)
