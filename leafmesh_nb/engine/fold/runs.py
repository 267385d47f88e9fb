"""What happens to a run as a whole, its memory included."""

from __future__ import annotations

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold.checks import illegal
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.memory.versions import Versions

__all__ = [
    "ended",
    "patched",
    "paused",
    "put",
    "rebound",
    "resumed",
    "saved",
]


def paused(state: RunState, event: Event, body: ev.RunPaused) -> None:
    state.paused = True


def resumed(state: RunState, event: Event, body: ev.RunResumed) -> None:
    if body.recovered:
        for call in state.calls.values():
            call.in_doubt = call.in_doubt or call.open
    else:
        state.paused = False
        state.steps_left = body.steps


def ended(state: RunState, event: Event, body: ev.RunEnded) -> None:
    if body.status not in ("done", "failed", "cancelled"):
        raise illegal(event, f"a run cannot end as {body.status!r}")
    underway = [s.path for s in state.steps.values() if s.phase in ("resolved", "routed")]
    if underway:
        raise illegal(event, f"the run cannot end while {', '.join(underway)} is under way")
    error = dict(body.error) if body.error else None
    state.ended, state.output, state.error = body.status, body.output, error


def rebound(state: RunState, event: Event, body: ev.RunRebound) -> None:
    state.functions.update(dict(body.functions))


def saved(state: RunState, event: Event, body: ev.MemoryWritten) -> None:
    """The workflow's own ``save``: all of it is one transaction."""
    put(state, event, body)
    state.saved = True


def patched(state: RunState, event: Event, body: ev.MemoryPatched) -> None:
    put(state, event, body)


def put(state: RunState, event: Event, body: ev.MemoryWritten | ev.MemoryPatched) -> None:
    """Write a field; one of scope ``mesh`` is written in the stream of the mesh."""
    op = "replace"
    if isinstance(body, ev.MemoryWritten):
        if body.scope != "run":
            return
        op = body.op
    field = state.memory.get(body.field) or Versions()
    if body.version != field.version + 1:
        raise illegal(
            event, f"version {body.version} of {body.field} cannot follow version {field.version}"
        )
    field.write(body.value, op)
    state.memory[body.field] = field
