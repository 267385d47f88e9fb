"""Server-sent events that tell a page when to read itself again.

They carry no content: what a page shows is made in one place, with the same eyes for who may see
what. A reviewer is told of their own questions only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from leafmesh_nb.deploy.auth import Signed, require, signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.shelf import Shelf

__all__ = ["follow"]

LOOK_EVERY = 0.2
"""Seconds between two looks at the journal."""
STREAM_LASTS = 300.0
"""Seconds after which a page connects anew, and must show again who it is."""
BEAT_EVERY = 15.0


async def follow(request: Request) -> Response:
    """``GET /live?run=ID&since=N``: an event ``changed`` when the journal got something this
    person may see; of one run, where one is named. Event ids are places in the journal, so that a
    page that lost its connection misses nothing.
    """
    who = await run_in_threadpool(require, request)
    given = request.headers.get("last-event-id") or request.query_params.get("since", "")
    since = int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else 0
    run = request.query_params.get("run", "")
    return StreamingResponse(
        _told(request, who, run, since),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _told(request: Request, who: Signed, run: str, since: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    context = context_of(request)
    shelf, stopping = context.shelf, context.standing.draining
    known: object = None  # what was shown at ``since`` is not known any more: look once too often
    quiet = 0.0
    with anyio.move_on_after(STREAM_LASTS):
        while not stopping.is_set() and await run_in_threadpool(signed, request) == who:
            now, streams = await run_in_threadpool(shelf.news.since, since)
            changed = False
            if now != since:
                since = now
                if who.operator:
                    changed = streams is None or not run or f"run:{run}" in streams
                else:
                    before, known = known, await run_in_threadpool(_own, shelf, who.person, run)
                    changed = known != before
            if changed:
                quiet = 0.0
                yield f"id: {now}\nevent: changed\ndata: {now}\n\n"
            elif quiet >= BEAT_EVERY:
                quiet = 0.0
                yield ": still here\n\n"
            await anyio.sleep(LOOK_EVERY)
            quiet += LOOK_EVERY


def _own(shelf: Shelf, person: str, run: str) -> object:
    """What a reviewer's page depends on: their questions, and the run that they answered last."""
    asked = [(question.asked.id, question.asked.to) for question in shelf.questions(person)]
    kept = shelf.run(run) if run else None
    if kept is None or not any(person in kept.ever_asked(id) for id in kept.state.approvals):
        return asked
    return asked, kept.state.status
