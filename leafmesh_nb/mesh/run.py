"""The handle of a run: what a notebook or a script holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from leafmesh_nb.agents.functions import inside_call
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import Journal, Verdict
from leafmesh_nb.engine.runner import Execution, host
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import ApprovalError, LeafmeshError, OwnershipError, RunError
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.to_json import dump_any
from leafmesh_nb.language.values import accept
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.mesh.approval import Approval
from leafmesh_nb.mesh.waiting import Attendant, InputLine, wait, wait_async

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

__all__ = ["Run"]

VERDICT_TIMEOUT = 15.0
"""Seconds in which a live owner elsewhere must have read its inbox."""

Recover = Callable[["Run"], None]


class Run:
    """One run of a workflow.

    Its state is folded from what the journal holds; a run that another process owns, or that ended
    long ago, is the same kind of object.
    """

    def __init__(
        self, journal: Journal, plan: Plan, events: Sequence[Event], recover: Recover
    ) -> None:
        self.attendant: Attendant = InputLine()
        self.journal = journal
        self._plan = plan
        self._events = list(events)
        self._state = fold(self._events)
        self._recover = recover
        self._listeners: list[Callable[[Sequence[Event]], None]] = []
        self._lock = threading.RLock()
        self._execution: Execution | None = None

    # What it is

    @property
    def id(self) -> str:
        """The run's id; any unique prefix names it in magics."""
        return self._state.run

    @property
    def spec(self) -> Spec:
        """The mesh as it was when the run started: a run keeps its rules."""
        return self._plan.spec

    @property
    def workflow(self) -> str:
        """The workflow's id."""
        return self._plan.workflow.id

    @property
    def status(self) -> str:
        """running, waiting, paused, done, failed or cancelled."""
        return self._current().status

    @property
    def output(self) -> Any:
        """The workflow's output, money as Decimal; None until the run is done."""
        state = self._current()
        return None if state.output is None else self._typed_output(state.output)

    @property
    def error(self) -> dict[str, Any] | None:
        """``kind``, ``message`` and ``step`` of what ended the run; None unless it failed."""
        return self._current().error

    @property
    def masker(self) -> Masker:
        """Masks what this run's views must not show."""
        return Masker.for_run(self.spec, self.recorded())

    @property
    def functions(self) -> dict[str, Any]:
        """Digest of the code of each function that the run goes by."""
        return dict(self._current().functions)

    @property
    def owned_here(self) -> bool:
        """Whether this process drives the run."""
        return host().execution(self.id) is not None

    @property
    def requester(self) -> str:
        """Who started it."""
        return self._state.started.requester

    def recorded(self) -> list[Event]:
        """All events that are durable so far."""
        self._current()
        with self._lock:
            return list(self._events)

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> Callable[[], None]:
        """Call back on the host's thread after each commit; returns the way to stop that."""
        with self._lock:
            self._listeners.append(callback)

        def unsubscribe() -> None:
            with self._lock:
                if callback in self._listeners:
                    self._listeners.remove(callback)

        return unsubscribe

    # Waiting

    def result(self, timeout: float | None = None) -> Any:
        """The output, once the run is done; ``timeout`` in seconds. Raises RunError or TimeoutError."""
        if host().inside():
            raise RunError("a run cannot be waited for from inside the engine", run=self)
        wait(self, self._ended(), timeout)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Any]:
        yield from wait_async(self, self._ended()).__await__()
        return self._outcome()

    def _ended(self) -> Future[None]:
        execution = self._execution
        if execution is not None:
            return execution.ended
        future: Future[None] = Future()
        if self._current().ended is not None:
            future.set_result(None)
            return future
        self._follow(future)
        return future

    def _follow(self, future: Future[None]) -> None:
        """Wait for the end of a run that lives elsewhere."""

        def look() -> None:
            pause = threading.Event()
            while not pause.wait(0.2):
                if self._current().ended is not None:
                    future.set_result(None)
                    return

        threading.Thread(target=look, name=f"leafmesh follow {self.id}", daemon=True).start()

    def _outcome(self) -> Any:
        state = self._current()
        if state.ended == "done":
            return self._typed_output(state.output)
        error = state.error or {}
        step = error.get("step")
        where = f" at step {step}" if step else ""
        raise RunError(
            f"run {self.id} {state.ended}{where}: {error.get('message', 'no reason recorded')}",
            run=self,
            step=step,
            cause=error.get("kind"),
        )

    def _typed_output(self, output: Mapping[str, Any]) -> dict[str, Any]:
        """Money as Decimal again, by the static type of each output expression."""
        kind = self._plan.workflow.output_type
        return dict(accept(kind, dict(output))) if kind.fields else dict(output)

    # Steering

    def step(self, *, wait: bool = True) -> None:
        """Run one more step, and stop before the next."""
        self._send("resume", {"steps": 1}, wait)

    def resume(self, *, wait: bool = True) -> None:
        """Go on to the end; a run that nobody owns is taken over first."""
        if self._current().ended is None:
            self._own()
        if self.status == "paused":
            self._send("resume", {"steps": None}, wait)

    def pause(self, *, wait: bool = True) -> None:
        """Start no further step or call."""
        self._send("pause", {}, wait)

    def cancel(self, *, wait: bool = True) -> None:
        """End the run; a side effect in flight is waited for first."""
        self._send("cancel", {}, wait)

    def patch(self, field: str, value: Any) -> None:
        """Change a field of the run's memory by hand: an event with your name."""
        self._send("patch", {"field": field, "value": value}, True)

    # Questions

    def approvals(self) -> list[Approval]:
        """Open questions, oldest first."""
        return [Approval(self, state) for state in self._current().open_approvals()]

    def answer(
        self,
        approval: str,
        answer: str,
        *,
        person: str | None = None,
        channel: str = "python",
        identity: str = "asserted",
        note: str = "",
        value: Any = None,
    ) -> None:
        """Answer a question: approve, reject, edit or escalate. Raises ApprovalError if refused."""
        body = {
            "id": approval,
            "answer": answer,
            "person": person or "",
            "channel": channel,
            "identity": identity,
            "note": note,
            "value": dump_any(value),
            "inside_call": inside_call(),
        }
        verdict = self._post("answer", body)
        if not verdict.accepted:
            raise ApprovalError(f"the answer was refused: {verdict.reason}")

    # Messages to the owner

    def _send(self, kind: str, body: dict[str, Any], wait: bool) -> None:
        from leafmesh_nb.mesh.person import this_person

        body = {**body, "by": this_person()}
        if not wait:
            threading.Thread(target=self._post, args=(kind, body), daemon=True).start()
            return
        verdict = self._post(kind, body)
        if not verdict.accepted:
            raise RunError(f"run {self.id} did not {kind}: {verdict.reason}", run=self)
        if kind == "resume" and body.get("steps"):
            self._settle()

    def _settle(self) -> None:
        """Wait until a single step is over, or asks."""
        settled = threading.Event()

        def look(_: Sequence[Event]) -> None:
            state = self._current()
            busy = any(s.phase in ("resolved", "routed") for s in state.steps.values())
            if state.status != "running" and (not busy or state.status == "waiting"):
                settled.set()

        stop = self.subscribe(look)
        look(())
        settled.wait()
        stop()

    def _post(self, kind: str, body: Mapping[str, Any]) -> Verdict:
        if self._current().ended is not None:
            return Verdict(0, False, f"it has ended ({self._current().ended})")
        self._own()
        if host().execution(self.id) is not None:
            return host().post(self.id, kind, body).result()
        row = self.journal.post(self.id, kind, body)
        deadline = datetime.now(UTC).timestamp() + VERDICT_TIMEOUT
        pause = threading.Event()
        while datetime.now(UTC).timestamp() < deadline:
            message = self.journal.message(row)
            if message is not None and message.verdict is not None:
                return message.verdict
            pause.wait(0.05)
        return Verdict(row, False, "its owner did not read it in time; it stays in the inbox")

    def _own(self) -> None:
        """Take the run over when nobody alive owns it; leave it to a live owner elsewhere."""
        if host().execution(self.id) is None and self._current().ended is None:
            try:
                self._recover(self)
            except OwnershipError:
                return

    def carry(self, execution: Execution) -> None:
        """Follow an execution of this run in this process."""
        self._execution = execution
        execution.record.listeners.append(self._committed)

    def _committed(self, events: Sequence[Event]) -> None:
        with self._lock:
            for event in events:
                if event.seq == self._state.seq + 1:
                    apply(self._state, event)
                    self._events.append(event)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(events)

    def _current(self) -> RunState:
        """The state, with what the journal got meanwhile when another process owns the run."""
        if self._execution is None or host().execution(self.id) is not self._execution:
            with self._lock:
                if self._state.ended is None:
                    try:
                        news = self.journal.read(f"run:{self.id}", self._state.seq)
                    except LeafmeshError:
                        if self._execution is None:
                            raise
                        news = []
                    self._committed(news)
        return self._state

    # Views

    def events(self) -> pd.DataFrame:
        """Every event, a row each."""
        return self._frame("events_frame")

    def routing(self) -> pd.DataFrame:
        """Every candidate of every step, with the points of each factor."""
        return self._frame("routing_frame")

    def decisions(self) -> pd.DataFrame:
        """Every decision of a policy or a person."""
        return self._frame("decisions_frame")

    def memory(self) -> pd.DataFrame:
        """Every write, and every refused access."""
        return self._frame("memory_frame")

    def costs(self) -> pd.DataFrame:
        """Tokens and money by call: spent, and at list price."""
        return self._frame("costs_frame")

    def calls(self) -> pd.DataFrame:
        """Every call to a model, a function or a tool."""
        return self._frame("calls_frame")

    def handoffs(self) -> pd.DataFrame:
        """A row for each step output that another agent's step reads."""
        return self._frame("handoffs_frame")

    def audit(self) -> pd.DataFrame:
        """The story of the run, a line an event."""
        return self._frame("audit_frame")

    def _frame(self, name: str) -> pd.DataFrame:
        from leafmesh_nb.observe import frames

        events = self.recorded()
        masker = Masker.for_run(self.spec, events)
        frame: pd.DataFrame = getattr(frames, name)(events, spec=self.spec, masker=masker)
        return frame

    def chart(self, name: str = "timeline", *, theme: str = "light") -> Figure:
        """A plotly figure: ``routing``, ``costs`` or ``timeline``."""
        from leafmesh_nb.observe import charts

        drawn: Iterable[str] = ("routing", "costs", "timeline")
        if name not in drawn:
            raise RunError(f"no chart {name!r}; there are {', '.join(drawn)}", run=self)
        figure: Figure = getattr(charts, f"{name}_chart")(
            self.recorded(), spec=self.spec, masker=self.masker, theme=theme
        )
        return figure

    def card(self) -> dict[str, Any]:
        """The state of the run's card, as its views draw it."""
        from leafmesh_nb.observe.card import CardState

        state = CardState(self.spec, self.workflow, self.id)
        state.apply(self.recorded())
        return state.snapshot()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from leafmesh_nb.observe.card_html import run_html, run_text

        card = self.card()
        return {"text/html": run_html(card), "text/plain": run_text(card)}

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.spec.mesh}.{self.workflow}: {self.status}>"
