"""A run's card: the projection of its events that the live view and its static twin show.

Everything on it is masked and JSON-able. Patches carry a sequence number and whole values only,
so that one applied twice does no harm; a view that missed one asks for the whole state.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.paths import outermost
from leafmesh_nb.engine.state import ApprovalState, RunState, StepState
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.card_decisions import decision_views
from leafmesh_nb.observe.card_questions import answer_type, behind_mask, question_view, to_edit
from leafmesh_nb.observe.card_values import edited, rows, shown
from leafmesh_nb.observe.wording import OFFLINE_LABEL, event_line, milliseconds, step_name

__all__ = ["CardState"]

Json = Any
State = dict[str, Any]

TAIL = 8
# Parts of the state whose entries are patched one by one.
KEYED = ("steps", "questions")

_ENDED = {"done": "ok", "failed": "fail", "skipped": "skip", "cancelled": "cancelled"}
# Events from which a masker may learn another secret.
_TELLING = (
    ev.RunStarted,
    ev.MemoryWritten,
    ev.MemoryPatched,
    ev.CallStarted,
    ev.CallFinished,
    ev.StepEnded,
)


class CardState:
    """The state of one run's card. Every method may be called from any thread.

    ``person`` is who sits at this notebook, if they said so; it preselects who answers.
    ``shared`` reads the events of the mesh's own stream after a sequence number: secrets of scope
    ``mesh`` that other runs wrote are masked by it.
    """

    def __init__(
        self,
        spec: Spec,
        workflow: str,
        run_id: str,
        *,
        person: str | None = None,
        shared: Callable[[int], Sequence[Event]] | None = None,
    ) -> None:
        self._spec = spec
        self._workflow = spec.workflows[workflow]
        self._run_id = run_id
        self._person = person
        secrets = [field for field in spec.memory.values() if field.masked]
        self._shared = shared if any(field.scope == "mesh" for field in secrets) else None
        self._lock = threading.Lock()
        self._forget()
        self._shown = self._build()

    def _forget(self) -> None:
        self._run: RunState | None = None
        self._events: list[Event] = []
        self._shared_events: list[Event] = []
        self._decided: list[Event] = []
        self._answered: dict[str, list[Event]] = {}
        self._expired: dict[str, Event] = {}
        self._ended_at: dict[str, int] = {}
        self._used: dict[str, _Used] = {}
        self._takers: dict[str, dict[str, None]] = {}
        self._masker = Masker.for_run(self._spec, ())
        self._learned = self._changed = False
        self._stale = set(self._workflow.steps)
        self._steps: dict[str, State] = {}
        self._seq = 0
        self._pending: list[list[Any]] = []

    @property
    def seq(self) -> int:
        """The number of the last patch."""
        with self._lock:
            return self._seq

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        with self._lock:
            return self._run is not None and self._run.ended is not None

    def apply(self, events: Sequence[Event]) -> None:
        """Carry on with events of the run, in order; those seen before are passed over.

        Raises JournalError where one is missing or cannot follow the others.
        """
        with self._lock:
            for event in events:
                if self._run is None or event.seq > self._run.seq:
                    self._carry(event)

    def reread(self, events: Sequence[Event]) -> None:
        """Start over from all of the run's events; the next patch brings a view up to date."""
        with self._lock:
            seq = self._seq
            self._forget()
            self._seq = seq
            for event in events:
                self._carry(event)
            self._changed = True

    def snapshot(self) -> State:
        """The whole state as it is now, with the sequence number of the last patch as ``seq``."""
        with self._lock:
            self._refresh()
            return copy.deepcopy(self._shown) | {"seq": self._seq}

    def take(self) -> State | None:
        """What changed since the last patch, or None: ``{t: "patch", seq, ops}``.

        An op is ``["set", path, value]`` or ``["drop", path]``.
        """
        with self._lock:
            self._refresh()
            if not self._pending:
                return None
            self._seq += 1
            ops, self._pending = self._pending, []
            return {"t": "patch", "seq": self._seq, "ops": ops}

    def edited(self, question: str, changes: Mapping[str, str | None]) -> Json:
        """The value that an edit gives: what was proposed, with what a person typed in its place.

        Raises ValueError with a message for that person.
        """
        with self._lock:
            asked = self._question(question)
            kind = answer_type(self._spec, self._workflow, asked)
            if kind is None:
                raise ValueError(f"{asked.asked.subject} takes no edits")
            return edited(kind, to_edit(asked), changes)

    def behind_mask(self, source: str) -> str:
        """The text behind a masked row; never part of the state. Raises KeyError when unknown."""
        with self._lock:
            if self._run is None:
                raise KeyError(source)
            return behind_mask(self._spec, self._run, source)

    def _question(self, id: str) -> ApprovalState:
        asked = self._run.approvals.get(id) if self._run else None
        if asked is None:
            raise ValueError(f"this run has no question {id}")
        return asked

    def _carry(self, event: Event) -> None:
        if self._run is None:
            self._run = fold([event])
        else:
            apply(self._run, event)
        self._events.append(event)
        self._changed = True
        if event.path:
            self._stale.add(outermost(event.path))
        self._learned = self._learned or isinstance(event.body, _TELLING)
        body = event.body
        match body:
            case ev.PolicyDecided():
                self._decided.append(event)
            case ev.ApprovalAnswered():
                self._answered.setdefault(body.id, []).append(event)
            case ev.ApprovalExpired():
                self._expired[body.id] = event
            case ev.StepEnded():
                self._ended_at[event.path] = milliseconds(event.ts)
            case ev.TaskRouted() if body.agent is not None:
                self._takers.setdefault(outermost(event.path), {}).setdefault(body.agent)
            case ev.CallFinished():
                self._used.setdefault(outermost(event.path), _Used()).add(
                    body, self._run.calls[body.key].started, self._spec
                )

    def _refresh(self) -> None:
        """Bring ``_shown`` up to date, and note what a view must be told."""
        if not self._changed:
            return
        self._changed = False
        self._read_shared()
        if self._learned and any(field.masked for field in self._spec.memory.values()):
            # What was shown before may hold what is a secret now.
            self._masker = Masker.for_run(self._spec, [*self._events, *self._shared_events])
            self._stale = set(self._workflow.steps)
        self._learned = False
        state = self._build()
        self._note(self._shown, state)
        self._shown = state

    def _read_shared(self) -> None:
        if self._shared is None:
            return
        seen = self._shared_events[-1].seq if self._shared_events else 0
        news = self._shared(seen)
        self._shared_events += news
        self._learned = self._learned or any(isinstance(event.body, _TELLING) for event in news)

    def _note(self, old: State, new: State) -> None:
        for key, value in new.items():
            if key not in KEYED:
                if old.get(key) != value:
                    self._put(["set", [key], value])
                continue
            for name, entry in value.items():
                if old[key].get(name) != entry:
                    self._put(["set", [key, name], entry])
            for name in old[key].keys() - value.keys():
                self._put(["drop", [key, name]])

    def _put(self, op: list[Any]) -> None:
        self._pending = [other for other in self._pending if other[1] != op[1]] + [op]

    def _build(self) -> State:
        for path in self._workflow.steps:
            if path in self._stale:
                self._steps[path] = self._step_view(path)
        self._stale = set()
        run = self._run
        return {
            "id": self._run_id,
            "mesh": self._spec.mesh,
            "workflow": self._workflow.id,
            "name": step_name(self._workflow.id),
            "person": self._person,
            "status": run.status if run else "running",
            "started": milliseconds(run.started_at) if run else None,
            "ended": milliseconds(run.last_at) if run and run.ended else None,
            "requester": shown(run.started.requester, self._masker) if run else "",
            "events": run.seq if run else 0,
            "order": list(self._workflow.steps),
            "steps": dict(self._steps),
            "questions": self._questions(),
            "decisions": self._decisions(),
            "output": rows(run.output, self._masker)
            if run and run.ended == "done" and run.output
            else [],
            "error": self._error(run.error) if run else "",
            "tail": [
                [milliseconds(event.ts), event.kind, shown(event_line(event), self._masker, 300)]
                for event in self._events[-TAIL:]
            ],
            **self._money(),
        }

    def _money(self) -> State:
        run, budgets = self._run, self._spec.budgets
        return {
            "spent": format(run.spent, "f") if run else "0",
            "list_price": format(run.list_price, "f") if run else "0",
            "tokens": run.tokens if run else 0,
            "unpriced": any(used.unpriced for used in self._used.values()),
            "budget": None if budgets.run is None else format(budgets.run, "f"),
            "budget_counts": budgets.count,
            "labels": sorted({used.label for used in self._used.values() if used.label}),
        }

    def _questions(self) -> dict[str, State]:
        if self._run is None:
            return {}
        views = {}
        for asked in self._run.open_approvals():
            label = self._used.get(outermost(asked.path), _Used()).label
            views[asked.id] = question_view(
                self._spec, self._workflow, self._run, asked, self._masker, label
            )
        return views

    def _decisions(self) -> list[State]:
        if self._run is None:
            return []
        return decision_views(self._run, self._decided, self._answered, self._expired, self._masker)

    def _step_view(self, path: str) -> State:
        declared = self._workflow.steps[path]
        step = (self._run.steps.get(path) if self._run else None) or StepState(path)
        used = self._used.get(path, _Used())
        waiting = self._waiting(path)
        return {
            "id": path,
            "name": step_name(path) + _progress(step),
            "status": self._status(step, waiting),
            "capability": declared.capability or "",
            "after": [*(declared.after.steps() if declared.after else ()), *declared.handles],
            "agent": ", ".join(self._takers.get(path, ())) or declared.agent or "",
            "model": step.model or "",
            "started": milliseconds(step.resolved_at) if step.resolved_at else None,
            "ended": self._ended_at.get(path),
            "asks": ", ".join(dict.fromkeys(asked.to for asked in waiting)),
            "spent": format(used.spent, "f"),
            "list_price": format(used.list_price, "f"),
            "unpriced": used.unpriced,
            "tokens": used.tokens,
            "label": used.label,
            "output": rows(step.output, self._masker) if step.status == "done" else [],
            "error": self._error(step.error),
        }

    def _waiting(self, path: str) -> list[ApprovalState]:
        if self._run is None:
            return []
        return [asked for asked in self._run.open_approvals() if outermost(asked.path) == path]

    @staticmethod
    def _status(step: StepState, waiting: list[ApprovalState]) -> str:
        if step.status is not None:
            return _ENDED[step.status]
        if waiting:
            return "wait"
        return "idle" if step.phase == "pending" else "run"

    def _error(self, error: Mapping[str, Any] | None) -> str:
        return shown(str(error.get("message", "")), self._masker) if error else ""


class _Used:
    """What a step's calls took."""

    def __init__(self) -> None:
        self.spent = Decimal(0)
        self.list_price = Decimal(0)
        self.tokens = 0
        self.unpriced = False
        self.label = ""

    def add(self, done: ev.CallFinished, started: ev.CallStarted, spec: Spec) -> None:
        cost = Decimal(done.cost)
        self.spent += cost
        self.list_price += cost if done.list_cost is None else Decimal(done.list_cost)
        self.tokens += done.tokens_in + done.tokens_out
        if started.call != "model":
            return
        model = spec.models.get(started.target)
        provider = model.provider if model else started.target.partition(":")[0]
        if provider == "offline":
            self.label = OFFLINE_LABEL
        else:
            self.label = done.note
            self.unpriced = self.unpriced or (
                done.live and done.list_cost is None and not cost and self.tokens > 0
            )


def _progress(step: StepState) -> str:
    """How many of a step's items have ended, as it stands behind its name."""
    if step.items is None:
        return ""
    return f" ({step.begun - len(step.open):,} of {len(step.items):,})"
