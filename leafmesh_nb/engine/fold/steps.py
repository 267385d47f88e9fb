"""What happens to a step, or to a part of one."""

from __future__ import annotations

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold.checks import illegal, time_of
from leafmesh_nb.engine.fold.questions import close, supersede
from leafmesh_nb.engine.fold.runs import put
from leafmesh_nb.engine.state import ActionState, RunState, StepState, Timer

__all__ = [
    "decided",
    "noted",
    "resolved",
    "routed",
    "step_ended",
    "timer_fired",
    "timer_set",
    "written",
]

PARTS = ("", "items", "iterations", "racers", "steps")
PURPOSES = ("wait", "retry", "timeout")


def resolved(state: RunState, step: StepState, event: Event, body: ev.StepResolved) -> None:
    if body.parts not in PARTS:
        raise illegal(event, f"a step is not made of {body.parts!r}")
    inputs, versions = dict(body.inputs), dict(body.memory)
    step.items = None if body.items is None else list(body.items)
    step.inputs, step.versions, step.parts = inputs, versions, body.parts
    step.resolved_at = event.ts
    if body.run and state.steps_left and _counts(event.path, body.parts):
        state.steps_left -= 1
    whole = state.steps.get(paths.parent(event.path))
    if whole is not None:
        whole.begun += 1
        whole.open[event.path] = None


def _counts(path: str, parts: str) -> bool:
    """Whether this is one step for who goes step by step: a race is, its racers are not."""
    return parts == "racers" or (not parts and "@" not in path.rpartition("/")[2])


def routed(state: RunState, step: StepState, event: Event, body: ev.TaskRouted) -> None:
    if step.parts:
        raise illegal(event, f"{step.path!r} is made of {step.parts}, and performed by nobody")
    step.agent, step.model = body.agent or "", body.model


def decided(state: RunState, step: StepState, event: Event, body: ev.PolicyDecided) -> None:
    before = step.actions.get(body.action)
    ids = list(before.approvals) if before else []
    for id in ids:
        approval = state.approvals[id]
        if approval.asked.point == "in_doubt":
            continue
        if body.edited_by and approval.answer == "edit" and approval.person == body.edited_by:
            # The editor's own answer holds for what the edit made of the action.
            approval.digest = body.digest
        elif approval.status == "open" and approval.digest != body.digest:
            close(state, approval, "superseded")
    if before is None and body.point == "tool":
        step.calls += 1  # denied or not: a limit that denials pass by would bound no loop
    requested = before.requested if before and body.edited_by else body.value
    step.actions[body.action] = ActionState(body, body.value, requested, ids)


def written(state: RunState, step: StepState, event: Event, body: ev.MemoryWritten) -> None:
    put(state, event, body)


def noted(state: RunState, step: StepState, event: Event, body: Body) -> None:
    pass  # recorded for people; it changes nothing that the run decides on


def timer_set(state: RunState, step: StepState, event: Event, body: ev.TimerSet) -> None:
    due = time_of(body.due)
    if due is None or due.tzinfo is None or body.purpose not in PURPOSES:
        raise illegal(event, f"no timer for {body.purpose!r} at {body.due!r}")
    if step.timer is not None:
        raise illegal(event, f"step {step.path!r} has a timer")
    if body.purpose == "retry" and _failure(state, step) is None:
        raise illegal(event, f"nothing of step {step.path!r} has failed")
    step.timer = Timer(due, body.purpose)
    state.timers[step.path] = due


def _failure(state: RunState, step: StepState) -> object:
    """How the call that performs a step failed, or one that it left behind; None if none did."""
    main = state.calls.get(step.main)
    return step.lost or (main.failed if main else None)


def timer_fired(state: RunState, step: StepState, event: Event, body: ev.TimerFired) -> None:
    timer = step.timer
    if timer is None or timer.fired:
        raise illegal(event, f"step {step.path!r} waits for no time")
    if timer.purpose == "retry" and state.effects_underway(step):
        raise illegal(event, f"a side effect of step {step.path!r} is still under way")
    del state.timers[step.path]
    timer.fired = True
    if timer.purpose == "retry":
        _begin_again(state, step)


def _begin_again(state: RunState, step: StepState) -> None:
    """Another attempt. What tools returned holds; those that failed may be called again."""
    step.timer, step.main, step.lost = None, "", None
    step.generation += 1
    step.calls, step.before = 0, step.spent
    step.tools = {n: key for n, key in step.tools.items() if state.calls[key].failed is None}


def step_ended(state: RunState, step: StepState, event: Event, body: ev.StepEnded) -> None:
    if body.status not in ("done", "failed", "skipped", "cancelled"):
        raise illegal(event, f"a step cannot end as {body.status!r}")
    if step.open:
        raise illegal(event, f"step {step.path!r} cannot end before {', '.join(step.open)}")
    for call in state.effects_underway(step):
        # Whoever cancels leaves a doubt for people to see; any other end waits until it is settled.
        if not (call.in_doubt and body.status == "cancelled"):
            raise illegal(event, f"step {step.path!r} cannot end while {call.started.target} acts")
    error = dict(body.error) if body.error else None
    step.status, step.output, step.error = body.status, body.output, error
    step.again = body.again
    state.timers.pop(step.path, None)
    supersede(state, step.path)
    _tell_whole(state, step, body.status)


def _tell_whole(state: RunState, step: StepState, status: str) -> None:
    """Tell what the step is a part of."""
    before, _, last = step.path.rpartition("/")
    if not any(mark in last for mark in "[#@"):
        state.scopes.setdefault(before, {})[last] = status
    whole = state.steps.get(paths.parent(step.path))
    if whole is None:
        return
    whole.open.pop(step.path, None)
    if status == "failed":
        whole.failed = whole.failed or step.path
    elif status == "done" and (whole.parts == "iterations" or not whole.won):
        whole.won = step.path
