"""Annotations of functions as types, read without running anything.

An annotation that is text (``from __future__ import annotations``) is parsed, and its names are
looked up in the function's module: nothing is evaluated, so what needs a call to be known is not
known.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import types
import typing
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal

__all__ = [
    "Lookup",
    "Unknown",
    "is_typed_dict",
    "lookup_in",
    "lookup_of",
    "parse_quietly",
    "resolve",
    "typed_dict_fields",
]

Lookup = Callable[[str], Any]

_LONGEST = 10_000
_DEEPEST = 50
_GENERIC = ("builtins", "collections", "collections.abc", "typing", "typing_extensions")
"""Modules whose classes may be subscripted: theirs builds a type and runs no foreign code."""


class Unknown:
    """Stands for an annotation that cannot be told from reading."""


def resolve(annotation: Any, look: Lookup, depth: int = 0) -> Any:
    """An annotation with every name that it spells out replaced by what the name stands for.

    Takes a typing object, text, or the tree of an expression; ``Unknown`` where it cannot tell.
    """
    if depth > _DEEPEST:
        return Unknown
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        tree = _parsed(annotation)
        return Unknown if tree is None else resolve(tree, look, depth + 1)
    if not isinstance(annotation, ast.expr):
        return annotation
    match annotation:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return resolve(text, look, depth + 1)
        case ast.Constant(value=value) if value is ...:
            return ...
        case ast.Name(id=name):
            return look(name)
        case ast.Attribute(value=inner, attr=name):
            return _member(resolve(inner, look, depth + 1), name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(resolve(left, look, depth + 1), resolve(right, look, depth + 1))
        case ast.Subscript(value=base, slice=inner):
            return _subscripted(resolve(base, look, depth + 1), inner, look, depth + 1)
    return Unknown


def lookup_of(function: Any) -> Lookup:
    """How a function's own module, closure and builtins resolve a name."""
    try:
        plain = inspect.unwrap(function)
    except ValueError:  # a wrapper that wraps itself
        plain = function
    plain = getattr(plain, "func", plain)  # functools.partial
    plain = getattr(plain, "__func__", plain)
    if not hasattr(plain, "__globals__"):
        plain = getattr(type(plain), "__call__", plain)  # noqa: B004  # an object that is callable
    names: dict[str, Any] = dict(getattr(plain, "__globals__", {}))
    code = getattr(plain, "__code__", None)
    for name, cell in zip(
        getattr(code, "co_freevars", ()), getattr(plain, "__closure__", None) or (), strict=False
    ):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not bound yet
            names[name] = Unknown
    return lookup_in(names)


def lookup_in(names: Mapping[str, Any]) -> Lookup:
    """A lookup in a module's names, then among the builtins."""
    return lambda name: names.get(name, vars(builtins).get(name, Unknown))


def is_typed_dict(kind: Any) -> bool:
    """Whether a class is a TypedDict, of ``typing`` or of ``typing_extensions``."""
    return isinstance(kind, type) and hasattr(kind, "__total__") and dict in kind.__mro__


def typed_dict_fields(kind: Any) -> dict[str, tuple[Any, bool]] | None:
    """The fields of a TypedDict, each with its type and whether it must be there; None for any
    other class."""
    if not is_typed_dict(kind):
        return None
    look = lookup_in(vars(sys.modules.get(kind.__module__, builtins)))
    try:
        declared = dict(kind.__annotations__)
    except Exception:  # annotations that are evaluated late name what is not there
        return None
    required = getattr(kind, "__required_keys__", frozenset(declared))
    found = {}
    for name, annotation in declared.items():
        inner = resolve(annotation, look)
        needed = name in required
        while (word := _qualifier(inner)) is not None:
            needed = {"NotRequired": False, "Required": True}.get(word, needed)
            inner = typing.get_args(inner)[0]
        found[name] = inner, needed
    return found


def parse_quietly(text: str | bytes, mode: Literal["eval", "exec"]) -> ast.AST:
    """A tree of Python text; what the compiler would warn of is not ours to say.

    Raises SyntaxError or ValueError.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)


def _parsed(text: str) -> ast.expr | None:
    if len(text) > _LONGEST:
        return None
    try:
        tree = parse_quietly(text.strip(), "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree.body if isinstance(tree, ast.Expression) else None


def _qualifier(hint: Any) -> str | None:
    """``NotRequired``, ``Required`` or ``ReadOnly`` around the type of a TypedDict's field."""
    name = getattr(typing.get_origin(hint), "_name", None)
    return name if name in ("NotRequired", "Required", "ReadOnly") else None


def _member(owner: Any, name: str) -> Any:
    if isinstance(owner, types.ModuleType | type) and owner is not Unknown:
        return vars(owner).get(name, Unknown)
    return Unknown


def _union(left: Any, right: Any) -> Any:
    try:
        return typing.Union[left, right]  # noqa: UP007  # its arms are values here
    except TypeError:
        return Unknown


def _subscripted(base: Any, inner: ast.expr, look: Lookup, depth: int) -> Any:
    arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if _named(base, "Literal"):
        values = [_literal(argument) for argument in arguments]
        return Unknown if Unknown in values else Literal[tuple(values)]
    if _named(base, "Annotated"):
        return resolve(arguments[0], look, depth)
    if getattr(base, "__module__", None) not in _GENERIC:
        return base
    parts = [resolve(argument, look, depth) for argument in arguments]
    try:
        return base[tuple(parts) if isinstance(inner, ast.Tuple) else parts[0]]
    except Exception:  # not a type that takes these
        return Unknown


def _named(base: Any, name: str) -> bool:
    return getattr(base, "__module__", "") in _GENERIC and name in (
        getattr(base, "_name", None),
        getattr(base, "__name__", None),
    )


def _literal(tree: ast.expr) -> Any:
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return Unknown
