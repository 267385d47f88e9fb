"""Where secrets stand in a text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from leafmesh_nb.memory.leaves import JOINT
from leafmesh_nb.memory.marks import CUT
from leafmesh_nb.memory.search import Search, Span
from leafmesh_nb.memory.spelling import SHORTEST, Letters, folded, forms, pin_pattern

__all__ = ["SecretSearch"]

# From this many letters and digits on, a secret is found in other spellings too.
_LOOSE = 6
# Up to this many, a spelling with other separators counts as whole words only.
_COMMON_LETTERS = 11
# Numbers up to this many characters are masked as whole numbers only: a year is part of many.
_COMMON_DIGITS = 7

_NUMBER = re.compile(r"\d[\d.,]*")
_CUT = re.compile(rf"\s?{CUT}")


class SecretSearch:
    """Finds what ``masking.Masker`` says that it finds."""

    def __init__(self, secrets: Iterable[str]) -> None:
        exact: dict[str, None] = {}
        lower: dict[str, None] = {}
        letters: dict[str, None] = {}
        signs: dict[str, None] = {}
        pins: dict[str, None] = {}
        for secret in secrets:
            pin = pin_pattern(secret)
            if pin is not None:
                pins.setdefault(pin)
            loose = len(Letters(secret).text) >= _LOOSE
            for form in forms(secret):
                if loose:
                    lower.setdefault(folded(form))
                    letters.setdefault(Letters(folded(form)).text)
                else:
                    exact.setdefault(form)
                    if len(form) >= _LOOSE:
                        signs.setdefault(form)
        self._exact, self._lower, self._bare = Search(exact), Search(lower), Search(letters)
        self._signs = Search(signs)
        self._pins = [re.compile(pin) for pin in pins]

    def spans(self, text: str) -> Iterator[Span]:
        """Where they stand, in no order; spans may overlap. ``text`` may have joints in it."""
        cuts = [found.start() for found in _CUT.finditer(text)] if CUT in text else []
        for start, stop in self._exact.spans(text):
            if not _within_number(text, start, stop):
                yield start, stop
        yield from self._exact.beginnings(text, cuts, SHORTEST)
        for pin in self._pins:
            for found in pin.finditer(text):
                yield found.span()
        if self._signs and JOINT in text:
            yield from self._over_joints(text)
        if not self._lower:
            return
        lower = folded(text)
        for start, stop in self._lower.spans(lower):
            if not _within_number(text, start, stop):
                yield start, stop
        yield from self._lower.beginnings(lower, cuts, SHORTEST)
        yield from self._respelled(text, lower, cuts)

    def _respelled(self, text: str, lower: str, cuts: list[int]) -> Iterator[Span]:
        letters = Letters(lower)
        for first, after in self._bare.spans(letters.text):
            start, stop = letters.place(first), letters.place(after - 1) + 1
            if not _by_chance(text, start, stop, letters.text[first:after]):
                yield start, stop
        ends = [letters.before(cut) for cut in cuts]
        for first, after in self._bare.beginnings(letters.text, ends, _LOOSE):
            start = letters.place(first)
            if not text[max(start - 1, 0) : start].isalnum():
                yield start, letters.place(after - 1) + 1

    def _over_joints(self, text: str) -> Iterator[Span]:
        """Secrets of few letters and digits that several texts have parts of."""
        parts = text.split(JOINT)
        starts, start = [], 0
        for part in parts:
            starts.append(start)
            start += len(part)
        for first, after in self._signs.spans("".join(parts)):
            begin, end = bisect_left(starts, first + 1), bisect_left(starts, after)
            if begin != end:
                shift = len(JOINT)
                yield first + (begin - 1) * shift, after + (end - 1) * shift


def _within_number(text: str, start: int, stop: int) -> bool:
    """Whether a short number is only a part of a longer one there."""
    if stop - start > _COMMON_DIGITS or not _NUMBER.fullmatch(text, start, stop):
        return False
    return text[max(start - 1, 0) : start].isdecimal() or text[stop : stop + 1].isdecimal()


def _by_chance(text: str, start: int, stop: int, letters: str) -> bool:
    """Whether letters that stand there with other separators are likely something else."""
    if len(letters) > _COMMON_LETTERS:
        return False
    before, after = text[max(start - 2, 0) : start], text[stop : stop + 2]
    if before[-1:].isalnum() or after[:1].isalnum():
        return True
    # A date, or an amount in groups, is no shorter number.
    digits = len(letters) <= _COMMON_DIGITS and letters.isdecimal()
    return digits and (before[:1].isdecimal() or after[1:].isdecimal())
