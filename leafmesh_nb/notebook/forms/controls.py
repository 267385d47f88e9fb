"""The controls of a form, as the page draws them, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Control",
    "Form",
    "Option",
    "Section",
    "area",
    "checks",
    "choice",
    "grants",
    "pick",
    "rows",
    "switch",
    "text",
    "texts_in",
    "typed",
    "typed_rows",
]

Control = dict[str, Any]
Option = tuple[str, str]
"""A value and how it is called."""

LONGEST = 4_000
MOST = 40


@dataclass(frozen=True, slots=True)
class Section:
    """Controls under one heading."""

    title: str
    controls: tuple[Control, ...]
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"title": self.title, "hint": self.hint, "controls": list(self.controls)}


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it stands: ``values`` are all that it has, ``body`` is the YAML they make."""

    id: str
    values: Mapping[str, Any]
    sections: tuple[Section, ...]
    body: str


def text(path: str, label: str, value: str, **more: Any) -> Control:
    """A line of text; ``hint``, ``placeholder``, ``mono`` and ``short`` say how it looks."""
    return {"kind": "text", "path": path, "label": label, "value": value, **more}


def area(path: str, label: str, value: str, **more: Any) -> Control:
    """Several lines of text."""
    return {"kind": "area", "path": path, "label": label, "value": value, **more}


def choice(path: str, label: str, value: str, options: Sequence[Option], **more: Any) -> Control:
    """One of several."""
    return {
        "kind": "choice", "path": path, "label": label, "value": value,
        "options": [list(option) for option in options], **more,
    }  # fmt: skip


def pick(path: str, label: str, value: str, options: Sequence[Option], **more: Any) -> Control:
    """One of several, or an expression that is typed."""
    return {**choice(path, label, value, options, **more), "kind": "pick"}


def checks(
    path: str, label: str, value: Sequence[str], options: Sequence[Option], **more: Any
) -> Control:
    """Any of several, in the order in which they were picked."""
    return {
        "kind": "checks", "path": path, "label": label, "value": list(value),
        "options": [list(option) for option in options], **more,
    }  # fmt: skip


def switch(path: str, label: str, value: bool, **more: Any) -> Control:
    """Yes or no."""
    return {"kind": "switch", "path": path, "label": label, "value": value, **more}


def grants(
    label: str, fields: Sequence[Option], read: Sequence[str], write: Sequence[str]
) -> Control:
    """A row a field, with a box to read it and one to write it."""
    return {
        "kind": "grants", "path": "", "label": label, "fields": [list(f) for f in fields],
        "value": {"read": list(read), "write": list(write)},
    }  # fmt: skip


def rows(
    path: str, label: str, inner: Sequence[Sequence[Control]], add: str, **more: Any
) -> Control:
    """Groups of controls to add, remove and move; their paths start with ``path.N``."""
    return {
        "kind": "rows", "path": path, "label": label, "rows": [list(row) for row in inner],
        "add": add, **more,
    }  # fmt: skip


# What comes back: whatever a page may send, texts and lists of texts come out.


def typed(values: Any, name: str, default: str = "") -> str:
    """A text of a form's values."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return found[:LONGEST] if isinstance(found, str) else default


def texts_in(values: Any, name: str, known: Iterable[str]) -> list[str]:
    """Those of the known names that were picked, once each."""
    found = values.get(name) if isinstance(values, Mapping) else None
    picked = [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
    names = set(known)
    return [item for item in dict.fromkeys(picked) if item in names]


def typed_rows(
    values: Any, name: str, row: Callable[[Any], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of a form's values, each as ``row`` reads it."""
    found = values.get(name) if isinstance(values, Mapping) else None
    return [row(item) for item in found[:MOST]] if isinstance(found, list) else []
