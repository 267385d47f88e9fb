"""The approvals inbox: what waits for a person, one question with its context, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from leafmesh_nb.deploy import questions
from leafmesh_nb.deploy.auth import Signed, require
from leafmesh_nb.deploy.bodies import signed_form
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages.decided import Decided, decided
from leafmesh_nb.deploy.pages.fields import typed_changes, with_texts
from leafmesh_nb.deploy.pages.paging import slice_of
from leafmesh_nb.deploy.pages.rendering import page, render
from leafmesh_nb.deploy.problems import Problem, not_found
from leafmesh_nb.deploy.shelf import KeptRun, Question, Shelf
from leafmesh_nb.observe.card_questions import answer_type, question_view, to_edit
from leafmesh_nb.observe.card_values import edited
from leafmesh_nb.observe.wording import step_name

__all__ = ["routes"]

SIZE = 40
LONGEST_NOTE = 2_000
SOON = timedelta(minutes=10)
VERBS = ("approve", "reject", "edit", "escalate")


@dataclass(frozen=True, slots=True)
class _Line:
    """A question in the list."""

    run: str
    id: str
    title: str
    about: str
    workflow: str
    to: str
    mine: bool
    asked_at: datetime
    due: datetime | None
    soon: bool


def routes() -> list[BaseRoute]:
    """``/approvals`` and one question, to read and to answer."""
    one = "/approvals/{run}/{question}"
    return [
        Route("/approvals", page(_show, reviewers=True)),
        Route(one, page(_show_one, reviewers=True), methods=["GET"]),
        Route(one, _answer, methods=["POST"]),
    ]


def _show(request: Request, who: Signed, shelf: Shelf) -> Response:
    return _inbox(request, who, shelf)


def _show_one(request: Request, who: Signed, shelf: Shelf) -> Response:
    kept, id = _asked(request, who, shelf)
    return _inbox(request, who, shelf, (kept, id))


def _asked(request: Request, who: Signed, shelf: Shelf) -> tuple[KeptRun, str]:
    """The run and the id of the question of an address. Raises Problem 404.

    A question that was decided meanwhile is still there for those whom it was asked.
    """
    run, id = request.path_params["run"], request.path_params["question"]
    kept = shelf.run(run)
    asked = kept.state.approvals.get(id) if kept else None
    if kept is None or asked is None or not (who.operator or who.person in kept.ever_asked(id)):
        raise not_found(f"no question {id} of run {run} is yours to see", "see /approvals")
    return kept, id


def _inbox(
    request: Request,
    who: Signed,
    shelf: Shelf,
    chosen: tuple[KeptRun, str] | None = None,
    *,
    given: Mapping[str, str] | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    open_ones = shelf.questions(None if who.operator else who.person)
    answered, pending = _answered(request, who, shelf)
    explicit, now = chosen is not None, datetime.now(UTC)
    at = _place(open_ones, chosen[1] if chosen else "")
    shown = slice_of(request, open_ones, SIZE, at)
    if chosen is None and shown.items:
        # On a wide screen the first question stands beside the list at once.
        chosen = shown.items[0].run, shown.items[0].asked.id
    card = _card(*chosen, who, given or {}) if chosen else None
    return render(
        request,
        "approvals.html",
        who,
        status,
        lines=[_line(question, who, now) for question in shown.items],
        slice=shown,
        card=card,
        explicit=explicit,
        answered=answered,
        pending=pending,
        problem=problem,
    )


def _place(open_ones: list[Question], id: str) -> int | None:
    return next((n for n, question in enumerate(open_ones) if question.asked.id == id), None)


def _line(question: Question, who: Signed, now: datetime) -> _Line:
    view = _view(question.run, question.asked.id)
    due = question.asked.due
    return _Line(
        run=question.run.id,
        id=question.asked.id,
        title=view["title"],
        about=_about(view),
        workflow=step_name(question.run.workflow.id),
        to=question.asked.to,
        mine=who.person in question.asked.roster,
        asked_at=question.asked.asked_at,
        due=due,
        soon=due is not None and due - now < SOON,
    )


def _about(view: Mapping[str, Any]) -> str:
    """What is asked about, on one line."""
    parts = [f"{row['name']} {row['text']}".strip() for row in view["value"][:4]]
    return " · ".join(part for part in parts if part)


def _view(kept: KeptRun, id: str) -> dict[str, Any]:
    asked = kept.state.approvals[id]
    return question_view(kept.spec, kept.workflow, kept.state, asked, kept.masker, "")


def _card(kept: KeptRun, id: str, who: Signed, given: Mapping[str, str]) -> dict[str, Any]:
    """Everything about one question, open or decided."""
    asked = kept.state.approvals[id]
    card = kept.card
    view = card["questions"].get(id) or _view(kept, id)
    return {
        "id": id,
        "run": card,
        "question": view,
        "open": asked.status == "open" and kept.state.ended is None,
        "mine": who.person in asked.roster,
        "fields": with_texts(view["fields"], given),
        "editing": given.get("answer") == "edit" or bool(given and _changes(kept, id, given)),
        "note": given.get("note", ""),
        "decided": decided(kept, id),
    }


def _answered(request: Request, who: Signed, shelf: Shelf) -> tuple[Decided | None, str]:
    """What became of the question that was answered on the page before this one; the id of its run
    while nobody has read the answer."""
    run, _, id = request.query_params.get("answered", "").partition("/")
    kept = shelf.run(run) if run and id else None
    if kept is None or id not in kept.state.approvals:
        return None, ""
    if not (who.operator or who.person in kept.ever_asked(id)):
        return None, ""
    found = decided(kept, id)
    return found, "" if found else kept.id


async def _answer(request: Request) -> Response:
    """An answer from a form."""
    who = await run_in_threadpool(require, request)
    given = await signed_form(request)
    return await run_in_threadpool(_give, request, who, given)


def _give(request: Request, who: Signed, given: Mapping[str, str]) -> Response:
    shelf = context_of(request).shelf
    kept, id = _asked(request, who, shelf)
    verb, note = given.get("answer", ""), given.get("note", "").strip()
    again = {"given": given}
    try:
        if verb not in VERBS or len(note) > LONGEST_NOTE:
            raise ValueError(
                f"an answer is {', '.join(VERBS)}, with a note of {LONGEST_NOTE:,} characters at "
                "most"
            )
        value = _edited(kept, id, given) if verb == "edit" else None
        if verb == "approve" and (changed := _changes(kept, id, given)):
            raise ValueError(
                f"you changed {', '.join(changed)}: send that, or undo it and approve what was "
                "asked"
            )
        questions.answer(context_of(request), who, id, verb, value=value, note=note)
    except ValueError as error:
        return _inbox(request, who, shelf, (kept, id), problem=str(error), status=422, **again)
    except Problem as problem:
        kept, id = _asked(request, who, shelf)
        said = problem.message if kept.state.approvals[id].status == "open" else ""
        status = problem.status if said else 409
        return _inbox(request, who, shelf, (kept, id), problem=said, status=status, **again)
    return RedirectResponse(f"/approvals?answered={kept.id}/{id}", status_code=303)


def _changes(kept: KeptRun, id: str, given: Mapping[str, str]) -> dict[str, str | None]:
    return typed_changes(_view(kept, id)["fields"], given)


def _edited(kept: KeptRun, id: str, given: Mapping[str, str]) -> Any:
    """The value that an edit gives. Raises ValueError with a message for whoever typed it."""
    asked = kept.state.approvals[id]
    kind = answer_type(kept.spec, kept.workflow, asked)
    if kind is None:
        raise ValueError(f"{asked.asked.subject} takes no edits")
    changes = _changes(kept, id, given)
    if not changes and asked.asked.point != "in_doubt":
        raise ValueError("nothing was changed; change a value, or approve it as it is")
    return edited(kind, to_edit(asked), changes)
