"""The digest of a function's code: what a run remembers of the functions it was started with.

The code object counts, not its source text: comments, line numbers and file names may change.
So do addresses in memory, which is why values are described by what they are, not by their repr.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

__all__ = ["code_digest"]

_LITERALS = (type(None), bool, int, float, complex, str, bytes, type(...))
_DEEPEST = 8


def code_digest(function: Callable[..., Any]) -> str:
    """SHA-256 in hex, 16 characters, of a function's code, defaults and closed-over constants."""
    return hashlib.sha256(repr(_callable(function, 0)).encode()).hexdigest()[:16]


def _callable(function: Any, depth: int) -> Any:
    if isinstance(function, functools.partial):
        bound = _value(function.args, depth), _value(function.keywords, depth)
        return ("partial", _callable(function.func, depth + 1), *bound)
    if isinstance(function, MethodType):
        return ("method", type(function.__self__).__qualname__, _callable(function.__func__, depth))
    if isinstance(function, FunctionType):
        wrapped = getattr(function, "__wrapped__", None)
        return (
            _code(function.__code__),
            _value(function.__defaults__, depth),
            _value(function.__kwdefaults__, depth),
            _cells(function, depth),
            _callable(wrapped, depth + 1) if wrapped is not None and depth < _DEEPEST else None,
        )
    call = type(function).__dict__.get("__call__")
    if isinstance(call, FunctionType):
        return (type(function).__qualname__, _code(call.__code__))
    return getattr(function, "__qualname__", type(function).__qualname__)


def _cells(function: FunctionType, depth: int) -> Any:
    """The constants that a function closes over; what else it holds may change as it runs."""
    found = []
    for cell in function.__closure__ or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not bound yet
            value = ...
        if isinstance(value, (FunctionType, MethodType)) and depth < _DEEPEST:
            found.append(_callable(value, depth + 2))
        elif isinstance(value, _LITERALS):
            found.append(_value(value, depth))
        else:
            found.append(type(value).__qualname__)
    return tuple(found)


def _code(code: CodeType) -> Any:
    return (
        code.co_code,
        code.co_exceptiontable,
        tuple(_value(c, 0) for c in code.co_consts),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
    )


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, _LITERALS):
        return (type(value).__name__, repr(value))
    if depth < _DEEPEST:
        if isinstance(value, (tuple, list)):
            return (type(value).__name__, [_value(item, depth + 1) for item in value])
        if isinstance(value, (set, frozenset)):  # their order changes from process to process
            return (type(value).__name__, sorted(repr(_value(v, depth + 1)) for v in value))
        if isinstance(value, dict):
            items = [(_value(k, depth + 1), _value(v, depth + 1)) for k, v in value.items()]
            return ("dict", sorted(map(repr, items)))
        if isinstance(value, (FunctionType, MethodType, functools.partial, BuiltinFunctionType)):
            return ("callable", _callable(value, depth + 1))
    return type(value).__qualname__
