"""Days that are told in words: holidays, "a week on Tuesday", "the end of the month".

Also the misspellings of the names of days and months, put right before dates are looked for.
Holidays are those that fall on a day of the year or so many days from Easter Sunday.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final

from leafmesh_nb.agents.offline.words import MONTHS, WEEKDAYS

_FIXED: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "new year's eve": (12, 31),
        "new year's day": (1, 1),
        "valentine's day": (2, 14),
        "may day": (5, 1),
        "halloween": (10, 31),
        "christmas eve": (12, 24),
        "christmas day": (12, 25),
        "boxing day": (12, 26),
    }
)
_FROM_EASTER: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ash wednesday": -46,
        "palm sunday": -7,
        "maundy thursday": -3,
        "good friday": -2,
        "easter sunday": 0,
        "easter monday": 1,
        "ascension day": 39,
        "whit sunday": 49,
        "whit monday": 50,
    }
)
_HOLIDAY: Final = re.compile(
    r"(?<!\w)(?:(last) )?(" + "|".join([*_FIXED, *_FROM_EASTER]) + r")(?!\w)"
)
_DAY_NAME: Final = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_NUMBERS: Final = [
    "a",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
]
_COUNT: Final = "|".join(_NUMBERS)
_FROM: Final = rf"(today|tomorrow|{_DAY_NAME})"
_WEEKS: Final = (
    re.compile(
        rf"(?<!\w)({_COUNT}|\d) (weeks?|fortnight)"
        rf"(?: on| from|(?<=a week)|(?<=a fortnight))(?: this| next)? {_FROM}(?!\w)"
    ),
    re.compile(rf"(?<!\w){_FROM} in ({_COUNT}|\d) (weeks?|fortnight)(?!\w)"),
)
_WEEK_AFTER: Final = re.compile(rf"(?<!\w){_FROM} (week|fortnight|after next)(?!\w)")
_OF_WEEK: Final = (
    re.compile(rf"(?<!\w)({_DAY_NAME})(?: of)? (this|next|the following) week(?!\w)"),
    re.compile(rf"(?<!\w)(this|next) week(?:'s| on|,)? ({_DAY_NAME})(?!\w)"),
)
_MONTH_EDGE: Final = re.compile(
    r"(?<!\w)(end|last day|start|beginning|first day|first|1st) of "
    rf"(?:(the|this|next) month|({_MONTH})(?! \d{{1,2}}\b))(?!\w)"
)
_DAY_OF: Final = re.compile(r"(?<!\w)(\d{1,2})(?:st|nd|rd|th)? of (this|next) month(?!\w)")

Found = tuple[int, int, date]


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (the anonymous algorithm, Nature, 20 April 1876)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    skipped, leap = divmod(century, 4)
    correction = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - skipped - correction + 15) % 30
    quarter, rest = divmod(in_century, 4)
    weekday = (32 + 2 * leap + 2 * quarter - epact - rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def worded(lower: str, today: date) -> Iterator[Found]:
    """The days told in words in a lower-case text: start, end, day."""
    for source in (_holidays, _weeks, _month_edges):
        for start, end, day in source(lower, today):
            if day is not None:
                yield start, end, day


def _holidays(lower: str, today: date) -> Iterator[tuple[int, int, date | None]]:
    for match in _HOLIDAY.finditer(lower):
        years = (today.year - 1, today.year, today.year + 1)
        days = [_holiday(match.group(2), year) for year in years if 1583 <= year <= 9998]
        behind = [day for day in days if day < today]
        ahead = [day for day in days if day >= today]
        yield *match.span(), (behind[-1] if behind else None) if match.group(1) else ahead[0]


def _holiday(name: str, year: int) -> date:
    if name in _FIXED:
        return date(year, *_FIXED[name])
    return easter(year) + timedelta(days=_FROM_EASTER[name])


def _weeks(lower: str, today: date) -> Iterator[tuple[int, int, date | None]]:
    for pattern, (count_group, unit_group, day_group) in zip(
        _WEEKS, ((1, 2, 3), (2, 3, 1)), strict=True
    ):
        for match in pattern.finditer(lower):
            count = match.group(count_group)
            weeks = int(count) if count.isdigit() else max(1, _NUMBERS.index(count))
            weeks *= 2 if match.group(unit_group) == "fortnight" else 1
            yield *match.span(), _after(today, match.group(day_group), weeks)
    for match in _WEEK_AFTER.finditer(lower):
        weeks = 2 if match.group(2) == "fortnight" else 1
        yield *match.span(), _after(today, match.group(1), weeks)
    for pattern, (name_group, which_group) in zip(_OF_WEEK, ((1, 2), (2, 1)), strict=True):
        for match in pattern.finditer(lower):
            wanted = WEEKDAYS[match.group(name_group)]
            ahead = 0 if match.group(which_group) == "this" else 7
            yield *match.span(), _shift(today, wanted - today.weekday() + ahead)


def _after(today: date, name: str, weeks: int) -> date | None:
    ahead = {"today": 0, "tomorrow": 1}.get(name)
    if ahead is None:
        ahead = (WEEKDAYS[name] - today.weekday()) % 7 or 7
    return _shift(today, ahead + 7 * weeks)


def _shift(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _month_edges(lower: str, today: date) -> Iterator[tuple[int, int, date | None]]:
    for match in _MONTH_EDGE.finditer(lower):
        edge, which, name = match.groups()
        months = 12 * today.year + today.month - 1 + (which == "next")
        if name:
            months = 12 * today.year + MONTHS[name] - 1
        last = edge in ("end", "last day")
        day = _of_month(months, last=last)
        if name and day is not None and day < today:
            day = _of_month(months + 12, last=last)
        yield *match.span(), day
    for match in _DAY_OF.finditer(lower):
        months = 12 * today.year + today.month - 1 + (match.group(2) == "next")
        first = _of_month(months, last=False)
        number = int(match.group(1))
        fits = first is not None and 1 <= number <= monthrange(first.year, first.month)[1]
        yield *match.span(), first.replace(day=number) if first and fits else None


def _of_month(months: int, *, last: bool) -> date | None:
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, monthrange(year, month + 1)[1] if last else 1)


_LONGEST_SHORT: Final = 5
_NAMES: Final = ("tomorrow", "yesterday", *WEEKDAYS, *MONTHS)
_HASTY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tmrw": "tomorrow",
        "tmr": "tomorrow",
        "tmw": "tomorrow",
        "tomo": "tomorrow",
        "2moro": "tomorrow",
        "2morrow": "tomorrow",
        "tommorow": "tomorrow",
        "tomorow": "tomorrow",
        "wensday": "wednesday",
        "wendsday": "wednesday",
        "weds": "wednesday",
    }
)
_WORD: Final = re.compile(r"[^\W_]+")


@cache
def _misspelt() -> Mapping[str, str]:
    """The long names with a letter left out, doubled, or changed places with the next."""
    found = dict(_HASTY)
    for name in _NAMES:
        if len(name) <= _LONGEST_SHORT:
            continue
        for at in range(1, len(name)):
            found.setdefault(name[:at] + name[at + 1 :], name)
            found.setdefault(name[:at] + name[at] + name[at:], name)
            found.setdefault(name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :], name)
    return MappingProxyType({wrong: name for wrong, name in found.items() if wrong not in _NAMES})


class Respelt:
    """A text with the names of days and months put right, and the way back to its places."""

    def __init__(self, raw: str, lower: str) -> None:
        parts: list[str] = []
        self._new: list[int] = [0]
        self._old: list[int] = [0]
        done = 0
        for match in _WORD.finditer(lower):
            name = _misspelt().get(match.group())
            if name is None:
                continue
            parts += [raw[done : match.start()], name.capitalize()]
            done = match.end()
            self._new += [self._new[-1] + len(parts[-2]) + len(name)]
            self._old += [done]
        self.raw = "".join([*parts, raw[done:]])
        self.changed = bool(parts)

    def back(self, place: int) -> int:
        """The place in the text as it was written; inside a name that was put right, its end."""
        at = bisect_right(self._new, place) - 1
        limit = self._old[at + 1] if at + 1 < len(self._old) else self._old[at] + place
        return min(self._old[at] + place - self._new[at], limit)
