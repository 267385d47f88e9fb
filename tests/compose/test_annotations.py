"""Python's annotations against the types of a mesh, both ways."""

from __future__ import annotations

import enum
from collections.abc import (
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Protocol,
    Required,
    TypedDict,
    TypeVar,
    Union,
)

import pytest
import typing_extensions

from leafmesh_nb.compose.annotations import given, python_name, returned
from leafmesh_nb.compose.hints import Unknown, lookup_in, lookup_of, resolve
from leafmesh_nb.language import TypeMismatch, accept
from leafmesh_nb.language.types import (
    ANY,
    BOOLEAN,
    DATE,
    DATETIME,
    INTEGER,
    MONEY,
    NUMBER,
    STRING,
    Type,
    object_of,
)

TIER = Type("enum", values=("basic", "gold"))
NAMES = Type("list", items=STRING)
COUNTS = Type("map", items=INTEGER)
QUOTE = object_of({"amount": MONEY, "note": STRING.or_null()})
SHARE = Type("number", minimum=Decimal(0), maximum=Decimal(1))

Amount = NewType("Amount", Decimal)
T = TypeVar("T")
S = TypeVar("S", bound=str)


class Quote(TypedDict):
    amount: Decimal
    note: str | None


class Loose(TypedDict, total=False):
    amount: Required[Decimal]
    note: str


class Partial(TypedDict):
    amount: NotRequired[Decimal]
    note: str


class More(Quote):
    extra: str


class Textual(TypedDict):
    amount: str
    note: str


class Older(typing_extensions.TypedDict):
    amount: Decimal
    note: typing_extensions.NotRequired[str]


@dataclass
class Record:
    amount: Decimal


class Pair(NamedTuple):
    amount: Decimal


class Tier(enum.StrEnum):
    basic = "basic"
    gold = "gold"


class Level(enum.Enum):
    low = 1


class Readable(Protocol):
    def read(self) -> str: ...


OPEN, WRONG, FITS = "open", "wrong", "fits"


def said(misfit: Any) -> str:
    return FITS if misfit is None else WRONG if misfit.certain else OPEN


@pytest.mark.parametrize(
    ("type", "hint", "expected"),
    [
        (STRING, str, FITS),
        (STRING, S, FITS),
        (STRING, Any, FITS),
        (STRING, object, FITS),
        (STRING, T, FITS),
        (STRING, Sequence[str], FITS),
        (STRING, int, WRONG),
        (STRING, bytes, WRONG),
        (STRING, Literal["a"], WRONG),
        (STRING, Tier, WRONG),
        (STRING, Unknown, OPEN),
        (STRING, Readable, OPEN),
        (TIER, str, FITS),
        (TIER, Literal["gold", "basic", "none"], FITS),
        (TIER, Literal["gold"], WRONG),
        (INTEGER, int, FITS),
        (INTEGER, float, FITS),
        (INTEGER, Decimal, WRONG),
        (NUMBER, float, FITS),
        (NUMBER, int | float, FITS),
        (NUMBER, int, WRONG),
        (SHARE, float, FITS),
        (MONEY, Decimal, FITS),
        (MONEY, Amount, FITS),
        (MONEY, Annotated[Decimal, "USD"], FITS),
        (MONEY, float, WRONG),
        (MONEY, str, WRONG),
        (MONEY, Decimal | float, FITS),
        (BOOLEAN, bool, FITS),
        (BOOLEAN, int, FITS),
        (BOOLEAN, str, WRONG),
        (DATE, date, FITS),
        (DATE, datetime, WRONG),
        (DATETIME, datetime, FITS),
        (DATETIME, date, FITS),
        (DATETIME, str, WRONG),
        (MONEY.or_null(), Decimal, WRONG),
        (MONEY.or_null(), Decimal | None, FITS),
        (MONEY.or_null(), Optional[Decimal], FITS),  # noqa: UP045  # as people write it
        (MONEY.or_null(), Union[str, None], WRONG),  # noqa: UP007
        (MONEY.or_null(), None, WRONG),
        (NAMES, list, FITS),
        (NAMES, list[str], FITS),
        (NAMES, Iterable[str], FITS),
        (NAMES, list[int], WRONG),
        (NAMES, tuple[str, ...], WRONG),
        (NAMES, set[str], WRONG),
        (COUNTS, dict, FITS),
        (COUNTS, dict[str, int], FITS),
        (COUNTS, Mapping[str, float], FITS),
        (COUNTS, dict[str, str], WRONG),
        (COUNTS, dict[int, int], WRONG),
        (COUNTS, Quote, OPEN),
        (QUOTE, dict[str, Any], FITS),
        (QUOTE, dict[str, Decimal], WRONG),
        (QUOTE, Quote, FITS),
        (QUOTE, More, WRONG),
        (QUOTE, Textual, WRONG),
        (QUOTE, Record, WRONG),
        (QUOTE, Pair, WRONG),
        (ANY, Any, FITS),
        (ANY, dict, OPEN),
        (STRING, Callable[[], str], WRONG),
    ],
)
def test_what_is_given(type: Type, hint: Any, expected: str) -> None:
    assert said(given(type, hint)) == expected


@pytest.mark.parametrize(
    ("hint", "type", "expected"),
    [
        (str, STRING, FITS),
        (int, STRING, WRONG),
        (str | None, STRING, WRONG),
        (str | None, STRING.or_null(), FITS),
        (None, STRING, WRONG),
        (Any, STRING, OPEN),
        (object, STRING, OPEN),
        (T, STRING, OPEN),
        (Unknown, STRING, OPEN),
        (Any, ANY, FITS),
        (str, ANY, FITS),
        (str, TIER, OPEN),
        (Literal["gold"], TIER, FITS),
        (Literal["gold", "silver"], TIER, WRONG),
        (Tier, TIER, FITS),
        (Level, TIER, WRONG),
        (int, INTEGER, FITS),
        (float, INTEGER, OPEN),
        (bool, INTEGER, WRONG),
        (str, INTEGER, WRONG),
        (float, NUMBER, FITS),
        (Decimal, NUMBER, FITS),
        (float, SHARE, FITS),
        (Literal[2], SHARE, WRONG),
        (Decimal, MONEY, FITS),
        (Amount, MONEY, FITS),
        (int, MONEY, FITS),
        (str, MONEY, OPEN),
        (bytes, MONEY, WRONG),
        (bool, BOOLEAN, FITS),
        (int, BOOLEAN, WRONG),
        (date, DATE, FITS),
        (datetime, DATE, WRONG),
        (datetime, DATETIME, FITS),
        (date, DATETIME, WRONG),
        (str, DATE, OPEN),
        (list[str], NAMES, FITS),
        (tuple[str, ...], NAMES, FITS),
        (tuple[str, int], NAMES, WRONG),
        (list[int], NAMES, WRONG),
        (list, NAMES, OPEN),
        (Sequence[str], NAMES, OPEN),
        (set[str], NAMES, WRONG),
        (Generator[str], NAMES, WRONG),
        (dict[str, int], COUNTS, FITS),
        (dict[str, str], COUNTS, WRONG),
        (dict[int, int], COUNTS, WRONG),
        (dict, COUNTS, OPEN),
        (dict, QUOTE, OPEN),
        (dict[str, Any], QUOTE, OPEN),
        (MutableMapping[str, Any], QUOTE, OPEN),
        (dict[str, bytes], QUOTE, WRONG),
        (Quote, QUOTE, FITS),
        (Loose, QUOTE, FITS),
        (Older, QUOTE, FITS),
        (Partial, QUOTE, WRONG),
        (More, QUOTE, WRONG),
        (Textual, QUOTE, OPEN),
        (Quote | None, QUOTE, WRONG),
        (Record, QUOTE, WRONG),
        (Pair, QUOTE, WRONG),
        (str, QUOTE, WRONG),
        (None, QUOTE, WRONG),
        (Awaitable[Quote], QUOTE, WRONG),
        (Readable, QUOTE, OPEN),
    ],
)
def test_what_is_returned(hint: Any, type: Type, expected: str) -> None:
    assert said(returned(hint, type)) == expected


SAMPLES: dict[Any, tuple[Any, ...]] = {
    str: ("gold", "x", "1.5", "2026-01-01"),
    int: (0, 7),
    float: (0.5, 2.0),
    Decimal: (Decimal("1.50"), Decimal(3)),
    bool: (True,),
    date: (date(2026, 1, 1),),
    datetime: (datetime(2026, 1, 1, tzinfo=UTC),),
    list[str]: ([], ["a"]),
    dict[str, int]: ({}, {"a": 1}),
    Quote: ({"amount": Decimal(1), "note": None},),
    None: (None,),
}
TYPES = (STRING, TIER, INTEGER, NUMBER, MONEY, BOOLEAN, DATE, DATETIME, NAMES, COUNTS, QUOTE)


@pytest.mark.parametrize("type", [*TYPES, *(t.or_null() for t in TYPES)], ids=str)
def test_what_is_said_of_a_result_is_what_the_check_of_values_does(type: Type) -> None:
    """Proven means that every value is taken, wrong that at least one is refused."""
    for hint, values in SAMPLES.items():
        taken = [_taken(type, value) for value in values]
        verdict = said(returned(hint, type))
        if verdict == FITS:
            assert all(taken), (hint, type)
        elif verdict == WRONG:
            assert not all(taken), (hint, type)


def _taken(type: Type, value: Any) -> bool:
    try:
        accept(type, value)
    except TypeMismatch:
        return False
    return True


@pytest.mark.parametrize("type", [*TYPES, ANY, *(t.or_null() for t in TYPES)], ids=str)
def test_the_annotation_that_is_offered_takes_what_is_given(type: Type) -> None:
    hint = resolve(python_name(type), lookup_in(globals()))
    assert given(type, hint) is None


def test_a_misfit_says_where() -> None:
    inner = object_of({"quotes": Type("list", items=QUOTE)})
    misfit = returned(dict[str, list[Textual]], inner)
    assert misfit is not None
    assert misfit.path == ""  # a dict names no fields: nothing more certain can be said

    class Outer(TypedDict):
        quotes: list[Record]

    misfit = returned(Outer, inner)
    assert misfit is not None
    assert misfit.path == "quotes[]"
    assert "Record" in misfit.message


# -- annotations that are text


def test_names_are_looked_up_and_nothing_is_evaluated() -> None:
    ran = []

    def side_effect() -> type:
        ran.append(1)
        return int

    def function() -> Any:
        return side_effect  # so that the name is in the function's closure

    look = lookup_of(function)
    assert resolve("Decimal", look) is Decimal
    assert resolve("list[Quote] | None", look) == list[Quote] | None
    assert resolve("'Quote'", look) is Quote
    assert resolve("Literal['x', 'y']", look) == Literal["x", "y"]
    assert resolve("Annotated[Decimal, side_effect()]", look) is Decimal
    assert resolve("enum.StrEnum", look) is enum.StrEnum
    for text in ("side_effect()", "missing.Type", "missing", "1 +", "Quote.amount", "[int]", "3"):
        assert resolve(text, look) is Unknown, text
    assert not ran


def test_a_hostile_annotation_is_not_known() -> None:
    look = lookup_of(test_a_hostile_annotation_is_not_known)
    for text in ("[" * 5000, "x" * 20_000, "a" + ".b" * 3000, "\0", "'" * 3, "lambda: 1", ""):
        assert resolve(text, look) is Unknown


def test_a_class_that_runs_code_when_subscripted_is_left_alone() -> None:
    ran = []

    class Box:
        def __class_getitem__(cls, item: Any) -> Any:
            ran.append(item)
            return cls

    def use() -> Any:
        return Box  # a closure over the class

    assert resolve("Box[int]", lookup_of(use)) is Box
    assert not ran
