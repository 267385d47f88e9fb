"""What happens to one step of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from leafmesh_nb.engine.events.body import Body, Json, JsonMap

__all__ = [
    "StepEnded",
    "StepResolved",
    "TaskRouted",
    "TimerFired",
    "TimerSet",
]


@dataclass(frozen=True, slots=True)
class StepResolved(Body):
    """A step was decided: run with these inputs, or skip. ``memory`` maps fields to versions.

    ``values`` lists ``[text, value]`` of the sub-expressions of ``when``; ``error`` is set where
    an expression could not be evaluated, which fails the step. ``parts`` says what the step is made
    of: ``items`` (the list of which is here, too), ``iterations``, ``racers``, or the ``steps`` of
    another workflow; it is empty for what is performed itself.
    """

    kind: ClassVar[str] = "step.resolved"
    run: bool
    inputs: JsonMap = field(default_factory=dict)
    memory: JsonMap = field(default_factory=dict)
    values: tuple[Json, ...] = ()
    reason: str = ""
    error: JsonMap | None = None
    parts: str = ""
    items: Json = None


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
    """``status`` is done, failed, skipped or cancelled.

    ``again`` is set at the end of an iteration: whether ``until`` asks for another one.
    """

    kind: ClassVar[str] = "step.ended"
    status: str
    output: Json = None
    error: JsonMap | None = None
    again: bool | None = None


@dataclass(frozen=True, slots=True)
class TimerSet(Body):
    """Something of a step happens when ``due`` has come.

    ``purpose`` is ``wait`` (the step is done then), ``retry`` (it is performed again) or
    ``timeout`` (it has failed, if it has not ended).
    """

    kind: ClassVar[str] = "timer.set"
    due: str
    purpose: str


@dataclass(frozen=True, slots=True)
class TimerFired(Body):
    """The time that a step waited for has come."""

    kind: ClassVar[str] = "timer.fired"
