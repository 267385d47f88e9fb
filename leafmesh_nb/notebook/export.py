"""A notebook as one HTML file that opens from disk, offline, with its charts."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["notebook_html"]

PLOTLY = "application/vnd.plotly.v1+json"


def notebook_html(notebook: Any, *, title: str) -> str:
    """HTML of an executed notebook: nothing is fetched from a network.

    nbconvert draws no plotly mimetype, so charts become HTML here; plotly's script is written once,
    with the first.
    """
    from nbconvert.exporters import HTMLExporter

    notebook = _with_charts(notebook)
    notebook.metadata["title"] = title
    exporter = HTMLExporter(
        template_name="lab", require_js_url="", mathjax_url="", sanitize_html=False
    )
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)


def _with_charts(notebook: Any) -> Any:
    import copy

    notebook = copy.deepcopy(notebook)
    first = True
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if PLOTLY in data:
                data["text/html"] = _chart(data.pop(PLOTLY), with_script=first)
                first = False
    return notebook


def _chart(figure: Any, *, with_script: bool) -> str:
    import plotly.io as pio

    drawn = {name: figure[name] for name in ("data", "layout") if name in figure}
    loaded = pio.from_json(json.dumps(drawn), skip_invalid=True)
    html: str = pio.to_html(
        loaded, full_html=False, include_plotlyjs=with_script, config=figure.get("config")
    )
    return html
