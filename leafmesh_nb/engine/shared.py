"""The stream ``mesh:NAME``: memory across runs, and what a day has cost. A fold of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.memory.merge import Versioned

__all__ = ["SharedState"]


@dataclass(slots=True)
class SharedState:
    """What the events of a mesh's stream add up to.

    ``values[name][n - 1]`` is version n of a field, so that a run can be shown, and resumed, with
    what it saw. ``days`` maps ISO dates (UTC) to settled US dollars, ``held`` keys of calls to
    their day and reservation.
    """

    seq: int = 0
    values: dict[str, list[Any]] = field(default_factory=dict)
    days: dict[str, Decimal] = field(default_factory=dict)
    held: dict[str, tuple[str, Decimal]] = field(default_factory=dict)

    def apply(self, events: Iterable[Event]) -> None:
        """Carry events into the state, in order; those it has already are passed over."""
        for event in events:
            if event.seq <= self.seq:
                continue
            body = event.body
            if isinstance(body, ev.MemoryWritten):
                self.values.setdefault(body.field, []).append(body.value)
            elif isinstance(body, ev.BudgetReserved):
                self.held[body.key] = (body.day, Decimal(body.amount))
            elif isinstance(body, ev.BudgetSettled):
                self.held.pop(body.key, None)
                self.days[body.day] = self.days.get(body.day, Decimal(0)) + Decimal(body.amount)
            self.seq = event.seq

    def current(self, name: str) -> Versioned:
        """A field as it is now."""
        versions = self.values.get(name, ())
        return Versioned(versions[-1], len(versions)) if versions else Versioned()

    def at(self, name: str, version: int) -> Any:
        """A field's value at a version; null at version 0."""
        return self.values[name][version - 1] if version else None

    def used(self, day: str) -> Decimal:
        """Settled and reserved US dollars of a day."""
        reserved = sum((amount for d, amount in self.held.values() if d == day), Decimal(0))
        return self.days.get(day, Decimal(0)) + reserved
