"""One run's timeline as shapes in percent of the width, for a template to draw as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leafmesh_nb.deploy.shelf import KeptRun
from leafmesh_nb.observe.calls import Call
from leafmesh_nb.observe.decisions import Question
from leafmesh_nb.observe.phrasing import brief, seconds
from leafmesh_nb.observe.time_axis import TimeAxis
from leafmesh_nb.observe.timeline import Span, StepTime, Timeline, timeline
from leafmesh_nb.observe.wording import step_name

__all__ = ["Bar", "Row", "Tick", "TimelineFigure", "timeline_figure"]

THINNEST = 0.004
"""Of the axis: a call of a millisecond is still to be seen and pointed at."""
ROOM_FOR_TEXT = 0.09
NARROW = 0.3
"""Of the axis: what two labels need between them on a phone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a row. ``kind`` is its class; ``about`` tells what it was; ``text`` stands in
    it."""

    kind: str
    start: float
    width: float
    about: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A step and its bars, the ones below first; ``tone`` as on the card, ``took`` in words."""

    path: str
    name: str
    detail: str
    tone: str
    took: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled moment on the axis; ``anchor`` as SVG's text-anchor. ``narrow``: there is room
    for it on a phone too."""

    at: float
    text: str
    anchor: str = "middle"
    narrow: bool = False


@dataclass(frozen=True, slots=True)
class TimelineFigure:
    """``shortened`` are stretches drawn shorter than they were, with how long they were; ``kinds``
    are the kinds of bars there are, for the legend."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    shortened: tuple[Tick, ...]
    kinds: tuple[str, ...]
    waited: float
    took: float
    going: bool


_TONES = {
    "done": "ok",
    "failed": "fail",
    "skipped": "skip",
    "cancelled": "cancelled",
    "waiting": "wait",
    "running": "run",
}


def timeline_figure(kept: KeptRun) -> TimelineFigure:
    """The figure of a run; steps that did not begin have no row."""
    told = timeline(kept.events, kept.state, kept.masker)
    axis = told.axis
    rows = tuple(_row(told, step) for step in told.steps)
    kinds = dict.fromkeys(bar.kind for row in rows for bar in row.bars)
    return TimelineFigure(
        rows=rows,
        ticks=tuple(_ticks(axis)),
        shortened=tuple(
            Tick((axis.at(a) + axis.at(b)) / 2 / axis.end, f"⋯ {seconds(b - a)}")
            for a, b in axis.shortened
        ),
        kinds=tuple(kinds),
        waited=told.waited,
        took=told.now,
        going=kept.state.ended is None,
    )


def _ticks(axis: TimeAxis) -> Iterator[Tick]:
    moments = {seconds(moment) if moment else "0": moment for moment in reversed(axis.ticks(7))}
    left = 0.0
    last = axis.at(axis.last) / axis.end
    for text, moment in reversed(moments.items()):
        at = axis.at(moment) / axis.end
        anchor = "start" if at < 0.04 else "end" if at > 0.96 else "middle"
        apart = at - left >= NARROW and (at == last or last - at >= NARROW)
        narrow = at == 0 or apart
        if narrow:
            left = at
        yield Tick(at, text, anchor, narrow)


def _row(told: Timeline, step: StepTime) -> Row:
    bars = [
        *_step(told, step),
        *_stopped(told, step),
        *(bar for span, call in step.calls for bar in _call(told, step, span, call)),
        *(_wait(told, span, question) for span, question in step.waits),
    ]
    took = "" if step.span.open else seconds(step.span.stop - step.span.start)
    return Row(
        path=step.path,
        name=step_name(step.path),
        detail=step.agent or step.status,
        tone=_TONES.get(step.status, "idle"),
        took=took,
        bars=tuple(bars),
    )


def _bar(told: Timeline, kind: str, start: float, stop: float, about: str, text: str = "") -> Bar:
    axis = told.axis
    begin = axis.at(start) / axis.end
    width = max(axis.at(stop) / axis.end - begin, THINNEST)
    # What begins at the very end would be drawn outside.
    begin = min(begin, 1 - width)
    return Bar(kind, begin, width, about, text if width >= ROOM_FOR_TEXT else "")


def _end(told: Timeline, span: Span) -> float:
    """What goes on still is drawn to the end of the axis."""
    return told.axis.knots[-1][0] if span.open else span.stop


def _step(told: Timeline, step: StepTime) -> Iterator[Bar]:
    if step.status == "skipped":
        return
    took = "" if step.span.open else f" after {seconds(step.span.stop - step.span.start)}"
    message = f": {step.message}" if step.message else ""
    kind = {"failed": "step-failed", "running": "step-running"}.get(step.status, "step")
    about = f"{step_name(step.path)} {step.status}{took}{message}"
    yield _bar(told, kind, step.span.start, _end(told, step.span), about)


def _stopped(told: Timeline, step: StepTime) -> Iterator[Bar]:
    for start, stop in told.stopped:
        begun, until = max(start, step.span.start), min(stop, step.span.stop)
        if begun < until:
            about = f"paused, or no process ran it, for {seconds(stop - start)}"
            yield _bar(told, "still", begun, until, about)


def _call(told: Timeline, step: StepTime, span: Span, call: Call) -> Iterator[Bar]:
    ended = call.ended or {}
    took = f" after {seconds(ended['latency'])}" if "latency" in ended else ""
    again = f", attempt {call.started['attempt']}" if call.started["attempt"] > 1 else ""
    error = (ended.get("error") or {}).get("message")
    said = brief(error or ended.get("result") or call.started["request"], 200)
    about = f"{call.started['call']} {call.started['target']} {call.status}{took}{again}"
    about = f"{about}: {said}" if said else about
    kind = "doubt" if call.status == "in doubt" else str(call.started["call"])
    for start, stop in told.working(step, span) or [(span.start, span.start)]:
        yield _bar(told, kind, start, stop, about)


def _wait(told: Timeline, span: Span, question: Question) -> Bar:
    people = ", then ".join(question.to)
    length = "" if span.open else seconds(span.stop - span.start)
    if span.open:
        said = "not answered yet"
    else:
        who = f" by {question.answered['person']}" if question.answered.get("person") else ""
        said = f"{question.answered.get('answer') or question.status}{who} after {length}"
    about = f"{question.asked['subject']}: {people} asked, {said}"
    text = f"{question.to[-1]}{', ' + length if length else ''}"
    return _bar(told, "wait", span.start, _end(told, span), about, text)
