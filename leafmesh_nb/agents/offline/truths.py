"""Whether a text says that something is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leafmesh_nb.agents.offline import scales
from leafmesh_nb.agents.offline.cues import Cues
from leafmesh_nb.agents.offline.definitions import alternatives_of
from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.meaning import keys_of
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.topics import Topic, mentions, topic_of
from leafmesh_nb.agents.offline.words import AFFIRMATIONS, BOOLEAN_LEADS, DENIALS

_NEAR: Final = 6
_ANSWER: Final = 12
_MOST: Final = 200
_DENIED: Final = 4
_UN: Final = ("un", "in", "non", "dis", "im")


@dataclass(frozen=True, slots=True)
class Truth:
    """`value` is None where the text says nothing either way."""

    value: bool | None
    evidence: str


def truth(text: Text, cues: Cues, context: Sequence[str] = ()) -> Truth:
    """By the words of the field's name and whether they are negated, then by a yes or no.

    Where they say nothing, by what `context` lists in defining the field.
    """
    said = _by_name(text, cues)
    if said.value:
        return said
    listed = _listed(text, alternatives_of(_told(cues), context))
    if listed is None:
        return said
    return listed if said.value is None else said


def _told(cues: Cues) -> tuple[str, ...]:
    words = tuple(word for word in cues.words if word not in BOOLEAN_LEADS)
    return words or cues.words


def _listed(text: Text, alternatives: Sequence[frozenset[str]]) -> Truth | None:
    """The sentence in which all the words of one alternative stand, and are not denied."""
    for sentence in text.sentences[:_MOST]:
        said = {w.stem for w in sentence.words if not w.refused and not 0 < w.negated <= _DENIED}
        if sentence.inquires < 1 and any(alternative <= said for alternative in alternatives):
            return Truth(True, text.quote(sentence.start, sentence.end, 160))
    return None


def _by_name(text: Text, cues: Cues) -> Truth:
    if scales.is_urgency(cues.name):
        level, words = scales.pressure(text)
        # The name's own words are among its cues, where they are meant.
        return Truth(level > 0, words) if level else _answer(text)
    votes: list[tuple[bool, Word]] = []
    for sentence in text.sentences:
        votes += _votes(sentence.words, cues)
        if len(votes) > 200:
            break
    direct = [(value, word) for value, word in votes if word.stem in cues.stems]
    topic = topic_of(cues.words) if not direct else None
    if topic is not None:
        said = _spoken_of(text, topic)
        if said.value is not None:
            return said
    votes = direct or votes
    if votes:
        against = [word for value, word in votes if not value]
        favour = [word for value, word in votes if value]
        if len(against) == len(favour):
            value, word = votes[-1]
        else:
            value = len(favour) > len(against)
            word = (favour if value else against)[0]
        sentence_at = text.sentence_at(word.start)
        assert sentence_at is not None
        return Truth(value, text.quote(sentence_at.start, sentence_at.end, 160))
    return _answer(text)


def _spoken_of(text: Text, topic: Topic) -> Truth:
    """Whether the text speaks of the topic more than it denies it."""
    found = list(mentions(text, topic))
    if not found:
        return Truth(None, "")
    balance = sum(m.weight if m.affirmed else -m.weight for m in found)
    value = balance > 0
    at = next((m.start for m in found if m.affirmed == value), found[0].start)
    sentence = text.sentence_at(at)
    assert sentence is not None
    return Truth(value, text.quote(sentence.start, sentence.end, 160))


def _votes(words: tuple[Word, ...], cues: Cues) -> list[tuple[bool, Word]]:
    """The words of one sentence that speak for (or, negated, against) the field."""
    if not cues.stems:
        return []
    hits: list[tuple[int, Word, str, bool]] = []
    for at, word in enumerate(words):
        key, turned = _hit(word.stem, cues)
        if key:
            hits.append((at, word, key, turned))
    places = {word.start: at for at, word in enumerate(words)}
    for phrase, first, _, _ in keys_of(words):
        key, _ = _hit(phrase, cues) if "_" in phrase else ("", False)
        if key:
            hits.append((places[first.start], first, key, False))
    if not any(key in cues.stems for _, _, key, _ in hits) and len(cues.stems) > 1:
        return []
    needed = len(cues.stems) if len(cues.stems) <= 2 else len(cues.stems) - 1
    votes: list[tuple[bool, Word]] = []
    for at, word, _, turned in hits:
        close = [h for h in hits if abs(h[0] - at) <= _NEAR]
        if needed > 1 and len({h[2] for h in close}) < needed:
            continue
        denied = turned or word.refused or 0 < word.negated <= 4
        votes.append((not denied, word))
    return votes


def _hit(stem: str, cues: Cues) -> tuple[str, bool]:
    """Which of the name's stems a stem or phrase stands for ("" for none), and if turned round.

    A family's other words stand for a stem that gives the family its name, and for any stem of
    a name of several words.
    """
    if stem in cues.stems:
        return stem, False
    for prefix in _UN:
        if stem.startswith(prefix) and stem[len(prefix) :] in cues.stems:
            return stem[len(prefix) :], True
    known = families_of()
    names = known.get(stem, ())
    for key in sorted(cues.stems):
        shared = [name for name in known.get(key, ()) if name in names]
        heads = [name for name in shared if name == key or known.get(key, ())[0] == name]
        if heads and (len(cues.stems) > 1 or len(names) == 1):
            return f"~{key}", False
    return "", False


def _answer(text: Text) -> Truth:
    """A text that opens with yes or no is an answer."""
    words = text.words
    if not words:
        return Truth(None, "")
    first = words[0]
    comma = text.raw[first.end : first.end + 1] in {",", ".", "!", ";", ""}
    if comma or len(words) <= _ANSWER:
        evidence = text.quote(first.start, first.end)
        if first.text in AFFIRMATIONS:
            return Truth(True, evidence)
        if first.text in DENIALS:
            return Truth(False, evidence)
    return Truth(None, "")
