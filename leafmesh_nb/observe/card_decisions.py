"""What was decided in a run, by which rule or by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine.events import ApprovalAnswered, PolicyDecided
from leafmesh_nb.observe.card_values import as_text, shorten, shown, visible
from leafmesh_nb.observe.wording import ANSWERS, IN_DOUBT_ANSWERS, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from leafmesh_nb.engine.events import Event
    from leafmesh_nb.engine.state import ApprovalState, RunState
    from leafmesh_nb.memory.masking import Masker

__all__ = ["decision_views"]

View = dict[str, Any]

MOST_DECISIONS = 60

_TONES = {"approve": "ok", "edit": "ok", "reject": "fail", "escalate": "wait"}


def decision_views(
    state: RunState,
    decided: Iterable[Event],
    answered: Mapping[str, list[Event]],
    expired: Mapping[str, Event],
    masker: Masker,
) -> list[View]:
    """The last decisions, oldest first.

    Each is ``{at, step, subject, tone, verdict, why, who, channel, identity, note, diff}``. What
    no policy governed and nothing stopped is left out: it was nobody's decision.
    """
    views = [_by_policy(event, masker) for event in decided if _tells(event.body)]
    for approval in state.approvals.values():
        views += [_by_person(approval, event, masker) for event in answered.get(approval.id, ())]
        views += _unanswered(state, approval, expired.get(approval.id))
    views.sort(key=lambda view: (view["at"], view["order"]))
    for view in views:
        del view["order"]
    return views[-MOST_DECISIONS:]


def _tells(body: Any) -> bool:
    """Approvals and denials of rules; what asks is told by its answers."""
    return isinstance(body, PolicyDecided) and (
        body.outcome == "deny" or (body.governed and body.outcome == "approve")
    )


def _view(at: int, order: int, step: str, subject: str, tone: str, verdict: str) -> View:
    return {
        "at": at,
        "order": order,
        "step": step,
        "subject": subject,
        "tone": tone,
        "verdict": verdict,
        "why": "",
        "who": "",
        "channel": "",
        "identity": "",
        "note": "",
        "diff": [],
    }


def _by_policy(event: Event, masker: Masker) -> View:
    body = event.body
    assert isinstance(body, PolicyDecided)
    approved = body.outcome == "approve"
    view = _view(
        milliseconds(event.ts),
        event.seq,
        event.path,
        body.subject,
        "ok" if approved else "fail",
        "approved" if approved else "denied",
    )
    return view | {"why": shown(_rules(body) if approved else body.reason, masker)}


def _rules(body: PolicyDecided) -> str:
    names = [
        f"{policy['policy']}.{rule['rule']}"
        for policy in body.policies
        for rule in policy["rules"]
        if rule["verdict"] == "matched"
    ]
    return f"rule {', '.join(names)}" if names else body.reason


def _by_person(approval: ApprovalState, event: Event, masker: Masker) -> View:
    body = event.body
    assert isinstance(body, ApprovalAnswered)
    words = IN_DOUBT_ANSWERS if approval.asked.point == "in_doubt" else ANSWERS
    view = _view(
        milliseconds(event.ts),
        event.seq,
        approval.path,
        approval.asked.subject,
        _TONES.get(body.answer, "ok"),
        words.get(body.answer, body.answer),
    )
    return view | {
        "why": shown(approval.asked.reason, masker),
        "who": shown(body.person, masker),
        "channel": shown(body.channel, masker),
        "identity": shown(body.identity, masker),
        "note": shown(body.note, masker, 500),
        "diff": _diff(body.diff, masker),
    }


def _diff(diff: Sequence[Mapping[str, Any]], masker: Masker) -> list[View]:
    fields = [change["path"].rpartition(".")[2] for change in diff]
    old, new = (
        masker.fields(zip(fields, (change[side] for change in diff), strict=True))
        for side in ("old", "new")
    )
    return [
        {"path": shown(change["path"], masker), "old": _side(before), "new": _side(after)}
        for change, before, after in zip(diff, old, new, strict=True)
    ]


def _side(masked: Any) -> str:
    return shorten(visible(as_text(masked)), 300)


def _unanswered(state: RunState, approval: ApprovalState, expired: Event | None) -> list[View]:
    """A question that ran out of time, or that the run's end left open."""
    if expired is not None:
        at, verdict = milliseconds(expired.ts), "denied: nobody answered in time"
    elif _left_open(state, approval):
        at, verdict = milliseconds(state.last_at), "not answered: the run ended"
    else:
        return []
    order = expired.seq if expired else state.seq
    tone = "fail" if expired else "skip"
    view = _view(at, order, approval.path, approval.asked.subject, tone, verdict)
    return [view | {"who": f"{approval.to} was asked"}]


def _left_open(state: RunState, approval: ApprovalState) -> bool:
    if state.ended is None or approval.status in ("approved", "rejected"):
        return False
    return state.steps[approval.path].status == "cancelled"
