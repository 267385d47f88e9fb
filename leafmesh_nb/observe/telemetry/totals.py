"""Metrics: what the spans of all exports so far add up to.

Points are cumulative, so to send one twice counts nothing twice, and one that was not received is
made good by the next. What they are cumulated from is kept beside the cursors, as one JSON text.
"""

from __future__ import annotations

import json
import uuid
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from leafmesh_nb.observe.telemetry.mapping import (
    DURATION_BOUNDS,
    TOKEN_BOUNDS,
    WAIT_BOUNDS,
    Attribute,
    Metric,
)
from leafmesh_nb.observe.telemetry.spans import Span, Value

__all__ = ["BOUNDS", "Distribution", "Totals"]

BOUNDS: dict[Metric, tuple[float, ...]] = {
    Metric.TOKENS: TOKEN_BOUNDS,
    Metric.DURATION: DURATION_BOUNDS,
    Metric.WAITED: WAIT_BOUNDS,
}
"""The upper bounds of each histogram's buckets; the other metrics are sums."""

Labels = tuple[tuple[str, Value], ...]


@dataclass(slots=True)
class Distribution:
    """A histogram's point."""

    buckets: list[int]
    count: int = 0
    sum: float = 0.0
    min: float = 0.0
    max: float = 0.0

    def add(self, value: float, bounds: tuple[float, ...]) -> None:
        """Count a value in the first bucket whose bound is not below it."""
        self.min = min(self.min, value) if self.count else value
        self.max = max(self.max, value) if self.count else value
        self.count += 1
        self.sum += value
        self.buckets[bisect_left(bounds, value)] += 1


@dataclass(slots=True)
class Totals:
    """Sums and distributions by metric and labels.

    ``instance`` names this series to receivers (service.instance.id), whichever process sends it;
    ``since`` is when it began.
    """

    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    sums: dict[tuple[Metric, Labels], Decimal] = field(default_factory=dict)
    distributions: dict[tuple[Metric, Labels], Distribution] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """How many points there are to send."""
        return len(self.sums) + len(self.distributions)

    def add(self, span: Span) -> None:
        """Count a span, once."""
        told = span.attributes
        mesh = _labels(told, Attribute.MESH)
        # A recorded result was counted where it was first had.
        if span.shape.operation and told.get(Attribute.CALL_LIVE, True):
            self._measure(Metric.DURATION, span.seconds, _labels(told, *_OPERATION))
        match span.of:
            case "model" if told.get(Attribute.CALL_LIVE, True):
                self._model(span)
            case "policy":
                labels = _labels(told, Attribute.POINT, Attribute.OUTCOME, Attribute.GOVERNED)
                self._count(Metric.DECISIONS, Decimal(1), mesh + labels)
            case "approval":
                labels = mesh + _labels(told, Attribute.POINT, Attribute.APPROVAL_OUTCOME)
                self._count(Metric.APPROVALS, Decimal(1), labels)
                self._measure(Metric.WAITED, span.seconds, labels)
            case "workflow":
                labels = mesh + _labels(told, Attribute.WORKFLOW, Attribute.RUN_STATUS)
                self._count(Metric.RUNS, Decimal(1), labels)

    def _model(self, span: Span) -> None:
        told = span.attributes
        labels = _labels(told, Attribute.OPERATION, Attribute.PROVIDER, Attribute.REQUEST_MODEL)
        for kind, tokens in _TOKENS.items():
            value = told.get(tokens)
            if isinstance(value, int) and value:
                own = (*labels, (str(Attribute.TOKEN_TYPE), kind))
                self._measure(Metric.TOKENS, float(value), own)
        whose = labels[1:] + _labels(told, Attribute.MESH, Attribute.AGENT)
        for metric, money in _MONEY.items():
            if money in told:
                self._count(metric, Decimal(str(told[money])), whose)

    def _count(self, metric: Metric, value: Decimal, labels: Labels) -> None:
        key = metric, tuple(sorted(labels))
        self.sums[key] = self.sums.get(key, Decimal(0)) + value

    def _measure(self, metric: Metric, value: float, labels: Labels) -> None:
        key, bounds = (metric, tuple(sorted(labels))), BOUNDS[metric]
        found = self.distributions.get(key)
        if found is None:
            found = self.distributions[key] = Distribution([0] * (len(bounds) + 1))
        found.add(value, bounds)

    def to_json(self) -> str:
        """All of it, to be read again by ``from_json``."""
        return json.dumps(
            {
                "instance": self.instance,
                "since": self.since.isoformat(),
                "sums": [[*_plain(key), str(value)] for key, value in self.sums.items()],
                "distributions": [
                    [*_plain(key), d.buckets, d.count, d.sum, d.min, d.max]
                    for key, d in self.distributions.items()
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Totals:
        """Totals as they were kept. What this version no longer counts is left out."""
        kept: dict[str, Any] = json.loads(text)
        found = cls(kept["instance"], datetime.fromisoformat(kept["since"]))
        known = set(Metric)
        for metric, labels, value in kept["sums"]:
            if metric in known:
                found.sums[_key(metric, labels)] = Decimal(value)
        for metric, labels, buckets, *rest in kept["distributions"]:
            if metric in known and len(buckets) == len(BOUNDS[Metric(metric)]) + 1:
                found.distributions[_key(metric, labels)] = Distribution(buckets, *rest)
        return found


_OPERATION = (
    Attribute.OPERATION,
    Attribute.PROVIDER,
    Attribute.REQUEST_MODEL,
    Attribute.AGENT,
    Attribute.WORKFLOW,
    Attribute.TOOL,
    Attribute.ERROR_TYPE,
)
_TOKENS = {"input": Attribute.INPUT_TOKENS, "output": Attribute.OUTPUT_TOKENS}
_MONEY = {Metric.SPENT: Attribute.SPENT, Metric.LIST_PRICE: Attribute.LIST_PRICE}


def _labels(told: Mapping[Attribute, Value], *names: Attribute) -> Labels:
    return tuple((str(name), told[name]) for name in names if name in told)


def _plain(key: tuple[Metric, Labels]) -> tuple[str, dict[str, Value]]:
    return str(key[0]), dict(key[1])


def _key(metric: str, labels: Mapping[str, Value]) -> tuple[Metric, Labels]:
    return Metric(metric), tuple(sorted(labels.items()))
