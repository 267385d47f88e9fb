"""Whether Python's annotations fit the types of a mesh.

``given``: may every value that a mesh hands over be taken by a parameter? ``returned``: is every
value that a function returns one that the mesh takes? Both give None where that is proven, else a
misfit; one that is not certain means that it cannot be proven either way. The bounds of a number
are no types to Python: they are left to the check of each value.
"""

from __future__ import annotations

import builtins
import collections.abc
import enum
import inspect
import types
import typing
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from leafmesh_nb.compose.hints import Unknown, typed_dict_fields
from leafmesh_nb.language import Type, TypeMismatch, accept, describe
from leafmesh_nb.language.fit import Misfit
from leafmesh_nb.language.types import ANY

__all__ = ["given", "hint_name", "python_name", "returned"]

_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "enum": (str,),
    "integer": (int,),
    "number": (int, float),
    "money": (Decimal,),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
    "list": (list,),
    "map": (dict,),
    "object": (dict,),
}
"""What a value of each kind is when a function is handed it (``language.values``)."""

_FITS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "money": (int, float, Decimal),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
}
"""Which classes are taken for each kind whatever the value."""

_MAY_FIT: dict[str, tuple[type, ...]] = {
    "enum": (str,),
    "integer": (float, Decimal),
    "money": (str,),
    "date": (str,),
    "datetime": (str,),
}
"""Which are taken for some of their values: text that reads as an amount or a date."""

_PROMOTED = {int: (float, complex), float: (complex,)}
"""What PEP 484 lets stand for a wider number."""

_NO_DATA: tuple[Any, ...] = (
    collections.abc.Awaitable,
    collections.abc.Callable,
    collections.abc.Iterator,
    collections.abc.Mapping,
    collections.abc.Set,
)
"""Abstract classes whose values are surely no scalar and no list."""

_DEEPEST = 20


def given(type: Type, hint: Any, path: str = "", depth: int = 0) -> Misfit | None:
    """Why not every value of ``type`` may be given to a parameter annotated ``hint``."""
    hint = _bare(hint)
    if hint is Any or hint is object:
        return None
    if hint is Unknown or depth > _DEEPEST:
        return Misfit(path, "its annotation cannot be told from reading", False)
    if type.kind == "any":
        return Misfit(path, f"it may be anything, and {hint_name(hint)} is asked for", False)
    arms = [_bare(arm) for arm in _arms(hint)]
    if type.nullable and not any(_takes_null(arm) for arm in arms):
        return Misfit(path, f"it may be null, and {hint_name(hint)} does not take None")
    found = [_given(type, arm, path, depth) for arm in arms if arm is not None]
    if any(misfit is None for misfit in found):
        return None
    if not found:
        return Misfit(path, f"it is {describe(type)}, and only None is taken")
    return next((m for m in found if m and not m.certain), found[0])


def _given(type: Type, hint: Any, path: str, depth: int) -> Misfit | None:
    if hint is Any or hint is object:
        return None
    if hint is Unknown:
        return Misfit(path, "its annotation cannot be told from reading", False)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        missing = [value for value in type.values if value not in arguments]
        if type.kind == "enum" and not missing:
            return None
        said = ", ".join(missing[:3]) if type.kind == "enum" else describe(type)
        return Misfit(path, f"it may be {said}, and {hint_name(hint)} is asked for")
    fields = typed_dict_fields(hint)
    if fields is not None:
        return _given_fields(type, hint, fields, path, depth)
    wanted = origin if origin is not None else hint
    if not isinstance(wanted, builtins.type) or getattr(wanted, "_is_protocol", False):
        return Misfit(path, f"it cannot be told what {hint_name(hint)} takes", False)
    classes = _CLASSES[type.kind]
    if any(not _is_a(own, wanted) for own in classes):
        names = " or ".join(own.__name__ for own in classes)
        return Misfit(path, f"it is given as {names}, and {hint_name(hint)} is asked for")
    if type.kind == "list" and len(arguments) == 1:
        return given(type.items or ANY, arguments[0], f"{path}[]", depth + 1)
    if type.kind in ("map", "object") and len(arguments) == 2:
        inner = type.fields if type.kind == "object" else (("*", type.items or ANY),)
        key = given(Type("string"), arguments[0], _under(path, "(key)"), depth + 1)
        values = (given(t, arguments[1], _under(path, name), depth + 1) for name, t in inner)
        return _first((key, *values))
    return None


def _given_fields(
    type: Type, hint: Any, fields: dict[str, tuple[Any, bool]], path: str, depth: int
) -> Misfit | None:
    if type.kind == "map":
        return Misfit(path, f"it has any keys, and {hint_name(hint)} names its own", False)
    if type.kind != "object":
        return Misfit(path, f"it is {describe(type)}, and {hint_name(hint)} is asked for")
    known = dict(type.fields)
    for name, (_, needed) in fields.items():
        if needed and name not in known:
            return Misfit(path, f"{hint_name(hint)} needs a field `{name}`, and it has none")
    return _first(
        given(inner, fields[name][0], _under(path, name), depth + 1)
        for name, inner in type.fields
        if name in fields
    )


def returned(hint: Any, type: Type, path: str = "", depth: int = 0) -> Misfit | None:
    """Why not every value of a function annotated ``-> hint`` is one of ``type``."""
    hint = _bare(hint)
    if type.anything or hint in (typing.NoReturn, typing.Never):
        return None
    if type.schema is not None:
        return Misfit(path, f"{hint_name(hint)} does not say that it fits {_needed(type)}", False)
    if hint is Any or hint is object or hint is Unknown or depth > _DEEPEST:
        return Misfit(path, "its annotation does not say what it is", False)
    return _first(_returned(_bare(arm), type, path, depth) for arm in _arms(hint))


def _returned(hint: Any, type: Type, path: str, depth: int) -> Misfit | None:
    if hint is None:
        needed = f"it may be None, and {_needed(type)} is needed"
        return None if type.nullable else Misfit(path, needed)
    if hint is Any or hint is object or hint is Unknown:
        return Misfit(path, "its annotation does not say what it is", False)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return _first(_value(value, type, path) for value in arguments)
    fields = typed_dict_fields(hint)
    if fields is not None:
        return _returned_fields(hint, fields, type, path, depth)
    own = origin if origin is not None else hint
    if not isinstance(own, builtins.type) or getattr(own, "_is_protocol", False):
        return Misfit(path, f"it cannot be told what {hint_name(hint)} gives", False)
    if issubclass(own, enum.Enum):
        return _first(_value(member, type, path) for member in own)
    match type.kind:
        case "list":
            return _returned_list(own, arguments, hint, type, path, depth)
        case "map" | "object":
            return _returned_map(own, arguments, hint, type, path, depth)
    if own is bool and type.kind != "boolean":  # bool is an int to Python, and none to a mesh
        return Misfit(path, f"it is bool, and {_needed(type)} is needed")
    if issubclass(own, datetime) and type.kind == "date":
        return Misfit(path, f"it is datetime, and {_needed(type)} is needed")
    if issubclass(own, _FITS.get(type.kind, ())):
        return None
    certain = not issubclass(own, _MAY_FIT.get(type.kind, ())) and not _abstract(own)
    return Misfit(path, f"it is {hint_name(hint)}, and {_needed(type)} is needed", certain)


def _returned_list(
    own: type, arguments: tuple[Any, ...], hint: Any, wanted: Type, path: str, depth: int
) -> Misfit | None:
    if not issubclass(own, list | tuple):
        said = f"it is {hint_name(hint)}, and {_needed(wanted)} is needed"
        return Misfit(path, said, not _abstract(own))
    inner = [a for a in arguments if a is not ...] or [Unknown]
    items = wanted.items or ANY
    return _first(returned(item, items, f"{path}[]", depth + 1) for item in inner)


def _returned_map(
    own: type, arguments: tuple[Any, ...], hint: Any, wanted: Type, path: str, depth: int
) -> Misfit | None:
    if not issubclass(own, collections.abc.Mapping):
        said = f"it is {hint_name(hint)}, and {_needed(wanted)} is needed"
        return Misfit(path, said, not _abstract(own))
    key, value = arguments if len(arguments) == 2 else (Unknown, Unknown)
    keys = returned(key, Type("string"), _under(path, "(key)"), depth + 1)
    if keys is not None and keys.certain:
        return keys
    if wanted.kind == "map":
        return _first((keys, returned(value, wanted.items or ANY, _under(path, "*"), depth + 1)))
    found = _first(
        returned(value, inner, _under(path, name), depth + 1)
        for name, inner in wanted.fields
        if not inner.nullable
    )
    if found is not None and found.certain:
        return found
    return Misfit(path, f"{hint_name(hint)} does not say which fields it has", False)


def _returned_fields(
    hint: Any, fields: dict[str, tuple[Any, bool]], type: Type, path: str, depth: int
) -> Misfit | None:
    if type.kind == "map":
        items = type.items or ANY
        return _first(
            returned(inner, items, _under(path, name), depth + 1)
            for name, (inner, _) in fields.items()
        )
    if type.kind != "object":
        return Misfit(path, f"it is {hint_name(hint)}, and {_needed(type)} is needed")
    wanted = dict(type.fields)
    for name, inner in wanted.items():
        if name not in fields and not inner.nullable:
            return Misfit(path, f"{hint_name(hint)} has no field `{name}`")
        if name in fields and not fields[name][1] and not inner.nullable:
            return Misfit(path, f"the field `{name}` of {hint_name(hint)} may be missing")
    for name in fields:
        if name not in wanted and not type.open:
            known = f"the fields are {', '.join(wanted)}" if wanted else "there are no fields"
            return Misfit(path, f"{hint_name(hint)} has a field `{name}`, and {known}")
    return _first(
        returned(fields[name][0], inner, _under(path, name), depth + 1)
        for name, inner in type.fields
        if name in fields
    )


def _value(value: Any, type: Type, path: str) -> Misfit | None:
    """Whether one value, of a Literal or an Enum, is one of ``type``."""
    try:
        accept(type, value)
    except TypeMismatch as mismatch:
        return Misfit(_under(path, mismatch.path), f"{value!r} {mismatch.message}"[:200])
    return None


# -- hints


def hint_name(hint: Any) -> str:
    """An annotation as its author would write it, cut when long."""
    if hint is None or hint is type(None):
        return "None"
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint.__name__
    text = str(hint).replace("typing.", "").replace("typing_extensions.", "")
    text = text.replace("collections.abc.", "").replace(f"{Unknown.__module__}.Unknown", "…")
    return text if len(text) <= 60 else text[:59] + "…"


def python_name(type: Type) -> str:
    """The annotation that takes every value of ``type``."""
    match type.kind:
        case "any":
            return "Any"
        case "enum":
            text = f"Literal[{', '.join(map(repr, type.values))}]"
        case "list":
            text = f"list[{python_name(type.items or ANY)}]"
        case "map":
            text = f"dict[str, {python_name(type.items or ANY)}]"
        case "object":
            text = "dict[str, Any]"
        case "number":
            text = "float"
        case kind:
            text = _CLASSES[kind][0].__name__
    return f"{text} | None" if type.nullable else text


def _bare(hint: Any) -> Any:
    """A hint without what says nothing of the values: aliases, NewType, Annotated, Final."""
    for _ in range(_DEEPEST):
        if hint is type(None):
            return None
        if hint is inspect.Parameter.empty:
            return Unknown
        origin = typing.get_origin(hint)
        if origin is typing.Annotated or getattr(origin, "_name", None) in ("Final", "ReadOnly"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif isinstance(hint, typing.TypeVar):
            hint = hint.__bound__ or Any
        elif type(hint).__name__ == "TypeAliasType":
            hint = Unknown if isinstance(origin, type(hint)) else _alias(hint)
        elif hint is getattr(typing, "LiteralString", None):
            hint = str
        elif isinstance(hint, str | typing.ForwardRef):
            hint = Unknown  # a name inside a type that was built without its module
        else:
            return hint
    return Unknown


def _alias(hint: Any) -> Any:
    try:
        return hint.__value__
    except Exception:  # an alias is evaluated late, and may name what is not there
        return Unknown


def _arms(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _takes_null(hint: Any) -> bool:
    if typing.get_origin(hint) is Literal:
        return None in typing.get_args(hint)
    return hint is None or hint is Any or hint is object or hint is Unknown


def _is_a(own: type, wanted: type) -> bool:
    try:
        return issubclass(own, wanted) or wanted in _PROMOTED.get(own, ())
    except TypeError:
        return True  # a class that cannot be asked


def _abstract(own: type) -> bool:
    """Whether a class says what its values can do, and leaves open what they are."""
    said = issubclass(own, _NO_DATA)
    return not said and own.__module__ in ("collections.abc", "typing", "numbers", "abc")


def _needed(type: Type) -> str:
    text = describe(type)
    return text if len(text) <= 90 else text[:89] + "…"


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _first(misfits: Iterable[Misfit | None]) -> Misfit | None:
    """A certain misfit if there is one, else the first."""
    doubtful: Misfit | None = None
    for misfit in misfits:
        if misfit is not None:
            if misfit.certain:
                return misfit
            doubtful = doubtful or misfit
    return doubtful
