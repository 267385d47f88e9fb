"""A dry run: one workflow on one sample, with nothing to pay and nothing left behind.

The run has a throwaway journal and belongs to nobody: no card shows it, no ``runs()`` lists it, and
memory across runs is empty. Models are the offline readers, or what ``mesh.use`` put in their
place; agents and tools are the mesh's own functions, but for a tool with a side effect, which is
never called: the run stops there. It also stops where a person would be asked.
"""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from leafmesh_nb.agents.bound import BoundAgents
from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.compose import SampleRun
from leafmesh_nb.engine.events import Draft, RunStarted
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.ports import Append, Batch, Clock, Model, Ports, Prices, RunRow
from leafmesh_nb.engine.runner.clock import SystemClock
from leafmesh_nb.engine.runner.execution import Execution
from leafmesh_nb.engine.runner.host import LEASE, host
from leafmesh_nb.engine.runner.observed import Observations
from leafmesh_nb.engine.runner.shared_stream import SharedStream
from leafmesh_nb.engine.state import RunState
from leafmesh_nb.errors import LeafmeshError, NotDoneError, RunError
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.mesh.binding import how_to_bind, lacking
from leafmesh_nb.mesh.inputs import accepted_input

__all__ = ["Parts", "dry_run"]

LONGEST = 30.0
"""Seconds that one sample may take: an agent that hangs must not hang the check."""

SEED = 0
"""Every dry run of a sample is the same."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mesh runs with: its functions by ``agent:ID`` and ``tool:ID``, and what was put in
    place of the real models, clock and prices."""

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    prices: Prices = field(default_factory=ListPrices)


class _DryAgents(BoundAgents):
    """The agents of a mesh without its side effects. ``stopped`` names the tool that was wanted."""

    def __init__(self, spec: Spec, parts: Parts) -> None:
        super().__init__(spec, parts.functions, parts.models)
        self.stopped = ""

    async def tool(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool's function, unless it has a side effect."""
        if self._spec.tools[tool].side_effect:
            self.stopped = self.stopped or tool
            raise NotDoneError(f"a dry run does not call {tool}, which has a side effect")
        return await super().tool(tool, arguments)


class _Hurried:
    """A clock for which a timer is due at once: a check waits for no ``wait`` and no ``backoff``.

    The time for a question does not pass: the run stops there.
    """

    def __init__(self, clock: Clock, state: RunState) -> None:
        self._clock = clock
        self._state = state
        self._ahead = timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep_until(self, when: datetime) -> None:
        if any(self._state.open_approvals()):
            await asyncio.Event().wait()
        self._ahead = max(self._ahead, when - self._clock.now())


def dry_run(spec: Spec, parts: Parts, workflow: str, sample: Mapping[str, Any]) -> SampleRun:
    """Run a workflow on a sample input. Never raises for what the mesh or the sample does."""
    flow = spec.workflows[workflow]
    try:
        accepted = accepted_input(flow, sample, {})
        agents = _DryAgents(spec, parts)
    except LeafmeshError as error:
        return SampleRun(workflow, dict(sample), "not run", error=str(error))
    missing = lacking(spec, flow, agents.missing())
    if missing:
        why = f"there is no function for {', '.join(missing)}: bind {how_to_bind(missing)}"
        return SampleRun(workflow, accepted, "not run", error=why)
    with tempfile.TemporaryDirectory(prefix="leafmesh-", ignore_cleanup_errors=True) as folder:
        journal = SqliteJournal(Path(folder, "dry.db"))
        try:
            return _performed(spec, parts, journal, agents, workflow, accepted)
        except LeafmeshError as error:
            return SampleRun(workflow, accepted, "not run", error=str(error))
        finally:
            journal.close()


def _performed(
    spec: Spec,
    parts: Parts,
    journal: SqliteJournal,
    agents: _DryAgents,
    workflow: str,
    accepted: dict[str, Any],
) -> SampleRun:
    plan = plan_of(spec, workflow)
    ports = Ports(journal, agents, parts.clock, parts.prices)
    id, now = uuid.uuid4().hex[:10], ports.clock.now()
    started = RunStarted(
        mesh=spec.mesh,
        workflow=workflow,
        spec_hash=spec.hash,
        input=accepted,
        requester="check",
        seed=SEED,
        functions=agents.digests(),
    )
    row = RunRow(id, spec.mesh, workflow, spec.hash, "running", "check", now)
    append = Append(f"run:{id}", (Draft(started, ts=now),), 0)
    journal.create(row, spec.text, Batch((append,), run=id))
    epoch = journal.claim(id, "check", LEASE)
    stream = SharedStream(journal, spec.mesh)
    state = fold(journal.read(f"run:{id}"))
    ports = replace(ports, clock=_Hurried(ports.clock, state))
    execution = Execution(plan, state, ports, epoch, stream, Observations())
    if host().inside():
        raise RunError("a mesh cannot be checked from inside the engine")
    overdue = host().call(_driven(execution)).result()
    state = execution.state
    status, error, step = _outcome(state, agents, overdue)
    if execution.failure is not None and state.ended is None and not error:
        raise execution.failure
    return SampleRun(
        workflow,
        accepted,
        status,
        output=state.output if status == "done" else None,
        error=error,
        step=step,
        events=tuple(journal.read(f"run:{id}")),
    )


async def _driven(execution: Execution) -> bool:
    """Drive a run until it ends or waits; whether it took too long."""
    moved = asyncio.Event()
    execution.record.listeners.append(lambda _: moved.set())
    driving = asyncio.create_task(execution.drive())
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST
    overdue = False
    while not driving.done() and not _waits(execution.state) and not overdue:
        moved.clear()
        waiting = asyncio.create_task(moved.wait())
        left = max(0.0, until - loop.time())
        await asyncio.wait((driving, waiting), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        overdue = loop.time() >= until
    if not driving.done():
        driving.cancel()
        await asyncio.wait((driving,))
    return overdue and execution.state.ended is None


def _waits(state: RunState) -> bool:
    """Whether a person is asked, and nothing else is under way."""
    asking = {question.path for question in state.open_approvals()}
    return bool(asking) and all(step.path in asking for step in state.at_work())


def _outcome(state: RunState, agents: _DryAgents, overdue: bool) -> tuple[Any, str, str]:
    """The status of a sample's run, with an error and the step that it is about."""
    questions = list(state.open_approvals())
    if questions:
        asked = questions[0]
        return "waiting", f"{', '.join(asked.asked.roster)} would be asked", asked.path
    if agents.stopped:
        at = next((c.path for c in state.calls.values() if c.started.target == agents.stopped), "")
        return "stopped", f"{agents.stopped} would be called, which has a side effect", at
    if state.ended == "done":
        return "done", "", ""
    if overdue:
        busy = next((s for s in state.steps.values() if s.phase == "routed"), None)
        return "failed", f"it had not ended after {LONGEST:g} s", busy.path if busy else ""
    error = state.error or {}
    return "failed", str(error.get("message", "")), str(error.get("step", ""))
