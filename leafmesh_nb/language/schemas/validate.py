"""Whether a JSON value fits a schema, and if not where and why, in the language's own words.

A schema is compiled once to closures. The same part of a value is checked by the same schema once,
so that unions of recursive schemas cannot make it slow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from leafmesh_nb.language.schemas.assertions import (
    Build,
    Check,
    Compiler,
    Fault,
    Memo,
    bound_check,
    const_check,
    contains_check,
    dependent_required_check,
    dependent_schemas_check,
    enum_check,
    format_check,
    items_check,
    limit_check,
    multiple_check,
    names_check,
    pattern_check,
    properties_check,
    required_check,
    type_check,
    unevaluated_check,
    unique_check,
)
from leafmesh_nb.language.schemas.document import Schema, linked

__all__ = ["Fault", "compile_schema", "validator"]


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
            checks.append(properties_check(self, document))
        if document.keys() & {"prefixItems", "items"}:
            checks.append(items_check(self, document))
        for keyword in ("unevaluatedProperties", "unevaluatedItems"):
            if keyword in document:
                checks.append(unevaluated_check(self, document, keyword))
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


# -- schemas of the same value


def _ref(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    return compiler.check(document["$ref"])


def _all_of(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    looks = [compiler.check(inner) for inner in document["allOf"]]

    def check(value: Any, memo: Memo) -> Fault | None:
        return next((f for f in (look(value, memo) for look in looks) if f is not None), None)

    return check


def _any_of(compiler: Compiler, document: Mapping[str, Any]) -> Check:
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


def _one_of(compiler: Compiler, document: Mapping[str, Any]) -> Check:
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


def _not(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    if not document["not"]:
        return lambda value, memo: Fault("is not allowed here")
    look = compiler.check(document["not"])

    def check(value: Any, memo: Memo) -> Fault | None:
        return Fault("is what `not` excludes") if look(value, memo) is None else None

    return check


def _if(compiler: Compiler, document: Mapping[str, Any]) -> Check:
    test = compiler.check(document["if"])
    then, otherwise = (
        compiler.check(document[key]) if key in document else None for key in ("then", "else")
    )

    def check(value: Any, memo: Memo) -> Fault | None:
        look = then if test(value, memo) is None else otherwise
        return look(value, memo) if look else None

    return check


_KEYWORDS: Mapping[str, Build] = dict(
    [
        ("$ref", _ref),
        ("type", type_check),
        ("const", const_check),
        ("enum", enum_check),
        ("format", format_check),
        bound_check("minimum", lambda value, limit: value < limit, "less than"),
        bound_check("maximum", lambda value, limit: value > limit, "more than"),
        bound_check("exclusiveMinimum", lambda value, limit: value <= limit, "not more than"),
        bound_check("exclusiveMaximum", lambda value, limit: value >= limit, "not less than"),
        ("multipleOf", multiple_check),
        limit_check("minLength", str, True, "characters"),
        limit_check("maxLength", str, False, "characters"),
        ("pattern", pattern_check),
        limit_check("minItems", list, True, "items"),
        limit_check("maxItems", list, False, "items"),
        ("uniqueItems", unique_check),
        ("contains", contains_check),
        limit_check("minProperties", dict, True, "fields"),
        limit_check("maxProperties", dict, False, "fields"),
        ("required", required_check),
        ("dependentRequired", dependent_required_check),
        ("propertyNames", names_check),
        ("allOf", _all_of),
        ("anyOf", _any_of),
        ("oneOf", _one_of),
        ("not", _not),
        ("if", _if),
        ("dependentSchemas", dependent_schemas_check),
    ]
)
"""Everything but the keywords of maps and lists that stand together."""
