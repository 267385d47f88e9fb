"""Which number of a text says how many there are of what a field counts.

A text seldom uses the field's own word: it says "14 crates" where the field asks for parcels. So
the noun that a number counts is weighed by its kind, and numbers that measure, date or name
something are left out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from leafmesh_nb.agents.offline.amounts import Scored, number_score
from leafmesh_nb.agents.offline.cues import Cues, clause_at
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.things import is_abstract, is_measure, is_plural, kinds_of, likeness
from leafmesh_nb.agents.offline.words import word_set

#: A noun is looked for so many words behind its number: "3 large wooden garden chairs".
_REACH: Final = 5
_TIES: Final = re.compile(r"[\s\u00a0]+|-|\s?[x\u00d7]\s?")
_LINKS: Final = word_set("of the our my your their his her these those more such other x new")
_PRONOUNS: Final = word_set("them us these those which whom it you")
_PARTS: Final = word_set("other others another remaining last first only")
_STOPS: Final = word_set(
    "and or but for in on at by to from with is are was were has have had will would can could "
    "that who which where when if then than as so because since until till this please not do does"
)
_BARE_AFTER: Final = word_set("have has had need needs want take order make are be get got of")
_TOTALS: Final = word_set("total altogether overall")
_EACH: Final = word_set("each per every apiece")
_PAST: Final = word_set("last previous previously before usually normally earlier originally")
#: The score from which a number stands right by the field's own word.
_OWN_WORD: Final = 1.8
_MERE_NUMBER: Final = 3.0
#: In an answer of so few words a number needs no noun.
_TERSE: Final = 3


def number_or_count(
    text: Text, candidate: Quantity, cues: Cues, optional: bool, thing: str | None
) -> Scored | None:
    """How likely `candidate` is what an integer or number field means.

    `thing` is what the field counts, None when it does not count. Its own word says most, then
    other nouns of its kind; a mere number says hardly anything.
    """
    scored = number_score(text, candidate, cues, optional)
    if thing is None:
        return scored
    if scored and scored.related and scored.score > _OWN_WORD:
        at = text.word_index(candidate.end)
        return replace(scored, score=scored.score + _surroundings(text, candidate, at))
    counted = count_score(text, candidate, thing)
    if scored and scored.related:
        return max(scored, counted or scored, key=lambda found: found.score)
    if counted is not None:
        return counted
    if scored is None or (optional and len(text.words) > _TERSE):
        return None
    return replace(scored, score=scored.score - _MERE_NUMBER)


def count_score(text: Text, candidate: Quantity, thing: str) -> Scored | None:
    """How likely `candidate` is the number of `thing` (a stem, "" for anything)."""
    value = candidate.value
    if candidate.kind is not Kind.PLAIN or value != value.to_integral_value() or value < 0:
        return None
    at = text.word_index(candidate.end)
    if _attribute(text, candidate, at):
        return None
    noun, part = _noun(text, candidate, at)
    if noun is None:
        bare = _bare(text, candidate, at)
        if bare is None or value == 1:
            return None
        score = bare
    else:
        like = likeness(thing, noun.stem)
        if noun.named or is_measure(noun.text) or (like < 1 and is_abstract(noun.stem)):
            return None
        if (thing and like < 0) or (value == 1 and like <= 0):
            return None
        score = 1.0 + like
    score -= 0.8 if part else 0.0
    score += _surroundings(text, candidate, at)
    return Scored(score - candidate.start * 1e-7, related=True)


def _attribute(text: Text, candidate: Quantity, at: int) -> bool:
    """Whether the number is part of another word or size: "three-course", "120 x 80"."""
    after = text.lower[candidate.end : candidate.end + 4]
    before = text.lower[max(0, candidate.start - 3) : candidate.start]
    if re.match(r"-[^\W\d]", after) or re.match(r"\s?[x\u00d7]\s?\d", after):
        return True
    if re.search(r"\d\s?[x\u00d7]\s?\Z", before):
        return True
    following = text.words[at : at + 1]
    gap = text.raw[candidate.end : following[0].start] if following else ""
    return (
        bool(following)
        and len(gap) <= 2
        and is_measure(following[0].text)
        and (following[0].text != "x")
    )


def _noun(text: Text, candidate: Quantity, at: int) -> tuple[Word | None, bool]:
    """The noun that a number counts, and whether it is a part of them: "two of our people"."""
    place = candidate.end
    part = False
    guess: Word | None = None
    for step, word in enumerate(text.words[at : at + _REACH]):
        if not _TIES.fullmatch(text.raw, place, word.start) or word.text in _STOPS:
            break
        place = word.end
        if word.text == "of" and step == 0:
            part = text.words[at - 1 : at] != () and text.words[at - 1].text not in {
                "dozen",
                "couple",
                "pair",
            }
        if word.text.isdigit() or (step and not word.content and word.text not in _LINKS):
            break
        if word.text in _LINKS or not word.content:
            continue
        if is_plural(word.text) or (candidate.value == 1 and kinds_of(word.stem)):
            guess = word
            following = text.words[at + step + 1 : at + step + 2]
            # "two sales people", "40 sports cars": the last of the nouns is the one counted.
            if following and is_plural(following[0].text) and following[0].start - word.end == 1:
                continue
            break
    return guess, part


def _bare(text: Text, candidate: Quantity, at: int) -> float | None:
    """The score of a number whose noun was said before: "8 of them", "we have five"."""
    following = [w.text for w in text.words[at : at + 2]]
    if following[:1] == ["of"] and following[1:2] and following[1] in _PRONOUNS:
        return 1.2 if following[1] == "us" else 0.6
    first = text.word_index(candidate.start)
    before = text.words[first - 1 : first]
    if before and before[0].text == "all":
        return 0.9  # "all three were late"
    if not before or before[0].text not in _BARE_AFTER:
        return None
    closed = not following or re.match(r"\s*[.,;!?)\n]|\s*$", text.raw[candidate.end :][:3])
    joined = bool(following) and following[0] in _STOPS - {"and", "or"}
    return 0.4 if closed or joined else None


def _surroundings(text: Text, candidate: Quantity, at: int) -> float:
    first = text.word_index(candidate.start)
    sentence = text.sentence_at(candidate.start)
    start = sentence.start if sentence else 0
    end = sentence.end if sentence else len(text.raw)
    before = [w.text for w in text.words[max(0, first - 4) : first] if w.start >= start]
    clause = clause_at(text, candidate.start)
    after = [w.text for w in text.words[at : at + 5] if w.end <= end and w.clause == clause]
    score = 0.0
    if (
        not _TOTALS.isdisjoint(before)
        or not _TOTALS.isdisjoint(after)
        or after[1:3]
        == [
            "in",
            "all",
        ]
    ):
        score += 1.0
    if before[-1:] and before[-1] in _PARTS:
        score -= 0.5
    if not _EACH.isdisjoint(after[:4]):
        score -= 0.6
    if not _PAST.isdisjoint(before):
        score -= 0.3
    if before[-1:] == ["not"] or before[-2:] in (["instead", "of"], ["rather", "than"]):
        score -= 3.0
    if before[-1:] == ["to"] and "from" in before:
        score += 0.6
    if before[-1:] == ["from"] and "to" in after[:3]:
        score -= 0.6
    if sentence is not None and sentence.requests:
        score += 0.1
    return score
