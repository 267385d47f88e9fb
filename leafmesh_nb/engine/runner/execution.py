"""One run, driven to its end: fold, decide, perform, append; sleep until something happens."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import steps
from leafmesh_nb.engine.answers import Answer, answer, due_questions, time_out
from leafmesh_nb.engine.decide import End, Finish, Gate, Perform, Resolve, Route, decide
from leafmesh_nb.engine.events import (
    Event,
    MemoryPatched,
    RunEnded,
    RunPaused,
    RunRebound,
    RunResumed,
    StepEnded,
)
from leafmesh_nb.engine.gate import OUTPUT, passage
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import InboxRow, Ports, Verdict
from leafmesh_nb.engine.runner.calls import Performer
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.language.spec import ModelSpec
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.merge import Versioned, Write

__all__ = ["Execution"]

Listener = Callable[[Sequence[Event]], None]


class Execution:
    """The owner of one run in this process. All of it runs on the host's loop."""

    def __init__(
        self,
        plan: Plan,
        state: RunState,
        ports: Ports,
        epoch: int,
        stream: SharedStream,
        observations: Observations,
        *,
        recovered_by: str = "",
        rebound: bool = False,
    ) -> None:
        self.run = state.run
        self.plan = plan
        self.ports = ports
        self.epoch = epoch
        self.record = Record(plan, state, ports, epoch, stream)
        self.ended: Future[None] = Future()
        self._stream = stream
        fields = plan.spec.memory.values()
        self._shares = plan.spec.budgets.day is not None or any(f.scope == "mesh" for f in fields)
        self._observations = observations
        self._recovered_by = recovered_by
        self._rebound = rebound
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._messages: deque[tuple[InboxRow, Future[Verdict] | None]] = deque()
        self._scripted: set[tuple[str, str]] = set()
        self._cancelled_by: str | None = None
        self._failure: BaseException | None = None
        self._wake = asyncio.Event()

    @property
    def state(self) -> RunState:
        """The run as it stands, events that are not yet durable included."""
        return self.record.state

    def deliver(self, row: InboxRow, verdict: Future[Verdict] | None = None) -> None:
        """Hand over an inbox row; ``verdict`` is resolved once it is durable."""
        self._messages.append((row, verdict))
        self._wake.set()

    async def drive(self) -> None:
        """Run to the end. Sets ``ended``: with an error when the record cannot go on."""
        self._performer = Performer(self.record, self.ports, self._stream, self._wake.set)
        try:
            self._begin()
            while self.state.ended is None:
                await self._turn()
                if self.state.ended is None:
                    await self._sleep()
            self.ended.set_result(None)
        except BaseException as error:
            self.ended.set_exception(error)
            if not isinstance(error, LeafmeshError):
                raise
        finally:
            for task in self._tasks.values():
                task.cancel()
            for _, verdict in self._messages:
                if verdict is not None:
                    verdict.set_result(Verdict(0, False, "the run has ended"))

    def _begin(self) -> None:
        if self._recovered_by:
            self.record.append("", RunResumed(self._recovered_by, recovered=True))
            if self._rebound:
                digests = self.ports.agents.digests()
                self.record.append("", RunRebound(self._recovered_by, digests))
        elif self.state.seq == 1 and self.plan.workflow.save:
            found = steps.start_saves(
                self.plan, self.state, self.record.shared, self.ports.clock.now()
            )
            if isinstance(found, str):
                error = steps.failure("ExpressionError", found)
                self.record.append("", RunEnded("failed", error=error))
            else:
                self.record.write("", f"workflow:{self.plan.workflow.id}", found)

    async def _turn(self) -> None:
        """Everything that can happen now: messages, time-outs, decisions; then the calls."""
        if self._failure is not None:
            raise self._failure
        if self._shares:
            self._stream.refresh()  # a step sees what other processes wrote before it starts
        for approval in due_questions(self.state, self.ports.clock.now()):
            self.record.append(approval.path, time_out(approval, self.ports.clock.now()))
        verdicts = self._read_messages()
        waiting: list[str] = []
        while self.state.ended is None:
            moved = False
            waiting = []
            if self._cancelled_by is not None:
                moved = self._cancel()
            else:
                for effect in decide(self.plan, self.state):
                    if isinstance(effect, Perform):
                        waiting.append(effect.path)
                    elif self._do(effect):
                        moved = True
            moved = self._ask_script() or moved
            if not moved:
                break
        if self.state.ended is None:
            self._perform(waiting)
        await self.record.flush()
        for verdict, outcome in verdicts:
            verdict.set_result(outcome)

    def _perform(self, paths: Sequence[str]) -> None:
        for path in paths:
            if path not in self._tasks:
                self._tasks[path] = asyncio.get_running_loop().create_task(self._performed(path))

    async def _performed(self, path: str) -> None:
        agent = self.state.steps[path].agent
        try:
            with self._observations.in_flight(agent, self.ports.clock):
                await self._performer.perform(path)
        except Exception as error:
            self._failure = error  # the run stops here: performing the step again would not help
        finally:
            self._tasks.pop(path, None)
            self._wake.set()

    async def _sleep(self) -> None:
        """Until something happens, or the next question's time is over."""
        due = [a.due for a in self.state.open_approvals() if a.due is not None]
        woken = asyncio.ensure_future(self._wake.wait())
        waits: list[asyncio.Future[Any]] = [woken]
        if due:
            waits.append(asyncio.ensure_future(self.ports.clock.sleep_until(min(due))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waits:
                waiter.cancel()
        self._wake.clear()

    # Decisions

    def _do(self, effect: Resolve | Route | Gate | Finish | End) -> bool:
        """Perform a pure effect; False when it must wait."""
        plan, state, shared = self.plan, self.state, self.record.shared
        now = self.ports.clock.now()
        if isinstance(effect, End):
            if self._tasks or self._performer.effects_in_flight:
                return False
            for path, body in steps.end_run(plan, state, shared, effect.failed, now):
                self.record.append(path, body)
        elif isinstance(effect, Resolve):
            self.record.append(effect.path, *steps.resolve(plan, state, shared, effect.path, now))
        elif isinstance(effect, Route):
            inputs = state.steps[effect.path].inputs
            prices = steps.expected_prices(plan, effect.path, inputs, self._list_cost)
            observed = self._observations.snapshot(prices, self.ports.agents.unbound())
            self.record.append(effect.path, *steps.route(plan, state, effect.path, observed))
        elif isinstance(effect, Gate):
            self._gate_output(effect.path)
        else:
            error = steps.failure(effect.kind, effect.message, effect.path)
            self.record.append(effect.path, StepEnded(effect.status, error=error))
        return True

    def _gate_output(self, path: str) -> None:
        record, step = self.record, self.state.steps[path]
        finished = self.state.calls[step.main].finished
        assert finished is not None, "decide gates finished calls only"
        now = self.ports.clock.now()
        passed = passage(
            self.plan,
            self.state,
            record.shared,
            step,
            OUTPUT,
            requested=finished.result,
            now=now,
        )
        record.append(path, *passed.bodies)
        if passed.verdict == "wait":
            return
        if passed.verdict == "deny":
            message = f"the output of {path} was denied: {passed.reason}"
            error = steps.failure("PolicyDenied", message, path)
            record.append(path, StepEnded("failed", error=error))
            return
        saved = steps.saves(self.plan, self.state, record.shared, step, passed.value, now)
        if isinstance(saved, str):
            error = steps.failure("ExpressionError", saved, path)
            record.append(path, StepEnded("failed", error=error))
            return
        written = [Write.from_json(w) for w in finished.writes]
        record.write(path, step.agent, [*written, *saved])
        record.append(path, StepEnded("done", output=passed.value))

    def _list_cost(self, model: ModelSpec, tokens_in: int, tokens_out: int) -> Decimal | None:
        prices = self.ports.prices
        if model.priced_as:
            return prices.list_cost(model.priced_as, tokens_in, tokens_out)
        return prices.spent(model, tokens_in, tokens_out)

    def _cancel(self) -> bool:
        """End the run as cancelled once no side effect is in flight."""
        if self._performer.effects_in_flight:
            return False
        for task in self._tasks.values():
            task.cancel()
        for path, step in list(self.state.steps.items()):
            if step.phase != "ended":
                self.record.append(path, StepEnded("cancelled"))
        error = steps.failure("Cancelled", f"cancelled by {self._cancelled_by}")
        self.record.append("", RunEnded("cancelled", error=error))
        return True

    # Messages

    def _read_messages(self) -> list[tuple[Future[Verdict], Verdict]]:
        verdicts: list[tuple[Future[Verdict], Verdict]] = []
        while self._messages:
            row, future = self._messages.popleft()
            refusal = self._message(row)
            verdict = Verdict(row.id, not refusal, refusal)
            self.record.verdict(verdict)
            if future is not None:
                verdicts.append((future, verdict))
        return verdicts

    def _message(self, row: InboxRow) -> str:
        """Act on a message; a text says why it was refused."""
        body, by = row.body, str(row.body.get("by", ""))
        if self.state.ended is not None or self._cancelled_by is not None:
            return f"the run has ended ({self.state.ended or 'cancelled'})"
        if row.kind == "answer":
            return self._answer(Answer.from_json(body))
        if row.kind == "pause":
            self.record.append("", RunPaused(by))
        elif row.kind == "resume":
            self.record.append("", RunResumed(by, body.get("steps")))
        elif row.kind == "cancel":
            self._cancelled_by = by
        elif row.kind == "patch":
            return self._patch(str(body.get("field", "")), body.get("value"), by)
        else:
            return f"a run takes no message {row.kind!r}"
        return ""

    def _answer(self, given: Answer) -> str:
        outcome = answer(self.plan, self.state, self.record.shared, given, self.ports.clock.now())
        self.record.append(outcome.path, *outcome.bodies)
        return outcome.refusal

    def _patch(self, name: str, value: Any, by: str) -> str:
        field = self.plan.spec.memory.get(name)
        if field is None or field.scope != "run":
            return f"memory.{name} is no field of scope run in this mesh"
        try:
            dumped = dump(field.type, accept(field.type, value))
        except TypeMismatch as error:
            return f"memory.{name}: {error}"
        version = self.state.memory.get(name, Versioned()).version + 1
        self.record.append("", MemoryPatched(name, version, by, dumped))
        return ""

    def _ask_script(self) -> bool:
        """Let a scripted approver answer what is open; True when it answered something."""
        if self.ports.approver is None:
            return False
        answered = False
        for question in tuple(self.state.open_approvals()):
            asked = (question.id, question.to)
            if asked in self._scripted:
                continue
            self._scripted.add(asked)
            given = self.ports.approver.answer(question)
            if given is not None:
                self._answer(replace(given, id=question.id, channel="script", identity="script"))
                answered = True
        return answered
