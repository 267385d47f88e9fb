"""A field to fill and what it was filled with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from leafmesh_nb.agents.offline.cues import Cues
from leafmesh_nb.agents.offline.page import Page
from leafmesh_nb.agents.offline.reading import UnreadableFieldError
from leafmesh_nb.agents.offline.shapes import Schema, Sort

#: The most characters of a text that are shown as evidence for a value.
EVIDENCE: Final = 160


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


def evidence_at(page: Page, start: int, end: int) -> str:
    """The sentence at a place, or the place alone where that is long."""
    sentence = page.text.sentence_at(start)
    if sentence is None or sentence.end - sentence.start > EVIDENCE:
        return page.text.quote(start, end, EVIDENCE)
    return page.text.quote(sentence.start, sentence.end, EVIDENCE)
