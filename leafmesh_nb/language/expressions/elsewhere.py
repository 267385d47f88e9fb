"""What functions, methods and names of other languages are called here, for hints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import Type

__all__ = ["call_here", "method_here", "unknown_name"]

_TEXTS_STAY = "a text is compared, searched and lowered here; a python agent can change it"
_LISTS_STAY = "a list keeps its order here; `min(items)` and `max(items)` give its ends"
_NO_TYPES = "types are known when the cell runs, so there is nothing to ask"
_LENGTH = "write `size({x})`"
_TEXT = "write `string({x})`"
_NUMBER = "`money({x})` reads a number from a text, `round({x})` gives an integer"
_TIME = 'write `timestamp("2026-03-01T12:00:00Z")`'
_SPAN = 'write `duration("1h30m")`'
_OTHERWISE = "write `default(x, y)`"
_CHOICE = "write `test ? a : b`"
_MATCHES = 'write `x.matches("^a")`'
_SUM = "there are no sums of a list here; a python agent can give one"
_SHOWS = "an expression gives a value and does nothing else"

_CALLS: Mapping[str, str] = MappingProxyType(
    {
        "abs": "write `max({x}, -({x}))`",
        "and": "write `a && b`",
        "any": "write `items.exists(x, …)`",
        "avg": _SUM,
        "bool": "compare it, as in `{x} > 0`",
        "ceil": "write `round({x})`",
        "coalesce": _OTHERWISE,
        "concat": "write `a + b`",
        "count": _LENGTH,
        "date": _TIME,
        "datetime": _TIME,
        "Decimal": _NUMBER,
        "double": _NUMBER,
        "exists": "write `items.exists(x, …)`, or `has(a.b)` for a field",
        "float": _NUMBER,
        "floor": "write `round({x})`",
        "format": "write `a + string(b)`",
        "getattr": "write `x.name`, or `default(x.name, y)`",
        "if": _CHOICE,
        "ifnull": _OTHERWISE,
        "iif": _CHOICE,
        "int": _NUMBER,
        "isinstance": _NO_TYPES,
        "isnull": "write `{x} == null`",
        "len": _LENGTH,
        "length": _LENGTH,
        "list": "a list is written `[a, b]`",
        "dict": 'a map is written `{{"a": 1}}`',
        "mean": _SUM,
        "not": "write `!({x})`",
        "now": "`now` is a name: write it without `()`",
        "nvl": _OTHERWISE,
        "or": "write `a || b`",
        "print": _SHOWS,
        "repr": _TEXT,
        "reversed": _LISTS_STAY,
        "set": "a list is written `[a, b]`",
        "sorted": _LISTS_STAY,
        "str": _TEXT,
        "substr": _TEXTS_STAY,
        "substring": _TEXTS_STAY,
        "sum": _SUM,
        "timedelta": _SPAN,
        "today": "write `now`",
        "tuple": "a list is written `[a, b]`",
        "type": _NO_TYPES,
        "upper": "compare `{x}.lower()` with a text in small letters",
    }
)
_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "add": "write `{x} + [{y}]`",
        "append": "write `{x} + [{y}]`",
        "capitalize": _TEXTS_STAY,
        "casefold": "write `{x}.lower()`",
        "count": "write `{x}.filter(x, x == {y}).size()`",
        "extend": "write `{x} + {y}`",
        "find": "write `{x}.contains({y})`",
        "format": "write `a + string(b)`",
        "has": "write `{y} in {x}`",
        "includes": "write `{x}.contains({y})`, or `{y} in {x}` for a list",
        "index": "write `{x}.contains({y})`, or `{y} in {x}` for a list",
        "indexOf": "write `{x}.contains({y})`, or `{y} in {x}` for a list",
        "isoformat": "write `string({x})`",
        "items": "write `{x}.map(k, {x}[k])`: a macro over a map goes over its keys",
        "keys": "write `{x}.map(k, k)`",
        "len": "write `size({x})`",
        "length": "write `size({x})`",
        "lowerAscii": "write `{x}.lower()`",
        "lstrip": _TEXTS_STAY,
        "match": "write `{x}.matches({y})`",
        "orValue": _OTHERWISE,
        "push": "write `{x} + [{y}]`",
        "replace": _TEXTS_STAY,
        "reverse": _LISTS_STAY,
        "rstrip": _TEXTS_STAY,
        "search": "write `{x}.matches({y})`",
        "sort": _LISTS_STAY,
        "split": _TEXTS_STAY,
        "strip": _TEXTS_STAY,
        "sum": _SUM,
        "test": "write `{x}.matches({y})`",
        "title": _TEXTS_STAY,
        "toLowerCase": "write `{x}.lower()`",
        "toString": "write `string({x})`",
        "trim": _TEXTS_STAY,
        "upper": "compare `{x}.lower()` with a text in small letters",
        "values": "write `{x}.map(k, {x}[k])`",
    }
)
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "datetime": "`now` is the time of the event",
        "env": "an expression reads nothing from outside",
        "math": "there are min(), max() and round()",
        "os": "an expression reads nothing from outside",
        "re": _MATCHES,
        "timedelta": _SPAN,
        "today": "`now` is the time of the event",
    }
)
_LONGEST = 40
_DEPTH = 3
_MOST = 3


def call_here(name: str, arguments: list[str]) -> str | None:
    """What to write for a function, or None; ``arguments`` are its arguments' texts."""
    return _filled(_CALLS.get(name), [*arguments, "x"])


def method_here(name: str, receiver: str, arguments: list[str]) -> str | None:
    """What to write for a method, or None."""
    if name == "get" and arguments and arguments[0][:1] in ("'", '"'):
        path = f"{receiver}.{arguments[0][1:-1]}"
        if len(path) > 2 * _LONGEST:
            return None
        otherwise = _short(arguments[1]) if len(arguments) > 1 else "…"
        return f"write `{path}`, or `default({path}, {otherwise})` where it may be missing"
    return _filled(_METHODS.get(name), [receiver, *arguments, "y"])


def unknown_name(name: str, alone: bool, names: list[str], environment: Mapping[str, Type]) -> str:
    """What may have been meant; the text itself is always among it, quoted twice where it is all
    there is."""
    written = f"`'\"{name}\"'`" if alone else f'`"{name}"`'
    # What is of this place alone comes last among its names, and is meant first.
    paths = (
        path
        for outer in reversed(list(environment))
        for path in _paths_to(name, outer, environment[outer], _DEPTH)
    )
    inside = [f"`{path}`" for path in sorted(paths, key=lambda path: path.count("."))[:_MOST]]
    elsewhere, close = _NAMES.get(name), suggest(name, names)
    if elsewhere:
        return f"{elsewhere}; the text itself is written {written}"
    if inside or close:
        meant = " or ".join(inside) or f"`{close}`"
        return f"Did you mean {meant}? The text itself is written {written}"
    return f"the text itself is written {written}; the names here are {', '.join(names)}"


def _paths_to(name: str, path: str, kind: Type, depth: int) -> Iterator[str]:
    """The paths at which objects have a field of this name, the short ones first."""
    if kind.kind != "object" or not depth:
        return
    if kind.field(name) is not None:
        yield f"{path}.{name}"
        return
    for field, inner in kind.fields:
        yield from _paths_to(name, f"{path}.{field}", inner, depth - 1)


def _filled(hint: str | None, texts: list[str]) -> str | None:
    if hint is None:
        return None
    x, y = (*map(_short, texts), "y", "y")[:2]
    return hint.format(x=x, y=y)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else "…"
