"""A step that a python agent performs: its function, run from the start until it returns.

While a question is open the function is unwound; it is run again once there is an answer, and what
its tools returned before comes back by ordinal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from leafmesh_nb.engine.events import CallFinished, CallStarted, MemoryDenied
from leafmesh_nb.engine.gate import ask_in_doubt
from leafmesh_nb.engine.keys import call_key, digest
from leafmesh_nb.engine.names import memory_values
from leafmesh_nb.engine.ports import Seat, Suspended, ToolReply
from leafmesh_nb.engine.runner.call_context import CallContext, Work, guarded, shortest
from leafmesh_nb.engine.runner.invocation import Invocation
from leafmesh_nb.engine.runner.tool_calls import ToolCalls
from leafmesh_nb.errors import AgentError, InDoubtError, LeafmeshError
from leafmesh_nb.language.spec import AgentSpec, Capability
from leafmesh_nb.language.to_json import dump
from leafmesh_nb.language.values import TypeMismatch, accept
from leafmesh_nb.memory.marks import cut
from leafmesh_nb.memory.view import Accesses, MemoryView

__all__ = ["FunctionCalls"]

LONGEST_PROGRESS = 200
"""Characters of what a function says of its progress."""


class FunctionCalls:
    """The function calls of one run."""

    def __init__(self, context: CallContext, tools: ToolCalls) -> None:
        self._context = context
        self._tools = tools
        self.progress: dict[str, str] = {}
        self._runs: dict[str, Invocation] = {}

    def begin(self, path: str, agent: AgentSpec) -> Work:
        """Append the intent to run the agent's function."""
        record = self._context.record
        step = record.state.steps[path]
        request = digest([agent.id, step.inputs])
        key = call_key(record.state.run, path, step.generation, 0, request)
        started = CallStarted(
            key=key,
            call="function",
            target=agent.id,
            agent=agent.id,
            ordinal=0,
            digest=request,
            attempt=self._context.attempt(key),
            approvals=self._context.sent_again(key),
        )
        record.append(path, started)
        capability = agent.capabilities[record.plan.step(path).capability or ""]
        return lambda: self._run(Invocation(path, agent, key), capability)

    def forsake(self, path: str) -> None:
        """Nothing goes out any more for the function that performs a step."""
        run = self._runs.get(path)
        if run is not None:
            run.forsaken = run.over = True

    async def _run(self, run: Invocation, capability: Capability) -> None:
        record, path, agent = self._context.record, run.path, run.agent
        step = record.state.steps[path]
        accesses = Accesses(self._denied(run))
        values = memory_values(record.plan, record.state, record.shared, step.versions)
        view = MemoryView(agent, record.plan.spec.memory, values, accesses)
        began = self._context.ports.clock.monotonic()
        place, seconds = shortest(
            (f"the timeout of step {path}", record.plan.step(path).timeout),
            (f"agents.{agent.id}.limits.timeout", agent.limits.timeout),
        )
        arguments = accept(capability.input, step.inputs)
        self._runs[path] = run
        try:
            returned = self._returned(run, arguments, self._seat(run, view))
            result = await asyncio.wait_for(returned, seconds)
            value = dump(capability.output, accept(capability.output, result))
        except Suspended:
            return
        except TimeoutError:
            self._timed_out(run, place, seconds or 0, began)
        except TypeMismatch as error:
            message = f"agent {agent.id} returned the wrong shape for {capability.name}: {error}"
            self._failed(run, AgentError(message), began)
        except LeafmeshError as error:
            self._failed(run, error, began)
        else:
            if self._is_gone(run):
                return
            finished = CallFinished(
                key=run.key,
                result=value,
                latency=self._context.since(began),
                note="it came too late to count" if run.forsaken else "",
                reads=tuple(accesses.reads),
                writes=tuple(w.to_json() for w in accesses.writes),
            )
            record.append(path, finished)
        finally:
            run.returned = run.over = True
            if self._runs.get(path) is run:
                del self._runs[path]

    def _is_gone(self, run: Invocation) -> bool:
        """Whether a function that nobody waited for any more came back too late to be recorded."""
        state = self._context.record.state
        return run.forsaken and (state.ended is not None or not state.calls[run.key].open)

    def _failed(self, run: Invocation, error: LeafmeshError, began: float) -> None:
        if not self._is_gone(run):
            self._context.failed(run.path, run.key, error, began)

    async def _returned(self, run: Invocation, arguments: dict[str, Any], seat: Seat) -> Any:
        """What the function returns, once the tools that its own threads called are done too."""
        agents, id = self._context.ports.agents, run.agent.id
        failure: LeafmeshError | None = None
        result: Any = None
        try:
            result = await guarded(f"agent {id}", agents.function(id, arguments, seat))
        except LeafmeshError as error:
            failure = error
        except Suspended:
            run.suspended = True
        run.returned = True  # in the same tick: its threads begin no more calls
        await _done(run.tools)
        asked = await self._tools.landed(run.path)
        if run.unheeded is not None:
            raise run.unheeded
        if asked or run.suspended:
            raise Suspended
        if run.broken:
            raise AgentError(run.broken)
        if failure is not None:
            raise failure
        known = max(self._context.record.state.steps[run.path].tools, default=0)
        if run.ordinal < known:
            raise AgentError(
                f"agent {run.agent.id} was run again and called {run.ordinal} tools, where it had "
                f"called {known} before; a function must do the same for the same inputs"
            )
        return result

    def _seat(self, run: Invocation, view: MemoryView) -> Seat:
        async def tool(name: str, arguments: Mapping[str, Any]) -> ToolReply:
            run.check_may_begin()
            run.ordinal += 1
            task = asyncio.current_task()
            assert task is not None, "a coroutine runs in a task"
            run.tools.add(task)
            try:
                return await self._tools.call(run, run.ordinal, name, arguments)
            except Suspended:
                run.suspended = True
                raise
            finally:
                run.tools.discard(task)

        def progress(text: str) -> None:
            if not run.over:
                self.progress[run.path] = cut(str(text), LONGEST_PROGRESS)

        return Seat(memory=view, key=run.key, tool=tool, progress=progress)

    def _denied(self, run: Invocation) -> Callable[[str, str], None]:
        """Records a refused access of a function, which runs on a thread of its own."""
        loop = asyncio.get_running_loop()

        def append(body: MemoryDenied) -> None:
            record = self._context.record
            underway = record.state.steps[run.path].phase == "routed"
            if underway and not run.over and record.state.ended is None:
                record.append(run.path, body)

        def denied(field: str, access: str) -> None:
            body = MemoryDenied(field, run.agent.id, access)
            loop.call_soon_threadsafe(append, body)

        return denied

    def _timed_out(self, run: Invocation, place: str, seconds: float, began: float) -> None:
        """A function that hangs fails; a side effect that it left in flight is in doubt instead."""
        record, path = self._context.record, run.path
        step, now = record.state.steps[path], self._context.ports.clock.now()
        if step.phase == "ended":
            return  # nobody waits for it any more
        calls = [record.state.calls[key] for key in step.tools.values()]
        left = [call for call in calls if call.open]
        tools = record.plan.spec.tools
        doubts = [
            call
            for call in left
            if call.started.side_effect and tools[call.started.target].on_in_doubt in (None, "ask")
        ]
        for call in doubts:
            why = f"{call.started.target} is still running here, longer than {seconds:g} s"
            asked = ask_in_doubt(record.plan, record.state, step, call, now, why=why)
            record.append(path, asked)
        if doubts:
            return
        lost = any(
            tools[c.started.target].on_in_doubt == "fail" for c in left if c.started.side_effect
        )
        error = (InDoubtError if lost else AgentError)(
            f"agent {run.agent.id} did not return within {seconds:g} s; its thread is abandoned. "
            f"Raise {place} if it needs longer"
        )
        for call in left:
            self._context.failed(path, call.started.key, error, began)
        self._context.failed(path, run.key, error, began)


async def _done(tasks: set[asyncio.Task[Any]]) -> None:
    while tasks:
        await asyncio.wait(set(tasks))
