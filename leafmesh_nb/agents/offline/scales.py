"""Values that are steps of one scale: low, normal, high.

No example need say what is urgent: a text that presses is read high on such a scale, one that
waves it off low, and any other in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from leafmesh_nb.agents.offline.families import families_of
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.words import word_set

_STEPS: Final[dict[str, int]] = {
    name: step
    for step, names in (
        (-2, "none lowest trivial negligible p5"),
        (-1, "low lower minor small slight relaxed easy p4"),
        (0, "normal medium moderate regular standard average routine ordinary mid neutral p3"),
        (1, "high higher major urgent important elevated serious p2"),
        (2, "critical severe highest extreme emergency blocker immediate p1"),
    )
    for name in names.split()
}

_PRESSING: Final = (
    "urgent urgently urgency asap immediately immediate emergency critical critically "
    "instantly desperate desperately pressing deadline severe severely serious seriously "
    "right_away at_once as_soon_as_possible straight_away right_now without_delay cannot_wait "
    "can't_wait important danger dangerous blocked stuck hurry emergencies "
    "as_quickly_as_possible as_fast_as_possible this_minute this_instant won't_wait too_late"
)
_WAVED_OFF: Final = (
    "no_hurry no_rush not_urgent isn't_urgent not_in_a_hurry whenever_you whenever_it minor "
    "trivial nice_to_have someday eventually no_pressure when_you_can not_important low_priority "
    "take_your_time at_some_point small_thing cosmetic curious just_wondering"
)
_PRESSING_CUES: Final = tuple(tuple(cue.split("_")) for cue in _PRESSING.split())
_WAVING_CUES: Final = tuple(tuple(cue.split("_")) for cue in _WAVED_OFF.split())
#: Emergencies of people, animals, houses and vehicles, which nobody need call urgent.
_EVENTS: Final = re.compile(
    r"\b(?:bleed(?:s|ing)|unconscious|unresponsive|collaps(?:ed|es|ing)|gasping|chok(?:ing|es|ed)"
    r"|(?:can't|cannot|can not|can hardly|hardly|not|struggling to|trouble|difficulty|barely)"
    r" breath(?:e|ing)|seizures?|convuls\w+|poison(?:ed|ing)?|swallowed|overdose|chest pains?"
    r"|heart attack|faint(?:ed|ing)|hit by an?|run over|electrocuted|on fire|smoke|gas leak"
    r"|smell(?:s|ing)? (?:of )?gas|flood(?:ing|ed)|burst|(?:pouring|gushing)|sparks?|sparking"
    r"|explo(?:ded|des|sion)|trapped|locked (?:in|out)|stranded|in agony"
    r"|(?:severe|terrible|unbearable) pain|dying|getting worse|worse (?:by the|every)"
    r"|(?:can't|cannot|unable to) (?:stand|walk|move|get up)|everywhere|no brakes)\b"
)
_NO_EVENT: Final = re.compile(
    r"\b(?:no|not|isn't|wasn't|aren't|never|without|stopped|no longer|nor|any|if|unless|case of)\b"
    r"[^.?!;,]{0,15}\Z"
)
#: Sentences in which an emergency is over, or only talked about.
_TOLD: Final = re.compile(
    r"\b(?:ago|last (?:week|month|year|time)|how much|price|cost|course|training|insurance|policy"
    r"|back in|years|smoke (?:detector|alarm)s?|recovered|better now|all (?:fine|well))\b"
)
#: "The emergency exit", "an urgent care clinic": names of things, whatever their hurry.
_NAMES_OF: Final = word_set(
    "care clinic contact contacts number numbers exit exits phone fund funds kit plan plans light "
    "lights lighting door brake services service department line hotline surgery repair fee fees "
    "stop button landing procedure procedures drill"
)
_ASIDE: Final = word_set("if unless whether case")
_DIMENSION_NAMES: Final = frozenset(
    map(stem, word_set("urgency priority severity importance impact criticality pressure"))
)

_MOST_SENTENCES: Final = 200
_LONGEST: Final = 600

#: How sure the middle of a scale is where nothing presses and nothing is waved off.
QUIET_CONFIDENCE: Final = 0.5


def is_urgency(field: str) -> bool:
    """Whether a field's name asks how urgent something is."""
    families = families_of()
    names = [stem(part) for part in field.lower().split("_")]
    return any(name in _DIMENSION_NAMES or "urgent" in families.get(name, ()) for name in names)


def steps_of(field: str, values: Sequence[str]) -> list[int] | None:
    """Each value's step on the scale of urgency, or None when that is not what they are."""
    steps = [_STEPS.get(value.lower()) for value in values]
    known = [step for step in steps if step is not None]
    if not is_urgency(field) or len(known) != len(values) or len(set(known)) < 2:
        return None
    return known


def _cue_counts(text: Text, cues: Sequence[tuple[str, ...]]) -> tuple[float, str]:
    words = text.words
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for cue in cues:
        by_first.setdefault(cue[0], []).append(cue)
    total, first = 0.0, ""
    for at, word in enumerate(words):
        for cue in by_first.get(word.text, ()):
            last = at + len(cue)
            if tuple(w.text for w in words[at:last]) != cue:
                continue
            if len(cue) == 1 and (0 < word.negated <= 3 or _names_a_thing(words, at)):
                continue
            total += 1.0
            first = first or text.quote(word.start, words[last - 1].end)
    return total, first


def pressure(text: Text) -> tuple[float, str]:
    """How much `text` presses (above zero) or waves off (below), and the words that say so."""
    pressing, how = _cue_counts(text, _PRESSING_CUES)
    waving, how_not = _cue_counts(text, _WAVING_CUES)
    # "I pay now" does not press; "fix this NOW" and "now!" do.
    shouted = next((w for w in text.words if w.text == "now" and _shouted(text, w)), None)
    if shouted is not None:
        pressing += 1.0
        how = how or text.quote(shouted.start, shouted.end)
    event = _event(text)
    if event:
        pressing += 1.0
        how = how or event
    if pressing:
        pressing += 0.5 * min(2, text.raw.count("!!"))
    level = pressing - 1.5 * waving
    return level, (how if level > 0 else how_not if level < 0 else "")


def _names_a_thing(words: Sequence[Word], at: int) -> bool:
    after = words[at + 1 : at + 2]
    before = {w.text for w in words[max(0, at - 3) : at] if w.clause == words[at].clause}
    return bool(after and after[0].text in _NAMES_OF) or not _ASIDE.isdisjoint(before)


def _event(text: Text) -> str:
    """The words that tell of an emergency that is on; "" where there are none."""
    for sentence in text.sentences[:_MOST_SENTENCES]:
        told = text.lower[sentence.start : min(sentence.end, sentence.start + _LONGEST)]
        if _TOLD.search(told):
            continue
        for match in _EVENTS.finditer(told):
            if not _NO_EVENT.search(told[max(0, match.start() - 30) : match.start()]):
                first = sentence.start + match.start()
                return text.quote(first, sentence.start + match.end())
    return ""


def _shouted(text: Text, word: Word) -> bool:
    return text.raw[word.start : word.end].isupper() or text.raw[word.end : word.end + 1] == "!"


def place(level: float, steps: Sequence[int]) -> int:
    """The index of the step nearest to what `level` of pressure calls for."""
    wanted = -1 if level < 0 else 0 if level < 0.75 else 1 if level < 2.5 else 2
    return min(range(len(steps)), key=lambda i: (abs(steps[i] - wanted), i))
