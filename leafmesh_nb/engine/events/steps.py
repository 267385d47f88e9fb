"""What happens to one step of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json, JsonMap

__all__ = [
    "StepEnded",
    "StepResolved",
    "TaskRouted",
]


@dataclass(frozen=True, slots=True)
class StepResolved(Body):
    """A step was decided: run with these inputs, or skip. ``memory`` maps fields to versions.

    ``values`` lists ``[text, value]`` of the sub-expressions of ``when``; ``error`` is set where
    an expression could not be evaluated, which fails the step.
    """

    kind: ClassVar[str] = "step.resolved"
    run: bool
    inputs: JsonMap = field(default_factory=dict)
    memory: JsonMap = field(default_factory=dict)
    values: tuple[Json, ...] = ()
    reason: str = ""
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class TaskRouted(Body):
    """Who performs a step, and why.

    A candidate is ``{agent, model, score, factors: {name: {value, weight, points}}}``; an excluded
    one ``{agent, reason}``. ``agent`` is null when nobody is left. ``tie`` says how a tie broke.
    """

    kind: ClassVar[str] = "task.routed"
    capability: str
    candidates: tuple[Json, ...]
    excluded: tuple[Json, ...]
    agent: str | None
    model: str | None
    tie: str = ""
    error: JsonMap | None = None


@dataclass(frozen=True, slots=True)
class StepEnded(Body):
    """``status`` is done, failed, skipped or cancelled."""

    kind: ClassVar[str] = "step.ended"
    status: str
    output: Json = None
    error: JsonMap | None = None
