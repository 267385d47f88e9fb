"""Spans and metrics for OpenTelemetry, projected from the journal.

``project`` makes the spans of a run (``projection``), in the names of ``mapping``; ``deliver``
hands what is new to a receiver and moves the cursor once it is there (``delivery``); a ``Pump``
does so from time to time. The OpenTelemetry SDK is imported by the first delivery.
"""

from __future__ import annotations

from leafmesh_nb.observe.telemetry.content import asked_for
from leafmesh_nb.observe.telemetry.delivery import Delivery, deliver, show
from leafmesh_nb.observe.telemetry.endpoints import endpoints
from leafmesh_nb.observe.telemetry.pump import Pump, pump
from leafmesh_nb.observe.telemetry.receiver import Console, receiver_at

__all__ = [
    "Console",
    "Delivery",
    "Pump",
    "asked_for",
    "deliver",
    "endpoints",
    "pump",
    "receiver_at",
    "show",
]
