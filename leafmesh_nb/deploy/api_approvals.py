"""``/api/approvals``: what is asked, and answers to it."""

from __future__ import annotations

import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.api_schemas import ref
from leafmesh_nb.deploy.auth import Signed, require
from leafmesh_nb.deploy.bodies import json_body
from leafmesh_nb.deploy.context import ServiceContext, context_of
from leafmesh_nb.deploy.operations import JSON, Operation, Parameter
from leafmesh_nb.deploy.problems import Json, Problem
from leafmesh_nb.deploy.questions import answer, find_question, open_questions
from leafmesh_nb.deploy.views import question_view, unmasked

__all__ = ["OPERATIONS"]

ANSWERS = ("approve", "reject", "edit", "escalate")
LONGEST_NOTE = 2_000
_LONE = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which JSON can carry and no UTF-8 text holds."""


def _list_approvals(request: Request) -> Response:
    signed, context = require(request), context_of(request)
    shown = [question_view(question) for question in open_questions(context, signed)]
    return Json({"approvals": shown})


async def _answer_approval(request: Request) -> Response:
    signed = await run_in_threadpool(require, request)
    body = await json_body(request)
    return await run_in_threadpool(
        _answer, context_of(request), signed, request.path_params["id"], body
    )


def _answer(context: ServiceContext, signed: Signed, id: str, body: dict[str, Any]) -> Response:
    verb, note, value = body.get("answer"), body.get("note", ""), body.get("value")
    _check(body)
    if verb == "edit":
        question = find_question(context, signed, id)
        value = unmasked(value, question.asked.asked.value, question.run.masker)
    done = answer(context, signed, id, str(verb), value=value, note=note)
    kept = context.shelf.run(done.run)
    shown = {
        "id": done.id,
        "run": done.run,
        "answer": done.answer,
        "accepted": done.accepted,
        "status": kept.state.status if kept is not None else "running",
        "message": done.message,
    }
    return Json(shown, 200 if done.accepted else 202)


def _check(body: dict[str, Any]) -> None:
    hint = 'send {"answer": "approve", "note": "…"}; an edit needs its value'
    extra = sorted(set(body) - {"answer", "value", "note"})
    if extra:
        raise Problem(422, "unfit", f"an answer has no {extra[0]!r}", hint)
    if body.get("answer") not in ANSWERS:
        raise Problem(422, "unfit", f"an answer is one of {', '.join(ANSWERS)}", hint)
    note = body.get("note", "")
    if not isinstance(note, str) or len(note) > LONGEST_NOTE or _LONE.search(note):
        raise Problem(
            422, "unfit", f"a note is a text of at most {LONGEST_NOTE:,} characters, all of Unicode"
        )
    if body["answer"] == "edit" and body.get("value") is None:
        raise Problem(422, "unfit", "an edit needs the new value", hint)


OPERATIONS = (
    Operation(
        "GET",
        "/api/approvals",
        _list_approvals,
        "Open questions: due ones first; for a reviewer their own",
        {200: ("The questions", JSON, ref("Questions"))},
    ),
    Operation(
        "POST",
        "/api/approvals/{id}",
        _answer_approval,
        "Answer a question; waits until its run has recorded the answer",
        {
            200: ("The answer counts", JSON, ref("Answered")),
            202: ("The answer waits for whoever drives the run", JSON, ref("Answered")),
        },
        problems=(403, 404, 409),
        parameters=(Parameter("id", "path", "The question's id."),),
        body=ref("Answer"),
    ),
)
