"""What happens to a run as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json, JsonMap

__all__ = [
    "RunEnded",
    "RunPaused",
    "RunRebound",
    "RunResumed",
    "RunStarted",
]


@dataclass(frozen=True, slots=True)
class RunStarted(Body):
    """A run begins. ``functions`` maps bound agents and tools to the digest of their code."""

    kind: ClassVar[str] = "run.started"
    mesh: str
    workflow: str
    spec_hash: str
    input: JsonMap
    requester: str
    seed: int
    functions: JsonMap = field(default_factory=dict)
    step_by_step: bool = False
    parent: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class RunPaused(Body):
    """No new step or call starts until the run is resumed; calls in flight may end."""

    kind: ClassVar[str] = "run.paused"
    by: str


@dataclass(frozen=True, slots=True)
class RunResumed(Body):
    """The run goes on: for ``steps`` more steps, or to its end when that is null.

    ``recovered`` says that a new owner took over: what was in flight is in doubt from here.
    """

    kind: ClassVar[str] = "run.resumed"
    by: str
    steps: int | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class RunEnded(Body):
    """``status`` is done, failed or cancelled; ``error`` has ``kind``, ``message``, ``step``."""

    kind: ClassVar[str] = "run.ended"
    status: str
    output: Json = None
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class RunRebound(Body):
    """A person accepted changed functions for this run."""

    kind: ClassVar[str] = "run.rebound"
    by: str
    functions: JsonMap
