"""The texts of a nested value as one text: what is told in parts is found there.

Between two texts stands ``JOINT``, around a number ``FENCE``. Both are noncharacters, which
Unicode keeps for use inside a program; in what comes from outside they become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb.memory.marks import MASK

__all__ = ["FENCE", "JOINT", "number_text", "plain", "with_leaves"]

Json = Any

# Two, so that the last digit of one text is no neighbour of the first digit of the next.
JOINT = "\ufdd0\ufdd0"
FENCE = "\ufdd1"
_RESERVED = re.compile("[\ufdd0\ufdd1]")
# Counts as a letter that no secret has: what stands before and after is not read together.
_WALL = "•"


def plain(text: str) -> str:
    """A text without the characters that are reserved here."""
    return _RESERVED.sub("\ufffd", text)


def number_text(value: int | float | Decimal) -> str:
    """A number as views print it."""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def with_leaves(
    values: Iterable[Json], change: Callable[[str], str], hidden: Collection[str]
) -> list[Json]:
    """Copies of JSON values that stand beside each other, with other texts in them, keys too.

    ``change`` is given all texts as one and returns it with the same joints in it. A number that
    it writes otherwise becomes a text; keys that become equal are numbered. What stands under a
    ``hidden`` key becomes a mask as a whole, and null stays null.
    """
    values = list(values)
    texts: list[str] = []
    keys: dict[str, str] = {}
    for value in values:
        _collect(value, texts, keys)
    fenced = (f"{FENCE}{plain(key)}{FENCE}" for key in keys)
    changed = change(JOINT.join((*texts, _WALL, *fenced))).split(JOINT)
    for key, text in zip(keys, changed[len(texts) + 1 :], strict=True):
        keys[key] = text.strip(FENCE)
    left = iter(changed)
    return [_rebuilt(value, left, keys, hidden) for value in values]


def _collect(value: Json, texts: list[str], keys: dict[str, str]) -> None:
    match value:
        case bool() | None:
            return
        case int() | float() | Decimal():
            texts.append(f"{FENCE}{number_text(value)}{FENCE}")
        case Mapping():
            for key, item in value.items():
                keys.setdefault(str(key), "")
                _collect(item, texts, keys)
        case list() | tuple():
            for item in value:
                _collect(item, texts, keys)
        case _:
            texts.append(plain(str(value)))


def _rebuilt(
    value: Json, texts: Iterator[str], keys: Mapping[str, str], hidden: Collection[str]
) -> Json:
    match value:
        case bool() | None:
            return value
        case int() | float() | Decimal():
            text = next(texts).strip(FENCE)
            return value if text == number_text(value) else text
        case Mapping():
            result: dict[str, Json] = {}
            seen: dict[str, int] = {}
            for key, item in value.items():
                shown = _rebuilt(item, texts, keys, hidden)
                if str(key) in hidden and item is not None:
                    shown = MASK
                result[_unused(keys[str(key)], result, seen)] = shown
            return result
        case list() | tuple():
            return [_rebuilt(item, texts, keys, hidden) for item in value]
    return next(texts)


def _unused(key: str, taken: Mapping[str, Json], seen: dict[str, int]) -> str:
    unused = key
    while unused in taken:
        seen[key] = seen.get(key, 1) + 1
        unused = f"{key} {seen[key]}"
    return unused
