"""Questions of the service's mesh, and answers to them: what the API and the pages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leafmesh_nb.agents.inside import inside_call
from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import ServiceContext
from leafmesh_nb.deploy.people import visible
from leafmesh_nb.deploy.problems import Problem, forbidden, not_found
from leafmesh_nb.deploy.shelf import KeptRun, Question
from leafmesh_nb.deploy.sign_ins import CHANNEL
from leafmesh_nb.engine.ports import Verdict
from leafmesh_nb.engine.state import ApprovalState
from leafmesh_nb.errors import JournalError, LeafmeshError
from leafmesh_nb.journal.owner import describe
from leafmesh_nb.language.to_json import dump_any
from leafmesh_nb.language.values import TypeMismatch
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.messages import post

__all__ = ["Answered", "answer", "find_question", "open_questions"]

LOOKED_THROUGH = 400
"""Ended runs, newest first, in which a question that is decided is looked for."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer. ``accepted``: the run's owner recorded it; else it waits in the
    inbox, and ``message`` says for what."""

    id: str
    run: str
    answer: str
    accepted: bool
    message: str = ""


def open_questions(context: ServiceContext, signed: Signed) -> list[Question]:
    """Every open question that this person may see: due ones first, then the oldest."""
    return context.shelf.questions(None if signed.operator else signed.person)


def find_question(context: ServiceContext, signed: Signed, id: str) -> Question:
    """A question by its id, open or decided.

    Raises Problem 404 when there is none, 403 for one that others are asked.
    """
    found = _look_for(context, id)
    if found is None:
        raise not_found(f"there is no question {id}", "GET /api/approvals lists what is open")
    if not visible(signed, found.asked):
        raise forbidden(
            f"{signed.person} is not among those asked here", "GET /api/approvals lists yours"
        )
    return found


def _look_for(context: ServiceContext, id: str) -> Question | None:
    shelf = context.shelf
    for question in shelf.questions():
        if question.asked.id == id:
            return question
    ended = 0
    for row in shelf.rows():
        if row.ended is not None:
            ended += 1
            if ended > LOOKED_THROUGH:
                break
        run = shelf.run(row.id)
        asked = run.state.approvals.get(id) if run is not None else None
        if run is not None and asked is not None:
            return Question(run, asked)
    return None


def answer(
    context: ServiceContext,
    signed: Signed,
    id: str,
    answer: str,
    *,
    value: Any = None,
    note: str = "",
) -> Answered:
    """Answer a question, and wait for what the owner of its run makes of it.

    Somebody who is asked answers as themselves, signed in. The operator may answer for those who
    are asked, as whoever sits at a notebook may; that is recorded as asserted. Raises Problem 403,
    404, 409 once decided, 422 for an answer that does not fit, 503 when the journal fails.
    """
    question = find_question(context, signed, id)
    _check_open(question)
    mine = signed.person in question.asked.roster
    if not mine:
        _check_may_answer_for_others(signed, question)
    try:
        body = {
            "id": id,
            "answer": answer,
            "person": signed.person if mine else "",
            "channel": CHANNEL,
            "identity": "signed_in" if mine else "asserted",
            "session": signed.session if mine else 0,
            "note": note,
            "value": dump_any(value),
            "inside_call": inside_call(),
        }
    except TypeMismatch as error:
        raise Problem(422, "unfit", f"the value {error}") from None
    verdict, why = _posted(context, question.run, body)
    if verdict is None:
        return Answered(id, question.run.id, answer, accepted=False, message=why)
    if verdict.accepted:
        return Answered(id, question.run.id, answer, accepted=True)
    raise _refused(context, signed, question, answer, verdict)


def _posted(
    context: ServiceContext, kept: KeptRun, body: dict[str, Any]
) -> tuple[Verdict | None, str]:
    """The owner's verdict; None, and why, while the answer waits in the inbox."""
    journal = context.journal
    try:
        verdict = post(registry.find(kept.id, journal), "answer", body)
        unread = verdict.row and not verdict.accepted and _unread(context, verdict.row)
        if not unread:
            return verdict, ""
        row = journal.run(kept.id)
        holder = describe(row.owner) if row is not None and row.owner else "its owner"
        return None, f"run {kept.id} is owned by {holder}, which has not read the answer yet"
    except JournalError as error:
        raise Problem(503, "journal", str(error)) from None
    except LeafmeshError as error:
        # Nobody drives the run, and this service cannot: whoever takes it up reads the answer.
        journal.post(kept.id, "answer", body)
        return None, f"the answer waits in the inbox until somebody drives the run: {error}"


def _unread(context: ServiceContext, row: int) -> bool:
    message = context.journal.message(row)
    return message is not None and message.verdict is None


def _check_open(question: Question) -> None:
    asked = question.asked
    if asked.status != "open":
        raise Problem(409, "decided", f"question {asked.id} {_decided(asked)}")
    if question.run.state.ended is not None:
        raise Problem(
            409, "decided", f"run {question.run.id} has ended ({question.run.state.ended})"
        )


def _check_may_answer_for_others(signed: Signed, question: Question) -> None:
    """Where the requester must not answer, an operator who is the requester has no other hand."""
    policy = question.run.spec.policies.get(question.asked.asked.policy)
    barred = policy is not None and any("requester" in rule.excluded for rule in policy.rules)
    if barred and signed.person == question.run.state.started.requester:
        raise forbidden(
            f"{signed.person} asked for this, and whoever asks must not answer",
            "one of those asked must: leafmesh-nb token create PERSON",
        )


def _decided(asked: ApprovalState) -> str:
    if asked.status == "superseded":
        return "is no longer asked: what it was about has changed or ended"
    by = f" by {asked.person}" if asked.person else ""
    return f"is decided already: {asked.status}{by}"


def _refused(
    context: ServiceContext, signed: Signed, question: Question, answer: str, verdict: Verdict
) -> Problem:
    """What the owner's refusal means: somebody was quicker, somebody else is asked, or it does not
    fit."""
    kept = context.shelf.run(question.run.id) or question.run
    said = kept.masker.text(verdict.reason)
    now = kept.state.approvals.get(question.asked.id, question.asked)
    if now.status != "open" or kept.state.ended is not None:
        return Problem(409, "decided", said)
    if not verdict.row:  # nobody has judged it: the run was given up in that moment
        return Problem(503, "stopping", said, "try again when the service is back")
    if not visible(signed, now):
        return forbidden(said, "GET /api/approvals lists yours")
    hint = "what it takes is under options" if answer != "edit" else "see value and its fields"
    return Problem(422, "unfit", said, hint)
