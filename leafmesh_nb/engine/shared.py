"""The stream ``mesh:NAME``: memory across runs, and what a day has cost. A fold of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.errors import JournalError
from leafmesh_nb.memory.versions import Versions

__all__ = ["SharedState"]


@dataclass(slots=True)
class SharedState:
    """What the events of a mesh's stream add up to.

    ``memory`` has every version of each field, so that a run can be shown, and resumed, with what
    it saw. ``days`` maps ISO dates (UTC) to settled US dollars, ``held`` keys of calls to
    their day and reservation.
    """

    seq: int = 0
    memory: dict[str, Versions] = field(default_factory=dict)
    days: dict[str, Decimal] = field(default_factory=dict)
    held: dict[str, tuple[str, Decimal]] = field(default_factory=dict)

    def apply(self, events: Iterable[Event]) -> None:
        """Carry events into the state, in order; those it has already are passed over.

        Raises JournalError, naming the event, for a write that nobody can make sense of.
        """
        for event in events:
            if event.seq <= self.seq:
                continue
            body = event.body
            if isinstance(body, ev.MemoryWritten):
                try:
                    self.memory.setdefault(body.field, Versions()).write(body.value, body.op)
                except (TypeError, ValueError) as error:
                    raise JournalError(f"{event.stream} seq {event.seq}: {error}") from None
            elif isinstance(body, ev.BudgetReserved):
                self.held[body.key] = (body.day, Decimal(body.amount))
            elif isinstance(body, ev.BudgetSettled):
                self.held.pop(body.key, None)
                self.days[body.day] = self.days.get(body.day, Decimal(0)) + Decimal(body.amount)
            self.seq = event.seq

    def used(self, day: str) -> Decimal:
        """Settled and reserved US dollars of a day."""
        reserved = sum((amount for d, amount in self.held.values() if d == day), Decimal(0))
        return self.days.get(day, Decimal(0)) + reserved
