"""Constants as they are written: texts with escapes, numbers, timestamps, durations, money."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from leafmesh_nb.language.decimals import MONEY_PLACES

__all__ = [
    "DAY",
    "EXACT",
    "INT_MAX",
    "INT_MIN",
    "LARGEST_EXPONENT",
    "LiteralError",
    "duration_of",
    "money_of",
    "number_of",
    "places_checked",
    "text_of",
    "timestamp_of",
]

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
LARGEST_EXPONENT = 999
"""Numbers lie between 1E-999 and 1E+999: beyond every float, and cheap to write out."""

EXACT = Context(prec=1000, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
"""Raises where a sum or a product would lose a digit; independent of the global context."""

_LONGEST_DURATION = 315_576_000_000

_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "?": "?",
    '"': '"',
    "'": "'",
    "`": "`",
}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)", re.ASCII)
_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}
_MONEY = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_LONGEST = 200


class LiteralError(ValueError):
    """A text that is not what it should be; ``start`` and ``end`` are offsets into it."""

    def __init__(self, message: str, start: int = 0, end: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


def text_of(source: str) -> str:
    """The text that a quoted literal stands for (CEL's escapes; ``r"…"`` has none)."""
    if source[0] in "rR":
        return source[2:-1]
    body = source[1:-1]
    if "\\" not in body:
        return body

    def unescape(match: re.Match[str]) -> str:
        two, four, eight, octal, single = match.groups()
        if single is not None:
            if single not in _ESCAPES:
                raise LiteralError(
                    f"`\\{single}` is not an escape", match.start() + 1, match.end() + 1
                )
            return _ESCAPES[single]
        code = int(octal, 8) if octal is not None else int(two or four or eight, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise LiteralError(
                f"`{match.group()}` is not a character", match.start() + 1, match.end() + 1
            )
        return chr(code)

    return _ESCAPE.sub(unescape, body)


def number_of(source: str) -> Decimal:
    """The decimal that ``12.50`` or ``1e3`` stands for."""
    value = Decimal(source)
    if not -LARGEST_EXPONENT <= value.adjusted() <= LARGEST_EXPONENT:
        raise LiteralError("this number is out of bounds", 0, len(source))
    return value


def timestamp_of(source: str) -> datetime:
    """RFC 3339 with a zone, such as ``2026-03-01T12:00:00Z``; given in UTC, to the microsecond."""
    match = _TIMESTAMP.fullmatch(source)
    if match is None:
        raise LiteralError(
            "a timestamp is written with its time and zone, as in 2026-03-01T12:00:00Z"
        )
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    fraction = (fraction or "").ljust(6, "0")
    if fraction[6:].strip("0"):
        raise LiteralError("a timestamp has at most six digits after the second")
    offset = timedelta()
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > 23 or minutes > 59:
            raise LiteralError(f"there is no time zone {zone}")
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second),
            int(fraction[:6]), UTC,
        )  # fmt: skip
        return local - offset
    except (ValueError, OverflowError):
        raise LiteralError("there is no such date or time") from None


def duration_of(source: str) -> timedelta:
    """A duration such as ``1h30m`` or ``1.5s`` (units h m s ms us ns)."""
    sign, body = (source[0], source[1:]) if source[:1] in ("+", "-") else ("", source)
    if body == "0":
        return timedelta()
    total = Decimal(0)
    position = 0
    while len(source) <= _LONGEST and (part := _DURATION_PART.match(body, position)):
        total = EXACT.add(total, EXACT.multiply(Decimal(part[1]), _SECONDS[part[2]]))
        position = part.end()
    if not body or position != len(body):
        raise LiteralError('a duration is written like "1h30m" or "1.5s" (units h, m, s, ms, us)')
    micros = EXACT.multiply(total, 1_000_000)
    if micros != micros.to_integral_value():
        raise LiteralError("a duration is not finer than one microsecond")
    if total > _LONGEST_DURATION:
        raise LiteralError("this duration is longer than 10,000 years")
    value = timedelta(microseconds=int(micros))
    return -value if sign == "-" else value


def money_of(source: str) -> Decimal:
    """Plain decimal text with at most 12 places, such as ``620.00``."""
    if len(source) > _LONGEST or _MONEY.fullmatch(source) is None:
        raise LiteralError('money is written in plain digits, as in "620.00"')
    return places_checked(Decimal(source))


def places_checked(value: Decimal) -> Decimal:
    """The value, or LiteralError where money would have more than 12 places."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MONEY_PLACES:
        raise LiteralError(f"money has at most {MONEY_PLACES} places; round(x, 2) gives two")
    return value
