"""Counts by the kind of thing, booleans by their topic, enums by what the writer does."""

from __future__ import annotations

import time
from typing import Any

import pytest

from leafmesh_nb.agents.offline import Example, read

COUNT = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}


def _one(text: str, name: str, schema: dict[str, Any]) -> Any:
    shape = {"type": "object", "properties": {name: schema}, "required": [name]}
    return read(shape, {"message": text}).output[name]


@pytest.mark.parametrize(
    ("text", "name", "count"),
    [
        ("Please collect 14 crates on Monday.", "parcels", 14),
        ("We are two adults and need a quiet place.", "guests", 2),
        ("I would like a dozen chairs for the hall.", "units", 12),
        ("There is one box to be sent.", "parcels", 1),
        ("A crate is waiting at the gate.", "parcels", 1),
        ("There were 20 boxes, 3 of them wet.", "parcels", 20),
        ("Send 3 large wooden boxes to room 12.", "parcels", 3),
        ("A pair of lamps for the stage, please.", "items", 2),
        ("4 pallets of 60 kg each, to be here in 3 days.", "parcels", 4),
        ("From 30 to 42 attendees, we were told.", "guests", 42),
        ("We have five, and they are all ill.", "animals", 5),
        ("We sent 5 boxes and 7 crates, 12 packages in total.", "parcels", 12),
    ],
)
def test_counts_by_other_nouns(text: str, name: str, count: int) -> None:
    assert _one(text, name, COUNT) == count


@pytest.mark.parametrize(
    "text",
    [
        "The load is 3 kg heavy and takes 3 days.",
        "We are in room 3 at 3 pm, on the 3rd floor.",
        "A 3-course meal for order 4471.",
        "Please call 555 0199 234 about the 20 % discount.",
        "We tried 4 ways to reach you.",
        "That was the one that broke.",
        "The plate is 120 x 80 cm in size.",
    ],
)
@pytest.mark.parametrize("name", ["parcels", "guests", "units"])
def test_what_counts_nothing(text: str, name: str) -> None:
    assert _one(text, name, COUNT) is None


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Twelve wine glasses, handle with care.", "fragile", True),
        ("There is nothing breakable in it.", "fragile", False),
        ("Tins of paint thinner, UN 1263.", "hazardous", True),
        ("No chemicals, no batteries.", "hazardous", False),
        ("We bring our puppy.", "pets_allowed", True),
        ("We dine in the courtyard.", "is_outdoor", True),
        ("One of us cannot have peanuts.", "allergies", True),
        ("We come on Saturday.", "weekend", True),
        ("Keep the salmon at 4 \u00b0C.", "cold_chain", True),
        ("My husband uses a rollator.", "wheelchair_access", True),
        ("A parcel with old books.", "hazardous", False),
    ],
)
def test_booleans_by_their_topic(text: str, name: str, value: bool) -> None:
    assert _one(text, name, {"type": "boolean"}) is value


def test_values_are_told_apart_by_what_is_done() -> None:
    values = ["quote", "booking", "complaint", "status"]
    shape = {"type": "object", "properties": {"kind": {"enum": values}}, "required": ["kind"]}
    examples = [
        Example("What would a cello lesson cost?", {"kind": "quote"}),
        Example("Please reserve the studio for us", {"kind": "booking"}),
        Example("The teacher was rude", {"kind": "complaint"}),
        Example("Did my form arrive?", {"kind": "status"}),
    ]

    def kind(text: str) -> Any:
        return read(shape, {"message": text}, examples).output["kind"]

    assert kind("How expensive are eight hours of drum practice?") == "quote"
    assert kind("Could you set aside a place for my son in May?") == "booking"
    assert kind("Nobody showed up and two strings were broken.") == "complaint"
    assert kind("Any news about my letter? I am still waiting.") == "status"


@pytest.mark.parametrize("piece", ["2 of the ", "a box ", "no acid ", "how much would ", "un1263 "])
def test_long_repetitions_take_bounded_time(piece: str) -> None:
    shape = {
        "type": "object",
        "properties": {
            "parcels": COUNT,
            "hazardous": {"type": "boolean"},
            "kind": {"enum": ["quote", "booking"]},
        },
        "required": ["hazardous", "kind"],
    }
    start = time.process_time()

    read(shape, {"message": piece * (1_000_000 // len(piece))})

    assert time.process_time() - start < 10
