"""Which service serves a mesh on a journal: one at a time, and whoever asks is told which."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime

from leafmesh_nb.deploy.access import Access
from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.journal.owner import describe, is_alive, this_process
from leafmesh_nb.journal.text import from_stamp, now, stamp

__all__ = ["AlreadyServed", "Served", "known", "register", "running", "stop", "unregister"]

SECONDS_TO_STOP = 40.0


@dataclass(frozen=True, slots=True)
class Served:
    """A mesh that is served, or was: ``owner`` names the process, ``people`` whom it may ask."""

    mesh: str
    release: str
    people: tuple[str, ...]
    url: str
    owner: str
    started: datetime

    @property
    def pid(self) -> int:
        """The number of the process, on its machine."""
        return int(self.owner.split("/")[1])

    def __str__(self) -> str:
        return (
            f"mesh {self.mesh} is served at {self.url} (release {self.release[:12]}, "
            f"{describe(self.owner)}, since {self.started:%Y-%m-%d %H:%M} UTC)"
        )


class AlreadyServed(LeafmeshError):
    """Another process serves this mesh on this journal; ``served`` says which."""

    def __init__(self, served: Served) -> None:
        super().__init__(
            f"{served} already. Stop that first (kill {served.pid}: its runs go on at the next "
            "start), or deploy to another journal with --database FILE"
        )
        self.served = served


def known(access: Access) -> list[Served]:
    """What was deployed with this journal, running or not."""
    with access.reading() as conn:
        return _all(conn)


def running(access: Access, mesh: str) -> Served | None:
    """The service of a mesh, if its process lives on this machine."""
    return _alive(known(access), mesh)


def register(access: Access, mesh: str, release: str, people: tuple[str, ...], url: str) -> Served:
    """Say that this process serves a mesh. Raises AlreadyServed while another one does."""
    mine = Served(mesh, release, people, url, this_process(), now())
    with access.writing() as conn:
        other = _alive(_all(conn), mesh)
        if other is not None:
            raise AlreadyServed(other)
        conn.execute(
            "INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?, ?, ?)",
            (mesh, release, json.dumps(people), url, mine.owner, stamp(mine.started)),
        )
    return mine


def stop(access: Access, served: Served) -> None:
    """Stop a service in an orderly way, and wait for it: its runs go on at the next start.

    Raises LeafmeshError when that takes longer than it should, or is not allowed.
    """
    try:
        os.kill(served.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    except PermissionError:
        raise LeafmeshError(
            f"{served}, and belongs to another user: stop it as that user"
        ) from None
    deadline = time.monotonic() + SECONDS_TO_STOP
    while is_alive(served.owner):
        if time.monotonic() > deadline:
            raise LeafmeshError(f"{served}, and does not stop; its log tells more")
        time.sleep(0.05)


def _all(conn: sqlite3.Connection) -> list[Served]:
    rows = conn.execute(
        "SELECT mesh, release, people, url, owner, started FROM services ORDER BY mesh"
    ).fetchall()
    return [
        Served(mesh, release, tuple(json.loads(people)), url, owner, from_stamp(started))
        for mesh, release, people, url, owner, started in rows
    ]


def _alive(found: list[Served], mesh: str) -> Served | None:
    # A process of another machine counts as gone: a journal in a file has one machine at a time.
    alive = (s for s in found if s.mesh == mesh and s.owner and is_alive(s.owner))
    return next(alive, None)


def unregister(access: Access, served: Served) -> None:
    """Say that this process serves it no longer."""
    with access.writing() as conn:
        conn.execute(
            "UPDATE services SET owner = '' WHERE mesh = ? AND owner = ?",
            (served.mesh, served.owner),
        )
