"""What happens to shared memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json

__all__ = [
    "MemoryDenied",
    "MemoryPatched",
    "MemoryWritten",
]


@dataclass(frozen=True, slots=True)
class MemoryWritten(Body):
    """A field was written. ``op`` says how ``value`` joins what was there: ``replace`` it,
    ``append`` one item to it, or ``extend`` it by a list; what a field holds is what its writes
    add up to. For scope ``mesh`` the value stands in the stream of the mesh; the run's own event
    has ``scope`` mesh and no value."""

    kind: ClassVar[str] = "memory.written"
    field: str
    version: int
    agent: str
    value: Json = None
    scope: str = "run"
    run: str = ""
    op: str = "replace"


@dataclass(frozen=True, slots=True)
class MemoryDenied(Body):
    """An agent tried to read or write a field it was not granted."""

    kind: ClassVar[str] = "memory.denied"
    field: str
    agent: str
    access: str


@dataclass(frozen=True, slots=True)
class MemoryPatched(Body):
    """A person put a value in a field by hand, in place of what was there."""

    kind: ClassVar[str] = "memory.patched"
    field: str
    version: int
    person: str
    value: Json
