"""Whether a JSON value fits a schema, and if not where and why, in the language's own words.

A schema is compiled once to closures. The same part of a value is checked by the same schema once,
so that unions of recursive schemas cannot make it slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from leafmesh_nb.language.decimals import check_money
from leafmesh_nb.language.mismatch import TypeMismatch, kind_of
from leafmesh_nb.language.moments import check_date, check_datetime
from leafmesh_nb.language.schemas.document import Schema, canonical, exact, linked
from leafmesh_nb.language.schemas.evaluated import Evaluated
from leafmesh_nb.language.schemas.patterns import search
from leafmesh_nb.language.suggest import suggest

__all__ = ["Fault", "compile_schema", "validator"]


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


@lru_cache(maxsize=1024)
def validator(schema: Schema) -> Callable[[Any], Fault | None]:
    """The check of a schema: what is wrong with a JSON value (numbers may be Decimal), or None."""
    return compile_schema(linked(schema))


def compile_schema(document: Mapping[str, Any]) -> Callable[[Any], Fault | None]:
    """The check of a linked document."""
    check = _Compiler().check(document)
    return lambda value: check(value, {})


class _Compiler:
    """Compiles the graph of a linked document; a recursive part is compiled once."""

    def __init__(self) -> None:
        self._known: dict[int, list[Check]] = {}

    def check(self, document: Mapping[str, Any]) -> Check:
        """The check of a schema: that of each keyword, in an order that gives the best message."""
        cell = self._known.get(id(document))
        if cell is None:
            cell = self._known[id(document)] = []
            cell.append(self._all(document))
        elif not cell:  # within itself
            return lambda value, memo: _once(cell[0], id(document), value, memo)
        return cell[0]

    def _all(self, document: Mapping[str, Any]) -> Check:
        checks: list[Check] = []
        for keyword, build in _KEYWORDS.items():
            if keyword in document:
                checks.append(build(self, document))
        if document.keys() & {"properties", "patternProperties", "additionalProperties"}:
            checks.append(_properties(self, document))
        if document.keys() & {"prefixItems", "items"}:
            checks.append(_items(self, document))
        for keyword in ("unevaluatedProperties", "unevaluatedItems"):
            if keyword in document:
                checks.append(_unevaluated(self, document, keyword))
        if len(checks) == 1:
            return checks[0]

        def every(value: Any, memo: Memo) -> Fault | None:
            for check in checks:
                fault = check(value, memo)
                if fault is not None:
                    return fault
            return None

        return every


def _once(check: Check, schema: int, value: Any, memo: Memo) -> Fault | None:
    if not isinstance(value, list | dict):
        return check(value, memo)
    key = (schema, id(value))
    if key not in memo:
        memo[key] = check(value, memo)
    return memo[key]


Build = Callable[[_Compiler, Mapping[str, Any]], Check]


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


def _type(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _enum(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _const(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    return _enum(compiler, {"const": document["const"]})


# -- numbers


def _bound(keyword: str, broken: Callable[[Any, Any], bool], says: str) -> tuple[str, Build]:
    def build(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _multiple_of(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    step = Fraction(exact(document["multipleOf"]))
    fault = Fault(f"is not a multiple of {canonical(document['multipleOf'])}")

    def check(value: Any, memo: Memo) -> Fault | None:
        return fault if _is_number(value) and Fraction(exact(value)) % step else None

    return check


# -- texts


def _limit(keyword: str, kind: type, few: bool, noun: str) -> tuple[str, Build]:
    def build(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _pattern(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    pattern = document["pattern"]
    fault = Fault(f"does not match the pattern {_cut(pattern, 80)}")

    def check(value: Any, memo: Memo) -> Fault | None:
        return fault if isinstance(value, str) and not search(pattern, value) else None

    return check


def _format(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _items(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _unique(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _contains(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _properties(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
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


def _required(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    names = document["required"]

    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name in names:
                if name not in value:
                    return Fault(f"its field `{_cut(name, 60)}` is missing")
        return None

    return check


def _dependent_required(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name, others in document["dependentRequired"].items():
                for other in others if name in value else ():
                    if other not in value:
                        return Fault(f"its field `{other}` is missing, for it has `{name}`")
        return None

    return check


def _dependent_schemas(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    looks = {n: compiler.check(s) for n, s in document["dependentSchemas"].items()}

    def check(value: Any, memo: Memo) -> Fault | None:
        if isinstance(value, dict):
            for name, look in looks.items():
                fault = look(value, memo) if name in value else None
                if fault is not None:
                    return fault
        return None

    return check


def _names(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    look = compiler.check(document["propertyNames"])

    def check(value: Any, memo: Memo) -> Fault | None:
        for name in value if isinstance(value, dict) else ():
            fault = look(name, memo)
            if fault is not None:
                return Fault(f"has a field `{_cut(name, 60)}` whose name {fault.message}")
        return None

    return check


def _unevaluated(compiler: _Compiler, document: Mapping[str, Any], keyword: str) -> Check:
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


# -- schemas of the same value


def _ref(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    return compiler.check(document["$ref"])


def _all_of(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    looks = [compiler.check(inner) for inner in document["allOf"]]

    def check(value: Any, memo: Memo) -> Fault | None:
        return next((f for f in (look(value, memo) for look in looks) if f is not None), None)

    return check


def _any_of(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    looks = [compiler.check(inner) for inner in document["anyOf"]]

    def check(value: Any, memo: Memo) -> Fault | None:
        faults = []
        for look in looks:
            fault = look(value, memo)
            if fault is None:
                return None
            faults.append(fault)
        return _nearest(faults)

    return check


def _one_of(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    looks = [compiler.check(inner) for inner in document["oneOf"]]

    def check(value: Any, memo: Memo) -> Fault | None:
        faults = [look(value, memo) for look in looks]
        fits = faults.count(None)
        if fits > 1:
            return Fault(f"is of {fits} of the forms of `oneOf` at once, and one is allowed")
        return None if fits else _nearest([f for f in faults if f is not None])

    return check


def _nearest(faults: list[Fault]) -> Fault:
    """What most likely was meant: the form that fits deepest; where none does, all that may be."""
    deepest = max(faults, key=lambda fault: len(fault.path))
    if len(faults) == 1 or deepest.path:
        return deepest
    wanted = [f.message.partition(", and ")[2].removesuffix(" is needed") for f in faults]
    told = [f for f in faults if not f.message.startswith("is ") or ", and " not in f.message]
    if len(told) == 1:
        return told[0]
    if told or not all(wanted):
        return Fault(f"is of none of the {len(faults)} forms that are allowed here")
    given = deepest.message.partition(", and ")[0]
    return Fault(f"{given}, and {' or '.join(dict.fromkeys(wanted))} is needed")


def _not(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    if not document["not"]:
        return lambda value, memo: Fault("is not allowed here")
    look = compiler.check(document["not"])

    def check(value: Any, memo: Memo) -> Fault | None:
        return Fault("is what `not` excludes") if look(value, memo) is None else None

    return check


def _if(compiler: _Compiler, document: Mapping[str, Any]) -> Check:
    test = compiler.check(document["if"])
    then, otherwise = (
        compiler.check(document[key]) if key in document else None for key in ("then", "else")
    )

    def check(value: Any, memo: Memo) -> Fault | None:
        look = then if test(value, memo) is None else otherwise
        return look(value, memo) if look else None

    return check


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


_KEYWORDS: Mapping[str, Build] = dict(
    [
        ("$ref", _ref),
        ("type", _type),
        ("const", _const),
        ("enum", _enum),
        ("format", _format),
        _bound("minimum", lambda value, limit: value < limit, "less than"),
        _bound("maximum", lambda value, limit: value > limit, "more than"),
        _bound("exclusiveMinimum", lambda value, limit: value <= limit, "not more than"),
        _bound("exclusiveMaximum", lambda value, limit: value >= limit, "not less than"),
        ("multipleOf", _multiple_of),
        _limit("minLength", str, True, "characters"),
        _limit("maxLength", str, False, "characters"),
        ("pattern", _pattern),
        _limit("minItems", list, True, "items"),
        _limit("maxItems", list, False, "items"),
        ("uniqueItems", _unique),
        ("contains", _contains),
        _limit("minProperties", dict, True, "fields"),
        _limit("maxProperties", dict, False, "fields"),
        ("required", _required),
        ("dependentRequired", _dependent_required),
        ("propertyNames", _names),
        ("allOf", _all_of),
        ("anyOf", _any_of),
        ("oneOf", _one_of),
        ("not", _not),
        ("if", _if),
        ("dependentSchemas", _dependent_schemas),
    ]
)
"""Everything but the keywords of maps and lists that stand together."""
