"""One run in seconds since its start: steps, the calls inside them, the waits, the standstills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.calls import Call, calls_of
from leafmesh_nb.observe.decisions import Question, questions_of
from leafmesh_nb.observe.masked import masked_body
from leafmesh_nb.observe.phrasing import brief
from leafmesh_nb.observe.time_axis import TimeAxis, time_axis

__all__ = ["Span", "StepTime", "Timeline", "timeline"]

Stretch = tuple[float, float]

MOST_STEPS = 60
"""Lines of a timeline on which items, iterations and racers have their own."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something from ``start`` to ``stop``; ``open`` goes on still, and nobody knows how long."""

    start: float
    stop: float
    open: bool = False


@dataclass(slots=True)
class StepTime:
    """A step. ``waits`` and ``calls`` are spans with what they are about."""

    path: str
    span: Span
    status: str = "running"
    agent: str = ""
    message: str = ""
    waits: list[tuple[Span, Question]] = field(default_factory=list)
    calls: list[tuple[Span, Call]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run. ``stopped`` are the stretches in which no process ran it, or it was paused."""

    state: RunState
    steps: tuple[StepTime, ...]
    stopped: tuple[Stretch, ...]
    now: float
    axis: TimeAxis

    @property
    def waited(self) -> float:
        """Seconds in which at least one question was open."""
        waits = sorted((w.start, w.stop) for step in self.steps for w, _ in step.waits)
        total, end = 0.0, 0.0
        for start, stop in waits:
            total += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return total

    def working(self, step: StepTime, call: Span) -> list[Stretch]:
        """The parts of a call in which it did not wait for a person or a process."""
        return _working(step, call, self.stopped)


def timeline(events: Sequence[Event], state: RunState, masker: Masker) -> Timeline:
    """The timeline of the one run that these events are of."""
    now = _since(state, state.last_at)
    steps = _steps(events, state, masker, now)
    if len(steps) > MOST_STEPS:  # what long loops are made of stands on the line of their step
        whole = {path: step for path, step in steps.items() if paths.outermost(path) == path}
        for path, step in steps.items():
            if step.agent and not whole[paths.outermost(path)].agent:
                whole[paths.outermost(path)].agent = step.agent
    else:
        whole = steps
    for call in calls_of(events, masker):
        start = _since(state, call.at)
        stop = start if call.status == "in doubt" else now
        if call.until is not None:
            stop = _since(state, call.until)
        span = Span(start, stop, call.status == "in flight")
        _line(whole, call.step).calls.append((span, call))
    for question in questions_of(events, {state.run: state}, masker):
        step = _line(whole, question.step)
        start, stop = _since(state, question.at), step.span.stop
        if question.until is not None:
            stop = _since(state, question.until)
        waits = question.status == "open"
        step.waits.append((Span(start, stop, waits), question))
        if waits:
            step.status = "waiting"
            step.span = Span(step.span.start, now, True)
    stopped = tuple(_stopped(events, state, now))
    return Timeline(
        state, tuple(whole.values()), stopped, now, _axis(list(whole.values()), stopped, now)
    )


def _line(steps: Mapping[str, StepTime], path: str) -> StepTime:
    """Where something of a step is drawn: its own line, or that of the step it is a part of."""
    return steps.get(path) or steps[paths.outermost(path)]


def _steps(
    events: Sequence[Event], state: RunState, masker: Masker, now: float
) -> dict[str, StepTime]:
    found: dict[str, StepTime] = {}
    for event in events:
        at = _since(state, event.ts)
        match event.body:
            case ev.StepResolved():
                found[event.path] = StepTime(event.path, Span(at, now))
            case ev.TaskRouted(agent=agent) if agent:
                found[event.path].agent = agent
            case ev.StepEnded(status=status):
                # A step that is skipped for what came before it was never resolved.
                step = found.setdefault(event.path, StepTime(event.path, Span(at, at)))
                step.span, step.status = Span(step.span.start, at), status
                error = masked_body(event, masker)["error"]
                step.message = brief(error["message"]) if error else ""
    return found


def _since(state: RunState, at: datetime) -> float:
    return (at - state.started_at).total_seconds()


def _stopped(events: Sequence[Event], state: RunState, now: float) -> Iterator[Stretch]:
    """From the last sign of life, or from a pause, to what made the run go on."""
    before, paused = 0.0, None
    for event in events:
        at = _since(state, event.ts)
        match event.body:
            case ev.RunPaused():
                paused = at
            case ev.RunResumed():
                yield before if paused is None else paused, at
                paused = None
        before = at
    if paused is not None:
        yield paused, now


def _working(step: StepTime, call: Span, stopped: Sequence[Stretch]) -> list[Stretch]:
    left: list[Stretch] = []
    start = call.start
    for begun, ended in sorted([*((w.start, w.stop) for w, _ in step.waits), *stopped]):
        if begun >= call.stop:
            break
        if begun > start:
            left.append((start, begun))
        start = max(start, ended)
    if start < call.stop:
        left.append((start, call.stop))
    return left


def _axis(steps: Sequence[StepTime], stopped: Sequence[Stretch], now: float) -> TimeAxis:
    """Shorter where the run stood still; the engine's own time is not idle."""
    spans = [step.span for step in steps]
    spans += [span for step in steps for span, _ in (*step.waits, *step.calls)]
    moments = [now, *(moment for span in spans for moment in (span.start, span.stop))]
    idle = [*stopped, *((w.start, w.stop) for step in steps for w, _ in step.waits)]
    busy = [part for s in steps for call, _ in s.calls for part in _working(s, call, stopped)]
    return time_axis(moments, idle, busy, last_open=any(span.open for span in spans))
