"""Runs, questions and events as the API shows them: JSON, masked as in every other view."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leafmesh_nb.deploy.shelf import KeptRun, Question
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.paths import outermost
from leafmesh_nb.engine.ports import RunRow
from leafmesh_nb.engine.state import StepState
from leafmesh_nb.journal.owner import describe, this_process
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.mesh.run import live_owner
from leafmesh_nb.observe.card_questions import question_view as card_view
from leafmesh_nb.observe.masked import masked_body

__all__ = ["event_view", "question_view", "row_view", "run_view", "unmasked"]

Json = Any
View = dict[str, Any]


def row_view(row: RunRow) -> View:
    """A run in a list."""
    return {
        "id": row.id,
        "mesh": row.mesh,
        "workflow": row.workflow,
        "status": row.status,
        "requester": row.requester,
        "created": _time(row.created),
        "ended": None if row.ended is None else _time(row.ended),
    }


def run_view(kept: KeptRun, row: RunRow) -> View:
    """One run with its steps."""
    state, masker = kept.state, kept.masker
    return {
        **row_view(row),
        "status": state.status,
        "owner": _owner(row),
        "spec_hash": row.spec_hash,
        "input": masker.value(state.started.input),
        "output": masker.value(state.output) if state.ended == "done" else None,
        "error": _failure(state.error, masker),
        "steps": [_step(kept, id) for id in kept.workflow.steps],
        "questions": [asked.id for asked in state.open_approvals()],
        "spent": format(state.spent, "f"),
        "list_price": format(state.list_price, "f"),
        "tokens": state.tokens,
        "events": state.seq,
    }


def _owner(row: RunRow) -> str | None:
    owner = (live_owner(row) or "").partition("#")[0]
    if not owner:
        return None
    return "this service" if owner == this_process() else describe(owner)


def _step(kept: KeptRun, id: str) -> View:
    step = kept.state.steps.get(id) or StepState(id)
    waits = any(outermost(asked.path) == id for asked in kept.state.open_approvals())
    if step.status is not None:
        status = step.status
    elif waits:
        status = "waiting"
    else:
        status = "pending" if step.phase == "pending" else "running"
    return {
        "id": id,
        "status": status,
        "agent": step.agent or None,
        "model": step.model,
        "output": kept.masker.value(step.output),
        "error": _failure(step.error, kept.masker),
    }


def _failure(error: Any, masker: Masker) -> View | None:
    if error is None:
        return None
    return {
        "kind": str(error.get("kind", "")),
        "message": masker.text(str(error.get("message", ""))),
        "step": error.get("step"),
    }


def question_view(question: Question) -> View:
    """An open question with what the notebook's card shows of it."""
    kept, asked = question.run, question.asked
    body, masker = asked.asked, question.run.masker
    card = card_view(kept.spec, kept.workflow, kept.state, asked, masker, "")
    return {
        "id": body.id,
        "run": kept.id,
        "workflow": kept.workflow.id,
        "requester": masker.text(kept.state.started.requester),
        "step": asked.path,
        "point": body.point,
        "subject": body.subject,
        "asked_by": body.asked_by,
        "asked_at": _time(asked.asked_at),
        "due": None if asked.due is None else _time(asked.due),
        "to": asked.to,
        "roster": list(asked.roster),
        "ladder": card["ladder"],
        "options": card["options"],
        "policy": body.policy,
        "rule": body.rule,
        "reason": masker.text(body.reason),
        "values": _masked_values(kept, asked.id),
        "value": masker.value(body.value),
        "inputs": masker.value(kept.state.steps[asked.path].inputs),
        "memory": {row["name"]: row["text"] for row in card["memory"]},
    }


def _masked_values(kept: KeptRun, id: str) -> Json:
    for event in kept.events:
        if event.kind == "approval.asked" and getattr(event.body, "id", "") == id:
            return masked_body(event, kept.masker)["values"]
    return []


def event_view(event: Event, masker: Masker) -> View:
    """An event."""
    return {
        "seq": event.seq,
        "ts": _time(event.ts),
        "kind": event.kind,
        "path": event.path,
        "body": masked_body(event, masker),
    }


def unmasked(given: Json, original: Json, masker: Masker) -> Json:
    """What somebody who saw the masked original means: a part they left masked stays as it was."""
    return _unmasked(given, original, masker.value(original))


def _unmasked(given: Json, original: Json, shown: Json) -> Json:
    if isinstance(given, dict) and isinstance(original, dict) and isinstance(shown, dict):
        masked = dict(zip(original, shown.values(), strict=True))
        return {
            key: _unmasked(value, original[key], masked[key]) if key in original else value
            for key, value in given.items()
        }
    return original if given == shown else given


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
