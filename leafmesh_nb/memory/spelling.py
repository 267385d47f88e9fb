"""How a secret may be written: escaped, in other case, with other separators, as a number."""

from __future__ import annotations

import html
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from urllib.parse import quote, quote_plus

__all__ = ["SHORTEST", "Letters", "folded", "forms", "pin_pattern"]

SHORTEST = 4
"""Shorter texts occur everywhere by chance."""

_WORD = re.compile(r"[^\W_]+|•")

# Between the thousands of a number, and between digits that are told one by one.
_GROUPS = r"[.,'\u2019_ \u00a0\u2009\u202f]"
_ONE_BY_ONE = r"[.,:*/|'\u00b7\u2010-\u2015\s_-]"
_LETTER = r"[^\W_]"
_NO_FRACTION = r"(?![.,]\d)"


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as it stands inside JSON, HTML, code and URLs."""
    plain = secret.strip()
    if len(plain) < SHORTEST or not plain.strip("• "):
        return
    yield from _escaped(plain)
    if not plain.isascii():
        # An escape names a capital or a small letter, and ß has two capitals.
        yield from _escaped(plain.upper())
        yield from _escaped(plain.lower())


def _escaped(plain: str) -> Iterator[str]:
    yield plain
    for ascii_only in (True, False):
        yield json.dumps(plain, ensure_ascii=ascii_only)[1:-1]
    yield repr(plain)[1:-1]
    for quotes in (True, False):
        yield html.escape(plain, quote=quotes)
    whole = plain.encode("utf-8", "replace")
    yield quote(whole)
    yield quote(whole, safe="")
    yield quote_plus(whole)


def folded(text: str) -> str:
    """The text in lower case, character for character."""
    lower = text.lower()
    if len(lower) != len(text):  # a capital that has no single small letter
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return lower.replace("\u03c2", "\u03c3")  # a sigma at the end of a word


class Letters:
    """The letters and digits of a text (and its masks) without all that stands between them."""

    def __init__(self, text: str) -> None:
        words = [(word.start(), word.group()) for word in _WORD.finditer(text)]
        self.text = "".join(word for _, word in words)
        self._starts = [start for start, _ in words]
        self._counts = list(accumulate((len(word) for _, word in words), initial=0))

    def place(self, letter: int) -> int:
        """Where a letter stands in the whole text."""
        word = bisect_right(self._counts, letter) - 1
        return self._starts[word] + letter - self._counts[word]

    def before(self, place: int) -> int:
        """How many letters stand before a place of the whole text where no word is parted."""
        return self._counts[bisect_left(self._starts, place)]


def pin_pattern(secret: str) -> str | None:
    """What finds a number of three to five digits in spellings that ``forms`` has not.

    Three digits count as a word that is no amount and no part of a date, a time or a fraction.
    Four and five are found with one separator between thousands (``4,711``), in pairs (``47 11``)
    and digit by digit (``4-7-1-1``). None for any other secret.
    """
    digits = secret.strip()
    if not (3 <= len(digits) <= 5 and digits.isascii() and digits.isdecimal()):
        return None
    # What is before comes second: a pattern is searched for fifty times as quickly when it begins
    # with a digit of its own.
    if len(digits) == 3:
        before = rf"(?<!{_LETTER}{digits})(?<![$\u20ac\u00a3\u00a5]{digits})(?<!\d[.,:/'-]{digits})"
        return rf"{digits}{before}(?!{_LETTER}|%|[.,:/'-]\d)"
    first, rest = digits[0], digits[1:]
    spellings = [
        rf"{rest[:-3]}({_GROUPS}){rest[-3:]}(?!\1\d){_NO_FRACTION}",
        "".join(_ONE_BY_ONE + digit for digit in rest) + rf"(?!{_ONE_BY_ONE}\d)",
    ]
    if len(digits) == 4:
        spellings.append(rf"{rest[0]}[ -]{rest[1:]}(?![ -]\d){_NO_FRACTION}")
    before = rf"(?<!{_LETTER}{first})(?<!\d[.,:/-]{first})"
    return rf"{first}{before}(?:{'|'.join(spellings)})(?!{_LETTER})"
