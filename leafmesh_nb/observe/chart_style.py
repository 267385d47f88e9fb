"""What all charts share: text that stays text, colours for light and dark, and the frame around."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["PALETTES", "Palette", "Theme", "empty", "faint", "figure", "hover", "label", "literal"]

Theme = Literal["light", "dark"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_TOP, _BOTTOM = 92, 48
_HOVER_WIDTH = 72
_HOVER_LINES = 8
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours on one background. The paper is transparent: the notebook's own shows through."""

    ink: str
    faint: str
    grid: str
    surface: str
    accent: str
    good: str
    wait: str
    wait_fill: str
    bad: str
    bad_fill: str
    series: tuple[str, ...]


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        ink="#1f2328",
        faint="#656d76",
        grid="#e3e6ea",
        surface="#ffffff",
        accent="#2f5fe0",
        good="#bfe3cf",
        wait="#a65d00",
        wait_fill="#fbe3bf",
        bad="#c42b1c",
        bad_fill="#f3c1bb",
        series=("#2f5fe0", "#14917f", "#d98a00", "#a24fc0", "#8b95a5"),
    ),
    "dark": Palette(
        ink="#e6e8eb",
        faint="#9aa4b0",
        grid="#3a3f46",
        surface="#22262b",
        accent="#7c9cff",
        good="#2c5f49",
        wait="#f0b050",
        wait_fill="#54401d",
        bad="#ff7b72",
        bad_fill="#6b2f2b",
        series=("#7c9cff", "#3fc3ae", "#f0b050", "#cf8be8", "#98a2b1"),
    ),
}


def literal(text: str) -> str:
    """Text for plotly, which reads a subset of HTML in every label and hover.

    The dollar sign too: where MathJax is loaded, a pair of them is typeset as TeX.
    """
    return html.escape(text, quote=False).replace("$", "&#36;")


def label(text: str, longest: int = 30) -> str:
    """A literal on an axis: a long name loses its middle, both ends tell names apart."""
    if len(text) > longest:
        half = (longest - 1) // 2
        text = f"{text[: longest - 1 - half]}…{text[-half:]}"
    return literal(text)


def hover(*lines: str) -> str:
    """Literal lines of a hover, wrapped so that it fits beside the pointer; blank ones fall out."""
    wrapped = [part for line in lines if line for part in textwrap.wrap(line, _HOVER_WIDTH)]
    if len(wrapped) > _HOVER_LINES:
        wrapped = [*wrapped[: _HOVER_LINES - 1], "…"]
    return "<br>".join(literal(line) for line in wrapped)


def figure(
    traces: Sequence[Any],
    *,
    title: str,
    subtitle: str,
    names: Sequence[str],
    height: int,
    theme: Theme,
    right: int = 24,
    above: int = 0,
) -> Figure:
    """A figure in the house style; ``title`` and ``subtitle`` are plain text.

    ``names`` are what stands at the left, from the top, in the markup of this module; row n stands
    at y = -n. ``height``, ``right`` (the margin) and ``above`` (room between legend and plot) are
    in pixels.
    """
    import plotly.graph_objects as go

    colours = PALETTES[theme]
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"size": 12},
        "title": {"font": {"size": 12, "color": colours.faint}},
    }
    layout = {
        # Its own tiny template: plotly's default would add 7 KB to every saved figure.
        "template": go.layout.Template(),
        "font": {"family": FONT, "size": 13, "color": colours.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "title": {
            "text": f"<b>{literal(title)}</b><br>{faint(literal(subtitle), colours, 13)}",
            "font": {"size": 17},
            "x": 0,
            "xanchor": "left",
            "xref": "container",
            "y": 1,
            "yanchor": "top",
            "yref": "container",
            "pad": {"l": 16, "t": 26},
        },
        "height": height,
        "margin": {"l": _left(names), "r": right, "t": _TOP + above, "b": _BOTTOM},
        "xaxis": axis,
        "yaxis": {
            **axis,
            "showgrid": False,
            "showline": False,
            "range": [0.6 - max(len(names), 1), 0.6],
            "tickvals": [-place for place in range(len(names))],
            "ticktext": [f"{name} " for name in names],
        },
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1 + above / (height - _TOP - above - _BOTTOM),
            "yanchor": "bottom",
            "font": {"size": 12},
            "itemclick": False,
            "itemdoubleclick": False,
        },
        # What these buttons do, a chart with fixed axes has no use for; one sends data elsewhere.
        "modebar": {
            "remove": ["select2d", "lasso2d", "sendChartToCloud", "toggleHover"],
            "bgcolor": "rgba(0,0,0,0)",
            "color": colours.faint,
            "activecolor": colours.ink,
        },
        "hoverlabel": {
            "bgcolor": colours.surface,
            "bordercolor": colours.grid,
            "font": {"family": FONT, "size": 12, "color": colours.ink},
            "align": "left",
        },
    }
    return go.Figure(data=list(traces), layout=layout)


def faint(markup: str, colours: Palette, size: int = 11) -> str:
    """Markup of this module in small, faint letters."""
    return f'<span style="font-size:{size}px;color:{colours.faint}">{markup}</span>'


def _left(names: Sequence[str]) -> int:
    """Room for the longest line at the left, in pixels.

    Plotly's own ``automargin`` counts the annotations too and leaves a third of the chart blank.
    """
    lines = (line for name in names for line in name.split("<br>"))
    longest = max((len(html.unescape(_TAG.sub("", line))) for line in lines), default=0)
    return round(30 + 7.2 * longest)


def empty(title: str, message: str, theme: Theme) -> Figure:
    """A figure that says why there is nothing to see."""
    drawn = figure([], title=title, subtitle=message, names=[], height=160, theme=theme)
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False)
    return drawn
