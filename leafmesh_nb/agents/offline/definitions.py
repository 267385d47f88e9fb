"""What is said of a field: by its own description, the capability's or the instructions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.words import FAINT_WORDS, FUNCTION_WORDS, NEGATORS, word_set

_PIECE: Final = re.compile(r"(?<=[.;!?])\s|\n")
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_LONGEST: Final = 20_000
_MOST: Final = 300
_OR: Final = re.compile(r"[,;:()\u2013\u2014]|\bor\b| - ")
_MOST_STEMS: Final = 3
#: Words with which any field is defined.
_SAYS_NOTHING: Final = FAINT_WORDS | word_set(
    "true false yes field value message text letter mail email writer sender customer client "
    "mention mentions mentioned states stated means mean flag set mark marked case cases whether "
    "really actually urgent important needed necessary null answer call"
)


def alternatives_of(name: Sequence[str], context: Sequence[str]) -> tuple[frozenset[str], ...]:
    """The stems of each thing that a definition lists: "true when locked out, or without water".

    What it rules out is left out.
    """
    found: list[frozenset[str]] = []
    for clause in _clauses(tuple(name), tuple(context)):
        for part in _OR.split(clause):
            words = _WORD.findall(part)
            stems = frozenset(
                stem(w) for w in words if w not in FUNCTION_WORDS and w not in _SAYS_NOTHING
            )
            if 0 < len(stems) <= _MOST_STEMS and NEGATORS.isdisjoint(words):
                found.append(stems)
    return tuple(found)


def definition_of(name: Sequence[str], context: Sequence[str]) -> tuple[str, ...]:
    """The words of the sentences of `context` that name the field, its own name left out."""
    clauses = _clauses(tuple(name), tuple(context))
    return tuple(word for clause in clauses for word in _WORD.findall(clause))


@lru_cache(maxsize=256)
def _clauses(name: tuple[str, ...], context: tuple[str, ...]) -> tuple[str, ...]:
    """The sentences that name the field, in lower case and without its name."""
    if not name:
        return ()
    spoken = re.compile(r"(?<![^\W_])" + r"[\s_-]+".join(map(re.escape, name)) + r"(?![^\W_])")
    return tuple(
        spoken.sub(" ", piece)
        for text in context
        for piece in _PIECE.split(text[:_LONGEST].lower().replace("\u2019", "'"))[:_MOST]
        if spoken.search(piece)
    )
