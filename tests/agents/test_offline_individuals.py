"""Counts that a text gives without a number: what is named, joined or led by an article."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from leafmesh_nb.agents.offline import UnreadableFieldError, read

TODAY = date(2026, 3, 2)
COUNT = {"type": "integer", "minimum": 0}


def count(text: str, name: str) -> Any:
    schema = {"type": "object", "properties": {name: COUNT}, "required": [name]}
    try:
        return read(schema, {"message": text}, today=TODAY).output[name]
    except UnreadableFieldError:
        return None


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        # garage
        ("My car makes a grinding noise when I brake. It is 12 years old.", "vehicles", 1),
        ("The van won't start, can somebody come at 8?", "vehicles", 1),
        ("Please service our lorry and the minibus before the 14th.", "vehicles", 2),
        ("Two vans and a trailer need new tyres.", "vehicles", 3),
        ("Both of them failed the emissions test, the hatchback and the estate car.", "cars", 2),
        ("Hatchback for inspection on Friday please, ABS light on, 84000 km", "cars", 1),
        # school
        ("My daughter has a fever and stays at home until the 6th.", "children", 1),
        ("My son and my daughter are both down with flu.", "children", 2),
        ("Please excuse Tom, Lisa and Max, they are at a funeral in room 12.", "pupils", 3),
        ("Could you put her in the maths group? She did 40 exercises alone.", "students", 1),
        ("My son has swimming on Monday. Our daughter would rather do chess.", "children", 2),
        ("Both sons will miss the trip.", "children", 2),
        ("My 8 year old daughter starts in May.", "children", 1),
        ("Two 14-year-old pupils were late.", "pupils", 2),
        ("All three need a desk by the 9th.", "pupils", 3),
        ("The twins have chickenpox.", "children", 2),
        ("Is Ruben allowed to sit the exam again?", "pupils", 1),
        ("My sister's old, rusty car and a four-door van", "vehicles", 2),
        ("The 2016 van is ready", "vehicles", 1),
        # hotel
        ("My wife and I would like the lake room.", "guests", 2),
        ("A room for two adults and one child, 3 nights", "guests", 3),
        ("We come with our dog and the cat, is that a problem?", "pets", 2),
        ("Can we bring our poodle? He weighs 8 kg and is 4.", "pets", 1),
        # library
        ("I lost a novel that is due on the 9th, what do I owe?", "books", 1),
        ("I want to renew the cookbook and the novel for 3 weeks.", "books", 2),
        # museum loans
        ("We ask for the loan of the harpsichord, insured for 40,000.", "instruments", 1),
        ("We ask for a cello and two violins from 1780.", "instruments", 3),
        # tenants
        ("The fridge in the kitchen is dead since 3 days.", "appliances", 1),
        ("The washing machine leaks, flat 14.", "machines", 1),
        # removals
        ("Please move a sofa, two armchairs and the piano.", "items", 4),
        ("Please move a sofa, two armchairs and the table.", "furniture_count", 4),
        ("How much to ship a suitcase to Rome?", "bags", 1),
        ("Collect a grandfather clock and a fire engine from the depot.", "vehicles", 1),
        # surgery of people
        ("Ruben is sneezing since 2 days.", "patients", 1),
        ("An appointment for Ruben please, he coughs.", "patients", 1),
    ],
)
def test_what_is_named_is_counted(text: str, name: str, wanted: int | None) -> None:
    assert count(text, name) == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("We need chairs for the hall, can you quote?", "chairs"),
        ("My husband cannot climb stairs, is there a lift?", "guests"),
        ("Is the car park open on Sunday?", "cars"),
        ("What do you charge for dog food?", "dogs"),
        ("Our vans need tyres.", "vehicles"),
        ("Is Monday free? Could December work?", "pupils"),
        ("When do you open on Monday and Tuesday?", "children"),
        ("Good morning, what does it cost? Regards, Anna and Paul", "children"),
    ],
)
def test_what_names_nobody_counts_nobody(text: str, name: str) -> None:
    assert count(text, name) is None


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("My cat had 4 kittens", "kittens", 4),
        ("We are 5 people, 3 adults and 2 children", "guests", 5),
        ("I have 3 dogs, the poodle needs a trim", "dogs", 3),
        ("2 adults and 3 children", "adults", 2),
        ("2 adults and 3 children", "children", 3),
    ],
)
def test_a_number_of_the_very_thing_goes_first(text: str, name: str, wanted: int) -> None:
    assert count(text, name) == wanted
