"""Whether every value of one type is a value of another.

There are three answers. *Compatible*: every value of the source is one of the target, or becomes
one, as an integer becomes an amount of money. *Incompatible*: the source has values of a kind, a
name or a field that the target does not take, and at least one value that it refuses. *Cannot
prove*: anything else; what is ``any``, and bounds, lengths and patterns that are not shown to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from leafmesh_nb.language.decimals import MONEY_PLACES
from leafmesh_nb.language.schema import json_schema
from leafmesh_nb.language.types import ANY, Type, describe

__all__ = ["Misfit", "assignable", "compare"]

_WIDER: dict[str, tuple[str, ...]] = {
    "integer": ("number", "money"),
    "number": ("money",),
    "enum": ("string",),
}
_SHORT = 90


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a type does not fit, and where (``items[].amount``; empty for the whole).

    ``certain`` says that it is incompatible; else it cannot be proved to fit.
    """

    path: str
    message: str
    certain: bool = True

    def __str__(self) -> str:
        return f"`{self.path}`: {self.message}" if self.path else self.message


def assignable(source: Type, target: Type) -> str | None:
    """None if every value of ``source`` is one of ``target``, else why not, with the path."""
    misfit = compare(source, target)
    return str(misfit) if misfit else None


def compare(source: Type, target: Type, path: str = "") -> Misfit | None:
    """The first misfit, a certain one before an uncertain one; None if all values fit."""
    if target.anything or source == target:
        return None
    if source.anything:
        return Misfit(path, f"it may be anything, and {_name(target)} is needed", False)
    if source.schema is None and target.schema is None:
        return _shorthand(source, target, path)
    # Without its schema a type has more values: what fits then does, and what such a target does
    # not take, the narrower one does not either.
    wide = _shorthand(replace(source, schema=None), replace(target, schema=None), path)
    if target.schema is None and wide is None:
        return None
    if source.schema is None and wide is not None and wide.certain:
        return wide
    found = by_schema(source, target)
    if found is None:
        return None
    return replace(found, path=_joined(path, found.path))


def _shorthand(source: Type, target: Type, path: str) -> Misfit | None:
    if target.anything:
        return None
    if source.anything:
        return Misfit(path, f"it may be anything, and {_name(target)} is needed", False)
    if source.nullable and not target.nullable:
        is_null = "is" if _is_null(source) else "may be"
        return Misfit(path, f"it {is_null} null, and {_name(target)} is needed")
    if _is_null(source):
        return None
    if source.fraction and source.kind == "money" and target.kind != "money":
        source = replace(source, kind="number")
    if source.kind != target.kind and target.kind not in _WIDER.get(source.kind, ()):
        if source.kind == "object" and target.kind == "map":
            return _first(_entries(source, target, path))
        if source.kind == "map" and target.kind == "object" and target.open:
            return _first(_named(source, target, path))
        return Misfit(path, f"it is {_name(source)}, and {_name(target)} is needed")
    match target.kind:
        case "enum":
            extra = [value for value in source.values if value not in target.values]
            if extra:
                given = ", ".join(extra[:3])
                known = ", ".join(target.values[:8])
                return Misfit(path, f"it may be {given}, and one of {known} is needed")
        case "list":
            return compare(source.items or ANY, target.items or ANY, f"{path}[]")
        case "map":
            return compare(source.items or ANY, target.items or ANY, _under(path, "*"))
        case "object":
            return _objects(source, target, path)
        case "integer" | "number" | "money":
            return _first((_bounds(source, target, path), _places(source, target, path)))
    return None


def _is_null(source: Type) -> bool:
    """Whether it is the type that expressions have for null alone."""
    return str(source.kind) == "null"


def _places(source: Type, target: Type, path: str) -> Misfit | None:
    if not source.fraction or target.kind != "money":
        return None
    message = f"it was divided or multiplied, and money has at most {MONEY_PLACES} places"
    return Misfit(path, message, False)


def _entries(source: Type, target: Type, path: str) -> Iterable[Misfit | None]:
    """The fields of an object as the entries of a map."""
    wanted = target.items or ANY
    for name, inner in source.fields:
        yield compare(inner, wanted, _under(path, name))
    if source.open:
        yield compare(ANY, wanted, _under(path, "*"))


def _named(source: Type, target: Type, path: str) -> Iterable[Misfit | None]:
    """The entries of a map as the fields of an open object."""
    for name, inner in target.fields:
        if not inner.nullable:
            yield Misfit(path, f"its field `{name}` may be missing")
        yield compare(source.items or ANY, inner, _under(path, name))


def _objects(source: Type, target: Type, path: str) -> Misfit | None:
    given = dict(source.fields)
    wanted = dict(target.fields)
    for name, inner in wanted.items():
        if name not in given and not inner.nullable:
            # An open object may have it all the same.
            return Misfit(path, f"its field `{name}` is missing", not source.open)
    if not target.open:
        known = f"the fields are {', '.join(wanted)}" if wanted else "there are no fields"
        for name in given:
            if name not in wanted:
                return Misfit(path, f"it has a field `{name}`, and {known}")
    found = [compare(given[n], t, _under(path, n)) for n, t in wanted.items() if n in given]
    if source.open:
        found += [compare(ANY, t, _under(path, n)) for n, t in wanted.items() if n not in given]
        if not target.open:
            found.append(Misfit(path, f"it may have other fields, and {known}", False))
    return _first(found)


def _bounds(source: Type, target: Type, path: str) -> Misfit | None:
    low, high = target.minimum, target.maximum
    below = low is not None and (source.minimum is None or source.minimum < low)
    above = high is not None and (source.maximum is None or source.maximum > high)
    if not below and not above:
        return None
    apart = (low is not None and source.maximum is not None and source.maximum < low) or (
        high is not None and source.minimum is not None and source.minimum > high
    )
    wanted = _range(low, high)
    if apart:
        return Misfit(path, f"it is {_range(source.minimum, source.maximum)}, not {wanted}")
    return Misfit(path, f"it is not known to be {wanted}", False)


def _range(low: Decimal | None, high: Decimal | None) -> str:
    parts = []
    if low is not None:
        parts.append(f"at least {low:f}")
    if high is not None:
        parts.append(f"at most {high:f}")
    return " and ".join(parts) or "any number"


# -- schemas


@lru_cache(maxsize=4096)
def by_schema(source: Type, target: Type) -> Misfit | None:
    """The misfit of types of which one is, or holds, a JSON Schema."""
    from leafmesh_nb.language.schemas.subset import Prover

    found = Prover(amounts=_plain(target)).prove((_document(source),), _document(target))
    if found is None:
        return None
    return Misfit(found.path, found.message, found.refuted and _refused(source, target))


def _refused(source: Type, target: Type) -> bool:
    """Whether some value of the source is known that the target does not take."""
    from leafmesh_nb.language.schemas.samples import samples
    from leafmesh_nb.language.values import TypeMismatch, accept

    def takes(type: Type, value: Any) -> bool:
        try:
            accept(type, value)
        except TypeMismatch:
            return False
        return True

    candidates = samples(_document(source))
    return any(takes(source, value) and not takes(target, value) for value in candidates)


@lru_cache(maxsize=1024)
def _document(type: Type) -> Mapping[str, Any]:
    from leafmesh_nb.language.schemas.document import Schema, linked
    from leafmesh_nb.language.schemas.reading import read_schema

    schema = read_schema(json_schema(type))
    assert isinstance(schema, Schema), "the schema of a type is one"
    return linked(schema)


def _plain(type: Type) -> bool:
    """Whether a type is of the shorthand in all its parts."""
    inner = (*(field for _, field in type.fields), *((type.items,) if type.items else ()))
    return type.schema is None and all(map(_plain, inner))


def _first(misfits: Iterable[Misfit | None]) -> Misfit | None:
    """A certain misfit if there is one, else the first."""
    doubtful: Misfit | None = None
    for misfit in misfits:
        if misfit is not None:
            if misfit.certain:
                return misfit
            doubtful = doubtful or misfit
    return doubtful


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _joined(path: str, more: str) -> str:
    return path + more if not path or not more or more.startswith("[") else f"{path}.{more}"


def _name(type: Type) -> str:
    text = describe(type)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
