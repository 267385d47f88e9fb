"""What a run did when: steps, the calls inside them, and the waits for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import Event
from leafmesh_nb.observe.calls import Call
from leafmesh_nb.observe.chart_style import (
    PALETTES,
    Palette,
    Theme,
    empty,
    faint,
    figure,
    hover,
    label,
    literal,
)
from leafmesh_nb.observe.decisions import Question
from leafmesh_nb.observe.masked import masker_for
from leafmesh_nb.observe.phrasing import brief, seconds
from leafmesh_nb.observe.standing import caption_of, states, waits_for
from leafmesh_nb.observe.timeline import Span, StepTime, Timeline, timeline

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["timeline_chart"]

_ROW = 48
_THICK, _THIN = 0.62, 0.26
_THINNEST = 0.004  # of the axis: a call of a millisecond is still to be seen and pointed at
_KINDS = {"model": 0, "function": 4, "tool": 3}


@dataclass(frozen=True, slots=True)
class _Bar:
    row: int
    start: float
    stop: float
    about: str
    text: str = ""


def timeline_chart(
    events: Sequence[Event],
    *,
    spec: Spec | None = None,
    masker: Masker | None = None,
    theme: Theme = "light",
) -> Figure:
    """One run as a Gantt chart: a row a step, calls inside it, waits for people hatched.

    Long stretches in which nothing worked are shortened, and say how long they were. Raises
    ValueError for the events of several runs: their times have nothing in common.
    """
    runs = states(events)
    if not runs:
        return empty("Nothing has run yet", "no events", theme)
    if len(runs) > 1:
        raise ValueError(f"a timeline shows one run; these events are of {len(runs)}")
    (state,) = runs.values()
    shown = timeline(events, state, masker_for(events, spec, masker))
    workflow = spec.workflows.get(state.started.workflow) if spec is not None else None
    begun = {step.path for step in shown.steps}
    planned = [path for path in workflow.steps if path not in begun] if workflow else []
    return _draw(shown, planned, caption_of(runs).partition(",")[0], theme)


def _draw(shown: Timeline, planned: list[str], as_of: str, theme: Theme) -> Figure:
    colours = PALETTES[theme]
    started = shown.state.started
    names = [_name(step, colours) for step in shown.steps]
    names += [_two_lines(path, "not started", colours) for path in planned]
    drawn = figure(
        list(_traces(shown, colours)),
        title=_title(shown),
        subtitle=" · ".join(filter(None, (started.workflow, f"run {shown.state.run}", as_of))),
        names=names,
        height=172 + _ROW * len(names),
        theme=theme,
        right=40,
        above=18 if shown.axis.shortened else 0,
    )
    drawn.update_layout(barmode="overlay", uniformtext={"minsize": 11, "mode": "hide"})
    _time(drawn, shown, colours)
    return drawn


def _title(shown: Timeline) -> str:
    state = shown.state
    if state.ended is None:
        people = " and ".join(waits_for(state))
        if people:
            return f"Waiting for {people}"
        return f"{state.status.capitalize()}, {seconds(shown.now)} after the start"
    text = f"{state.ended.capitalize()} after {seconds(shown.now)}"
    if not shown.waited:
        return text
    return f"{text}, of which {seconds(shown.waited)} waiting for people"


def _name(step: StepTime, colours: Palette) -> str:
    detail = f"{step.agent}, {step.status}" if step.agent else step.status
    return _two_lines(step.path, detail, colours)


def _two_lines(name: str, detail: str, colours: Palette) -> str:
    return f"<b>{label(name)}</b> <br>{faint(label(detail, 40), colours)}"


def _traces(shown: Timeline, colours: Palette) -> Iterator[Any]:
    """Steps below, calls over them, waits for people on top."""
    rows = list(enumerate(shown.steps))
    plain = [_step(shown, n, s) for n, s in rows if s.status not in ("failed", "skipped")]
    yield _trace(shown, "step", plain, {"color": colours.good}, _THICK)
    failed = [_step(shown, n, s) for n, s in rows if s.status == "failed"]
    if failed:
        yield _trace(shown, "failed step", failed, {"color": colours.bad_fill}, _THICK)
    still = [bar for n, step in rows for bar in _still(shown, n, step)]
    if still:
        yield _trace(shown, "nothing ran", still, {"color": colours.grid}, _THICK)
    for kind, series in _KINDS.items():
        bars = [
            bar
            for n, step in rows
            for span, call in step.calls
            if call.started["call"] == kind and call.status != "in doubt"
            for bar in _call(shown, n, step, span, call)
        ]
        if bars:
            yield _trace(shown, kind, bars, {"color": colours.series[series]}, _THIN)
    lost = [
        bar
        for n, step in rows
        for span, call in step.calls
        if call.status == "in doubt"
        for bar in _call(shown, n, step, span, call)
    ]
    if lost:
        yield _trace(shown, "call in doubt", lost, {"color": colours.bad}, _THIN)
    waits = [_wait(shown, n, span, q) for n, step in rows for span, q in step.waits]
    if waits:
        pattern = {
            "shape": "/",
            "bgcolor": colours.wait_fill,
            "fgcolor": colours.wait,
            "fgopacity": 0.4,
            "size": 8,
            "solidity": 0.2,
        }
        style = {"color": colours.wait_fill, "pattern": pattern}
        yield _trace(shown, "wait for a person", waits, style, _THICK, colours.ink)


def _trace(
    shown: Timeline,
    name: str,
    bars: Sequence[_Bar],
    marker: dict[str, Any],
    width: float,
    ink: str = "",
) -> Any:
    import plotly.graph_objects as go

    at, thinnest = shown.axis.at, shown.axis.end * _THINNEST
    texts = [bar.text for bar in bars]
    inside = {
        "text": texts,
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"size": 12, "color": ink},
    }
    return go.Bar(
        name=name,
        orientation="h",
        y=[-bar.row for bar in bars],
        base=[at(bar.start) for bar in bars],
        x=[max(at(bar.stop) - at(bar.start), thinnest) for bar in bars],
        width=width,
        marker={**marker, "line": {"width": 0}},
        customdata=[bar.about for bar in bars],
        hovertemplate="%{customdata}<extra></extra>",
        **(inside if any(texts) else {}),
    )


def _end(shown: Timeline, span: Span) -> float:
    """What goes on still is drawn to the end of the axis."""
    return shown.axis.knots[-1][0] if span.open else span.stop


def _step(shown: Timeline, row: int, step: StepTime) -> _Bar:
    took = "" if step.span.open else f", {seconds(step.span.stop - step.span.start)}"
    about = hover(
        f"{step.path} · {step.agent}" if step.agent else step.path,
        f"{step.status}{took}",
        step.message,
    )
    return _Bar(row, step.span.start, _end(shown, step.span), about)


def _still(shown: Timeline, row: int, step: StepTime) -> Iterator[_Bar]:
    for start, stop in shown.stopped:
        begun, until = max(start, step.span.start), min(stop, step.span.stop)
        if begun < until:
            about = hover("no process ran it, or it was paused", seconds(stop - start))
            yield _Bar(row, begun, until, about)


def _call(shown: Timeline, row: int, step: StepTime, span: Span, call: Call) -> Iterator[_Bar]:
    ended = call.ended or {}
    took = f", {seconds(ended['latency'])}" if "latency" in ended else ""
    again = f", attempt {call.started['attempt']}" if call.started["attempt"] > 1 else ""
    error = (ended.get("error") or {}).get("message")
    about = hover(
        f"{call.started['call']} {call.started['target']}",
        f"{call.status}{took}{again}",
        brief(error or ended.get("result") or call.started["request"]),
    )
    for start, stop in shown.working(step, span) or [(span.start, span.start)]:
        yield _Bar(row, start, stop, about)


def _wait(shown: Timeline, row: int, span: Span, question: Question) -> _Bar:
    people = ", then ".join(question.to)
    length = "" if span.open else seconds(span.stop - span.start)
    if span.open:
        said = "not answered yet"
    else:
        answered = question.answered
        who = f" by {answered['person']}" if answered.get("person") else ""
        said = f"{answered.get('answer') or question.status}{who} after {length}"
    about = hover(
        f"{question.asked['subject']}: {people} asked", said, brief(question.asked["reason"])
    )
    text = label(question.to[-1], 20) + (f", {length}" if length else "")
    return _Bar(row, span.start, _end(shown, span), about, text)


def _time(drawn: Figure, shown: Timeline, colours: Palette) -> None:
    axis = shown.axis
    texts: dict[str, float] = {}
    for tick in axis.ticks():
        # Far along a run, moments of one label can be apart: the first of them has it.
        texts.setdefault(seconds(tick) if tick else "0", axis.at(tick))
    note = "time since the start"
    if axis.shortened:
        note += "; stretches in which nothing worked are drawn shorter"
    drawn.update_xaxes(
        range=[-0.005 * axis.end, 1.005 * axis.end],
        tickvals=list(texts.values()),
        ticktext=[literal(text) for text in texts],
        title_text=note,
    )
    for start, stop in axis.shortened:
        drawn.add_annotation(
            x=(axis.at(start) + axis.at(stop)) / 2,
            y=1,
            yref="paper",
            yanchor="bottom",
            text=literal(f"⋯ {seconds(stop - start)}"),
            showarrow=False,
            font={"size": 11, "color": colours.faint},
        )
