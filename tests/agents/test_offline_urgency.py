"""Booleans by what a capability says of them, and urgency by what happens."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.agents.offline import read


def flag(text: str, name: str, said: str = "") -> Any:
    shape = {"type": "object", "properties": {name: {"type": "boolean"}}, "required": [name]}
    return read(shape, {"message": text}, context=[said]).output[name]


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("A pipe burst in the cellar, the water is rising", True),
        ("We are locked out of the flat with a baby", True),
        ("My father collapsed on the stairs", True),
        ("There are sparks when I plug in the oven", True),
        ("It smells of gas in the hall", True),
        ("Send a mechanic, we are stranded on the motorway", True),
        ("I need this as quickly as possible", True),
        ("No hurry, whenever it suits you", False),
        ("Is your urgent care clinic open on Sunday?", False),
        ("Please add my sister as an emergency contact", False),
        ("The emergency exit sign in the hotel is crooked", False),
        ("What does a repair cost if a pipe burst?", False),
        ("A pipe burst here two years ago, do you still insure us?", False),
        ("There is no smoke and nobody is hurt, I just want a quote", False),
        ("We should like a table for four", False),
        ("If it is not urgent, does the exam still count?", False),
    ],
)
def test_what_is_urgent(text: str, urgent: bool) -> None:
    assert flag(text, "urgent") is urgent


SAID = "Sort the letters of a museum. courier_needed is true when a lender travels, or for ivory."


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("Two chess pieces of ivory go to Lyon", True),
        ("The lender travels with the crate", True),
        ("The crate travels alone", False),
        ("It is not ivory but bone", False),
        ("The frame is oak", False),
    ],
)
def test_a_definition_lists_what_makes_it_so(text: str, needed: bool) -> None:
    assert flag(text, "courier_needed", SAID) is needed
