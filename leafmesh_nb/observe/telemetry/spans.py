"""A finished span as plain data, and the ids that follow from where it begins in the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leafmesh_nb.observe.telemetry.mapping import SHAPES, Attribute, Shape

__all__ = ["Happened", "Link", "Span", "Value", "span_id", "trace_id"]

Value = str | bool | int | float | Sequence[str]
"""What OpenTelemetry takes as an attribute, as far as it is needed here."""


def trace_id(run: str) -> int:
    """128 bits from the run's id: the same run is the same trace, whoever exports it and when."""
    return _number(f"leafmesh trace\n{run}", 16)


def span_id(run: str, seq: int) -> int:
    """64 bits from the run's id and the ``seq`` of the event with which the span begins."""
    return _number(f"leafmesh span\n{run}\n{seq}", 8)


def _number(text: str, size: int) -> int:
    # Zero means "no id".
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size], "big") or 1


@dataclass(frozen=True, slots=True)
class Happened:
    """Something within a span at one moment."""

    name: str
    at: datetime
    attributes: Mapping[Attribute, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """Another span of the same run, by its ``seq``."""

    seq: int
    attributes: Mapping[Attribute, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """From the event ``seq`` of a run to the event ``closed_by``; ``parent`` is a ``seq`` too.

    ``of`` is a key of ``mapping.SHAPES``; ``failed`` says that the operation ended in an error,
    ``message`` what is said about it.
    """

    run: str
    seq: int
    closed_by: int
    parent: int | None
    of: str
    subject: str
    start: datetime
    end: datetime
    attributes: Mapping[Attribute, Value]
    happened: tuple[Happened, ...] = ()
    links: tuple[Link, ...] = ()
    failed: bool = False
    message: str = ""

    @property
    def shape(self) -> Shape:
        """Its kind."""
        return SHAPES[self.of]

    @property
    def name(self) -> str:
        """Such as ``invoke_agent clerk``."""
        return f"{self.shape.word} {self.subject}" if self.subject else self.shape.word

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()
