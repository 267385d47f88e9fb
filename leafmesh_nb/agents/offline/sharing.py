"""Numbers, amounts of money and dates, shared out among the fields of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from leafmesh_nb.agents.offline.amounts import Scored, money_score, money_text, share_out
from leafmesh_nb.agents.offline.counts import number_or_count
from leafmesh_nb.agents.offline.dates import Moment, as_datetime
from leafmesh_nb.agents.offline.individuals import implied
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.page import Page
from leafmesh_nb.agents.offline.shapes import Sort, fits
from leafmesh_nb.agents.offline.slots import Found, Slot, evidence_at
from leafmesh_nb.agents.offline.things import counted_thing
from leafmesh_nb.agents.offline.units import bears_unit, measure_score, measured, unit_of
from leafmesh_nb.agents.offline.wanted import Aim, date_score

#: A number that only the field of that name may have, and its score.
_Own = tuple[str, Quantity, float]
_MOST: Final = 200


def shared(page: Page, slots: Sequence[Slot], aims: Mapping[str, Aim]) -> dict[str, Found | None]:
    """What each of `slots`, all of one kind, is given; `aims` are those of dates."""
    if not slots:
        return {}
    dated = slots[0].sort in (Sort.DATE, Sort.DATETIME)
    candidates: Sequence[Quantity | Moment] = page.moments if dated else page.quantities
    if not dated:
        money = slots[0].sort is Sort.MONEY
        candidates = [q for q in page.quantities if money or q.kind is not Kind.MONEY]
    candidates = candidates[:_MOST]
    own = [] if dated else [*_implied(page, slots), *_measured(page, slots)]
    # A number with the field's unit leaves no room for one without.
    settled = {s.name for s in slots if _thing(s) is None} & {name for name, _, _ in own}
    common = len(candidates)
    candidates = [*candidates, *(found for _, found, _ in own)]
    table: list[list[Scored | None]] = []
    for slot in slots:
        row: list[Scored | None] = []
        aim = aims.get(slot.name, Aim.ANY)
        for candidate in candidates[:common]:
            scored = _score(page, slot, candidate, aim, alone=len(slots) == 1)
            usable = scored and fits(value_of(page, slot, candidate), slot.schema)
            row.append(scored if usable and slot.name not in settled else None)
        for name, found_one, score in own:
            mine = name == slot.name and fits(_number(found_one.value), slot.schema)
            row.append(Scored(score, related=True) if mine else None)
        table.append(row)
    given = share_out(table)
    found: dict[str, Found | None] = {}
    for index, slot in enumerate(slots):
        if index not in given:
            found[slot.name] = slot.absent()
            continue
        candidate = candidates[given[index]]
        found[slot.name] = Found(
            value_of(page, slot, candidate), evidence_at(page, candidate.start, candidate.end)
        )
    return found


def _score(
    page: Page, slot: Slot, candidate: Quantity | Moment, aim: Aim, *, alone: bool
) -> Scored | None:
    """A candidate's score; None where a name that says more asks for more than is there."""
    strict = slot.cues.specific and slot.nullable and not alone and not slot.cues.begins
    if isinstance(candidate, Moment):
        scored: Scored | None = date_score(page.text, candidate, slot.cues, aim, page.today)
    elif slot.sort is Sort.MONEY:
        scored = money_score(page.text, candidate, slot.cues)
    else:
        thing = _thing(slot)
        if thing is None and unit_of(slot.cues.words) and bears_unit(page.text, candidate):
            return None
        scored = number_or_count(page.text, candidate, slot.cues, slot.nullable, thing)
    return None if scored and strict and not scored.related else scored


def _implied(page: Page, slots: Sequence[Slot]) -> list[_Own]:
    """For each field that counts things, how many are named without a number."""
    found: list[_Own] = []
    for slot in slots:
        thing = _thing(slot)
        count = implied(page.text, thing, page.quantities) if thing is not None else None
        if count is not None:
            found.append((slot.name, count.quantity, count.score))
    return found


def _measured(page: Page, slots: Sequence[Slot]) -> list[_Own]:
    """For each field with a unit, the numbers that have such a unit."""
    found: list[_Own] = []
    for slot in slots:
        unit = unit_of(slot.cues.words) if slot.sort in (Sort.INTEGER, Sort.NUMBER) else None
        if unit is not None and _thing(slot) is None:
            numbers = measured(page.text, page.quantities, unit)
            found += [(slot.name, q, measure_score(page.text, q, slot.cues)) for q in numbers]
    return found


def _thing(slot: Slot) -> str | None:
    return counted_thing(slot.cues.words) if slot.sort is Sort.INTEGER else None


def value_of(page: Page, slot: Slot, candidate: Quantity | Moment) -> Any:
    """The candidate in the JSON form of the slot's type."""
    if isinstance(candidate, Moment):
        return moment_text(page, slot.sort, candidate)
    if slot.sort is Sort.MONEY:
        return money_text(candidate.value, slot.cues)
    value = candidate.value
    if candidate.kind is Kind.PERCENT and slot.schema.get("maximum") in (1, 1.0):
        value /= 100
    return _number(value)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def moment_text(page: Page, sort: Sort, moment: Moment) -> str:
    if sort is Sort.DATE:
        return moment.day.isoformat()
    return as_datetime(moment, page.times, page.text)
