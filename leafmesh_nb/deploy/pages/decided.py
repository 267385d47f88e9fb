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

_TONES = {"approve": "ok", "edit": "ok", "reject": "fail", "escalate": "wait", "expired": "fail"}


@dataclass(frozen=True, slots=True)
class Decided:
    """The last thing that happened to a question.

    ``verdict`` is ``approved``, ``rejected`` and so on; ``now`` is where the run stands, in
    ``RUN_WORDS``' keys; ``changes`` are ``(path, old, new)`` of an edit; ``to`` is whom an
    escalated question is put to now.
    """

    run: str
    workflow: str
    step: str
    subject: str
    verdict: str
    tone: str
    person: str
    channel: str
    at: datetime
    note: str
    changes: tuple[tuple[str, str, str], ...]
    to: str
    now: str
    output: tuple[dict[str, Any], ...]
    error: str


def decided(kept: KeptRun, id: str) -> Decided | None:
    """What became of a question of a run; None while nobody said anything."""
    asked = kept.state.approvals[id]
    last = next((e for e in reversed(kept.events) if _about(e.body, id)), None)
    if last is None and (asked.status == "open" and kept.state.ended is None):
        return None
    verdict, tone = "closed", "skip"
    body: dict[str, Any] = {}
    if last is not None and isinstance(last.body, ev.ApprovalExpired):
        verdict, tone = "denied: nobody answered in time", "fail"
    elif last is not None:
        body = masked_body(last, kept.masker)
        words = IN_DOUBT_ANSWERS if asked.asked.point == "in_doubt" else ANSWERS
        verdict = words.get(body["answer"], body["answer"])
        tone = _TONES.get(body["answer"], "ok")
    card = kept.card
    return Decided(
        run=kept.id,
        workflow=str(card["name"]),
        step=asked.path,
        subject=asked.asked.subject,
        verdict=verdict,
        tone=tone,
        person=str(body.get("person", "")),
        channel=str(body.get("channel", "")),
        at=last.ts if last is not None else kept.state.last_at,
        note=shown(str(body.get("note", "")), kept.masker),
        changes=tuple(
            (str(c["path"]) or "value", brief(c["old"], 200) or "–", brief(c["new"], 200) or "–")
            for c in body.get("diff", ())
        ),
        to=asked.to if body.get("answer") == "escalate" else "",
        now=kept.state.status,
        output=tuple(card["output"]),
        error=str(card["error"]),
    )


def _about(body: ev.Body, id: str) -> bool:
    return isinstance(body, ev.ApprovalAnswered | ev.ApprovalExpired) and body.id == id
