"""What there is to say of a place in a mesh: of a key, a name, a type, a function."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.editing.functions import (
    FUNCTIONS,
    MACROS,
    METHODS,
    NAMES,
    WORDS,
    Described,
)
from leafmesh_nb.language.editing.known import type_at
from leafmesh_nb.language.editing.members import cut, resolve_type
from leafmesh_nb.language.editing.outline import Branch
from leafmesh_nb.language.editing.reference import (
    Boolean,
    Choice,
    Data,
    Dollars,
    Duration,
    Expression,
    Expressions,
    Fields,
    Key,
    ListOf,
    Maps,
    Name,
    Number,
    Section,
    SectionOf,
    Template,
    Terms,
    Text,
    TypeOf,
    Value,
)
from leafmesh_nb.language.editing.shape import forms_of, key_of
from leafmesh_nb.language.editing.things import describe_thing, type_facts
from leafmesh_nb.language.editing.type_keys import TYPE_NAMES

__all__ = ["Doc", "document"]

_IDENTIFIER = re.compile(r"[A-Za-z_][\w]*")
_KINDS = {
    "a memory field": "memory",
    "a model": "models",
    "a person": "roster",
    "a step": "steps",
    "a tool": "tools",
    "a workflow": "workflows",
    "an agent": "agents",
    "a capability": "capabilities",
}


@dataclass(frozen=True, slots=True)
class Doc:
    """A short documentation: ``kind`` says what the title is, ``facts`` are labels with texts,
    ``example`` is YAML or an expression. Texts may have `code` in backticks."""

    title: str
    kind: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()
    example: str = ""


def document(draft: Draft, offset: int) -> Doc | None:
    """The documentation of what is at an offset, or None where there is nothing to say."""
    found = _at(draft.root, offset)
    if found is None:
        return None
    branch, on_key = found
    if on_key:
        return _of_key(branch) or _of_named(draft, branch)
    if branch.text[:1] not in ("'", '"') and " #" in draft.text[branch.value : offset]:
        return None  # a comment
    for form in forms_of(branch):
        doc = _of_value(draft, branch, form, offset)
        if doc is not None:
            return doc
    keyed = branch
    while keyed.is_item and keyed.parent is not None:
        keyed = keyed.parent
    return _of_key(keyed) or _of_named(draft, keyed)


def _at(root: Branch, offset: int) -> tuple[Branch, bool] | None:
    """The innermost branch at an offset, and whether the offset is on its key."""
    node, found = root, None
    while True:
        before = [child for child in node.children if child.start <= offset]
        if not before:
            return found
        node = before[-1]
        if node.name and offset <= node.end:
            return (node, True) if node.start <= offset else None
        found = (node, False) if node.value <= offset <= node.stop else None


# -- keys


def _of_key(branch: Branch) -> Doc | None:
    found = key_of(branch)
    if found is None:
        return None
    section, key = found
    facts = [(label, text) for label, text in _facts(section, branch.name, key) if text]
    return Doc(branch.name, f"key of {section.block.what}", key.doc, tuple(facts), key.example)


def _facts(section: Section, name: str, key: Key) -> list[tuple[str, str]]:
    facts = [("takes", "" if isinstance(key.value, Choice) else what_it_takes(key.value))]
    facts += [(f"`{value}`", doc) for value, doc in _choices(key.value)]
    if section.later(name):
        facts.append(("note", "Not available yet in this version."))
    elif section.required(name):
        facts.append(("required", "yes"))
    elif key.default:
        facts.append(("default", f"`{key.default}`"))
    return facts


def _choices(value: Value) -> list[tuple[str, str]]:
    if isinstance(value, Choice):
        later = dict.fromkeys(value.later, " Not available yet.")
        return [(name, doc + later.get(name, "")) for name, doc in value.values.items()]
    if isinstance(value, ListOf):
        return _choices(value.item)
    forms = getattr(value, "forms", ())
    return [choice for form in forms for choice in _choices(form)]


def what_it_takes(value: Value) -> str:
    """What a key takes, in a few words."""
    match value:
        case Text():
            return "text"
        case Number(whole, least, most):
            bounds = f" from {least} to {most}" if most is not None else ""
            bounds = bounds or (f", at least {least}" if least is not None else "")
            return f"{'a whole number' if whole else 'a number'}{bounds}"
        case Dollars():
            return "US dollars, such as `0.05`"
        case Boolean():
            return "`true` or `false`"
        case Duration():
            return "a duration, such as `500ms`, `20s`, `30m`, `1h30m` or `2d`"
        case Choice():
            return "one of these words"
        case Name(kind):
            return f"the name of {_ARTICLES[kind]}"
        case TypeOf():
            return "a type, such as `money or null` or `{enum: [a, b]}`"
        case Fields():
            return "a map of names to types"
        case Expression(_, condition):
            return "an expression that is true or false" if condition else "an expression"
        case Expressions(_, names):
            keys = {"inputs": "inputs", "memory": "memory fields", "free": "names"}[names]
            return f"a map of {keys} to expressions"
        case Template():
            return "text, with `${…}` for expressions"
        case Terms():
            return "steps of this workflow"
        case Data():
            return "plain values"
        case SectionOf():
            return "a map"
        case Maps(what, _):
            return f"a map, each key the name of {what}"
        case ListOf(item, alone):
            inner = what_it_takes(item)
            return f"a list of {_plural(inner)}" + (", or one alone" if alone else "")
    return " or ".join(dict.fromkeys(map(what_it_takes, value.forms)))


_ARTICLES = {
    "agents": "an agent",
    "capabilities": "a capability",
    "domains": "a domain that a model has",
    "memory": "a memory field",
    "models": "a model",
    "roster": "a person or a role",
    "steps": "a step",
    "tools": "a tool",
    "workflows": "a workflow",
}


def _plural(what: str) -> str:
    words = {
        "text": "texts",
        "a map": "maps",
        "one of these words": "these words",
        "the name of a memory field": "memory fields",
        "the name of a person or a role": "people or roles",
        "the name of a capability": "capabilities",
        "text or a map": "texts or maps",
    }
    if what.startswith("the name of a") and what not in words:
        return what.removeprefix("the name of a").removeprefix("n").strip() + "s"
    return words.get(what, what)


# -- names and values


def _of_named(draft: Draft, branch: Branch) -> Doc | None:
    """The documentation of a key that is a name of the mesh's own."""
    if branch.parent is None or branch.is_item:
        return None
    for form in forms_of(branch.parent):
        match form:
            case Maps(what, _) if what in _KINDS:
                return _thing(draft, _KINDS[what], branch.name, branch)
            case Fields():
                return Doc(branch.name, "field", "", type_facts(type_at(branch)))
            case Expressions():
                about = draft.entries(branch.parent, form).get(branch.name)
                if about:
                    kind = "memory field" if form.names == "memory" else "input"
                    return Doc(branch.name, kind, "", (("type", f"`{about}`"),))
            case Data():
                type = draft.data_type(branch)
                if type is not None:
                    return Doc(branch.name, "field", "", type_facts(type))
    return None


def _thing(draft: Draft, kind: str, name: str, branch: Branch) -> Doc | None:
    told = describe_thing(draft, kind, name, branch)
    return Doc(name, *told) if told is not None else None


def _of_value(draft: Draft, branch: Branch, form: Value, offset: int) -> Doc | None:
    written = branch.scalar
    match form:
        case Choice() if written in form.values:
            later = " Not available yet." if written in form.later else ""
            return Doc(written, "value", form.values[written] + later)
        case Name(kind) if written in draft.known.names(kind):
            return _thing(draft, kind, written, branch)
        case Terms():
            return _thing(draft, "steps", written, branch)
        case TypeOf():
            name, _, rest = written.partition(" ")
            if name in TYPE_NAMES:
                nullable = " It may be missing or null." if rest == "or null" else ""
                return Doc(written, "type", TYPE_NAMES[name] + nullable)
        case Expression() | Template():
            return _of_expression(draft, branch, form, offset)
    return None


def _of_expression(
    draft: Draft, branch: Branch, form: Expression | Template, offset: int
) -> Doc | None:
    text = draft.text
    while offset < branch.stop and (text[offset].isalnum() or text[offset] == "_"):
        offset += 1
    if text[offset - 1 : offset] == "(":  # a completed function, whose bracket is open
        offset -= 1
    before = text[branch.value : offset]
    if isinstance(form, Template):
        before = before.rpartition("${")[2] if "${" in before else "}"
        if "}" in before:
            return None
    place = cut(before.lstrip("\"'|>-\n "))
    if place.quote or not _IDENTIFIER.fullmatch(place.word):
        return None
    names = draft.names(form.place, branch, place.root or place.word)
    if place.receiver is not None:
        return _of_member(draft, branch, place.receiver, place.word, names)
    if place.word in FUNCTIONS:
        return _of_function(FUNCTIONS[place.word])
    if place.word in names:
        said = NAMES.get(place.word, "")
        return Doc(place.word, "name", said, type_facts(names[place.word]))
    if place.word in WORDS:
        return Doc(place.word, "word", WORDS[place.word])
    return None


def _of_member(draft: Draft, branch: Branch, receiver: str, word: str, names: object) -> Doc | None:
    assert isinstance(names, dict)
    type = resolve_type(receiver, names)
    inner = type.field(word) if type is not None else None
    if inner is None:
        method = METHODS.get(word) or MACROS.get(word)
        return _of_function(method) if method else None
    if receiver == "steps":
        return _thing(draft, "steps", word, branch)
    if receiver == "memory":
        return _thing(draft, "memory", word, branch)
    return Doc(f"{receiver}.{word}", "field", "", type_facts(inner))


def _of_function(function: Described) -> Doc:
    return Doc(function.call, "function", function.doc, (), function.example)
