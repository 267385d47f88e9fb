"""What a deployment writes into the journal's own stream, beside what others write there."""

from __future__ import annotations

from leafmesh_nb.engine.events import Body, Draft, Event
from leafmesh_nb.engine.ports import Append, Batch, Journal
from leafmesh_nb.errors import ConflictError, JournalError

__all__ = ["STREAM", "record"]

STREAM = "journal"
ATTEMPTS = 20


def record(journal: Journal, body: Body) -> Event:
    """Append to the stream ``journal``, synced to disk. Raises JournalError."""
    head = 0
    for _ in range(ATTEMPTS):
        head = _head(journal, head)
        append = Append(STREAM, (Draft(body),), head)
        try:
            (event,) = journal.commit(Batch((append,), sync=True)).result()
        except ConflictError:
            continue
        return event
    raise JournalError("the journal is written too often by others; try again")


def _head(journal: Journal, low: int) -> int:
    """The place of the stream's last event, at or after ``low``: places count from 1, without gaps.

    Looked for in steps that double, then halve: the stream has an event for every run that ended.
    """
    step = 1
    while journal.read(STREAM, low + step - 1, 1):
        low += step
        step *= 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if journal.read(STREAM, middle - 1, 1):
            low = middle
        else:
            high = middle
    return low
