"""Where events live: streams chained by hashes, the rows of runs, and their inbox."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.journal.sqlite import SqliteJournal

__all__ = ["open_journal"]

_open: weakref.WeakValueDictionary[str, SqliteJournal] = weakref.WeakValueDictionary()
_lock = threading.RLock()  # a finalizer may come here in the middle of it


def open_journal(location: str | os.PathLike[str] | None = None) -> SqliteJournal:
    """The journal at a place: one instance a file and process, as long as somebody holds it.

    ``None`` is the environment's LEAFMESH_JOURNAL, else ``.leafmesh/journal.db`` in the working
    directory. Nothing is created or opened before the journal is used. Raises JournalError for
    what cannot be a file's name.
    """
    from leafmesh_nb.journal.place import locate
    from leafmesh_nb.journal.sqlite import SqliteJournal

    path = locate(location)
    with _lock:
        journal = _open.get(str(path))
        if journal is None or journal.closed:
            journal = _open[str(path)] = SqliteJournal(path)
        return journal
