"""The policies' own tests: does each policy decide as its author expects?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from leafmesh_nb.language.spec import Policy, PolicyTest, Spec
from leafmesh_nb.policy.rules import verdict_of

__all__ = ["Trial", "try_policies"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of a policy, counted from 1, and what the policy said to it."""

    policy: str
    number: int
    expect: str
    outcome: str
    reason: str
    line: int

    @property
    def passed(self) -> bool:
        """Whether the policy decided as expected."""
        return self.outcome == self.expect


def try_policies(spec: Spec) -> tuple[Trial, ...]:
    """Run every test of every policy. A name that a test does not give cannot be evaluated."""
    return tuple(
        _tried(spec, policy, number, test)
        for policy in spec.policies.values()
        for number, test in enumerate(policy.tests, 1)
    )


def _tried(spec: Spec, policy: Policy, number: int, test: PolicyTest) -> Trial:
    now = test.given.get("now")
    verdict = verdict_of(spec, policy, test.given, now if isinstance(now, datetime) else None)
    return Trial(policy.id, number, test.expect, verdict.outcome, verdict.reason, test.span.line)
