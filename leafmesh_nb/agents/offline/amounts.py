"""Which number or amount of money of a text a field means.

Every candidate gets a score per field, `None` where it cannot be meant. The fields of one kind
share the candidates out among themselves, the surest pair first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leafmesh_nb.agents.offline.cues import Cues, around, clause_at, nearest, nearness
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.words import (
    ASKING_WORDS,
    IDENTIFIER_NAMES,
    MONEY_WORDS,
    REFUSALS,
    TOLD_WORDS,
    word_set,
)

_MONEY_STEMS: Final = frozenset(map(stem, MONEY_WORDS))
_ASKING_STEMS: Final = frozenset(map(stem, ASKING_WORDS))
_ASKED_FAMILIES: Final = frozenset({"refund", "request"})
_PERCENT_STEMS: Final = frozenset(
    map(stem, word_set("percent percentage rate discount share ratio"))
)
_SIGNED_STEMS: Final = frozenset(map(stem, word_set("balance net change difference delta profit")))
_WHOLES: Final = word_set("total altogether overall totalling totaling combined")
_WHOLE: Final = 0.6
_ASKED_REACH: Final = 24
_AMOUNT: Final = re.compile(r"[^.,;:!?\n\d]*\d")
_CORRECTIONS: Final = frozenset({"mean", "meant", "actually", "correction"})


@dataclass(frozen=True, slots=True)
class Scored:
    """How likely a candidate is meant; `related` when the field's name speaks for it."""

    score: float
    related: bool


def share_out(table: Sequence[Sequence[Scored | None]]) -> dict[int, int]:
    """Field index to candidate index, from a row of scores for each field.

    The surest pairs are made first, ties in the order of fields, then of candidates. No
    candidate is given twice.
    """
    pairs = sorted(
        (-scored.score, field, candidate)
        for field, row in enumerate(table)
        for candidate, scored in enumerate(row)
        if scored is not None
    )
    given: dict[int, int] = {}
    taken: set[int] = set()
    for _, field, candidate in pairs:
        if field not in given and candidate not in taken:
            given[field] = candidate
            taken.add(candidate)
    return given


def refused(text: Text, start: int) -> bool:
    """Whether "instead of", "rather than" or "not" stands right before."""
    before = [word.text for word, distance in around(text, start, start, 3) if distance < 0]
    return before[-1:] == ["not"] or any(
        tuple(before[-len(phrase) :]) == phrase for phrase in REFUSALS
    )


def _noun(text: Text, candidate: Quantity) -> Word | None:
    """The word that a number counts: "3 nights", "2 large boxes" (the first of them)."""
    at = text.word_index(candidate.end)
    words = text.words[at : at + 1]
    if not words or words[0].start - candidate.end > 2 or not words[0].content:
        return None
    return words[0] if text.raw[candidate.end : words[0].start].strip(" -") == "" else None


def money_score(text: Text, candidate: Quantity, cues: Cues) -> Scored | None:
    """How likely `candidate` is the amount that a money field means."""
    start, end = candidate.start, candidate.end
    near = nearness(text, start, end, cues)
    if candidate.kind is Kind.MONEY:
        score = 1.0
    elif candidate.kind in (Kind.PLAIN, Kind.YEAR):
        if not _bare_amount(text, candidate, near):
            return None
        score = 0.4 if candidate.kind is Kind.PLAIN else 0.1
    else:
        return None
    if candidate.value == 0:
        score -= 0.8
    score += 2.0 * near
    if not cues.specific or not cues.families.isdisjoint(_ASKED_FAMILIES):
        sentence = text.sentence_at(start)
        score += 1.2 * nearest(text, start, end, ASKING_WORDS)
        score += 0.5 if sentence is not None and sentence.requests else 0.0
        score += _reference(text, start, end)
        score -= 0.6 * nearest(text, start, end, TOLD_WORDS - set(cues.words))
        if _told_whole(text, start, end) and not _asks_for_another(text, start, end):
            score += _WHOLE
    if refused(text, start):
        score -= 1.5
    if any(w.text in _CORRECTIONS and -4 <= d < 0 for w, d in around(text, start, end)):
        score += 2.5
    return Scored(score - start * 1e-7, near > 0.15)


def _told_whole(text: Text, start: int, end: int) -> bool:
    """ "45 in all": the whole, of which other amounts are parts."""
    clause = clause_at(text, start)
    close = [w.text for w, d in around(text, start, end, 3) if w.clause == clause]
    return not _WHOLES.isdisjoint(close) or ("in all" in text.lower[end : end + 8])


def _asks_for_another(text: Text, start: int, end: int) -> bool:
    """Whether a request names an amount elsewhere: "please refund the $40"."""
    asked = (
        (word.end, word.end + _ASKED_REACH)
        for sentence in text.sentences[:50]
        if sentence.requests
        for word in sentence.words
        if word.text in ASKING_WORDS
    )
    return any(
        _AMOUNT.match(text.lower, first, last) and not start - _ASKED_REACH < first <= end
        for first, last in asked
    )


def _bare_amount(text: Text, candidate: Quantity, near: float) -> bool:
    """Whether a number without a currency's mark is money: "49.99", "charged me 620"."""
    places = candidate.value.as_tuple().exponent
    noun = _noun(text, candidate)
    if noun is not None and noun.stem not in _MONEY_STEMS:
        return False
    if (places == -2 and not candidate.spelled) or text.lower[candidate.end - 1] == "k":
        return True
    if candidate.spelled and candidate.value < 20:
        return False
    close = any(
        word.stem in _MONEY_STEMS and abs(distance) <= 4
        for word, distance in around(text, candidate.start, candidate.end)
    )
    return close or near >= 0.5


def _reference(text: Text, start: int, end: int) -> float:
    """Nearness to what a request names that has no amount in it: "please refund the shipping"."""
    wanted: set[str] = set()
    here = text.sentence_at(start)
    for sentence in text.sentences[:50]:
        if not sentence.requests or sentence is here:
            continue
        wanted.update(
            word.stem
            for word in sentence.words
            if word.content and word.stem not in _ASKING_STEMS and word.stem not in _MONEY_STEMS
        )
    return 0.8 * nearest(text, start, end, frozenset(wanted)) if wanted else 0.0


def number_score(text: Text, candidate: Quantity, cues: Cues, optional: bool) -> Scored | None:
    """How likely `candidate` is the number that an integer or number field means."""
    names = cues.words[-1:] and cues.words[-1] in IDENTIFIER_NAMES
    percent = not cues.stems.isdisjoint(_PERCENT_STEMS)
    year = "year" in cues.words
    allowed = {Kind.PLAIN}
    allowed |= {Kind.NAME} if names and cues.specific else set()
    allowed |= {Kind.PERCENT} if percent or not cues.specific else set()
    allowed |= {Kind.YEAR} if year or not cues.specific else set()
    near = nearness(text, candidate.start, candidate.end, cues)
    noun = _noun(text, candidate)
    counted = noun is not None and cues.match(noun) > 0
    # "in my 5th semester"
    allowed |= {Kind.ORDINAL} if counted else set()
    if candidate.kind not in allowed:
        return None
    score = 0.3 + 2.0 * near + (1.5 if counted else 0.0)
    if (percent and candidate.kind is Kind.PERCENT) or (year and candidate.kind is Kind.YEAR):
        score += 1.0
    related = near > 0.15 or counted
    if noun is not None and not counted:
        score -= 1.0
        related = related and near >= 0.75
    if candidate.spelled and candidate.value == 1 and not counted:
        # "the one that broke" counts nothing.
        return None
    if cues.specific and not related and (optional or noun is not None):
        return None
    if refused(text, candidate.start):
        score -= 3.0
    if _changed(text, candidate):
        score += 0.6
    return Scored(score - candidate.start * 1e-7, related)


def _changed(text: Text, candidate: Quantity) -> bool:
    """ "from one night to three nights": what it changes to is what is meant."""
    before = [w.text for w, d in around(text, candidate.start, candidate.start, 6) if d < 0]
    return before[-1:] == ["to"] and "from" in before


def money_text(value: Decimal, cues: Cues) -> str:
    """Plain decimal text; a minus sign only where the name speaks of a balance."""
    signed = not cues.stems.isdisjoint(_SIGNED_STEMS) or not _SIGNED_STEMS.isdisjoint(
        map(stem, cues.words)
    )
    return format(value if signed else abs(value), "f")
