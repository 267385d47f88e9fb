"""What the pages and the API read: every run of the service's mesh as its events tell it.

A page with a thousand open questions must not fold a thousand runs. Each run is folded when it is
first needed and again when the journal got events of it, and never changed in between, so that any
number of pages may read it at once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from leafmesh_nb.deploy.digest import Digest, digest_of
from leafmesh_nb.deploy.news import News
from leafmesh_nb.engine.events import Event, RunStarted
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.ports import Journal, RunRow
from leafmesh_nb.engine.state import ApprovalState, RunState
from leafmesh_nb.errors import JournalError
from leafmesh_nb.language import load
from leafmesh_nb.language.spec import Spec, Workflow
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.card import CardState

__all__ = ["KeptRun", "Question", "Shelf"]

MOST_ENDED = 400
"""Ended runs whose events are kept; of all others only the digest."""

MOST_SPECS = 200


@dataclass(frozen=True)
class KeptRun:
    """One run as it stood at ``state.seq``. Nothing of it may be changed."""

    id: str
    events: tuple[Event, ...]
    state: RunState
    spec: Spec
    journal: Journal

    @property
    def workflow(self) -> Workflow:
        """The workflow as it was when the run started."""
        return self.spec.workflows[self.state.started.workflow]

    @cached_property
    def masker(self) -> Masker:
        """Masks what nobody may see of this run; values of scope ``mesh`` included."""
        return Masker.for_run(self.spec, [*self.events, *self._shared(0)])

    @cached_property
    def card(self) -> dict[str, Any]:
        """The state of the run's card, as the notebook draws it."""
        state = CardState(self.spec, self.workflow.id, self.id, shared=self._shared)
        state.apply(self.events)
        return state.snapshot()

    @cached_property
    def digest(self) -> Digest:
        """Its sums."""
        return digest_of(self.events, self.state, self.masker)

    def ever_asked(self, question: str) -> set[str]:
        """Those whom a question was put to, also before it went up the ladder or was decided."""
        asked = self.state.approvals[question]
        return {*asked.roster, *asked.asked.roster}

    def _shared(self, after: int) -> Sequence[Event]:
        if not any(f.masked and f.scope == "mesh" for f in self.spec.memory.values()):
            return ()
        return self.journal.read(f"mesh:{self.spec.mesh}", after)


@dataclass(frozen=True, slots=True)
class Question:
    """An open question and the run that asks it."""

    run: KeptRun
    asked: ApprovalState


class Shelf:
    """The runs of one mesh in one journal. Every method may be called from any thread."""

    def __init__(self, journal: Journal, mesh: str) -> None:
        self._journal = journal
        self._mesh = mesh
        self.news = News(journal.location)
        self._lock = threading.RLock()
        self._cursor = 0
        self._rows: tuple[RunRow, ...] | None = None
        self._questions: list[Question] | None = None
        self._open: dict[str, KeptRun] = {}
        self._ended: OrderedDict[str, KeptRun] = OrderedDict()
        self._digests: dict[str, Digest] = {}
        self._specs: OrderedDict[str, Spec] = OrderedDict()

    def refresh(self) -> int:
        """Take in what the journal got meanwhile; returns where it stands."""
        with self._lock:
            cursor, streams = self.news.since(self._cursor)
            if cursor != self._cursor or streams is None:
                self._rows = self._questions = None
                if streams is None:
                    self._open.clear()
                    self._ended.clear()
                    self._digests.clear()
                for run in [s.removeprefix("run:") for s in streams or () if s.startswith("run:")]:
                    self._ended.pop(run, None)
                    self._digests.pop(run, None)
                    if run in self._open:
                        self._read_on(self._open.pop(run))
                if f"mesh:{self._mesh}" in (streams or ()):
                    # What other runs wrote there may be a secret that these texts hold.
                    self._open = {id: replace(kept) for id, kept in self._open.items()}
                    self._ended.clear()
                self._cursor = cursor
            return cursor

    def rows(self) -> tuple[RunRow, ...]:
        """Rows of all runs of the mesh, newest first."""
        with self._lock:
            self.refresh()
            if self._rows is None:
                self._rows = tuple(self._journal.runs(mesh=self._mesh))
            return self._rows

    def run(self, id: str) -> KeptRun | None:
        """A run by its id; None when this mesh has none of it. Raises JournalError."""
        with self._lock:
            self.refresh()
            if id in self._ended and self._journal.run(id) is None:  # it was pruned
                del self._ended[id]
            return self._run(id)

    def digest(self, id: str) -> Digest | None:
        """The sums of a run."""
        with self._lock:
            self.refresh()
            if id not in self._digests:
                kept = self.run(id)
                if kept is None:
                    return None
                self._digests[id] = kept.digest
            return self._digests[id]

    def questions(self, person: str | None = None) -> list[Question]:
        """Open questions, those due first, then the oldest; of one person, or of everybody."""
        with self._lock:
            rows = self.rows()
            if self._questions is None:
                waiting = [self._run(row.id) for row in rows if row.status == "waiting"]
                self._questions = [
                    Question(kept, asked)
                    for kept in waiting
                    if kept is not None
                    for asked in kept.state.open_approvals()
                ]
                self._questions.sort(key=_urgency)
            found = self._questions
        return [q for q in found if person is None or person in q.asked.roster]

    def stream(self, name: str) -> tuple[tuple[Event, ...], Masker]:
        """The events of a stream outside runs, and what masks them."""
        events = tuple(self._journal.read(name))
        newest = next(iter(self.rows()), None)
        if newest is None:
            return events, Masker()
        return events, Masker.for_run(self._spec(newest.spec_hash), events)

    def _run(self, id: str) -> KeptRun | None:
        known = self._open.get(id) or self._ended.get(id)
        if known is not None:
            if id in self._ended:
                self._ended.move_to_end(id)
            return known
        events = tuple(self._journal.read(f"run:{id}"))
        body = events[0].body if events else None
        # What a run goes by is its first event, which is chained, and not its row.
        if not isinstance(body, RunStarted) or body.mesh != self._mesh:
            return None
        return self._keep(id, events, self._spec(body.spec_hash))

    def _read_on(self, kept: KeptRun) -> None:
        news = self._journal.read(f"run:{kept.id}", kept.state.seq)
        self._keep(kept.id, (*kept.events, *news), kept.spec)

    def _keep(self, id: str, events: tuple[Event, ...], spec: Spec) -> KeptRun:
        kept = KeptRun(id, events, fold(events), spec, self._journal)
        if kept.state.ended is None:
            self._open[id] = kept
        else:
            self._ended[id] = kept
            while len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)
        return kept

    def _spec(self, hash: str) -> Spec:
        spec = self._specs.get(hash)
        if spec is None:
            text = self._journal.spec(hash)
            if text is None:
                raise JournalError("the journal has lost the mesh of this run; verify tells more")
            spec = self._specs[hash] = load(text, source=f"mesh {self._mesh}")
            while len(self._specs) > MOST_SPECS:
                self._specs.popitem(last=False)
        return spec


def _urgency(question: Question) -> tuple[bool, float, float]:
    due, asked = question.asked.due, question.asked.asked_at
    return due is None, due.timestamp() if due else 0.0, asked.timestamp()
