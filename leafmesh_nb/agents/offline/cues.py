"""What a field's name asks for, and how near to it a place in the text is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leafmesh_nb.agents.offline.enums import name_words
from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.words import BOOLEAN_LEADS, GENERIC_NAMES

#: How far around a place its cue words are looked for, in words.
_REACH: Final = 14
_JOINTS: Final = frozenset({"and", "then", "or"})
_BEYOND: Final = 2
_FAMILY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Cues:
    """The words of a field's name that say something, as stems, and the families they are of."""

    name: str
    words: tuple[str, ...]
    stems: frozenset[str]
    families: frozenset[str]

    @property
    def specific(self) -> bool:
        """Whether the name says more than "amount" or "count" does."""
        return bool(self.stems)

    @property
    def begins(self) -> bool:
        """Whether the name is that of a beginning: a lone date is where something starts."""
        return "begin" in self.families

    @classmethod
    def of(cls, name: str, inside: Sequence[str] = ()) -> Cues:
        """`inside` are the names of the objects that the field is in."""
        words = name_words(name)
        told = [w for w in words if w not in GENERIC_NAMES and w not in BOOLEAN_LEADS]
        if not told:
            told = [w for outer in inside for w in name_words(outer) if w not in GENERIC_NAMES]
        stems = frozenset(map(stem, told))
        known = families_of()
        families = {family for key in stems for family in known.get(key, ())}
        families.update(known.get("_".join(map(stem, words)), ()))
        return cls(name, words, stems, frozenset(families))

    def match(self, word: Word) -> float:
        """How well one word of the text agrees with the name: 0..1."""
        if word.stem in self.stems:
            return 1.0
        if self.families and not self.families.isdisjoint(families_of().get(word.stem, ())):
            return _FAMILY
        return 0.0


def around(text: Text, start: int, end: int, reach: int = _REACH) -> list[tuple[Word, int]]:
    """The words of the same sentence around `start:end` with their distance; negative before.

    What stands beyond an "and" is as far away as two words more.
    """
    sentence = text.sentence_at(start)
    if sentence is None:
        return []
    first, last = text.word_index(start), text.word_index(end)
    words = text.words
    before: list[tuple[Word, int]] = []
    distance = 0
    for word in reversed(words[max(0, first - reach) : first]):
        if word.start < sentence.start:
            break
        distance -= 1
        before.append((word, distance))
        distance -= _BEYOND if word.text in _JOINTS else 0
    after: list[tuple[Word, int]] = []
    distance = 0
    for word in words[last : last + reach]:
        if word.end > sentence.end:
            break
        distance += 1
        after.append((word, distance))
        distance += _BEYOND if word.text in _JOINTS else 0
    return before[::-1] + after


def clause_at(text: Text, place: int) -> int:
    """The clause of the word at `place`, or of the one before it where a sign stands there."""
    at = text.word_index(place)
    words = text.words
    sentence = text.sentence_at(place)
    if sentence is None or not words:
        return 0
    inside = [w for w in words[max(0, at - 1) : at + 1] if sentence.start <= w.start < sentence.end]
    return inside[-1].clause if inside else 0


def nearness(text: Text, start: int, end: int, cues: Cues) -> float:
    """How near the words of a field's name are: about 1 beside them, 0 when there are none."""
    if not cues.stems:
        return 0.0
    clause = clause_at(text, start)
    best = 0.0
    for word, distance in around(text, start, end):
        match = cues.match(word)
        if match:
            best = max(best, match * proximity(word, distance, clause))
    return best


def proximity(word: Word, distance: int, clause: int) -> float:
    """From 1 for a neighbour down; half across a comma. After a number counts as nearer."""
    steps = abs(distance) - 1 if distance < 0 else max(0, distance - 1)
    return (1.0 if word.clause == clause else 0.5) / (1 + steps / 3)


def nearest(text: Text, start: int, end: int, wanted: frozenset[str]) -> float:
    """How near any of the words (or stems) `wanted` is; 0 when none is in the sentence."""
    clause = clause_at(text, start)
    return max(
        (
            proximity(word, distance, clause)
            for word, distance in around(text, start, end)
            if word.text in wanted or word.stem in wanted
        ),
        default=0.0,
    )
