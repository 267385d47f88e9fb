"""Performing a routed step: by a model, or by an agent's function with its tools.

Intent first: ``begin`` appends the start of the call, and what it returns goes out only when that
is durable. What came back is durable before anybody builds on it.
"""

from __future__ import annotations

from collections.abc import Callable

from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.engine.ports import Ports
from leafmesh_nb.engine.runner.call_context import CallContext, Work, foreign
from leafmesh_nb.engine.runner.function_calls import FunctionCalls
from leafmesh_nb.engine.runner.model_calls import ModelCalls
from leafmesh_nb.engine.runner.record import Record
from leafmesh_nb.engine.runner.reservations import Reservations
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.runner.tool_calls import ToolCalls
from leafmesh_nb.engine.steps import failure
from leafmesh_nb.errors import JournalError, LeafmeshError

__all__ = ["Performer"]


class Performer:
    """Performs the steps of one run."""

    def __init__(
        self, record: Record, ports: Ports, stream: SharedStream, wake: Callable[[], None]
    ) -> None:
        self._context = CallContext(record, ports, stream, wake)
        self._reservations = Reservations(self._context)
        self._models = ModelCalls(self._context, self._reservations)
        self._tools = ToolCalls(self._context, self._reservations)
        self._functions = FunctionCalls(self._context, self._tools)

    @property
    def progress(self) -> dict[str, str]:
        """What the running functions last said of themselves, by step; not recorded."""
        return self._functions.progress

    async def begin(self, path: str) -> Work | None:
        """Append the intent to perform a step. Returns what to do once it is durable; None when
        the step could not begin, and has ended. Raises JournalError.

        A step whose main call has ended is not performed again: its side effects are settled."""
        record = self._context.record
        step = record.state.steps[path]
        agent = record.plan.spec.agents[step.agent]
        main = record.state.calls.get(step.main)
        if main is not None and not main.open:
            return lambda: self._tools.settle(path, agent)
        error: LeafmeshError
        try:
            if agent.kind == "python":
                return self._functions.begin(path, agent)
            return await self._models.begin(path, agent)
        except JournalError:
            raise
        except LeafmeshError as raised:
            error = raised
        except Exception as raised:
            error = foreign(f"agent {agent.id}", raised)
        self._not_begun(path, error)
        return None

    def _not_begun(self, path: str, error: LeafmeshError) -> None:
        record = self._context.record
        key = record.state.steps[path].main
        if key and record.state.calls[key].open:  # sent before the run was taken over
            self._context.failed(path, key, error, self._context.ports.clock.monotonic())
            self._reservations.settle_worst(path, key)
        else:
            recorded = failure(type(error).__name__, str(error), path)
            record.append(path, StepEnded("failed", error=recorded))

    def stop(self) -> None:
        """Let no further call go out: the run is about to end."""
        self._context.stopping = True

    def forsake(self, path: str) -> None:
        """Let no further call go out for a step: nobody needs what it gives any more."""
        self._functions.forsake(path)

    def acts_for(self, path: str) -> bool:
        """Whether a side effect of a step is in flight and still expected to come back."""
        state = self._context.record.state
        return any(not call.in_doubt for call in state.effects_underway(state.steps[path]))

    @property
    def acting(self) -> bool:
        """Whether a side effect is in flight and still expected to come back."""
        calls = self._context.record.state.calls.values()
        return any(c.open and c.started.side_effect and not c.in_doubt for c in calls)
