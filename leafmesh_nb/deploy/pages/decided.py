"""What became of a question, in the words of a page: by whom, how, when, and what it led to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leafmesh_nb.deploy.shelf import KeptRun
from leafmesh_nb.engine import events as ev
from leafmesh_nb.observe.card_values import shown
from leafmesh_nb.observe.masked import masked_body
from leafmesh_nb.observe.phrasing import brief
from leafmesh_nb.observe.wording import ANSWERS, IN_DOUBT_ANSWERS

__all__ = ["Decided", "decided"]

LONGEST = 160
_STANDS = {
    "running": "is running",
    "waiting": "is waiting",
    "paused": "is paused",
    "done": "is done",
    "failed": "failed",
    "cancelled": "was cancelled",
}
_TONES = {"approve": "ok", "edit": "ok", "reject": "fail", "escalate": "wait"}


@dataclass(frozen=True, slots=True)
class Decided:
    """The last thing that happened to a question.

    ``verdict`` is ``approved``, ``rejected`` and so on, ``more`` what stands behind the subject;
    ``value`` is what was asked about, on one line; ``now`` says where the run stands, and ``then``
    what it gave or failed of; ``changes`` are ``(path, old, new)`` of an edit; ``to`` is whom an
    escalated question is put to now.
    """

    run: str
    workflow: str
    subject: str
    verdict: str
    more: str
    value: str
    tone: str
    person: str
    channel: str
    at: datetime
    note: str
    changes: tuple[tuple[str, str, str], ...]
    to: str
    now: str
    then: str


def decided(kept: KeptRun, id: str) -> Decided | None:
    """What became of a question of a run; None while nobody said anything."""
    asked = kept.state.approvals[id]
    last = next((e for e in reversed(kept.events) if _about(e.body, id)), None)
    if last is None and (asked.status == "open" and kept.state.ended is None):
        return None
    verdict, more, tone = "", "", "skip"
    body: dict[str, Any] = {}
    if last is not None and isinstance(last.body, ev.ApprovalExpired):
        verdict, tone = "denied: nobody answered in time", "fail"
    elif last is not None:
        body = masked_body(last, kept.masker)
        verdict, more = _words(str(body["answer"]), asked.asked.point == "in_doubt")
        tone = _TONES.get(body["answer"], "ok")
    card = kept.card
    return Decided(
        run=kept.id,
        workflow=str(card["name"]),
        subject=asked.asked.subject,
        verdict=verdict,
        more=more,
        value=brief(kept.masker.value(asked.asked.value), LONGEST),
        tone=tone,
        person=str(body.get("person", "")),
        channel=str(body.get("channel", "")),
        at=last.ts if last is not None else kept.state.last_at,
        note=shown(str(body.get("note", "")), kept.masker),
        changes=tuple(
            (
                str(c["path"]) or "value",
                brief(c["old"], LONGEST) or "–",
                brief(c["new"], LONGEST) or "–",
            )
            for c in body.get("diff", ())
        ),
        to=asked.to if body.get("answer") == "escalate" else "",
        now=_STANDS[kept.state.status],
        then=kept.digest.about if kept.state.ended is not None else "",
    )


def _words(answer: str, in_doubt: bool) -> tuple[str, str]:
    if in_doubt:
        return f"answered “{IN_DOUBT_ANSWERS.get(answer, answer)}” about", ""
    if answer == "edit":
        return "approved", " with edits"
    return ANSWERS.get(answer, answer), ""


def _about(body: ev.Body, id: str) -> bool:
    return isinstance(body, ev.ApprovalAnswered | ev.ApprovalExpired) and body.id == id
