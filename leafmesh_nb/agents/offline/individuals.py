"""How many of a kind a text speaks of where it gives no number: "my van", "the sofa and a lamp".

Counted are nouns with an article or a possessive, what an "and" joins to them, and names joined
the same way. A plural without a number leaves the count unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from leafmesh_nb.agents.offline.names import joined_names, one_named
from leafmesh_nb.agents.offline.nouns import is_apart, is_under, is_wide, nouns
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Sentence, Text, Word
from leafmesh_nb.agents.offline.things import MEASURES, is_abstract, is_kind, is_plural, kinds_of
from leafmesh_nb.agents.offline.words import word_set

#: Scores on the scale of `counts`: a number that counts a thing of the kind has 2 (4 where it
#: stands by the field's own word), one before a noun that nothing is known of has 1.
_JOINED: Final = 4.2
_BOTH: Final = 1.6
_ONE: Final = 1.4
_NAMED: Final = 1.2

_ARTICLES: Final = word_set("a an one single another")
_OWN: Final = word_set("my our his her their")
_DEFINITE: Final = word_set("the this that") | _OWN
_PLURAL_LEADS: Final = word_set("the these those some several many all few any") | _OWN
_AND: Final = re.compile(r"\band\b|&|\bplus\b|\bas well as\b|\+")
_BETWEEN: Final = word_set("and plus also both as well")
_MODIFIERS: Final = 3
_ATTRIBUTES: Final = MEASURES | word_set("old yo yr yrs aged")
_ATTRIBUTE: Final = re.compile(
    r"-[^\W\d]|\s(?:1/2\s)?(?:year|yr|month|week|day)s?[\s-]olds?\b|\s?(?:"
    + "|".join(sorted(MEASURES - {"x", "m", "g", "t", "h", "l"}, key=len, reverse=True))
    + r"|yo|yrs?|[mgthl])\b"
)
#: Births of several.
_SIBLINGS: Final = (("twins", 2), ("triplets", 3), ("quadruplets", 4))
#: What stands behind a noun that only says which: "the car park", "our dog food".
_HEADS: Final = word_set(
    "food park insurance hire rental wash show seat door key keys owner owners licence license bed "
    "shop school club fee fees bill policy test lesson lessons size service number card rack room "
    "market trade race ride hair care"
)
#: Words for people among whom the writer may be: "my wife" says nothing of how many guests come.
_PARTY: Final = frozenset(
    map(
        stem,
        word_set(
            "guest person people visitor traveller traveler passenger participant attendee adult "
            "head pax delegate diner occupant individual member resident tenant"
        ),
    )
)
#: What `items` and `pieces` may be.
_GOODS: Final = word_set("box furniture machine instrument medium clothing plant vehicle opening")
#: Kinds whose nouns are no words for one another: a cat is no dog, but a case may be a bag.
_SPECIES: Final = word_set("person animal vehicle clothing furniture instrument")
#: Nouns of things that come in any number.
_MASSES: Final = frozenset(
    map(
        stem,
        word_set(
            "load freight cargo delivery luggage baggage crew staff furniture clothing shipment "
            "equipment consignment transport family team group class order public"
        ),
    )
)
_BOTH_OF: Final = re.compile(
    r"\bboth (?:of (?:them|the|my|our|these|those)|my|our|the|are|were|have|had|need|seem|got|do)\b"
    r"|\b(?:them|they|we|us|are|were) both\b|\bthe two of (?:them|us)\b|\bthe pair of them\b"
)
_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Implied:
    """A count that no number gives, and how sure it is."""

    quantity: Quantity
    score: float


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A noun of the kind with what leads it; `count` is None for a plural without a number."""

    first: Word
    last: Word
    count: int | None
    #: It says that one is meant, not the kind in general.
    definite: bool


def implied(text: Text, thing: str, numbers: tuple[Quantity, ...]) -> Implied | None:
    """How many of `thing` (a stem) there are by what is named; None where the text tells nothing.

    `numbers` are those that the text gives: "two vans and a trailer" are three vehicles.
    """
    if thing and not kinds_of(thing):
        return None
    phrases: list[_Phrase] = []
    best: Implied | None = None
    for sentence in text.sentences[:_MOST]:
        found = list(_phrases(text, sentence, thing, numbers))
        phrases += found
        for group in _groups(text, found, thing, sentence):
            joined = None if _counted_apart(found, group, thing) else _sum(group)
            if joined and (best is None or joined > best.quantity.value):
                best = _implied(group[0].first.start, group[-1].last.end, joined, _JOINED)
    if best is not None or not thing:
        return best
    animate = bool(kinds_of(thing) & {"person", "animal"})
    if animate and (named := joined_names(text)):
        return _implied(*named, _BOTH)
    for word, siblings in _SIBLINGS if animate and not phrases else ():
        told = text.lower.find(word)
        if told >= 0:
            return _implied(told, told + len(word), siblings, _BOTH)
    both = _BOTH_OF.search(text.lower)
    if both and (phrases or animate):
        return _implied(*both.span(), 2, _BOTH)
    pair = next((p for p in phrases if p.first.text == "both"), None)
    if pair is not None:
        return _implied(pair.first.start, pair.last.end, 2, _BOTH)
    # "The dessert was late" speaks of no single portion.
    loose = "food" in kinds_of(thing)
    ones = [p for p in phrases if p.count == 1 and (not loose or p.last.stem == thing)]
    vague = [p for p in phrases if p.count is None and p.definite]
    if vague:
        return None
    if ones:
        if thing in _PARTY and not any(p.last.stem == thing or is_kind(p.last.stem) for p in ones):
            return None
        surest = next((p for p in ones if p.definite), ones[0])
        return _implied(surest.first.start, surest.last.end, max(1, _owned(ones)), _ONE)
    if phrases or not animate or thing in _PARTY:
        return None
    alone = one_named(text)
    return _implied(*alone, 1, _NAMED) if alone else None


def _implied(start: int, end: int, count: int, score: float) -> Implied:
    return Implied(Quantity(start, end, Decimal(count), Kind.PLAIN, spelled=True), score)


def _is_one_of(noun: str, thing: str) -> bool:
    """Whether a thing called `noun` is one of those that `thing` counts."""
    if noun == thing or is_under(noun, thing):
        return True
    kinds = kinds_of(noun)
    if not thing:
        return bool(kinds & _GOODS)
    if is_wide(thing) and not is_kind(thing) and kinds & _SPECIES and is_apart(noun, thing):
        return False
    return bool(kinds & kinds_of(thing))


def _phrases(
    text: Text, sentence: Sentence, thing: str, numbers: tuple[Quantity, ...]
) -> Iterator[_Phrase]:
    words = sentence.words
    counted = _counters(text, numbers)
    for at, word in enumerate(words):
        if not word.content or word.refused or word.stem in _MASSES:
            continue
        pair = f"{words[at - 1].stem}_{word.stem}" if at else ""
        if not (_is_one_of(word.stem, thing) or (pair in nouns() and _is_one_of(pair, thing))):
            continue
        if _only_says_which(text, words, at):
            continue
        lead = _lead(text, words, at, counted)
        before = words[lead - 1] if lead else None
        counts = before is not None and before.start in counted
        number = _number_at(words[lead - 1 : at], numbers) if counts else None
        if number is not None and before is not None:
            if number.value == number.value.to_integral_value():
                yield _Phrase(before, word, int(number.value), True)
            continue
        if before is not None and before.text in {"no", "without"}:
            continue
        if before is not None and before.text == "both":
            yield _Phrase(before, word, 2, True)
            continue
        if is_plural(word.text):
            definite = before is not None and before.text in _PLURAL_LEADS
            yield _Phrase(before if before and definite else word, word, None, definite)
        elif before is not None and before.text in _ARTICLES | _DEFINITE:
            yield _Phrase(before, word, 1, before.text in _DEFINITE)
        elif before is not None and before.content and before.text.endswith("'s"):
            yield _Phrase(before, word, 1, True)
        elif before is None or before.text == "and":
            yield _Phrase(words[lead], word, 1, False)


def _only_says_which(text: Text, words: tuple[Word, ...], at: int) -> bool:
    if at + 1 == len(words):
        return False
    following = words[at + 1]
    if text.raw[words[at].end : following.start] not in {" ", "-"}:
        return False
    return (
        following.text in _HEADS
        or bool(kinds_of(following.stem) and not is_plural(words[at].text))
        or (is_abstract(following.stem) and not following.text.endswith("ed"))
    )


def _lead(text: Text, words: tuple[Word, ...], at: int, counted: set[int]) -> int:
    """The index of the first word that belongs to the noun, its article or number not counted."""
    lead, adjectives = at, 0
    while lead and adjectives < _MODIFIERS:
        before = words[lead - 1]
        gap = text.raw[before.end : words[lead].start]
        listed = gap.strip(" -") == "," and not kinds_of(before.stem)
        if before.start in counted or (gap.strip(" -/") and not listed):
            break
        # "My 3 year old son", "the 2016 van": the number is one of its attributes.
        attribute = before.text[0].isdigit() or before.text in _ATTRIBUTES
        owner = before.text.endswith("'s")
        if not attribute and (not before.content or owner or is_plural(before.text)):
            break
        adjectives += not attribute
        lead -= 1
    return lead


def _counters(text: Text, numbers: tuple[Quantity, ...]) -> set[int]:
    """Where the numbers begin that may count a noun: none that measures, dates or hyphenates."""
    return {
        q.start for q in numbers if q.kind is Kind.PLAIN and not _ATTRIBUTE.match(text.lower, q.end)
    }


def _number_at(words: tuple[Word, ...], numbers: tuple[Quantity, ...]) -> Quantity | None:
    if not words:
        return None
    return next(
        (
            q
            for q in numbers
            if q.kind is Kind.PLAIN and q.start <= words[0].start and q.end == words[0].end
        ),
        None,
    )


def _groups(
    text: Text, phrases: list[_Phrase], thing: str, sentence: Sentence
) -> Iterator[list[_Phrase]]:
    """Phrases that an "and" joins: "two chairs, a lamp and the table"."""
    group: list[_Phrase] = []
    for phrase in phrases:
        if group and not _joins(text, group[-1], phrase):
            yield from _whole(text, group, thing, sentence)
            group = []
        group.append(phrase)
    yield from _whole(text, group, thing, sentence)


def _whole(
    text: Text, group: list[_Phrase], thing: str, sentence: Sentence
) -> Iterator[list[_Phrase]]:
    if not group:
        return
    person = "person" in kinds_of(thing) or is_kind(thing)
    if person and "person" in kinds_of(group[-1].last.stem):
        group = [*_writer(text, group, sentence), *group]
    if len(group) > 1:
        between = text.lower[group[0].last.end : group[-1].first.end]
        if _AND.search(between) or _AND.search(text.lower, group[0].first.start, group[0].last.end):
            yield group


def _writer(text: Text, group: list[_Phrase], sentence: Sentence) -> Iterator[_Phrase]:
    """ "My wife and I", "me and my son"."""
    at = text.word_index(group[-1].last.end)
    after = [w for w in text.words[at : at + 2] if w.end <= sentence.end]
    first = text.word_index(group[0].first.start)
    before = [w for w in text.words[max(0, first - 2) : first] if w.start >= sentence.start]
    for pair, writer in ((after, after[-1:]), (before, before[:1])):
        if (
            len(pair) == 2
            and "and" in {w.text for w in pair}
            and writer[0].text
            in {
                "i",
                "me",
                "myself",
            }
        ):
            yield _Phrase(pair[0], pair[1], 1, True)


def _joins(text: Text, one: _Phrase, other: _Phrase) -> bool:
    if one.last.start >= other.first.start:
        return False
    first, last = text.word_index(one.last.end), text.word_index(other.first.start)
    gap = text.raw[one.last.end : other.first.start]
    if re.search(r"[.;:!?]", gap) or not (_AND.search(gap.lower()) or "," in gap):
        return other.first.text == "and"
    return all(
        w.text in _BETWEEN or w.text.isdigit() or text.raw[w.start].isupper()
        for w in text.words[first:last]
    )


def _owned(ones: list[_Phrase]) -> int:
    """ "My son ... our daughter": the writer's own, told apart by nouns none of which is wider."""
    heads = {p.last.stem for p in ones if p.first.text in {"my", "our"}}
    return sum(
        not is_kind(head) and not any(is_under(other, head) for other in heads) for head in heads
    )


def _counted_apart(phrases: list[_Phrase], group: list[_Phrase], thing: str) -> bool:
    """ "Five guests, two of them children and one a baby": the sum is told already."""
    return any(
        p.last.stem == thing and p.count is not None and p.count > 1 and p not in group
        for p in phrases
    )


def _sum(group: list[_Phrase]) -> int | None:
    counts = [p.count for p in group]
    known = [c for c in counts if c is not None]
    if len(known) < len(counts):
        return None
    for total, rest in ((known[0], known[1:]), (known[-1], known[:-1])):
        if len(rest) > 1 and total == sum(rest):
            return total  # "five people, two adults and three children"
    return sum(known)
