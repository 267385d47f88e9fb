"""The effects that call nobody: deciding, routing, gating and ending steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine import steps
from leafmesh_nb.engine.decide import (
    Collect,
    Doubt,
    Evaluate,
    Finish,
    Gate,
    Resolve,
    Retry,
    Route,
    Wait,
)
from leafmesh_nb.engine.ending import collected
from leafmesh_nb.engine.events import (
    ApprovalAsked,
    BudgetSettled,
    CallFailed,
    CallFinished,
    StepEnded,
)
from leafmesh_nb.engine.gate import OUTPUT, ask_in_doubt, passage
from leafmesh_nb.engine.ports import Ports
from leafmesh_nb.engine.resolving import resolve, retry_timer, wait_timer
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.state import CallState, StepState
from leafmesh_nb.language.spec import ModelSpec
from leafmesh_nb.memory.merge import Write

__all__ = ["Decisions", "Made"]

Made = Resolve | Route | Evaluate | Wait | Retry | Doubt | Gate | Collect | Finish
"""The effects that are made here."""


class Decisions:
    """Performs the effects of ``decide`` that need nothing from outside."""

    def __init__(self, record: Record, ports: Ports, observations: Observations) -> None:
        self._record = record
        self._ports = ports
        self._observations = observations

    def make(self, effect: Made) -> None:
        """Append what an effect leads to."""
        path = effect.path
        match effect:
            case Resolve():
                self._resolve(path)
            case Route():
                self._route(path)
            case Evaluate():
                self._end(path, *steps.evaluated(*self._at(path)))
            case Wait():
                self._wait(path)
            case Retry():
                now = self._ports.clock.now()
                timer = retry_timer(self._record.plan, self._record.state, path, now)
                self._record.append(path, timer, now=now)
            case Doubt():
                self._doubt(path)
            case Gate():
                self._gate(path)
            case Collect():
                self._end(path, *collected(*self._at(path)))
            case Finish():
                error = steps.failure(effect.kind, effect.message, effect.at or path)
                self._record.append(path, StepEnded(effect.status, error=error))

    def _at(self, path: str) -> tuple[Any, ...]:
        record = self._record
        return record.plan, record.state, record.shared, path, self._ports.clock.now()

    def _resolve(self, path: str) -> None:
        record, now = self._record, self._ports.clock.now()
        bodies = resolve(record.plan, record.state, record.shared, path, now)
        record.append(path, *bodies, now=now)
        if record.state.steps[path].parts != "steps":
            return
        flow = record.plan.flow(path).workflow
        saved = steps.start_saves(*self._at(path)) if flow.save else ()
        if isinstance(saved, str):
            self._fail(path, "ExpressionError", saved)
        else:
            record.write(path, f"workflow:{flow.id}", saved)

    def _wait(self, path: str) -> None:
        record, now = self._record, self._ports.clock.now()
        timer = wait_timer(record.plan, record.state, record.shared, path, now)
        if isinstance(timer, str):
            self._fail(path, "ExpressionError", timer)
        else:
            record.append(path, timer, now=now)

    def _route(self, path: str) -> None:
        record = self._record
        inputs = record.state.steps[path].inputs
        prices = steps.expected_prices(record.plan, path, inputs, self._list_cost)
        observed = self._observations.snapshot(prices, self._ports.agents.unbound())
        record.append(path, *steps.route(record.plan, record.state, path, observed))

    def _list_cost(self, model: ModelSpec, tokens_in: int, tokens_out: int) -> Decimal | None:
        prices = self._ports.prices
        if model.priced_as:
            return prices.list_cost(model.priced_as, tokens_in, tokens_out)
        return prices.spent(model, tokens_in, tokens_out)

    def _gate(self, path: str) -> None:
        record, step = self._record, self._record.state.steps[path]
        finished = record.state.calls[step.main].finished
        assert finished is not None, "decide gates finished calls only"
        plan, state, shared, now = record.plan, record.state, record.shared, self._ports.clock.now()
        passed = passage(plan, state, shared, step, OUTPUT, requested=finished.result, now=now)
        if passed.verdict == "wait" and "@" in path.rpartition("/")[2]:
            bodies = [b for b in passed.bodies if not isinstance(b, ApprovalAsked)]
            record.append(path, *bodies, now=now)
            why = "a person would be asked about it, and a race takes answers that need nobody"
            self._fail(path, "PolicyDenied", f"the output of {path} did not win: {why}")
            return
        record.append(path, *passed.bodies, now=now)
        if passed.verdict == "wait":
            return
        if passed.verdict == "deny":
            self._fail(path, "PolicyDenied", f"the output of {path} was denied: {passed.reason}")
            return
        self._end(path, passed.value, "", [Write.from_json(w) for w in finished.writes])

    def _end(self, path: str, output: Any, why: str, written: Sequence[Write] = ()) -> None:
        """End a step, or a part of one: what is saved of it is written, and what repeats it is
        asked whether it goes on. ``why`` there is no output fails it."""
        record, now = self._record, self._ports.clock.now()
        at = (record.plan, record.state, record.shared, path, output, now)
        saved = () if why else steps.saves(*at)
        again = None if why else steps.again(*at)
        for problem in (why, saved, again):
            if isinstance(problem, str) and problem:
                self._fail(path, "ExpressionError", problem)
                return
        assert not isinstance(saved, str), "a text was a failure"
        record.write(path, self._writer(path), [*written, *saved])
        assert not isinstance(again, str), "a text was a failure"
        record.append(path, StepEnded("done", output=output, again=again))

    def _writer(self, path: str) -> str:
        """Who writes what a step saves: the agent that gave it, or its workflow."""
        plan, state = self._record.plan, self._record.state
        scope = path.rpartition("/")[0]
        return state.giver(path).agent or f"workflow:{plan.flow(scope).workflow.id}"

    def _doubt(self, path: str) -> None:
        """What the step says, or the person who is asked, of a call that may have happened."""
        record, now = self._record, self._ports.clock.now()
        step = record.state.steps[path]
        call = record.state.calls[step.main]
        asked = record.state.doubts(call.started.key)
        if record.plan.step(path).on_in_doubt == "fail":
            message = f"{call.started.target} was called, and its answer never arrived"
            self._lose(step, call, message)
        elif not asked or asked[-1].status == "superseded":
            record.append(path, ask_in_doubt(record.plan, record.state, step, call, now), now=now)
        elif asked[-1].status == "approved":
            note = f"entered by {asked[-1].person}"
            finished = CallFinished(call.started.key, asked[-1].value, live=False, note=note)
            record.append(path, finished)
            self._settle(step, call)
        else:
            who = asked[-1].person or "nobody"
            message = f"{call.started.target} is in doubt, and {who} let it fail"
            self._lose(step, call, message)

    def _lose(self, step: StepState, call: CallState, message: str) -> None:
        error = steps.failure("InDoubtError", message, step.path)
        self._record.append(step.path, CallFailed(call.started.key, error))
        self._settle(step, call)

    def _settle(self, step: StepState, call: CallState) -> None:
        """Nobody knows what the call cost: all that was reserved counts as spent."""
        if call.reserved:
            settled = BudgetSettled(call.started.key, str(call.reserved))
            self._record.append(step.path, settled)

    def _fail(self, path: str, kind: str, message: str) -> None:
        error = steps.failure(kind, message, path)
        self._record.append(path, StepEnded("failed", error=error))
