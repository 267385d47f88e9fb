"""Reading fields and items of values, and finding something among them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb.language.expressions.values import (
    MISSING,
    Failure,
    Frame,
    absent,
    equal,
    kind_of,
    load,
)

__all__ = ["contained", "field_of", "item_of", "path_failure"]


def field_of(value: Any, key: str, called: str = "") -> Any:
    """A field of a loaded value; ``called`` is its name in messages."""
    called = called or f"`{key}`"
    if isinstance(value, Mapping):
        try:
            found = value.get(key, MISSING)
        except Exception as error:
            raise Failure(f"{called} could not be read ({type(error).__name__})") from None
        if found is MISSING:
            raise absent(f"there is no {called} here")
        return found
    if value is None:
        raise absent(f"null has no {called}")
    raise Failure(f"{kind_of(value)} has no {called}: it has no fields")


def item_of(value: Any, key: Any) -> Any:
    """``value[key]`` of a loaded value."""
    if isinstance(value, list | tuple):
        if type(key) is Decimal:
            if key != key.to_integral_value():
                raise Failure("a list is indexed by an integer, and this number is none")
            key = int(key)
        if type(key) is not int:
            raise Failure(f"a list is indexed by an integer, not by {kind_of(key)}")
        if not 0 <= key < len(value):
            raise absent(f"there is no item {key} in a list of {len(value)}")
        return value[key]
    if isinstance(value, Mapping) or value is None:
        if type(key) is not str:
            raise Failure(f"a map is indexed by a text, not by {kind_of(key)}")
        # The key may hold what nobody should read in a message.
        return field_of(value, key, "such field")
    raise Failure(f"{kind_of(value)} has no items")


def path_failure(names: Any, keys: tuple[str, ...]) -> Failure:
    """Which of the keys was not there; only looked up once one is missing."""
    value = names
    for position, key in enumerate(keys):
        before = ".".join(keys[:position])
        if value is None:
            return absent(f"`{before}` is null: it has no `{key}`")
        if not isinstance(value, Mapping):
            break
        value = value.get(key, MISSING)
        if value is MISSING:
            return absent(f"`{before}` has no `{key}`" if before else f"there is no `{key}` here")
    return absent(f"there is no `{'.'.join(keys)}` here")


def contained(left: Any, right: Any, frame: Frame) -> bool:
    """``left in right``: an item of a list, a key of a map."""
    # The exact type first: `isinstance` of an abstract class costs more than all the rest.
    if type(right) is list or isinstance(right, list | tuple):
        frame.charge(len(right))
        for item in right:  # noqa: SIM110 - a third faster than any() of a generator
            if equal(left, load(item), frame):
                return True
        return False
    if isinstance(right, Mapping):
        if isinstance(left, str | int | Decimal):
            return type(left) is str and left in right
        raise Failure(f"{kind_of(left)} is no key of a map")
    hint = "; use contains()" if isinstance(right, str) else ""
    raise Failure(f"`in` needs a list or a map, not {kind_of(right)}{hint}")
