"""One run, driven to its end: fold, decide, perform, append; sleep until something happens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from leafmesh_nb.engine import steps
from leafmesh_nb.engine.answers import due_questions, time_out
from leafmesh_nb.engine.decide import Cancel, End, Perform, Resolve, Settle, decide
from leafmesh_nb.engine.ending import abandoned, cancel_run, end_run
from leafmesh_nb.engine.events import RunEnded, RunRebound, RunResumed, TimerFired
from leafmesh_nb.engine.plan import Plan
from leafmesh_nb.engine.ports import InboxRow, Ports, Verdict
from leafmesh_nb.engine.runner.call_context import Work
from leafmesh_nb.engine.runner.decisions import Decisions, Made
from leafmesh_nb.engine.runner.messages import Messages, Reply
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.performer import Performer
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import LeafmeshError, OwnershipError, RunError

__all__ = ["Execution"]

OVER = Verdict(0, False, "the run is over")

MOST_PENDING = 500
"""Events in one transaction, about: a loop over thousands of items lets others have the host's
thread now and then."""


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
        self._messages = Messages(self.record, ports)
        self._decisions = Decisions(self.record, ports, observations)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._fault: BaseException | None = None
        self._untold: list[Future[Verdict]] = []
        self._over = False
        self._draining = False
        self.failure: LeafmeshError | None = None
        self._wake = asyncio.Event()
        self._performer = Performer(self.record, ports, stream, self._wake.set)

    @property
    def progress(self) -> Mapping[str, str]:
        """What running functions last said of themselves, by step; it is not recorded."""
        return self._performer.progress

    @property
    def state(self) -> RunState:
        """The run as it stands, events that are not yet durable included."""
        return self.record.state

    def deliver(self, row: InboxRow, verdict: Future[Verdict] | None = None) -> bool:
        """Hand over an inbox row; ``verdict`` is resolved once it is durable. False for one that
        was handed over before."""
        if self._over or not self._messages.deliver(row, verdict):
            return False
        self._wake.set()
        return True

    def drain(self) -> None:
        """Begin nothing more, and give the run up once what is in flight has come back.

        Whoever takes the run over goes on from there: nothing is recorded of this.
        """
        self._draining = True
        self._performer.stop()
        self._wake.set()

    async def drive(self) -> None:
        """Run to the end. ``failure`` is set when the record cannot go on; the run stays open then,
        and its lease is given up."""
        try:
            self._begin()
            await self._turn()
            while self.state.ended is None:
                if self._draining and not self._tasks and not self._performer.acting:
                    raise OwnershipError(f"run {self.run} was given up: its process is stopping")
                await self._sleep()
                await self._turn()
        except LeafmeshError as error:
            self.failure = error
        except BaseException as error:
            said = f"run {self.run} met a fault of the engine: {error!r}"
            self.failure = RunError(said, run=self.run)
            self.failure.__cause__ = error
        finally:
            self._close()

    def _close(self) -> None:
        self._over = True
        self._performer.stop()
        for task in (*self._tasks.values(), *self._leaving):
            task.cancel()
        for waiting in (*self._untold, *self._messages.unanswered()):
            if self.failure is None:
                waiting.set_result(OVER)
            else:  # no verdict: the message stays in the inbox, for whoever takes the run up
                waiting.set_exception(self.failure)
        if self.failure is not None:
            self._give_up()

    def _give_up(self) -> None:
        try:
            self.ports.journal.release(self.run, self.epoch)
        except LeafmeshError:
            return  # the journal that failed the run cannot be told; the lease lapses by itself

    def _begin(self) -> None:
        if self._recovered_by:
            self.record.append("", RunResumed(self._recovered_by, recovered=True))
            if self._rebound:
                digests = self.ports.agents.digests()
                self.record.append("", RunRebound(self._recovered_by, digests))
        if self.plan.workflow.save and not self.state.saved:
            self._save_inputs()

    def _save_inputs(self) -> None:
        now = self.ports.clock.now()
        found = steps.start_saves(self.plan, self.state, self.record.shared, "", now)
        if isinstance(found, str):
            error = steps.failure("ExpressionError", found)
            self.record.append("", RunEnded("failed", error=error))
        else:
            self.record.write("", f"workflow:{self.plan.workflow.id}", found)

    async def _turn(self) -> None:
        """Everything that can happen now: messages, time-outs, decisions; then the calls."""
        if self._fault is not None:
            raise self._fault
        if self._shares:
            self._stream.refresh()  # a step sees what other processes wrote before it starts
        now = self.ports.clock.now()
        for approval in due_questions(self.state, now):
            self.record.append(approval.path, time_out(approval, now), now=now)
        for path in [path for path, due in self.state.timers.items() if due <= now]:
            self.record.append(path, TimerFired(), now=now)
        replies: list[Reply] = []
        begun: list[tuple[str, Work]] = []
        try:
            self._messages.read(replies)
            for path in self._decide():
                work = await self._performer.begin(path)
                if work is None:
                    self._wake.set()
                else:
                    begun.append((path, work))
            await self.record.flush()
        except BaseException:
            self._untold = [future for future, _ in replies]
            raise
        for future, verdict in replies:
            future.set_result(verdict)
        for path, work in begun:
            self._tasks[path] = asyncio.create_task(self._perform(path, work))

    def _decide(self) -> list[str]:
        """Decide until nothing moves; returns the steps to perform."""
        while self.state.ended is None:
            if self.record.shares() or self.record.pending > MOST_PENDING:
                self._wake.set()  # what is decided next must see what was written
                return []
            performs: list[str] = []
            if self._messages.cancelled_by is not None:
                moved = self._cancel(self._messages.cancelled_by)
            else:
                moved = False
                for effect in decide(self.plan, self.state):
                    if self._draining and isinstance(effect, (Resolve, Perform, Settle)):
                        continue
                    if isinstance(effect, (Perform, Settle)):
                        if effect.path not in self._tasks:
                            performs.append(effect.path)
                        continue
                    moved = self._act(effect) or moved
                    if self._changed_course(effect):
                        break  # what else was due may not be due any more
                moved = self._messages.ask_script() or moved
            if not moved:
                return performs
        return []

    def _act(self, effect: Made | Cancel | End) -> bool:
        """Carry out an effect that calls nobody; whether that changed anything."""
        if isinstance(effect, End):
            return self._end(effect.failed)
        if isinstance(effect, Cancel):
            return self._cancel_part(effect)
        self._decisions.make(effect)
        return True

    def _changed_course(self, effect: Made | Cancel | End) -> bool:
        """Whether an effect may have made others of the same turn pointless."""
        if isinstance(effect, (End, Cancel)):
            return False  # an end is alone, and a part that is cancelled is one of several
        if self.record.shares() or self.record.pending > MOST_PENDING:
            return True
        step = self.state.steps[effect.path]
        return step.status == "failed" or (step.status == "done" and "@" in effect.path)

    async def _perform(self, path: str, work: Work) -> None:
        agent = self.state.steps[path].agent
        try:
            with self._observations.in_flight(agent, self.ports.clock):
                await work()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fault = error
        finally:
            if self._tasks.get(path) is asyncio.current_task():
                del self._tasks[path]
            self._wake.set()

    async def _sleep(self) -> None:
        """Until something happens, or the next timer is due."""
        due = self.state.next_due()
        timer = None
        if due is not None and not self._wake.is_set():
            timer = asyncio.ensure_future(self.ports.clock.sleep_until(due))
            timer.add_done_callback(self._time_is_over)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()
        self._wake.clear()

    def _time_is_over(self, timer: asyncio.Future[None]) -> None:
        if not timer.cancelled():  # that one was given up, and wakes nobody: no turn without news
            self._wake.set()

    # Ending

    def _end(self, failed: str) -> bool:
        """End the run; False while something that counts is still in flight.

        What a failed run waits for: side effects, and models, whose answers are paid for. A
        function is abandoned, since it may never return.
        """
        if failed:
            self._performer.stop()
            self._abandon([p for p in self._tasks if self._is_function(p)])
        if self._tasks or self._performer.acting:
            return False
        now = self.ports.clock.now()
        plan, state, shared = self.plan, self.state, self.record.shared
        for path, body in end_run(plan, state, shared, failed, now):
            self.record.append(path, body, now=now)
        return True

    def _cancel(self, by: str) -> bool:
        """End the run as cancelled once no side effect is in flight."""
        self._performer.stop()
        if self._performer.acting:
            return False
        self._abandon(list(self._tasks))
        for path, body in cancel_run(self.state, by):
            self.record.append(path, body)
        self._messages.cancelled()
        return True

    def _cancel_part(self, effect: Cancel) -> bool:
        """End a part of a step as cancelled; False while something that counts is still in flight.

        A function is left to itself: nothing goes out for it any more, and what it comes to is
        recorded if the run still goes on then."""
        path, step = effect.path, self.state.steps[effect.path]
        self._performer.forsake(path)
        if self._performer.acts_for(path):
            return False
        left = ""
        if path in self._tasks:
            if self._is_function(path):
                left = step.main
                self._let_go(path)
            elif effect.patient:
                return False
            else:
                self._abandon([path])
        now = self.ports.clock.now()
        for body in tuple(abandoned(self.state, step, effect.reason, except_key=left)):
            self.record.append(path, body, now=now)
        return True

    def _let_go(self, path: str) -> None:
        task = self._tasks.pop(path)
        self._leaving.add(task)  # the loop itself holds tasks by weak references only
        task.add_done_callback(self._leaving.discard)

    def _is_function(self, path: str) -> bool:
        return self.plan.spec.agents[self.state.steps[path].agent].kind == "python"

    def _abandon(self, paths: Sequence[str]) -> None:
        for path in paths:
            task = self._tasks[path]
            self._let_go(path)
            task.cancel()
