"""The inputs of a step as one text, with the numbers and dates that stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from typing import Any, Final

from leafmesh_nb.agents.offline.dates import Moment, moments, times
from leafmesh_nb.agents.offline.enums import name_words
from leafmesh_nb.agents.offline.numbers import Quantity, quantities
from leafmesh_nb.agents.offline.text import HEAD, TAIL, Text
from leafmesh_nb.agents.offline.words import word_set

_DEEPEST: Final = 8
_MOST: Final = 500
#: An input of this name is text to read however short it is.
_TEXT_NAMES: Final = word_set(
    "text message body subject title topic ticket mail email letter note comment content "
    "description question request complaint inquiry transcript review feedback summary"
)


@dataclass(frozen=True)
class Page:
    """One text to read and what was found in it."""

    text: Text
    today: date | None = None

    @classmethod
    def of(cls, inputs: Mapping[str, Any], today: date | None) -> Page:
        """The prose among the inputs; where there is none, all the texts."""
        found = list(_texts(inputs, "", 0))[:_MOST]
        prose = [text for name, text in found if _is_prose(name, text)]
        return cls(Text.of(prose or [text for _, text in found]), today)

    def part(self, start: int, end: int) -> Page:
        return Page(Text(self.text.raw[start:end]), self.today)

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        return moments(self.text, self.today)

    @cached_property
    def times(self) -> tuple[tuple[int, int, time], ...]:
        return times(self.text)

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        places = [(m.start, m.end) for m in self.moments]
        places += [(start, end) for start, end, _ in self.times]
        return quantities(self.text, places)


def _texts(value: Any, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, str(key), depth + 1)
    elif isinstance(value, list | tuple):
        for part in value[:_MOST]:
            yield from _texts(part, name, depth + 1)


def _is_prose(name: str, text: str) -> bool:
    if not text.strip():
        return False
    if len(text) > HEAD + TAIL or not _TEXT_NAMES.isdisjoint(name_words(name)[-1:]):
        return True
    return len(text.split(maxsplit=3)) >= 3
