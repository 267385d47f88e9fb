"""Which runs go, and what is said of it: retention for people."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

from leafmesh_nb.journal.prune import Prunable
from leafmesh_nb.mesh.person import this_person
from leafmesh_nb.mesh.settings import journal_at

__all__ = ["Pruning", "prune"]


@dataclass(frozen=True, slots=True)
class Pruning:
    """``gone`` were deleted (or would be); ``kept`` ended as long ago, but telemetry that was begun
    has not got all of them."""

    journal: str
    gone: tuple[Prunable, ...]
    kept: tuple[Prunable, ...]


def prune(
    before: datetime,
    *,
    mesh: str | None = None,
    journal: str | os.PathLike[str] | None = None,
    unexported: bool = False,
    really: bool = False,
) -> Pruning:
    """Delete the runs that ended before a moment (aware), for good; a signed tombstone stays.

    ``unexported`` deletes also what telemetry has not got: a receiver that was used once, and is
    gone for good, never gets it. Without ``really`` nothing is deleted. Raises JournalError when
    the journal does not verify.
    """
    opened = journal_at(journal)
    found = opened.prunable(before, mesh=mesh)
    kept = tuple(run for run in found if run.waits and not unexported)
    gone = [run for run in found if run not in kept]
    if really and gone:
        gone = opened.prune(gone, by=this_person())
    return Pruning(opened.location, tuple(gone), kept)
