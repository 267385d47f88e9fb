"""The handle of a run: what a notebook or a script holds."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from leafmesh_nb.agents.inside import as_handed_in, inside_call
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import apply, fold
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import Journal, RunRow
from leafmesh_nb.engine.runner.execution import Execution
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.engine.state import RunState, StepState
from leafmesh_nb.errors import ApprovalError, LeafmeshError, OwnershipError, RunError
from leafmesh_nb.journal.owner import is_alive
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.to_json import dump_any
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.mesh.approval import Approval
from leafmesh_nb.mesh.messages import own, post
from leafmesh_nb.mesh.output import Output
from leafmesh_nb.mesh.person import named_person, this_person
from leafmesh_nb.mesh.views import Views
from leafmesh_nb.mesh.waiting import Attendant, InputLine, wait, wait_async

__all__ = ["Run", "live_owner"]

Listener = Callable[[Sequence[Event]], None]
Recover = Callable[["Run", bool], None]
"""Takes a run over that nobody owns; True: only to cancel it, which takes none of its functions."""

logger = logging.getLogger(__name__)


class Run(Views):
    """One run of a workflow.

    Its state is folded from what the journal holds; a run that another process owns, or that ended
    long ago, is the same kind of object.
    """

    def __init__(
        self, journal: Journal, plan: Plan, events: Sequence[Event], recover: Recover
    ) -> None:
        self.attendant: Attendant = InputLine()
        self.asking = threading.Lock()
        self.journal = journal
        self._plan = plan
        self._events = list(events)
        self._state = fold(self._events)
        self.recover = recover
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        self._execution: Execution | None = None

    # What it is

    @property
    def id(self) -> str:  # type: ignore[override]  # the views declare what they read
        """The run's id; any unique prefix names it in magics."""
        return self._state.run

    @property
    def spec(self) -> Spec:  # type: ignore[override]  # as id
        """The mesh as it was when the run started: a run keeps its rules."""
        return self._plan.spec

    @property
    def workflow(self) -> str:  # type: ignore[override]  # as id
        """The workflow's id."""
        return self._plan.workflow.id

    @property
    def status(self) -> str:
        """running, waiting, paused, done, failed or cancelled."""
        return self._current().status

    def under_way(self) -> list[StepState]:
        """Steps that were decided and have not ended."""
        steps = self._current().steps.values()
        return [step for step in list(steps) if step.phase in ("resolved", "routed")]

    @property
    def output(self) -> Any:
        """The workflow's output, money as Decimal; None until the run is done."""
        state = self._current()
        return self._typed_output(state.output) if state.ended == "done" else None

    @property
    def error(self) -> dict[str, Any] | None:
        """``kind``, ``message`` and ``step`` of what ended the run; None unless it failed."""
        error = self._current().error
        if error is None:
            return None
        return {**error, "message": self.masker.text(str(error.get("message", "")))}

    @property
    def functions(self) -> dict[str, Any]:
        """Digest of the code of each function that the run goes by."""
        return dict(self._current().functions)

    @property
    def requester(self) -> str:
        """Who started it."""
        return self._state.started.requester

    @property
    def origin(self) -> list[str]:
        """Where a run that was rewound or forked comes from, what it kept, and what was not undone;
        empty for any other."""
        from leafmesh_nb.mesh.branching import told

        return told(self._state.started.parent or {})

    @property
    def owned_here(self) -> bool:
        """Whether this process drives the run."""
        return host().execution(self.journal, self.id) is not None

    def live_owner(self) -> str | None:
        """The owner elsewhere that drives the run, as far as can be seen from here."""
        row = self.journal.run(self.id)
        return None if row is None or self.owned_here else live_owner(row)

    def abandoned(self) -> bool:
        """Whether the run has not ended and nobody alive drives it."""
        if self.owned_here or self._current().ended is not None:
            return False
        return self.live_owner() is None

    def recorded(self) -> list[Event]:
        """All events that are durable so far."""
        self._current()
        with self._lock:
            return list(self._events)

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Call back on the host's thread after each commit; returns the way to stop that."""
        listener = as_handed_in(callback)
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    # Waiting

    def result(self, timeout: float | None = None) -> Any:
        """The output, once the run is done; ``timeout`` in seconds.

        Raises RunError for a run that failed, was cancelled, is paused, or waits for a person
        whom nobody here can ask; a RunError that is a TimeoutError too when the time is over.
        """
        if host().inside():
            raise RunError("a run cannot be waited for from inside the engine", run=self)
        wait(self, timeout)
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Any]:
        yield from wait_async(self).__await__()
        return self._outcome()

    def is_over(self, seconds: float = 0.0) -> bool:
        """Whether the run has ended, looking for up to ``seconds``.

        Raises what stopped its owner in this process: the journal still has the run.
        """
        execution = self._execution
        if execution is None or _lost(execution.ended):
            if self._current().ended is not None:
                return True
            time.sleep(seconds)
            return False
        concurrent.futures.wait([execution.ended], seconds)
        if not execution.ended.done() or _lost(execution.ended):
            return False
        execution.ended.result()
        return True

    def when_over(self, callback: Callable[[Future[None]], None]) -> None:
        """Call back, on any thread, when an execution in this process is over."""
        if self._execution is not None:
            self._execution.ended.add_done_callback(callback)

    def _outcome(self) -> Any:
        state = self._current()
        if state.ended == "done":
            return self._typed_output(state.output)
        from leafmesh_nb.observe.card_values import shorten

        error = self.error or {}
        message = shorten(str(error.get("message") or "no reason recorded"))
        step = error.get("step")
        where = f" at step {step}" if step else ""
        raise RunError(
            f"run {self.id} {state.ended}{where}: {message}",
            run=self,
            step=step,
            cause=error.get("kind"),
        )

    def _typed_output(self, output: Mapping[str, Any]) -> dict[str, Any]:
        """Money as Decimal again, by the static type of each output expression."""
        return Output(accept(self._plan.workflow.output_type, dict(output)), self.masker)

    # Steering

    def step(self, *, wait: bool = True) -> None:
        """Run one more step, and stop before the next."""
        self._send("step", "resume", {"steps": 1}, wait)

    def resume(self, *, wait: bool = True) -> None:
        """Go on to the end; a run that nobody owns is taken over first."""
        own(self)
        if self.status == "paused":
            self._send("resume", "resume", {"steps": None}, wait)

    def pause(self, *, wait: bool = True) -> None:
        """Start no further step or call."""
        self._send("pause", "pause", {}, wait)

    def cancel(self, *, wait: bool = True) -> None:
        """End the run; a side effect in flight is waited for first."""
        self._send("cancel", "cancel", {}, wait)

    def rewind(self, step: str, *, pause: bool = False) -> Run:
        """Go back to before ``step``: this run ends, if it has not, and a new one goes on in its
        place.

        What had ended before the step was decided is kept, and what it paid for is not paid again;
        the rest runs again. Effects outside and writes to shared memory are not undone: the new
        run's ``origin`` lists them. ``pause`` starts the new run step by step. Raises RunError.
        """
        from leafmesh_nb.mesh.branching import branch

        return branch(self, step, "rewind", memory={}, step_by_step=pause)

    def fork(
        self, step: str, *, memory: Mapping[str, Any] | None = None, pause: bool = False
    ) -> Run:
        """As ``rewind``, beside this run, which goes on as it is.

        ``memory`` changes fields of scope run first, under your name. The fork's requester is you.
        """
        from leafmesh_nb.mesh.branching import branch

        return branch(self, step, "fork", memory=memory or {}, step_by_step=pause)

    def patch(self, field: str, value: Any) -> None:
        """Change a field of the run's memory by hand: an event with your name."""
        self._send("patch", "patch", {"field": field, "value": self._json(value)}, True)

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
        """Answer a question: approve, reject, edit or escalate. Raises ApprovalError if refused.

        ``person`` None is whoever sits here (``%config MeshMagics.person``); where nobody was
        named, the first of those who are asked. Nobody can be more than ``asserted`` here.

        An answer from inside an agent's call is refused: from its function, its tasks, every
        thread that it starts, as long as that lives, and what it hands to a thread pool. What it
        leaves to somebody else's code (a queue that your thread reads, a signal handler, another
        process) is not told from a person: a kernel is no security boundary.
        """
        if identity != "asserted":
            raise ApprovalError(f"an answer given here is asserted; it cannot be {identity!r}")
        body = {
            "id": str(approval),
            "answer": str(answer),
            "person": str(person or named_person() or ""),
            "channel": str(channel),
            "identity": identity,
            "note": str(note or ""),
            "value": self._json(value),
            "inside_call": inside_call(),
        }
        try:
            verdict = post(self, "answer", body)
        except RunError as error:
            raise ApprovalError(f"the answer could not be given: {error}") from None
        if not verdict.accepted:
            raise ApprovalError(f"the answer was refused: {self.masker.text(verdict.reason)}")

    def _json(self, value: Any) -> Any:
        try:
            return dump_any(value)
        except TypeMismatch as error:
            raise ApprovalError(f"the value {error}") from None

    # Messages to the owner

    def _send(self, verb: str, kind: str, body: dict[str, Any], wait: bool) -> None:
        if inside_call():
            raise RunError(f"run {self.id} cannot {verb} from inside an agent's call", run=self)
        body = {**body, "by": this_person()}
        if not wait:
            threading.Thread(target=self._send_aside, args=(kind, body), daemon=True).start()
            return
        verdict = post(self, kind, body)
        if not verdict.accepted:
            why = self.masker.text(verdict.reason)
            raise RunError(f"run {self.id} cannot {verb}: {why}", run=self)
        if body.get("steps"):
            self._settle()

    def _send_aside(self, kind: str, body: dict[str, Any]) -> None:
        try:
            post(self, kind, body)
        except LeafmeshError as error:
            logger.warning("run %s did not get its %s: %s", self.id, kind, error)

    def _settle(self) -> None:
        """Wait until a single step is over, or asks."""
        changed = threading.Event()
        stop = self.subscribe(lambda _: changed.set())
        try:
            while not self._settled() and not self.is_over() and not self.abandoned():
                changed.wait(0.1)
                changed.clear()
        finally:
            stop()

    def _settled(self) -> bool:
        state = self._current()
        busy = bool(state.at_work())
        return state.status == "waiting" or (state.status != "running" and not busy)

    # Following

    def carry(self, execution: Execution) -> None:
        """Follow an execution of this run in this process."""
        self._current()  # whatever an owner before this one recorded
        self._execution = execution
        execution.record.listeners.append(self._committed)

    def _committed(self, events: Sequence[Event]) -> None:
        """Take in events that are durable, and tell the listeners.

        Its owner has folded them already: here they are folded when somebody asks for the state.
        """
        with self._lock:
            known = self._events[-1].seq
            news = [event for event in events if event.seq > known]
            if news and news[0].seq > known + 1:
                news = self.journal.read(f"run:{self.id}", known)
            self._events += news
            listeners = tuple(self._listeners) if news else ()
        for listener in listeners:
            try:
                listener(news)
            except Exception:  # a view that fails must not stop the run that it shows
                logger.exception("a listener of run %s failed", self.id)

    def _current(self) -> RunState:
        """The state, with what the journal got meanwhile when another process owns the run."""
        execution, state = self._execution, self._folded()
        if execution is not None and host().execution(self.journal, self.id) is execution:
            return state
        if state.ended is not None:
            return state
        try:
            news = self.journal.read(f"run:{self.id}", state.seq)
        except LeafmeshError:
            if execution is None:
                raise
            return state  # the wait for the execution that met this journal tells of it
        self._committed(news)
        return self._folded()

    def _folded(self) -> RunState:
        with self._lock:
            for event in self._events[self._state.seq :]:  # an event's place is its seq
                apply(self._state, event)
            return self._state

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.spec.mesh}.{self.workflow}: {self.status}>"


def live_owner(row: RunRow) -> str | None:
    """Who holds a run's lease and lives, as far as can be seen from here."""
    if not row.owner or row.lease_until is None or row.lease_until <= datetime.now(UTC):
        return None
    return None if is_alive(row.owner) is False else row.owner


def _lost(ended: Future[None]) -> bool:
    """Whether an execution is over because another owner has the run."""
    return ended.done() and isinstance(ended.exception(), OwnershipError)
