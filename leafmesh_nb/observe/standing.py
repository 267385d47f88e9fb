"""Where runs stand, as far as their events tell."""

from __future__ import annotations

from collections.abc import Sequence

from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.state import RunState

__all__ = ["caption", "run_of", "states", "waits_for"]

_RUN = "run:"


def run_of(event: Event) -> str:
    """The id of the run whose stream an event stands in; empty for other streams."""
    return event.stream.removeprefix(_RUN) if event.stream.startswith(_RUN) else ""


def states(events: Sequence[Event]) -> dict[str, RunState]:
    """The state of every run among these events, by id, in order of appearance.

    The events of a run must be there from its first on.
    """
    runs: dict[str, list[Event]] = {}
    for event in events:
        run = run_of(event)
        if run:
            runs.setdefault(run, []).append(event)
    return {run: fold(sorted(own, key=lambda e: e.seq)) for run, own in runs.items()}


def waits_for(state: RunState) -> tuple[str, ...]:
    """The people or roles that a run's open questions are put to, each once."""
    return tuple(dict.fromkeys(a.to for a in state.open_approvals()))


def caption(events: Sequence[Event]) -> str:
    """What a view of unfinished runs must say: ``as of 12:03, waiting for lead``.

    Times are local, as the reader's clock shows them. Empty when every run has ended.
    """
    return caption_of(states(events))


def caption_of(runs: dict[str, RunState]) -> str:
    """The same, from the states of the runs."""
    going = [state for state in runs.values() if state.ended is None]
    if not going:
        return ""
    as_of = f"as of {max(s.last_at for s in runs.values()).astimezone():%H:%M}"
    if len(runs) == 1:
        people = waits_for(going[0])
        if people:
            return f"{as_of}, waiting for {_and(people)}"
        return f"{as_of}, {going[0].status}"
    asked = tuple(dict.fromkeys(name for state in going for name in waits_for(state)))
    waiting = sum(state.status == "waiting" for state in going)
    text = f"{as_of}, {len(going)} of {len(runs)} runs unfinished"
    return f"{text}, {waiting} waiting for {_and(asked)}" if asked else text


def _and(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
