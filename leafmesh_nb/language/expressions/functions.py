"""The functions and methods of the language: what they take, and what they do to loaded values."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from functools import lru_cache
from typing import Any, TypeVar

from leafmesh_nb.language.decimals import MONEY_PLACES
from leafmesh_nb.language.expressions.literals import (
    LiteralError,
    duration_of,
    money_of,
    places_checked,
    timestamp_of,
)
from leafmesh_nb.language.expressions.operators import bounded, is_number
from leafmesh_nb.language.expressions.values import (
    CHARACTERS_PER_COST,
    Failure,
    Frame,
    kind_of,
    load,
    ordered,
    written,
)

__all__ = ["FUNCTIONS", "METHODS", "Function", "pattern_problem"]

_ROUNDING = Context(prec=2100, rounding=ROUND_HALF_UP)
_LONGEST_PATTERN = 1000

_T = TypeVar("_T")
_R = TypeVar("_R")

NEEDS_RE2 = "`matches()` needs google-re2"
INSTALL_RE2 = "pip install 'leafmesh-nb[fast]'"


@dataclass(frozen=True, slots=True)
class Function:
    """A function. A method counts its receiver as the first argument.

    ``takes`` names the kinds of its parameters for the checker (the last one repeats), ``gives``
    the kind of its result or the name of a rule of the checker.
    """

    name: str
    least: int
    most: int
    takes: tuple[str, ...]
    gives: str
    apply: Callable[..., Any]
    example: str


def _text(value: Any, role: str) -> str:
    if isinstance(value, str):
        return value
    raise Failure(f"{role} must be a text, not {kind_of(value)}")


def _size(frame: Frame, value: Any) -> int:
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise Failure(f"size() takes a text, a list or a map, not {kind_of(value)}")


def _contains(frame: Frame, text: Any, part: Any) -> bool:
    text, part = _text(text, "the text"), _text(part, "what contains() looks for")
    frame.charge(len(text) // CHARACTERS_PER_COST)
    return part in text


def _starts_with(frame: Frame, text: Any, part: Any) -> bool:
    start = _text(part, "what startsWith() looks for")
    frame.charge(len(start) // CHARACTERS_PER_COST)
    return _text(text, "the text").startswith(start)


def _ends_with(frame: Frame, text: Any, part: Any) -> bool:
    end = _text(part, "what endsWith() looks for")
    frame.charge(len(end) // CHARACTERS_PER_COST)
    return _text(text, "the text").endswith(end)


def _lower(frame: Frame, text: Any) -> str:
    plain = _text(text, "the text of lower()")
    frame.charge(len(plain) // CHARACTERS_PER_COST)
    return plain.lower()


def _matches(frame: Frame, text: Any, pattern: Any) -> bool:
    text, pattern = _text(text, "the text"), _text(pattern, "the pattern")
    frame.charge(len(text) // CHARACTERS_PER_COST)
    found = _compiled(pattern)
    if isinstance(found, str):
        # Up to the colon: what follows quotes a pattern that may come from anywhere.
        raise Failure(found.partition(":")[0])
    try:
        return found.search(text) is not None
    except UnicodeError:
        raise Failure("this text holds half a surrogate pair") from None


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern of ``matches``, or None."""
    found = _compiled(pattern)
    return found if isinstance(found, str) else None


def _re2() -> Any:
    try:
        return importlib.import_module("re2")
    except ImportError:
        return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    """A compiled pattern, or why there is none. Linear in the text: RE2, never ``re``."""
    re2 = _re2()
    if re2 is None:
        return f"{NEEDS_RE2}: {INSTALL_RE2}"
    if len(pattern) > _LONGEST_PATTERN:
        return f"a pattern has at most {_LONGEST_PATTERN:,} characters"
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        detail = error.args[0] if error.args else ""
        if isinstance(detail, bytes):
            detail = detail.decode("utf-8", "replace")
        return f"this pattern is not a regular expression of RE2: {detail}"


def _timestamp(frame: Frame, value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return _read(timestamp_of, _text(value, "what timestamp() reads"))


def _duration(frame: Frame, value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return _read(duration_of, _text(value, "what duration() reads"))


def _money(frame: Frame, value: Any) -> Decimal:
    if is_number(value):
        return _read(places_checked, Decimal(value))
    return _read(money_of, _text(value, "what money() reads"))


def _read(reader: Callable[[_T], _R], value: _T) -> _R:
    try:
        return reader(value)
    except LiteralError as error:
        raise Failure(error.message) from None


def _string(frame: Frame, value: Any) -> str:
    if value is None or isinstance(value, list | tuple | Mapping):
        raise Failure(f"string() does not take {kind_of(value)}")
    return written(value)


def _round(frame: Frame, value: Any, places: Any = None) -> Any:
    if not is_number(value):
        raise Failure(f"round() takes a number, not {kind_of(value)}")
    if places is None:
        return bounded(int(_ROUNDING.to_integral_value(Decimal(value))))
    if type(places) is not int or not 0 <= places <= MONEY_PLACES:
        raise Failure(f"round() takes 0 to {MONEY_PLACES} places")
    if type(value) is int:
        return value
    try:
        return bounded(_ROUNDING.quantize(Decimal(value), Decimal((0, (1,), -places))))
    except DecimalException:
        raise Failure("the result has too many digits") from None


def _least(frame: Frame, *values: Any) -> Any:
    return _extreme(frame, "min", values, lambda a, b: b < a)


def _most(frame: Frame, *values: Any) -> Any:
    return _extreme(frame, "max", values, lambda a, b: b > a)


def _extreme(
    frame: Frame, name: str, values: tuple[Any, ...], better: Callable[[Any, Any], bool]
) -> Any:
    if len(values) == 1 and isinstance(values[0], list | tuple):
        values = tuple(values[0])
        frame.charge(len(values))
    if not values:
        raise Failure(f"{name}() of an empty list has no value")
    best = load(values[0])
    ordered(best, best)
    for value in values[1:]:
        value = load(value)
        ordered(best, value)
        if better(best, value):
            best = value
    return best


def _join(frame: Frame, items: Any, separator: Any = "") -> str:
    between = _text(separator, "the separator of join()")
    if not isinstance(items, list | tuple):
        raise Failure(f"join() takes a list of texts, not {kind_of(items)}")
    frame.charge(len(items))
    texts = [_text(load(item), "each item of join()") for item in items]
    length = sum(map(len, texts)) + len(between) * len(texts)
    frame.charge(length // CHARACTERS_PER_COST)
    return between.join(texts)


def _lazy(frame: Frame, *values: Any) -> Any:
    raise AssertionError("default() is compiled, never called")


FUNCTIONS: Mapping[str, Function] = {
    f.name: f
    for f in (
        Function("size", 1, 1, ("sized",), "integer", _size, "size(x)"),
        Function("default", 2, 2, ("any", "any"), "default", _lazy, "default(x, y)"),
        Function(
            "timestamp", 1, 1, ("timestamp",), "datetime", _timestamp,
            'timestamp("2026-03-01T12:00:00Z")',
        ),
        Function("duration", 1, 1, ("duration",), "duration", _duration, 'duration("1h30m")'),
        Function("string", 1, 1, ("scalar",), "string", _string, "string(x)"),
        Function("money", 1, 1, ("moneyed",), "money", _money, 'money("12.50")'),
        Function("round", 1, 2, ("number", "integer"), "rounded", _round, "round(x, 2)"),
        Function("min", 1, 99, ("ordered",), "extreme", _least, "min(a, b)"),
        Function("max", 1, 99, ("ordered",), "extreme", _most, "max(a, b)"),
        Function("join", 1, 2, ("texts", "string"), "string", _join, 'join(items, ", ")'),
    )
}  # fmt: skip

METHODS: Mapping[str, Function] = {
    f.name: f
    for f in (
        Function(
            "contains", 2, 2, ("string", "string"), "boolean", _contains, 'x.contains("a")'
        ),
        Function(
            "startsWith", 2, 2, ("string", "string"), "boolean", _starts_with,
            'x.startsWith("a")',
        ),
        Function(
            "endsWith", 2, 2, ("string", "string"), "boolean", _ends_with, 'x.endsWith("a")'
        ),
        Function(
            "matches", 2, 2, ("string", "string"), "boolean", _matches, 'x.matches("^a")'
        ),
        Function("lower", 1, 1, ("string",), "string", _lower, "x.lower()"),
        Function("size", 1, 1, ("sized",), "integer", _size, "x.size()"),
        Function("join", 1, 2, ("texts", "string"), "string", _join, 'x.join(", ")'),
    )
}  # fmt: skip
