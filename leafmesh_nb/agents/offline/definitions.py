"""What is said of a field: by its own description, the capability's or the instructions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_PIECE: Final = re.compile(r"(?<=[.;!?])\s|\n")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_LONGEST: Final = 20_000
_MOST: Final = 300


def definition_of(name: Sequence[str], context: Sequence[str]) -> tuple[str, ...]:
    """The words of the sentences of `context` that name the field, its own name left out."""
    return _definition(tuple(name), tuple(context))


@lru_cache(maxsize=256)
def _definition(name: tuple[str, ...], context: tuple[str, ...]) -> tuple[str, ...]:
    if not name:
        return ()
    spoken = re.compile(r"(?<![^\W_])" + r"[\s_-]+".join(map(re.escape, name)) + r"(?![^\W_])")
    told: list[str] = []
    for text in context:
        for piece in _PIECE.split(text[:_LONGEST].lower().replace("\u2019", "'"))[:_MOST]:
            for clause in (
                piece.split(",") if piece.count(":") + piece.count(" is ") > 1 else [piece]
            ):
                if spoken.search(clause):
                    told += _WORD.findall(spoken.sub(" ", clause))
    return tuple(told)
