"""Meshes defined in this process, and runs of any process found in a journal."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from leafmesh_nb.engine.events import Event, RunStarted
from leafmesh_nb.engine.plan import Plan, plan_of
from leafmesh_nb.engine.ports import Journal, RunRow, Verification
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.errors import JournalError, LeafmeshError, OwnershipError, RunError
from leafmesh_nb.journal.agreement import STARTED, differing
from leafmesh_nb.journal.owner import describe
from leafmesh_nb.language import load
from leafmesh_nb.mesh.approval import Approval
from leafmesh_nb.mesh.person import this_person
from leafmesh_nb.mesh.run import Run, live_owner
from leafmesh_nb.mesh.settings import journal_at

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.mesh.definition import Mesh

__all__ = [
    "approvals",
    "define",
    "defined",
    "find",
    "open_runs",
    "recover",
    "remember",
    "resume",
    "runs",
    "verify",
]

_defined: dict[str, Mesh] = {}
_handles: WeakValueDictionary[tuple[str, str], Run] = WeakValueDictionary()

OPEN = ("running", "waiting", "paused")


def define(mesh: Mesh) -> None:
    """Remember a mesh as the newest of its name, and of all."""
    _defined.pop(mesh.name, None)
    _defined[mesh.name] = mesh


def defined(name: str | None = None) -> Mesh | None:
    """The newest mesh of a name, or of any name."""
    if name is not None:
        return _defined.get(name)
    return next(reversed(_defined.values()), None) if _defined else None


def remember(run: Run, journal: Journal) -> Run:
    """One handle a run and process: two would fold the same events twice."""
    return _handles.setdefault((journal.location, run.id), run)


def find(run_id: str, journal: Journal) -> Run:
    """A run by its id or a unique prefix of it. Raises RunError naming what there is."""
    wanted = str(run_id).strip()
    exact = journal.run(wanted) if wanted else None
    if exact is not None:
        return _handle(exact, journal)
    rows = [row for row in journal.runs() if wanted and row.id.startswith(wanted)]
    if not rows:
        newest = ", ".join(row.id for row in journal.runs()[:5])
        raise RunError(
            f"the journal {journal.location} has no run {wanted!r}"
            + (f"; the newest are {newest}" if newest else "; it has none yet")
        )
    if len(rows) > 1:
        names = ", ".join(row.id for row in rows[:5])
        raise RunError(f"{wanted!r} is the beginning of several runs: {names}; give more of the id")
    return _handle(rows[0], journal)


def _handle(row: RunRow, journal: Journal) -> Run:
    known = _handles.get((journal.location, row.id))
    if known is not None:
        return known
    events = journal.read(f"run:{row.id}")
    started = _started(row, events, journal)
    text = journal.spec(started.spec_hash)
    if text is None:
        raise JournalError(f"the journal has lost the mesh of run {row.id}; verify() tells more")
    return remember(Run(journal, _plan(text, started.workflow), events, recover), journal)


@lru_cache(maxsize=64)
def _plan(text: str, workflow: str) -> Plan:
    """Read once for the many runs that were started with one text."""
    return plan_of(load(text, source="the mesh of an earlier run"), workflow)


def _started(row: RunRow, events: Sequence[Event], journal: Journal) -> RunStarted:
    """What a run goes by: its first event, which is chained, and not its row, which is not."""
    body = events[0].body if events else None
    if not isinstance(body, RunStarted):
        raise JournalError(f"run {row.id} in the journal {journal.location} has no run.started")
    column = differing(
        {name: getattr(row, name) for name in STARTED},
        {name: getattr(body, name) for name in STARTED},
    )
    if column:
        raise JournalError(
            f"the row of run {row.id} in the journal {journal.location} was changed: {column} is "
            f"not the one that it was started with; `%mesh verify` tells more"
        )
    return body


def recover(run: Run, only_to_cancel: bool) -> None:
    """Take over a run that nobody alive owns, with the functions of the mesh defined here.

    Raises OwnershipError while its owner lives, RunError where it cannot be driven here.
    """
    _take_over(run, None, rebind=False, only_to_cancel=only_to_cancel)


def _take_over(run: Run, mesh: Mesh | None, *, rebind: bool, only_to_cancel: bool = False) -> None:
    from leafmesh_nb.mesh.definition import Mesh

    owner = run.live_owner()
    if owner is not None:
        raise OwnershipError(
            f"run {run.id} is owned by {describe(owner)}; its answers reach it from here as well. "
            "To drive it here, end that process first"
        )
    here = mesh or defined(run.spec.mesh)
    if here is not None and here.name != run.spec.mesh:
        raise RunError(
            f"run {run.id} belongs to mesh {run.spec.mesh}, and {here.name} was given", run=run
        )
    stored = Mesh.of_run(run.spec, here)
    agents = stored.agents()
    digests = agents.digests()
    missing = sorted(set(run.functions) - set(digests))
    if missing and not only_to_cancel:
        raise RunError(
            f"run {run.id} needs functions that this process does not have: {', '.join(missing)}. "
            f"Run the cells that define mesh {run.spec.mesh} and bind them, then try again",
            run=run,
        )
    changed = [o for o, was in sorted(run.functions.items()) if digests.get(o, was) != was]
    if changed and not rebind and not only_to_cancel:
        raise RunError(
            f"run {run.id} was started with another version of {', '.join(changed)}. Bind the "
            "version it was started with, or accept the new one with "
            f"lm.resume({run.id!r}, rebind=True)",
            run=run,
        )
    ports = stored.ports(run.journal, agents)
    stored.take(run, ports, recovered_by=this_person(), rebound=rebind and bool(changed))


def resume(
    run_id: str,
    mesh: Mesh | None = None,
    *,
    journal: str | os.PathLike[str] | None = None,
    rebind: bool = False,
) -> Run:
    """Go on with a run, also after its process died; an ended run comes back as it is.

    ``mesh`` None takes the functions of the mesh of that name that was defined here last. Nothing
    that had returned is called again. ``rebind`` accepts functions that were changed since, as an
    event. Raises OwnershipError while another live process owns the run, RunError where it cannot
    be driven here.
    """
    run = find(run_id, journal_at(journal))
    if run.status not in OPEN:
        return run
    if not run.owned_here:
        _take_over(run, mesh, rebind=rebind)
    run.resume()
    return run


def open_runs(journal: Journal, status: Sequence[str] = OPEN) -> tuple[list[Run], list[str]]:
    """Handles of the runs of such a status, newest first, and a note about each run that cannot be
    read: what somebody did to one run must not hide the others."""
    runs: list[Run] = []
    notes: list[str] = []
    for row in journal.runs(status=tuple(status)):
        try:
            run = _handle(row, journal)
            run.approvals()
        except LeafmeshError as error:
            why = f"run {row.id} is left out, because it cannot be read: {error}"
            notes.append(f"{why}; verify() tells more")
        else:
            runs.append(run)
    return runs, notes


def approvals(journal: str | os.PathLike[str] | None = None) -> list[Approval]:
    """Every open question of every run in the journal, by run, oldest run first.

    Warns about a run that cannot be read, and leaves it out.
    """
    runs, notes = open_runs(journal_at(journal), ("waiting",))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return [question for run in reversed(runs) for question in run.approvals()]


def runs(journal: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """The journal's runs, newest first: id, mesh, workflow, status, requester, created, ended.

    ``interrupted`` is True where a run has not ended and nobody alive drives it: resume() goes on.
    """
    import pandas as pd

    opened = journal_at(journal)
    rows = opened.runs()
    frame = pd.DataFrame(
        {
            "run": [row.id for row in rows],
            "mesh": [row.mesh for row in rows],
            "workflow": [row.workflow for row in rows],
            "status": [row.status for row in rows],
            "requester": [row.requester for row in rows],
            "created": pd.to_datetime([row.created for row in rows], utc=True),
            "ended": pd.to_datetime(
                pd.Series([row.ended for row in rows], dtype="object"), utc=True
            ),
            "interrupted": pd.Series([_interrupted(row, opened) for row in rows], dtype="bool"),
        }
    )
    return frame.astype(dict.fromkeys(frame.columns[:5], "string"))


def _interrupted(row: RunRow, journal: Journal) -> bool:
    here = host().execution(journal, row.id) is not None
    return row.ended is None and not here and live_owner(row) is None


def verify(
    journal: str | os.PathLike[str] | None = None,
    *,
    key: str | Collection[str] = (),
    note: str = "",
) -> Verification:
    """Recompute every chain of the journal; check the heads of ended runs and what keys signed.

    ``key``: a fingerprint (``SHA256:…``) or several; the end of every run must be signed by one of
    them. ``note``: the text of an earlier ``Verification.note``, kept elsewhere; the journal must
    still contain what it says. Raises JournalError when there is no journal, or the note is none.
    """
    return journal_at(journal).verify(keys=(key,) if isinstance(key, str) else key, note=note)
