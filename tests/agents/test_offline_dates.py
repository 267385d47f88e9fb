"""Days told in words, and which of several days a field means."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from leafmesh_nb.agents.offline import read
from leafmesh_nb.agents.offline.days import easter

TODAY = date(2026, 3, 2)  # a Monday


def one(text: str, name: str = "day", *, said: str = "") -> Any:
    field = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    shape = {"type": "object", "properties": {name: field}}
    return read(shape, {"message": text}, context=[said], today=TODAY).output[name]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Could the plumber come tomorow?", "2026-03-03"),
        ("The exam is on wensday", "2026-03-04"),
        ("a table on febuary 12, 2027", "2027-02-12"),
        ("tues would suit the choir", "2026-03-03"),
        ("Can I drop the van off on sat?", "2026-03-07"),
        ("The sun shines, the cat sat there, they wed", None),
        ("Friday week suits the curators", "2026-03-13"),
        ("The tasting is a week on Tuesday", "2026-03-10"),
        ("Two weeks from Monday we move out", "2026-03-23"),
        ("Next week on Thursday then", "2026-03-12"),
        ("Thursday next week then", "2026-03-12"),
        ("The Saturday after next, please", "2026-03-14"),
        ("I need the keys by the end of the month", "2026-03-31"),
        ("The loan runs to the end of February", "2027-02-28"),
        ("from the 5th of next month", "2026-04-05"),
        ("A room for Easter Monday", "2026-04-06"),
        ("We have a buffet on Christmas Eve", "2026-12-24"),
        ("It rattles since Friday", "2026-02-27"),
        ("the 14th if possible", "2026-03-14"),
        ("Day after tomorrow would suit the choir", "2026-03-04"),
        ("The lease ends in two months", "2026-05-02"),
        ("Somebody bumped into my van, it happened on Friday", "2026-02-27"),
        ("Dinner on Friday 12/6", "2026-06-12"),
        ("Dinner on Saturday 6/12", "2025-12-06"),
        ("Dinner by 12.6.", "2026-06-12"),
        ("on 3/4 of the shelves", None),
        ("a flat on the 3rd floor", None),
    ],
)
def test_days_in_words(text: str, day: str | None) -> None:
    assert one(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("My lesson is on Tuesday, could we move it to Thursday?", "2026-03-05"),
        ("Please move the viewing from Wednesday to Friday.", "2026-03-06"),
        ("I can't make Tuesday. Is Friday free?", "2026-03-06"),
        ("Instead of Wednesday, Saturday would be better for the van.", "2026-03-07"),
        ("Any day but not Tuesday, say Thursday", "2026-03-05"),
        ("We would take Tuesday or Wednesday.", "2026-03-03"),
    ],
)
def test_of_a_moved_day_the_new_one_is_meant(text: str, day: str) -> None:
    assert one(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The radiator has been cold since yesterday, please come on Thursday.", "2026-03-05"),
        ("Your driver was here yesterday.", None),
        ("You promised it for Friday and nobody came.", None),
        ("The lamp arrived broken this morning.", None),
        ("Can somebody come today?", "2026-03-02"),
        ("Two weeks ago I ordered a desk.", None),
    ],
)
@pytest.mark.parametrize(
    ("name", "said"),
    [("visit_date", ""), ("day", "The day is the one on which the customer wants us to come.")],
)
def test_a_wanted_day_is_none_that_has_been(
    text: str, day: str | None, name: str, said: str
) -> None:
    assert one(text, name, said=said) == day


def test_a_day_of_an_incident_is_one_that_has_been() -> None:
    text = "Please call me tomorrow. Somebody hit my car yesterday."
    assert one(text, "accident_date") == "2026-03-01"


def test_easter_by_the_almanac() -> None:
    days = {2019: (4, 21), 2024: (3, 31), 2025: (4, 20), 2026: (4, 5), 2038: (4, 25)}
    assert {year: (easter(year).month, easter(year).day) for year in days} == days


def test_evidence_quotes_the_text_as_it_was_written() -> None:
    shape = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    reading = read(shape, {"message": "We come on wensday, febuary 11"}, today=TODAY)
    assert reading.evidence["day"] == "We come on wensday, febuary 11"
