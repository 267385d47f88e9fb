"""The events of a run as spans. Pure: the same events give the same spans, ids included.

    invoke_workflow                      run.started … run.ended
    └── invoke_agent                     step.resolved … step.ended
        ├── route                        … task.routed
        ├── chat | function              call.started … call.finished
        │   ├── policy                   policy.decided, at a tool
        │   └── execute_tool             call.started … call.finished
        ├── approval                     approval.asked … its answer: the time that people took
        └── policy                       policy.decided, at the output

A span is finished by one event, and by nothing later: the spans of the first n events are the
first spans of all events. So an export may stop anywhere and go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine import paths
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import apply, begin
from leafmesh_nb.engine.plan import step_at
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry import attributes
from leafmesh_nb.observe.telemetry.content import content_of
from leafmesh_nb.observe.telemetry.mapping import SHAPES, Attribute, Happening
from leafmesh_nb.observe.telemetry.spans import Happened, Link, Span, Value

__all__ = ["project"]

_ROOT = 1
"""The ``seq`` of run.started, with which the root span begins."""


def project(
    events: Sequence[Event], spec: Spec, masker: Masker, *, content: bool = False
) -> list[Span]:
    """The finished spans of one run, in the order in which they were finished.

    ``events`` are those of the run's stream from its first on. ``content`` adds what was said:
    prompts, results, reasons, notes and the messages of errors, masked. Raises JournalError for
    events that no run could have.
    """
    if not events:
        return []
    projection = _Projection(events[0], spec, masker, content)
    for event in events[1:]:
        projection.take(event)
    return projection.finished


@dataclass(slots=True)
class _Open:
    """A span under way. ``asked_at`` and ``lost_at`` tell when a call was unwound or lost."""

    of: str
    seq: int
    parent: int | None
    path: str
    subject: str
    start: datetime
    attributes: dict[Attribute, Value]
    happened: list[Happened] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    asked_at: datetime | None = None
    lost_at: datetime | None = None


class _Projection:
    def __init__(self, first: Event, spec: Spec, masker: Masker, content: bool) -> None:
        self.finished: list[Span] = []
        self._spec = spec
        self._masker = masker
        self._content = content
        # The fold knows which question an event closes; nobody else need know its rules.
        self._state: RunState = begin(first)
        started = self._state.started
        told = attributes.run_started(started, masker)
        self._root = self._open("workflow", first, None, started.workflow, told)
        self._steps: dict[str, _Open] = {}
        self._calls: dict[str, _Open] = {}  # by key
        self._questions: dict[str, _Open] = {}  # by id
        self._decided: dict[tuple[str, str], int] = {}  # path and action → seq of the last decision
        self._begun: dict[str, int] = {}  # path → seq, also of steps that have ended

    def take(self, event: Event) -> None:
        """Carry one event."""
        before = self._state.last_at
        apply(self._state, event)
        match event.body:
            case ev.StepResolved(run=True):
                whole = self._step(paths.parent(event.path))
                self._steps[event.path] = self._open("step", event, whole, event.path, {})
                self._begun[event.path] = event.seq
            case ev.TaskRouted() as body:
                self._task_routed(event, body)
            case ev.CallStarted() as body:
                self._call_started(event, body)
            case ev.CallFinished() | ev.CallFailed() as body:
                self._call_ended(event, body)
            case ev.PolicyDecided() as body:
                self._policy_decided(event, body)
            case ev.ApprovalAsked() as body:
                self._asked(event, body)
            case ev.StepEnded() as body:
                self._step_ended(event, body)
            case ev.RunEnded() as body:
                self._root.attributes[Attribute.RUN_STATUS] = body.status
                self._say(self._root, event)
                self._close(self._root, event, body.error if body.status == "failed" else None)
            case ev.RunResumed(recovered=True):
                for call in self._calls.values():
                    call.lost_at = call.lost_at or before
        self._tell(event)
        self._close_questions(event)

    # Steps

    def _task_routed(self, event: Event, body: ev.TaskRouted) -> None:
        step = self._steps[event.path]
        route = self._open("route", event, step.seq, body.capability, attributes.routed(body))
        route.start = step.start
        self._close(route, event, body.error)
        step.attributes[Attribute.CAPABILITY] = body.capability
        if body.agent is not None:
            # A step is its agent's span once an agent was found.
            step.of, step.subject = "agent", body.agent
            step.attributes |= attributes.served_by(body.agent, body.model, self._spec)
            step.links += self._handoffs(event.path, body.agent)

    def _handoffs(self, path: str, agent: str) -> Iterator[Link]:
        """Links to the steps of other agents whose output this step reads."""
        step = step_at(self._spec, self._state.started.workflow, path)
        if step is None:
            return
        scope = paths.scope(path)
        read = {
            paths.inner(scope, r[1])
            for e in step.expressions()
            for r in e.reads
            if r[0] == "steps" and len(r) > 1
        }
        for source in sorted(read & self._begun.keys()):
            giver = self._state.giver(source)
            if giver.status == "done" and giver.agent not in ("", agent):
                told: dict[Attribute, Value] = {Attribute.LINK: "handoff", Attribute.STEP: source}
                yield Link(self._begun[source], told | {Attribute.AGENT: giver.agent})

    def _step_ended(self, event: Event, body: ev.StepEnded) -> None:
        step = self._steps.pop(event.path, None)
        if step is None:
            skipped = Happened(Happening.SKIPPED, event.ts, {Attribute.STEP: event.path})
            self._root.happened.append(skipped)
            return
        for key, call in list(self._calls.items()):
            if call.path == event.path:
                del self._calls[key]
                self._leave(call, event)
        step.attributes[Attribute.STEP_STATUS] = body.status
        self._say(step, event)
        self._close(step, event, body.error if body.status == "failed" else None)

    # Calls

    def _call_started(self, event: Event, body: ev.CallStarted) -> None:
        earlier = self._calls.pop(body.key, None)
        if earlier is not None:
            self._leave(earlier, event)
        told = attributes.call_started(body, self._spec)
        subject = str(told.get(Attribute.REQUEST_MODEL, body.target))
        parent = self._caller(event.path) if body.call == "tool" else self._step(event.path)
        self._calls[body.key] = self._open(body.call, event, parent, subject, told)

    def _call_ended(self, event: Event, body: ev.CallFinished | ev.CallFailed) -> None:
        call = self._calls.pop(body.key, None)
        if call is None:
            return  # it came after the end of its step, where its span was closed
        call.attributes |= attributes.call_ended(call.of, body)
        self._say(call, event)
        self._close(call, event, body.error if isinstance(body, ev.CallFailed) else None)

    def _leave(self, call: _Open, event: Event) -> None:
        """End a call whose result will not come: it was unwound by a question, or lost."""
        if call.of == "function" and call.asked_at is not None:
            call.attributes[Attribute.CALL_STATUS] = "unwound"
            self._close(call, event, at=call.asked_at)
        else:
            call.attributes[Attribute.CALL_STATUS] = "in_doubt"
            self._close(call, event, {"kind": "in_doubt"}, at=call.lost_at)

    # The gate, and people

    def _policy_decided(self, event: Event, body: ev.PolicyDecided) -> None:
        subject = body.point if body.subject == body.point else f"{body.point} {body.subject}"
        parent = self._caller(event.path) if body.point == "tool" else self._step(event.path)
        told = attributes.decided(body, self._masker)
        self._decided[event.path, body.action] = event.seq
        self._close(self._open("policy", event, parent, subject, told), event)

    def _asked(self, event: Event, body: ev.ApprovalAsked) -> None:
        told = attributes.asked(body)
        question = self._open("approval", event, self._step(event.path), body.subject, told)
        doubtful = self._calls.get(body.digest) if body.point == "in_doubt" else None
        decision = self._decided.get((event.path, body.action))
        if doubtful is not None:
            question.links.append(Link(doubtful.seq, {Attribute.LINK: "in_doubt"}))
        elif decision is not None:
            question.links.append(Link(decision, {Attribute.LINK: "decision"}))
        self._questions[body.id] = question
        for call in self._calls.values():
            if call.path == event.path:
                call.asked_at = call.asked_at or event.ts

    def _close_questions(self, event: Event) -> None:
        """Close what this event decided, and what nobody needs to answer after it."""
        for id, question in list(self._questions.items()):
            outcome = self._state.approvals[id].status
            if outcome == "open":
                continue
            del self._questions[id]
            body = event.body
            if isinstance(body, ev.ApprovalAnswered) and body.id == id:
                outcome = "edited" if body.answer == "edit" else outcome
                question.attributes |= attributes.answered(body, self._masker)
                self._say(question, event)
            question.attributes[Attribute.APPROVAL_OUTCOME] = outcome
            waited = (event.ts - question.start).total_seconds()
            question.attributes[Attribute.APPROVAL_WAITED] = max(0.0, waited)
            self._close(question, event)

    def _tell(self, event: Event) -> None:
        """What happens within a span that is under way."""
        masker, span = self._masker, self._steps.get(event.path, self._root)
        told: dict[Attribute, Value]
        match event.body:
            case ev.RunPaused() | ev.RunResumed() | ev.RunRebound() as body:
                name, told = _STEERED[type(body)], attributes.steered(body, masker)
            case ev.MemoryWritten() | ev.MemoryDenied() | ev.MemoryPatched() as body:
                name, told = _MEMORY[type(body)], attributes.memory_told(body, masker)
            case ev.BudgetRefused() as body:
                name, told = Happening.BUDGET_REFUSED, attributes.refused_budget(body)
            case ev.ApprovalEscalated(id=id, to=to):
                span = self._questions.get(id, span)
                name, told = Happening.ESCALATED, {Attribute.APPROVAL_TO: to}
            case ev.ApprovalRefused(id=id, person=person):
                span = self._questions.get(id, span)
                name, told = Happening.REFUSED, {Attribute.APPROVAL_PERSON: masker.text(person)}
            case _:
                return
        span.happened.append(Happened(name, event.ts, told))

    # Opening and closing

    def _open(
        self,
        of: str,
        event: Event,
        parent: int | None,
        subject: str,
        told: Mapping[Attribute, Value],
    ) -> _Open:
        span = _Open(of, event.seq, parent, event.path, subject, event.ts, dict(told))
        self._say(span, event)
        return span

    def _say(self, span: _Open, event: Event) -> None:
        """Add what was said, where that is wanted."""
        if self._content:
            span.attributes |= content_of(event, self._masker, tool=span.of == "tool")

    def _close(
        self,
        span: _Open,
        event: Event,
        error: Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        shape = SHAPES[span.of]
        told = span.attributes | {
            Attribute.RUN: self._state.run,
            Attribute.MESH: self._state.started.mesh,
            Attribute.SPAN_KIND: shape.kind,
            **attributes.given(Attribute.OPERATION, shape.operation),
            **attributes.given(Attribute.STEP, span.path),
        }
        message = ""
        if error is not None:
            told[Attribute.ERROR_TYPE] = self._masker.text(str(error.get("kind") or "_OTHER"))
            if self._content:
                message = self._masker.text(str(error.get("message", "")))
        end = max(span.start, at or event.ts)  # clocks are set back
        self.finished.append(
            Span(
                run=self._state.run,
                seq=span.seq,
                closed_by=event.seq,
                parent=span.parent,
                of=span.of,
                subject=span.subject,
                start=span.start,
                end=end,
                attributes=told,
                happened=tuple(span.happened),
                links=tuple(span.links),
                failed=error is not None,
                message=message,
            )
        )

    def _step(self, path: str) -> int:
        step = self._steps.get(path)
        return _ROOT if step is None else step.seq

    def _caller(self, path: str) -> int:
        """The call that performs a step, which alone can want tools; else the step."""
        running = [c.seq for c in self._calls.values() if c.path == path and c.of != "tool"]
        return running[-1] if running else self._step(path)


_STEERED = {
    ev.RunPaused: Happening.PAUSED,
    ev.RunResumed: Happening.RESUMED,
    ev.RunRebound: Happening.REBOUND,
}
_MEMORY = {
    ev.MemoryWritten: Happening.MEMORY_WRITTEN,
    ev.MemoryDenied: Happening.MEMORY_DENIED,
    ev.MemoryPatched: Happening.MEMORY_PATCHED,
}
