"""The base of all bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = ["Body", "Json", "JsonMap"]

Json = Any
JsonMap = Mapping[str, Any]


class Body:
    """Base of all bodies. ``kind`` names it on disk, ``v`` is the version of its fields."""

    kind: ClassVar[str]
    v: ClassVar[int] = 1
    __slots__ = ()
