"""Metrics: counted once, kept as text, cumulative."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.engine.events import Event
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry.mapping import Attribute, Metric
from leafmesh_nb.observe.telemetry.projection import project
from leafmesh_nb.observe.telemetry.spans import Span
from leafmesh_nb.observe.telemetry.totals import Totals


@pytest.fixture
def spans(runs: dict[str, list[Event]], spec: Spec) -> list[Span]:
    return project(runs["approved"], spec, Masker())


def counted(spans: list[Span]) -> Totals:
    totals = Totals()
    for span in spans:
        totals.add(span)
    return totals


def of(totals: Totals, metric: Metric) -> dict[tuple[Any, ...], Any]:
    """Values by the values of their labels."""
    found = {**totals.sums, **totals.distributions}
    return {tuple(v for _, v in k[1]): value for k, value in found.items() if k[0] is metric}


def test_what_a_run_adds(spans: list[Span]) -> None:
    totals = counted(spans)
    tokens = of(totals, Metric.TOKENS)
    assert {key[-1]: (d.count, d.sum) for key, d in tokens.items()} == {
        "input": (1, 310.0),
        "output": (1, 42.0),
    }
    assert set(of(totals, Metric.DURATION)) == {
        ("invoke_workflow", "refund"),
        ("triage", "invoke_agent", "offline", "quick"),
        ("clerk", "invoke_agent", "leafmesh_nb"),
        ("teller", "invoke_agent", "leafmesh_nb"),
        ("triage", "chat", "offline", "quick"),
        ("teller", "execute_tool", "pay_out"),
    }
    assert list(of(totals, Metric.LIST_PRICE).values()) == [Decimal("0.0001615")]
    assert list(of(totals, Metric.SPENT).values()) == [Decimal(0)]
    assert of(totals, Metric.DECISIONS) == {
        ("refunds", False, "approve", "output"): 3,
        ("refunds", True, "ask", "tool"): 1,
    }
    assert of(totals, Metric.APPROVALS) == {("approved", "refunds", "tool"): 1}
    (waited,) = of(totals, Metric.WAITED).values()
    assert (waited.sum, waited.min, waited.max) == (2520.0, 2520.0, 2520.0)
    assert of(totals, Metric.RUNS) == {("refund", "refunds", "done"): 1}


def test_money_adds_exactly(spans: list[Span]) -> None:
    (chat,) = [span for span in spans if span.of == "model"]
    dear = replace(chat, attributes={**chat.attributes, Attribute.SPENT: 0.1})
    totals = counted([dear] * 10)
    assert list(of(totals, Metric.SPENT).values()) == [Decimal("1.0")]


def test_a_recorded_result_is_not_spent_again(spans: list[Span]) -> None:
    (chat,) = [span for span in spans if span.of == "model"]
    recorded = replace(chat, attributes={**chat.attributes, Attribute.CALL_LIVE: False})
    assert counted([recorded]).points == 0


def test_buckets_hold_their_upper_bound(spans: list[Span]) -> None:
    (chat,) = [span for span in spans if span.of == "model"]
    sizes = (1, 2, 4, 5, 10**9)
    chats = [
        replace(chat, attributes={**chat.attributes, Attribute.INPUT_TOKENS: n}) for n in sizes
    ]
    tokens = of(counted(chats), Metric.TOKENS)
    (found,) = [d for key, d in tokens.items() if key[-1] == "input"]
    assert found.buckets[:3] == [1, 2, 1]  # up to 1, up to 4, up to 16
    assert found.buckets[-1] == 1
    assert (found.count, found.min, found.max) == (5, 1.0, 1e9)


def test_they_are_kept_as_text(spans: list[Span]) -> None:
    totals = counted(spans)
    again = Totals.from_json(totals.to_json())
    assert again == totals
    assert again.to_json() == totals.to_json()


def test_what_another_version_counted_is_left_out() -> None:
    text = (
        '{"instance":"i","since":"2026-01-01T00:00:00+00:00",'
        '"sums":[["leafmesh.gone",{},"3"],["leafmesh.run.ended",{"a":"b"},"2"]],'
        '"distributions":[["gen_ai.client.token.usage",{},[1,2],3,4.0,1.0,2.0]]}'
    )
    totals = Totals.from_json(text)
    assert totals.points == 1
    assert list(totals.sums.values()) == [Decimal(2)]
