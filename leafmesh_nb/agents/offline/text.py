"""A text as the reader sees it: words with places, clauses, sentences and what they do.

Only so much of a text is read: the first `HEAD` and the last `TAIL` characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.words import (
    FUNCTION_WORDS,
    GREETINGS,
    NEGATORS,
    OPEN_QUESTION_WORDS,
    QUESTION_WORDS,
    REFUSALS,
    REQUESTS,
    WISHES,
)

HEAD: Final = 40_000
TAIL: Final = 10_000
_QUOTE: Final = 300

_STRAIGHT: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'"})
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BREAK: Final = re.compile(r"[.!?\u2026]+[\"')\]]*(?=\s|$)|\n")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[^\w])(?:no|nr|mr|mrs|ms|dr|st|vs|approx|incl|excl|e\.g|i\.e|etc|ref|tel|ca|apt|inv)$",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[;:()\u2013\u2014]|,(?=\s)| - ")
_CLAUSE_WORDS: Final = frozenset({"but", "however", "although", "though", "because", "otherwise"})
_REQUESTS_BY_FIRST: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    first: tuple(phrase for phrase in REQUESTS if phrase[0] == first)
    for first in {phrase[0] for phrase in REQUESTS}
}
_REFUSALS_BY_LAST: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    last: tuple(phrase for phrase in REFUSALS if phrase[-1] == last)
    for last in {phrase[-1] for phrase in REFUSALS}
}
_NEGATION_REACH: Final = 5
_ASKED_REACH: Final = 3


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its place in the text, itself in lower case, its stem and what is said of it."""

    start: int
    end: int
    text: str
    stem: str
    clause: int
    #: Nearest negator before it in its clause, in words; 0 when there is none.
    negated: int = 0
    #: The text turns it down: "I do not want a refund", "instead of a refund".
    refused: bool = False
    #: Its place after the words of a request, from 1: "please cancel"; 0 when there are none.
    asked: int = 0
    #: Part of a name of several words: "Hill Road".
    named: bool = False

    @property
    def content(self) -> bool:
        return self.text not in FUNCTION_WORDS and not self.text.isdigit()


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    end: int
    words: tuple[Word, ...]
    #: It asks for something to be done.
    requests: bool
    #: How much of it asks what is so: 0..1.
    inquires: float
    greets: bool


def fold(text: str) -> str:
    """`text` with its whitespace folded to single spaces."""
    return " ".join(text.split())


def _lower(text: str) -> str:
    """Lower case that keeps every character's place."""
    lowered = text.translate(_STRAIGHT).lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text.translate(_STRAIGHT))


def _follows(words: Sequence[str], at: int, phrase: Sequence[str]) -> bool:
    return tuple(words[at : at + len(phrase)]) == tuple(phrase)


def _requests(words: Sequence[str], clauses: Sequence[int]) -> tuple[bool, dict[int, int]]:
    """Whether something is asked for, and how far after the asking the next words stand."""
    asked: dict[int, int] = {}
    requests = False
    for at, word in enumerate(words):
        for phrase in _REQUESTS_BY_FIRST.get(word, ()):
            if _follows(words, at, phrase):
                requests = True
                after = at + len(phrase)
                last = min(len(words), after + _ASKED_REACH)
                for i in range(after, last):
                    if clauses[i] == clauses[at]:
                        asked[i] = min(i - after + 1, asked.get(i, _ASKED_REACH))
    return requests, asked


def _names(written: Sequence[str]) -> frozenset[int]:
    """The places of two and more capitalised words in a row, a sentence's first word aside."""
    capital = [
        at > 0 and len(word) > 1 and word[0].isupper() and word[1:].islower()
        for at, word in enumerate(written)
    ]
    if sum(capital) > len(written) / 2:
        return frozenset()  # a headline
    pairs = [at for at in range(1, len(capital)) if capital[at] and capital[at - 1]]
    return frozenset(pairs) | frozenset(at - 1 for at in pairs)


def _inquires(words: Sequence[str], clauses: Sequence[int], mark: str, requests: bool) -> float:
    if not words:
        return 0.0
    if words[0] in OPEN_QUESTION_WORDS:
        return 1.0
    if mark == "?" and words[0] in {"can", "may", "could"} and words[1:2] in (["i"], ["we"]):
        return 0.6  # "Can I pay by card?" asks a fact, "can I have it back?" a favour
    if requests or (mark != "?" and words[0] not in QUESTION_WORDS):
        return 0.0
    if words[0] in QUESTION_WORDS:
        return 1.0
    # "We had to call it off, is the deposit returned?": only its last clause asks.
    return clauses.count(clauses[-1]) / len(clauses)


def _marks(words: Sequence[str], clauses: Sequence[int]) -> list[tuple[int, bool]]:
    """For each word how far behind it a negator stands, and whether the text turns it down."""
    marks: list[tuple[int, bool]] = []
    negator = refusal = -1
    for at, word in enumerate(words):
        if at and clauses[at] != clauses[at - 1]:
            negator = refusal = -1
        if refusal >= 0 and (at - refusal > _NEGATION_REACH or word in {"just", "only"}):
            refusal = -1
        near = negator >= 0 and at - negator <= _NEGATION_REACH
        marks.append((at - negator if near else 0, refusal >= 0))
        if word in NEGATORS:
            negator = at
        wish = near and at - negator <= 3 and word in WISHES
        not_a = word in {"a", "an", "the", "about"} and words[at - 1 : at] == ["not"]
        phrase = any(
            _follows(words, at - len(refusal_) + 1, refusal_)
            for refusal_ in _REFUSALS_BY_LAST.get(word, ())
            if at >= len(refusal_) - 1
        )
        if wish or not_a or phrase:
            refusal = at
    return marks


@dataclass(frozen=True)
class Text:
    """One text, read once; every question about it is answered from what is found here."""

    raw: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> Text:
        """The texts one below the other, without the middle of what is too long to read."""
        joined = "\n\n".join(text for text in texts if text.strip())
        if len(joined) > HEAD + TAIL:
            joined = f"{joined[:HEAD]}\n\n{joined[-TAIL:]}"
        return cls(joined)

    @cached_property
    def lower(self) -> str:
        return _lower(self.raw)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @cached_property
    def _word_starts(self) -> list[int]:
        return [word.start for word in self.words]

    @cached_property
    def _sentence_starts(self) -> list[int]:
        return [sentence.start for sentence in self.sentences]

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(word.stem for word in self.words)

    def word_index(self, place: int) -> int:
        """The index of the first word that starts at or after `place`."""
        return bisect_right(self._word_starts, place - 1)

    def sentence_at(self, place: int) -> Sentence | None:
        index = bisect_right(self._sentence_starts, place) - 1
        return self.sentences[index] if index >= 0 else None

    def quote(self, start: int, end: int, limit: int = _QUOTE) -> str:
        """What stands there, whitespace folded, cut at a word when longer than `limit`."""
        quoted = fold(self.raw[start:end])
        if len(quoted) <= limit:
            return quoted
        cut = quoted[:limit]
        return cut[: cut.rfind(" ")] if " " in cut and limit > 20 else cut

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        found: list[Sentence] = []
        start = 0
        for end in self._ends():
            sentence = self._sentence(start, end)
            if sentence is not None:
                found.append(sentence)
            start = end
        return tuple(found)

    def _ends(self) -> list[int]:
        ends: list[int] = []
        for match in _BREAK.finditer(self.raw):
            if match.group().startswith("\n"):
                after = self.raw[match.end() : match.end() + 40].lstrip(" \t")
                wrapped = after[:1].islower() or (after[:1] and after[0] in "$€£")
                if wrapped and not after.startswith("\n"):
                    continue
            elif match.group() == "." and _ABBREVIATION.search(
                self.raw[max(0, match.start() - 8) : match.start()]
            ):
                continue
            ends.append(match.end())
        ends.append(len(self.raw))
        return ends

    def _sentence(self, start: int, end: int) -> Sentence | None:
        while start < end and self.raw[start].isspace():
            start += 1
        while end > start and self.raw[end - 1].isspace():
            end -= 1
        if start == end:
            return None
        found = list(_WORD.finditer(self.lower, start, end))
        texts = [match.group() for match in found]
        clauses: list[int] = []
        clause, previous = 0, start
        for match, text in zip(found, texts, strict=True):
            if clauses and (
                text in _CLAUSE_WORDS or _CLAUSE.search(self.lower, previous, match.start())
            ):
                clause += 1
            clauses.append(clause)
            previous = match.end()
        requests, asked = _requests(texts, clauses)
        marks = _marks(texts, clauses)
        named = _names([self.raw[m.start() : m.end()] for m in found])
        words = tuple(
            Word(
                m.start(),
                m.end(),
                text,
                stem(text),
                clauses[at],
                *marks[at],
                asked.get(at, 0),
                at in named,
            )
            for at, (m, text) in enumerate(zip(found, texts, strict=True))
        )
        return Sentence(
            start,
            end,
            words,
            requests=requests,
            inquires=_inquires(texts, clauses, self.raw[end - 1], requests),
            greets=len(texts) <= 4 and bool(GREETINGS & set(texts[:2])),
        )
