"""What the handlers look up and check before they change anything."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.state import ApprovalState, CallState, RunState
from leafmesh_nb.errors import JournalError

__all__ = [
    "IllegalEventError",
    "illegal",
    "known_call",
    "known_question",
    "money_of",
    "open_call",
    "open_question",
    "time_of",
]


class IllegalEventError(JournalError):
    """An event that cannot follow the events before it."""


def illegal(event: Event, why: str) -> IllegalEventError:
    """The error to raise, naming the event."""
    return IllegalEventError(f"{event.stream} seq {event.seq}: {why}")


def open_call(state: RunState, event: Event, key: str) -> CallState:
    """A call that has not ended."""
    call = state.calls.get(key)
    if call is None or not call.open:
        raise illegal(event, f"no open call {key}")
    return call


def known_call(state: RunState, event: Event, key: str) -> CallState:
    """A call, ended or not."""
    call = state.calls.get(key)
    if call is None:
        raise illegal(event, f"no call {key}")
    return call


def known_question(state: RunState, event: Event, id: str) -> ApprovalState:
    """A question, open or not."""
    approval = state.approvals.get(id)
    if approval is None:
        raise illegal(event, f"no question {id}")
    return approval


def open_question(state: RunState, event: Event, id: str) -> ApprovalState:
    """A question that still takes an answer."""
    approval = known_question(state, event, id)
    if approval.status != "open":
        raise illegal(event, f"question {id} is closed")
    return approval


def time_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def money_of(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(f"{text} is no amount")
    return amount
