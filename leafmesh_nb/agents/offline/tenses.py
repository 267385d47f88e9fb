"""Whether a text tells of something as past, by the verbs around a place."""

from __future__ import annotations

from typing import Final

from leafmesh_nb.agents.offline.cues import clause_at
from leafmesh_nb.agents.offline.text import Text
from leafmesh_nb.agents.offline.words import word_set

_PAST: Final = word_set(
    "since had was were did ago bought arrived came sent received ordered paid charged visited "
    "called told started began got saw took been promised wrote spoke happened broke lost gave "
    "went said left picked dropped brought last found stopped noticed"
)
_AHEAD: Final = word_set(
    "will would can could please want wants like need needs book may shall going i'll we'll "
    "he'll she'll hope plan possible available free instead move reschedule until should due "
    "i'd we'd does is are do"
)


def tells_past(text: Text, place: int) -> bool:
    """Whether the clause at `place` has a past verb, and nothing that is to come."""
    sentence = text.sentence_at(place)
    if sentence is None:
        return False
    clause = clause_at(text, place)
    words = [w.text for w in sentence.words if w.clause == clause]
    return not _PAST.isdisjoint(words) and _AHEAD.isdisjoint(words)
