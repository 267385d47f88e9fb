"""What passed the gate, why, and what people said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.observe.columns import NUMBER, TEXT, TIME, Kind, table
from leafmesh_nb.observe.masked import masked_body, masker_for
from leafmesh_nb.observe.phrasing import brief, changes, why
from leafmesh_nb.observe.standing import run_of, states

if TYPE_CHECKING:
    import pandas as pd

    from leafmesh_nb.language.spec import Spec
    from leafmesh_nb.memory.masking import Masker

__all__ = ["Question", "decisions_frame", "questions_of"]

_COLUMNS: dict[str, Kind] = {
    "run": TEXT,
    "when": TIME,
    "step": TEXT,
    "point": ("tool", "output", "in_doubt"),
    "subject": TEXT,
    "agent": TEXT,
    "value": TEXT,
    "policy": TEXT,
    "rule": TEXT,
    "why": TEXT,
    "reason": TEXT,
    "governed": "bool",
    "outcome": ("approve", "ask", "deny"),
    "final": ("approve", "deny", "edited", "waiting", "superseded"),
    "asked": TEXT,
    "answer": ("approve", "reject", "edit", "expired"),
    "person": TEXT,
    "channel": ("notebook", "input line", "python", "script"),
    "identity": ("asserted", "signed_in", "script"),
    "waited": NUMBER,
    "note": TEXT,
    "edit": TEXT,
    "question": TEXT,
}


@dataclass(slots=True)
class Question:
    """A question with its answer. ``asked`` and ``answered`` are masked bodies.

    ``to`` lists who was asked, rung by rung; ``until`` is when it was decided, None while open.
    """

    run: str
    step: str
    at: datetime
    asked: dict[str, Any]
    to: list[str]
    answered: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    status: str = "open"

    @property
    def final(self) -> str:
        """What came of it: approve, deny, edited, waiting or superseded."""
        if self.status == "approved":
            return "edited" if self.answered.get("answer") == "edit" else "approve"
        return {"open": "waiting", "superseded": "superseded"}.get(self.status, "deny")


@dataclass(slots=True)
class _Passage:
    run: str
    step: str
    at: datetime
    decided: dict[str, Any]
    questions: list[Question] = field(default_factory=list)


def questions_of(
    events: Sequence[Event], runs: dict[str, RunState], masker: Masker
) -> list[Question]:
    """Every question that was put to people, in order."""
    return [item for item in _gate(events, runs, masker) if isinstance(item, Question)]


def decisions_frame(
    events: Sequence[Event], *, spec: Spec | None = None, masker: Masker | None = None
) -> pd.DataFrame:
    """A row a passage of the gate, with what a person answered where one was asked.

    A passage that asks several rosters has a row for each; a call in doubt has a row with the
    point ``in_doubt``. Columns: ``run when step point subject agent value policy rule why reason
    governed outcome final asked answer person channel identity waited note edit question``.
    ``outcome`` is what the policies said, ``final`` what came of it (``edited``: the next row is
    about what the edit made of it). ``why`` shows the deciding comparisons with their values,
    ``waited`` is in seconds from question to answer.
    """
    runs = states(events)
    rows = []
    for item in _gate(events, runs, masker_for(events, spec, masker)):
        if isinstance(item, _Passage):
            rows += list(_rows(item))
        elif item.asked["point"] == "in_doubt":
            rows.append(_doubt(item))
    return table(rows, _COLUMNS, runs)


def _gate(
    events: Sequence[Event], runs: dict[str, RunState], masker: Masker
) -> list[_Passage | Question]:
    """Passages and questions in order; questions are also in the passage that led to them."""
    found: list[_Passage | Question] = []
    passages: dict[tuple[str, str, str], _Passage] = {}
    questions: dict[tuple[str, str], Question] = {}
    for event in events:
        run, body = run_of(event), event.body
        if isinstance(body, ev.PolicyDecided):
            passage = _Passage(run, event.path, event.ts, masked_body(event, masker))
            passages[run, event.path, body.action] = passage
            found.append(passage)
        elif isinstance(body, ev.ApprovalAsked):
            question = Question(run, event.path, event.ts, masked_body(event, masker), [body.to])
            question.status = runs[run].approvals[body.id].status
            questions[run, body.id] = question
            found.append(question)
            if body.point != "in_doubt":
                passages[run, event.path, body.action].questions.append(question)
        elif isinstance(body, ev.ApprovalEscalated):
            questions[run, body.id].to.append(body.to)
        elif isinstance(body, ev.ApprovalAnswered) and body.answer != "escalate":
            question = questions[run, body.id]
            question.answered, question.until = masked_body(event, masker), event.ts
        elif isinstance(body, ev.ApprovalExpired):
            question = questions[run, body.id]
            question.answered, question.until = {"answer": "expired"}, event.ts
    return found


def _rows(passage: _Passage) -> Iterator[dict[str, Any]]:
    decided = passage.decided
    row = {
        "run": passage.run,
        "when": passage.at,
        "step": passage.step,
        **{name: decided[name] for name in ("point", "subject", "agent", "governed", "outcome")},
        "value": brief(decided["value"]),
        "why": why(decided["policies"], decided["outcome"])
        if decided["governed"]
        else "no policy applies",
        "reason": decided["reason"],
        "final": decided["outcome"],
    }
    row["policy"], row["rule"] = _deciding(decided)
    if not passage.questions:
        if decided["outcome"] == "ask":
            # Who edits an action approves what the edit made of it; nobody to ask is a denial.
            row["final"] = "approve" if decided["edited_by"] else "deny"
        yield row
    for question in passage.questions:
        own = {"policy": question.asked["policy"], "rule": question.asked["rule"] or None}
        yield {**row, **own, **_answer(question)}


def _doubt(question: Question) -> dict[str, Any]:
    asked = question.asked
    return {
        "run": question.run,
        "when": question.at,
        "step": question.step,
        "point": "in_doubt",
        "subject": asked["subject"],
        "agent": asked["asked_by"],
        "value": brief(asked["value"]),
        "why": "the call was started and its result never arrived",
        "reason": asked["reason"],
        "governed": True,
        "outcome": "ask",
        **_answer(question),
    }


def _answer(question: Question) -> dict[str, Any]:
    answered = question.answered
    waited = None
    if question.until is not None:
        waited = (question.until - question.at).total_seconds()
    return {
        "final": question.final,
        "asked": ", then ".join(question.to),
        **{name: answered.get(name) for name in ("answer", "person", "channel", "identity")},
        "waited": waited,
        "note": answered.get("note") or None,
        "edit": changes(answered.get("diff", ())) or None,
        "question": question.asked["id"],
    }


def _deciding(decided: dict[str, Any]) -> tuple[str | None, str | None]:
    """The policies and rules that gave the outcome."""
    policies = [p for p in decided["policies"] if p["outcome"] == decided["outcome"]]
    rules = [r["rule"] for p in policies for r in p["rules"] if r["verdict"] != "no match"]
    names = [p["policy"] for p in policies]
    return ", ".join(names) or None, ", ".join(rules) or None
