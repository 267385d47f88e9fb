"""``/api/runs/{id}/events``: a run's events as they come (server-sent events, HTML standard 9.2).

The id of an event is its place in the journal, so that a reader who connects anew goes on after the
last it got. Events count whoever wrote them: the journal is looked at, not this process's memory.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leafmesh_nb.deploy.api_runs import ID, find_run
from leafmesh_nb.deploy.auth import require_operator
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.operations import Operation, Parameter
from leafmesh_nb.deploy.problems import Problem
from leafmesh_nb.deploy.views import event_view

__all__ = ["OPERATIONS"]

LOOK_EVERY = 0.2
"""Seconds between two looks at the journal: an event is seen within a second of its commit."""
BEAT_EVERY = 15.0
"""Seconds after which a quiet connection is shown to live, to both ends and all between them."""


async def _run_events(request: Request) -> Response:
    await run_in_threadpool(require_operator, request)
    context, id = context_of(request), request.path_params["id"]
    after = _after(request)
    kept = await run_in_threadpool(find_run, context, id)
    if kept.state.ended is not None and after >= kept.state.seq:
        return Response(status_code=204)  # tells an EventSource to connect no more
    return StreamingResponse(
        _told(request, id, after),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


def _after(request: Request) -> int:
    text = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Problem(422, "bad_event_id", f"{text[:40]!r} is no event id", "it is a number")
    return int(text)


async def _told(request: Request, id: str, after: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    context = context_of(request)
    quiet = 0.0
    while not context.standing.draining.is_set():
        try:
            texts, after, ended = await run_in_threadpool(_news, request, id, after)
        except Problem:
            return  # their token was taken back
        if texts:
            quiet = 0.0
            yield "".join(texts)
        if ended:
            return
        if quiet >= BEAT_EVERY:
            quiet = 0.0
            yield ": still here\n\n"
        await anyio.sleep(LOOK_EVERY)
        quiet += LOOK_EVERY


def _news(request: Request, id: str, after: int) -> tuple[list[str], int, bool]:
    """The events after a place as they are sent, the place of the last, and whether it is the
    last."""
    require_operator(request)
    kept = find_run(context_of(request), id)
    texts = []
    for event in kept.events:
        if event.seq > after:
            data = json.dumps(event_view(event, kept.masker), separators=(",", ":"))
            texts.append(f"id: {event.seq}\nevent: {event.kind}\ndata: {data}\n\n")
    last = kept.events[-1].seq
    return texts, max(after, last), kept.state.ended is not None


OPERATIONS = (
    Operation(
        "GET",
        "/api/runs/{id}/events",
        _run_events,
        "The events of a run as they come, until it ends (the operator)",
        {
            200: (
                "Server-sent events: id is the place in the journal, data an Event as JSON",
                "text/event-stream",
                {"type": "string"},
            ),
            204: ("The run has ended, and there is nothing after this place", "", {}),
        },
        problems=(403, 404, 422),
        parameters=(
            ID,
            Parameter("Last-Event-ID", "header", "Go on after this event."),
            Parameter("after", "query", "The same, for readers that cannot set a header."),
        ),
    ),
)
