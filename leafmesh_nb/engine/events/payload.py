"""How bodies stand on disk: their fields as compact JSON with sorted keys."""

from __future__ import annotations

import json
from dataclasses import fields

from leafmesh_nb.engine.events import calls, journal, memory, policy, runs, steps
from leafmesh_nb.engine.events.body import Body
from leafmesh_nb.errors import JournalError

__all__ = ["BODIES", "decode", "encode"]

BODIES: dict[str, type[Body]] = {
    body.kind: body
    for body in (
        runs.RunStarted,
        runs.RunPaused,
        runs.RunResumed,
        runs.RunEnded,
        runs.RunRebound,
        steps.StepResolved,
        steps.TaskRouted,
        steps.StepEnded,
        steps.TimerSet,
        steps.TimerFired,
        policy.PolicyDecided,
        policy.ApprovalAsked,
        policy.ApprovalAnswered,
        policy.ApprovalRefused,
        policy.ApprovalEscalated,
        policy.ApprovalExpired,
        calls.CallStarted,
        calls.CallFinished,
        calls.CallFailed,
        calls.BudgetReserved,
        calls.BudgetSettled,
        calls.BudgetRefused,
        memory.MemoryWritten,
        memory.MemoryDenied,
        memory.MemoryPatched,
        journal.RunHead,
        journal.RunPruned,
        journal.CheckpointSigned,
        journal.ReleaseRecorded,
        journal.PersonSignedIn,
        journal.MemoryRevealed,
    )
}
"""Every kind of event by its name on disk."""

_FIELDS: dict[type[Body], tuple[str, ...]] = {
    body: tuple(f.name for f in fields(body))  # type: ignore[arg-type]  # every body is one
    for body in BODIES.values()
}

_TUPLES: dict[type[Body], tuple[str, ...]] = {
    body: tuple(f.name for f in fields(body) if str(f.type).startswith("tuple"))  # type: ignore[arg-type]  # as above
    for body in BODIES.values()
}
"""The fields that JSON can only say as lists; a value of a run stays the list that it is."""

_COMPACT = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def encode(body: Body) -> str:
    """The payload of a body: compact JSON, keys sorted, no NaN.

    Text is written as it is; escapes are used only where it holds what UTF-8 cannot (a lone
    surrogate from an agent must not stop a run).
    """
    values = {name: getattr(body, name) for name in _FIELDS[type(body)]}
    text = _COMPACT.encode(values)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text


def decode(kind: str, v: int, payload: str) -> Body:
    """The body of a payload. Raises JournalError for a kind or version this code does not know."""
    body = BODIES.get(kind)
    if body is None or v != body.v:
        raise JournalError(
            f"the journal holds an event {kind!r} (version {v}) that this version of leafmesh_nb "
            "does not know; open it with a newer version"
        )
    values = json.loads(payload)
    for name in _TUPLES[body]:
        if name in values:
            values[name] = tuple(values[name])
    return body(**values)
