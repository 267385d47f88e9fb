"""What fits what: never a promise that a value could break."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.language import Type, accept, assignable
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    object_of,
)

ABC = Type("enum", values=("a", "b", "c"))
AB = Type("enum", values=("a", "b"))
UNIT = Type("number", minimum=Decimal(0), maximum=Decimal(1))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (STRING, STRING),
        (STRING, STRING.or_null()),
        (INTEGER, NUMBER),
        (INTEGER, MONEY),
        (NUMBER, MONEY),
        (AB, ABC),
        (AB, STRING),
        (STRING, ANY),
        (STRING.or_null(), ANY),
        (ANY, ANY),
        (Type("list", items=INTEGER), Type("list", items=MONEY)),
        (Type("map", items=AB), Type("map", items=STRING)),
        (object_of({"a": STRING}), object_of({"a": STRING, "b": MONEY.or_null()})),
        (object_of({"a": STRING}), Type("map", items=STRING)),
        (UNIT, NUMBER),
        (UNIT, UNIT),
        (Type("integer", minimum=Decimal(1), maximum=Decimal(1)), UNIT),
        (object_of({}), object_of({})),
    ],
)
def test_fits(source: Type, target: Type) -> None:
    assert assignable(source, target) is None


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (STRING.or_null(), STRING, "it may be null, and string is needed"),
        (STRING, AB, "it is string, and {enum: [a, b]} is needed"),
        (ABC, AB, "it may be c, and one of a, b is needed"),
        (NUMBER, INTEGER, "it is number, and integer is needed"),
        (MONEY, NUMBER, "it is money, and number is needed"),
        (STRING, MONEY, "it is string, and money is needed"),
        (DATE, DATETIME, "it is date, and datetime is needed"),
        (BOOLEAN, INTEGER, "it is boolean, and integer is needed"),
        (Type("list", items=STRING.or_null()), Type("list", items=STRING),
         "`[]`: it may be null, and string is needed"),
        (object_of({"a": object_of({"b": STRING})}), object_of({"a": object_of({"b": MONEY})}),
         "`a.b`: it is string, and money is needed"),
        (object_of({"a": STRING}), object_of({"a": STRING, "b": STRING}),
         "its field `b` is missing"),
        (object_of({"a": STRING, "b": STRING}), object_of({"a": STRING}),
         "it has a field `b`, and the fields are a"),
        (Type("map", items=STRING), object_of({"a": STRING}),
         "it is {map: string}, and {object: {a: string}} is needed"),
        (Type("list", items=object_of({"a": ANY})), Type("list", items=object_of({"a": MONEY})),
         "`[].a`: it may be anything, and money is needed"),
        (ANY, STRING, "it may be anything, and string is needed"),
        (NUMBER, UNIT, "it is not known to be at least 0 and at most 1"),
        (Type("integer", minimum=Decimal(5), maximum=Decimal(5)), UNIT,
         "it is at least 5 and at most 5, not at least 0 and at most 1"),
    ],
)  # fmt: skip
def test_does_not_fit(source: Type, target: Type, message: str) -> None:
    assert assignable(source, target) == message


def test_doubt_is_not_certainty() -> None:
    for source, target in ((ANY, STRING), (NUMBER, UNIT)):
        misfit = compare(source, target)
        assert misfit is not None
        assert not misfit.certain
    both = compare(object_of({"a": ANY, "b": STRING}), object_of({"a": MONEY, "b": MONEY}))
    assert both is not None
    assert (both.path, both.certain) == ("b", True)


def test_a_long_type_is_cut_in_messages() -> None:
    wide = object_of({f"field_{i}": STRING for i in range(100)})
    assert len(assignable(wide, STRING) or "") < 200


scalars = st.sampled_from(
    [STRING, INTEGER, NUMBER, BOOLEAN, MONEY, DATE, DATETIME, ABC, AB, UNIT, ANY]
)
types = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda t: Type("list", items=t), inner),
        st.builds(lambda t: Type("map", items=t), inner),
        st.builds(object_of, st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
        st.builds(lambda t: t.or_null(), inner),
    ),
    max_leaves=5,
)


def values(type: Type) -> st.SearchStrategy[Any]:
    """Values of a type."""
    plain: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(st.sampled_from("abc "), max_size=3),
        "integer": st.integers(-3, 3),
        "number": st.sampled_from([-1, 0, 0.5, 1, 2, Decimal("0.25")]),
        "boolean": st.booleans(),
        "money": st.sampled_from([Decimal("0.10"), Decimal(3), Decimal(-1)]),
        "date": st.dates(),
        "datetime": st.datetimes(),
        "any": st.sampled_from([None, 1, "a", [], {}]),
    }
    found: st.SearchStrategy[Any]
    if type.kind == "enum":
        found = st.sampled_from(type.values)
    elif type.kind == "list":
        found = st.lists(values(type.items or ANY), max_size=2)
    elif type.kind == "map":
        found = st.dictionaries(st.sampled_from(["a", "b"]), values(type.items or ANY), max_size=2)
    elif type.kind == "object":
        found = st.fixed_dictionaries({name: values(inner) for name, inner in type.fields})
    elif type.minimum is not None:
        found = st.sampled_from([0, 0.5, 1])
    else:
        found = plain[type.kind]
    return st.none() | found if type.nullable else found


@given(types, types, st.data())
def test_it_is_sound(source: Type, target: Type, data: st.DataObject) -> None:
    """Where a type is said to fit, every value that we find of it is accepted."""
    if assignable(source, target) is not None:
        return
    value = accept(source, data.draw(values(source)))
    accept(target, value)


@given(types)
def test_every_type_fits_itself_and_any(type: Type) -> None:
    assert assignable(type, ANY) is None
    misfit = compare(type, type)
    assert misfit is None or not misfit.certain
