"""One workflow of a Spec, with those that it runs, ready to be decided on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from leafmesh_nb.engine import paths
from leafmesh_nb.language.expressions import Expression, Template
from leafmesh_nb.language.spec import Capability, Join, Spec, Step, Workflow
from leafmesh_nb.language.types import Type

__all__ = ["Flow", "Form", "Plan", "Standing", "plan_of", "standing", "step_at"]

Form = Literal["items", "iterations", "racers", "steps", "agent", "let", "wait"]
"""What a place is made of (its ``for_each``, ``repeat``, ``race`` or sub-workflow), or who performs
it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow's steps in an order in which each comes after what it waits for.

    ``tolerated`` are those whose failure does not end it. ``capabilities`` has what each step asks
    for; all agents that declare a capability agree on its types.
    """

    workflow: Workflow
    order: tuple[str, ...]
    tolerated: frozenset[str]
    capabilities: Mapping[str, Capability]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: its workflow and all that are run within it, by id.

    ``memory_read`` are the fields that expressions of the mesh read.
    """

    spec: Spec
    workflow: Workflow
    flows: Mapping[str, Flow]
    memory_read: tuple[str, ...]
    _found: dict[str, tuple[Flow, Step]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def order(self) -> tuple[str, ...]:
        """The steps of the run's own workflow, each after what it waits for."""
        return self.flows[self.workflow.id].order

    def flow(self, scope: str) -> Flow:
        """The workflow whose steps are under ``scope``."""
        if not scope:
            return self.flows[self.workflow.id]
        return self.flows[self.step(scope).workflow or ""]

    def step(self, path: str) -> Step:
        """The step that a path names a part of. Raises KeyError where there is none."""
        return self._declared(path)[1]

    def capability(self, path: str) -> Capability:
        """The capability that a step asks for."""
        flow, step = self._declared(path)
        return flow.capabilities[step.id]

    def _declared(self, path: str) -> tuple[Flow, Step]:
        known = self._found.get(path)
        if known is not None:
            return known
        name = paths.steps_of(path)
        known = self._found.get(name)
        if known is None:
            scope, _, id = name.rpartition("/")
            flow = self.flow(scope)
            known = self._found[name] = flow, flow.workflow.steps[id]
        return known

    def form(self, path: str) -> Form:
        """What the place is made of, or who performs it."""
        step, last = self.step(path), path.rpartition("/")[2]
        if step.for_each is not None and "[" not in last:
            return "items"
        if step.repeat is not None and "#" not in last:
            return "iterations"
        if step.race is not None and "@" not in last:
            return "racers"
        return "steps" if step.performer == "workflow" else step.performer

    def output_type(self, path: str) -> Type:
        """The type of what a place gives where it is done."""
        step = self.step(path)
        return step.output_type if self.form(path) == "items" else step.result_type

    def carries_save(self, path: str) -> bool:
        """Whether the step's ``save`` is done when this place is: it is done for each item, once
        its last iteration is done, and of racers by the one that won."""
        last = path.rpartition("/")[2]
        return "#" not in last and "@" not in last and self.form(path) != "items"


def plan_of(spec: Spec, workflow: str) -> Plan:
    """The plan of a workflow that the spec has."""
    flows: dict[str, Flow] = {}
    pending = [workflow]
    while pending:
        name = pending.pop()
        if name not in flows:
            flow = flows[name] = _flow(spec, spec.workflows[name])
            pending += [s.workflow for s in flow.workflow.steps.values() if s.workflow]
    return Plan(spec, spec.workflows[workflow], flows, _memory_read(spec, flows.values()))


def step_at(spec: Spec, workflow: str, path: str) -> Step | None:
    """The step that a path of a run of ``workflow`` names a part of, or None."""
    step: Step | None = None
    for id in paths.steps_of(path).split("/"):
        flow = spec.workflows.get(workflow)
        step = flow.steps.get(id) if flow else None
        if step is None:
            return None
        workflow = step.workflow or ""
    return step


def _flow(spec: Spec, workflow: Workflow) -> Flow:
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order:
            return
        step = workflow.steps[name]
        for before in (*(step.after.steps() if step.after else ()), *step.handles):
            visit(before)
        order.setdefault(name)

    for name in workflow.steps:
        visit(name)
    return Flow(
        workflow,
        tuple(order),
        frozenset(name for name, step in workflow.steps.items() if step.tolerated),
        {
            name: _capability(spec, step)
            for name, step in workflow.steps.items()
            if step.performer == "agent"
        },
    )


def _capability(spec: Spec, step: Step) -> Capability:
    name = step.capability or ""
    agent = spec.capable(name)[0] if step.agent is None else spec.agents[step.agent]
    return agent.capabilities[name]


def _memory_read(spec: Spec, flows: Iterable[Flow]) -> tuple[str, ...]:
    reads = {
        path[1:2] for e in _expressions(spec, flows) for path in e.reads if path[:1] == ("memory",)
    }
    if () in reads:  # somebody reads `memory` as a whole
        return tuple(spec.memory)
    return tuple(name for name in spec.memory if (name,) in reads)


def _expressions(spec: Spec, flows: Iterable[Flow]) -> Iterator[Expression | Template]:
    for flow in flows:
        yield from flow.workflow.output.values()
        yield from flow.workflow.save.values()
        for step in flow.workflow.steps.values():
            yield from step.expressions()
    for policy in spec.policies.values():
        for rule in policy.rules:
            yield from (e for e in (rule.when, rule.reason) if e is not None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a join stands: ``ready``, ``wait``, ``skip`` or ``fail``, and why for the last two."""

    state: str
    reason: str = ""


READY, WAIT = Standing("ready"), Standing("wait")
_NONE: frozenset[str] = frozenset()


def standing(
    join: Join | None, statuses: Mapping[str, Any], tolerated: frozenset[str] = _NONE
) -> Standing:
    """Where a step's ``after`` stands, given each step's final status (absent: not ended).

    ``all``: every term done or skipped, or failed where that is ``tolerated``; ``any`` and
    ``count`` count done terms. Unreachable because of skips, the step is skipped; because of
    failures, it fails; all terms skipped, it is skipped.
    """
    if join is None:
        return READY
    done = waiting = 0
    failed: list[Standing] = []
    skipped: list[Standing] = []
    for term in join.terms:
        # Most joins are lists of steps, and this is asked of every step that waits at every turn.
        status = statuses.get(term) if isinstance(term, str) else None
        if status == "done" or (join.op == "all" and status == "failed" and term in tolerated):
            done += 1
        elif status is None and isinstance(term, str):
            waiting += 1
        else:
            found = (
                standing(term, statuses, tolerated)
                if isinstance(term, Join)
                else _ended(term, status)
            )
            done += found is READY
            waiting += found is WAIT
            if found.state in ("fail", "skip"):
                (failed if found.state == "fail" else skipped).append(found)
    if len(skipped) == len(join.terms):
        return Standing("skip", "; ".join(s.reason for s in skipped))
    if join.op == "all":
        if failed:
            return failed[0]
        return WAIT if waiting else READY
    needed = 1 if join.op == "any" else join.count
    if done >= needed:
        return READY
    if done + waiting >= needed:
        return WAIT
    # Out of reach. Had nothing failed, would it be in reach? While that is open, wait: the verdict
    # must not depend on which branch ends first.
    settled = done + len(failed)
    if settled >= needed:
        return failed[0]
    if settled + waiting >= needed:
        return WAIT
    return Standing("skip", f"{done} of the {needed} needed steps are done")


def _ended(step: str, status: str | None) -> Standing:
    if status == "skipped":
        return Standing("skip", f"{step} was skipped")
    return Standing("fail", f"{step} {status}")
