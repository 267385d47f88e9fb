"""Every outbound call with what became of it, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import CallFailed, CallFinished, CallStarted, Event
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.observe.columns import BOOLEAN, COUNT, MONEY, NUMBER, TEXT, TIME, Kind, table
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.phrasing import brief
from leafmesh_nb.observe.standing import run_of, states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["STATUSES", "Call", "calls_frame", "calls_of", "costs_frame", "costs_total"]

STATUSES = ("finished", "failed", "in flight", "in doubt")

_CALLS: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "step": TEXT,
    "call": ("model", "function", "tool"),
    "target": TEXT,
    "agent": TEXT,
    "attempt": COUNT,
    "ordinal": COUNT,
    "status": STATUSES,
    "latency": NUMBER,
    "live": BOOLEAN,
    "side_effect": BOOLEAN,
    "request": TEXT,
    "result": TEXT,
    "error": TEXT,
    "note": TEXT,
    "key": TEXT,
}

_COSTS: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "step": TEXT,
    "agent": TEXT,
    "call": ("model", "function", "tool"),
    "target": TEXT,
    "status": STATUSES,
    "spent": MONEY,
    "list_price": MONEY,
    "tokens_in": COUNT,
    "tokens_out": COUNT,
    "live": BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request that went out. ``started`` and ``ended`` are masked bodies.

    ``status`` is one of STATUSES. An earlier attempt whose result never came is in doubt, and so
    is a call that a run left open when it ended.
    """

    run: str
    step: str
    at: datetime
    started: dict[str, Any]
    status: str
    until: datetime | None = None
    ended: dict[str, Any] | None = None

    @property
    def spent(self) -> Decimal | None:
        """US dollars; None while nobody knows."""
        if self.status != "finished" or self.ended is None:
            return None
        return Decimal(self.ended["cost"])

    @property
    def list_price(self) -> Decimal | None:
        """US dollars that the tokens cost at list price; None when there is no such price."""
        if self.status != "finished" or self.ended is None:
            return None
        if self.ended["list_cost"] is not None:
            return Decimal(self.ended["list_cost"])
        # A model that cost nothing and has no list price is unpriced, not free.
        return None if self.started["call"] == "model" and not self.spent else self.spent


def calls_of(events: Sequence[Event], runs: dict[str, RunState], masker: Masker) -> list[Call]:
    """The calls of these events in the order in which they went out."""
    begun: list[tuple[str, Event, CallStarted]] = []
    ends: dict[tuple[str, str], tuple[datetime, dict[str, Any], str]] = {}
    for event in events:
        run, body = run_of(event), event.body
        if isinstance(body, CallStarted):
            begun.append((run, event, body))
        elif isinstance(body, CallFinished):
            ends[run, body.key] = (event.ts, masked_body(event, masker), "finished")
        elif isinstance(body, CallFailed):
            ends[run, body.key] = (event.ts, masked_body(event, masker), "failed")
    last = {(run, body.key): event for run, event, body in begun}
    calls = []
    for run, event, body in begun:
        until, ended, status = None, None, "in doubt"
        if last[run, body.key] is event:
            if (run, body.key) in ends:
                until, ended, status = ends[run, body.key]
            elif runs[run].ended is None and not runs[run].calls[body.key].in_doubt:
                status = "in flight"
        started = masked_body(event, masker)
        calls.append(Call(run, event.path, event.ts, started, status, until, ended))
    return calls


def calls_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a request that went out, attempts of their own row.

    Columns: ``run when step call target agent attempt ordinal status latency live side_effect
    request result error note key``. ``call`` is model, function or tool; ``status`` finished,
    failed, in flight or in doubt; ``latency`` seconds; ``live`` False for a recorded or
    hand-entered result.
    """
    runs = states(events)
    rows = []
    for call in calls_of(events, runs, masker_for(events, spec, masker)):
        ended = call.ended or {}
        error = ended.get("error") or {}
        rows.append(
            {
                "run": call.run,
                "when": call.at,
                "step": call.step,
                **{name: call.started[name] for name in _STARTED},
                "status": call.status,
                "latency": ended.get("latency"),
                "live": ended.get("live"),
                "request": brief(call.started["request"]) or None,
                "result": brief(ended["result"]) if "result" in ended else None,
                "error": brief(error.get("message")) if error else None,
                "note": ended.get("note") or None,
            }
        )
    return table(rows, _CALLS, runs)


_STARTED = ("call", "target", "agent", "attempt", "ordinal", "side_effect", "key")


def costs_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a call, with what it cost.

    Columns: ``run when step agent call target status spent list_price tokens_in tokens_out live``.
    ``spent`` and ``list_price`` are Decimal US dollars: None while a call is out, when it failed
    (nobody knows what was charged), and, for the list price, when the model is not in the list.
    """
    runs = states(events)
    rows = [
        {
            "run": call.run,
            "when": call.at,
            "step": call.step,
            "agent": call.started["agent"],
            "call": call.started["call"],
            "target": call.started["target"],
            "status": call.status,
            "spent": call.spent,
            "list_price": call.list_price,
            "tokens_in": (call.ended or {}).get("tokens_in"),
            "tokens_out": (call.ended or {}).get("tokens_out"),
            "live": (call.ended or {}).get("live"),
        }
        for call in calls_of(events, runs, masker_for(events, spec, masker))
    ]
    return table(rows, _COSTS, runs)


def costs_total(costs: pd.DataFrame) -> dict[str, Any]:
    """The sums of a costs frame, or of a part of one.

    ``calls``, ``tokens_in``, ``tokens_out``, ``unpriced`` (finished calls without a list price) and
    ``unknown`` (calls whose cost nobody knows yet) are int, ``spent`` and ``list_price`` Decimal US
    dollars over what is known.
    """
    finished = costs["status"] == "finished"
    return {
        "calls": len(costs),
        "spent": sum((v for v in costs["spent"] if v is not None), Decimal(0)),
        "list_price": sum((v for v in costs["list_price"] if v is not None), Decimal(0)),
        "tokens_in": int(costs["tokens_in"].sum()),
        "tokens_out": int(costs["tokens_out"].sum()),
        "unpriced": sum(v is None for v in costs.loc[finished, "list_price"]),
        "unknown": int((~finished).sum()),
    }
