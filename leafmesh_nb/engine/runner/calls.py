"""Performing a step: the model call or the function, with every tool call through the gate.

Intent first: a call's start is durable before the request goes out, and synced to disk when it has
a side effect. What came back is durable before anybody builds on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb.engine.events import (
    BudgetRefused,
    BudgetReserved,
    BudgetSettled,
    CallFailed,
    CallFinished,
    CallStarted,
    MemoryDenied,
    StepEnded,
)
from leafmesh_nb.engine.gate import ask_in_doubt, passage, tool_action
from leafmesh_nb.engine.keys import call_key, digest
from leafmesh_nb.engine.names import instruction_names, memory_values
from leafmesh_nb.engine.ports import ModelReply, ModelRequest, Ports, Seat, Suspended, ToolReply
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.state import CallState, StepState
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.errors import AgentError, BudgetError, InDoubtError, LeafmeshError, PolicyDenied
from leafmesh_nb.language.schema import json_schema
from leafmesh_nb.language.spec import AgentSpec, ModelSpec
from leafmesh_nb.language.to_json import dump, dump_any
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.view import Accesses, MemoryView, granted
from leafmesh_nb.policy.budget import Refusal, refuse_call

__all__ = ["Performer"]

MAX_OUTPUT_TOKENS = 1024
"""Per call, where a model does not say: a default that a vendor chooses can be 64,000."""


class Performer:
    """Performs the steps of one run."""

    def __init__(
        self, record: Record, ports: Ports, stream: SharedStream, wake: Callable[[], None]
    ) -> None:
        self._record = record
        self._wake = wake
        self._ports = ports
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self.effects_in_flight: set[str] = set()

    async def perform(self, path: str) -> None:
        """Perform a routed step once; what came of it is appended, not returned."""
        agent = self._record.plan.spec.agents[self._record.state.steps[path].agent]
        try:
            if agent.kind == "python":
                await self._function(path, agent)
            else:
                await self._model(path, agent)
        except Suspended:
            return

    # Model calls

    async def _model(self, path: str, agent: AgentSpec) -> None:
        record, spec = self._record, self._record.plan.spec
        step = record.state.steps[path]
        declared = spec.models[step.model or ""]
        request = self._request(path, agent, declared)
        model = self._ports.agents.model(declared.name)
        worst = self._counted(declared, model.count(request), request.max_output_tokens)
        refusal = await self._reserve(step, agent, request.key, worst)
        if refusal is not None:
            self._refuse(path, request.key, refusal)
            return
        self._start(path, agent, request, worst)
        await record.flush()
        began = self._ports.clock.monotonic()
        limits = [t for t in (declared.timeout, agent.limits.timeout) if t is not None]
        try:
            reply = await asyncio.wait_for(model.ask(request), min(limits, default=None))
        except TimeoutError:
            message = f"model {declared.name} gave no answer within {min(limits):g} s"
            self._failed(path, request.key, AgentError(message), began)
            return
        except LeafmeshError as error:
            self._failed(path, request.key, error, began)
            return
        self._finished(path, agent, declared, request, reply, began)

    def _request(self, path: str, agent: AgentSpec, declared: ModelSpec) -> ModelRequest:
        record, step = self._record, self._record.state.steps[path]
        capability = agent.capabilities[record.plan.step(path).capability or ""]
        values = memory_values(record.plan, record.state, record.shared, step.versions)
        memory = granted(agent, values)
        instructions = ""
        if agent.instructions is not None:
            now = self._ports.clock.now()
            names = instruction_names(record.plan, record.state, step, memory, now)
            text = agent.instructions.render(names, now=now)
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
            key=call_key(record.state.run, path, 0, 0, digest(asked)),
        )

    def _start(self, path: str, agent: AgentSpec, request: ModelRequest, worst: Decimal) -> None:
        started = CallStarted(
            key=request.key,
            call="model",
            target=request.model,
            agent=agent.id,
            ordinal=0,
            digest=digest([request.inputs, request.memory, request.instructions]),
            request={
                "instructions": request.instructions,
                "inputs": dict(request.inputs),
                "memory": dict(request.memory),
            },
            attempt=self._attempt(request.key),
        )
        self._record.append(path, started)
        if worst and not self._record.state.calls[request.key].reserved:
            self._record.append(path, BudgetReserved(request.key, str(worst)))

    def _finished(
        self,
        path: str,
        agent: AgentSpec,
        declared: ModelSpec,
        request: ModelRequest,
        reply: ModelReply,
        began: float,
    ) -> None:
        tokens = (reply.tokens_in, reply.tokens_out)
        spent = (
            reply.cost if reply.cost is not None else self._ports.prices.spent(declared, *tokens)
        )
        listed = None
        if declared.priced_as:
            listed = self._ports.prices.list_cost(declared.priced_as, *tokens)
        kind = agent.capabilities[request.capability].output
        try:
            result = dump(kind, accept(kind, reply.output))
        except TypeMismatch as error:
            message = f"model {declared.name} answered with the wrong shape: {error}"
            self._failed(path, request.key, AgentError(message), began)
        else:
            finished = CallFinished(
                key=request.key,
                result=result,
                latency=self._since(began),
                tokens_in=reply.tokens_in,
                tokens_out=reply.tokens_out,
                cost=str(spent or Decimal(0)),
                list_cost=None if listed is None else str(listed),
                note=reply.note,
            )
            self._record.append(path, finished)
        counts_list = self._record.plan.spec.budgets.count == "list_price"
        self._settle(path, request.key, (listed if counts_list else spent) or Decimal(0))

    # Budgets

    def _counted(self, model: ModelSpec, tokens_in: int, tokens_out: int) -> Decimal:
        """US dollars that a call of this size counts against budgets."""
        if self._record.plan.spec.budgets.count == "list_price" and model.priced_as:
            listed = self._ports.prices.list_cost(model.priced_as, tokens_in, tokens_out)
            return listed or Decimal(0)
        return self._ports.prices.spent(model, tokens_in, tokens_out) or Decimal(0)

    async def _reserve(
        self, step: StepState, agent: AgentSpec, key: str, amount: Decimal
    ) -> Refusal | None:
        """Hold the worst case of a call, in every scope, or say which scope refuses it."""
        state, budgets = self._record.state, self._record.plan.spec.budgets
        if key in state.calls:
            return None  # sent again after a crash: it was let through when it was sent first
        used = {
            "cost": step.spent + step.reserved,
            "step": step.spent + step.reserved,
            "run": state.settled + state.reserved,
        }
        refusal = refuse_call(agent, budgets, amount, calls=step.calls, used=used)
        if refusal is None and amount and budgets.day is not None:
            passed = await self._stream.reserve(key, state.run, amount, budgets.day)
            if passed is not None:
                return Refusal("day", "budgets.day", amount, budgets.day, passed)
        return refusal

    def _refuse(self, path: str, key: str, refusal: Refusal) -> None:
        self._record.append(
            path,
            self._refused(key, refusal),
            StepEnded("failed", error=failure("BudgetError", refusal.message, path)),
        )

    def _refused(self, key: str, refusal: Refusal) -> BudgetRefused:
        return BudgetRefused(
            key, refusal.scope, str(refusal.amount), str(refusal.limit), str(refusal.used)
        )

    def _settle(self, path: str, key: str, amount: Decimal) -> None:
        state = self._record.state
        if not state.calls[key].reserved and not amount:
            return
        self._record.append(path, BudgetSettled(key, str(amount)))
        day = self._stream.day_of(key)
        if day:
            self._record.settle(BudgetSettled(key, str(amount), state.run, day))

    # Functions

    async def _function(self, path: str, agent: AgentSpec) -> None:
        record = self._record
        step = record.state.steps[path]
        capability = agent.capabilities[record.plan.step(path).capability or ""]
        key = call_key(record.state.run, path, 0, 0, digest([agent.id, step.inputs]))
        started = CallStarted(
            key=key,
            call="function",
            target=agent.id,
            agent=agent.id,
            ordinal=0,
            digest=digest(step.inputs),
            attempt=self._attempt(key),
        )
        record.append(path, started)
        await record.flush()
        accesses = Accesses(self._denied(path, agent))
        values = memory_values(record.plan, record.state, record.shared, step.versions)
        view = MemoryView(agent, record.plan.spec.memory, values, accesses)
        seat = self._seat(path, agent, key, view)
        began = self._ports.clock.monotonic()
        declared = record.plan.step(path).timeout
        limits = [t for t in (declared, agent.limits.timeout) if t is not None]
        arguments = accept(capability.input, step.inputs)
        try:
            result = await asyncio.wait_for(
                self._ports.agents.function(agent.id, arguments, seat), min(limits, default=None)
            )
            value = dump(capability.output, accept(capability.output, result))
        except TimeoutError:
            await self._timed_out(path, agent, key, min(limits), began)
        except TypeMismatch as error:
            message = f"agent {agent.id} returned the wrong shape for {capability.name}: {error}"
            self._failed(path, key, AgentError(message), began)
        except LeafmeshError as error:
            self._failed(path, key, error, began)
        else:
            finished = CallFinished(
                key=key,
                result=value,
                latency=self._since(began),
                reads=tuple(accesses.reads),
                writes=tuple(w.to_json() for w in accesses.writes),
            )
            record.append(path, finished)

    def _denied(self, path: str, agent: AgentSpec) -> Callable[[str, str], None]:
        """Records a refused access of a function, which runs on a thread of its own."""
        record = self._record

        def append(body: MemoryDenied) -> None:
            # A function that was given up may still be running when its step has ended.
            if record.state.ended is None and record.state.steps[path].phase == "routed":
                record.append(path, body)

        def denied(field: str, access: str) -> None:
            self._loop.call_soon_threadsafe(append, MemoryDenied(field, agent.id, access))

        return denied

    def _seat(self, path: str, agent: AgentSpec, key: str, view: MemoryView) -> Seat:
        ordinal = 0

        async def tool(name: str, arguments: Mapping[str, Any]) -> ToolReply:
            nonlocal ordinal
            ordinal += 1
            return await self._tool(path, agent, ordinal, name, arguments)

        return Seat(memory=view, key=key, tool=tool, progress=lambda _text: None)

    async def _timed_out(
        self, path: str, agent: AgentSpec, key: str, seconds: float, began: float
    ) -> None:
        """A function that hangs fails; a side effect that it left in flight is in doubt instead."""
        record = self._record
        step = record.state.steps[path]
        for tool_key in step.tools.values():
            call = record.state.calls[tool_key]
            if call.open and call.started.side_effect:
                now = self._ports.clock.now()
                record.append(path, ask_in_doubt(record.plan, record.state, step, call, now))
                return
        message = (
            f"agent {agent.id} did not return within {seconds:g} s; its thread is abandoned. "
            f"Raise agents.{agent.id}.limits.timeout if it needs longer"
        )
        self._failed(path, key, AgentError(message), began)

    # Tools

    async def _tool(
        self, path: str, agent: AgentSpec, ordinal: int, name: str, arguments: Mapping[str, Any]
    ) -> ToolReply:
        record = self._record
        step, declared = record.state.steps[path], record.plan.spec.tools.get(name)
        if step.phase != "routed" or record.state.ended is not None:
            raise Suspended
        if declared is None or name not in agent.tools:
            allowed = ", ".join(agent.tools) or "none"
            raise AgentError(f"agent {agent.id} may not use tool {name!r}; it may use: {allowed}")
        try:
            given = dump(declared.input, accept(declared.input, dict(arguments)))
        except TypeMismatch as error:
            raise AgentError(f"tool {name} was called with the wrong arguments: {error}") from None
        action = step.actions.get(tool_action(ordinal))
        if action is not None and (action.decided.subject, action.requested) != (name, given):
            raise AgentError(
                f"agent {agent.id} was run again and called {name} with other arguments than "
                f"before (call {ordinal}); a function must do the same for the same inputs"
            )
        known = record.state.call_at(path, ordinal)
        if known is not None:
            reply = await self._recorded(path, step, known)
            if reply is not None:
                return reply
        return await self._carry_out(path, agent, ordinal, name, given)

    async def _recorded(self, path: str, step: StepState, call: CallState) -> ToolReply | None:
        """What is known of a call that was made before; None when it may be sent (again)."""
        record = self._record
        if call.finished is not None:
            return self._reply(call.started.target, call.finished.result, call.started.request)
        if call.failed is not None:
            raise AgentError(str(call.failed.error.get("message", "the call failed")))
        if not call.started.side_effect:
            return None
        asked = [
            a
            for a in record.state.approvals.values()
            if a.digest == call.started.key and a.status != "superseded" and not a.consumed
        ]
        if not asked:
            now = self._ports.clock.now()
            record.append(path, ask_in_doubt(record.plan, record.state, step, call, now))
            await record.flush()
            raise Suspended
        question = asked[-1]
        if question.status == "open":
            raise Suspended
        if question.status == "approved" and question.answer == "approve":
            return None
        if question.status == "approved":
            note = f"entered by {question.person}"
            record.append(
                path, CallFinished(call.started.key, question.value, live=False, note=note)
            )
            await record.flush()
            return self._reply(call.started.target, question.value, call.started.request)
        message = (
            f"{call.started.target} is in doubt, and {question.person or 'nobody'} let it fail"
        )
        record.append(path, CallFailed(call.started.key, failure("InDoubtError", message)))
        await record.flush()
        raise InDoubtError(message, step=path)

    async def _carry_out(
        self, path: str, agent: AgentSpec, ordinal: int, name: str, given: dict[str, Any]
    ) -> ToolReply:
        record, declared = self._record, self._record.plan.spec.tools[name]
        step, now = record.state.steps[path], self._ports.clock.now()
        action = tool_action(ordinal)
        passed = passage(
            record.plan,
            record.state,
            record.shared,
            step,
            action,
            tool=name,
            requested=given,
            now=now,
        )
        record.append(path, *passed.bodies)
        if passed.verdict == "wait":
            await record.flush()
            raise Suspended
        if passed.verdict == "deny":
            await record.flush()
            raise PolicyDenied(f"{name} was denied: {passed.reason}")
        key = call_key(record.state.run, path, 0, ordinal, digest([name, passed.value]))
        refusal = await self._reserve(step, agent, key, Decimal(0))
        if refusal is not None:
            record.append(path, self._refused(key, refusal))
            await record.flush()
            raise BudgetError(refusal.message)
        doubts = tuple(
            a.id
            for a in record.state.approvals.values()
            if a.digest == key and a.status == "approved" and not a.consumed
        )
        started = CallStarted(
            key=key,
            call="tool",
            target=name,
            agent=agent.id,
            ordinal=ordinal,
            digest=digest([name, passed.value]),
            request=passed.value,
            side_effect=declared.side_effect,
            attempt=self._attempt(key),
            approvals=(*passed.approvals, *doubts),
        )
        record.append(path, started)
        await record.flush(sync=declared.side_effect)
        return await self._send(path, key, name, passed.value)

    async def _send(self, path: str, key: str, name: str, given: dict[str, Any]) -> ToolReply:
        """Run the tool. It is shielded: a step that ends meanwhile must still learn the result."""
        task = asyncio.ensure_future(self._sent(path, key, name, given))
        self.effects_in_flight.add(key)
        task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: str, done: asyncio.Task[ToolReply]) -> None:
        self.effects_in_flight.discard(key)
        if not done.cancelled():
            done.exception()  # looked at here: whoever awaited it may be gone
        self._wake()

    async def _sent(self, path: str, key: str, name: str, given: dict[str, Any]) -> ToolReply:
        record, declared = self._record, self._record.plan.spec.tools[name]
        began = self._ports.clock.monotonic()
        try:
            result = await self._ports.agents.tool(name, accept(declared.input, given))
        except LeafmeshError as error:
            self._failed(path, key, error, began)
            await record.flush()
            raise
        if record.state.ended is not None or not record.state.calls[key].open:
            raise Suspended
        problem = ""
        try:
            value = dump(declared.output, accept(declared.output, result))
        except TypeMismatch as error:
            problem, value = f"tool {name} returned the wrong shape: {error}", None
        if problem:
            self._failed(path, key, AgentError(problem), began)
            await record.flush()
            raise AgentError(problem)
        record.append(path, CallFinished(key, value, latency=self._since(began)))
        await record.flush()
        return self._reply(name, value, given)

    def _reply(self, tool: str, result: Any, request: Any) -> ToolReply:
        declared = self._record.plan.spec.tools[tool]
        return ToolReply(accept(declared.output, result), accept(declared.input, request))

    # Shared by all calls

    def _attempt(self, key: str) -> int:
        known = self._record.state.calls.get(key)
        return known.started.attempt + 1 if known else 1

    def _failed(self, path: str, key: str, error: LeafmeshError, began: float) -> None:
        kind = type(error).__name__
        body = CallFailed(key, failure(kind, str(error), path), self._since(began))
        self._record.append(path, body)

    def _since(self, began: float) -> float:
        return round(self._ports.clock.monotonic() - began, 6)
