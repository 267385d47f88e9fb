"""What may be written next in an expression, by the types of what stands before the cursor."""

from __future__ import annotations

import re
from collections.abc import Mapping

from leafmesh_nb.language.editing.functions import FUNCTIONS, MACROS, METHODS, NAMES, WORDS
from leafmesh_nb.language.types import Kind, Type, describe

__all__ = ["Candidate", "Cut", "candidates", "cut", "resolve_type"]

_WORD = re.compile(r"[A-Za-z_]\w*\Z")
_STRING = re.compile(r""""(?:[^"\\]|\\.)*("|\Z)|'(?:[^'\\]|\\.)*('|\Z)""")
_BEFORE_VALUE = re.compile(r"(==|!=|\bin\s*\[(?:[^\[\]]*,)?)\s*\Z")
_MACRO = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*([A-Za-z_]\w*)\s*,")
_STEP = re.compile(r"\s*(?:\.\s*([A-Za-z_]\w*)(\s*\()?|(\[))")
_NAME = re.compile(r"\s*([A-Za-z_]\w*)")

Candidate = tuple[str, str, str]
"""Text, kind, and a line about it."""


class Cut:
    """An expression up to the cursor: the ``word`` that is being written (from ``start``), the
    text that it is a member of (None for a name of its own), and whether it is within quotes."""

    __slots__ = ("before", "quote", "receiver", "start", "word")

    @property
    def root(self) -> str | None:
        """The first name of what the word is a member of, or is compared with."""
        first = _NAME.match(self.receiver or _operand(_uncompared(self.before)))
        return first[1] if first else None

    def __init__(self, text: str) -> None:
        self.quote = ""
        self.receiver: str | None = None
        for string in _STRING.finditer(text):
            if not (string[1] or string[2]):
                self.quote = string[0][0]
                self.start = string.start() + 1
                self.word = text[self.start :]
                self.before = text[: string.start()]
                return
        word = _WORD.search(text)
        self.word = word[0] if word else ""
        self.start = len(text) - len(self.word)
        self.before = text[: self.start]
        before = self.before.rstrip()
        if before.endswith("."):
            self.receiver = _operand(before[:-1])


def cut(text: str) -> Cut:
    """The end of an expression, cut to what is being written."""
    return Cut(text)


def candidates(place: Cut, names: Mapping[str, Type]) -> list[Candidate]:
    """What may stand at a cut."""
    names = {**names, **_bound(place.before, names)}
    compared = _compared(place.before, names)
    if place.quote:
        return [(value, "value", "") for value in compared.values] if compared else []
    if place.receiver is not None:
        type = resolve_type(place.receiver, names)
        return _members(type) if type is not None else []
    found: list[Candidate] = []
    if compared is not None:
        found += [(f'"{value}"', "value", "") for value in compared.values]
    found += [(name, "name", _about(name, type)) for name, type in names.items()]
    found += [(f"{name}(", "function", f"{d.call}: {d.doc}") for name, d in FUNCTIONS.items()]
    return found + [(word, "word", doc) for word, doc in WORDS.items()]


def resolve_type(text: str, names: Mapping[str, Type]) -> Type | None:
    """The type of ``a.b[0].c``, of a call of a method on one, or None where it is not known.

    Null is passed over: whoever writes on means the value that is there.
    """
    text = text.strip()
    first = _NAME.match(text)
    if first is None:
        return None
    type, at = names.get(first[1]), first.end()
    while type is not None and at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            return None
        at = step.end()
        if step[3] or step[2]:
            at = _closed(text, at)
        if step[3]:
            type = type.items
        elif step[2]:
            type = _result(step[1], type)
        else:
            type = type.field(step[1])
    return type


def _result(method: str, receiver: Type) -> Type | None:
    if method == "filter":
        return receiver
    kinds: dict[str, Kind] = {
        "size": "integer",
        "lower": "string",
        "join": "string",
        "map": "list",
    }
    if method in kinds:
        return Type(kinds[method])
    return Type("boolean") if method in METHODS or method in MACROS else None


def _members(type: Type) -> list[Candidate]:
    found: list[Candidate] = [(name, "field", describe(inner)) for name, inner in type.fields]
    for table in (METHODS, MACROS):
        found += [
            (f"{name}(", "method", f"{d.call}: {d.doc}")
            for name, d in table.items()
            if type.kind in d.of
        ]
    return found


def _about(name: str, type: Type) -> str:
    if name in NAMES:
        return NAMES[name]
    return describe(type)


def _bound(text: str, names: Mapping[str, Type]) -> dict[str, Type]:
    """The variables of the macros that are open at the end of a text."""
    found: dict[str, Type] = {}
    for macro in _MACRO.finditer(text):
        if text.count("(", macro.start()) > text.count(")", macro.start()):
            receiver = resolve_type(_operand(text[: macro.start()]), {**names, **found})
            if receiver is not None and receiver.items is not None:
                found[macro[1]] = receiver.items
            else:
                found[macro[1]] = Type("any")
    return found


def _compared(text: str, names: Mapping[str, Type]) -> Type | None:
    """The type with an enum's values that the next value is compared with."""
    compared = _operand(_uncompared(text))
    type = resolve_type(compared, names) if compared else None
    return type if type is not None and type.values else None


def _uncompared(text: str) -> str:
    """A text without the comparison at its end; empty where there is none."""
    match = _BEFORE_VALUE.search(text)
    return text[: match.start()].rstrip() if match else ""


def _operand(text: str) -> str:
    """The longest chain of members that a text ends with."""
    at = len(text)
    while at:
        character = text[at - 1]
        if character in ")]":
            at = _opened(text, at - 1)
        elif character.isalnum() or character in "_.":
            at -= 1
        else:
            break
    return text[at:]


def _opened(text: str, at: int) -> int:
    """The offset of the bracket that the one at ``at`` closes; 0 if it is not there."""
    depth = 0
    for place in range(at, -1, -1):
        depth += (text[place] in ")]") - (text[place] in "([")
        if depth == 0:
            return place
    return 0


def _closed(text: str, at: int) -> int:
    """The offset after the bracket that closes what was opened before ``at``."""
    depth = 1
    while at < len(text) and depth:
        depth += (text[at] in "([") - (text[at] in ")]")
        at += 1
    return at
