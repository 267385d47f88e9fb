"""The numbers in a text: digits and number words, amounts of money, and what is no quantity.

Separators: the last of `.` and `,` is the decimal mark when both occur; a single one followed by
exactly three digits groups thousands, save that "1.250" is a decimal fraction unless an euro
sign, code or word stands by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from typing import Final

from leafmesh_nb.agents.offline.places import Places
from leafmesh_nb.agents.offline.text import Text, Word
from leafmesh_nb.agents.offline.words import (
    CENT_WORDS,
    CURRENCY_CODES,
    CURRENCY_SIGNS,
    CURRENCY_WORDS,
    IDENTIFIER_NOUNS,
    MONTHS,
)

_MOST: Final = 3_000

_GROUPED: Final = r"\d{1,3}(?:[ \u00a0\u202f]\d{3}){1,4}(?![\d])(?:[.,]\d{1,2}(?!\d))?"
_CURRENCIES: Final = "|".join(sorted(CURRENCY_WORDS, key=len, reverse=True))
_CENTS: Final = "|".join(sorted(CENT_WORDS, key=len, reverse=True))
_DIGITS: Final = re.compile(rf"{_GROUPED}|\d+(?:[.,']\d+)*")
_LONG: Final = re.compile(r"(?<![\w.,])\+?\(?\d(?:[ ()./-]{0,2}\d){6,40}(?!\w)")
_SIGNS: Final = re.escape(CURRENCY_SIGNS)
_CODES: Final = "|".join(sorted(CURRENCY_CODES))
_BEFORE: Final = re.compile(rf"(?:(?<![^\W_])(?:{_CODES}|rs\.?|[a-z]{{0,2}}[{_SIGNS}]))\s?[-+]?\Z")
_AFTER: Final = re.compile(
    rf"[.,]-(?!\d)|\s?(?:[{_SIGNS}]|(?:{_CODES}|{_CURRENCIES})"
    r"(?![^\W_]))"
)
_CENTS_AFTER: Final = re.compile(rf"\s?(?:{_CENTS})(?!\w)")
_SCALE: Final = re.compile(r"(?:(k|m|bn)|\s(hundred|thousand|million|billion|grand))(?![^\W_])")
_SCALES: Final = {
    "hundred": 100,
    "k": 1_000,
    "thousand": 1_000,
    "grand": 1_000,
    "m": 10**6,
    "million": 10**6,
    "bn": 10**9,
    "billion": 10**9,
}
_ORDINAL: Final = re.compile(r"(?:st|nd|rd|th)\b")
_UNIT: Final = re.compile(
    r"(?:kgs?|km|cm|mm|mg|g|h|l|m|ml|lbs?|oz|hrs?|mins?|kilos?|grams?|litres?|liters?|tonnes?)\b"
)
_PERCENT: Final = re.compile(r"\s?(?:%|percent\b|per cent\b)")
#: What may stand between a noun and the number that names it: "order no. #4471", "ref: 12".
_LABEL_GAP: Final = re.compile(r"[ \t.:#(=]{0,3}")
#: What may follow "12 pounds 50": hardly a noun that the 50 would count.
_ENDS_AMOUNT: Final = re.compile(
    r"\s*(?:[.,;:!?)\n]|\Z)|\s+(?:for|and|on|in|to|from|each|per|back|but|when|which|as|too|please)\b"
)
_EURO: Final = re.compile(r"€|eur")

_UNIT_NAMES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_UNITS: Final = {word: value for value, word in enumerate(_UNIT_NAMES.split())}
_TENS: Final = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_COUNTS: Final = {"couple": 2, "pair": 2, "dozen": 12}
_STARTS: Final = frozenset((*_UNITS, *_TENS, *_COUNTS, "a"))
#: Longer runs of digits are no quantity of anything.
_LONGEST: Final = 20


class Kind(Enum):
    """What a number is, as far as its surroundings tell."""

    MONEY = auto()
    PLAIN = auto()
    PERCENT = auto()
    YEAR = auto()
    #: Names something: an order's number, a phone number, a version.
    NAME = auto()
    #: A place in a row: "3rd".
    ORDINAL = auto()
    #: Part of a date or a time of day.
    CLOCK = auto()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number at `start:end` of the text, its mark ("$", "USD") and scale ("k") included."""

    start: int
    end: int
    value: Decimal
    kind: Kind
    #: Spelled out: "twelve hundred".
    spelled: bool = False


def quantities(text: Text, clocks: Sequence[tuple[int, int]] = ()) -> tuple[Quantity, ...]:
    """The numbers of `text` in order; `clocks` are the places of its dates and times."""
    found = list(_digits(text, Places(clocks)))
    places = Places([*clocks, *((q.start, q.end) for q in found)])
    found += [q for q in _spelled(text) if not places.meet(q.start, q.end)]
    return tuple(_with_cents(text, sorted(found, key=lambda q: q.start)))


def _with_cents(text: Text, found: Sequence[Quantity]) -> Iterator[Quantity]:
    """ "12 pounds 50", "5 euros and 20 cents": one amount in two coins."""
    whole: Quantity | None = None
    for quantity in found:
        if whole is not None:
            tie = text.lower[whole.end : quantity.start]
            if tie.strip(" ") in ("", "and") and _is_cents(text, whole, quantity):
                cents = quantity.value if quantity.kind is Kind.MONEY else quantity.value / 100
                yield replace(whole, end=quantity.end, value=whole.value + cents)
                whole = None
                continue
            yield whole
        whole = quantity
    if whole is not None:
        yield whole


def _is_cents(text: Text, whole: Quantity, part: Quantity) -> bool:
    if whole.kind is not Kind.MONEY or whole.value != whole.value.to_integral_value():
        return False
    if part.kind is Kind.MONEY:
        return 0 < part.value < 1
    worded = text.lower[whole.start : whole.end].endswith(tuple(CURRENCY_WORDS))
    digits = text.lower[part.start : part.end]
    alone = _ENDS_AMOUNT.match(text.lower, part.end)
    return worded and len(digits) == 2 and digits.isdigit() and bool(alone)


def parse(digits: str, *, euro: bool = False) -> Decimal | None:
    """The value of digits with separators ("1.250,00"); None when they are no number ("4.2.1")."""
    plain = re.sub(r"[ '\u00a0\u202f]", "", digits)
    dots, commas = plain.count("."), plain.count(",")
    if dots and commas:
        decimal = max(plain.rfind("."), plain.rfind(","))
        whole, fraction = plain[:decimal], plain[decimal + 1 :]
        groups = re.split(r"[.,]", whole)
        if plain[decimal] in whole or not _thousands(groups):
            return None
        return Decimal("".join(groups) + "." + fraction)
    mark = "." if dots else ","
    parts = plain.split(mark)
    if len(parts) == 1:
        return Decimal(plain)
    if len(parts) > 2:
        return Decimal("".join(parts)) if _thousands(parts) else None
    grouped = len(parts[1]) == 3 and 1 <= len(parts[0]) <= 3 and parts[0] != "0"
    if grouped and (mark == "," or euro):
        return Decimal("".join(parts))
    return Decimal(".".join(parts))


def _thousands(groups: Sequence[str]) -> bool:
    # Indian grouping (1,25,000) has pairs in the middle.
    middle = all(2 <= len(group) <= 3 for group in groups[1:-1])
    return len(groups) == 1 or (middle and 1 <= len(groups[0]) <= 3 and len(groups[-1]) == 3)


def _digits(text: Text, clocks: Places) -> Iterator[Quantity]:
    lower = text.lower
    names = Places(
        match.span()
        for match in _LONG.finditer(lower)
        if not clocks.meet(*match.span()) and not _amount_like(lower, match)
    )
    for count, match in enumerate(_DIGITS.finditer(lower)):
        if count >= _MOST:
            return
        start, end = match.span()
        if clocks.meet(start, end):
            continue
        if names.meet(start, end) or end - start > _LONGEST:
            plain = match.group() if match.group().isdigit() and end - start <= _LONGEST else "0"
            yield Quantity(start, end, Decimal(plain), Kind.NAME)
            continue
        yield _quantity(text, start, end)


def _amount_like(lower: str, match: re.Match[str]) -> bool:
    """Seven digits and more that are money all the same: they bear its mark."""
    marked = _BEFORE.search(lower[max(0, match.start() - 6) : match.start()])
    marked_after = _AFTER.match(lower, match.end())
    return bool(marked or marked_after)


def _quantity(text: Text, start: int, end: int) -> Quantity:
    lower = text.lower
    before, after = lower[max(0, start - 6) : start], lower[end : end + 14]
    mark = _BEFORE.search(before)
    scale = _SCALE.match(after)
    last = end + (scale.end() if scale else 0)
    suffix = _AFTER.match(lower, last)
    money = bool(mark or suffix)
    nearby = f"{before[mark.start() :] if mark else ''}{suffix.group() if suffix else ''}"
    value = parse(lower[start:end], euro=bool(_EURO.search(nearby)))
    if value is None:
        return Quantity(start, end, Decimal(0), Kind.NAME)
    cents = None if money else _CENTS_AFTER.match(lower, end)
    if scale:
        value *= _SCALES[scale.group(1) or scale.group(2)]
    first = start
    if mark:
        first = start - (len(before) - mark.start())
        if before.endswith("-") or lower[max(0, first - 1) : first] == "-":
            value = -value
    elif before.endswith("-") and not before[:-1].strip(" \t(")[-1:].isalnum():
        value = -value
        first = start - 1
    if money:
        return Quantity(first, suffix.end() if suffix else last, value, Kind.MONEY)
    if cents and value == value.to_integral_value():
        return Quantity(start, cents.end(), value / 100, Kind.MONEY)
    kind = _kind(text, start, last, value)
    return Quantity(first, last + 2 if kind is Kind.ORDINAL else last, value, kind)


def _kind(text: Text, start: int, end: int, value: Decimal) -> Kind:
    lower = text.lower
    before, after = lower[max(0, start - 2) : start], lower[end : end + 12]
    if _PERCENT.match(after):
        return Kind.PERCENT
    if re.match(r"(?:\s?[ap]\.?m\b|\s?o'clock|:\d)", after) or re.search(r"\d:$", before):
        return Kind.CLOCK
    if re.match(r"/(?:5|10|100)(?!\d)", after) and not before.endswith("/"):
        return Kind.PLAIN
    glued = re.search(r"[^\W_]$|[#_/]$|[^\W_][-.]$|out of $", lower[max(0, start - 7) : start])
    if not glued and _ORDINAL.match(after):
        return Kind.ORDINAL
    tied = re.match(r"[^\W\dx\u00bc-\u00be]|[-/]\d|_", after) and not re.match(
        r"(?:kg|km|cm|mm|g|h|l)\b", after
    )
    if glued or tied or _named(text, start):
        return Kind.NAME
    digits = lower[start:end]
    if len(digits) == 4 and digits.isdigit() and 1900 <= value <= 2099:
        return Kind.YEAR
    return Kind.PLAIN


def _named(text: Text, start: int) -> bool:
    """Whether the words just before say that the number is a name: "order no. 4471"."""
    at = text.word_index(start)
    for word in reversed(text.words[max(0, at - 3) : at]):
        if not _LABEL_GAP.fullmatch(text.raw, word.end, start):
            return False
        if word.text in IDENTIFIER_NOUNS or word.text in MONTHS:
            return True
        written = text.raw[word.start : word.end]
        if any(c.isupper() for c in written[1:]) and not written.isupper():
            return True  # a product's name: "iPhone 14"
        if word.text == "in" and text.words[max(0, at - 2)].text in {"ending", "ends"}:
            return True
        if word.text not in {"is", "was", "s", "the", "my"}:
            return False
        start = word.start
    return False


def _spelled(text: Text) -> Iterator[Quantity]:
    words = text.words
    at = 0
    while at < len(words):
        after = at
        if words[at].text in _STARTS:
            value, after = _phrase(text, at)
            if after > at:
                half = at > 0 and words[at].text == "a" and words[at - 1].text == "half"
                first = words[at - 1] if half else words[at]
                yield _spelled_quantity(text, first, words[after - 1], value / 2 if half else value)
        at = max(after, at + 1)


def _spelled_quantity(text: Text, first: Word, last: Word, value: Decimal) -> Quantity:
    suffix = _AFTER.match(text.lower, last.end)
    if suffix:
        return Quantity(first.start, suffix.end(), value, Kind.MONEY, spelled=True)
    if _CENTS_AFTER.match(text.lower, last.end):
        return Quantity(first.start, last.end, value / 100, Kind.MONEY, spelled=True)
    kind = Kind.PLAIN
    if _PERCENT.match(text.lower, last.end):
        kind = Kind.PERCENT
    elif value < 100 and _named(text, first.start):
        kind = Kind.NAME
    return Quantity(first.start, last.end, value, kind, spelled=True)


def _phrase(text: Text, at: int) -> tuple[Decimal, int]:
    """The value of the number words from `at`, and the index after them (`at` if none)."""
    words = text.words
    total = current = 0
    seen = False
    place = at
    while place < len(words) and place - at < 14:
        word = words[place].text
        if place > at and not re.fullmatch(
            r"[\s-]+", text.raw[words[place - 1].end : words[place].start]
        ):
            break
        if word in _UNITS:
            if seen and current % 10 and current % 100 != 0:
                break
            current += _UNITS[word]
        elif word in _TENS:
            if seen and current % 100:
                break
            current += _TENS[word]
        elif word in _COUNTS:
            return Decimal(total + max(1, current) * _COUNTS[word]), place + 1
        elif word == "hundred" and (seen or place > at):
            current = max(1, current) * 100
        elif word in {"thousand", "grand", "million", "billion"} and (seen or place > at):
            total += max(1, current) * _SCALES[word]
            current = 0
        elif word == "a" and place == at and place + 1 < len(words):
            if words[place + 1].text not in {"hundred", "thousand", "million", *_COUNTS}:
                return Decimal(0), at
        elif word == "and" and seen and place + 1 < len(words) and current % 100 == 0:
            if words[place + 1].text not in _UNITS and words[place + 1].text not in _TENS:
                break
        else:
            break
        seen = seen or word != "a"
        place += 1
    while place > at and words[place - 1].text in {"and", "a"}:
        place -= 1
    return (Decimal(total + current), place) if seen else (Decimal(0), at)
