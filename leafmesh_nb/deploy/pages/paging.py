"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request

__all__ = ["Slice", "slice_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """A page of a list: ``number`` counts from 1, ``first`` and ``last`` are places in the list."""

    items: Sequence[T]
    number: int
    pages: int
    first: int
    last: int
    total: int


def slice_of(request: Request, items: Sequence[T], size: int, at: int | None = None) -> Slice[T]:
    """The page that the request asks for with ``page=``, or the one with the item ``at``.

    A number that is none, or past the end, shows the nearest page.
    """
    pages = max(1, -(-len(items) // size))
    asked = request.query_params.get("page", "")
    # Longer numbers are no page either, and slow to read.
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 1
    if at is not None and not asked:
        number = at // size + 1
    number = min(max(number, 1), pages)
    first = (number - 1) * size
    shown = items[first : first + size]
    return Slice(shown, number, pages, first + 1 if shown else 0, first + len(shown), len(items))
