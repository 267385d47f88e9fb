"""Which known word a misspelled one stands for, by the letter pairs they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Final

from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.text import Text

_MOST_UNKNOWN: Final = 300
_SHORTEST: Final = 4
#: The least likeness to a word of the examples and values, and to one of the families.
_NEAR: Final = 0.65
_FAR: Final = 0.75
#: The likeness of words of the same letters: "refnud".
_SWAPPED: Final = 0.8
#: What a guess is worth beside a word spelled right.
_WORTH: Final = 0.6


@lru_cache(maxsize=8_192)
def _bigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[i : i + 2] for i in range(len(padded) - 1))


def _by_first(stems: Iterable[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for stem in sorted(stems):
        if len(stem) >= _SHORTEST:
            found.setdefault(stem[0], []).append(stem)
    return found


@cache
def _family_stems() -> Mapping[str, Sequence[str]]:
    return _by_first(key for key in families_of() if "_" not in key)


def _likeness(one: str, other: str) -> float:
    """Dice's coefficient over letter pairs; 0 when the lengths differ by more than two."""
    if abs(len(one) - len(other)) > 2:
        return 0.0
    first, second = _bigrams(one), _bigrams(other)
    likeness = 2 * len(first & second) / (len(first) + len(second))
    if len(one) == len(other) and likeness < _SWAPPED and sorted(one) == sorted(other):
        return _SWAPPED
    return likeness


def spelling_of(text: Text, known: Iterable[str]) -> dict[str, tuple[str, float]]:
    """For each long stem of `text` that nothing knows, the known stem it most looks like.

    `known` are the stems of the examples and values; beside them the families' are tried. The
    first letter must agree. The number is what the guess is worth, 0..1.
    """
    families = families_of()
    near = set(known)
    unknown = dict.fromkeys(
        word.stem
        for word in text.words
        if len(word.stem) > _SHORTEST
        and word.content
        and word.stem not in near
        and word.stem not in families
    )
    vocabularies = ((_by_first(near), _NEAR), (_family_stems(), _FAR))
    found: dict[str, tuple[str, float]] = {}
    for stem in list(unknown)[:_MOST_UNKNOWN]:
        best = 0.0
        for vocabulary, least in vocabularies:
            for candidate in vocabulary.get(stem[0], ()):
                likeness = _likeness(stem, candidate)
                if likeness >= least and likeness > best:
                    best = likeness
                    found[stem] = (candidate, likeness * _WORTH)
    return found
