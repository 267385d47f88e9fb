"""What this process is set to: its journal and durability, and who wants to know of a new run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from leafmesh_nb.errors import JournalError

if TYPE_CHECKING:
    from leafmesh_nb.journal import Durability
    from leafmesh_nb.journal.sqlite import SqliteJournal
    from leafmesh_nb.mesh.run import Run

__all__ = ["announce", "journal_at", "on_start", "set_durability", "set_journal"]

logger = logging.getLogger(__name__)

_journal: str | None = None
_durability: Durability = "normal"
_on_start: list[Callable[[Run], None]] = []


def set_journal(location: str | None) -> None:
    """The journal to use where none is named; None: LEAFMESH_JOURNAL, else the default place."""
    global _journal
    _journal = location or None


def set_durability(durability: Durability) -> None:
    """What commits survive where nothing is said: ``normal`` the end of the process, ``full`` the
    end of the power as well."""
    global _durability
    _durability = durability


def journal_at(
    location: str | os.PathLike[str] | None, *, durability: Durability | None = None
) -> SqliteJournal:
    """The journal at a place, else the one this process is set to. Raises JournalError."""
    from leafmesh_nb.journal import open_journal

    if location is not None and not isinstance(location, str | os.PathLike):
        raise JournalError(f"a journal is a file's path, not {type(location).__name__}")
    return open_journal(
        location if location is not None else _journal, durability=durability or _durability
    )


def on_start(callback: Callable[[Run], None]) -> None:
    """Call back, on the starter's thread, with each run that this process starts."""
    _on_start.append(callback)


def announce(run: Run) -> None:
    """Tell whoever wants to know that a run was started."""
    for callback in tuple(_on_start):
        try:
            callback(run)
        except Exception:  # the run goes on, whether it can be shown or not
            logger.exception("run %s could not be shown", run.id)
