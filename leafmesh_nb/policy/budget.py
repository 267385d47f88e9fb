"""Budgets and limits: what a call may cost at worst, before it is made.

All amounts are Decimal US dollars. A refusal names the scope that would be passed: ``calls`` and
``cost`` are an agent's ``limits`` for one execution of a step, ``step run day`` the mesh's
``budgets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.language.decimals import plain_decimal
from leafmesh_nb.language.spec import AgentSpec, Budgets

__all__ = ["Refusal", "refuse_call"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is not made. ``limit`` and ``used`` are amounts, or counts for ``calls``.

    ``key`` is the place in the mesh that says the limit, such as ``budgets.run``.
    """

    scope: str
    key: str
    amount: Decimal
    limit: Decimal
    used: Decimal

    @property
    def message(self) -> str:
        """What happened and what to change."""
        if self.scope == "calls":
            return (
                f"the step has made {_plain(self.used)} calls, and {self.key} allows "
                f"{_plain(self.limit)}. Raise {self.key}, or have the agent make fewer calls"
            )
        remedy = f"Raise {self.key}, lower max_output_tokens, or choose a smaller model"
        if self.scope == "day":
            remedy += "; a new day begins at 00:00 UTC"
        return (
            f"the call could cost up to {_plain(self.amount)} USD; with {_plain(self.used)} USD "
            f"used or reserved that passes {self.key} of {_plain(self.limit)} USD. {remedy}"
        )


def refuse_call(
    agent: AgentSpec,
    budgets: Budgets,
    amount: Decimal,
    *,
    calls: int,
    used: Mapping[str, Decimal],
) -> Refusal | None:
    """None when the call may go out.

    ``amount`` is its worst case; ``calls`` counts the step's calls before it; ``used`` has what is
    spent and reserved under ``cost`` (this execution of the step), ``step``, ``run`` and ``day``;
    a scope that is not there is not looked at.
    """
    limits = agent.limits
    if limits.calls is not None and calls >= limits.calls:
        key = f"agents.{agent.id}.limits.calls"
        return Refusal("calls", key, amount, Decimal(limits.calls), Decimal(calls))
    bounds = (
        ("cost", f"agents.{agent.id}.limits.cost", limits.cost),
        ("step", "budgets.step", budgets.step),
        ("run", "budgets.run", budgets.run),
        ("day", "budgets.day", budgets.day),
    )
    for scope, key, limit in bounds:
        if limit is not None and scope in used and used[scope] + amount > limit:
            return Refusal(scope, key, amount, limit, used[scope])
    return None


def _plain(value: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    text = plain_decimal(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
