"""What may be written at a place of a mesh."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from leafmesh_nb.language.agent_kinds import OF_KINDS
from leafmesh_nb.language.currencies import CURRENCIES
from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.editing.members import candidates, cut
from leafmesh_nb.language.editing.outline import Branch
from leafmesh_nb.language.editing.position import Position, locate
from leafmesh_nb.language.editing.reference import (
    Boolean,
    Choice,
    Data,
    Expression,
    Expressions,
    ListOf,
    Maps,
    Name,
    Section,
    SectionOf,
    Template,
    Terms,
    TypeOf,
    Value,
)
from leafmesh_nb.language.editing.shape import forms_of, maps_of
from leafmesh_nb.language.editing.type_keys import TYPE_NAMES
from leafmesh_nb.language.types import Type, describe

__all__ = ["Completion", "complete"]

_COLON = re.compile(r"[ \t]*:")
_TYPE_FORMS = {
    "{enum: [": "One of some texts: {enum: [a, b]}.",
    "{list: ": "A list: {list: string}.",
    "{map: ": "A map of texts to values: {map: money}.",
    "{object: {": "A map with these fields: {object: {name: string}}.",
    "{type: ": "A number with bounds: {type: number, min: 0, max: 1}.",
}


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that may take the place of ``start`` to ``end``, offsets into the whole text.

    ``kind`` is a word such as ``key`` or ``agent``; ``doc`` a line about it.
    """

    text: str
    start: int
    end: int
    kind: str
    doc: str = ""


def complete(draft: Draft, offset: int) -> list[Completion]:
    """The completions at an offset, the likeliest first; none in comments and free text."""
    position = locate(draft.root, offset, draft.begin)
    if position is None or offset < draft.begin:
        return []
    forms = forms_of(position.holder)
    found: list[Completion] = []
    if position.mode != "value":
        found += _fitting(draft, position, offset, _keys(draft, position, forms))
    if position.mode != "key":
        expression = _expression(draft, position, offset, forms)
        if expression is not None:
            return expression
        found += _fitting(draft, position, offset, _values(draft, position, forms))
    return found


_Offer = tuple[str, str, str]
"""Text, kind, doc."""


def _fitting(
    draft: Draft, position: Position, offset: int, offers: Iterator[_Offer]
) -> list[Completion]:
    """The offers that go on from what is written, or else have it in them."""
    quoted = position.fragment[:1] in ("'", '"')
    begin = position.begin + quoted
    written = draft.text[begin:offset].lower()
    glued = draft.text[offset - 1 : offset] == ":" and position.mode == "value"
    found = [
        Completion(f" {text}" if glued else text, begin, offset, kind, doc)
        for text, (kind, doc) in _each_once(offers)
        if text != draft.text[begin:offset]
    ]
    starting = [c for c in found if c.text.lower().startswith(written)]
    return starting or [c for c in found if written in c.text.lower()]


def _each_once(offers: Iterator[_Offer]) -> Iterable[tuple[str, tuple[str, str]]]:
    found: dict[str, tuple[str, str]] = {}
    for text, kind, doc in offers:
        found.setdefault(text, (kind, doc))
    return found.items()


# -- keys


def _keys(draft: Draft, position: Position, forms: list[Value]) -> Iterator[_Offer]:
    holder = position.holder
    used = {child.name for child in holder.children if child.start != position.begin}
    used |= _of_other_kinds(holder)
    line_end = draft.text.find("\n", position.begin)
    rest = draft.text[position.begin + len(position.fragment) : line_end if line_end >= 0 else None]
    colon = not _COLON.match(rest)

    def offer(name: str, kind: str, doc: str, below: bool) -> _Offer:
        ending = "" if not colon else ":" if below else ": "
        return f"{name}{ending}", kind, doc

    for section in maps_of(forms):
        names = section.available()
        for name in sorted(names, key=lambda name: not section.required(name)):
            if name not in used:
                below = position.mode == "start" and _goes_below(section, name)
                yield offer(name, "key", section.keys[name].doc, below)
    for form in forms:
        entries: dict[str, str] = {}
        match form:
            case Expressions():
                entries = dict(draft.entries(holder, form))
            case Data():
                type = draft.data_type(holder)
                entries = dict.fromkeys(type.names(), "") if type is not None else {}
        for name, doc in entries.items():
            if name not in used:
                yield offer(name, "field" if isinstance(form, Data) else "input", doc, False)


def _of_other_kinds(holder: Branch) -> set[str]:
    """The keys that an agent of its kind has not; none where the kind is not said."""
    kind = holder.get("kind")
    path = holder.path
    if kind is None or len(path) != 2 or path[0].name != "agents":
        return set()
    return {name for name, kinds in OF_KINDS.items() if kind.scalar not in kinds}


def _goes_below(section: Section, name: str) -> bool:
    """Whether a key's value is usually written on the lines below it."""
    value = section.keys[name].value
    return isinstance(value, Maps) or (
        isinstance(value, ListOf) and isinstance(value.item, SectionOf)
    )


# -- values


def _values(draft: Draft, position: Position, forms: list[Value]) -> Iterator[_Offer]:
    holder = position.holder
    listed = {
        child.scalar
        for child in (holder.parent.children if holder.parent and holder.is_item else ())
        if child.start != holder.start
    }
    for form in forms:
        for text, kind, doc in _of_form(draft, position, form):
            if text not in listed:
                yield text, kind, doc
    if [b.name for b in holder.path] == ["currency"]:
        yield from ((code, "currency", "") for code in sorted(CURRENCIES))


def _of_form(draft: Draft, position: Position, form: Value) -> Iterator[_Offer]:
    holder = position.holder
    match form:
        case Choice():
            yield from ((v, "value", form.values[v]) for v in form.available())
        case Boolean():
            yield from ((v, "value", "") for v in ("true", "false"))
        case Terms():
            yield from ((s, "step", "") for s in _other_steps(draft, holder))
        case Name(kind):
            yield from _names(draft, holder, kind)
        case TypeOf():
            yield from ((name, "type", doc) for name, doc in TYPE_NAMES.items())
            if position.fragment[:1] not in ("'", '"'):
                yield from ((text, "type", doc) for text, doc in _TYPE_FORMS.items())
            named = position.fragment.strip("'\" ").partition(" ")[0]
            if named in TYPE_NAMES and named != "any":
                yield f"{named} or null", "type", "May be missing or null."
        case Data():
            type = draft.data_type(holder)
            if type is not None:
                yield from ((v, "value", "") for v in type.values)
                if type.kind == "boolean":
                    yield from ((v, "value", "") for v in ("true", "false"))


def _names(draft: Draft, holder: Branch, kind: str) -> Iterator[_Offer]:
    known = draft.known
    word = {"capabilities": "capability", "roster": "person", "memory": "field"}.get(
        kind, kind.removesuffix("s")
    )
    if kind == "steps" and (others := _other_steps(draft, holder)):
        yield from ((name, word, "") for name in others)
        return
    names = known.names(kind)  # type: ignore[arg-type]  # the reference has no other kinds
    step = holder.parent
    if kind == "agents" and step is not None and (wanted := step.get("capability")):
        names = [name for name in names if wanted.scalar in known.offered(name)] or names
    if kind == "capabilities" and step is not None and (by := step.get("agent")):
        names = known.offered(by.scalar) or names
    yield from ((name, word, "") for name in names)


def _other_steps(draft: Draft, holder: Branch) -> list[str]:
    """The steps of the workflow at hand, but for the step at hand."""
    path = holder.path
    if len(path) < 4 or path[0].name != "workflows":
        return []
    return [name for name in draft.known.steps(path[1].name) if name != path[3].name]


# -- expressions


def _expression(
    draft: Draft, position: Position, offset: int, forms: list[Value]
) -> list[Completion] | None:
    """The completions within an expression or a template; None where there is neither."""
    written = position.fragment
    for form in forms:
        if isinstance(form, Template):
            before, opened, text = written.rpartition("${")
            if not opened or "}" in text:
                return []
            quote = before[:1]
        elif isinstance(form, Expression):
            quote, text = written[:1], written
            if quote in ("'", '"'):
                text = text[1:]
            elif quote in ("|", ">"):
                text = text.partition("\n")[2]
        else:
            continue
        return _within(draft, form, position.holder, quote, text, offset)
    return None


def _within(
    draft: Draft, form: Expression | Template, holder: Branch, quote: str, text: str, offset: int
) -> list[Completion]:
    if quote == '"':
        text = text.replace('\\"', '"')
    place = cut(text)
    start = offset - len(place.word)
    glued = not text and draft.text[offset - 1 : offset] == ":"
    names = draft.names(form.place, holder, place.root)
    offers = [*_alike(holder, names), *candidates(place, names)] if not text else []
    found = []
    for name, kind, doc in offers or candidates(place, names):
        if quote == '"' and name.startswith('"'):
            name = f"'{name[1:-1]}'"
        if name.lower().startswith(place.word.lower()) and name != place.word:
            found.append(Completion(f" {name}" if glued else name, start, offset, kind, doc))
    return found


def _alike(holder: Branch, names: Mapping[str, Type]) -> Iterator[_Offer]:
    """What is called as the key is whose value is wanted: ``ticket: input.ticket``."""
    for name, type in names.items():
        inner = type.field(holder.name)
        if inner is not None and name in ("input", "memory", "item"):
            yield f"{name}.{holder.name}", "field", describe(inner)
    steps = names.get("steps")
    for step, type in steps.fields if steps is not None else ():
        output = type.field("output")
        inner = output.field(holder.name) if output is not None else None
        if inner is not None:
            yield f"steps.{step}.output.{holder.name}", "field", describe(inner)
