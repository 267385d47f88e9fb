"""A body on its way into a stream, and in its place there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from leafmesh_nb.engine.events.body import Body

__all__ = ["Draft", "Event"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A body that wants a place in a stream."""

    body: Body
    path: str = ""
    ts: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Event:
    """A body in its place. ``seq`` counts from 1 within ``stream``; ``hash`` links the chain."""

    stream: str
    seq: int
    ts: datetime
    epoch: int
    path: str
    body: Body
    hash: str = ""

    @property
    def kind(self) -> str:
        """The body's kind, such as ``step.ended``."""
        return self.body.kind
