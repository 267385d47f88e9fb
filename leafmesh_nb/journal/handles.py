"""What a journal holds open: its writer and its readers, across forks and to the end."""

from __future__ import annotations

import os
import threading
import weakref

from leafmesh_nb.journal.heads import Heads
from leafmesh_nb.journal.place import Place
from leafmesh_nb.journal.readers import Readers
from leafmesh_nb.journal.writer import Writer

__all__ = ["Handles"]


class Handles:
    """The open parts of one journal. Nothing is opened before it is used."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._renew()
        with _LOCK:
            _LIVE.add(self)

    def close(self) -> None:
        """Write what is queued and close every connection."""
        self.writer.close()
        self.readers.close()

    def _renew(self) -> None:
        self.heads = Heads()
        self.writer = Writer(self._place, self.heads.forget)
        self.readers = Readers(self._place)


# SQLite's connections, and even its locks on a file, must not be carried over a fork
# (sqlite.org/howtocorrupt.html, 2.6): a child's new connection would believe in locks that only
# its parent has. So nothing is open at the moment of a fork; both sides connect again when they
# need to. What was queued stays the parent's.
_LIVE: weakref.WeakSet[Handles] = weakref.WeakSet()
_LOCK = threading.Lock()
_paused: list[Handles] = []


def _before_fork() -> None:
    _LOCK.acquire()
    for handles in list(_LIVE):
        handles.writer.pause()
        handles.readers.pause()
        _paused.append(handles)


def _in_parent() -> None:
    for handles in _paused:
        handles.readers.unpause()
        handles.writer.unpause()
    _paused.clear()
    _LOCK.release()


def _in_child() -> None:
    for handles in _paused:
        handles._renew()
    _paused.clear()
    _LOCK.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
