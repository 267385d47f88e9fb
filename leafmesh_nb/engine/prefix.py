"""What a run that goes back to a step keeps of the run that it comes from. Pure.

Kept is what had ended, well, before the step was resolved; everything else runs again. What was
paid for is reused: its calls are in the new run as recorded ones, at no cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.paths import outermost
from leafmesh_nb.engine.plan import Plan

__all__ = ["Prefix", "Stayed", "prefix_of"]

_MONEY = (ev.BudgetReserved, ev.BudgetSettled, ev.BudgetRefused)
"""Nothing is set aside for a call that is not made again."""


@dataclass(frozen=True, slots=True)
class Stayed:
    """What going back does not undo: ``effect``, a tool's side effect, or ``shared``, a field of
    shared memory that was written; ``name`` says which, ``path`` by which step."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """``bodies`` with their paths, to stand behind the new run's ``run.started``.

    ``kept`` and ``again`` are steps of the workflow in its order; ``saved`` is what the kept ones
    had cost, in US dollars; ``calls`` counts their calls; ``versions`` are those of the run's own
    memory.
    """

    bodies: tuple[tuple[str, Body], ...]
    kept: tuple[str, ...]
    again: tuple[str, ...]
    stayed: tuple[Stayed, ...]
    saved: Decimal
    calls: int
    versions: Mapping[str, int]


def prefix_of(plan: Plan, events: Sequence[Event], step: str) -> Prefix:
    """What is kept of a run by going back to before ``step``, which its workflow must have."""
    cut = _resolved(events, step)
    kept = _kept(plan, events, cut, step)
    run = events[0].stream.removeprefix("run:")
    versions: Counter[str] = Counter()
    bodies = tuple(_versioned(_taken(events, kept, cut, run), versions))
    reused = [b.reused for _, b in bodies if isinstance(b, (ev.CallFinished, ev.CallFailed))]
    return Prefix(
        bodies,
        tuple(name for name in plan.order if name in kept),
        tuple(name for name in plan.order if name not in kept),
        tuple(_stayed(events, kept)),
        sum((Decimal(said["cost"]) for said in reused if said), Decimal(0)),
        len(reused),
        versions,
    )


def _resolved(events: Sequence[Event], step: str) -> int:
    """The place of the first event of a step; behind all events where it has none."""
    first = (event.seq for event in events if event.path and outermost(event.path) == step)
    return next(first, events[-1].seq + 1)


def _kept(plan: Plan, events: Sequence[Event], cut: int, step: str) -> frozenset[str]:
    ended = {
        event.path: event.body.status
        for event in events
        if isinstance(event.body, ev.StepEnded) and event.seq < cut
    }
    kept: set[str] = set()
    for name in plan.order:  # each behind what it waits for
        after = plan.workflow.steps[name].after
        well = ended.get(name) in ("done", "skipped") or (
            ended.get(name) == "failed" and plan.workflow.steps[name].tolerated
        )
        if well and name != step and all(n in kept for n in (after.steps() if after else ())):
            kept.add(name)
    return frozenset(kept)


def _taken(
    events: Iterable[Event], kept: frozenset[str], cut: int, run: str
) -> Iterator[tuple[str, Body]]:
    for event in events:
        body = event.body
        if not event.path:
            # The workflow's own `save`, and what people put into memory by hand.
            if isinstance(body, ev.MemoryWritten) or (
                isinstance(body, ev.MemoryPatched) and event.seq < cut
            ):
                yield "", body
        elif outermost(event.path) in kept and not isinstance(body, _MONEY):
            if isinstance(body, (ev.CallFinished, ev.CallFailed)):
                body = _reused(body, run)
            yield event.path, body


def _reused(body: Any, run: str) -> Any:
    """A call that was made and paid for by another run. Raises nothing: costs are text."""
    paid = body.reused or {
        "run": run,
        "cost": body.cost,
        "list_cost": body.list_cost,
        "tokens_in": body.tokens_in,
        "tokens_out": body.tokens_out,
    }
    free = replace(body, cost="0", list_cost="0", tokens_in=0, tokens_out=0, reused=paid)
    return replace(free, live=False) if isinstance(free, ev.CallFinished) else free


def _versioned(
    bodies: Iterable[tuple[str, Body]], versions: Counter[str]
) -> Iterator[tuple[str, Body]]:
    """Writes to the run's own memory, counted anew: some that stood between are not kept."""
    for path, body in bodies:
        own = isinstance(body, ev.MemoryPatched) or (
            isinstance(body, ev.MemoryWritten) and body.scope == "run"
        )
        if own and isinstance(body, (ev.MemoryWritten, ev.MemoryPatched)):
            versions[body.field] += 1
            body = replace(body, version=versions[body.field])
        yield path, body


def _stayed(events: Iterable[Event], kept: frozenset[str]) -> Iterator[Stayed]:
    tools: dict[str, ev.CallStarted] = {}
    for event in events:
        if not event.path or outermost(event.path) in kept:
            continue
        match event.body:
            case ev.CallStarted(side_effect=True) as started:
                tools[started.key] = started
            case ev.CallFinished() as finished if finished.key in tools:
                yield Stayed("effect", tools[finished.key].target, event.path)
            case ev.MemoryWritten(scope="mesh") as written:
                yield Stayed("shared", written.field, event.path)
