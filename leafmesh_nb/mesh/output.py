"""A run's output in Python's hands: the true values, which show themselves masked.

What stands as a cell's last expression is saved in the notebook by its ``repr``. So each text,
number and date with something to hide is of a class of its own, whose ``repr`` is what views show.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from leafmesh_nb.memory.marks import MASK
from leafmesh_nb.memory.masking import Masker

__all__ = ["Output", "veiled"]

T = TypeVar("T")


class Output(dict[str, Any]):
    """A dict with the true values, of which itself and all its parts show masked ones.

    A value that hides something is equal to the plain one and hashes alike, is text, number, list
    or dict to whoever asks, and becomes the plain one in JSON and when it is pickled. Only its
    ``repr`` is masked, also within a list or an f-string that shows the list.

    Still shown: what somebody asks for by ``print(value)``, ``str(value)`` or ``f"{value}"`` of
    a text, number or date; what code makes of it (a slice, a sum, ``upper()``), which is a plain
    value; a DataFrame or a chart of the person's own making; true, false and null.
    """

    def __init__(self, values: Mapping[str, Any], masker: Masker) -> None:
        super().__init__(veiled(dict(values), masker))

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


def veiled(value: T, masker: Masker) -> T:
    """A copy of a typed value in which all that the masker hides shows itself masked only."""
    copied: T = _veiled(value, masker.value(value))
    return copied


class _Veiled:
    """First base of a class of values; the second is the plain class."""

    _shown = repr(MASK)  # also of what is made of it, where that keeps its class

    def __repr__(self) -> str:
        return self._shown


class _Immutable(_Veiled):
    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class _Text(_Immutable, str):
    def __reduce__(self) -> Any:
        return str, (str(self),)


class _Integer(_Immutable, int):
    __str__ = int.__repr__

    def __reduce__(self) -> Any:
        return int, (int(self),)


class _Float(_Immutable, float):
    __str__ = float.__repr__

    def __reduce__(self) -> Any:
        return float, (float(self),)


class _Money(_Immutable, Decimal):
    def __reduce__(self) -> Any:
        return Decimal, (str(self),)


class _Date(_Immutable, date):
    def __reduce__(self) -> Any:
        return date.fromisoformat, (self.isoformat(),)


class _Moment(_Immutable, datetime):
    def __reduce__(self) -> Any:
        return datetime.fromisoformat, (self.isoformat(),)


class _List(_Veiled, list[Any]):
    def __reduce__(self) -> Any:
        return list, (list(self),)


class _Map(_Veiled, dict[str, Any]):
    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def _veiled(value: Any, shown: Any) -> Any:
    """``value`` with the veils that ``shown``, its masked copy, calls for."""
    match value:
        case bool() | None:
            return value
        case Mapping() if isinstance(shown, Mapping):
            pairs = zip(value.items(), shown.items(), strict=True)
            return {_veiled(k, s): _veiled(item, masked) for (k, item), (s, masked) in pairs}
        case list() | tuple() if isinstance(shown, list):
            return [_veiled(item, masked) for item, masked in zip(value, shown, strict=True)]
        case Mapping():
            inner: Any = {_veiled(k, MASK): _veiled(item, MASK) for k, item in value.items()}
            return _with_veil(_Map(inner), shown)
        case list() | tuple():
            return _with_veil(_List(_veiled(item, MASK) for item in value), shown)
    if shown is value or shown == str(value):
        return value
    return _with_veil(_of_its_class(value), shown)


def _of_its_class(value: Any) -> Any:
    match value:
        case str():
            return _Text(value)
        case int():
            return _Integer(value)
        case float():
            return _Float(value)
        case Decimal():
            return _Money(value)
        case datetime():
            return _Moment.fromisoformat(value.isoformat())
        case date():
            return _Date.fromisoformat(value.isoformat())
    # No type of the language is of another class.
    return _Text(value)


def _with_veil(value: Any, shown: str) -> Any:
    value._shown = repr(shown)
    return value
