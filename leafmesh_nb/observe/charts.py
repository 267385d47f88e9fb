"""Plotly figures of the same events that frames are made of.

Figures are drawn for about 900 px, with transparent paper for ``theme`` light or dark, and hold a
few KB. Texts of agents, tickets and people are shown as text: plotly would read a subset of HTML.
"""

from __future__ import annotations

from leafmesh_nb.observe.chart_costs import costs_chart
from leafmesh_nb.observe.chart_routing import routing_chart
from leafmesh_nb.observe.chart_timeline import timeline_chart

__all__ = ["costs_chart", "routing_chart", "timeline_chart"]
