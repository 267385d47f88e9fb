"""``decide``: what happens next in a run. Pure: the same state always gives the same effects."""

from __future__ import annotations

from dataclasses import dataclass

from leafmesh_nb.engine.plan import Plan, standing
from leafmesh_nb.engine.state import RunState, StepState

__all__ = ["Effect", "End", "Finish", "Gate", "Perform", "Resolve", "Route", "Settle", "decide"]


@dataclass(frozen=True, slots=True)
class Resolve:
    """Decide a step: evaluate its ``when`` and ``with``."""

    path: str


@dataclass(frozen=True, slots=True)
class Route:
    """Choose who performs a step."""

    path: str


@dataclass(frozen=True, slots=True)
class Perform:
    """Have the routed agent perform the step: a model call, or its function (again)."""

    path: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Learn what became of the side effects that a step's function left in flight when it ended."""

    path: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Pass a step's output through the gate, or look again after a person answered."""

    path: str


@dataclass(frozen=True, slots=True)
class Finish:
    """End a step. ``kind`` and ``message`` say why where it is not done."""

    path: str
    status: str
    kind: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """End the run. ``failed`` names the step that failed; calls in flight are waited for."""

    failed: str = ""


Effect = Resolve | Route | Perform | Settle | Gate | Finish | End


def decide(plan: Plan, state: RunState) -> tuple[Effect, ...]:
    """The effects that are due, in plan order; none while the run waits or has ended."""
    if state.ended is not None:
        return ()
    statuses = state.statuses()
    failed = next((p for p in plan.order if statuses.get(p) == "failed"), "")
    if failed:
        return (End(failed),)
    if len(statuses) == len(plan.order):
        return (End(),)
    asking = {approval.path for approval in state.open_approvals()}
    effects: list[Effect] = []
    may_start = state.steps_left
    for path in plan.order:
        if path in statuses:
            continue
        step = state.steps.get(path)
        if step is None or step.phase == "pending":
            effect = _pending(plan, path, statuses)
            if isinstance(effect, Resolve):
                if state.paused or may_start == 0:
                    continue
                may_start = None if may_start is None else may_start - 1
        else:
            effect = _underway(state, step, path in asking)
        if effect is not None:
            effects.append(effect)
    return tuple(effects)


def _pending(plan: Plan, path: str, statuses: dict[str, str]) -> Effect | None:
    where = standing(plan.step(path).after, statuses)
    if where.state == "wait":
        return None
    if where.state == "skip":
        return Finish(path, "skipped", "Skipped", where.reason)
    if where.state == "fail":
        return Finish(path, "failed", "StepFailed", where.reason)
    return Resolve(path)


def _underway(state: RunState, step: StepState, asks: bool) -> Effect | None:
    if step.phase == "resolved":
        return Route(step.path)
    call = state.calls.get(step.main)
    if call is not None and not call.open and state.effects_underway(step):
        return None if asks or state.paused else Settle(step.path)
    error = call.failed.error if call is not None and call.failed is not None else step.lost
    if error is not None:
        return Finish(step.path, "failed", error.get("kind", ""), error.get("message", ""))
    if asks:
        return None
    if call is None or call.finished is None:
        return None if state.paused else Perform(step.path)
    return Gate(step.path)
