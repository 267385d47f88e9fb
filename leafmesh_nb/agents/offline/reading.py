"""What goes into the offline reader and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """One of a capability's `examples`: a text, and as much of its output as was written down."""

    text: str
    output: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A filled output schema."""

    #: JSON form: money as plain decimal text, dates as ISO 8601 text, numbers as int or float.
    output: dict[str, Any]
    #: 0..1, the margin of the least certain enum; 1.0 when the schema has none.
    confidence: float
    #: For each field the words or the sentence it was taken from, "" when there were none.
    evidence: dict[str, str]


class UnreadableFieldError(LookupError):
    """A required value is not in the text. `field` is its name, dotted inside objects."""

    def __init__(self, field: str, wanted: str) -> None:
        """`wanted` says what was looked for, as a noun: "a date"."""
        super().__init__(field, wanted)
        self.field = field
        self.wanted = wanted

    def __str__(self) -> str:
        return f"field {self.field!r} is not in the text: looked for {self.wanted}"


def describe() -> str:
    """One sentence that says what this is, shown wherever a reading is."""
    return (
        "Offline reader: rules, not a language model; it picks values by word overlap "
        "and quotes the text."
    )
