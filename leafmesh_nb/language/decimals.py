"""Numbers and money: finite, exact, and of a size that nothing chokes on."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from leafmesh_nb.language.mismatch import TypeMismatch, mismatch

__all__ = [
    "MONEY_PLACES",
    "check_integer",
    "check_kept",
    "check_money",
    "check_number",
    "in_json",
    "plain_decimal",
    "rounded_number",
]

MONEY_PLACES = 12
_MONEY_DIGITS = 30
_NUMBER_BITS = 1024
_NUMBER_EXPONENT = 308
_INTEGERS = range(-(2**63), 2**63)


def check_number(value: Any, wanted: str) -> int | float | Decimal:
    """A number as int, float or Decimal of no subclass; raises TypeMismatch for anything else,
    for what is not finite and beyond 300 digits. ``wanted`` says in words what is needed."""
    if isinstance(value, bool):
        raise mismatch(wanted, value)
    if isinstance(value, int):
        if value.bit_length() > _NUMBER_BITS:
            raise TypeMismatch("is a number of more than 300 digits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeMismatch(f"is not finite, and {wanted} is needed")
        return float(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeMismatch(f"is not finite, and {wanted} is needed")
        digits, exponent = value.as_tuple()[1:]
        if len(digits) > _NUMBER_EXPONENT or abs(int(exponent)) > _NUMBER_EXPONENT:
            raise TypeMismatch("is a number of more than 300 digits")
        return value
    raise mismatch(wanted, value)


def check_integer(number: int) -> int:
    """The integer, if it fits 64 bits: what expressions count with, and other programs read."""
    if number in _INTEGERS:
        return number
    raise TypeMismatch("is an integer of more than 64 bits: keep it as text, in a `string`")


def check_kept(number: int | float | Decimal) -> int | float | Decimal:
    """The number, if JSON keeps it to the last digit: an integer of 64 bits, or what a float
    prints as the same digits. An integer beyond comes back as that float."""
    if isinstance(number, float):
        return number
    if _is_kept(number):
        large = isinstance(number, int) and number not in _INTEGERS
        return float(number) if large else number
    raise TypeMismatch(
        "has more digits than a number keeps, which is 15 to 17: round it, or keep it as text or "
        "as money"
    )


def rounded_number(number: int | float | Decimal) -> int | float | Decimal:
    """The number as JSON keeps it: what was computed may have more digits, as a third has."""
    if isinstance(number, float) or _is_kept(number):
        return check_kept(number)
    nearest = float(number)
    if not math.isfinite(nearest):
        raise TypeMismatch("is a number of more than 300 digits")
    return nearest


def in_json(number: Decimal) -> int | float:
    """A number that JSON keeps, as it stands there."""
    whole = number == number.to_integral_value() and int(number) in _INTEGERS
    return int(number) if whole else float(number)


def _is_kept(number: int | Decimal) -> bool:
    exact = Decimal(number)
    if exact == exact.to_integral_value() and int(exact) in _INTEGERS:
        return True
    try:
        return Decimal(repr(float(number))) == exact
    except OverflowError:
        return False


def check_money(amount: Decimal) -> Decimal:
    """The amount without an exponent, a negative zero, or zeros beyond the twelfth place."""
    if not amount:
        return Decimal(0) if int(amount.as_tuple().exponent) >= 0 else abs(_placed(amount))
    if amount.adjusted() >= _MONEY_DIGITS:
        raise TypeMismatch(f"is an amount of more than {_MONEY_DIGITS} digits")
    return _placed(amount)


def _placed(amount: Decimal) -> Decimal:
    text = format(amount, "f")
    whole, _, places = text.partition(".")
    if len(places) > MONEY_PLACES:
        places = places[:MONEY_PLACES] + places[MONEY_PLACES:].rstrip("0")
        if len(places) > MONEY_PLACES:
            raise TypeMismatch(
                f"has {len(places)} decimal places, and money has at most {MONEY_PLACES}: round it"
            )
    return Decimal(f"{whole}.{places}" if places else whole)


def plain_decimal(value: Decimal) -> str:
    """A Decimal as text without an exponent and without a negative zero."""
    text = format(value, "f")
    return text[1:] if text.startswith("-") and not value else text
