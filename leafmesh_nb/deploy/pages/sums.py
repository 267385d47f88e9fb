"""Money by agent, model, workflow and day; and who got the tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from leafmesh_nb.deploy.digest import Digest, Spend

__all__ = ["Day", "Money", "by", "days_of", "total_of"]

ZERO = Decimal(0)


@dataclass(slots=True)
class Money:
    """A sum of calls, in US dollars. ``unpriced``: calls of models without a list price;
    ``unknown``: calls of models whose bill nobody knows."""

    name: str
    spent: Decimal = ZERO
    list_price: Decimal = ZERO
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    unpriced: int = 0
    unknown: int = 0
    runs: int = 0

    def add(self, call: Spend) -> None:
        """Add one call."""
        self.calls += 1
        self.tokens_in += call.tokens_in
        self.tokens_out += call.tokens_out
        self.spent += call.spent or ZERO
        self.list_price += call.list_price or ZERO
        if call.spent is None:
            self.unknown += 1
        elif call.list_price is None:
            self.unpriced += 1

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.tokens_in + self.tokens_out

    @property
    def costs(self) -> bool:
        """Whether there is anything to tell: functions that cost nothing have no price at all."""
        return bool(self.tokens or self.spent or self.list_price or self.unknown)


@dataclass(frozen=True, slots=True)
class Day:
    """A day's column: shares of the highest."""

    day: date
    money: Money
    spent: float
    list_price: float


def total_of(digests: Iterable[Digest]) -> Money:
    """All of it."""
    total = Money("all")
    for digest in digests:
        total.runs += 1
        for call in digest.calls:
            total.add(call)
    return total


def by(digests: Iterable[Digest], key: str) -> list[Money]:
    """Sums by ``agent``, ``model`` or ``workflow``, the dearest at list price first."""
    found: dict[str, Money] = {}
    for digest in digests:
        seen: set[str] = set()
        for call in digest.calls:
            if key == "model" and call.call != "model":
                continue
            name = {
                "agent": call.agent,
                "model": call.target,
                "workflow": digest.workflow,
            }[key]
            money = found.setdefault(name, Money(name))
            money.add(call)
            if name not in seen:
                seen.add(name)
                money.runs += 1
    return sorted(found.values(), key=lambda m: (-max(m.spent, m.list_price), -m.tokens, m.name))


def days_of(digests: Iterable[Digest], until: datetime, most: int) -> list[Day]:
    """The last ``most`` days up to ``until``, each with what it cost; the oldest first."""
    last = until.date()
    sums = {
        day: Money(day.isoformat())
        for day in (last - timedelta(days=back) for back in range(most - 1, -1, -1))
    }
    for digest in digests:
        for call in digest.calls:
            if call.day in sums:
                sums[call.day].add(call)
    highest = max((max(m.spent, m.list_price) for m in sums.values()), default=ZERO) or Decimal(1)
    return [
        Day(day, money, float(money.spent / highest), float(money.list_price / highest))
        for day, money in sums.items()
    ]
