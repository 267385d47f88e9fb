"""Events to DataFrames: what ``run.routing()``, ``%mesh costs`` and their siblings return.

Every function takes the events of one run or of several, concatenated and each from its first
event on; ``run`` is the stream without its ``run:`` prefix. Texts are masked
(``observe.masked``), times are aware UTC, durations are seconds, token counts are ``Int64``,
money is exact: columns of Decimal objects with None where an amount is not known. ``attrs`` of a
frame hold ``status`` and, while a run goes on, ``as_of`` and ``caption``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.shared import SharedState
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.observe.audit import audit_frame
from leafmesh_nb.observe.calls import calls_frame, costs_frame, costs_total
from leafmesh_nb.observe.columns import COUNT, NUMBER, TEXT, TIME, Kind, table
from leafmesh_nb.observe.decisions import decisions_frame
from leafmesh_nb.observe.handoffs import handoffs_frame
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.standing import caption, run_of, states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = [
    "FACTORS",
    "audit_frame",
    "calls_frame",
    "caption",
    "costs_frame",
    "costs_total",
    "decisions_frame",
    "events_frame",
    "handoffs_frame",
    "memory_frame",
    "routing_frame",
]

FACTORS = ("skill", "text", "cost", "latency", "load")

_EVENTS: dict[str, Kind] = {
    "run": TEXT,
    "seq": COUNT,
    "when": TIME,
    "kind": (),
    "step": TEXT,
    "epoch": COUNT,
    "body": TEXT,
    "hash": TEXT,
}

_ROUTING: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "step": TEXT,
    "capability": TEXT,
    "agent": TEXT,
    "model": TEXT,
    "rank": COUNT,
    "chosen": "bool",
    "score": NUMBER,
    **dict.fromkeys(FACTORS, NUMBER),
    "excluded": TEXT,
    "tie": TEXT,
}

_MEMORY: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "field": TEXT,
    "access": ("write", "edit", "denied read", "denied write", "reveal"),
    "version": COUNT,
    "value": TEXT,
    "scope": ("run", "mesh"),
    "by": TEXT,
    "step": TEXT,
    "sensitivity": ("public", "internal", "pii", "secret"),
}


def events_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row an event: ``run seq when kind step epoch body hash``.

    ``body`` is the masked payload as compact JSON, so it does not hash to ``hash``. ``run`` is the
    stream's name for events outside runs (``journal``, ``mesh:NAME``).
    """
    mask = masker_for(events, spec, masker)
    rows = [
        {
            "run": event.stream.removeprefix("run:"),
            "seq": event.seq,
            "when": event.ts,
            "kind": event.kind,
            "step": event.path or None,
            "epoch": event.epoch,
            "body": _json(masked_body(event, mask)),
            "hash": event.hash or None,
        }
        for event in events
    ]
    return table(rows, _EVENTS, states(events))


def routing_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a candidate, best first, then the excluded ones.

    Columns: ``run when step capability agent model rank chosen score``, the points that each
    factor gave (``skill text cost latency load``; they sum to the score), ``excluded`` (why a hard
    filter kept it out, else missing) and ``tie``.
    """
    mask = masker_for(events, spec, masker)
    rows: list[dict[str, Any]] = []
    for event in events:
        if not isinstance(event.body, ev.TaskRouted):
            continue
        body = masked_body(event, mask)
        shared = {
            "run": run_of(event),
            "when": event.ts,
            "step": event.path,
            "capability": body["capability"],
            "tie": body["tie"] or None,
        }
        chosen = body["agent"], body["model"]
        for rank, candidate in enumerate(body["candidates"], 1):
            points = {name: f["points"] for name, f in candidate["factors"].items()}
            pair = candidate["agent"], candidate["model"]
            rows.append(
                {
                    **shared,
                    **points,
                    "agent": pair[0],
                    "model": pair[1],
                    "rank": rank,
                    "chosen": pair == chosen,
                    "score": candidate["score"],
                }
            )
        for out in body["excluded"]:
            row = {"agent": out["agent"], "chosen": False, "excluded": out["reason"]}
            rows.append(shared | row)
    return table(rows, _ROUTING, states(events))


def memory_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a write, an edit by hand, a refused access, or a look behind the mask.

    Columns: ``run when field access version value scope by step sensitivity``. ``value`` is masked
    text, JSON where it is not a text: the whole field, as it was after the write. What a field of
    scope ``mesh`` holds stands in the stream of the mesh: give its events too, from its first on,
    and the runs' rows have it; alone, they are rows themselves.
    """
    mask = masker_for(events, spec, masker)
    fields = spec.memory if spec is not None else {}
    runs = states(events)
    shared: dict[str, SharedState] = {}
    for event in events:
        if event.stream.startswith("mesh:"):
            shared.setdefault(event.stream, SharedState()).apply((event,))
    rows: list[dict[str, Any]] = []
    for event in events:
        row = _memory_row(event, runs, mask)
        if row is None:
            continue
        body = event.body
        if isinstance(body, ev.MemoryWritten):
            row["value"] = _shown(mask.field(body.field, _written(event, body, runs, shared)))
        field = fields.get(row["field"])
        rows.append(row | {"sensitivity": field.sensitivity if field else None})
    return table(rows, _MEMORY, runs)


def _memory_row(event: Event, runs: Mapping[str, RunState], mask: Masker) -> dict[str, Any] | None:
    """A row but for the value of a write; None where there is none beside the rows of ``runs``."""
    if not event.kind.startswith("memory."):
        return None
    run, about = run_of(event), getattr(event.body, "run", "")
    if runs and not run and (isinstance(event.body, ev.MemoryWritten) or about not in runs):
        return None
    body = masked_body(event, mask)
    row: dict[str, Any] = {
        "run": run or body.get("run"),
        "when": event.ts,
        "step": event.path or None,
    }
    match event.body:
        case ev.MemoryWritten():
            row |= {"access": "write", "version": body["version"], "by": body["agent"]}
            return row | {"field": body["field"], "scope": body["scope"]}
        case ev.MemoryPatched():
            row |= {"access": "edit", "version": body["version"], "by": body["person"]}
            return row | {"field": body["field"], "scope": "run", "value": _shown(body["value"])}
        case ev.MemoryDenied():
            access = f"denied {body['access']}"
            return row | {"field": body["field"], "access": access, "by": body["agent"]}
        case ev.MemoryRevealed():
            return row | {"field": body["what"], "access": "reveal", "by": body["person"]}
    return None


def _written(
    event: Event,
    body: ev.MemoryWritten,
    runs: Mapping[str, RunState],
    shared: Mapping[str, SharedState],
) -> Any:
    """The whole field after a write; None where the events that say so are not there."""
    run = runs.get(run_of(event))
    state: RunState | SharedState | None = run
    if body.scope == "mesh":
        state = shared.get(f"mesh:{run.started.mesh}" if run else event.stream)
    field = state.memory.get(body.field) if state else None
    return field.at(body.version) if field and body.version <= field.version else None


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
