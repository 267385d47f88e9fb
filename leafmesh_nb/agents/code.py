"""The digest of a function's code: what a run remembers of the functions it was started with.

The code object counts, not its source text: comments, line numbers and file names may change.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from types import CodeType
from typing import Any

__all__ = ["code_digest"]


def code_digest(function: Callable[..., Any]) -> str:
    """SHA-256 in hex, 16 characters, of a function's code and defaults."""
    return hashlib.sha256(repr(_describe(function)).encode()).hexdigest()[:16]


def _describe(function: Any) -> Any:
    if isinstance(function, functools.partial):
        return ("partial", _describe(function.func), function.args, sorted(function.keywords))
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        call = type(function).__dict__.get("__call__")
        code = getattr(call, "__code__", None)
    if code is None:
        return getattr(function, "__qualname__", type(function).__qualname__)
    return (_code(code), getattr(function, "__defaults__", None))


def _code(code: CodeType) -> Any:
    return (
        code.co_code,
        tuple(_constant(c) for c in code.co_consts),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_flags,
    )


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _code(value)
    if isinstance(value, frozenset):  # its order changes from process to process
        return ("frozenset", sorted(repr(_constant(v)) for v in value))
    if isinstance(value, tuple):
        return tuple(_constant(v) for v in value)
    return (type(value).__name__, repr(value))
