"""Budgets and limits: what a call may cost at worst, before it is made.

All amounts are Decimal US dollars. A refusal names the scope that would be passed: ``calls`` and
``cost`` are an agent's ``limits`` for one execution of a step, ``step run day`` the mesh's
``budgets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from leafmesh_nb.language.spec import Budgets, Limits

__all__ = ["Refusal", "refuse_call"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that is not made. ``limit`` and ``used`` are amounts, or counts for ``calls``."""

    scope: str
    amount: Decimal
    limit: Decimal
    used: Decimal

    @property
    def message(self) -> str:
        """What happened and what to change."""
        key = f"limits.{self.scope}" if self.scope in ("calls", "cost") else f"budgets.{self.scope}"
        if self.scope == "calls":
            return f"this step has made {self.used} calls, and {key} allows {self.limit}"
        return (
            f"the call could cost up to {self.amount} USD; with {self.used} USD used or reserved "
            f"that passes {key} of {self.limit} USD. Raise {key}, lower max_output_tokens, or "
            "choose a smaller model"
        )


def refuse_call(
    limits: Limits,
    budgets: Budgets,
    amount: Decimal,
    *,
    calls: int,
    used: Mapping[str, Decimal],
) -> Refusal | None:
    """None when the call may go out.

    ``calls`` counts the step's calls so far; ``used`` has what is spent and reserved under
    ``cost`` (this execution of the step), ``step``, ``run`` and ``day``.
    """
    if limits.calls is not None and calls >= limits.calls:
        return Refusal("calls", amount, Decimal(limits.calls), Decimal(calls))
    bounds = (
        ("cost", limits.cost),
        ("step", budgets.step),
        ("run", budgets.run),
        ("day", budgets.day),
    )
    for scope, limit in bounds:
        spent = used.get(scope, Decimal(0))
        if limit is not None and spent + amount > limit:
            return Refusal(scope, amount, limit, spent)
    return None
