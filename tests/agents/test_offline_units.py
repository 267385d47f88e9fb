"""Numbers with a unit, and the unit that a field's name asks for."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.agents.offline import read


def one(text: str, name: str, kind: str = "number") -> Any:
    schema = {
        "type": "object",
        "properties": {name: {"anyOf": [{"type": kind}, {"type": "null"}]}},
    }
    return read(schema, {"message": text}).output[name]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        # catering, freight, museum loans, garage, tailoring, letting
        ("Please add 2.5kg of flour to order 4471", "flour_kg", 2.5),
        ("The case (about 18 kg) is too heavy for 1 porter", "weight_kg", 18),
        ("It weighs 800 g with its frame, 3 of us looked at it", "weight_kg", 0.8),
        ("The vase is 1.2 tonnes on its plinth", "weight_kg", 1200),
        ("two and a half kilos of cherries, 40 tartlets", "weight_kg", 2.5),
        ("3\u00bd kg of potatoes", "weight_kg", 3.5),
        ("half a kilo of saffron for 200 guests", "weight_kg", 0.5),
        ("She lost 3 kg and is now 61 kg", "weight_kg", 61),
        ("The crate was 44 kg, now it is 41 kg", "weight_kg", 41),
        ("a 10 lb ham", "weight_kg", 4.536),
        ("The canvas is 180 cm wide, 2 nails hold it", "width_m", 1.8),
        ("My car has done 84,000 km in 9 years", "mileage", 84000),
        ("The towing took 90 minutes, job 14", "labour_hours", 1.5),
        ("Room of 24 sqm on floor 3", "area_sqm", 24),
        ("Our weight limit? Table 4 was told 12", "weight_kg", None),
        ("12 boxes, 3 days, 40 dollars", "weight_kg", None),
        ("The boy is 4 years old and weighs 17", "weight_kg", 17),
        ("a cask of 50 litres", "volume_ml", 50000),
    ],
)
def test_a_field_with_a_unit_takes_the_number_that_has_it(
    text: str, name: str, value: float | None
) -> None:
    assert one(text, name) == value


def test_a_whole_number_is_not_made_of_a_fraction() -> None:
    assert one("It weighs 800 g", "weight_kg", "integer") is None
