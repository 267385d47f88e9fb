"""What happens to a step."""

from __future__ import annotations

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.fold.checks import illegal
from leafmesh_nb.engine.fold.questions import supersede
from leafmesh_nb.engine.fold.runs import put
from leafmesh_nb.engine.state import ActionState, RunState, StepState

__all__ = [
    "decided",
    "noted",
    "resolved",
    "routed",
    "step_ended",
    "written",
]


def resolved(state: RunState, step: StepState, event: Event, body: ev.StepResolved) -> None:
    step.inputs, step.versions = dict(body.inputs), dict(body.memory)
    step.resolved_at = event.ts
    if body.run and state.steps_left:
        state.steps_left -= 1


def routed(state: RunState, step: StepState, event: Event, body: ev.TaskRouted) -> None:
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
            approval.status = "superseded"
    if before is None and body.point == "tool":
        step.calls += 1  # denied or not: a limit that denials pass by would bound no loop
    requested = before.requested if before and body.edited_by else body.value
    step.actions[body.action] = ActionState(body, body.value, requested, ids)


def written(state: RunState, step: StepState, event: Event, body: ev.MemoryWritten) -> None:
    put(state, event, body)


def noted(state: RunState, step: StepState, event: Event, body: Body) -> None:
    pass  # recorded for people; it changes nothing that the run decides on


def step_ended(state: RunState, step: StepState, event: Event, body: ev.StepEnded) -> None:
    if body.status not in ("done", "failed", "skipped", "cancelled"):
        raise illegal(event, f"a step cannot end as {body.status!r}")
    for call in state.effects_underway(step):
        # Whoever cancels leaves a doubt for people to see; any other end waits until it is settled.
        if not (call.in_doubt and body.status == "cancelled"):
            raise illegal(event, f"step {step.path!r} cannot end while {call.started.target} acts")
    error = dict(body.error) if body.error else None
    step.status, step.output, step.error = body.status, body.output, error
    supersede(state, step.path)
