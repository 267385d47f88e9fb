"""What each keyword of JSON Schema asks of a value, as closures that say what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from leafmesh_nb.language.decimals import check_money
from leafmesh_nb.language.mismatch import TypeMismatch, kind_of
from leafmesh_nb.language.moments import check_date, check_datetime
from leafmesh_nb.language.schemas.document import canonical, exact
from leafmesh_nb.language.schemas.evaluated import Evaluated
from leafmesh_nb.language.schemas.patterns import search
from leafmesh_nb.language.suggest import suggest

__all__ = [
    "Build",
    "Check",
    "Compiler",
    "Fault",
    "Memo",
    "bound_check",
    "const_check",
    "contains_check",
    "dependent_required_check",
    "dependent_schemas_check",
    "enum_check",
    "format_check",
    "items_check",
    "limit_check",
    "multiple_check",
    "names_check",
    "pattern_check",
    "properties_check",
    "required_check",
    "type_check",
    "unevaluated_check",
    "unique_check",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a value does not fit: ``path`` leads to the part of it, ``message`` goes on after it."""

    message: str
    path: tuple[str | int, ...] = ()

    def under(self, part: str | int) -> Fault:
        """The same fault, one level further out."""
        return replace(self, path=(part, *self.path))


Memo = dict[tuple[int, int], Fault | None]
Check = Callable[[Any, Memo], Fault | None]
"""The memo is of one check of one value."""


class Compiler(Protocol):
    """Compiles the schemas within a schema."""

    def check(self, document: Mapping[str, Any]) -> Check: ...


Build = Callable[[Compiler, Mapping[str, Any]], Check]


# -- any value

_WORDS = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "a map",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float | Decimal) and value == int(value))


_IS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def type_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    names = document["type"] if isinstance(document["type"], list) else [document["type"]]
    tests = [_IS[name] for name in names]
    wanted = " or ".join(_WORDS[name] for name in names)

    def check(value: Any, memo: Memo) -> Fault | None:
        for test in tests:
            if test(value):
                return None
        if wanted == "a whole number" and _is_number(value):
            return Fault("is not a whole number")
        return Fault(f"is {kind_of(value)}, and {wanted} is needed")

    return check


def enum_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    values = document["enum"] if "enum" in document else [document["const"]]
    allowed = {canonical(value) for value in values}
    shown = [value if isinstance(value, str) else canonical(value) for value in values]
    known = _cut(", ".join(shown[:12]) + (", …" if len(shown) > 12 else ""), 200)
    if len(values) > 1:
        known = f"one of {known}"

    def check(value: Any, memo: Memo) -> Fault | None:
        if canonical(value) in allowed:
            return None
        if not isinstance(value, str):
            return Fault(f"is {kind_of(value)}, and {known} is needed")
        given = f"`{value}`" if len(value) <= 30 else "a longer text"
        close = suggest(value, [v for v in values if isinstance(v, str)])
        hint = f" (did you mean `{close}`?)" if close else ""
        return Fault(f"is {given}, and {known} is needed{hint}")

    return check


def const_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    return enum_check(compiler, {"const": document["const"]})


# -- numbers


def bound_check(keyword: str, broken: Callable[[Any, Any], bool], says: str) -> tuple[str, Build]:
    def build(compiler: Compiler, document: Mapping[str, Any]) -> Check:
        limit = exact(document[keyword])
        fault = Fault(f"is {says} {limit if isinstance(limit, int) else format(limit, 'f')}")
        # An amount of money is a text that has bounds.
        money = document.get("format") == "money"

        def check(value: Any, memo: Memo) -> Fault | None:
            if isinstance(value, bool):
                return None
            if isinstance(value, int | Decimal):
                return fault if broken(value, limit) else None
            if isinstance(value, float):
                return fault if broken(exact(value), limit) else None
            if money and isinstance(value, str) and broken(Decimal(value), limit):
                return fault
            return None

        return check

    return keyword, build


def multiple_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    step = Fraction(exact(document["multipleOf"]))
    fault = Fault(f"is not a multiple of {canonical(document['multipleOf'])}")

    def check(value: Any, memo: Memo) -> Fault | None:
        return fault if _is_number(value) and Fraction(exact(value)) % step else None

    return check


# -- texts


def limit_check(keyword: str, kind: type, few: bool, noun: str) -> tuple[str, Build]:
    def build(compiler: Compiler, document: Mapping[str, Any]) -> Check:
        limit = document[keyword]
        things = noun.removesuffix("s") if limit == 1 else noun
        fault = Fault(f"has {'fewer' if few else 'more'} than {limit} {things}")

        def check(value: Any, memo: Memo) -> Fault | None:
            if not isinstance(value, kind):
                return None
            size = len(value)  # type: ignore[arg-type]  # text, list or map
            return fault if (size < limit if few else size > limit) else None

        return check

    return keyword, build


def pattern_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    pattern = document["pattern"]
    fault = Fault(f"does not match the pattern {_cut(pattern, 80)}")

    def check(value: Any, memo: Memo) -> Fault | None:
        return fault if isinstance(value, str) and not search(pattern, value) else None

    return check


def format_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    reads: dict[str, Callable[[str], Any]] = {
        "date": check_date,
        "date-time": check_datetime,
        "money": _check_amount,
    }
    read = reads[document["format"]]

    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, str):
            try:
                read(value)
            except TypeMismatch as mismatch:
                return Fault(mismatch.message)
        return None

    return check


def _check_amount(text: str) -> Decimal:
    if not text.isascii() or not text.removeprefix("-").replace(".", "", 1).isdigit():
        raise TypeMismatch("is text that is not a plain decimal amount such as 19.90")
    if text.startswith((".", "-.")) or text.endswith(".") or len(text) > 100:
        raise TypeMismatch("is text that is not a plain decimal amount such as 19.90")
    return check_money(Decimal(text))


# -- lists


def items_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    first = [compiler.check(inner) for inner in document.get("prefixItems", ())]
    rest = compiler.check(document["items"]) if "items" in document else None
    closed = document.get("items") == {"not": {}}

    def check(value: Any, memo: Memo) -> Fault | None:
        if not isinstance(value, list):
            return None
        if closed and len(value) > len(first):
            return Fault(f"has {len(value)} items, and {len(first) or 'none'} at most")
        for index, item in enumerate(value):
            look = first[index] if index < len(first) else rest
            fault = look(item, memo) if look else None
            if fault is not None:
                return fault.under(index)
        return None

    return check


def unique_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, list):
            seen: set[str] = set()
            for index, item in enumerate(value):
                text = canonical(item)
                if text in seen:
                    return Fault("is here twice", (index,))
                seen.add(text)
        return None

    return check


def contains_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    look = compiler.check(document["contains"])
    least, most = document.get("minContains", 1), document.get("maxContains")

    def check(value: Any, memo: Memo) -> Fault | None:
        if not isinstance(value, list):
            return None
        count = sum(look(item, memo) is None for item in value)
        if count < least:
            return Fault(f"has {count} of the items that `contains` asks for, and needs {least}")
        if most is not None and count > most:
            return Fault(f"has {count} of the items of `contains`, and {most} at most are allowed")
        return None

    return check


# -- maps


def properties_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    named = {name: compiler.check(s) for name, s in document.get("properties", {}).items()}
    patterns = [(p, compiler.check(s)) for p, s in document.get("patternProperties", {}).items()]
    other = document.get("additionalProperties")
    closed = other == {"not": {}}
    rest = compiler.check(other) if other else None

    def check(value: Any, memo: Memo) -> Fault | None:
        if not isinstance(value, dict):
            return None
        for name, item in value.items():
            look = named.get(name)
            known = look is not None
            fault = look(item, memo) if look else None
            for pattern, match in patterns:
                if fault is None and search(pattern, name):
                    known = True
                    fault = match(item, memo)
            if fault is None and not known and closed:
                return Fault(f"has an unknown field `{_cut(name, 60)}`: {_offer(name, named)}")
            if fault is None and not known and rest is not None:
                fault = rest(item, memo)
            if fault is not None:
                return fault.under(name)
        return None

    return check


def _offer(name: str, known: Mapping[str, Any]) -> str:
    close = suggest(name, known)
    if close:
        return f"did you mean `{close}`?"
    return f"its fields are {_cut(', '.join(known), 200)}" if known else "it has no fields"


def required_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    names = document["required"]

    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name in names:
                if name not in value:
                    return Fault(f"its field `{_cut(name, 60)}` is missing")
        return None

    return check


def dependent_required_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name, others in document["dependentRequired"].items():
                for other in others if name in value else ():
                    if other not in value:
                        return Fault(f"its field `{other}` is missing, for it has `{name}`")
        return None

    return check


def dependent_schemas_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    looks = {n: compiler.check(s) for n, s in document["dependentSchemas"].items()}

    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name, look in looks.items():
                fault = look(value, memo) if name in value else None
                if fault is not None:
                    return fault
        return None

    return check


def names_check(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    look = compiler.check(document["propertyNames"])

    def check(value: Any, memo: Memo) -> Fault | None:
        for name in value if isinstance(value, dict) else ():
            fault = look(name, memo)
            if fault is not None:
                return Fault(f"has a field `{_cut(name, 60)}` whose name {fault.message}")
        return None

    return check


def unevaluated_check(compiler: Compiler, document: Mapping[str, Any], keyword: str) -> Check:
    look = compiler.check(document[keyword])
    marks = Evaluated(compiler.check)
    kind = dict if keyword == "unevaluatedProperties" else list

    def check(value: Any, memo: Memo) -> Fault | None:
        if not isinstance(value, kind):
            return None
        known = marks.of(document, value, memo)
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for part, item in entries:
            if part not in known:
                fault = look(item, memo)
                if fault is not None:
                    return fault.under(part)
        return None

    return check


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
