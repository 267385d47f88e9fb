"""The open questions of a service's journal, and answers to them, for the API and the pages."""

from __future__ import annotations

from typing import Any

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import ServiceContext
from leafmesh_nb.deploy.people import visible
from leafmesh_nb.deploy.problems import Problem, not_found
from leafmesh_nb.errors import ApprovalError, LeafmeshError
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.approval import Approval

__all__ = ["answer", "find_question", "open_questions"]


def open_questions(context: ServiceContext, signed: Signed) -> list[Approval]:
    """Every open question that this person may answer, oldest run first. Reads: call on a thread.

    Runs of every mesh of this name count, whoever started them.
    """
    rows = reversed(context.journal.runs(mesh=context.mesh.name, status=("waiting",)))
    found = [
        question for row in rows for question in registry.find(row.id, context.journal).approvals()
    ]
    return [question for question in found if visible(signed, question)]


def find_question(context: ServiceContext, signed: Signed, id: str) -> Approval:
    """An open question by its id. Raises Problem 404 when there is none for this person."""
    for question in open_questions(context, signed):
        if question.id == id:
            return question
    raise not_found(f"no question {id} is open for {signed.person}")


def answer(
    context: ServiceContext,
    signed: Signed,
    id: str,
    answer: str,
    *,
    value: Any = None,
    note: str = "",
) -> dict[str, Any]:
    """Answer a question; returns ``{"id", "answer", "run", "status"}``. Waits: call on a thread.

    Raises Problem 403, 404, 409 once decided, 422 for an edit that does not fit.
    """
    question = find_question(context, signed, id)
    try:
        question.run.answer(
            id, answer, person=signed.person, channel="service", note=note, value=value
        )
    except ApprovalError as error:
        raise Problem(409, "refused", str(error)) from None
    except LeafmeshError as error:
        raise Problem(503, "unavailable", str(error)) from None
    return {"id": id, "answer": answer, "run": question.run.id, "status": question.run.status}
