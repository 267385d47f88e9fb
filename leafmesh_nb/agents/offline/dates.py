"""The dates and times in a text.

03/04/2026 with slashes is read month first, 03.04.2026 and 03-04-2026 day first; where only one
reading is a date, that one. A year of two digits is 1969 to 2068. "March 3rd" without a year,
weekdays and "tomorrow" are dates only for who says what today is: then the year is the one that
brings the day nearest, "Friday" is the next one from tomorrow on, "next Friday" the one of next
week, which starts on Monday, and "the 14th" is the next one.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final

from leafmesh_nb.agents.offline.days import Respelt, worded
from leafmesh_nb.agents.offline.tenses import tells_past
from leafmesh_nb.agents.offline.text import Text
from leafmesh_nb.agents.offline.words import MONTHS, WEEKDAYS

_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY_NAME: Final = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_MOST: Final = 400

_ISO: Final = re.compile(
    r"(?<![\w-])(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d|-\d)"
    r"(?:[t ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?\s?(z|[+-]\d{2}:?\d{2})?(?![\w]))?"
)
_NUMERIC: Final = re.compile(
    r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?![\w]|[./-]\d)"
)
_DAY_MONTH: Final = re.compile(
    rf"(?<![\w.,])(\d{{1,2}})(?:st|nd|rd|th)?\.?(?: of)?[ -]({_MONTH})(?![^\W\d_])"
    r"(?:\.?,?[ -](\d{4})(?!\d))?"
)
_MONTH_DAY: Final = re.compile(
    rf"(?<![\w])({_MONTH})\.?[ ](?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?![\w:]|[.,]\d)"
    r"(?:,?[ ](\d{4})(?!\d))?"
)
_DAY_AND_MONTH: Final = re.compile(
    rf"(?<!\w)(?:on|by|before|until|till|from|date:?|({_DAY_NAME}),?) (?:the )?"
    r"(\d{1,2})([/.])(\d{1,2})(?![\w/]|\.\d|\s?(?:%|kg|cm|km|of|hours?|pm|am)\b)"
)
_AGO: Final = re.compile(
    r"(?<!\w)(?:(in) )?(an?|one|two|three|four|five|six|seven|eight|nine|ten|\d{1,3})"
    r" (days?|weeks?|fortnight|months?)(?: (ago|from now))?(?!\w)"
)
_SMALL: Final = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_DAY: Final = re.compile(
    r"(?<!\w)(?:((?:the )?day after tomorrow)|((?:the )?day before yesterday)"
    r"|(tomorrow)|(yesterday)"
    r"|(today|tonight|this morning|this afternoon|this evening))(?!\w)"
)
_DAY_OFFSETS: Final = (2, -2, 1, -1, 0)
_WEEKDAY: Final = re.compile(
    rf"(?<!\w)(?:(since) )?(?:(next|last|this|coming) )?({_DAY_NAME})(?!\w)"
)
_WORDS_TOO: Final = frozenset({"sun", "sat", "mon", "wed"})
_LEADS_DAY: Final = re.compile(r"(?<!\w)(?:on|next|this|by|until|till|last|since) \Z")
_DATE_FOLLOWS: Final = re.compile(rf",? (?:the )?(?:\d|{_MONTH})")
_ORDINAL: Final = re.compile(
    rf"(?<!\w)(?:(since) )?(?:(?:{_DAY_NAME}|on|for|from|until|till|to|by|before|since|the),? )"
    r"(?:the )?(\d{1,2})(?:st|nd|rd|th)(?= (?:at|to|until|till|and|or|of this|of the month"
    r"|in|please|if|would|is|around|after|before|from|by|but|instead|works?|suits?|because|with"
    r"|we|i|for)\b"
    r"|\s*[.,;:!?)\n]|\s*\Z)"
)
_TIME: Final = re.compile(
    r"(?<![\w:.])(?:(\d{1,2})(?::(\d{2}))?\s?([ap])\.?m\b\.?|(\d{1,2}):(\d{2})(?::\d{2})?(?![\w:])"
    r"|(noon|midday|midnight)\b)"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A date at `start:end` of the text; `at` when its time of day stands with it."""

    start: int
    end: int
    day: date
    at: time | None = None
    #: What follows the time of an ISO text: "Z", "+02:00"; "" when nothing does.
    zone: str = ""


def moments(text: Text, today: date | None = None) -> tuple[Moment, ...]:
    """The dates of `text` in order; relative ones, and those without a year, need `today`."""
    respelt = Respelt(text.raw, text.lower)
    if respelt.changed:
        again = _moments(Text(respelt.raw), today)
        return tuple(
            replace(m, start=respelt.back(m.start), end=respelt.back(m.end)) for m in again
        )
    return _moments(text, today)


def _moments(text: Text, today: date | None) -> tuple[Moment, ...]:
    found: list[Moment] = []
    for source in (_iso, _numeric, _named, _short):
        _keep(found, source(text, today))
    if today is not None:
        _keep(found, (Moment(*place) for place in worded(text.lower, today)))
        _keep(found, _relative(text, today))
    return tuple(sorted(found, key=lambda moment: moment.start))


def times(text: Text) -> tuple[tuple[int, int, time], ...]:
    """The times of day in `text`: start, end, time."""
    found: list[tuple[int, int, time]] = []
    for match in _TIME.finditer(text.lower):
        hour, minute, half, hour24, minute24, name = match.groups()
        if name:
            value = time(0) if name == "midnight" else time(12)
        elif half:
            if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
                continue
            value = time(int(hour) % 12 + (12 if half == "p" else 0), int(minute or 0))
        elif int(hour24) > 23 or int(minute24) > 59:
            continue
        else:
            value = time(int(hour24), int(minute24))
        found.append((*match.span(), value))
        if len(found) >= _MOST:
            break
    return tuple(found)


def _keep(found: list[Moment], more: Iterator[Moment]) -> None:
    places = {(m.start, m.end) for m in found}
    for moment in more:
        if len(found) >= _MOST:
            return
        if all(moment.end <= first or last <= moment.start for first, last in places):
            found.append(moment)
            places.add((moment.start, moment.end))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _iso(text: Text, _today: date | None) -> Iterator[Moment]:
    for match in _ISO.finditer(text.lower):
        year, month, day, hour, minute, second, zone = match.groups()
        value = _day(int(year), int(month), int(day))
        if value is None:
            continue
        clock = None
        if hour is not None and int(hour) < 24 and int(minute) < 60 and int(second or 0) < 60:
            clock = time(int(hour), int(minute), int(second or 0))
        zone = (zone or "").upper()
        if zone and zone != "Z" and ":" not in zone:
            zone = f"{zone[:3]}:{zone[3:]}"
        yield Moment(*match.span(), value, clock, zone if _is_zone(zone) else "")


def _is_zone(zone: str) -> bool:
    return zone in ("", "Z") or (int(zone[1:3]) < 24 and int(zone[4:6]) < 60)


def _numeric(text: Text, _today: date | None) -> Iterator[Moment]:
    for match in _NUMERIC.finditer(text.lower):
        first, mark, second, written = match.groups()
        year = int(written)
        if len(written) == 2:
            year += 2000 if year <= 68 else 1900
        month_first = _day(year, int(first), int(second))
        day_first = _day(year, int(second), int(first))
        value = month_first or day_first if mark == "/" else day_first or month_first
        if value is not None:
            yield Moment(*match.span(), value)


def _named(text: Text, today: date | None) -> Iterator[Moment]:
    for pattern, month_group, day_group in ((_DAY_MONTH, 2, 1), (_MONTH_DAY, 1, 2)):
        for match in pattern.finditer(text.lower):
            name, year = match.group(month_group), match.group(3)
            # "may" is a verb too; without a year only a capital tells the month.
            if name == "may" and not year and not text.raw[match.start(month_group)].isupper():
                continue
            month, day = MONTHS[name], int(match.group(day_group))
            value = _day(int(year), month, day) if year else _nearest(month, day, today)
            if value is not None:
                yield Moment(*match.span(), value)


def _nearest(month: int, day: int, today: date | None) -> date | None:
    if today is None:
        return None
    years = (today.year - 1, today.year, today.year + 1)
    days = [d for year in years if 1 <= year <= 9999 and (d := _day(year, month, day)) is not None]
    return min(days, key=lambda d: (abs(d - today), d), default=None)


def _shift(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _relative(text: Text, today: date) -> Iterator[Moment]:
    for match in _DAY.finditer(text.lower):
        offset = next(o for o, group in zip(_DAY_OFFSETS, match.groups(), strict=True) if group)
        value = _shift(today, offset)
        if value is not None:
            yield Moment(*match.span(), value)
    for match in _AGO.finditer(text.lower):
        ahead, count, unit, behind = match.groups()
        if bool(ahead) == bool(behind):
            continue
        number = (
            int(count) if count.isdigit() else _SMALL.index(count) + 1 if count in _SMALL else 1
        )
        if unit.startswith("month"):
            value = _months_on(today, -number if behind == "ago" else number)
            if value is not None:
                yield Moment(*match.span(), value)
            continue
        days = number * (1 if unit.startswith("day") else 14 if unit == "fortnight" else 7)
        value = _shift(today, -days if behind == "ago" else days)
        if value is not None:
            yield Moment(*match.span(), value)
    for match in _ORDINAL.finditer(text.lower):
        value = _day_of_month(today, int(match.group(2)), past=bool(match.group(1)))
        if value is not None:
            yield Moment(*match.span(), value)
    for match in _WEEKDAY.finditer(text.lower):
        since, which, name = match.groups()
        if _DATE_FOLLOWS.match(text.lower, match.end()):
            continue
        # "Sun", "sat" and "wed" are words too: a capital or what leads them tells the day.
        written = text.raw[match.start(3)].isupper() or _LEADS_DAY.search(
            text.lower[max(0, match.start(3) - 8) : match.start(3)]
        )
        if name in _WORDS_TOO and not written:
            continue
        # "It broke on Friday" tells of the last one.
        past = since or (which is None and tells_past(text, match.start()))
        which = "last" if past else which
        value = _shift(today, _weekday_offset(today.weekday(), WEEKDAYS[name], which))
        if value is not None:
            yield Moment(*match.span(), value)


def _months_on(today: date, months: int) -> date | None:
    """The same day of another month, or that month's last."""
    year, month = divmod(12 * today.year + today.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))


def _short(text: Text, today: date | None) -> Iterator[Moment]:
    """ "Fri 12/6", "on 12.6.": a day and a month in figures; a weekday says which is which."""
    if today is None:
        return
    for match in _DAY_AND_MONTH.finditer(text.lower):
        name, first, mark, second = match.groups()
        orders = [(int(first), int(second)), (int(second), int(first))]
        days = [_nearest(month, day, today) for month, day in orders]
        if mark == ".":
            days.reverse()
        told = [d for d in days if d is not None]
        fitting = [d for d in told if name is None or d.weekday() == WEEKDAYS[name]]
        if told:
            yield Moment(*match.span(), (fitting or told)[0])


def _day_of_month(today: date, day: int, *, past: bool) -> date | None:
    """The next date from today on with that day of the month; the last one before if `past`."""
    for months in range(4):
        month = today.month - 1 + (-months if past else months)
        value = _day(today.year + month // 12, month % 12 + 1, day)
        if value is not None and (value <= today if past else value >= today):
            return value
    return None


def _weekday_offset(now: int, wanted: int, which: str | None) -> int:
    if which == "last":
        return -((now - wanted) % 7 or 7)
    if which == "next":
        return 7 - now + wanted
    return (wanted - now) % 7 or 7


def as_datetime(moment: Moment, clocks: tuple[tuple[int, int, time], ...], text: Text) -> str:
    """ISO 8601 with an offset; a time of day near the date is taken, UTC where none is written."""
    at, zone = moment.at, moment.zone
    if at is None:
        sentence = text.sentence_at(moment.start)
        first, last = (sentence.start, sentence.end) if sentence else (moment.start, moment.end)
        near = [c for c in clocks if first <= c[0] < last]
        nearest = min(near, key=lambda c: (abs(c[0] - moment.start), c[0]), default=None)
        at = nearest[2] if nearest and abs(nearest[0] - moment.start) <= 60 else time(0)
    return datetime.combine(moment.day, at).isoformat() + (zone or "Z")
