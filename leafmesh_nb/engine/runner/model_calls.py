"""A step that a model performs: one request, with what the agent may see and nothing else."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from leafmesh_nb.engine.events import CallFailed, CallFinished, CallStarted, StepEnded
from leafmesh_nb.engine.keys import call_key, digest
from leafmesh_nb.engine.names import instruction_names, memory_values
from leafmesh_nb.engine.ports import Model, ModelReply, ModelRequest
from leafmesh_nb.engine.runner.call_context import CallContext, Work, guarded, shortest
from leafmesh_nb.engine.runner.reservations import Reservations
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.errors import AgentError, LeafmeshError
from leafmesh_nb.language.schema import json_schema
from leafmesh_nb.language.spec import AgentSpec, Capability, ModelSpec
from leafmesh_nb.language.to_json import dump, dump_any
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.view import granted

__all__ = ["ModelCalls"]

MAX_OUTPUT_TOKENS = 1024
"""Per call, where a model does not say: a default that a vendor chooses can be 64,000."""


class ModelCalls:
    """The model calls of one run."""

    def __init__(self, context: CallContext, reservations: Reservations) -> None:
        self._context = context
        self._reservations = reservations

    async def begin(self, path: str, agent: AgentSpec) -> Work | None:
        """Append the intent to ask; None when a budget refuses it, which ends the step."""
        record, ports = self._context.record, self._context.ports
        step = record.state.steps[path]
        declared = record.plan.spec.models[step.model or ""]
        request = self._request(path, agent, declared)
        model = ports.agents.model(declared.name)
        tokens_in, tokens_out = model.count(request), request.max_output_tokens
        worst = self._reservations.counted(agent, declared, tokens_in, tokens_out)
        refusal = await self._reservations.refuse(step, agent, request.key, worst)
        if refusal is not None:
            self._reservations.record_refusal(path, request.key, refusal)
            error = failure("BudgetError", refusal.message, path)
            record.append(path, StepEnded("failed", error=error))
            return None
        record.append(path, self._intent(request))
        self._reservations.reserve(path, request.key, worst)
        return lambda: self._ask(path, agent, declared, model, request)

    def _request(self, path: str, agent: AgentSpec, declared: ModelSpec) -> ModelRequest:
        record, step = self._context.record, self._context.record.state.steps[path]
        capability = agent.capabilities[record.plan.step(path).capability or ""]
        values = memory_values(record.plan, record.state, record.shared, step.versions)
        memory = granted(agent, values)
        instructions = ""
        if agent.instructions is not None:
            names = instruction_names(record.plan, record.state, step, memory)
            text = agent.instructions.render(names, now=step.resolved_at)
            instructions = text if isinstance(text, str) else agent.instructions.text
        asked = [declared.name, agent.id, capability.name, instructions, step.inputs, memory]
        return ModelRequest(
            model=declared.name,
            agent=agent.id,
            role=agent.role,
            instructions=instructions,
            capability=capability.name,
            description=capability.description,
            inputs=dict(step.inputs),
            memory=memory,
            schema=json_schema(capability.output),
            examples=tuple(
                {"text": e.text, "output": dump_any(dict(e.output))} for e in capability.examples
            ),
            max_output_tokens=declared.max_output_tokens or MAX_OUTPUT_TOKENS,
            key=call_key(record.state.run, path, step.generation, 0, digest(asked)),
            today=record.state.started_at.date(),
        )

    def _intent(self, request: ModelRequest) -> CallStarted:
        return CallStarted(
            key=request.key,
            call="model",
            target=request.model,
            agent=request.agent,
            ordinal=0,
            digest=digest([request.inputs, request.memory, request.instructions]),
            request={
                "instructions": request.instructions,
                "inputs": dict(request.inputs),
                "memory": dict(request.memory),
            },
            attempt=self._context.attempt(request.key),
            approvals=self._context.sent_again(request.key),
        )

    async def _ask(
        self,
        path: str,
        agent: AgentSpec,
        declared: ModelSpec,
        model: Model,
        request: ModelRequest,
    ) -> None:
        began = self._context.ports.clock.monotonic()
        place, seconds = shortest(
            (f"models.{declared.name}.timeout", declared.timeout),
            (f"agents.{agent.id}.limits.timeout", agent.limits.timeout),
            (f"the timeout of step {path}", self._context.record.plan.step(path).timeout),
        )
        error: LeafmeshError
        try:
            asked = guarded(f"model {declared.name}", model.ask(request))
            reply = await asyncio.wait_for(asked, seconds)
            _check_size(declared.name, reply)
        except TimeoutError:
            error = AgentError(
                f"model {declared.name} gave no answer within {seconds:g} s; raise {place} if it "
                "needs longer"
            )
        except LeafmeshError as raised:
            error = raised
        else:
            capability = agent.capabilities[request.capability]
            self._answered(path, capability, declared, request, reply, began)
            return
        self._context.failed(path, request.key, error, began)
        self._reservations.settle_worst(path, request.key)

    def _answered(
        self,
        path: str,
        capability: Capability,
        declared: ModelSpec,
        request: ModelRequest,
        reply: ModelReply,
        began: float,
    ) -> None:
        record, prices = self._context.record, self._context.ports.prices
        tokens = (reply.tokens_in, reply.tokens_out)
        spent = reply.cost if reply.cost is not None else prices.spent(declared, *tokens)
        listed = prices.list_cost(declared.priced_as, *tokens) if declared.priced_as else None
        latency, cost = self._context.since(began), str(spent or Decimal(0))
        list_cost = None if listed is None else str(listed)
        try:
            result = dump(capability.output, accept(capability.output, reply.output))
        except TypeMismatch as mismatch:
            message = f"model {declared.name} answered with the wrong shape: {mismatch}"
            error = failure("AgentError", message, path)
            record.append(path, CallFailed(request.key, error, latency, *tokens, cost, list_cost))
        else:
            finished = CallFinished(
                request.key, result, latency, *tokens, cost, list_cost, note=reply.note
            )
            record.append(path, finished)
        self._reservations.settle(path, request.key, spent, listed)


def _check_size(model: str, reply: ModelReply) -> None:
    """Raise AgentError when what a reply says of its size would make nonsense of the budgets."""
    for name, tokens in (("tokens_in", reply.tokens_in), ("tokens_out", reply.tokens_out)):
        if type(tokens) is not int or tokens < 0:
            raise AgentError(f"model {model} answered with {name} of {tokens!r}")
    cost: object = reply.cost  # a model is foreign code: anything may come
    if cost is not None and not (isinstance(cost, Decimal) and cost.is_finite() and cost >= 0):
        raise AgentError(f"model {model} answered with a cost of {cost!r}")
