"""Writes runs into a journal as an engine would; used by the tests and by their subprocesses."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from leafmesh_nb.engine.events import Draft, RunEnded, RunStarted, StepEnded
from leafmesh_nb.engine.ports import Append, Batch, RunRow

SPEC = "mesh: refunds\n"
SPEC_HASH = hashlib.sha256(SPEC.encode()).hexdigest()


def row(run, **values):
    defaults = {"status": "running", "requester": "ann", "epoch": 1, "created": datetime.now(UTC)}
    return RunRow(run, "refunds", "refund", SPEC_HASH, **defaults | values)


def started():
    return RunStarted("refunds", "refund", SPEC_HASH, {"ticket": "7"}, "ann", 1)


def start(journal, run, **values):
    first = Append(f"run:{run}", (Draft(started()),), 0)
    return journal.create(row(run, **values), SPEC, Batch((first,)))


def batch(run, after, *bodies, epoch=1, path="pay", sync=False, **parts):
    drafts = tuple(Draft(body, path) for body in bodies)
    return Batch((Append(f"run:{run}", drafts, after),), run, epoch, sync=sync, **parts)


def say(journal, run, after, *outputs, epoch=1, sync=False):
    """Append a step's end for each output and wait; returns the new head's seq."""
    bodies = [StepEnded("done", output) for output in outputs]
    events = journal.commit(batch(run, after, *bodies, epoch=epoch, sync=sync)).result(60)
    return events[-1].seq


def end(journal, run, after, epoch=1, output=None):
    return journal.commit(batch(run, after, RunEnded("done", output), epoch=epoch)).result(60)


def shared(name, after, *outputs):
    """A batch for a mesh's own stream, by compare-and-set."""
    drafts = tuple(Draft(StepEnded("done", output)) for output in outputs)
    return Batch((Append(f"mesh:{name}", drafts, after),))
