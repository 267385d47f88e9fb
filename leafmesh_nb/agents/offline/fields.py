"""Fills the fields of an object's schema from a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from leafmesh_nb.agents.offline.amounts import (
    Scored,
    money_score,
    money_text,
    share_out,
)
from leafmesh_nb.agents.offline.counts import number_or_count
from leafmesh_nb.agents.offline.cues import Cues
from leafmesh_nb.agents.offline.dates import Moment, as_datetime
from leafmesh_nb.agents.offline.enums import Chooser
from leafmesh_nb.agents.offline.individuals import implied
from leafmesh_nb.agents.offline.numbers import Kind, Quantity
from leafmesh_nb.agents.offline.page import Page
from leafmesh_nb.agents.offline.quotes import best_sentence, items_for, quote_for
from leafmesh_nb.agents.offline.reading import Example, UnreadableFieldError
from leafmesh_nb.agents.offline.shapes import (
    DEEPEST,
    Schema,
    Sort,
    fits,
    options_of,
    sort_of,
    unwrap,
)
from leafmesh_nb.agents.offline.things import counted_thing
from leafmesh_nb.agents.offline.truths import truth
from leafmesh_nb.agents.offline.units import bears_unit, measure_score, measured, unit_of
from leafmesh_nb.agents.offline.wanted import Aim, aim_of, date_score

#: A number that only the field of that name may have, and its score.
Own = tuple[str, Quantity, float]
#: A field of this name and type number is the reader's own margin.
CONFIDENCE: Final = "confidence"
_SENTENCE: Final = 300
_EVIDENCE: Final = 160
_MOST_PARTS: Final = 50
_MOST_FIELDS: Final = 200
_MOST_CANDIDATES: Final = 200
_SHARED: Final = (
    frozenset({Sort.MONEY}),
    frozenset({Sort.INTEGER, Sort.NUMBER}),
    frozenset({Sort.DATE, Sort.DATETIME}),
)
_PAIR: Final = re.compile(
    r"^[ \t]*(?:[-*\u2022][ \t]+)?([^:\n]{1,60}):[ \t]+(\S.{0,300})$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Found:
    """A field's value, the words it was taken from, and the margins of the enums in it."""

    value: Any
    evidence: str = ""
    margins: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """One property of an object: its schema without "or null", and what its name asks for."""

    name: str
    path: str
    schema: Schema
    sort: Sort
    nullable: bool
    required: bool
    cues: Cues

    def absent(self) -> Found | None:
        """What stands for a value that is not there: null, or (None) no property at all."""
        if self.nullable:
            return Found(None)
        if self.sort is Sort.ANY:
            return Found(None)
        if not self.required:
            return None
        near = f" near {' '.join(self.cues.words)!r}" if self.cues.specific else ""
        raise UnreadableFieldError(self.path, f"{self.sort.value}{near}")


@dataclass(frozen=True)
class ObjectReader:
    """Reads pages for one step: the examples and context help to choose, never to answer."""

    examples: Sequence[Example] = ()
    context: Sequence[str] = ()
    inside: tuple[str, ...] = ()
    depth: int = 0
    copied: Mapping[str, Any] = field(default_factory=dict)

    def read(self, schema: Schema, page: Page) -> dict[str, Found]:
        """The properties in the schema's order. Raises UnreadableFieldError."""
        slots = self._slots(schema)
        found: dict[str, Found | None] = {}
        for slot in slots:
            if slot.name in self.copied and (copy := _copy(slot, self.copied[slot.name])):
                found[slot.name] = copy
        for sorts in _SHARED:
            sharing = [s for s in slots if s.sort in sorts and s.name not in found]
            found.update(self._share(page, [s for s in sharing if not _is_confidence(s)]))
        for slot in slots:
            if slot.name not in found and not _is_confidence(slot):
                value = self._one(slot, page)
                ok = value is not None and (value.value is None or fits(value.value, slot.schema))
                found[slot.name] = value if ok else slot.absent()
        margins = [m for value in found.values() if value for m in value.margins]
        for slot in filter(_is_confidence, slots):
            found[slot.name] = _own_margin(slot, min(margins, default=1.0))
        ordered = ((slot.name, found[slot.name]) for slot in slots)
        return {name: value for name, value in ordered if value is not None}

    def _slots(self, schema: Schema) -> list[Slot]:
        properties = schema.get("properties")
        listed = schema.get("required")
        required = [n for n in listed if isinstance(n, str)] if isinstance(listed, list) else []
        known: dict[str, Any] = dict(properties) if isinstance(properties, Mapping) else {}
        for name in required:
            known.setdefault(name, schema.get("additionalProperties", {}))
        slots: list[Slot] = []
        for name, raw in list(known.items())[:_MOST_FIELDS]:
            inner, nullable = unwrap(raw)
            slots.append(
                Slot(
                    name,
                    ".".join((*self.inside, name)),
                    inner,
                    sort_of(inner) if self.depth < DEEPEST else Sort.OTHER,
                    nullable,
                    name in required,
                    Cues.of(name, self.inside),
                )
            )
        return slots

    def _share(self, page: Page, slots: Sequence[Slot]) -> dict[str, Found | None]:
        """Numbers, amounts or dates, shared out among the fields of one kind."""
        if not slots:
            return {}
        dated = slots[0].sort in (Sort.DATE, Sort.DATETIME)
        candidates: Sequence[Quantity | Moment] = page.moments if dated else page.quantities
        if not dated:
            money = slots[0].sort is Sort.MONEY
            candidates = [q for q in page.quantities if money or q.kind is not Kind.MONEY]
        candidates = candidates[:_MOST_CANDIDATES]
        own = [] if dated else [*_implied(page, slots), *_measured(page, slots)]
        # A number with the field's unit leaves no room for one without.
        settled = {s.name for s in slots if _thing(s) is None} & {name for name, _, _ in own}
        shared = len(candidates)
        candidates = [*candidates, *(found for _, found, _ in own)]
        table: list[list[Scored | None]] = []
        for slot in slots:
            row: list[Scored | None] = []
            aim = aim_of(slot.cues, self._notes(slot)) if dated else Aim.ANY
            for candidate in candidates[:shared]:
                scored = _score(page, slot, candidate, aim, alone=len(slots) == 1)
                usable = scored and fits(_value(page, slot, candidate), slot.schema)
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
                _value(page, slot, candidate), _evidence(page, candidate.start, candidate.end)
            )
        return found

    def _one(self, slot: Slot, page: Page) -> Found | None:
        read: dict[Sort, Callable[[Slot, Page], Found | None]] = {
            Sort.STRING: self._string,
            Sort.BOOLEAN: self._boolean,
            Sort.ENUM: self._enum,
            Sort.LIST: self._list,
            Sort.MAP: self._map,
            Sort.OBJECT: self._object,
            Sort.ANY: self._any,
        }
        reader = read.get(slot.sort)
        return reader(slot, page) if reader else None

    def _string(self, slot: Slot, page: Page) -> Found | None:
        quote = quote_for(page, slot.cues, _limit(slot.schema))
        return Found(quote.value, quote.evidence) if quote else None

    def _any(self, slot: Slot, page: Page) -> Found | None:
        sentence = best_sentence(page.text, slot.cues)
        if sentence is None:
            return None
        quote = page.text.quote(sentence.start, sentence.end, _SENTENCE)
        return Found(quote, quote)

    def _boolean(self, slot: Slot, page: Page) -> Found | None:
        said = truth(page.text, slot.cues, self._notes(slot))
        if said.value is not None:
            return Found(said.value, said.evidence)
        # What a text does not mention is not so, unless the type has a null to say "not known".
        return Found(False) if page.text.words and not slot.nullable else None

    def _chooser(self, slot: Slot, options: Sequence[Any]) -> Chooser:
        taught: list[tuple[str, str]] = []
        for example in self.examples:
            value = _inside(example.output, (*self.inside, slot.name))
            values = value if isinstance(value, list) else [value]
            taught += [(example.text, str(v)) for v in values if v is not None]
        return Chooser(slot.name, [str(option) for option in options], taught, self._notes(slot))

    def _notes(self, slot: Slot) -> list[str]:
        """What is said of a field; the schema's own word on it needs no name to go by."""
        own = slot.schema.get("description")
        told = [f"{' '.join(slot.cues.words)}: {own}"] if isinstance(own, str) else []
        return [*told, *self.context]

    def _enum(self, slot: Slot, page: Page) -> Found | None:
        options = options_of(slot.schema)
        choice = self._chooser(slot, options).choose(page.text)
        if slot.nullable and not choice.overlaps:
            return None
        margin = choice.margin if len(options) > 1 else 1.0
        return Found(options[choice.index], choice.evidence, (margin,))

    def _object(self, slot: Slot, page: Page) -> Found | None:
        reader = replace(self._within(slot.name), copied={})
        try:
            inner = reader.read(slot.schema, page)
        except UnreadableFieldError:
            if slot.nullable or not slot.required:
                return None
            raise
        return Found(
            {name: value.value for name, value in inner.items()},
            "; ".join(dict.fromkeys(v.evidence for v in inner.values() if v.evidence))[:_EVIDENCE],
            tuple(margin for value in inner.values() for margin in value.margins),
        )

    def _within(self, name: str) -> ObjectReader:
        return replace(self, inside=(*self.inside, name), depth=self.depth + 1)

    def _map(self, slot: Slot, page: Page) -> Found | None:
        inner = slot.schema.get("additionalProperties")
        entries: dict[str, Any] = {}
        told: list[str] = []
        for match in list(_PAIR.finditer(page.text.raw))[:_MOST_PARTS]:
            key = " ".join(match.group(1).split())
            one = {"properties": {key: inner}, "required": [key]}
            try:
                read = self._within(slot.name).read(one, page.part(*match.span(2)))
            except UnreadableFieldError:
                continue
            if key in read and key not in entries:
                entries[key] = read[key].value
                told.append(page.text.quote(*match.span(), _EVIDENCE))
        return Found(entries, "; ".join(told)[:_EVIDENCE])

    def _list(self, slot: Slot, page: Page) -> Found | None:
        schema, _ = unwrap(slot.schema.get("items", {}))
        sort = sort_of(schema)
        found: Iterable[tuple[Any, str]] = ()
        if sort is Sort.ENUM:
            options = options_of(schema)
            item = replace(slot, schema=schema)
            choice = self._chooser(item, options).choose(page.text)
            found = [(options[i], choice.evidence) for i in choice.spoken_of]
        elif sort in (Sort.STRING, Sort.ANY):
            items = items_for(page.text, slot.cues, _limit(schema))
            found = [(item, item) for item in items]
        elif sort is Sort.OBJECT:
            found = self._objects(slot, schema, page)
        elif sort in (Sort.DATE, Sort.DATETIME):
            found = [
                (_moment(page, sort, m), _evidence(page, m.start, m.end)) for m in page.moments
            ]
        elif sort in (Sort.MONEY, Sort.INTEGER, Sort.NUMBER):
            kind = Kind.MONEY if sort is Sort.MONEY else Kind.PLAIN
            item = replace(slot, schema=schema, sort=sort)
            found = [
                (_value(page, item, q), _evidence(page, q.start, q.end))
                for q in page.quantities
                if q.kind is kind
            ]
        most = slot.schema.get("maxItems", len(page.text.raw) + 1)
        kept = [(value, told) for value, told in found if fits(value, schema)]
        kept = kept[: most if isinstance(most, int) else None]
        evidence = "; ".join(dict.fromkeys(told for _, told in kept))[:_EVIDENCE]
        return Found([value for value, _ in kept], evidence)

    def _objects(self, slot: Slot, schema: Schema, page: Page) -> Iterable[tuple[Any, str]]:
        """One object for every line or, in running text, sentence that has all it requires."""
        lines = [s for s in page.text.sentences[:_MOST_PARTS] if not s.greets]
        for sentence in lines:
            part = page.part(sentence.start, sentence.end)
            try:
                read = replace(self._within(slot.name), copied={}).read(schema, part)
            except UnreadableFieldError:
                continue
            # Sentences can always be quoted; only a number, a date or the like makes an item.
            if any(v.evidence and not isinstance(v.value, str | bool) for v in read.values()) or (
                any(v.evidence and _counts(schema, n) for n, v in read.items())
            ):
                value = {name: v.value for name, v in read.items()}
                yield value, page.text.quote(sentence.start, sentence.end, _EVIDENCE)


def _counts(schema: Schema, name: str) -> bool:
    properties = schema.get("properties")
    inner, _ = unwrap(properties.get(name, {}) if isinstance(properties, Mapping) else {})
    return sort_of(inner) in (Sort.MONEY, Sort.DATE, Sort.DATETIME)


def _is_confidence(slot: Slot) -> bool:
    return slot.name == CONFIDENCE and slot.sort is Sort.NUMBER


def _own_margin(slot: Slot, margin: float) -> Found | None:
    low, high = slot.schema.get("minimum", 0.0), slot.schema.get("maximum", 1.0)
    numeric = isinstance(low, int | float) and isinstance(high, int | float)
    value = min(max(margin, low), high) if numeric else margin
    return Found(value) if fits(value, slot.schema) else slot.absent()


def _limit(schema: Schema) -> int:
    longest = schema.get("maxLength", _SENTENCE)
    return min(_SENTENCE, longest) if isinstance(longest, int) else _SENTENCE


def _inside(output: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = output
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _evidence(page: Page, start: int, end: int) -> str:
    sentence = page.text.sentence_at(start)
    if sentence is None or sentence.end - sentence.start > _EVIDENCE:
        return page.text.quote(start, end, _EVIDENCE)
    return page.text.quote(sentence.start, sentence.end, _EVIDENCE)


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


def _implied(page: Page, slots: Sequence[Slot]) -> list[Own]:
    """For each field that counts things, how many are named without a number."""
    found: list[Own] = []
    for slot in slots:
        thing = _thing(slot)
        count = implied(page.text, thing, page.quantities) if thing is not None else None
        if count is not None:
            found.append((slot.name, count.quantity, count.score))
    return found


def _measured(page: Page, slots: Sequence[Slot]) -> list[Own]:
    """For each field with a unit, the numbers that have such a unit."""
    found: list[Own] = []
    for slot in slots:
        unit = unit_of(slot.cues.words) if slot.sort in (Sort.INTEGER, Sort.NUMBER) else None
        if unit is not None and _thing(slot) is None:
            numbers = measured(page.text, page.quantities, unit)
            found += [(slot.name, q, measure_score(page.text, q, slot.cues)) for q in numbers]
    return found


def _thing(slot: Slot) -> str | None:
    return counted_thing(slot.cues.words) if slot.sort is Sort.INTEGER else None


def _value(page: Page, slot: Slot, candidate: Quantity | Moment) -> Any:
    """The candidate in the JSON form of the slot's type."""
    if isinstance(candidate, Moment):
        return _moment(page, slot.sort, candidate)
    if slot.sort is Sort.MONEY:
        return money_text(candidate.value, slot.cues)
    value = candidate.value
    if candidate.kind is Kind.PERCENT and slot.schema.get("maximum") in (1, 1.0):
        value /= 100
    return _number(value)


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _moment(page: Page, sort: Sort, moment: Moment) -> str:
    if sort is Sort.DATE:
        return moment.day.isoformat()
    return as_datetime(moment, page.times, page.text)


def _copy(slot: Slot, value: Any) -> Found | None:
    """An input of the same name and type, unless it is prose, which is read instead."""
    if slot.sort is Sort.MONEY and isinstance(value, int | float) and not isinstance(value, bool):
        value = format(Decimal(repr(value)), "f")
    if value is None or _is_confidence(slot) or not fits(value, slot.schema):
        return None
    if slot.sort is Sort.STRING and (
        len(value) > 120 or len(value.split()) > 8 or not value.strip()
    ):
        return None
    return Found(value, str(value)[:_EVIDENCE])
