"""How values stand as text in the journal: times, and text that somebody else wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from leafmesh_nb.errors import JournalError

__all__ = ["from_stamp", "now", "stamp", "to_json", "utf8"]


def now() -> datetime:
    """The wall clock, aware, UTC. It may jump: nothing in the journal relies on its order."""
    return datetime.now(UTC)


def stamp(when: datetime) -> str:
    """``2026-03-01T12:00:00.000000Z``: UTC, always six digits, so that text sorts like time.

    Raises JournalError for a time without a zone.
    """
    if when.tzinfo is not UTC:
        if when.tzinfo is None:
            raise JournalError(f"the journal takes times with a zone only, not {when.isoformat()}")
        when = when.astimezone(UTC)
    return when.isoformat(timespec="microseconds")[:26] + "Z"


def from_stamp(text: str) -> datetime:
    """The aware UTC time of a stamp."""
    return datetime.fromisoformat(text)


def utf8(text: str) -> str:
    """Text that SQLite can hold: a lone surrogate becomes its escape, such as ``\\udc80``."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def to_json(value: Any, what: str) -> str:
    """Compact JSON that UTF-8 can hold. Raises JournalError for what JSON cannot say."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        try:
            text.encode()
        except UnicodeEncodeError:
            text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"{what} holds a value that JSON cannot: {error}") from error
    return text
