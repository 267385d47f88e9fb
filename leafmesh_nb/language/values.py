"""Values: from Python or JSON into a type."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, Value

__all__ = ["TypeMismatch", "accept", "mismatch"]

MAX_DEPTH = 60
MAX_ITEMS = 200_000
MAX_TEXT = 16_000_000
MONEY_PLACES = 12
_MONEY_DIGITS = 30
_NUMBER_BITS = 1024
_NUMBER_EXPONENT = 308

_MONEY = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_INTEGER = re.compile(r"[-+]?[0-9]+(?:\.0+)?\Z", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_DATETIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?\Z",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class TypeMismatch(LeafmeshError):
    """A value is not of its type. ``path`` says where (``items[2].amount``; empty for the whole),
    ``message`` what is wrong; the value itself is quoted only where it is a short enum value."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self._parts: list[str | int] = []

    @property
    def path(self) -> str:
        path = ""
        for part in self._parts:
            if isinstance(part, int):
                path += f"[{part}]"
            elif _PLAIN_KEY.match(part):
                path += f".{part}" if path else part
            else:
                path += f"[{part[:40]!r}]"
        return path

    def __str__(self) -> str:
        return f"`{self.path}`: {self.message}" if self._parts else self.message

    def under(self, part: str | int) -> TypeMismatch:
        """The same mismatch, one level further out."""
        self._parts.insert(0, part)
        return self


def accept(type: Type, value: Any, *, lenient: bool = False) -> Value:
    """``value`` as Python value of ``type``; raises TypeMismatch.

    Takes Python values and JSON values alike; the argument is never changed and the result shares
    nothing mutable with it. A nullable field that is missing comes back as None. A datetime is
    made aware and UTC (a naive one is taken as UTC).

    ``lenient`` is for what people type and tables hold: a number where text is needed becomes
    text, a text that reads as a number, a boolean or nothing becomes that, NaN becomes null.
    """
    return _Acceptor(lenient).take(type, value)


class _Acceptor:
    __slots__ = ("items", "lenient", "text")

    def __init__(self, lenient: bool) -> None:
        self.lenient = lenient
        self.items = 0
        self.text = 0

    def take(self, type: Type, value: Any, depth: int = 0) -> Value:
        self.items += 1
        if self.items > MAX_ITEMS:
            raise TypeMismatch(f"has more than {MAX_ITEMS:,} values")
        if depth > MAX_DEPTH:
            raise TypeMismatch(f"is nested more than {MAX_DEPTH} levels deep")
        value = _unboxed(value)
        if self.lenient and _is_nothing(value):
            value = None
        if value is None:
            if type.nullable or type.kind == "any":
                return None
            raise TypeMismatch(f"is null, and {_wanted(type)} is needed")
        if (
            self.lenient
            and type.nullable
            and type.kind != "string"
            and isinstance(value, str)
            and not value.strip()
        ):
            return None
        match type.kind:
            case "string":
                return self._string(value)
            case "integer":
                return _bounded(type, self._integer(value))
            case "number":
                return _bounded(type, self._number(value))
            case "money":
                return _bounded(type, self._money(value))
            case "boolean":
                return self._boolean(value)
            case "date":
                return self._date(value)
            case "datetime":
                return self._datetime(value)
            case "enum":
                return self._enum(type, value)
            case "list":
                return self._list(type, value, depth)
            case "map":
                return self._map(type, value, depth)
            case "object":
                return self._object(type, value, depth)
            case _:
                return self._any(value, depth)

    def _string(self, value: Any) -> str:
        if isinstance(value, str):
            text = str.__str__(value)
            self.text += len(text)
            if self.text > MAX_TEXT:
                raise TypeMismatch(f"has more than {MAX_TEXT:,} characters of text")
            if not text.isascii() and _SURROGATE.search(text):
                raise TypeMismatch("is not valid Unicode text")
            return text
        if self.lenient:
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, int | float | Decimal):
                number = self._number(value)
                whole = number == int(number)
                return str(int(number)) if whole else format(Decimal(str(number)), "f")
            if isinstance(value, date):
                return value.isoformat()
        raise mismatch("text", value)

    def _integer(self, value: Any) -> int:
        if self.lenient and isinstance(value, str):
            text = value.strip()
            if not _INTEGER.match(text) or len(text) > 300:
                raise TypeMismatch("is text that does not read as a whole number")
            return int(text.partition(".")[0])
        number = _number(value, "a whole number")
        if isinstance(number, int):
            return number
        if number != int(number):
            raise TypeMismatch("is not a whole number")
        return int(number)

    def _number(self, value: Any) -> int | float | Decimal:
        if self.lenient and isinstance(value, str):
            text = value.strip()
            if not _NUMBER.match(text) or len(text) > 300:
                raise TypeMismatch("is text that does not read as a number")
            return _number(int(text) if _MONEY.match(text) and "." not in text else float(text), "")
        return _number(value, "a number")

    def _money(self, value: Any) -> Decimal:
        if isinstance(value, str):
            text = value.strip() if self.lenient else str.__str__(value)
            if not _MONEY.match(text) or len(text) > 100:
                raise TypeMismatch("is text that is not a plain decimal amount such as 19.90")
            number: int | float | Decimal = Decimal(text)
        else:
            number = _number(value, "an amount of money")
        if isinstance(number, float):
            number = Decimal(repr(number))
        return _money(Decimal(number))

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if self.lenient and isinstance(value, str):
            known = {"true": True, "false": False}.get(value.strip().lower())
            if known is not None:
                return known
        raise mismatch("true or false", value)

    def _date(self, value: Any) -> date:
        if isinstance(value, datetime):
            if self.lenient and value.timetz().replace(tzinfo=None).isoformat() == "00:00:00":
                return date(value.year, value.month, value.day)
            raise TypeMismatch("is a date with a time, and a date is needed")
        if isinstance(value, date):
            return date(value.year, value.month, value.day)
        if isinstance(value, str):
            text = value.strip() if self.lenient else str.__str__(value)
            if _DATE.match(text):
                try:
                    return date.fromisoformat(text)
                except ValueError:
                    pass
            raise TypeMismatch("is text that is not a date such as 2025-01-31")
        raise mismatch("a date", value)

    def _datetime(self, value: Any) -> datetime:
        if isinstance(value, str):
            text = value.strip() if self.lenient else str.__str__(value)
            moment: datetime | None = None
            if _DATETIME.match(text) or (self.lenient and _DATE.match(text)):
                try:
                    moment = datetime.fromisoformat(text.upper())
                except ValueError:
                    moment = None
            if moment is None:
                raise TypeMismatch("is text that is not a time such as 2025-01-31T12:30:00Z")
            return _utc(moment)
        if isinstance(value, datetime):
            return _utc(value)
        if self.lenient and isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        raise mismatch("a date with a time", value)

    def _enum(self, type: Type, value: Any) -> str:
        known = ", ".join(type.values[:12]) + (", …" if len(type.values) > 12 else "")
        if not isinstance(value, str):
            raise TypeMismatch(f"is {_kind(value)}, and one of {known} is needed")
        text = self._string(value)
        if text in type.values:
            return text
        given = f"`{text}`" if len(text) <= 30 else "a longer text"
        close = suggest(text, type.values)
        hint = f" (did you mean `{close}`?)" if close else ""
        raise TypeMismatch(f"is {given}, and one of {known} is needed{hint}")

    def _list(self, type: Type, value: Any, depth: int) -> list[Value]:
        if not isinstance(value, list | tuple):
            raise mismatch("a list", value)
        inner = type.items or ANY
        result = []
        for index, item in enumerate(value):
            try:
                result.append(self.take(inner, item, depth + 1))
            except TypeMismatch as found:
                raise found.under(index) from None
        return result

    def _map(self, type: Type, value: Any, depth: int) -> dict[str, Value]:
        if not isinstance(value, Mapping):
            raise mismatch("a map", value)
        inner = type.items or ANY
        result: dict[str, Value] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeMismatch(f"has a key that is {_kind(key)}, and keys are texts")
            text = self._string(key)
            try:
                result[text] = self.take(inner, item, depth + 1)
            except TypeMismatch as found:
                raise found.under(text) from None
        return result

    def _object(self, type: Type, value: Any, depth: int) -> dict[str, Value]:
        if not isinstance(value, Mapping):
            raise mismatch("a map of its fields", value)
        wanted = dict(type.fields)
        for key in value:
            if key not in wanted:
                name = key if isinstance(key, str) else _kind(key)
                close = suggest(name, wanted)
                hint = (
                    f"did you mean `{close}`?"
                    if close
                    else f"its fields are {', '.join(wanted)}"
                    if wanted
                    else "it has no fields"
                )
                raise TypeMismatch(f"has an unknown field `{name[:60]}`: {hint}")
        result: dict[str, Value] = {}
        for name, inner in wanted.items():
            if name not in value:
                if not inner.nullable:
                    raise TypeMismatch(f"its field `{name}` is missing")
                result[name] = None
                continue
            try:
                result[name] = self.take(inner, value[name], depth + 1)
            except TypeMismatch as found:
                raise found.under(name) from None
        return result

    def _any(self, value: Any, depth: int) -> Value:
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return _number(value, "a number")
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, date):
            return self._date(value)
        if isinstance(value, list | tuple):
            return self._list(_LIST, value, depth)
        if isinstance(value, Mapping):
            return self._map(_MAP, value, depth)
        raise mismatch("a value that JSON can hold", value)


N = TypeVar("N", int, int | float | Decimal, Decimal)

_LIST = Type("list", items=ANY)
_MAP = Type("map", items=ANY)


def _unboxed(value: Any) -> Any:
    """A numpy scalar as the Python value that it is."""
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not value.shape:
        return value.item()
    return value


def _is_nothing(value: Any) -> bool:
    """NaN, and pandas' NA and NaT."""
    if isinstance(value, float):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return type(value).__name__ in ("NAType", "NaTType")


def _number(value: Any, wanted: str) -> int | float | Decimal:
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


def _money(amount: Decimal) -> Decimal:
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


def _utc(value: datetime) -> datetime:
    """A plain, aware datetime in UTC, whatever subclass came in."""
    try:
        moment = datetime.combine(date(value.year, value.month, value.day), value.timetz())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise TypeMismatch("is a time outside the years 1 to 9999 in UTC") from None


def _bounded(type: Type, value: N) -> N:
    if type.minimum is not None and value < type.minimum:
        raise TypeMismatch(f"is less than {type.minimum:f}")
    if type.maximum is not None and value > type.maximum:
        raise TypeMismatch(f"is more than {type.maximum:f}")
    return value


def _wanted(type: Type) -> str:
    match type.kind:
        case "enum":
            return f"one of {', '.join(type.values[:12])}"
        case "string":
            return "text"
        case "object" | "map":
            return "a map"
        case "list":
            return "a list"
        case "integer":
            return "a whole number"
        case "boolean":
            return "true or false"
        case "datetime":
            return "a date with a time"
        case "money":
            return "an amount of money"
        case kind:
            return f"a {kind}"


def mismatch(wanted: str, value: Any) -> TypeMismatch:
    """What is raised where ``value`` is of another kind than ``wanted``; does not quote it."""
    return TypeMismatch(f"is {_kind(value)}, and {wanted} is needed")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, datetime):
        return "a date with a time"
    if isinstance(value, date):
        return "a date"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a map"
    return f"an object of type {type(value).__name__}"
