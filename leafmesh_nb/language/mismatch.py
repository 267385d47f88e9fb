"""What is said where a value is not of its type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from leafmesh_nb.errors import LeafmeshError

__all__ = ["TypeMismatch", "kind_of", "mismatch"]

_PLAIN_KEY = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_DEEPEST = 20


class TypeMismatch(LeafmeshError):
    """A value is not of its type. ``path`` says where (``items[2].amount``; empty for the whole),
    ``message`` what is wrong; the value itself is quoted only where it is a short enum value."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self._parts: list[str | int] = []

    @property
    def path(self) -> str:
        path = ""
        if len(self._parts) > _DEEPEST:
            return "…"
        for part in self._parts:
            if isinstance(part, int):
                path += f"[{part}]"
            elif _PLAIN_KEY.match(part):
                path += f".{part}" if path else part
            else:
                # The mark tells a mask that a secret may end here in the middle.
                path += f"[{part if len(part) <= 40 else part[:39] + '…'!r}]"
        return path

    def __str__(self) -> str:
        return f"`{self.path}`: {self.message}" if self._parts else self.message

    @property
    def parts(self) -> tuple[str | int, ...]:
        """The names and indexes that lead to the value."""
        return tuple(self._parts)

    def under(self, part: str | int) -> TypeMismatch:
        """The same mismatch, one level further out."""
        self._parts.insert(0, part)
        return self


def mismatch(wanted: str, value: Any) -> TypeMismatch:
    """What is raised where ``value`` is of another kind than ``wanted``; does not quote it."""
    return TypeMismatch(f"is {kind_of(value)}, and {wanted} is needed")


def kind_of(value: Any) -> str:
    """What a Python value is, for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, datetime):
        return "a date with a time"
    if isinstance(value, date):
        return "a date"
    if isinstance(value, timedelta):
        return "a duration"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a map"
    return f"an object of type {type(value).__name__}"
