"""The effects that call nobody: deciding, routing, gating and ending steps."""

from __future__ import annotations

from decimal import Decimal

from leafmesh_nb.engine import steps
from leafmesh_nb.engine.decide import Finish, Gate, Resolve, Route
from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.engine.gate import OUTPUT, passage
from leafmesh_nb.engine.ports import Ports
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.language.spec import ModelSpec
from leafmesh_nb.memory.merge import Write

__all__ = ["Decisions"]


class Decisions:
    """Performs the effects of ``decide`` that need nothing from outside."""

    def __init__(self, record: Record, ports: Ports, observations: Observations) -> None:
        self._record = record
        self._ports = ports
        self._observations = observations

    def make(self, effect: Resolve | Route | Gate | Finish) -> None:
        """Append what an effect leads to."""
        if isinstance(effect, Resolve):
            self._resolve(effect.path)
        elif isinstance(effect, Route):
            self._route(effect.path)
        elif isinstance(effect, Gate):
            self._gate(effect.path)
        else:
            error = steps.failure(effect.kind, effect.message, effect.path)
            self._record.append(effect.path, StepEnded(effect.status, error=error))

    def _resolve(self, path: str) -> None:
        record, now = self._record, self._ports.clock.now()
        bodies = steps.resolve(record.plan, record.state, record.shared, path, now)
        record.append(path, *bodies, now=now)

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
        record.append(path, *passed.bodies, now=now)
        if passed.verdict == "wait":
            return
        if passed.verdict == "deny":
            self._fail(path, "PolicyDenied", f"the output of {path} was denied: {passed.reason}")
            return
        saved = steps.saves(plan, state, shared, step, passed.value, now)
        if isinstance(saved, str):
            self._fail(path, "ExpressionError", saved)
            return
        written = [Write.from_json(w) for w in finished.writes]
        record.write(path, step.agent, [*written, *saved])
        record.append(path, StepEnded("done", output=passed.value))

    def _fail(self, path: str, kind: str, message: str) -> None:
        error = steps.failure(kind, message, path)
        self._record.append(path, StepEnded("failed", error=error))
