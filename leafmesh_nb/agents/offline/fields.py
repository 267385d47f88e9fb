"""Fills the fields of an object's schema from a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from leafmesh_nb.agents.offline.cues import Cues
from leafmesh_nb.agents.offline.enums import Chooser
from leafmesh_nb.agents.offline.numbers import Kind
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
from leafmesh_nb.agents.offline.sharing import moment_text, shared, value_of
from leafmesh_nb.agents.offline.slots import EVIDENCE, Found, Slot, evidence_at
from leafmesh_nb.agents.offline.truths import truth
from leafmesh_nb.agents.offline.wanted import aim_of

#: A field of this name and type number is the reader's own margin.
CONFIDENCE: Final = "confidence"
_SENTENCE: Final = 300
_MOST_PARTS: Final = 50
_MOST_FIELDS: Final = 200
_SHARED: Final = (
    frozenset({Sort.MONEY}),
    frozenset({Sort.INTEGER, Sort.NUMBER}),
    frozenset({Sort.DATE, Sort.DATETIME}),
)
_PAIR: Final = re.compile(
    r"^[ \t]*(?:[-*\u2022][ \t]+)?([^:\n]{1,60}):[ \t]+(\S.{0,300})$", re.MULTILINE
)


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
            sharing = [s for s in sharing if not _is_confidence(s)]
            aims = {s.name: aim_of(s.cues, self._notes(s)) for s in sharing}
            found.update(shared(page, sharing, aims))
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
            "; ".join(dict.fromkeys(v.evidence for v in inner.values() if v.evidence))[:EVIDENCE],
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
                told.append(page.text.quote(*match.span(), EVIDENCE))
        return Found(entries, "; ".join(told)[:EVIDENCE])

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
                (moment_text(page, sort, m), evidence_at(page, m.start, m.end))
                for m in page.moments
            ]
        elif sort in (Sort.MONEY, Sort.INTEGER, Sort.NUMBER):
            kind = Kind.MONEY if sort is Sort.MONEY else Kind.PLAIN
            item = replace(slot, schema=schema, sort=sort)
            found = [
                (value_of(page, item, q), evidence_at(page, q.start, q.end))
                for q in page.quantities
                if q.kind is kind
            ]
        most = slot.schema.get("maxItems", len(page.text.raw) + 1)
        kept = [(value, told) for value, told in found if fits(value, schema)]
        kept = kept[: most if isinstance(most, int) else None]
        evidence = "; ".join(dict.fromkeys(told for _, told in kept))[:EVIDENCE]
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
                yield value, page.text.quote(sentence.start, sentence.end, EVIDENCE)


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
    return Found(value, str(value)[:EVIDENCE])
