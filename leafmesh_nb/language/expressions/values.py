"""Values while an expression runs: what may enter, equality, order, and how they are written.

Inside an expression a value is None, bool, int (64 bits), Decimal (finite), str, date, datetime
(aware ones in UTC), timedelta, or a list, tuple or Mapping of such. ``load`` brings what comes
from outside into that form, one level at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NoReturn

from leafmesh_nb.language.expressions.finding import Origin
from leafmesh_nb.language.expressions.literals import INT_MAX, INT_MIN, LARGEST_EXPONENT
from leafmesh_nb.language.nodes import Span

__all__ = [
    "COST_LIMIT",
    "MISSING",
    "ErrorValue",
    "Exhausted",
    "Failure",
    "Frame",
    "absent",
    "equal",
    "kind_of",
    "load",
    "no_order",
    "ordered",
    "written",
]

COST_LIMIT = 100_000
"""Nodes evaluated, list items gone through or produced, and tens of characters produced."""

CHARACTERS_PER_COST = 10
"""As in CEL's cost model: going through a text costs a tenth a character."""

_NESTING = 64


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What an expression gives that could not be evaluated. It is neither true nor false."""

    message: str
    span: Span | None = None

    def __bool__(self) -> NoReturn:
        raise TypeError(f"an error value is neither true nor false: {self.message}")


class Failure(Exception):
    """An evaluation that cannot go on; the closures add the place where it happened.

    ``absent`` says that a name, a field or an item was not there, which ``default`` takes care
    of.
    """

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.absent = absent
        self.place: tuple[Origin, int, int] | None = None

    def value(self) -> ErrorValue:
        """The error value that leaves the expression."""
        if self.place is None:
            return ErrorValue(self.message)
        origin, start, end = self.place
        return ErrorValue(self.message, origin.locate(start, end))


class Exhausted(Exception):
    """An evaluation that costs too much. No Failure, so that ``||`` cannot hide it."""


class Frame:
    """One evaluation: the names, the macro variables, the time, and what it may still cost."""

    __slots__ = ("left", "locals", "names", "now", "parts")

    def __init__(self, names: Mapping[str, Any], now: datetime | None, cost: int) -> None:
        self.names = names
        self.now = now
        self.left = COST_LIMIT - cost
        self.locals: dict[int, Any] = {}
        # Filled by a trace; most evaluations have none.
        self.parts: list[Any] | None = None

    def charge(self, cost: int) -> None:
        """Count work; Exhausted when the evaluation has cost too much."""
        self.left -= cost
        if self.left < 0:
            raise Exhausted(f"this expression costs more than {COST_LIMIT:,} steps to evaluate")


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING = _Missing()

_ORDERS = frozenset({bool, int, str, datetime, date, timedelta})
_PLAIN = frozenset({str, bool, type(None), dict, list, tuple, timedelta, date, MappingProxyType})


def absent(message: str) -> Failure:
    """The failure of something that is not there."""
    return Failure(message, absent=True)


def load(value: Any) -> Any:
    """A value from outside in the form that the operators know; Failure for what is no value."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        if INT_MIN <= value <= INT_MAX:
            return value
        raise Failure("this integer does not fit 64 bits")
    if kind is Decimal:
        # The adjusted exponent of an infinity is 0.
        if -LARGEST_EXPONENT <= value.adjusted() <= LARGEST_EXPONENT and value.is_finite():
            return value
        if not value:
            return Decimal(0)
        bad = "out of bounds" if value.is_finite() else "not a finite number"
        raise Failure(f"this number is {bad}")
    if kind is float:
        return load(Decimal(repr(value)))
    if kind is datetime:
        return _in_utc(value)
    return _load_other(value)


def _load_other(value: Any) -> Any:
    """Subclasses of the known types, by their plain value; anything else is no value."""
    if isinstance(value, ErrorValue):
        raise Failure(value.message)
    if isinstance(value, bool | str):
        return str.__str__(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return load(int.__index__(value))
    if isinstance(value, float):
        return load(Decimal(float.__repr__(value)))
    if isinstance(value, Decimal):
        return load(Decimal(value))
    if isinstance(value, datetime):
        try:
            plain = datetime(
                value.year, value.month, value.day, value.hour, value.minute, value.second,
                value.microsecond, value.tzinfo, fold=value.fold,
            )  # fmt: skip
        except (TypeError, ValueError):
            raise Failure("this is not a time") from None
        return _in_utc(plain)
    if isinstance(value, date | timedelta | list | tuple | Mapping):
        return value
    raise Failure(f"a Python {type(value).__name__} is not a value of the mesh language")


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None or value.tzinfo is UTC:
        return value
    try:
        # Without an offset astimezone would take the machine's zone.
        return value.replace(tzinfo=None) if value.utcoffset() is None else value.astimezone(UTC)
    except Exception:
        raise Failure("this time has no usable time zone") from None


def kind_of(value: Any) -> str:
    """What a value is, in words, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for types, words in _KINDS:
        if isinstance(value, types):
            return words
    return "no value"


_KINDS: tuple[tuple[Any, str], ...] = (
    (str, "a text"),
    (int | Decimal, "a number"),
    (datetime, "a time"),
    (date, "a date"),
    (timedelta, "a duration"),
    (list | tuple, "a list"),
    (Mapping, "a map"),
)


def equal(left: Any, right: Any, frame: Frame, nesting: int = 0) -> bool:
    """Equality of loaded values; values of unrelated kinds are not equal (as in CEL)."""
    a, b = type(left), type(right)
    if a is str and b is str:
        if len(left) > CHARACTERS_PER_COST:
            frame.charge(len(left) // CHARACTERS_PER_COST)
        return bool(left == right)
    number_a, number_b = a is int or a is Decimal, b is int or b is Decimal
    if number_a or number_b:
        return number_a and number_b and bool(left == right)
    if left is None or right is None or a is bool or b is bool:
        return left is right
    if a is str or b is str:
        return False
    if isinstance(left, list | tuple):
        if not isinstance(right, list | tuple) or len(left) != len(right):
            return False
        _deeper(nesting)
        frame.charge(len(left))
        return all(
            equal(load(x), load(y), frame, nesting + 1) for x, y in zip(left, right, strict=True)
        )
    if isinstance(left, Mapping):
        if not isinstance(right, Mapping) or len(left) != len(right):
            return False
        _deeper(nesting)
        frame.charge(len(left))
        for key in left:
            other = right.get(key, MISSING)
            if other is MISSING or not equal(load(left[key]), load(other), frame, nesting + 1):
                return False
        return True
    if isinstance(left, datetime) != isinstance(right, datetime):
        return False
    return bool(left == right)


def _deeper(nesting: int) -> None:
    if nesting >= _NESTING:
        raise Failure(f"these values are nested deeper than {_NESTING} levels")


def ordered(left: Any, right: Any) -> None:
    """Failure unless the two can be put in order: two numbers, texts, times, durations, bools."""
    a, b = _order(left), _order(right)
    if a is None or a is not b:
        raise no_order(left, right)
    if a is datetime and (left.tzinfo is None) != (right.tzinfo is None):
        raise Failure("one of these two times has no time zone")


def no_order(left: Any, right: Any) -> Failure:
    """The failure of a comparison by size."""
    return Failure(f"{kind_of(left)} and {kind_of(right)} have no order")


def _order(value: Any) -> type | None:
    """The order that a loaded value belongs to."""
    kind = type(value)
    if kind is Decimal:
        return int
    if kind in _ORDERS:
        return kind
    return next((o for o in (datetime, date, timedelta) if isinstance(value, o)), None)


def written(value: Any, nesting: int = 0) -> str:
    """A loaded value as text: numbers in plain digits, times in RFC 3339, lists as in JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value if value else value.copy_abs(), "f")
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _seconds(value)
    _deeper(nesting)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inside(item, nesting) for item in value) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{_inside(key, nesting)}: {_inside(value[key], nesting)}" for key in value)
        return "{" + ", ".join(pairs) + "}"
    return str(value)


def _inside(value: Any, nesting: int) -> str:
    import json

    value = load(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return written(value, nesting + 1)


def _time(value: datetime) -> str:
    """RFC 3339; loaded times are in UTC, or have no zone."""
    text = value.replace(tzinfo=None).isoformat()
    fraction = text.rstrip("0") if value.microsecond else text
    return fraction if value.tzinfo is None else f"{fraction}Z"


def _seconds(value: timedelta) -> str:
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    whole, fraction = divmod(abs(micros), 1_000_000)
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{'-' if micros < 0 else ''}{whole}{digits}s"
