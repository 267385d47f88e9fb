"""Messages to a run's owner, in this process or in another, and its verdicts."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.ports import Journal, Verdict
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.errors import JournalError, OwnershipError, RunError

if TYPE_CHECKING:
    from leafmesh_nb.mesh.run import Run

__all__ = ["own", "post"]

VERDICT_TIMEOUT = 15.0
"""Seconds in which a live owner elsewhere must have read its inbox."""


def post(run: Run, kind: str, body: Mapping[str, Any]) -> Verdict:
    """Tell a run's owner something, and wait for what it makes of it.

    A run that nobody alive owns is taken over first. Raises RunError where it cannot be driven
    here, JournalError where it cannot be reached.
    """
    if host().inside():
        raise RunError("a run cannot be steered from inside the engine", run=run)
    if _over(run):
        return _too_late(run)
    try:
        if kind == "cancel" and run.abandoned():
            # Posted before the run is taken over, it is the first thing that the new owner reads:
            # nothing is performed any more, so it does not take the run's functions.
            row = run.journal.post(run.id, kind, body)
            own(run, only_to_cancel=True)
            verdict = _verdict_elsewhere(run.journal, row)
            if verdict.accepted:
                run.is_over(VERDICT_TIMEOUT)  # whoever is told of the end must find the run so
            return verdict
        own(run)
        if run.owned_here:
            return _verdict_here(run, host().post(run.journal, run.id, kind, body))
        return _verdict_elsewhere(run.journal, run.journal.post(run.id, kind, body))
    except JournalError:
        if not _over(run):
            raise
        return _too_late(run)


def own(run: Run, *, only_to_cancel: bool = False) -> None:
    """Take a run over when nobody alive owns it; leave it to a live owner elsewhere."""
    if not run.owned_here and not _over(run):
        try:
            run.recover(run, only_to_cancel)
        except OwnershipError:
            return


def _verdict_here(run: Run, verdict: Future[Verdict]) -> Verdict:
    while not verdict.done():
        concurrent.futures.wait([verdict], 0.5)
        if not verdict.done() and not run.owned_here:
            # It ended, or was lost, between the posting and the reading.
            concurrent.futures.wait([verdict], 0.5)
            if not verdict.done():
                return _too_late(run)
    return verdict.result()


def _verdict_elsewhere(journal: Journal, row: int) -> Verdict:
    deadline = time.monotonic() + VERDICT_TIMEOUT
    while time.monotonic() < deadline:
        message = journal.message(row)
        if message is not None and message.verdict is not None:
            return message.verdict
        time.sleep(0.05)
    return Verdict(row, False, "its owner did not read it in time; it stays in the inbox")


def _over(run: Run) -> bool:
    return run.status in ("done", "failed", "cancelled")


def _too_late(run: Run) -> Verdict:
    why = f"it has ended ({run.status})" if _over(run) else "its owner in this process stopped"
    return Verdict(0, False, why)
