"""Topics that a boolean's name can stand for, with the words by which a text speaks of them.

`fragile` is spoken of as glass or by "handle with care", `hazardous` as acid or by a UN number.
A line is a topic: the words of names, a colon, and the words of texts; `_` joins a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from leafmesh_nb.agents.offline.stems import stem
from leafmesh_nb.agents.offline.text import Sentence, Text, Word
from leafmesh_nb.agents.offline.words import BOOLEAN_LEADS, word_set

_TOPICS: Final = """
hazard hazardous danger dangerous risk risky unsafe harmful toxic chemical chemicals: hazardous
hazardous: hazard danger dangerous unsafe toxic poison poisonous venomous flammable inflammable
hazardous: combustible explosive explode explosion ammunition firework corrosive caustic acid bleach
hazardous: chemical solvent thinner petrol gasoline diesel kerosene fuel propane butane gas_bottle
hazardous: gas battery gunpowder aerosol pesticide herbicide insecticide asbestos radioactive
hazardous: biohazard infectious mercury ammonia chlorine peroxide hydrochloric sulphuric methanol
hazardous: lithium ethanol dangerous_goods spray_can fume oxidising oxidizing irritant

fragile delicate breakable: fragile delicate breakable brittle glass glassware mirror porcelain
fragile: china ceramic crystal vase chandelier pottery crockery handle_with_care with_care careful
fragile: easily_broken easily_damaged this_side_up antique instrument violin piano
fragile: egg sculpture painting wine_glass bubble_wrap do_not_drop shatter breaks_easily

cold frozen chilled refrigerated perishable cooled temperature: frozen chilled refrigerate cooled
cold: refrigerated perishable cold_chain keep_cold kept_cold keep_cool kept_cool ice_cream
cold: deep_freeze dry_ice on_ice icebox cool_box thaw defrost freezer fridge temperature_controlled

allergy allergies allergic allergen intolerance dietary diet: allergy allergic allergen intolerant
allergy: intolerance anaphylaxis anaphylactic epipen coeliac celiac gluten_free lactose dairy_free
allergy: nut_free peanut peanuts almond hazelnut walnut cashew sesame shellfish hives
allergy: cannot_eat cannot_have_nuts hay_fever pollen penicillin latex bee_sting

vegetarian vegan meatless: vegetarian vegan plant_based meat_free veggie tofu

pet pets animal animals: pet animal dog cat puppy kitten rabbit hamster parrot bird budgie canary
pet: horse pony terrier labrador poodle retriever spaniel dachshund tortoise turtle snake lizard
pet: ferret hound guide_dog

child children kid kids infant minor toddler baby: child children kid baby toddler infant
child: newborn son daughter grandson granddaughter grandchild schoolchild pupil teenager high_chair
child: highchair cot pram pushchair stroller car_seat booster_seat year_old boy girl twins nursery

elderly senior: elderly pensioner senior grandmother grandfather grandma grandpa granny retired aged
elderly: old_lady old_man in_her_eighties in_his_eighties

insurance insured insure: insurance insured insure insurer policy_cover coverage underwriter
insurance: liability_policy our_policy my_policy covered_for cover_against comprehensive_cover

warranty guarantee guaranteed: warranty guarantee guaranteed under_guarantee free_of_charge_repair
warranty: bought_recently manufacturer_cover still_covered

customs export abroad overseas international foreign crossborder: customs import export duty tariff
abroad: abroad overseas international border foreign incoterms non_eu outside_the_eu
abroad: outside_the_country commercial_invoice air_freight

night nighttime overnight evening: night overnight midnight nighttime nightly late_at_night
night: after_dark small_hours in_the_dark sleep_over night_shift evening after_midnight

weekend weekends: weekend saturday sunday

accessible accessibility wheelchair disabled disability stepfree barrier mobility: wheelchair ramp
accessible: disabled disability accessible accessibility step_free stairlift crutch walker rollator
accessible: walking_frame mobility_scooter blind deaf hearing_loop barrier_free paraplegic
accessible: cannot_walk cannot_climb hard_of_hearing visually_impaired lift_access

damage damaged broken defective: damage damaged break broken crack cracked smash shatter scratch
damage: dent torn tear crush bent burst snap chip ruin leak shard splinter bruise destroy wreck

repeat repeated again recurring recurrence returning previous: again repeat second_time
repeat: third_time once_more yet_again twice recurring as_before as_last_time keeps_happening
repeat: every_time still_not already_reported already_complained already_told already_wrote
repeat: came_back same_problem same_as_last the_usual as_usual

regular recurring subscription standing: every_week every_month every_day weekly monthly daily
regular: fortnightly regularly recurring subscription standing_order each_week each_month

consent agreed approval approve permission: consent agree agreed approve approval permission
consent: go_ahead fine_with_me fine_by_me happy_for_you you_may i_accept we_accept ok_with_me

outdoor outdoors outside alfresco: outdoor outdoors outside terrace patio garden balcony
outdoor: open_air courtyard rooftop deck veranda lawn backyard marquee gazebo pergola beach
outdoor: meadow under_the_stars beer_garden picnic lakeside poolside campsite in_the_park tent

indoor indoors inside: indoor indoors inside ballroom conference_room lounge

smoking smoker smoke tobacco: smoke smoker smoking cigarette cigar ashtray vape tobacco

alcohol alcoholic: alcohol wine beer champagne prosecco cocktail whisky vodka gin rum
alcohol: liquor spirits sparkling_wine open_bar brandy sherry cider

heavy bulky oversized oversize: heavy bulky oversized oversize piano two_men two_people
heavy: two_person forklift tail_lift pallet_truck crane hoist weighs_a_ton over_sized

gift present giftwrap: gift present birthday surprise anniversary christmas gift_wrap wrapped ribbon
gift: greeting_card

injury injured hurt medical accident: injury injured hurt wound bleed blood bruise fracture sprain
injury: ambulance hospital concussion stitches unconscious fell_down broken_arm broken_leg burn

ill sick symptoms: ill sick fever cough vomit nausea diarrhoea infection flu unwell rash

pregnant pregnancy: pregnant pregnancy expecting_a_baby maternity midwife due_date

vaccinated vaccination vaccine immunized: vaccinated vaccine vaccination immunize jab shots booster
vaccinated: rabies_shot inoculate

legal lawyer lawsuit litigation: lawyer solicitor attorney court sue lawsuit legal_action
legal: legal_steps ombudsman small_claims take_you_to_court

police crime theft stolen criminal: police theft stolen steal thief burglar burglary rob robbery
police: break_in broke_in vandalise vandalize crime

refund refunded reimbursement moneyback: refund money_back reimburse reimbursement repay give_back
refund: credit_me compensate

business company corporate commercial: company business corporate firm employer office gmbh ltd
business: colleague purchase_order vat_number our_staff our_employees

student students: student university college campus semester undergraduate freshman pupil

parking car: park parking car vehicle garage drive_there by_car

assembly assembled installation installed install setup: assemble assembly install installation
assembly: mount put_together set_up fit_it connect_it hook_up

stairs lift elevator upstairs: stair upstairs no_lift no_elevator third_floor fourth_floor
stairs: fifth_floor walk_up staircase

storage stored storing: storage store stored storing depot warehouse keep_for_us put_away

music band dj: music band dj dance singer quartet sound_system loudspeaker karaoke playlist

noise noisy loud: noise noisy loud shout bark hammering banging drilling party_next_door

leak flood water flooding leaking: leak leaking drip flood flooded burst_pipe soak puddle overflow

fire smoke burning: fire smoke flame burn burning blaze scorch smoulder

discount discounted reduction: discount reduction voucher coupon cheaper rebate promo special_price

online remote virtual remotely: online remote remotely zoom video_call virtual webinar via_teams

cash: cash banknotes coins

delivery delivered deliver: deliver delivery bring_it_to drop_off send_it_to ship_it

pickup collection collect: pick_up pickup collect collection fetch come_and_get

breakfast meals food catering: breakfast lunch dinner meal buffet half_board full_board catering

anonymous anonymously: anonymous anonymously do_not_name keep_my_name without_my_name
"""
#: Words of a name that only say how it stands with the topic: `pets_allowed`, `fire_involved`.
_STANDINGS: Final = word_set(
    "allowed permitted ok okay friendly included required needed involved present mentioned "
    "requested reported affected related concerns possible available goods material materials "
    "items item content contents substance substances handling sensitive controlled special "
    "attending coming travelling traveling joining expected on at in by with and of is any issue "
    "issues flag chain transport cargo seating event setup access accessible"
)
#: What has no words of its own: numbers and classes of dangerous goods, temperatures, hours.
_SIGNS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "hazard": re.compile(
            r"\bun[ -]?(?:no\.? ?|number ?)?\d{4}\b|\bclass [1-9](?:\.\d)?\b(?! ?(?:seat|ticket))"
            r"|\badr\b|\b(?:h|r)2so4\b|\bhno3\b|\bnaoh\b|\bhcl\b|\blpg\b"
        ),
        "cold": re.compile(
            r"(?<![\w.])[-\u2212\u2013] ?\d{1,2} ?(?:\u00b0|degrees|c\b)|\b[0-8] ?\u00b0 ?c\b"
            r"|\b[2-8] (?:to|-) ?\d ?(?:\u00b0|degrees)|\bbelow (?:zero|freezing)\b"
        ),
        "night": re.compile(
            r"\b(?:9|10|11)(?:[:.]\d\d)? ?p\.?m\b|\b(?:12|[1-4])(?:[:.]\d\d)? ?a\.?m\b"
            r"|\b2[1-3][:.]\d\d\b"
        ),
    }
)
_PHRASE: Final = 4
_MOST: Final = 200
_INABILITIES: Final = word_set("allergy accessible vegetarian fragile")
_UNABLE: Final = word_set("cannot can't cant never unable")
_ASIDE: Final = word_set("if unless whether")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place at which a text speaks of a topic; `weight` is less where it only asks."""

    start: int
    affirmed: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    stems: frozenset[str]


@cache
def _topics() -> Mapping[str, Topic]:
    """For each stem of a name the topic that it stands for."""
    names: dict[str, list[str]] = {}
    words: dict[str, set[str]] = {}
    owner: dict[str, str] = {}
    current = ""
    for line in _TOPICS.strip().splitlines():
        if not line.strip():
            current = ""
            continue
        heads, _, told = line.partition(": ")
        if not current:
            current = heads.split()[0]
            names[current] = heads.split()
            for head in heads.split():
                owner.setdefault(stem(head), current)
        words.setdefault(current, set()).update(
            "_".join(map(stem, word.split("_"))) for word in told.split()
        )
    topics = {name: Topic(name, frozenset(words[name])) for name in names}
    return MappingProxyType({key: topics[name] for key, name in owner.items()})


def topic_of(name: Sequence[str]) -> Topic | None:
    """The topic that a boolean's name (its words) is about; None where it says more than one."""
    told = [word for word in name if word not in BOOLEAN_LEADS]
    bare = [word for word in told if word not in _STANDINGS] or told
    topics = _topics()
    found = {topic.name: topic for word in bare if (topic := topics.get(stem(word)))}
    known = all(stem(word) in topics for word in bare)
    return next(iter(found.values())) if len(found) == 1 and known else None


def mentions(text: Text, topic: Topic) -> Iterator[Mention]:
    """Where `text` speaks of `topic`, the first of them; negated within the clause or not."""
    for count, mention in enumerate(_mentions(text, topic)):
        if count >= _MOST:
            return
        yield mention


def _mentions(text: Text, topic: Topic) -> Iterator[Mention]:
    pattern = _SIGNS.get(topic.name)
    for match in pattern.finditer(text.lower) if pattern else ():
        yield Mention(match.start(), True, 1.0)
    for sentence in text.sentences:
        if sentence.greets:
            continue
        for word, last in _hits(sentence, topic):
            aside = any(
                w.clause == word.clause and w.text in _ASIDE
                for w in sentence.words
                if w.start < word.start
            )
            weight = 0.5 if aside or sentence.inquires > 0.5 else 1.0
            denied = word.refused or _denied(sentence, word, topic) or _freed(text, last)
            yield Mention(word.start, not denied, weight)


def _denied(sentence: Sentence, word: Word, topic: Topic) -> bool:
    """Whether a negator reaches the word: "cannot have nuts" tells of an allergy all the same."""
    if not word.negated:
        return False
    at = next(i for i, w in enumerate(sentence.words) if w is word)
    negator = sentence.words[at - word.negated].text
    return not (topic.name in _INABILITIES and negator in _UNABLE)


def _freed(text: Text, word: Word) -> bool:
    """ "Smoke-free", "free of acid"."""
    return text.lower[word.end : word.end + 5] == "-free"


def _hits(sentence: Sentence, topic: Topic) -> Iterator[tuple[Word, Word]]:
    for at, word in enumerate(sentence.words):
        if word.named:
            continue
        key = word.stem
        if key in topic.stems:
            yield word, word
        for last in sentence.words[at + 1 : at + _PHRASE]:
            key = f"{key}_{last.stem}"
            if key in topic.stems:
                yield word, last
