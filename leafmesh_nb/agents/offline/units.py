"""Numbers with a unit: "4.5kg", "about 800 g", "two and a half metres".

A field whose name ends in a unit (`weight_kg`) or names what is measured (`weight`) takes the
number that has such a unit, converted to the field's own. Factors are those of the SI and of the
international pound and yard of 1959; gallons and pints are imperial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from leafmesh_nb.agents.offline.cues import Cues, around, nearness
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.text import Text
from leafmesh_nb.agents.offline.things import kinds_of
from leafmesh_nb.agents.offline.words import word_set

_UNITS: Final = """
mass 0.000001: mg milligram milligrams
mass 0.001: g gr gram grams gramme grammes
mass 1: kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes
mass 1000: t tonne tonnes ton tons
mass 0.45359237: lb lbs pound pounds
mass 0.028349523125: oz ounce ounces
mass 6.35029318: stone stones
length 0.001: mm millimetre millimetres millimeter millimeters
length 0.01: cm centimetre centimetres centimeter centimeters
length 1: m metre metres meter meters
length 1000: km kms kilometre kilometres kilometer kilometers
length 0.0254: in inch inches
length 0.3048: ft foot feet
length 0.9144: yd yard yards
length 1609.344: mi mile miles
volume 0.001: ml millilitre millilitres milliliter milliliters
volume 0.01: cl centilitre centilitres centiliter centiliters
volume 1: l litre litres liter liters
volume 1000: m3 cbm
volume 0.56826125: pint pints
volume 4.54609: gallon gallons
area 1: sqm m2 m\u00b2
area 0.09290304: sqft ft2
area 10000: hectare hectares ha
time 1: second seconds sec secs
time 60: minute minutes min mins
time 3600: hour hours hr hrs h
"""
_DIMENSIONS: Final = {
    "weight": "mass",
    "mass": "mass",
    "length": "length",
    "height": "length",
    "width": "length",
    "depth": "length",
    "distance": "length",
    "mileage": "length",
    "volume": "volume",
    "capacity": "volume",
    "area": "area",
}
#: Units whose words mean other things too, as names of fields and behind numbers.
_AMBIGUOUS: Final = frozenset({"in", "second", "stone", "foot", "yard", "h", "m"})
_HALF: Final = re.compile(r"(?:\s+and\s+a\s+half|\s*\u00bd|\s+1/2)(?!\w)")
_WORDED: Final = re.compile(r"(?<!\w)(half an?|a quarter of an?|an?|one)\s+(?=[^\W\d_])")
_PARTS: Final = {"half": Decimal("0.5"), "a quarter": Decimal("0.25")}
_YEARS: Final = re.compile(r"[\s-]?(?:years?|yrs?|months?|weeks?|days?|hours?|minutes?|mins?)\b")
_GAP: Final = re.compile(r"[\s\u00a0-]{0,2}")
_POUNDS: Final = re.compile(r"(?<=[\d\s])pounds?\Z")
_NOW: Final = word_set("now currently today new actually")
_THEN: Final = word_set("was were used last previously before originally not")
_CHANGES: Final = word_set("lost gained lose gain extra more less another lighter heavier")
_MOST: Final = 400


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` is what one of it is in the dimension's base; None where a name gives no unit."""

    dimension: str
    factor: Decimal | None


@cache
def _known() -> dict[str, Unit]:
    known: dict[str, Unit] = {}
    for line in _UNITS.strip().splitlines():
        head, _, names = line.partition(": ")
        dimension, factor = head.split()
        known |= {name: Unit(dimension, Decimal(factor)) for name in names.split()}
    return known


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, _known()), key=len, reverse=True))
    return re.compile(rf"({names})(?![^\W_])")


def unit_of(name: Sequence[str]) -> Unit | None:
    """The unit or the dimension that a field's name (its words) asks for."""
    if not name:
        return None
    last = _known().get(name[-1])
    if last and last.dimension != "time" and (len(name) > 1 or name[-1] not in _AMBIGUOUS):
        return last
    if last and last.dimension == "time" and len(name) > 1:
        return last
    dimension = next((d for word in name if (d := _DIMENSIONS.get(word))), None)
    return Unit(dimension, None) if dimension else None


def measured(text: Text, numbers: Sequence[Quantity], unit: Unit) -> Iterator[Quantity]:
    """The numbers with a unit of that dimension, in the field's unit, in the text's order."""
    found: dict[int, Quantity] = {}
    for number in numbers[:_MOST]:
        # "12 pounds" reads as money until a field asks for a weight.
        if number.kind not in (Kind.PLAIN, Kind.MONEY):
            continue
        value, end = number.value, number.end
        mark = _POUNDS.search(text.lower[number.start : number.end])
        if number.kind is Kind.MONEY:
            if mark is None or unit.dimension != "mass":
                continue
            end = number.start + mark.start()
        half = _HALF.match(text.lower, end)
        if half:
            value, end = value + Decimal("0.5"), half.end()
        gap = _GAP.match(text.lower, end)
        match = _pattern().match(text.lower, gap.end() if gap else end)
        if match is None:
            continue
        after = _HALF.match(text.lower, match.end())
        if after and not half:
            value += Decimal("0.5")
        converted = _in_unit(value, match.group(1), unit)
        if converted is not None:
            last = after.end() if after and not half else match.end()
            found[number.start] = Quantity(number.start, last, converted, Kind.PLAIN)
    for place, quantity in _worded(text, unit):
        if not any(q.start <= place < q.end for q in found.values()):
            found.setdefault(place, quantity)
    yield from (found[place] for place in sorted(found))


def _worded(text: Text, unit: Unit) -> Iterator[tuple[int, Quantity]]:
    """ "Half a kilo", "a tonne"."""
    for match in list(_WORDED.finditer(text.lower))[:_MOST]:
        named = _pattern().match(text.lower, match.end())
        if named is None or named.group(1) in _AMBIGUOUS:
            continue
        lead = match.group(1)
        value = next((part for head, part in _PARTS.items() if lead.startswith(head)), Decimal(1))
        converted = _in_unit(value, named.group(1), unit)
        if converted is not None:
            span = (match.start(), named.end())
            yield match.start(), Quantity(*span, converted, Kind.PLAIN, spelled=True)


def _in_unit(value: Decimal, name: str, wanted: Unit) -> Decimal | None:
    given = _known()[name]
    if given.dimension != wanted.dimension or given.factor is None:
        return None
    if wanted.factor is None or wanted.factor == given.factor:
        return value
    converted = value * given.factor / wanted.factor
    rounded = round(converted, 3)
    return rounded.normalize() if rounded else converted


def bears_unit(text: Text, number: Quantity) -> bool:
    """Whether a number has a unit of any kind, so that it is no bare number."""
    gap = _GAP.match(text.lower, number.end)
    after = gap.end() if gap else number.end
    return bool(_pattern().match(text.lower, after) or _YEARS.match(text.lower, number.end))


def measure_score(text: Text, found: Quantity, cues: Cues) -> float:
    """How likely a number with the right unit is what the field means."""
    before = [w.text for w, d in around(text, found.start, found.start, 5) if d < 0]
    after = [w for w, d in around(text, found.end, found.end, 2) if d > 0]
    score = 2.5 + nearness(text, found.start, found.end, cues)
    score += 0.6 * (not _NOW.isdisjoint(before))
    score -= 0.6 * (not _THEN.isdisjoint(before)) + 0.8 * (not _CHANGES.isdisjoint(before))
    # "a 10 kg bag", "5 kg of flour": the measure of something else.
    score -= 0.6 * any(w.text == "of" or kinds_of(w.stem) & {"box"} for w in after[:1])
    return score - found.start * 1e-7
