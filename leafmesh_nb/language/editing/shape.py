"""What the reference says of a place: the forms that its value may have."""

from __future__ import annotations

from leafmesh_nb.language.editing.outline import Branch
from leafmesh_nb.language.editing.reference import (
    Data,
    Either,
    Expression,
    Expressions,
    Fields,
    Key,
    ListOf,
    Maps,
    Section,
    SectionOf,
    Terms,
    TypeOf,
    Value,
    sections,
)

__all__ = ["forms_of", "key_of", "maps_of"]


def forms_of(branch: Branch) -> list[Value]:
    """Every form that the value of a branch may have; none where the reference does not reach."""
    found: list[Value] = [SectionOf("mesh")]
    for step in branch.path:
        found = [form for value in found for form in _flat(_inner(value, step))]
    return found


def maps_of(forms: list[Value]) -> list[Section]:
    """The sections among the forms: whose keys a map there may have."""
    found = []
    for form in forms:
        match form:
            case SectionOf(name):
                found.append(sections()[name])
            case TypeOf():
                found.append(sections()["type"])
            case Terms():
                found.append(sections()["join"])
    return found


def key_of(branch: Branch) -> tuple[Section, Key] | None:
    """The key of the reference that a branch is, with its section; None for names and items."""
    if branch.parent is None or branch.is_item:
        return None
    for section in maps_of(forms_of(branch.parent)):
        key = section.keys.get(branch.name)
        if key is not None:
            return section, key
    return None


def _flat(values: list[Value]) -> list[Value]:
    found: list[Value] = []
    for value in values:
        if isinstance(value, Either):
            found += _flat(list(value.forms))
        elif isinstance(value, ListOf) and value.alone:
            found += [value, *_flat([value.item])]
        else:
            found.append(value)
    return found


def _inner(value: Value, step: Branch) -> list[Value]:
    """What a key or an item within a value may be."""
    match value:
        case SectionOf(name) if not step.is_item:
            key = sections()[name].keys.get(step.name)
            return [key.value] if key else []
        case Maps() if not step.is_item:
            return [value.value]
        case ListOf() if step.is_item:
            return [value.item]
        case Fields() if not step.is_item:
            return [TypeOf(), SectionOf("input")] if value.defaults else [TypeOf()]
        case TypeOf() if not step.is_item:
            key = sections()["type"].keys.get(step.name)
            return [key.value] if key else []
        case Terms():
            key = sections()["join"].keys.get(step.name)
            return [Terms()] if step.is_item else [key.value] if key else []
        case Expressions() if not step.is_item:
            return [Expression(value.place)]
        case Expression() | Data():
            return [value]
    return []
