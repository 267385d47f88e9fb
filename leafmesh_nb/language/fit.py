"""Whether every value of one type is a value of another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

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

    ``certain`` is False where some values may still fit and only running shows it: an ``any``, or
    bounds that are not proved.
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
    if target.kind == "any":
        return None
    if source.kind == "any":
        return Misfit(path, f"it may be anything, and {_name(target)} is needed", False)
    if source.nullable and not target.nullable:
        return Misfit(path, f"it may be null, and {_name(target)} is needed")
    if source.kind != target.kind and target.kind not in _WIDER.get(source.kind, ()):
        if source.kind == "object" and target.kind == "map":
            return _first(
                compare(inner, target.items or ANY, _under(path, name))
                for name, inner in source.fields
            )
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
            return _bounds(source, target, path)
    return None


def _objects(source: Type, target: Type, path: str) -> Misfit | None:
    given = dict(source.fields)
    wanted = dict(target.fields)
    for name, inner in wanted.items():
        if name not in given and not inner.nullable:
            return Misfit(path, f"its field `{name}` is missing")
    for name in given:
        if name not in wanted:
            known = f"the fields are {', '.join(wanted)}" if wanted else "there are no fields"
            return Misfit(path, f"it has a field `{name}`, and {known}")
    return _first(
        compare(given[name], inner, _under(path, name))
        for name, inner in wanted.items()
        if name in given
    )


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


def _name(type: Type) -> str:
    text = describe(type)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
