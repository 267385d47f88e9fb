"""``decide``: what happens next in a run. Pure: the same state always gives the same effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.engine import paths
from leafmesh_nb.engine.plan import Flow, Plan, standing
from leafmesh_nb.engine.state import CallState, RunState, StepState

__all__ = [
    "Cancel",
    "Collect",
    "Doubt",
    "Effect",
    "End",
    "Evaluate",
    "Finish",
    "Gate",
    "Perform",
    "Resolve",
    "Retry",
    "Route",
    "Settle",
    "Wait",
    "decide",
]


@dataclass(frozen=True, slots=True)
class Resolve:
    """Decide a step: evaluate its ``when`` and ``with``, and what it is done for."""

    path: str


@dataclass(frozen=True, slots=True)
class Route:
    """Choose who performs a step."""

    path: str


@dataclass(frozen=True, slots=True)
class Evaluate:
    """End a step that nobody performs: with the value of its ``let``, or the time it waited for."""

    path: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Set the timer of a ``wait``."""

    path: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Set the timer for another attempt at a step."""

    path: str


@dataclass(frozen=True, slots=True)
class Perform:
    """Have the routed agent perform the step: a model call, or its function (again)."""

    path: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Act on a call of a step that may have happened, as its ``on_in_doubt`` says."""

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
class Collect:
    """End a step that is made of parts as done: with what they gave."""

    path: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a part that is not needed any more. ``patient``: a model's answer is waited for."""

    path: str
    reason: str
    patient: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """End a step. ``kind`` and ``message`` say why where it is not done, ``at`` the part that
    failed."""

    path: str
    status: str
    kind: str = ""
    message: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """End the run. ``failed`` names the step that failed; calls in flight are waited for."""

    failed: str = ""


Effect = (
    Resolve
    | Route
    | Evaluate
    | Wait
    | Retry
    | Perform
    | Doubt
    | Settle
    | Gate
    | Collect
    | Cancel
    | Finish
    | End
)

RETRIED = ("AgentError", "NotDoneError")
"""Kinds of errors after which a step is tried again: a denial is final, and so is a limit."""


def decide(plan: Plan, state: RunState) -> tuple[Effect, ...]:
    """The effects that are due, in plan order; none while the run waits or has ended."""
    if state.ended is not None:
        return ()
    flow, statuses = plan.flow(""), state.statuses()
    failed = _fatal(flow, statuses)
    if failed:
        return (End(failed),)
    if len(statuses) == len(flow.order):
        return (End(),)
    turn = _Turn(plan, state)
    turn.steps("")
    return tuple(turn.effects)


def _fatal(flow: Flow, statuses: Mapping[str, str]) -> str:
    """The first step whose failure ends its workflow, or an empty text."""
    if "failed" not in statuses.values():
        return ""
    fatal = (p for p in flow.order if statuses.get(p) == "failed" and p not in flow.tolerated)
    return next(fatal, "")


class _Turn:
    """One look at what is due. It goes down from the steps of the workflow to what they are made
    of, and sees only what has not ended: what a long loop has behind it costs nothing."""

    def __init__(self, plan: Plan, state: RunState) -> None:
        self.effects: list[Effect] = []
        self._plan = plan
        self._state = state
        self._asking = {approval.path for approval in state.open_approvals()}
        self._left = state.steps_left

    def steps(self, scope: str) -> None:
        """The steps of the workflow at ``scope``."""
        flow, statuses = self._plan.flow(scope), self._state.statuses(scope)
        for id in flow.order:
            if id in statuses:
                continue
            path = paths.inner(scope, id)
            step = self._state.steps.get(path)
            if step is None or step.phase == "pending":
                self._pending(path, flow, statuses)
            else:
                self._underway(step)

    def _pending(self, path: str, flow: Flow, statuses: Mapping[str, str]) -> None:
        step = self._plan.step(path)
        if not all(name in statuses for name in step.handles):
            return
        if step.handles and not any(statuses[name] == "failed" for name in step.handles):
            reason = f"{' and '.join(step.handles)} did not fail"
            self.effects.append(Finish(path, "skipped", "Skipped", reason))
            return
        where = standing(step.after, statuses, flow.tolerated)
        if where.state == "skip":
            self.effects.append(Finish(path, "skipped", "Skipped", where.reason))
        elif where.state == "fail":
            self.effects.append(Finish(path, "failed", "StepFailed", where.reason))
        elif where.state == "ready":
            self._begin(path)

    def _begin(self, path: str) -> None:
        """Start a step, or a part of one, unless nothing may start now."""
        if self._state.paused or self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        self.effects.append(Resolve(path))

    def _underway(self, step: StepState) -> None:
        if step.parts:
            self._made_of_parts(step)
            return
        effect = self._performed(step)
        if effect is not None:
            self.effects.append(effect)

    # What is made of parts

    def _made_of_parts(self, step: StepState) -> None:
        over = self._over(step)
        if over is None:
            _PARTS[step.parts](self, step)
        elif step.open:
            failed = isinstance(over, Finish)
            reason = over.message if isinstance(over, Finish) else f"{step.won} was first"
            self._cancel_open(step, reason, failed and not _timed_out(step))
        else:
            self.effects.append(over)

    def _over(self, step: StepState) -> Finish | Collect | None:
        """How a step ends whose parts are not needed any more, or None."""
        if _timed_out(step):
            seconds = self._plan.step(step.path).timeout or 0
            message = f"it did not end within {seconds:g} s"
            return Finish(step.path, "failed", "StepFailed", message, step.path)
        match step.parts:
            case "racers" if step.won:
                return Collect(step.path)
            case "items" if step.failed and self._plan.step(step.path).on_error != "continue":
                return self._failed_with(step, step.failed)
            case "steps":
                flow, statuses = self._plan.flow(step.path), self._state.statuses(step.path)
                failed = _fatal(flow, statuses)
                return self._failed_with(step, paths.inner(step.path, failed)) if failed else None
        return None

    def _failed_with(self, step: StepState, part: str) -> Finish:
        """The end of a step because of a part of it that failed."""
        error = self._state.steps[part].error or {}
        kind, message = error.get("kind", "StepFailed"), error.get("message", f"{part} failed")
        return Finish(step.path, "failed", kind, message, error.get("step") or part)

    def _cancel_open(self, step: StepState, reason: str, patient: bool) -> None:
        for path in step.open:
            part = self._state.steps[path]
            if part.open:
                self._cancel_open(part, reason, patient)
            else:
                self.effects.append(Cancel(path, reason, patient))

    def _items(self, step: StepState) -> None:
        loop = self._plan.step(step.path).for_each
        assert loop is not None, "only a for_each is made of items"
        count = len(step.items or ())
        if step.begun == count and not step.open:
            self.effects.append(Collect(step.path))
            return
        self._parts_underway(step)
        for index in range(step.begun, min(count, step.begun + loop.parallel - len(step.open))):
            self._begin(paths.item(step.path, index))

    def _iterations(self, step: StepState) -> None:
        if step.open:
            self._parts_underway(step)
            return
        loop = self._plan.step(step.path).repeat
        assert loop is not None, "only a repeat is made of iterations"
        last = self._state.steps.get(paths.iteration(step.path, step.begun))
        if last is None or (last.again and step.begun < loop.max):
            self._begin(paths.iteration(step.path, step.begun + 1))
        elif last.status != "done":
            self.effects.append(self._failed_with(step, last.path))
        elif last.again:
            message = f"after {loop.max} times its until is still false: {loop.until.text}"
            self.effects.append(Finish(step.path, "failed", "StepFailed", message))
        else:
            self.effects.append(Collect(step.path))

    def _racers(self, step: StepState) -> None:
        count = self._plan.step(step.path).race or 0
        self._parts_underway(step)
        if step.begun < count:
            if not self._state.paused:  # who goes step by step began the race as a whole
                started = range(step.begun + 1, count + 1)
                self.effects += [Resolve(paths.racer(step.path, number)) for number in started]
        elif not step.open:
            self.effects.append(self._failed_with(step, step.failed))

    def _steps(self, step: StepState) -> None:
        if len(self._state.statuses(step.path)) == len(self._plan.flow(step.path).order):
            self.effects.append(Collect(step.path))
        else:
            self.steps(step.path)

    def _parts_underway(self, step: StepState) -> None:
        for path in step.open:
            self._underway(self._state.steps[path])

    # What is performed

    def _performed(self, step: StepState) -> Effect | None:
        if step.phase == "resolved":
            form = self._plan.form(step.path)
            if form == "agent":
                return Route(step.path)
            if form == "wait" and step.timer is None:
                return Wait(step.path)
            return Evaluate(step.path) if step.timer is None or step.timer.fired else None
        state, asks = self._state, step.path in self._asking
        call = state.calls.get(step.main)
        if call is not None and not call.open and state.effects_underway(step):
            return None if asks or state.paused else Settle(step.path)
        error = call.failed.error if call is not None and call.failed is not None else step.lost
        if error is not None:
            return self._failed(step, error)
        if asks:
            return None
        if call is not None and call.finished is not None:
            return Gate(step.path)
        if call is not None and self._is_doubtful(step, call):
            return Doubt(step.path)
        return None if state.paused else Perform(step.path)

    def _failed(self, step: StepState, error: Mapping[str, Any]) -> Effect | None:
        """Another attempt, if one is left and of use; else the end."""
        retry = self._plan.step(step.path).retry
        if retry is None or step.generation >= retry.max or error.get("kind") not in RETRIED:
            kind, message = error.get("kind", ""), error.get("message", "")
            return Finish(step.path, "failed", kind, message)
        return Retry(step.path) if step.timer is None else None

    def _is_doubtful(self, step: StepState, call: CallState) -> bool:
        """Whether somebody else than the engine says what is done with a call in doubt."""
        if not call.in_doubt or call.unwound:
            return False
        if self._plan.step(step.path).on_in_doubt == "retry":
            return False
        asked = self._state.doubts(call.started.key)
        again = bool(asked) and (asked[-1].status, asked[-1].answer) == ("approved", "approve")
        return not again


_PARTS = {
    "items": _Turn._items,
    "iterations": _Turn._iterations,
    "racers": _Turn._racers,
    "steps": _Turn._steps,
}


def _timed_out(step: StepState) -> bool:
    return step.timer is not None and step.timer.fired and step.timer.purpose == "timeout"
