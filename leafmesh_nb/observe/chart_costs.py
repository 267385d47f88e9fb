"""What was spent, beside what the same tokens cost at list price."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import Event
from leafmesh_nb.observe.calls import costs_frame, costs_total
from leafmesh_nb.observe.chart_style import PALETTES, Theme, empty, figure, hover, label, literal
from leafmesh_nb.observe.phrasing import dollars
from leafmesh_nb.observe.standing import caption

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["costs_chart"]


def costs_chart(
    events: Sequence[Event],
    *,
    spec: Spec | None = None,
    masker: Masker | None = None,
    theme: Theme = "light",
) -> Figure:
    """Two bars a step and model: spent, and at list price. Functions and tools that cost nothing
    are left out; over several runs the bars are sums."""
    frame = costs_frame(events, spec=spec, masker=masker)
    as_of = caption(events)
    paid = frame[(frame["call"] == "model") | frame["spent"].map(bool)]
    if paid.empty:
        return empty("No model was asked", as_of or "nothing was spent", theme)
    total = costs_total(paid)
    title = f"{dollars(total['spent'])} spent, {dollars(total['list_price'])} at list price"
    if total["unpriced"]:
        title += f" ({total['unpriced']} calls unpriced)"
    asked = f"{total['calls']} call{'' if total['calls'] == 1 else 's'}"
    subtitle = f"{asked}, {total['tokens_in']:,} tokens in, {total['tokens_out']:,} out"
    return _draw(_rows(paid), title, f"{subtitle} · {as_of}" if as_of else subtitle, theme)


def _rows(paid: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    groups = paid.groupby(["step", "target"], sort=False)
    return [(f"{step} · {target}", costs_total(own)) for (step, target), own in groups]


def _draw(
    rows: list[tuple[str, dict[str, Any]]], title: str, subtitle: str, theme: Theme
) -> Figure:
    import plotly.graph_objects as go

    colours = PALETTES[theme]
    places = [-place for place in range(len(rows))]
    abouts = [_about(name, total) for name, total in rows]

    def bars(name: str, key: str, colour: str, texts: list[str]) -> Any:
        return go.Bar(
            name=name,
            orientation="h",
            y=places,
            x=[float(total[key]) for _, total in rows],
            marker={"color": colour, "line": {"width": 0}},
            text=texts,
            textposition="outside",
            textfont={"size": 12, "color": colours.ink},
            cliponaxis=False,
            customdata=abouts,
            hovertemplate="%{customdata}<extra></extra>",
        )

    spent = [literal(dollars(total["spent"])) for _, total in rows]
    listed = [literal(_listed(total)) for _, total in rows]
    # Within a group plotly draws the first trace lowest.
    traces = [
        bars("at list price", "list_price", colours.series[-1], listed),
        bars("spent", "spent", colours.accent, spent),
    ]
    drawn = figure(
        traces,
        title=title,
        subtitle=subtitle,
        names=[label(name, 40) for name, _ in rows],
        height=154 + 56 * len(rows),
        theme=theme,
        right=80,
    )
    widest = max(float(max(total["spent"], total["list_price"])) for _, total in rows) or 0.01
    drawn.update_layout(
        barmode="group", bargap=0.34, bargroupgap=0.08, legend_traceorder="reversed"
    )
    drawn.update_xaxes(
        range=[0, widest],
        title_text="US dollars",
        exponentformat="none",
        nticks=6,
        rangemode="tozero",
    )
    return drawn


def _listed(total: dict[str, Any]) -> str:
    if total["unpriced"] and not total["list_price"]:
        return "unpriced"
    return dollars(total["list_price"])


def _about(name: str, total: dict[str, Any]) -> str:
    spent, listed = Decimal(total["spent"]), _listed(total)
    calls = f"{total['calls']} call{'' if total['calls'] == 1 else 's'}"
    unknown = f"{total['unknown']} not settled" if total["unknown"] else ""
    return hover(
        name,
        f"{dollars(spent)} spent, {listed if listed == 'unpriced' else listed + ' at list price'}",
        f"{calls}, {total['tokens_in']:,} tokens in, {total['tokens_out']:,} out",
        unknown,
    )
