"""Who may be put where: every step with every agent that routing can choose for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leafmesh_nb.language.spec import AgentSpec, Policy, Spec
from leafmesh_nb.policy.rules import Subject as Action
from leafmesh_nb.policy.rules import applies
from leafmesh_nb.routing.suitability import Observed, rank

__all__ = ["Seat", "seats"]


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at one step, doing ``capability``.

    ``workflow`` and ``step`` are empty for a capability that no step asks for yet.
    """

    workflow: str
    step: str
    agent: AgentSpec
    capability: str

    @property
    def post(self) -> tuple[str, str, str]:
        """What is to be done, whoever does it."""
        return self.workflow, self.step, self.capability

    def governed(self, policy: Policy, tool: str = "") -> bool:
        """Whether a policy applies here: to calls of ``tool``, or without one to the output."""
        point = "tool" if tool else "output"
        return applies(
            policy,
            Action(point, tool or "output", None, self.step, self.agent.id, self.capability),
        )


def seats(spec: Spec) -> Iterator[Seat]:
    """Every seat. Functions that are not bound yet count: they will be."""
    asked = set()
    for flow in spec.workflows.values():
        for step in flow.steps.values():
            capability = step.capability or ""
            asked.add(capability)
            chosen = dict.fromkeys(c.agent for c in rank(spec, step, "", Observed()).candidates)
            for id in chosen:
                yield Seat(flow.id, step.id, spec.agents[id], capability)
    for agent in spec.agents.values():
        for name in agent.capabilities:
            if name not in asked:
                yield Seat("", "", agent, name)
