"""One workflow of a Spec, ready to be decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.language.spec import Capability, Join, Spec, Step, Workflow
from leafmesh_nb.language.types import Type

__all__ = ["Plan", "Standing", "plan_of", "standing"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow's steps in an order in which each comes after what it waits for."""

    spec: Spec
    workflow: Workflow
    order: tuple[str, ...]

    def step(self, path: str) -> Step:
        """The step that a path names."""
        return self.workflow.steps[path]

    def capability(self, path: str) -> Capability:
        """The capability that a step asks for; all agents that declare it agree on its types."""
        step = self.workflow.steps[path]
        if step.agent is not None:
            return self.spec.agents[step.agent].capabilities[step.capability or ""]
        return self.spec.capable(step.capability or "")[0].capabilities[step.capability or ""]

    def output_type(self, path: str) -> Type:
        """The type of a step's output."""
        return self.capability(path).output


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
    return Plan(spec, flow, tuple(order))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a join stands: ``ready``, ``wait``, ``skip`` or ``fail``, and why for the last two."""

    state: str
    reason: str = ""


def standing(join: Join | None, statuses: Mapping[str, Any]) -> Standing:
    """Where a step's ``after`` stands, given each step's final status (absent: not ended).

    ``all``: every term done or skipped; ``any`` and ``count`` count done terms. Unreachable because
    of skips, the step is skipped; because of failures, it fails; all terms skipped, it is skipped.
    """
    if join is None:
        return Standing("ready")
    states = [_term(term, statuses) for term in join.terms]
    failed = [s for s in states if s.state == "fail"]
    skipped = [s for s in states if s.state == "skip"]
    waiting = sum(s.state == "wait" for s in states)
    done = sum(s.state == "ready" for s in states)
    if len(skipped) == len(states):
        return Standing("skip", "; ".join(s.reason for s in skipped))
    if join.op == "all":
        if failed:
            return failed[0]
        return Standing("wait") if waiting else Standing("ready")
    needed = 1 if join.op == "any" else join.count
    if done >= needed:
        return Standing("ready")
    if done + waiting >= needed:
        return Standing("wait")
    if failed and done + waiting + len(failed) >= needed:
        return failed[0]
    return Standing("skip", f"{done} of the {needed} needed steps are done")


def _term(term: str | Join, statuses: Mapping[str, Any]) -> Standing:
    if isinstance(term, Join):
        return standing(term, statuses)
    status = statuses.get(term)
    if status is None:
        return Standing("wait")
    if status == "done":
        return Standing("ready")
    if status == "skipped":
        return Standing("skip", f"{term} was skipped")
    return Standing("fail", f"{term} {status}")
