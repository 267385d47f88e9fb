"""What a text is about, as a bag of weighted features that can be compared with another's.

A feature is a stem (`w:charg`), two neighbouring stems (`b:log_in`), a family of words
(`f:pay`) or what a sentence does (`a:inquire`). A request weighs more than a report, a greeting
hardly anything, and what the text turns down ("I do not want a refund") weighs below zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from leafmesh_nb.agents.offline.acts import PREFIX, acts_in
from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Sentence, Text, Word
from leafmesh_nb.agents.offline.words import ARRIVE, CURRENCY_SIGNS, FAINT_WORDS, OPERATE

_REQUEST: Final = 1.2
_ASKED: Final = (1.0, 1.8, 1.4, 1.2)
_GREETING: Final = 0.15
_FAINT: Final = 0.25
_REFUSED: Final = -0.7
_NAMED: Final = 0.4
_PHRASE: Final = 4
_MOST_SENTENCES: Final = 1_500

INQUIRES: Final = "a:inquire"
#: "$40" speaks of money as "forty dollars" does.
_MONEY_SIGN: Final = re.compile(
    rf"[{re.escape(CURRENCY_SIGNS)}]\s?\d+|\d\s?[{re.escape(CURRENCY_SIGNS)}]"
)
_MONEY_FAMILIES: Final = (("money", 1.0), ("pay", 0.4), ("cost", 0.4))
_MOST_SIGNS: Final = 20
_NOT_OPERATE: Final = f"not_{stem('operate')}"
_NOT_ARRIVE: Final = f"not_{stem('arrive')}"
_OPERATE_STEMS: Final = frozenset(map(stem, OPERATE))
_ARRIVE_STEMS: Final = frozenset(map(stem, ARRIVE))


@dataclass(frozen=True, slots=True)
class Bag:
    """Features with their weights, and for each the first words of the text that gave it."""

    weights: Mapping[str, float]
    sources: Mapping[str, str] = field(default_factory=dict)


def _negated_verb(word: Word) -> str | None:
    """A feature for "does not open" and "never arrived", which share no word with "broken"."""
    if not 0 < word.negated <= 3:
        return None
    if word.stem in _ARRIVE_STEMS:
        return _NOT_ARRIVE
    return _NOT_OPERATE if word.stem in _OPERATE_STEMS else None


def keys_of(words: tuple[Word, ...]) -> Iterator[tuple[str, Word, Word, float]]:
    """Each stem and known phrase in `words`, its first and last word, and how much it says."""
    families = families_of()
    for at, word in enumerate(words):
        if word.content:
            yield word.stem, word, word, _FAINT if word.text in FAINT_WORDS else 1.0
        negated = _negated_verb(word)
        if negated is not None:
            yield negated, words[max(0, at - word.negated)], word, 1.0
        phrase = word.stem
        for last in words[at + 1 : at + _PHRASE]:
            phrase = f"{phrase}_{last.stem}"
            if phrase in families:
                yield phrase, word, last, 1.0


def _pairs(words: tuple[Word, ...]) -> Iterator[tuple[str, Word, Word]]:
    content = [word for word in words if word.content]
    for first, second in pairwise(content):
        if first.clause == second.clause:
            yield f"b:{first.stem}_{second.stem}", first, second


def _weight(sentence: Sentence) -> float:
    if sentence.greets:
        return _GREETING
    return _REQUEST if sentence.requests else 1.0


def bag_of(text: Text, spelling: Mapping[str, tuple[str, float]] | None = None) -> Bag:
    """The features of `text`; `spelling` says which known stem an unknown one stands for."""
    families = families_of()
    weights: dict[str, float] = {}
    sources: dict[str, str] = {}
    inquiring, spoken = 0.0, 0

    def add(feature: str, weight: float, source: str) -> None:
        weights[feature] = weights.get(feature, 0.0) + weight
        if weight > 0:
            sources.setdefault(feature, source)

    for sentence in text.sentences[:_MOST_SENTENCES]:
        base = _weight(sentence)
        if not sentence.greets:
            spoken += len(sentence.words)
            inquiring += sentence.inquires * len(sentence.words)
        for key, first, last, says in keys_of(sentence.words):
            weight = base * says * (_REFUSED if last.refused else _ASKED[last.asked])
            weight *= _NAMED if last.named else 1.0
            source = text.quote(first.start, last.end)
            if spelling and key in spelling:
                key, likeness = spelling[key]
                weight *= likeness
            if "_" not in key:
                add(f"w:{key}", weight, source)
            names = families.get(key, ())
            for name in names:
                add(f"f:{name}", weight / len(names) ** 0.5, source)
        for pair, first, second in _pairs(sentence.words):
            add(pair, 0.0 if second.refused else base * 0.5, text.quote(first.start, second.end))
    for mark in list(_MONEY_SIGN.finditer(text.raw))[:_MOST_SIGNS]:
        for name, weight in _MONEY_FAMILIES:
            add(f"f:{name}", weight, mark.group())
    for act, (weight, source) in acts_in(text).items():
        add(f"{PREFIX}{act}", weight, source)
    if inquiring:
        add(INQUIRES, inquiring / spoken, "")
    return Bag(weights, sources)
