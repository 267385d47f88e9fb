"""Every outbound call with what became of it, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.observe.columns import BOOLEAN, COUNT, MONEY, NUMBER, TEXT, TIME, Kind, table
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.phrasing import brief
from leafmesh_nb.observe.standing import run_of, states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["STATUSES", "Call", "calls_frame", "calls_of", "costs_frame", "costs_total"]

STATUSES = ("finished", "failed", "in flight", "in doubt", "unwound")

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
    "saved": MONEY,
}


@dataclass(slots=True)
class Call:
    """One request that went out. ``started`` and ``ended`` are masked bodies; ``asked`` is when a
    person was first asked about something it wanted.

    ``status`` is one of STATUSES. An earlier attempt whose result never came is in doubt, and so
    is a call that a run left open when it ended. A function that asked a question and ran again
    once it was answered was unwound: nothing about it is in doubt.
    """

    run: str
    step: str
    at: datetime
    started: dict[str, Any]
    status: str = "in flight"
    until: datetime | None = None
    ended: dict[str, Any] | None = None
    asked: datetime | None = None

    @property
    def spent(self) -> Decimal | None:
        """US dollars; None while nobody knows."""
        if self.status == "finished" and self.ended is not None:
            return Decimal(self.ended["cost"])
        # Functions and tools are the mesh's own: only a model's bill can be unknown.
        return None if self.started["call"] == "model" else Decimal(0)

    @property
    def saved(self) -> Decimal:
        """US dollars that another run paid for it, of which this one went on."""
        paid = (self.ended or {}).get("reused")
        return Decimal(paid["cost"]) if paid else Decimal(0)

    @property
    def list_price(self) -> Decimal | None:
        """US dollars that the tokens cost at list price; None when there is no such price."""
        if self.ended is not None and self.ended.get("list_cost") is not None:
            return Decimal(self.ended["list_cost"])
        # A model that cost nothing and has no list price is unpriced, not free.
        return None if self.started["call"] == "model" and not self.spent else self.spent


def calls_of(events: Sequence[Event], masker: Masker) -> list[Call]:
    """The calls of these events in the order in which they went out."""
    calls: list[Call] = []
    out: dict[str, dict[str, Call]] = {}
    for event in events:
        run, body = run_of(event), event.body
        still = out.setdefault(run, {})
        match body:
            case ev.CallStarted():
                if body.key in still:
                    _left(still[body.key])
                call = Call(run, event.path, event.ts, masked_body(event, masker))
                still[body.key] = call
                calls.append(call)
            case ev.CallFinished() | ev.CallFailed() if body.key in still:
                call = still.pop(body.key)
                call.until, call.ended = event.ts, masked_body(event, masker)
                call.status = "finished" if isinstance(body, ev.CallFinished) else "failed"
            case ev.ApprovalAsked(point="in_doubt") if body.digest in still:
                still[body.digest].status = "in doubt"
            case ev.ApprovalAsked():
                for call in still.values():
                    if call.step == event.path and call.asked is None:
                        call.asked = event.ts
            case ev.RunResumed(recovered=True) | ev.RunEnded():
                for call in still.values():
                    _left(call)
    return calls


def _left(call: Call) -> None:
    """A call whose result will not come any more: another attempt begins, or its owner is gone."""
    if call.started["call"] == "function" and call.asked is not None:
        call.status, call.until = "unwound", call.asked
    else:
        call.status = "in doubt"


def calls_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a request that went out, attempts of their own row.

    Columns: ``run when step call target agent attempt ordinal status latency live side_effect
    request result error note key``. ``call`` is model, function or tool; ``status`` finished,
    failed, in flight, in doubt or unwound (a function that asked a person and ran again once it
    was answered); ``latency`` seconds; ``live`` False for a recorded or hand-entered result.
    """
    runs = states(events)
    rows = []
    for call in calls_of(events, masker_for(events, spec, masker)):
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

    Columns: ``run when step agent call target status spent list_price tokens_in tokens_out live
    saved``. ``spent``, ``list_price`` and ``saved`` (what the run that was rewound or forked had
    paid for a call that is reused) are Decimal US dollars. The first two are None for a model's
    call that is out or failed (nobody knows what was charged), the list price also when the model
    has none.
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
            "saved": call.saved,
        }
        for call in calls_of(events, masker_for(events, spec, masker))
    ]
    return table(rows, _COSTS, runs)


def costs_total(costs: pd.DataFrame) -> dict[str, Any]:
    """The sums of a costs frame, or of a part of one.

    ``calls``, ``tokens_in``, ``tokens_out``, ``unpriced`` (calls whose cost is known, without a
    list price) and ``unknown`` (calls whose cost nobody knows yet) are int, ``spent`` and
    ``list_price`` Decimal US dollars over what is known.
    """
    known = [value is not None for value in costs["spent"]]
    listed = [value is not None for value in costs["list_price"]]
    return {
        "calls": len(costs),
        "spent": sum((v for v in costs["spent"] if v is not None), Decimal(0)),
        "list_price": sum((v for v in costs["list_price"] if v is not None), Decimal(0)),
        "tokens_in": int(costs["tokens_in"].sum()),
        "tokens_out": int(costs["tokens_out"].sum()),
        "unpriced": sum(k and not p for k, p in zip(known, listed, strict=True)),
        "unknown": known.count(False),
    }
