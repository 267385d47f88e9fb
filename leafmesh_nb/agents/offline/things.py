"""Kinds of countable things: people, boxes, rooms, machines, papers and so on.

A count's name and the noun that a text counts are often two words for one kind of thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

from leafmesh_nb.agents.offline.nouns import kind_names, nouns
from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.words import word_set

_KINDS: Final = """
box: parcel package packet box carton crate pallet case container envelope bag sack barrel drum tub
box: tin can jar bottle basket tray bundle roll load suitcase trunk keg cylinder canister bin tube
box: consignment shipment collo colli skid tote freight cargo delivery chest hamper bucket vial
person: person people adult child kid baby guest attendee participant visitor passenger traveller
person: student pupil colleague employee worker staff member friend man woman patient player pax
person: delegate diner head applicant candidate tenant customer client volunteer boy girl teenager
person: senior infant toddler occupant resident user attendant invitee learner trainee coworker
person: human individual soul lady gentleman teacher speaker helper driver mover crew couple
person: parent daughter son brother sister cousin aunt uncle grandparent relative pensioner
room: room bedroom suite office hall cabin apartment flat house studio kitchen bathroom dormitory
machine: machine device printer laptop computer phone tablet screen monitor camera lamp drone server
machine: pump motor engine boiler heater fridge freezer oven washer dryer router generator projector
machine: speaker microphone mic light radio radiator dishwasher television scanner tool drill saw
machine: appliance instrument keyboard headset charger lens tripod amplifier copier elevator lift
paper: document form certificate copy page contract invoice file letter report permit passport sheet
paper: receipt paper leaflet brochure poster flyer card statement application volume
animal: animal dog cat pet puppy kitten rabbit hamster parrot bird horse pony cow sheep goat pig
animal: chicken hen fish turtle tortoise snake mouse rat lizard ferret duck lamb calf labrador
animal: terrier poodle budgie canary hound foal donkey
plant: plant tree shrub bush flower rose tulip seedling sapling hedge bulb fern herb orchid bouquet
plant: fir palm pine oak birch tomato cactus vine
food: meal portion serving sandwich dish plate platter pizza cake burger salad soup sushi snack
food: lunch dinner breakfast pie muffin croissant bagel cookie pastry roll wrap dessert curry
food: steak lasagna burrito loaf cupcake canape cover
furniture: furniture chair table desk bed sofa couch shelf cupboard wardrobe mattress stool bench
furniture: cabinet bookcase armchair dresser sideboard piano
vehicle: vehicle car van truck bus bike bicycle lorry scooter motorbike trailer boat taxi forklift
clothing: garment shirt jacket coat dress suit shoe trouser sweater uniform sock hat glove skirt
clothing: blouse curtain blanket sheet towel shirt tie scarf
medium: book volume novel magazine dvd cd comic journal title textbook record
seat: seat ticket spot space stall pass
opening: window door blind shutter pane gate
"""
#: Kinds that stand for one another: portions are ordered for so many people, patients may be pets.
_AKIN: Final = frozenset(
    {
        frozenset({"food", "person"}),
        frozenset({"seat", "person"}),
        frozenset({"box", "furniture"}),
        frozenset({"box", "food"}),
        frozenset({"box", "plant"}),
        frozenset({"box", "clothing"}),
        frozenset({"box", "medium"}),
        frozenset({"medium", "paper"}),
        frozenset({"box", "machine"}),
    }
)
_AKIN_NAMES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"patient": frozenset({"animal"}), "case": frozenset(), "head": frozenset({"animal"})}
)
#: Names that count whatever there is; people are counted by them last.
_ANYTHING: Final = frozenset(
    map(
        stem,
        word_set(
            "item unit piece thing article object product good copy count quantity qty number "
            "amount total num size"
        ),
    )
)

#: Nouns with which a number measures: time, money, sizes, weights and the like.
MEASURES: Final = word_set(
    """
    second seconds sec secs minute minutes min mins hour hours hr hrs h day days night nights week
    weeks weekend weekends fortnight month months year years yr yrs decade decades century semester
    quarter quarters term terms season seasons am pm o'clock noon midnight
    kg kgs kilo kilos kilogram kilograms gram grams g mg pound pounds lb lbs ounce ounces oz stone
    ton tons tonne tonnes t km kms kilometer kilometers kilometre kilometres mile miles m meter
    meters metre metres cm mm centimeter centimeters centimetre centimetres inch inches foot feet
    ft yard yards acre acres hectare hectares sqm sqft square cubic l liter liters litre litres ml
    cl gallon gallons pint pints degree degrees celsius fahrenheit volt volts watt watts kw kwh amp
    amps hz mb gb tb mbps dpi pixel pixels percent per points point stars star times time x
    dollar dollars euro euros cent cents bucks quid usd eur gbp
    floor floors storey storeys stairs flight flights step steps course courses
    """
)
_MEASURE_STEMS: Final = frozenset(map(stem, MEASURES))
_PLURALS: Final = word_set("people children men women mice geese feet teeth staff pax persons")
_NO_PLURALS: Final = word_set(
    "this his its is was has does us plus less always perhaps yes thus as across towards besides "
    "lens status address access progress business gas bus glass class series news boss mess loss"
)
_ABSTRACT: Final = frozenset(
    map(
        stem,
        word_set(
            "place way reason error problem issue question word line attempt call email message "
            "option side digit character chance idea mistake complaint request reply "
            "reminder try rule level class grade size color corner end detail point version sign "
            "topic task goal score review rating payment instalment installment rate visit "
            "trip appointment session lesson meeting"
        ),
    )
)
_COUNTING: Final = word_set("count counts quantity qty number num total amount")


_KIND_NAMES: Final = frozenset(
    stem(line.partition(": ")[0]) for line in _KINDS.strip().splitlines()
)


@cache
def _kinds() -> Mapping[str, frozenset[str]]:
    kinds: dict[str, set[str]] = {}
    for line in _KINDS.strip().splitlines():
        kind, _, words = line.partition(": ")
        for word in words.split():
            kinds.setdefault(stem(word), set()).add(kind)
    return MappingProxyType({word: frozenset(found) for word, found in kinds.items()})


def kinds_of(word_stem: str) -> frozenset[str]:
    """The kinds of thing that a noun's stem names; none where it is not known."""
    found = _kinds().get(word_stem, frozenset())
    if not found and word_stem in nouns():
        found = frozenset({nouns()[word_stem].kind})
    return found | {kind_names()[word_stem]} if word_stem in kind_names() else found


def is_kind(word_stem: str) -> bool:
    """Whether a noun is the name of a whole kind: any vehicle is one of the vehicles."""
    return word_stem in _KIND_NAMES or word_stem in kind_names()


def is_plural(word: str) -> bool:
    """Whether a word has the form of a plural noun."""
    if word in _PLURALS:
        return True
    return (
        len(word) > 3
        and word.endswith("s")
        and not word.endswith(("ss", "us", "is", "ous", "'s"))
        and word not in _NO_PLURALS
    )


def is_measure(word: str) -> bool:
    return word in MEASURES


def is_abstract(word_stem: str) -> bool:
    """Whether a noun names no thing that could be counted under another name: "40 ways"."""
    return word_stem in _ABSTRACT


def counted_thing(name: Sequence[str]) -> str | None:
    """The stem of what a field of this name counts, "" for anything; None when it counts nothing.

    `guests`, `guest_count`, `number_of_guests` count guests; `nights` and `weight` measure.
    """
    told = [word for word in name if word not in _COUNTING and word not in {"of", "the", "nr"}]
    counting = len(told) < len(name)
    if not told:
        return "" if counting else None
    last = told[-1]
    if is_measure(last) or stem(last) in _MEASURE_STEMS:
        return None
    if stem(last) in _ANYTHING and (counting or is_plural(last)):
        return ""
    return stem(last) if counting or is_plural(last) else None


def likeness(thing: str, noun: str) -> float:
    """How well things called `noun` are what `thing` ("" for anything) counts: -1..1, stems."""
    found = kinds_of(noun)
    if not thing:
        return -0.4 if found == {"person"} else 0.5
    if thing == noun:
        return 1.0
    wanted = kinds_of(thing) | _AKIN_NAMES.get(thing, frozenset())
    if not wanted or not found:
        return 0.0
    if wanted & found:
        return 1.0
    akin = any({one, other} in _AKIN for one in wanted for other in found)
    return 0.5 if akin else -0.6
