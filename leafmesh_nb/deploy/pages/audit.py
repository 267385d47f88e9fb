"""Every event of the journal as a sentence, the newest first, and whether its chains hold."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from leafmesh_nb.deploy.auth import Signed
from leafmesh_nb.deploy.context import context_of
from leafmesh_nb.deploy.pages.rendering import render
from leafmesh_nb.deploy.shelf import Shelf
from leafmesh_nb.engine.events import Event
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.audit import stories

__all__ = ["show"]

SIZE = 100


class _Line(NamedTuple):
    at: datetime
    stream: str
    run: str
    seq: int
    kind: str
    who: str
    story: str


def show(request: Request, who: Signed, shelf: Shelf) -> Response:
    """``/audit?before=N``; ``verify=1`` checks the chains too."""
    context = context_of(request)
    before = request.query_params.get("before", "")
    start = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else 0
    newest = shelf.news.newest(SIZE + 1, start)
    told = _Told(shelf, context.mesh.name)
    shown = [told.line(stream, seq) for _, stream, seq in newest[:SIZE]]
    return render(
        request,
        "audit.html",
        who,
        lines=[line for line in shown if line is not None],
        older=newest[SIZE - 1][0] if len(newest) > SIZE else 0,
        newest=not start,
        journal=context.journal.location,
        verification=context.journal.verify() if request.query_params.get("verify") else None,
    )


class _Told:
    """The stories of streams, each told once."""

    def __init__(self, shelf: Shelf, mesh: str) -> None:
        self._shelf = shelf
        self._mesh = mesh
        self._streams: dict[str, dict[int, tuple[Event, str, str]]] = {}

    def line(self, stream: str, seq: int) -> _Line | None:
        """One event; None for those of other meshes in the same journal."""
        if stream not in self._streams:
            self._streams[stream] = self._tell(stream)
        found = self._streams[stream].get(seq)
        if found is None:
            return None
        event, who, story = found
        run = stream.removeprefix("run:") if stream.startswith("run:") else ""
        return _Line(event.ts, stream, run, seq, event.kind, who, story)

    def _tell(self, stream: str) -> dict[int, tuple[Event, str, str]]:
        events, masker = self._events(stream)
        return {told[0].seq: told for told in stories(events, masker)}

    def _events(self, stream: str) -> tuple[tuple[Event, ...], Masker]:
        if stream.startswith("run:"):
            kept = self._shelf.run(stream.removeprefix("run:"))
            return (kept.events, kept.masker) if kept else ((), Masker())
        if stream == "journal" or stream == f"mesh:{self._mesh}":
            return self._shelf.stream(stream)
        return (), Masker()
