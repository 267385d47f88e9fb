"""Who was chosen, and how many points each factor gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leafmesh_nb.engine.events import Event
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
from leafmesh_nb.observe.frames import FACTORS, caption, routing_frame

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["routing_chart"]

_TITLE = "Who got each task, and why"
_ROW = 30
_PALE = 0.42


@dataclass(slots=True)
class _Row:
    """A line of the chart: a step's heading, a candidate, or agents excluded for one reason."""

    text: str
    points: dict[str, float] = field(default_factory=dict)
    score: float = 0.0
    chosen: int = 0
    of: int = 0
    excluded: str = ""
    heading: bool = False

    @property
    def about(self) -> str:
        parts = [f"{name} {self.points[name]:.3f}" for name in FACTORS]
        times = f"chosen {self.chosen} of {self.of} times" if self.of > 1 else ""
        mark = "chosen" if self.chosen and self.of == 1 else times
        return hover(f"{self.text}: {self.score:.3f} points", ", ".join(parts), mark)


def routing_chart(
    events: Sequence[Event],
    *,
    spec: Spec | None = None,
    masker: Masker | None = None,
    theme: Theme = "light",
) -> Figure:
    """Stacked bars of points by factor, a bar a candidate, grouped by step; the chosen one is bold.

    Over several runs a bar shows means, and how often the candidate was chosen.
    """
    frame = routing_frame(events, spec=spec, masker=masker)
    as_of = caption(events)
    if frame.empty:
        return empty(_TITLE, as_of or "no task was routed", theme)
    rows = _rows(frame)
    runs = frame["run"].nunique()
    subtitle = "points by factor; the best candidate wins"
    if runs > 1:
        subtitle = f"mean points over {runs} runs"
    return _draw(rows, f"{subtitle} · {as_of}" if as_of else subtitle, theme)


def _rows(frame: pd.DataFrame) -> list[_Row]:
    rows: list[_Row] = []
    for (step, capability), group in frame.groupby(["step", "capability"], sort=False):
        rows.append(_Row(f"{step} · {capability}", heading=True))
        ranked = group[group["excluded"].isna()]
        found = []
        for (agent, model), own in ranked.groupby(["agent", "model"], sort=False, dropna=False):
            name = str(agent) if _missing(model) else f"{agent} on {model}"
            points = {factor: float(own[factor].mean()) for factor in FACTORS}
            score, chosen = float(own["score"].mean()), int(own["chosen"].sum())
            found.append(_Row(name, points, score, chosen, len(own)))
        rows += sorted(found, key=lambda row: -row.score)
        out = group[group["excluded"].notna()]
        for reason, own in out.groupby("excluded", sort=False):
            rows.append(_Row(_few(list(own["agent"].unique())), excluded=str(reason)))
    return rows


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))  # type: ignore[call-overload]  # a scalar of a string column


def _draw(rows: list[_Row], subtitle: str, theme: Theme) -> Figure:
    import plotly.graph_objects as go

    colours = PALETTES[theme]
    ranked = [(-place, row) for place, row in enumerate(rows) if row.points]
    traces = [
        go.Bar(
            name=name,
            orientation="h",
            y=[y for y, _ in ranked],
            x=[row.points[name] for _, row in ranked],
            width=0.62,
            marker={
                "color": colour,
                "opacity": [1 if row.chosen else _PALE for _, row in ranked],
                "line": {"width": 0},
            },
            customdata=[row.about for _, row in ranked],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for name, colour in zip(FACTORS, colours.series, strict=True)
    ]
    drawn = figure(
        traces,
        title=_TITLE,
        subtitle=subtitle,
        names=[_name(row, colours) for row in rows],
        height=160 + _ROW * len(rows),
        theme=theme,
        right=150,
    )
    widest = max((row.score for _, row in ranked), default=1.0) or 1.0
    for place, row in enumerate(rows):
        if row.points:
            times = f"  chosen {row.chosen} of {row.of}" if row.of > 1 else ""
            mark = times or ("  ✓ chosen" if row.chosen else "")
            _beside(drawn, -place, row.score, f"{row.score:.2f}{mark}", colours.ink, row.chosen > 0)
        elif row.excluded:
            text = f"excluded: {row.excluded}"
            short = text if len(text) <= 84 else f"{text[:83]}…"
            _beside(drawn, -place, 0, short, colours.faint, False, hover(row.text, text))
    drawn.update_layout(barmode="stack", legend_traceorder="normal")
    drawn.update_xaxes(range=[0, widest], title_text="points", tickformat=".1f")
    return drawn


def _name(row: _Row, colours: Palette) -> str:
    if row.heading:
        return f"<b>{label(row.text, 40)}</b>"
    return faint(label(row.text, 36), colours, 12) if row.excluded else label(row.text)


def _beside(
    drawn: Figure, y: float, x: float, text: str, colour: str, bold: bool, about: str = ""
) -> None:
    shown = f"<b>{literal(text)}</b>" if bold else literal(text)
    drawn.add_annotation(
        x=x,
        y=y,
        text=shown,
        xanchor="left",
        xshift=6,
        showarrow=False,
        font={"size": 12, "color": colour},
        hovertext=about or None,
    )
