"""Which date of a text a field means: one that is wanted, one that has been, or any.

A field's name, and what the capability says of it, tell which. A wanted day is none that the text
tells of as past, and of a day that is moved to another the other is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from enum import Enum, auto
from typing import Final

from leafmesh_nb.agents.offline.amounts import Scored, refused
from leafmesh_nb.agents.offline.cues import Cues, around, clause_at, nearness
from leafmesh_nb.agents.offline.dates import Moment
from leafmesh_nb.agents.offline.definitions import definition_of
from leafmesh_nb.agents.offline.tenses import tells_past
from leafmesh_nb.agents.offline.text import Sentence, Text
from leafmesh_nb.agents.offline.words import word_set

_ROLES: Final = (
    (frozenset({"begin", "come"}), frozenset({"from", "since", "starting", "beginning"})),
    (frozenset({"end", "leave"}), frozenset({"until", "till", "to", "through", "ending"})),
    (frozenset({"debt", "late", "end"}), frozenset({"by", "before", "due", "deadline"})),
)
_AHEAD_NAMES: Final = word_set(
    "pickup delivery appointment visit due deadline booking wanted requested request preferred "
    "desired next planned collection arrival departure start checkin event return move moving "
    "needed required viewing meeting slot session"
)
_AHEAD_TOLD: Final = word_set(
    "want wants wanted wish wishes ask asks asked asking appointment visit deliver delivered come "
    "collect due planned next future should prefer prefers preferred requested book booked "
    "requests would like likes needs need"
)
_BEHIND_NAMES: Final = word_set(
    "incident purchase bought since accident loss birth last ordered invoice happened occurred "
    "reported received onset issued paid"
)
_BEHIND_TOLD: Final = word_set(
    "happened occurred bought purchased began since last past ago started broke paid sent"
)
_MOVES: Final = re.compile(
    r"\b(?:mov(?:e|ed|ing)|chang(?:e|ed|ing)|reschedul\w+|postpon\w+|push(?:ed)?|shift(?:ed)?"
    r"|switch(?:ed)?|swap(?:ped)?|bring|brought|put off|put back|instead)\b"
)
_CANNOT: Final = re.compile(
    r"(?:\b(?:can't|cannot|couldn't|won't|unable|not|no longer)\b[^.?!;,]{0,30}"
    r"|\b(?:except|anything but|instead of|rather than|other than)\b[^.?!;,]{0,12})\Z"
)
_HELD: Final = re.compile(
    r"\b(?:booked|scheduled|supposed|originally|planned|down|appointment|booking|reservation)\b"
    r"[^.?!;]{0,25}\Z"
)


class Aim(Enum):
    """When the day that a field means is."""

    AHEAD = auto()
    BEHIND = auto()
    ANY = auto()


def aim_of(cues: Cues, context: Sequence[str]) -> Aim:
    """By the field's name first, then by what `context` says of it."""
    named = set(cues.words)
    if named & _BEHIND_NAMES or "happen" in cues.families:
        return Aim.BEHIND
    if named & _AHEAD_NAMES:
        return Aim.AHEAD
    told = set(definition_of(cues.words, context))
    behind, ahead = len(told & _BEHIND_TOLD), len(told & _AHEAD_TOLD)
    if ahead > behind:
        return Aim.AHEAD
    return Aim.BEHIND if behind > ahead else Aim.ANY


def date_score(
    text: Text, candidate: Moment, cues: Cues, aim: Aim, today: date | None
) -> Scored | None:
    """How likely `candidate` is the day that a date field means; None where it cannot be."""
    start, end = candidate.start, candidate.end
    near = nearness(text, start, end, cues)
    score = 0.5 + 2.0 * near
    clause = clause_at(text, start)
    before = [w.text for w, d in around(text, start, end, 4) if d < 0 and w.clause == clause]
    role = any(
        not cues.families.isdisjoint(families) and not words.isdisjoint(before[-2:])
        for families, words in _ROLES
    )
    score += 0.8 if role else 0.0
    sentence = text.sentence_at(start)
    if not cues.specific and sentence is not None and sentence.requests:
        score += 0.4
    if refused(text, start):
        score -= 1.5
    past = _is_past(text, candidate, today)
    if aim is Aim.AHEAD and past:
        return None
    if aim is not Aim.BEHIND and sentence is not None:
        score -= 0.8 * past
        score += _moved(text, sentence, start, before)
    if aim is Aim.BEHIND:
        score += 0.8 * past
    return Scored(score - start * 1e-7, near > 0.15 or role)


def _is_past(text: Text, candidate: Moment, today: date | None) -> bool:
    """Whether the text tells of that day as of one that has been."""
    if today is not None and _is_dated(text, candidate):
        return False
    if today is not None and candidate.day < today:
        return True
    return tells_past(text, candidate.start)


def _is_dated(text: Text, candidate: Moment) -> bool:
    """Whether the day is told by figures or as one to come, not by a weekday alone."""
    told = text.lower[candidate.start : candidate.end]
    dated = any(c.isdigit() for c in told) and "ago" not in told and "since" not in told
    return dated or told.startswith(("tomorrow", "next", "coming"))


def _moved(text: Text, sentence: Sentence, start: int, before: Sequence[str]) -> float:
    """What a day wins or loses by being the one that another is moved to, or moved from."""
    ahead = text.lower[max(sentence.start, start - 60) : start]
    score = -1.5 if _CANNOT.search(ahead) else 0.0
    whole = text.lower[sentence.start : min(sentence.end, sentence.start + 600)]
    if _MOVES.search(whole):
        after = text.lower[start : min(sentence.end, start + 40)]
        score -= 0.9 * (before[-1:] == ["from"] or ("instead" not in after and _held(ahead)))
        score += 0.9 * (before[-1:] in (["to"], ["until"], ["till"]) or "instead" in after[:30])
    elif _held(ahead) and _MOVES.search(text.lower[sentence.end : sentence.end + 200]):
        score -= 0.9
    return score


def _held(ahead: str) -> bool:
    return _HELD.search(ahead) is not None
