"""Payment card numbers in a text, masked down to their last four digits.

A card number is what has a scheme's first digits and length and the right check digit. People part
its digits with blanks and dashes anyhow; where something else stands between them, or where
several texts have parts of it, its groups must be those that are printed on cards and no part of
a longer list of such groups. Digits that are glued to it are hidden with it, and so is a number
that may be one and is cut off (``marks.CUT``). A bank account with a valid checksum is no card.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from leafmesh_nb.memory.leaves import JOINT
from leafmesh_nb.memory.marks import CUT

__all__ = ["mask_cards"]

_HIDDEN = "••••"

_PLAIN = r"[\s.\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufeff]|&(?:nbsp|#160|#xa0);"
_PLAIN_GAP = re.compile(rf"(?:{_PLAIN}){{1,3}}")
_SEPARATOR = rf"(?:{_PLAIN}|[/_,|:*\u00b7()\"\'{JOINT[0]}])"
_RUN = re.compile(rf"\d+(?:{_SEPARATOR}{{1,8}}\d+)*")
_GROUP = re.compile(r"\d+")
_CUT = re.compile(rf"\s?{CUT}")

_DIGITS = (13, 19)
_USUAL = 16
_SHOWN = 4
_LAYOUTS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (8, 8)})
# With more digits glued to it, a card number is looked for in a group of up to so many.
_GLUED = 24
# Where chance has more room, only the schemes with nearly all cards count, by size.
_COMMON = {
    _USUAL: re.compile(r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|65|62"),
    15: re.compile(r"3[47]"),
}
# The first six digits name the issuer; of a number that is cut off no more than those stay.
_ISSUER = 6
# How many digits follow the country in bank accounts (IBAN) that have no other letters.
_ACCOUNTS = {
    **{"AE": 21, "AT": 18, "BA": 18, "BE": 14, "CZ": 22, "DE": 20, "DK": 16, "EE": 18, "ES": 22},
    **{"FI": 16, "HR": 19, "HU": 26, "IL": 21, "IS": 24, "LT": 18, "ME": 20, "NO": 13, "PL": 26},
    **{"PT": 23, "RS": 20, "SE": 22, "SI": 17, "SK": 22},
}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# First digits and lengths of the card schemes, from ISO/IEC 7812 and the schemes' own tables.
_SCHEMES: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(prefix), frozenset(lengths))
    for prefix, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3[689]", range(14, 20)),  # Diners Club
        (r"352[89]|35[3-8]", range(16, 20)),  # JCB
        (r"220[0-4]", range(16, 20)),  # Mir
        (r"6011|64[4-9]|65|62|60|8[12]|508", range(16, 20)),  # Discover, UnionPay, RuPay
        (r"50|5[6-8]|6", range(13, 20)),  # Maestro
    )
)


def mask_cards(text: str) -> str:
    """The text with card numbers as ``•••• 1111``; joints stay where they are."""
    return _RUN.sub(_masked, text)


def _masked(run: re.Match[str]) -> str:
    """Digits with separators between them, the card numbers among them masked.

    A card number begins and ends where a group of digits does. The four digits that stay are read
    again together with what follows them, as a second masking of the result would.
    """
    text = run.group()
    if len(text) <= _ISSUER:
        return text
    is_cut = _CUT.match(run.string, run.end()) is not None
    found = list(_GROUP.finditer(text))
    digits = sum(m.end() - m.start() for m in found)
    if digits < (_ISSUER + 1 if is_cut else _DIGITS[0]):
        return text
    groups = [m.group() for m in found]
    gaps = ["", *(text[a.end() : b.start()] for a, b in pairwise(found))]
    at = _account_end(groups, gaps, run.string[max(run.start() - 3, 0) : run.start()])
    pieces = [text[: found[at - 1].end()]] if at else []
    while at < len(groups):
        stop = _card_end(groups, gaps, at)
        if stop:
            before, last = _hidden(groups[at:stop], gaps[at:stop])
        else:
            stop, last = _glued_card(groups, gaps, at)
            before = f"{_HIDDEN} "
        if stop:
            pieces += (gaps[at], before)
            at = stop - 1
            groups[at], gaps[at] = last, ""
        elif is_cut and _begins_card(groups, gaps, at):
            return "".join((*pieces, gaps[at], _HIDDEN))
        else:
            pieces += (gaps[at], groups[at])
            at += 1
    return "".join(pieces)


def _account_end(groups: Sequence[str], gaps: Sequence[str], before: str) -> int:
    """One past the last group of a bank account (IBAN, ISO 13616) behind its country, or 0."""
    country = before[-2:]
    size = _ACCOUNTS.get(country, 0)
    if not size or before[:-2].isalnum():
        return 0
    digits = ""
    for at, group in enumerate(groups):
        digits += group
        if len(digits) >= size or not (at == 0 or _PLAIN_GAP.fullmatch(gaps[at])):
            break
    letters = "".join(str(int(letter, 36)) for letter in country)
    if len(digits) == size and int(f"{digits[2:]}{letters}{digits[:2]}") % 97 == 1:
        return at + 1
    return 0


def _hidden(groups: Sequence[str], gaps: Sequence[str]) -> tuple[str, str]:
    """What stands for a card number: up to the last digits that are shown, and those.

    Each text that has a part of the number keeps its own part of what is shown.
    """
    left = sum(map(len, groups)) - _SHOWN
    pieces: list[str] = []
    hides, visible = False, ""
    for group, gap in zip(groups, ("", *gaps[1:]), strict=True):
        if JOINT in gap:
            pieces += (_mark(hides, visible), visible, gap)
            hides, visible = False, ""
        hidden = min(left, len(group))
        left -= hidden
        hides = hides or hidden > 0
        visible += group[hidden:]
    return "".join((*pieces, _mark(hides, visible))), visible


def _mark(hides: bool, visible: str) -> str:
    if not hides:
        return ""
    return f"{_HIDDEN} " if visible else _HIDDEN


def _card_end(groups: Sequence[str], gaps: Sequence[str], start: int) -> int:
    """One past the last group of the longest card number that begins at ``start``, or 0."""
    digits = ""
    lengths: frozenset[int] = frozenset()
    stop = 0
    for at in range(start, len(groups)):
        if len(digits) + len(groups[at]) > _DIGITS[1]:
            break
        digits += groups[at]
        if len(digits) < _DIGITS[0]:
            continue
        lengths = lengths or _lengths(digits[:4])
        if not lengths:
            break
        if len(digits) in lengths and _checks(digits) and _laid_out(groups, gaps, start, at + 1):
            stop = at + 1
    return stop


def _laid_out(groups: Sequence[str], gaps: Sequence[str], start: int, stop: int) -> bool:
    """Whether the groups are those of a card, and no part of a longer list of such groups.

    Asked only where what separates them is not what people put between a card's digits.
    """
    inner = gaps[start + 1 : stop]
    if all(_PLAIN_GAP.fullmatch(gap) for gap in inner):
        return True
    if JOINT in "".join(inner) and not _is_common("".join(groups[start:stop])):
        return False
    if tuple(len(group) for group in groups[start:stop]) not in _LAYOUTS:
        return False
    size = len(groups[start])
    follows = stop < len(groups) and gaps[stop] == inner[-1] and len(groups[stop]) == size
    leads = start > 0 and gaps[start] == inner[0] and len(groups[start - 1]) == size
    return not (follows or leads)


def _glued_card(groups: Sequence[str], gaps: Sequence[str], start: int) -> tuple[int, str]:
    """One past the last group of a card number with more digits glued to it, and its last digits.

    What is glued behind may be the date and the security code: it is hidden too. 0 when there is
    none.
    """
    group = groups[start]
    if _USUAL < len(group) <= _GLUED:
        for size in _COMMON:
            for digits in (group[-size:], group[:size]):
                if _is_common(digits) and _checks(digits):
                    return start + 1, digits[-_SHOWN:]
    four = groups[start : start + 4]
    sizes = [len(group) for group in four]
    if sizes[1:3] != [4, 4] or len(four) < 4 or min(sizes) < 4:
        return 0, ""
    in_front, _, _, behind = four
    digits = "".join((in_front[-4:], *four[1:3], behind[:4]))
    plain = all(_PLAIN_GAP.fullmatch(gap) for gap in gaps[start + 1 : start + 4])
    if _USUAL < sum(sizes) <= _GLUED and plain and _is_common(digits) and _checks(digits):
        return start + 4, digits[-_SHOWN:]
    return 0, ""


def _begins_card(groups: Sequence[str], gaps: Sequence[str], start: int) -> bool:
    """Whether all that is left may be a card number of which the end was cut off."""
    digits = "".join(groups[start:])
    if not _ISSUER < len(digits) <= _DIGITS[1] or not _lengths(digits[:4]):
        return False
    return all(_PLAIN_GAP.fullmatch(gap) for gap in gaps[start + 1 :])


@lru_cache(maxsize=1024)
def _lengths(first: str) -> frozenset[int]:
    """How long the numbers are that begin with these four digits; empty when no card's does."""
    plain = _ascii(first)
    return frozenset().union(*(sizes for prefix, sizes in _SCHEMES if prefix.match(plain)))


def _is_common(digits: str) -> bool:
    prefix = _COMMON.get(len(digits))
    return prefix is not None and prefix.match(_ascii(digits)) is not None


def _ascii(digits: str) -> str:
    return "".join(str(int(digit)) for digit in digits)


def _checks(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn, ISO/IEC 7812-1)."""
    numbers = [int(digit) for digit in digits]
    total = sum(numbers[-1::-2]) + sum(_DOUBLED[number] for number in numbers[-2::-2])
    return total % 10 == 0
