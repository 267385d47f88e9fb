"""A tool call of an agent: through the gate, intent first, its result durable before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from leafmesh_nb import errors
from leafmesh_nb.engine.events import CallFailed, CallFinished, CallStarted
from leafmesh_nb.engine.gate import ask_in_doubt, passage, tool_action
from leafmesh_nb.engine.keys import call_key, digest
from leafmesh_nb.engine.ports import Suspended, ToolReply
from leafmesh_nb.engine.runner.call_context import CallContext, foreign, guarded
from leafmesh_nb.engine.runner.invocation import Invocation
from leafmesh_nb.engine.runner.reservations import Reservations
from leafmesh_nb.engine.state import ApprovalState, CallState, StepState
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.errors import (
    AgentError,
    BudgetError,
    InDoubtError,
    JournalError,
    LeafmeshError,
    NotDoneError,
    PolicyDenied,
)
from leafmesh_nb.language.spec import AgentSpec, InDoubt
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = ["ToolCalls"]


class ToolCalls:
    """The tool calls of one run."""

    def __init__(self, context: CallContext, reservations: Reservations) -> None:
        self._context = context
        self._reservations = reservations
        self._in_flight: dict[str, asyncio.Task[ToolReply]] = {}

    async def call(
        self, run: Invocation, ordinal: int, name: str, arguments: Mapping[str, Any]
    ) -> ToolReply:
        """One call by an agent's function, the ``ordinal``-th of the step.

        Raises Suspended while a person is asked, and where nothing new may go out; PolicyDenied,
        BudgetError, InDoubtError, or AgentError.
        """
        record, path, agent = self._context.record, run.path, run.agent
        step, declared = record.state.steps[path], record.plan.spec.tools.get(name)
        if self._context.stopping:
            raise Suspended
        if declared is None or name not in agent.tools:
            allowed = ", ".join(agent.tools) or "none"
            raise AgentError(f"agent {agent.id} may not use tool {name!r}; it may use: {allowed}")
        try:
            given: Any = dump(declared.input, accept(declared.input, dict(arguments)))
        except TypeMismatch as error:
            raise AgentError(f"tool {name} was called with the wrong arguments: {error}") from None
        action = step.actions.get(tool_action(ordinal))
        if action is not None and (action.decided.subject, action.requested) != (name, given):
            raise run.fail_to_match(
                f"agent {agent.id} was run again and called {name} with other arguments than "
                f"before (call {ordinal}); a function must do the same for the same inputs"
            )
        if action is None:
            self._check_new(run, step, ordinal, name, given)
        run.claimed.add(ordinal)
        known = record.state.call_at(path, ordinal)
        reply = await self._recorded(path, step, known) if known else None
        if reply is not None:
            return reply
        if record.state.paused:
            raise Suspended  # run again when the run is resumed
        try:
            if action is None:
                await self._check_limits(run, step, ordinal, name, given)
            return await self._carry_out(run, ordinal, name, given)
        except (PolicyDenied, BudgetError) as error:
            run.refused(digest([name, given]), error)
            raise

    def _check_new(
        self, run: Invocation, step: StepState, ordinal: int, name: str, given: Any
    ) -> None:
        """Refuse a call that was made before, in another place that this run has not come to."""
        for number in range(1, max(step.tools, default=0) + 1):
            recorded = step.actions.get(tool_action(number))
            if recorded is None or number in run.claimed:
                continue
            if (recorded.decided.subject, recorded.requested) == (name, given):
                raise run.fail_to_match(
                    f"agent {run.agent.id} was run again and made call {number} of {name} as call "
                    f"{ordinal}; a function must do the same for the same inputs"
                )

    async def _check_limits(
        self, run: Invocation, step: StepState, ordinal: int, name: str, given: Any
    ) -> None:
        """Refuse a call that passes a limit, before anybody is asked about it.

        It costs nothing itself, and is refused all the same once a budget is spent."""
        request = digest([name, given])
        run_id = self._context.record.state.run
        key = call_key(run_id, run.path, step.generation, ordinal, request)
        refusal = await self._reservations.refuse(step, run.agent, key, Decimal(0))
        if refusal is not None:
            self._reservations.record_refusal(run.path, key, refusal)
            await self._context.record.flush()
            raise BudgetError(refusal.message)

    # Calls that were made before

    async def _recorded(self, path: str, step: StepState, call: CallState) -> ToolReply | None:
        """What is known of a call that was made before; None when it may be sent (again)."""
        record, key = self._context.record, call.started.key
        if call.finished is not None:
            return self._reply(call.started.target, call.finished.result, call.started.request)
        if call.failed is not None:
            raise _as_before(call.failed)
        said = self._in_doubt(call.started.target)
        if said == "retry" and not call.started.side_effect:
            return None
        asked = [a for a in record.state.doubts(key) if a.status != "superseded"]
        if asked:
            return await self._settled(path, call, asked[-1])
        if key in self._in_flight:
            return await asyncio.shield(self._in_flight[key])
        if said == "retry":
            return None
        if said == "fail":
            message = f"{call.started.target} was called, and its result never arrived"
            raise await self._lost_call(path, key, message)
        now = self._context.ports.clock.now()
        record.append(path, ask_in_doubt(record.plan, record.state, step, call, now))
        await record.flush()
        raise Suspended

    async def _settled(
        self, path: str, call: CallState, question: ApprovalState
    ) -> ToolReply | None:
        """What a person said of a call in doubt; None: run it again."""
        record, key, target = self._context.record, call.started.key, call.started.target
        if question.status == "open":
            raise Suspended
        if question.status == "approved" and question.answer == "approve":
            if key in self._in_flight:  # never twice at once: what the first comes to counts
                return await asyncio.shield(self._in_flight[key])
            return None
        if question.status == "approved":
            note = f"entered by {question.person}"
            record.append(path, CallFinished(key, question.value, live=False, note=note))
            await record.flush()
            return self._reply(target, question.value, call.started.request)
        message = f"{target} is in doubt, and {question.person or 'nobody'} let it fail"
        raise await self._lost_call(path, key, message)

    async def _lost_call(self, path: str, key: str, message: str) -> InDoubtError:
        """End a call in doubt: nobody will know whether it happened."""
        self._context.record.append(path, CallFailed(key, failure("InDoubtError", message, path)))
        await self._context.record.flush()
        return InDoubtError(message, step=path)

    def _in_doubt(self, name: str) -> InDoubt:
        """What is done with a call of a tool that may have happened."""
        declared = self._context.record.plan.spec.tools[name]
        return declared.on_in_doubt or ("ask" if declared.side_effect else "retry")

    # Calls that a function left behind

    async def landed(self, path: str) -> bool:
        """Wait for the calls of a step that are in flight: whoever made one may have given it up.

        Whether a person is asked what became of one."""
        state = self._context.record.state
        keys = state.steps[path].tools.values()
        while tasks := [task for key, task in self._in_flight.items() if key in keys]:
            await asyncio.wait(tasks)
        return any(a.path == path and a.asked.point == "in_doubt" for a in state.open_approvals())

    async def settle(self, path: str, agent: AgentSpec) -> None:
        """Learn what became of the side effects that a step's function left in flight when it
        ended: a person is asked, and what they say is done. One that fails fails the step."""
        state = self._context.record.state
        step = state.steps[path]
        run = Invocation(path, agent, step.main)
        for call in state.effects_underway(step):
            key, began = call.started.key, self._context.ports.clock.monotonic()
            ordinal, name = call.started.ordinal, call.started.target
            try:
                if await self._recorded(path, step, call) is None:
                    await self._carry_out(run, ordinal, name, call.started.request)
            except Suspended:
                continue
            except JournalError:
                raise
            except LeafmeshError as error:
                if state.calls[key].open:
                    self._context.failed(path, key, error, began)

    # A call that goes out

    async def _carry_out(
        self, run: Invocation, ordinal: int, name: str, given: dict[str, Any]
    ) -> ToolReply:
        path, agent = run.path, run.agent
        record, declared = self._context.record, self._context.record.plan.spec.tools[name]
        step, now = record.state.steps[path], self._context.ports.clock.now()
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
        record.append(path, *passed.bodies, now=now)
        if passed.verdict == "wait":
            await record.flush()
            self._context.wake()
            raise Suspended
        if passed.verdict == "deny":
            await record.flush()
            raise PolicyDenied(f"{name} was denied: {passed.reason}")
        request = digest([name, passed.value])
        lost = self._lost(step, name, request)
        if lost is not None and not passed.approvals:
            raise InDoubtError(lost, step=path)
        key = call_key(record.state.run, path, step.generation, ordinal, request)
        if self._context.stopping:
            raise Suspended
        run.check_may_send()
        started = CallStarted(
            key=key,
            call="tool",
            target=name,
            agent=agent.id,
            ordinal=ordinal,
            digest=request,
            request=passed.value,
            side_effect=declared.side_effect,
            attempt=self._context.attempt(key),
            approvals=(*passed.approvals, *self._context.sent_again(key)),
        )
        record.append(path, started)
        return await self._send(path, key, name, passed.value)

    def _lost(self, step: StepState, name: str, request: str) -> str | None:
        """What was said of the same call of this step where a doubt about it was let fail."""
        for key in step.tools.values():
            call = self._context.record.state.calls[key]
            same = call.failed is not None and call.started.digest == request
            if same and call.failed and call.failed.error.get("kind") == "InDoubtError":
                return f"{name} is not called again: {call.failed.error.get('message', '')}"
        return None

    async def _send(self, path: str, key: str, name: str, given: dict[str, Any]) -> ToolReply:
        """Run the tool. It is shielded: whoever called it may be gone when the result comes."""
        task = asyncio.ensure_future(self._sent(path, key, name, given))
        self._in_flight[key] = task
        task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: str, done: asyncio.Task[ToolReply]) -> None:
        if self._in_flight.get(key) is done:
            del self._in_flight[key]
        if not done.cancelled():
            done.exception()  # looked at here: whoever awaited it may be gone
        self._context.wake()

    async def _sent(self, path: str, key: str, name: str, given: dict[str, Any]) -> ToolReply:
        record, declared = self._context.record, self._context.record.plan.spec.tools[name]
        await record.flush()
        began = self._context.ports.clock.monotonic()
        error: LeafmeshError | None = None
        value: Any = None
        try:
            arguments = accept(declared.input, given)
            ran = self._context.ports.agents.tool(name, arguments)
            result = await guarded(f"tool {name}", ran)
            value = dump(declared.output, accept(declared.output, result))
        except TypeMismatch as mismatch:
            error = AgentError(f"tool {name} ran, but returned the wrong shape: {mismatch}")
        except LeafmeshError as raised:
            error = raised
        except Suspended:
            error = AgentError(f"tool {name} unwound itself")
        except Exception as raised:  # a returned value that raises when it is looked at
            error = foreign(f"tool {name}", raised)
        call, step = record.state.calls[key], record.state.steps[path]
        if record.state.ended is not None or step.phase != "routed" or not call.open:
            raise Suspended  # too late: somebody has said what became of it
        doubtful = declared.side_effect and not isinstance(error, NotDoneError)
        if error is not None and doubtful and self._in_doubt(name) == "fail":
            error = InDoubtError(f"{error}; whether it happened is not known", step=path)
        elif error is not None and doubtful and self._in_doubt(name) == "ask":
            if not any(a.status == "open" for a in record.state.doubts(key)):
                now, why = (
                    self._context.ports.clock.now(),
                    f"{error}; whether it happened is not known",
                )
                asked = ask_in_doubt(record.plan, record.state, step, call, now, why=why)
                record.append(path, asked)
                await record.flush()
            raise Suspended
        if error is not None:
            self._context.failed(path, key, error, began)
            await record.flush()
            raise error
        record.append(path, CallFinished(key, value, latency=self._context.since(began)))
        await record.flush()
        return self._reply(name, value, given)

    def _reply(self, tool: str, result: Any, request: Any) -> ToolReply:
        declared = self._context.record.plan.spec.tools[tool]
        return ToolReply(accept(declared.output, result), accept(declared.input, request))


def _as_before(failed: CallFailed) -> LeafmeshError:
    """What a call raised, for a function that is run again: it must take the same way."""
    kind = getattr(errors, str(failed.error.get("kind")), None)
    message = str(failed.error.get("message", "the call failed"))
    if isinstance(kind, type) and issubclass(kind, LeafmeshError):
        return kind(message)
    return AgentError(message)
