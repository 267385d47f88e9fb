"""Values into types, from Python, JSON, people and tables; and out to JSON."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.language import Type, TypeMismatch, accept, dump, dump_any, json_schema
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

NAIVE = datetime(2025, 1, 31, tzinfo=UTC).replace(tzinfo=None)
TIER = Type("enum", values=("basic", "gold"))
SHARE = Type("number", minimum=Decimal(0), maximum=Decimal(1))
ORDER = object_of(
    {
        "items": Type("list", items=object_of({"amount": MONEY, "note": STRING.or_null()})),
        "tier": TIER,
    }
)


def refusal(type: Type, value: Any, lenient: bool = False) -> TypeMismatch:
    with pytest.raises(TypeMismatch) as caught:
        accept(type, value, lenient=lenient)
    return caught.value


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("10.50", "10.50"),
        ("-3", "-3"),
        ("+3.0", "3.0"),
        ("0007", "7"),
        (7, "7"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (Decimal("1E+5"), "100000"),
        (Decimal("1E-12"), "0.000000000001"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1.00000000000000000"), "1.000000000000"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        (Decimal("-0E+3"), "0"),
        (-0.0, "0.0"),
        (np.float64(2.5), "2.5"),
        (np.int64(3), "3"),
    ],
)
def test_money(given_value: Any, text: str) -> None:
    amount = accept(MONEY, given_value)
    assert type(amount) is Decimal
    assert dump(MONEY, amount) == text
    assert accept(MONEY, text) == amount


@pytest.mark.parametrize(
    "wrong",
    ["1e3", "1,000.00", "$5", "", " 5", "5 ", "NaN", "Infinity", "٣", ".5", "5.", "0x10", "1" * 200,
     "9" * 31, 0.1 + 0.2, Decimal("1E-13"), Decimal("NaN"), Decimal("1E+999999"),
     Decimal("1E-999999"), float("nan"), float("inf"), 10**400, True, None, [], {}, b"5", 3 + 0j],
)  # fmt: skip
def test_what_is_no_money(wrong: Any) -> None:
    refusal(MONEY, wrong)


def test_money_says_how_many_places() -> None:
    assert "17 decimal places" in refusal(MONEY, 0.1 + 0.2).message


@pytest.mark.parametrize(
    ("type", "value", "result"),
    [
        (STRING, "x", "x"),
        (INTEGER, 3, 3),
        (INTEGER, 3.0, 3),
        (INTEGER, Decimal("3"), 3),
        (INTEGER, np.int32(3), 3),
        (NUMBER, 3, 3),
        (NUMBER, 0.5, 0.5),
        (NUMBER, Decimal("0.5"), Decimal("0.5")),
        (BOOLEAN, False, False),
        (BOOLEAN, np.bool_(True), True),
        (DATE, "2024-02-29", date(2024, 2, 29)),
        (DATE, date(2024, 2, 29), date(2024, 2, 29)),
        (DATETIME, "2025-01-31T12:30:00Z", datetime(2025, 1, 31, 12, 30, tzinfo=UTC)),
        (DATETIME, "2025-01-31 12:30", datetime(2025, 1, 31, 12, 30, tzinfo=UTC)),
        (DATETIME, "2025-01-31T12:30:00+02:00", datetime(2025, 1, 31, 10, 30, tzinfo=UTC)),
        (DATETIME, NAIVE, datetime(2025, 1, 31, tzinfo=UTC)),
        (TIER, "gold", "gold"),
        (STRING.or_null(), None, None),
        (ANY, None, None),
        (ANY, {"a": [1, Decimal("2.5"), None]}, {"a": [1, Decimal("2.5"), None]}),
        (Type("list", items=INTEGER), (1, 2), [1, 2]),
        (Type("map", items=MONEY), {"any key!": "1"}, {"any key!": Decimal(1)}),
        (SHARE, 1, 1),
        (object_of({}), {}, {}),
    ],
)
def test_values(type: Type, value: Any, result: Any) -> None:
    got = accept(type, value)
    assert got == result
    assert got.__class__ is result.__class__


@pytest.mark.parametrize(
    ("type", "value"),
    [
        (STRING, 7), (STRING, b"x"), (STRING, None), (STRING, "\ud800"),
        (INTEGER, 3.5), (INTEGER, "3"), (INTEGER, True), (INTEGER, 10**400),
        (INTEGER, float("inf")),
        (NUMBER, "0.5"), (NUMBER, float("nan")), (NUMBER, True), (NUMBER, Decimal("1E+9999")),
        (BOOLEAN, 1), (BOOLEAN, "true"), (BOOLEAN, None),
        (DATE, "2023-02-29"), (DATE, "20240229"), (DATE, "2024-W01-1"), (DATE, 20240229),
        (DATE, NAIVE), (DATE, "2024-02-29T00:00:00"),
        (DATETIME, "2025-01-31"), (DATETIME, "tomorrow"), (DATETIME, 1700000000),
        (DATETIME, "2025-13-01T00:00:00Z"), (DATETIME, date(2025, 1, 1)),
        (DATETIME, "9999-12-31T23:59:59-01:00"), (DATETIME, pd.NaT),
        (TIER, "Gold"), (TIER, "silver"), (TIER, 3), (TIER, ["gold"]),
        (SHARE, 1.01), (SHARE, -1), (SHARE, Decimal("1.0000001")),
        (Type("list", items=INTEGER), "12"), (Type("list", items=INTEGER), {"a": 1}),
        (Type("list", items=INTEGER), {1, 2}), (Type("map", items=INTEGER), [1]),
        (Type("map", items=INTEGER), {1: 1}), (ORDER, "x"), (ORDER, []), (ANY, object()),
        (ANY, {1, 2}), (ANY, b"bytes"), (ANY, lambda: 1), (ANY, float("nan")), (ANY, {1: 2}),
    ],
)  # fmt: skip
def test_refusals(type: Type, value: Any) -> None:
    assert isinstance(refusal(type, value), LeafmeshError)


def test_the_path_says_where() -> None:
    value: dict[str, Any] = {"items": [{"amount": 1}, {"amount": "2"}], "tier": "gold"}
    assert accept(ORDER, value)["items"][1] == {"amount": Decimal(2), "note": None}
    value["items"].append({"amount": None})
    found = refusal(ORDER, value)
    assert found.path == "items[2].amount"
    assert str(found) == "`items[2].amount`: is null, and an amount of money is needed"
    assert refusal(Type("map", items=INTEGER), {"a b": "x"}).path == "['a b']"
    assert refusal(STRING, 3).path == ""


def test_objects_are_closed() -> None:
    found = refusal(ORDER, {"items": [], "teir": "gold"})
    assert found.message == "has an unknown field `teir`: did you mean `tier`?"
    assert refusal(ORDER, {"items": []}).message == "its field `tier` is missing"
    assert refusal(object_of({}), {"a": 1}).message.endswith("it has no fields")
    assert refusal(ORDER, {"items": [], "tier": "gold", 3: 4}).message


def test_a_mismatch_does_not_quote_what_may_be_secret() -> None:
    card = "4111 1111 1111 1111"
    for type in (INTEGER, NUMBER, MONEY, BOOLEAN, DATE, DATETIME, Type("list", items=ANY), ORDER):
        assert card not in str(refusal(type, card))
        assert card not in str(refusal(type, card, lenient=True))


def test_the_argument_is_never_changed_or_shared() -> None:
    value = {"items": [{"amount": 1}], "tier": "gold"}
    before = copy.deepcopy(value)
    result = accept(ORDER, value)
    assert value == before
    result["items"].append("x")
    assert value == before
    anything = {"a": [1]}
    accept(ANY, anything)["a"].append(2)
    assert anything == {"a": [1]}
    assert accept(ORDER, MappingProxyType(value))["tier"] == "gold"


def test_depth_and_size_are_bounded() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "levels deep" in refusal(ANY, endless).message
    assert "values" in refusal(ANY, [0] * 300_000).message
    assert "characters" in refusal(Type("list", items=STRING), ["x" * 1_000_000] * 17).message


def test_subclasses_come_out_plain() -> None:
    class Tier(StrEnum):
        GOLD = "gold"

    class Odd(int):
        pass

    assert type(accept(STRING, Tier.GOLD)) is str
    assert type(accept(TIER, Tier.GOLD)) is str
    assert type(accept(INTEGER, Odd(3))) is int
    assert type(accept(NUMBER, np.float64(0.5))) is float
    stamp = accept(DATETIME, pd.Timestamp("2025-01-01 12:00", tz="Europe/Paris"))
    assert type(stamp) is datetime
    assert stamp == datetime(2025, 1, 1, 11, tzinfo=UTC)


def test_foreign_objects_that_raise_are_a_mismatch() -> None:
    class Trap(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("secret detail")

        def __iter__(self) -> Any:
            raise RuntimeError("secret detail")

    for type in (ANY, Type("map", items=ANY), ORDER):
        found = refusal(type, Trap(a=1))
        assert "RuntimeError" in found.message
        assert "secret detail" not in str(found)


# -- what people type, and what tables hold


@pytest.mark.parametrize(
    ("type", "value", "result"),
    [
        (STRING, 7, "7"),
        (STRING, 7.0, "7"),
        (STRING, 7.25, "7.25"),
        (STRING, 1e-7, "0.0000001"),
        (STRING, np.int64(7), "7"),
        (STRING, Decimal("7.10"), "7.10"),
        (STRING, True, "true"),
        (STRING, date(2025, 1, 31), "2025-01-31"),
        (STRING, "", ""),
        (STRING.or_null(), float("nan"), None),
        (STRING.or_null(), "", ""),
        (INTEGER, " 42 ", 42),
        (INTEGER, "42.0", 42),
        (INTEGER.or_null(), "", None),
        (INTEGER.or_null(), pd.NA, None),
        (INTEGER.or_null(), np.nan, None),
        (NUMBER, "0.5", 0.5),
        (NUMBER, "1e3", 1000.0),
        (NUMBER, "12", 12),
        (MONEY, " 19.90 ", Decimal("19.90")),
        (MONEY.or_null(), " ", None),
        (BOOLEAN, "TRUE", True),
        (BOOLEAN, "false", False),
        (DATE, pd.Timestamp("2025-01-31"), date(2025, 1, 31)),
        (DATE.or_null(), pd.NaT, None),
        (DATETIME, "2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        (DATETIME, date(2025, 1, 31), datetime(2025, 1, 31, tzinfo=UTC)),
        (DATETIME.or_null(), pd.NaT, None),
        (TIER, "gold", "gold"),
        (object_of({"a": STRING, "b": MONEY.or_null()}), {"a": 1}, {"a": "1", "b": None}),
    ],
)
def test_lenient(type: Type, value: Any, result: Any) -> None:
    got = accept(type, value, lenient=True)
    assert got == result
    assert got.__class__ is result.__class__


@pytest.mark.parametrize(
    ("type", "value"),
    [
        (INTEGER, "4.5"), (INTEGER, "four"), (INTEGER, "1e3"), (NUMBER, "1,5"), (NUMBER, "1e999"),
        (MONEY, "$5"), (MONEY, "1,000"), (BOOLEAN, "yes"), (BOOLEAN, 1), (STRING, pd.NA),
        (STRING, float("nan")), (STRING, ["x"]), (TIER, " gold"),
        (DATE, pd.Timestamp("2025-01-31 10:00")),
        (DATE, "31.1.2025"), (INTEGER, ""), (INTEGER, "9" * 400),
    ],
)  # fmt: skip
def test_lenient_does_not_guess(type: Type, value: Any) -> None:
    refusal(type, value, lenient=True)


def test_a_row_of_a_frame() -> None:
    frame = pd.DataFrame(
        {"ticket_id": [1, 2], "amount": [1.5, None], "text": ["a", None], "ok": [True, False]}
    )
    row = object_of(
        {"ticket_id": STRING, "amount": MONEY.or_null(), "text": STRING.or_null(), "ok": BOOLEAN}
    )
    rows = [accept(row, record, lenient=True) for record in frame.to_dict("records")]
    assert rows == [
        {"ticket_id": "1", "amount": Decimal("1.5"), "text": "a", "ok": True},
        {"ticket_id": "2", "amount": None, "text": None, "ok": False},
    ]


# -- JSON


def test_dump() -> None:
    value = accept(ORDER, {"items": [{"amount": Decimal("1E+2")}], "tier": "gold"})
    assert dump(ORDER, value) == {"items": [{"amount": "100", "note": None}], "tier": "gold"}
    assert dump(NUMBER, Decimal("0.95")) == 0.95
    assert dump(NUMBER, Decimal("3.0")) == 3
    assert dump(MONEY, 3) == "3"
    assert dump(DATE, date(2025, 1, 31)) == "2025-01-31"
    assert dump(DATETIME, datetime(2025, 1, 31, tzinfo=UTC)) == "2025-01-31T00:00:00Z"
    zone = timezone(timedelta(hours=2))
    assert dump_any(datetime(2025, 1, 31, tzinfo=zone)) == "2025-01-31T00:00:00+02:00"
    assert dump_any({"a": (Decimal("-0.0"), None, True, 1.5)}) == {"a": ["0.0", None, True, 1.5]}


@pytest.mark.parametrize("wrong", [float("nan"), Decimal("Infinity"), object(), {"a": {1, 2}}])
def test_dump_refuses_what_json_cannot_hold(wrong: Any) -> None:
    with pytest.raises(TypeMismatch):
        dump_any(wrong)


amounts = st.decimals(
    allow_nan=False, allow_infinity=False, places=12, min_value=-(10**15), max_value=10**15
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda n: n not in ("true", "false", "null", "in")
)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@st.composite
def typed_values(draw: st.DrawFn, depth: int = 2) -> tuple[Type, Any]:
    """A type and a value of it."""
    simple = [
        (STRING, texts), (INTEGER, st.integers(-(2**60), 2**60)), (BOOLEAN, st.booleans()),
        (MONEY, amounts), (DATE, st.dates()), (TIER, st.sampled_from(TIER.values)),
        (NUMBER, st.floats(allow_nan=False, allow_infinity=False)),
        (DATETIME, st.datetimes(timezones=st.just(UTC))),
    ]  # fmt: skip
    kind = draw(st.sampled_from(["simple", "list", "map", "object"] if depth else ["simple"]))
    type: Type
    value: Any
    if kind == "simple":
        type, values = draw(st.sampled_from(simple))
        value = draw(values)
    elif kind == "object":
        fields = draw(st.dictionaries(names, typed_values(depth - 1), max_size=3))
        type = object_of({name: t for name, (t, _) in fields.items()})
        value = {name: v for name, (_, v) in fields.items()}
    else:
        inner, first = draw(typed_values(depth - 1))
        count = draw(st.integers(0, 2))
        type = Type("list" if kind == "list" else "map", items=inner)
        value = [first] * count if kind == "list" else dict.fromkeys(map(str, range(count)), first)
    if draw(st.booleans()):
        type = type.or_null()
        value = draw(st.sampled_from([value, None]))
    return type, value


@given(typed_values())
def test_a_value_survives_json(pair: tuple[Type, Any]) -> None:
    type, value = pair
    accepted = accept(type, value)
    stored = json.loads(json.dumps(dump(type, accepted), allow_nan=False))
    assert accept(type, stored) == accepted
    assert accept(type, accepted) == accepted


@given(typed_values())
def test_the_json_form_is_valid_under_the_schema(pair: tuple[Type, Any]) -> None:
    from jsonschema import Draft202012Validator

    type, value = pair
    schema = json_schema(type)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(dump(type, accept(type, value)))


@given(typed_values(), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | amounts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
))  # fmt: skip
def test_anything_is_accepted_or_refused(pair: tuple[Type, Any], value: Any) -> None:
    for lenient in (False, True):
        try:
            accepted = accept(pair[0], value, lenient=lenient)
        except TypeMismatch:
            continue
        assert accept(pair[0], accepted) == accepted


# -- numbers keep their digits, or are refused

LONG = [
    (INTEGER, 2**63), (INTEGER, -(2**63) - 1), (INTEGER, 10**30), (INTEGER, 1e19),
    (INTEGER, Decimal(10) ** 30), (NUMBER, 10**30 + 1), (NUMBER, 2**64 + 1), (ANY, 10**30 + 1),
    (NUMBER, Decimal("123456789012345678901234567890.123456789")),
    (NUMBER, Decimal("12345678901234567.25")), (NUMBER, Decimal("0.1000000000000000055511151")),
    (Type("list", items=INTEGER), [1, 10**30]), (ANY, {"a": [10**30 + 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("type", "value"), LONG)
def test_a_number_that_would_lose_digits_is_refused(type: Type, value: object) -> None:
    with pytest.raises(TypeMismatch, match=r"more than 64 bits|more digits than a number keeps"):
        accept(type, value)


@pytest.mark.parametrize(
    ("type", "text"),
    [(INTEGER, str(2**63)), (NUMBER, "12345678901234567.25"), (NUMBER, str(10**30 + 1))],
)
def test_what_is_typed_in_is_refused_as_well(type: Type, text: str) -> None:
    with pytest.raises(TypeMismatch, match=r"more than 64 bits|more digits than a number keeps"):
        accept(type, text, lenient=True)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        (INTEGER, 2**63 - 1), (INTEGER, -(2**63)), (NUMBER, 2**63 - 1), (NUMBER, 1e30),
        (NUMBER, 10**30), (NUMBER, 5e-324), (NUMBER, 1.7976931348623157e308), (ANY, 10**30),
        (NUMBER, Decimal("9007199254740993")), (NUMBER, Decimal("0.1")), (NUMBER, Decimal("1E+30")),
        (MONEY, Decimal("123456789012345678.123456789012")), (MONEY, 10**29),
    ],
)  # fmt: skip
def test_what_is_accepted_comes_back_from_json_unchanged(type: Type, value: Any) -> None:
    written = json.dumps(dump(type, accept(type, value)))
    read = accept(type, json.loads(written))
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    assert (Decimal(repr(read)) if isinstance(read, float) else Decimal(read)) == exact
    assert dump(type, accept(type, read)) == dump(type, read)


THIRD = Decimal(1) / 3


@pytest.mark.parametrize(
    ("type", "value", "taken"),
    [
        (NUMBER, THIRD, 0.3333333333333333),
        (ANY, THIRD, 0.3333333333333333),
        (ANY, Decimal("1.5"), 1.5),
        (ANY, Decimal("620.00"), 620),
        (ANY, {"a": [Decimal("0.1")]}, {"a": [0.1]}),
        # an amount of money keeps its digits, as its text
        (ANY, Decimal("123456789012345678.12"), Decimal("123456789012345678.12")),
        (MONEY, Decimal("123456789012345678.12"), Decimal("123456789012345678.12")),
    ],
)
def test_what_was_computed_is_rounded_to_what_a_number_keeps(
    type: Type, value: Any, taken: Any
) -> None:
    found = accept(type, value, computed=True)
    assert (found, repr(found)) == (taken, repr(taken))


@pytest.mark.parametrize(
    ("type", "value"), [(INTEGER, 2**63), (MONEY, THIRD), (NUMBER, Decimal("1E+400"))]
)
def test_what_was_computed_is_refused_where_nothing_is_near(type: Type, value: Any) -> None:
    with pytest.raises(TypeMismatch):
        accept(type, value, computed=True)
