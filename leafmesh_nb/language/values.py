"""Values: from Python or JSON into a type."""

from __future__ import annotations

import builtins
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from leafmesh_nb.language.decimals import (
    check_integer,
    check_kept,
    check_money,
    check_number,
    in_json,
    rounded_number,
)
from leafmesh_nb.language.mismatch import TypeMismatch, kind_of, mismatch
from leafmesh_nb.language.moments import check_date, check_datetime, in_utc
from leafmesh_nb.language.schemas.document import Schema
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, Value

__all__ = ["TypeMismatch", "accept"]

MAX_DEPTH = 60
MAX_ITEMS = 200_000
MAX_TEXT = 16_000_000

_MONEY = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)
_INTEGER = re.compile(r"[-+]?[0-9]+(?:\.0+)?\Z", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\Z", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


def accept(type: Type, value: Any, *, lenient: bool = False, computed: bool = False) -> Value:
    """``value`` as Python value of ``type``; raises TypeMismatch.

    Takes Python values and JSON values alike; the argument is never changed and the result shares
    nothing mutable with it. A nullable field that is missing comes back as None, but within a
    JSON Schema, where it stays missing. A datetime is made aware and UTC (a naive one is taken as
    UTC).

    ``lenient`` is for what people type and tables hold: a number where text is needed becomes
    text, a text that reads as a number, a boolean or nothing becomes that, NaN becomes null.

    An integer has 64 bits, and a number no more digits than JSON keeps (15 to 17): whoever gives
    one with more is refused, so that none changes on its way. What an expression ``computed`` is
    rounded to those where a number is needed, for a third has no end of digits; money never is.
    """
    try:
        return _Acceptor(lenient, computed).take(type, value)
    except TypeMismatch:
        raise
    except Exception as error:
        # Foreign classes may raise anything when they are read.
        raise TypeMismatch(f"cannot be read ({builtins.type(error).__name__})") from error


class _Acceptor:
    """Takes one value. ``sparse`` while it is within a JSON Schema; ``either`` where there is an
    ``_Either`` in it."""

    __slots__ = ("computed", "either", "items", "lenient", "sparse", "text")

    def __init__(self, lenient: bool, computed: bool) -> None:
        self.lenient = lenient
        self.computed = computed
        self.sparse = self.either = False
        self.items = 0
        self.text = 0

    def take(self, type: Type, value: Any, depth: int = 0) -> Value:
        """``value`` as value of ``type``."""
        if type.schema is not None and not self.sparse:
            return self._fitting(type, type.schema, value, depth)
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
                return check_date(value, self.lenient)
            case "datetime":
                return check_datetime(value, self.lenient)
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

    def _fitting(self, type: Type, schema: Schema, value: Any, depth: int) -> Value:
        """A value that fits a JSON Schema, too: all of it is looked at once, from the outside."""
        from leafmesh_nb.language.schemas.validate import validator
        from leafmesh_nb.language.to_json import dump

        self.sparse = True
        taken = self.take(type, value, depth)
        self.sparse = False
        if taken is None and type.nullable:
            return None
        check = validator(schema)
        amounts: set[Path] = set()
        while True:
            plain = _without_either(taken, amounts) if self.either else taken
            fault = check(dump(type, plain))
            if fault is None:
                return plain
            more = set(_either_in(taken, fault.path)) - amounts if self.either else set()
            if not more:
                found = TypeMismatch(fault.message)
                for part in reversed(fault.path):
                    found.under(part)
                raise found
            amounts |= more

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
                number = check_number(value, "text")
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
            return check_integer(int(text.partition(".")[0]))
        number = check_number(value, "a whole number")
        if number != int(number):
            raise TypeMismatch("is not a whole number")
        return check_integer(int(number))

    def _number(self, value: Any) -> int | float | Decimal:
        if self.lenient and isinstance(value, str):
            text = value.strip()
            if not _NUMBER.match(text) or len(text) > 300:
                raise TypeMismatch("is text that does not read as a number")
            check_kept(check_number(Decimal(text), "a number"))
            whole = _INTEGER.match(text) and "." not in text
            return check_kept(int(text)) if whole else float(text)
        number = check_number(value, "a number")
        return rounded_number(number) if self.computed else check_kept(number)

    def _money(self, value: Any) -> Decimal:
        if isinstance(value, str):
            text = value.strip() if self.lenient else str.__str__(value)
            if not _MONEY.match(text) or len(text) > 100:
                raise TypeMismatch("is text that is not a plain decimal amount such as 19.90")
            number: int | float | Decimal = Decimal(text)
        else:
            number = check_number(value, "an amount of money")
        if isinstance(number, float):
            number = Decimal(repr(number))
        return check_money(Decimal(number))

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if self.lenient and isinstance(value, str):
            known = {"true": True, "false": False}.get(value.strip().lower())
            if known is not None:
                return known
        raise mismatch("true or false", value)

    def _enum(self, type: Type, value: Any) -> str:
        known = ", ".join(type.values[:12]) + (", …" if len(type.values) > 12 else "")
        if not isinstance(value, str):
            raise TypeMismatch(f"is {kind_of(value)}, and one of {known} is needed")
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
                raise TypeMismatch(f"has a key that is {kind_of(key)}, and keys are texts")
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
        for key in () if type.open else value:
            if key not in wanted:
                name = key if isinstance(key, str) else kind_of(key)
                close = suggest(name, wanted)
                hint = (
                    f"did you mean `{close}`?"
                    if close
                    else f"its fields are {', '.join(wanted)}"
                    if wanted
                    else "it has no fields"
                )
                name = name if len(name) <= 60 else name[:59] + "…"
                raise TypeMismatch(f"has an unknown field `{name}`: {hint}")
        result: dict[str, Value] = {}
        for name, inner in wanted.items():
            if name not in value:
                if not inner.nullable and not self.sparse:
                    raise TypeMismatch(f"its field `{name}` is missing")
                if not self.sparse:
                    result[name] = None
                continue
            try:
                result[name] = self.take(inner, value[name], depth + 1)
            except TypeMismatch as found:
                raise found.under(name) from None
        if type.open:
            others = {key: item for key, item in value.items() if key not in wanted}
            result.update(self._map(_MAP, others, depth))
        return result

    def _any_number(self, number: int | float | Decimal) -> int | float | Decimal:
        """A number where nothing says of what kind: a Decimal may be money, which has its digits
        as text."""
        if not isinstance(number, Decimal):
            return check_kept(number)
        if self.sparse:
            self.either = True
            return _Either(number if self.computed else check_kept(number))
        if not self.computed:
            return number
        nearest = rounded_number(number)
        if isinstance(nearest, Decimal):
            return in_json(nearest)
        try:
            return check_money(number)
        except TypeMismatch:
            return nearest

    def _any(self, value: Any, depth: int) -> Value:
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return self._any_number(check_number(value, "a number"))
        if isinstance(value, datetime):
            return in_utc(value)
        if isinstance(value, date):
            return check_date(value)
        if isinstance(value, list | tuple):
            return self._list(_LIST, value, depth)
        if isinstance(value, Mapping):
            return self._map(_MAP, value, depth)
        raise mismatch("a value that JSON can hold", value)


class _Either(Decimal):
    """A Decimal that a JSON Schema may ask for as a number or as the text of an amount."""


Path = tuple[str | int, ...]


def _without_either(value: Any, amounts: set[Path], path: Path = ()) -> Any:
    """The value with numbers in place of every ``_Either`` but for those at ``amounts``."""
    if isinstance(value, _Either):
        if path in amounts:
            return Decimal(value)
        return in_json(Decimal(value))
    if isinstance(value, list):
        return [_without_either(item, amounts, (*path, i)) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: _without_either(item, amounts, (*path, key)) for key, item in value.items()}
    return value


def _either_in(value: Any, within: Path, path: Path = ()) -> Iterator[Path]:
    """The places of every ``_Either`` at or below ``within``."""
    if isinstance(value, _Either) and path[: len(within)] == within:
        yield path
    for part, item in _parts(value):
        yield from _either_in(item, within, (*path, part))


def _parts(value: Any) -> Iterable[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


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
