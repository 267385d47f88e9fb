"""What happens to questions."""

from __future__ import annotations

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold.checks import (
    illegal,
    open_call,
    open_question,
    time_of,
)
from leafmesh_nb.engine.state import ApprovalState, RunState, StepState

__all__ = [
    "answered",
    "asked",
    "close",
    "escalated",
    "expired",
    "refused",
    "supersede",
]


def asked(state: RunState, step: StepState, event: Event, body: ev.ApprovalAsked) -> None:
    if body.id in state.approvals:
        raise illegal(event, f"question {body.id} exists")
    action = step.actions.get(body.action)
    call = open_call(state, event, body.digest) if body.point == "in_doubt" else None
    of_main = call is not None and body.digest == step.main
    if action is None and not of_main:
        raise illegal(event, "nothing to ask about")
    approval = ApprovalState(
        path=event.path,
        asked=body,
        digest=body.digest,
        asked_at=event.ts,
        to=body.to,
        roster=tuple(body.roster),
        due=time_of(body.due),
        ladder=tuple(body.ladder),
    )
    if call is not None:
        call.in_doubt = True
    main = state.calls.get(step.main)
    if main is not None and main is not call:
        main.unwound = True
    if action is not None:
        action.approvals.append(body.id)
    state.approvals[body.id] = approval
    state.asking[body.id] = None


def answered(state: RunState, event: Event, body: ev.ApprovalAnswered) -> None:
    approval = open_question(state, event, body.id)
    approval.answer, approval.person, approval.note = body.answer, body.person, body.note
    if body.answer == "escalate":
        return
    approval.value = body.value
    close(state, approval, "rejected" if body.answer == "reject" else "approved")
    if body.answer == "reject":
        # One no decides: the other rosters need not answer any more.
        supersede(state, approval.path, digest=approval.digest)


def refused(state: RunState, event: Event, body: ev.ApprovalRefused) -> None:
    pass  # recorded for people; it may be about a question that nobody asked


def escalated(state: RunState, event: Event, body: ev.ApprovalEscalated) -> None:
    approval = open_question(state, event, body.id)
    due, roster, ladder = time_of(body.due), tuple(body.roster), tuple(body.ladder)
    approval.to, approval.roster, approval.due, approval.ladder = body.to, roster, due, ladder


def expired(state: RunState, event: Event, body: ev.ApprovalExpired) -> None:
    approval = open_question(state, event, body.id)
    close(state, approval, "expired")
    supersede(state, approval.path, digest=approval.digest)


def supersede(state: RunState, path: str, *, digest: str | None = None) -> None:
    """Close the open questions of a step (about one digest) that nobody needs to answer now."""
    for id in tuple(state.asking):
        approval = state.approvals[id]
        if approval.path == path and digest in (None, approval.digest):
            close(state, approval, "superseded")


def close(state: RunState, approval: ApprovalState, status: str) -> None:
    """End a question: it takes no further answer."""
    approval.status = status
    state.asking.pop(approval.id, None)
