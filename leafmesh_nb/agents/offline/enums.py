"""Which of an enum's values a text speaks of, and by what margin."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leafmesh_nb.agents.offline import scales
from leafmesh_nb.agents.offline.acts import PREFIX, acts_named
from leafmesh_nb.agents.offline.families import families_of, kin_of
from leafmesh_nb.agents.offline.meaning import INQUIRES, Bag, bag_of
from leafmesh_nb.agents.offline.spelling import spelling_of
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Text
from leafmesh_nb.agents.offline.words import FAINT_WORDS, FUNCTION_WORDS, word_set

_NAME_WORD: Final = 2.5
_NAME_FAMILY: Final = 2.0
_WIDE: Final = 0.6
_IDF: Final = 0.5
_KIN: Final = 0.6
_NAME_ACT: Final = 0.9
_NAME_DEED: Final = 1.5
_EXAMPLE: Final = {"w": 1.0, "b": 1.0, "f": 0.4, "a": 0.5}
_CONTEXT: Final = {"w": 0.4, "b": 0.4, "f": 0.15, "a": 0.0}
#: A value that stands for the rest wins where hardly anything speaks for another.
_REST_NAMES: Final = word_set(
    "other others misc miscellaneous general unknown none unclear neutral normal else"
)
_REST: Final = 0.25
#: The score at which the evidence for a value counts in full towards the confidence.
_AMPLE: Final = 1.5
#: Beside the best, a further value of a list must score at least this share of it.
_ALSO: Final = 0.5

_NAME_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Choice:
    """The index of the value chosen, its margin over the next (0..1), and the words for it."""

    index: int
    margin: float
    evidence: str
    overlaps: bool
    #: The indexes of all the values that the text speaks of, the best included.
    spoken_of: tuple[int, ...]


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name: `checkIn`, `check_in` and `check-in` are all check, in."""
    return tuple(part.lower() for part in _NAME_PART.findall(name)[:20])


def _name_profile(value: str) -> dict[str, float]:
    words = name_words(value)
    families = families_of()
    profile: dict[str, float] = {}
    told = [word for word in words if word not in FUNCTION_WORDS] or list(words)
    share = len(told) ** -0.5 if told else 1.0
    for word in told:
        faint = 0.4 if word in FAINT_WORDS and len(told) > 1 else 1.0
        profile[f"w:{stem(word)}"] = _NAME_WORD * share * faint
    phrase = "_".join(map(stem, words))
    for key in {phrase, *map(stem, told)}:
        names = families.get(key, ())
        for name in names:
            # A family goes by the value's own name, or is wider than it: tyres are not all of cars.
            wide = 1.0 if stem(name) in {phrase, *map(stem, told)} else _WIDE
            weight = _NAME_FAMILY * wide * share / len(names) ** 0.5
            profile[f"f:{name}"] = max(weight, profile.get(f"f:{name}", 0.0))
            for kin, likeness in kin_of(name).items():
                weight_of_kin = _KIN * weight * min(1.0, 2 * likeness)
                profile[f"f:{kin}"] = max(weight_of_kin, profile.get(f"f:{kin}", 0.0))
    for act in acts_named(words):
        profile[f"{PREFIX}{act}"] = _NAME_DEED
    if profile.get("f:inquire", 0.0) > _NAME_FAMILY / 2:
        profile[INQUIRES] = _NAME_ACT
    return profile


def _example_profile(bags: Sequence[Bag], scale: Mapping[str, float]) -> dict[str, float]:
    """The features of a value's examples: a word of two examples says more, but not twice."""
    sums: dict[str, float] = {}
    for bag in bags:
        for feature, weight in bag.weights.items():
            if weight > 0:
                sums[feature] = sums.get(feature, 0.0) + min(weight, 1.5)
    return {f: scale[f[0]] * 2 * total / (1 + total) for f, total in sums.items()}


def _mentions(context: Iterable[str], stems_by_value: Sequence[frozenset[str]]) -> list[list[Text]]:
    """For each value the parts of `context` that speak of it and of no other value."""
    parts: list[list[Text]] = [[] for _ in stems_by_value]
    for text in context:
        for piece in re.split(r"[.;\n]", text[:20_000])[:300]:
            candidates = [piece]
            found = Text(piece)
            if sum(bool(stems & found.stems) for stems in stems_by_value) > 1:
                candidates = piece.split(",")
            for candidate in candidates:
                clause = Text(candidate)
                named = [i for i, stems in enumerate(stems_by_value) if stems & clause.stems]
                if len(named) == 1:
                    parts[named[0]].append(clause)
    return parts


class Chooser:
    """Knows an enum's values from their names, the examples and what the context says of them."""

    def __init__(
        self,
        field: str,
        values: Sequence[str],
        examples: Sequence[tuple[str, str]] = (),
        context: Sequence[str] = (),
    ) -> None:
        """`examples` are pairs of a text and the value that it was given."""
        self._field = field
        self._values = tuple(values)
        self._steps = scales.steps_of(field, self._values)
        bags: list[list[Bag]] = [[] for _ in self._values]
        for text, value in examples[:200]:
            if value in self._values:
                bags[self._values.index(value)].append(bag_of(Text(text[:2_000])))
        names = [
            frozenset(stem(w) for w in name_words(value) if w not in FUNCTION_WORDS)
            for value in self._values
        ]
        told = [[bag_of(text) for text in texts] for texts in _mentions(context, names)]
        by_act = sum(bool(acts_named(name_words(value))) for value in self._values) > 1
        profiles: list[dict[str, float]] = []
        for value, examples_of, context_of in zip(self._values, bags, told, strict=True):
            profile = _name_profile(value)
            for more in (
                _example_profile(examples_of, _EXAMPLE),
                _example_profile(context_of, _CONTEXT),
            ):
                for feature, weight in more.items():
                    if feature.startswith(PREFIX) and not by_act:
                        continue  # the values are topics, whatever is done about them
                    profile[feature] = profile.get(feature, 0.0) + weight
            profiles.append(profile)
        self._profiles = tuple(_specific(profiles))

    def choose(self, text: Text) -> Choice:
        """The best value, ties in the order of declaration; margin 0 without any overlap."""
        known = {f[2:] for profile in self._profiles for f in profile if f.startswith("w:")}
        bag = bag_of(text, spelling_of(text, known))
        scores: list[float] = []
        reasons: list[list[tuple[float, str]]] = []
        for profile in self._profiles:
            parts = [
                (_saturate(weight) * profile[feature], feature)
                for feature, weight in bag.weights.items()
                if feature in profile
            ]
            scores.append(sum(part for part, _ in parts))
            reasons.append(parts)
        overlaps = max(scores) > 0
        if self._steps is not None:
            return self._on_scale(text, scores)
        ranked = [
            score + (_REST if value.lower() in _REST_NAMES else 0.0)
            for score, value in zip(scores, self._values, strict=True)
        ]
        best = max(range(len(ranked)), key=lambda i: (ranked[i], -i))
        margin = _margin(ranked, best) if overlaps else 0.0
        spoken_of = tuple(
            i for i, score in enumerate(scores) if score > 0 and score >= _ALSO * max(scores)
        )
        evidence = _evidence(reasons[best], bag)
        return Choice(best, margin, evidence, scores[best] > 0, spoken_of)

    def _on_scale(self, text: Text, scores: Sequence[float]) -> Choice:
        assert self._steps is not None
        level, words = scales.pressure(text)
        at = scales.place(level, self._steps)
        ranked = list(scores)
        ranked[at] += 2.0 if level else 1.0
        best = max(range(len(ranked)), key=lambda i: (ranked[i], -i))
        quiet = not level and best == at and scores[at] <= 0
        margin = scales.QUIET_CONFIDENCE if quiet and text.words else _margin(ranked, best)
        if not text.words:
            margin = 0.0
        return Choice(best, margin, words, bool(level) or scores[best] > 0, (best,))


def _specific(profiles: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Each feature's weight times how much it tells its value from the others."""
    totals: dict[str, float] = {}
    for profile in profiles:
        for feature, weight in profile.items():
            totals[feature] = totals.get(feature, 0.0) + weight
    even = 1 / len(profiles)
    if len(profiles) == 1:
        return [dict(profiles[0])]
    having = Counter(feature for profile in profiles for feature in profile)
    rare = math.log(len(profiles) + 1)
    tells = [
        {
            feature: max(0.0, (weight / totals[feature] - even) / (1 - even))
            * (math.log((len(profiles) + 1) / having[feature]) / rare) ** _IDF
            for feature, weight in profile.items()
            if totals[feature] > 0
        }
        for profile in profiles
    ]
    return [
        {f: profile[f] * tell * _kindred(f, told) for f, tell in told.items()}
        for profile, told in zip(profiles, tells, strict=True)
    ]


def _kindred(feature: str, tells: Mapping[str, float]) -> float:
    """A word of which other values have the like ("parcel" beside their "box") tells less."""
    names = families_of().get(feature[2:], ()) if feature.startswith("w:") else ()
    told = [tells[f"f:{name}"] for name in names if f"f:{name}" in tells]
    return 0.5 + 0.5 * max(told) if told else 1.0


def _saturate(weight: float) -> float:
    """The first mention counts in full, each further one less."""
    return weight if weight <= 0 else 1.35 * weight / (1 + 0.35 * weight)


def _margin(scores: Sequence[float], best: int) -> float:
    top = scores[best]
    if top <= 0:
        return 0.0
    second = max((score for i, score in enumerate(scores) if i != best), default=0.0)
    return round(min(1.0, top / _AMPLE) * (top - max(0.0, second)) / top, 4)


def _evidence(parts: Sequence[tuple[float, str]], bag: Bag) -> str:
    told: dict[str, None] = {}
    for weight, feature in sorted(parts, key=lambda part: (-part[0], part[1])):
        if weight > 0 and bag.sources.get(feature):
            told[bag.sources[feature]] = None
    return ", ".join(list(told)[:4])
