"""Individuals that a text calls by their names, or by "he" and "she" alone."""

from __future__ import annotations

import re
from typing import Final

from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.things import kinds_of
from leafmesh_nb.agents.offline.words import FUNCTION_WORDS, MONTHS, WEEKDAYS, word_set

_TITLES: Final = word_set("dr mr mrs ms miss prof sir madam st saint")
_NAME_LEADS: Final = word_set(
    "for with about bring bringing brought take taking took my our old little poor is does did has "
    "was will can could that when if as because while but book get see give collect fetch enrol "
    "enroll register let have excuse send"
)
_NAME: Final = r"[A-Z][^\W\d_A-Z]+"
_NAMES: Final = re.compile(rf"\b{_NAME}(?:, {_NAME}){{0,8}},? (?:and|&) {_NAME}\b")
_DOES: Final = re.compile(
    r"(?:'s)? (?:has|is|was|needs?|had|won't|will|can|can't|cannot|keeps?|got|did|doesn't|didn't"
    r"|isn't|seems|started|refuses|still|just|lost|broke)\b"
)
_SHE: Final = word_set("he she him her his hers himself herself")
_MOST: Final = 400


def joined_names(text: Text) -> tuple[int, int, int] | None:
    """ "Tom, Lisa and Max": names of individuals, not of days, places or firms, nor a signature.

    Their start, end and number.
    """
    for match in list(_NAMES.finditer(text.raw))[:_MOST]:
        start, end = match.span()
        sentence = text.sentence_at(start)
        if sentence is None or sentence.greets or len(sentence.words) <= 4:
            continue
        at = text.word_index(start)
        lead = text.words[at - 1].text if at and text.words[at - 1].start >= sentence.start else ""
        if lead in _TITLES | word_set("in to from between near at of dear team thanks regards"):
            continue
        names = [w for w in text.words[at : text.word_index(end)] if w.text != "and"]
        opens = start == sentence.start
        if len(names) > 1 and all(map(_may_name, names)) and not (opens and _known(names[0])):
            return start, end, len(names)
    return None


def one_named(text: Text) -> tuple[int, int] | None:
    """ "Can you see her today?", "an appointment for Milo"."""
    for sentence in text.sentences[:_MOST]:
        if sentence.greets:
            continue
        for at, word in enumerate(sentence.words):
            if word.text in _SHE:
                return word.start, word.end
            named = re.fullmatch(_NAME, text.raw[word.start : word.end]) and _may_name(word)
            led = at > 0 and sentence.words[at - 1].text in _NAME_LEADS
            opens = at == 0 and bool(_DOES.match(text.lower, word.end))
            if (led or opens) and named and not _known(word):
                return word.start, word.end
    return None


def _may_name(word: Word) -> bool:
    return (
        word.text not in FUNCTION_WORDS
        and word.text not in WEEKDAYS
        and word.text not in MONTHS
        and word.text not in _TITLES
    )


def _known(word: Word) -> bool:
    """Whether it is a word with a meaning of its own, that only opens its sentence."""
    return word.stem in families_of() or bool(kinds_of(word.stem))
