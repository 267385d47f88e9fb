"""Arithmetic on loaded values: exact across integers and decimals, with bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any

from leafmesh_nb.language.expressions.literals import EXACT, INT_MAX, INT_MIN, LARGEST_EXPONENT
from leafmesh_nb.language.expressions.values import (
    CHARACTERS_PER_COST,
    Failure,
    Frame,
    kind_of,
)

__all__ = ["ARITHMETIC", "bounded", "is_number", "negated"]

DIVISION = Context(
    prec=34, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow]
)
_DAY = timedelta(days=1)


def is_number(value: Any) -> bool:
    """Whether a loaded value is a number; true and false are not."""
    kind = type(value)
    return kind is int or kind is Decimal


def bounded(value: Any) -> Any:
    """A number within the bounds of the language, or Failure."""
    if type(value) is int:
        if INT_MIN <= value <= INT_MAX:
            return value
        raise Failure("the result does not fit 64 bits")
    if not value:
        # Zero keeps its places (0.00) but no others: 0E-5000 would be slow to write.
        return value.copy_abs() if -34 <= value.adjusted() <= 0 else Decimal(0)
    if -LARGEST_EXPONENT <= value.adjusted() <= LARGEST_EXPONENT:
        return value
    raise Failure("the result is out of bounds")


def _exactly(operation: Callable[[Any, Any], Decimal], left: Any, right: Any) -> Any:
    try:
        return bounded(operation(left, right))
    except DecimalException:
        raise Failure("the result has too many digits") from None


def _add(left: Any, right: Any, frame: Frame) -> Any:
    a, b = type(left), type(right)
    if a is int and b is int:
        return bounded(left + right)
    if is_number(left) and is_number(right):
        return _exactly(EXACT.add, left, right)
    if a is str and b is str:
        frame.charge((len(left) + len(right)) // CHARACTERS_PER_COST)
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        frame.charge(len(left) + len(right))
        return [*left, *right]
    if isinstance(right, timedelta) and isinstance(left, date | timedelta):
        return _moved(left, right)
    if isinstance(left, timedelta) and isinstance(right, date):
        return _moved(right, left)
    raise _unfit("+", left, right)


def _subtract(left: Any, right: Any, frame: Frame) -> Any:
    if type(left) is int and type(right) is int:
        return bounded(left - right)
    if is_number(left) and is_number(right):
        return _exactly(EXACT.subtract, left, right)
    if isinstance(right, timedelta) and isinstance(left, date | timedelta):
        return _moved(left, -right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        if (left.tzinfo is None) != (right.tzinfo is None):
            raise Failure("one of these two times has no time zone")
        return left - right
    dates = not isinstance(left, datetime) and not isinstance(right, datetime)
    if dates and isinstance(left, date) and isinstance(right, date):
        return left - right
    raise _unfit("-", left, right)


def _moved(value: date | timedelta, by: timedelta) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime) and by % _DAY:
        raise Failure("a date takes durations of whole days (24h)")
    try:
        return value + by
    except OverflowError:
        raise Failure("the result is beyond the calendar") from None


def _multiply(left: Any, right: Any, frame: Frame) -> Any:
    if type(left) is int and type(right) is int:
        return bounded(left * right)
    if is_number(left) and is_number(right):
        return _exactly(EXACT.multiply, left, right)
    raise _unfit("*", left, right)


def _divide(left: Any, right: Any, frame: Frame) -> Any:
    if not (is_number(left) and is_number(right)):
        raise _unfit("/", left, right)
    if not right:
        raise Failure("division by zero")
    if type(left) is int and type(right) is int:
        quotient = abs(left) // abs(right)
        return bounded(quotient if (left < 0) == (right < 0) else -quotient)
    return bounded(DIVISION.divide(left, right))


def _modulo(left: Any, right: Any, frame: Frame) -> Any:
    if type(left) is not int or type(right) is not int:
        if is_number(left) and is_number(right):
            raise Failure("% takes integers")
        raise _unfit("%", left, right)
    if not right:
        raise Failure("division by zero")
    if left == INT_MIN and right == -1:
        raise Failure("the result does not fit 64 bits")
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def negated(value: Any) -> Any:
    """``-value``."""
    if type(value) is int:
        return bounded(-value)
    if type(value) is Decimal:
        return value.copy_negate() if value else value.copy_abs()
    raise Failure(f"- needs a number, not {kind_of(value)}")


def _unfit(operator: str, left: Any, right: Any) -> Failure:
    return Failure(f"{operator} does not take {kind_of(left)} and {kind_of(right)}")


ARITHMETIC: dict[str, Callable[[Any, Any, Frame], Any]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": _modulo,
}
