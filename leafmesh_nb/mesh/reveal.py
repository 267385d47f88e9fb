"""Looking behind a mask is an event: in the journal's own stream, since the run may have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leafmesh_nb.engine.events import Draft, MemoryRevealed
from leafmesh_nb.engine.ports import Append, Batch
from leafmesh_nb.errors import ConflictError, JournalError
from leafmesh_nb.mesh.person import this_person

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run

__all__ = ["record_reveal"]

ATTEMPTS = 20


def record_reveal(run: Run, what: str, channel: str = "notebook") -> None:
    """Record that this person looks at ``what``, durably, before it is shown."""
    body = MemoryRevealed(run.id, what, this_person(), channel)
    for _ in range(ATTEMPTS):
        events = run.journal.read("journal")
        append = Append("journal", (Draft(body),), events[-1].seq if events else 0)
        try:
            run.journal.commit(Batch((append,), sync=True)).result()
        except ConflictError:
            continue
        return
    raise JournalError("the journal is written too often by others; nothing is revealed")
