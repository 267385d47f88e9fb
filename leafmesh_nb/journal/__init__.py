"""Where events live: streams chained by hashes, the rows of runs, and their inbox."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from leafmesh_nb.journal.sqlite import SqliteJournal

__all__ = ["Durability", "open_journal"]

Durability = Literal["normal", "full"]
"""What a commit survives: the end of the process, or the end of the power as well."""

_open: weakref.WeakValueDictionary[tuple[str, Durability], SqliteJournal]
_open = weakref.WeakValueDictionary()
_lock = threading.RLock()  # a finalizer may come here in the middle of it


def open_journal(
    location: str | os.PathLike[str] | None = None, *, durability: Durability = "normal"
) -> SqliteJournal:
    """The journal at a place: one instance a file, durability and process, as long as somebody
    holds it.

    ``None`` is the environment's LEAFMESH_JOURNAL, else ``.leafmesh/journal.db`` in the working
    directory. Nothing is created or opened before the journal is used. Raises JournalError for
    what cannot be a file's name, or is no durability.
    """
    from leafmesh_nb.journal.place import locate
    from leafmesh_nb.journal.sqlite import SqliteJournal

    path = locate(location)
    with _lock:
        key = str(path), durability
        journal = _open.get(key)
        if journal is None or journal.closed:
            journal = _open[key] = SqliteJournal(path, durability=durability)
        return journal
