"""What a run is made of: frozen, typed events, and how they stand on disk.

A **body** says what happened; an **event** is a body with its place in a stream. Bodies hold
JSON values only: money is plain decimal text, times are ISO 8601 text in UTC. The payload on disk
is the body's fields as compact JSON with sorted keys.
"""

from __future__ import annotations

from leafmesh_nb.engine.events.body import Body
from leafmesh_nb.engine.events.calls import (
    BudgetRefused,
    BudgetReserved,
    BudgetSettled,
    CallFailed,
    CallFinished,
    CallStarted,
)
from leafmesh_nb.engine.events.journal import (
    CheckpointSigned,
    MemoryRevealed,
    PersonSignedIn,
    ReleaseRecorded,
    RunHead,
    RunPruned,
)
from leafmesh_nb.engine.events.memory import (
    MemoryDenied,
    MemoryPatched,
    MemoryWritten,
)
from leafmesh_nb.engine.events.payload import BODIES, decode, encode
from leafmesh_nb.engine.events.placed import Draft, Event
from leafmesh_nb.engine.events.policy import (
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalRefused,
    PolicyDecided,
)
from leafmesh_nb.engine.events.runs import (
    RunEnded,
    RunPaused,
    RunRebound,
    RunResumed,
    RunStarted,
)
from leafmesh_nb.engine.events.steps import (
    StepEnded,
    StepResolved,
    TaskRouted,
    TimerFired,
    TimerSet,
)

__all__ = [
    "BODIES",
    "ApprovalAnswered",
    "ApprovalAsked",
    "ApprovalEscalated",
    "ApprovalExpired",
    "ApprovalRefused",
    "Body",
    "BudgetRefused",
    "BudgetReserved",
    "BudgetSettled",
    "CallFailed",
    "CallFinished",
    "CallStarted",
    "CheckpointSigned",
    "Draft",
    "Event",
    "MemoryDenied",
    "MemoryPatched",
    "MemoryRevealed",
    "MemoryWritten",
    "PersonSignedIn",
    "PolicyDecided",
    "ReleaseRecorded",
    "RunEnded",
    "RunHead",
    "RunPaused",
    "RunPruned",
    "RunRebound",
    "RunResumed",
    "RunStarted",
    "StepEnded",
    "StepResolved",
    "TaskRouted",
    "TimerFired",
    "TimerSet",
    "decode",
    "encode",
]
