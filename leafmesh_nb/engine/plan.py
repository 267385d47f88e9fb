"""One workflow of a Spec, ready to be decided on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.language.expressions import Expression, Template
from leafmesh_nb.language.spec import Capability, Join, Spec, Step, Workflow
from leafmesh_nb.language.types import Type

__all__ = ["Plan", "Standing", "plan_of", "standing"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow's steps in an order in which each comes after what it waits for.

    ``capabilities`` has what each step asks for; all agents that declare a capability agree on its
    types. ``memory_read`` are the fields that expressions of the mesh read.
    """

    spec: Spec
    workflow: Workflow
    order: tuple[str, ...]
    capabilities: Mapping[str, Capability]
    memory_read: tuple[str, ...]

    def step(self, path: str) -> Step:
        """The step that a path names."""
        return self.workflow.steps[path]

    def capability(self, path: str) -> Capability:
        """The capability that a step asks for."""
        return self.capabilities[path]

    def output_type(self, path: str) -> Type:
        """The type of a step's output."""
        return self.capabilities[path].output


def plan_of(spec: Spec, workflow: str) -> Plan:
    """The plan of a workflow that the spec has."""
    flow = spec.workflows[workflow]
    order: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in order:
            return
        after = flow.steps[name].after
        for before in after.steps() if after else ():
            visit(before)
        order.setdefault(name)

    for name in flow.steps:
        visit(name)
    capabilities = {path: _capability(spec, step) for path, step in flow.steps.items()}
    return Plan(spec, flow, tuple(order), capabilities, _memory_read(spec, flow))


def _capability(spec: Spec, step: Step) -> Capability:
    name = step.capability or ""
    agent = spec.capable(name)[0] if step.agent is None else spec.agents[step.agent]
    return agent.capabilities[name]


def _memory_read(spec: Spec, flow: Workflow) -> tuple[str, ...]:
    reads = {
        path[1:2] for e in _expressions(spec, flow) for path in e.reads if path[:1] == ("memory",)
    }
    if () in reads:  # somebody reads `memory` as a whole
        return tuple(spec.memory)
    return tuple(name for name in spec.memory if (name,) in reads)


def _expressions(spec: Spec, flow: Workflow) -> Iterator[Expression | Template]:
    yield from flow.output.values()
    yield from flow.save.values()
    for step in flow.steps.values():
        yield from step.inputs.values()
        yield from step.save.values()
        if step.when is not None:
            yield step.when
    for policy in spec.policies.values():
        for rule in policy.rules:
            yield from (e for e in (rule.when, rule.reason) if e is not None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a join stands: ``ready``, ``wait``, ``skip`` or ``fail``, and why for the last two."""

    state: str
    reason: str = ""


READY, WAIT = Standing("ready"), Standing("wait")


def standing(join: Join | None, statuses: Mapping[str, Any]) -> Standing:
    """Where a step's ``after`` stands, given each step's final status (absent: not ended).

    ``all``: every term done or skipped; ``any`` and ``count`` count done terms. Unreachable because
    of skips, the step is skipped; because of failures, it fails; all terms skipped, it is skipped.
    """
    if join is None:
        return READY
    done = waiting = 0
    failed: list[Standing] = []
    skipped: list[Standing] = []
    for term in join.terms:
        # Most joins are lists of steps, and this is asked of every step that waits at every turn.
        status = statuses.get(term) if isinstance(term, str) else None
        if status == "done":
            done += 1
        elif status is None and isinstance(term, str):
            waiting += 1
        else:
            found = standing(term, statuses) if isinstance(term, Join) else _ended(term, status)
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
