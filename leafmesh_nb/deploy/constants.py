"""Constants of a notebook as source: values whose text makes an equal value."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

__all__ = ["Constant", "constant", "written"]


@dataclass(frozen=True, slots=True)
class Constant:
    """``text`` assigns it; ``imports`` maps the names that it uses to modules."""

    text: str
    imports: Mapping[str, str] = field(default_factory=dict)


_MADE: dict[type, Callable[[Any], tuple[str, str]]] = {
    Decimal: lambda v: ("decimal", f"decimal.Decimal({str(v)!r})"),
    date: lambda v: ("datetime", repr(v)),
    datetime: lambda v: ("datetime", f"datetime.datetime.fromisoformat({v.isoformat()!r})"),
    timedelta: lambda v: ("datetime", repr(v)),
    re.Pattern: lambda v: ("re", f"re.compile({v.pattern!r}, {v.flags})"),
    type(Path()): lambda v: ("pathlib", f"pathlib.Path({str(v)!r})"),
}


def written(value: Any) -> bool:
    """Whether a value can be written down."""
    return type(value) in _MADE or _is_literal(value)


def constant(name: str, value: Any) -> Constant:
    """The assignment of a value that can be written down."""
    make = _MADE.get(type(value))
    if make is None:
        return Constant(f"{name} = {value!r}")
    module, text = make(value)
    # Under a name of its own: the notebook may use the module's name for something else.
    alias = f"_{module}"
    text = text.replace(f"{module}.", f"{alias}.", 1)
    return Constant(f"{name} = {text}", {alias: module})


LONGEST = 100_000
"""Characters of a constant; more is data, and belongs into a file."""


def _is_literal(value: Any) -> bool:
    try:
        text = repr(value)
        if len(text) > LONGEST:
            return False
        made = ast.literal_eval(text)
        return type(made) is type(value) and bool(made == value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
