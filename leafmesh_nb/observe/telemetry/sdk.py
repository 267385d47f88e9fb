"""Spans and totals as the OpenTelemetry SDK has them. Imported late: the SDK takes 0.2 s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as SdkMetric
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event as SdkEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link as SdkLink
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from leafmesh_nb.observe.telemetry.mapping import SCHEMA_URL, SCOPE, VERSION, Attribute, Metric
from leafmesh_nb.observe.telemetry.spans import Span, span_id, trace_id
from leafmesh_nb.observe.telemetry.totals import BOUNDS, Totals

__all__ = ["metrics_data", "readable_spans", "resource_of"]

_MONEY = (Metric.SPENT, Metric.LIST_PRICE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def resource_of(totals: Totals) -> Resource:
    """Who reports: what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, else this package.

    The instance is the journal and not the process: whoever exports goes on with one series.
    """
    said = OTELResourceDetector().detect().attributes
    ours = {"service.name": SCOPE, "service.instance.id": totals.instance}
    return Resource.create().merge(Resource({k: v for k, v in ours.items() if k not in said}))


def readable_spans(spans: Iterable[Span], resource: Resource) -> list[ReadableSpan]:
    """Spans, ready for an exporter."""
    scope = _scope()
    return [_readable(span, resource, scope) for span in spans]


def metrics_data(totals: Totals, resource: Resource) -> MetricsData:
    """Every point, cumulative since the totals began."""
    start, now = _nanoseconds(totals.since), _nanoseconds(datetime.now(UTC))
    points: dict[Metric, list[Any]] = {}
    for (metric, labels), value in totals.sums.items():
        # One metric is of one type throughout.
        plain = float(value) if metric in _MONEY else int(value)
        number = NumberDataPoint(dict(labels), start, now, plain)
        points.setdefault(metric, []).append(number)
    for (metric, labels), found in totals.distributions.items():
        distribution = HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=start,
            time_unix_nano=now,
            count=found.count,
            sum=found.sum,
            bucket_counts=list(found.buckets),
            explicit_bounds=BOUNDS[metric],
            min=found.min,
            max=found.max,
        )
        points.setdefault(metric, []).append(distribution)
    metrics = [
        SdkMetric(metric.value, metric.description, metric.unit, _data(metric, points[metric]))
        for metric in Metric
        if metric in points
    ]
    scope = ScopeMetrics(_scope(), metrics, SCHEMA_URL)
    return MetricsData([ResourceMetrics(resource, [scope], resource.schema_url)])


def _data(metric: Metric, points: list[Any]) -> Histogram | Sum:
    if metric in BOUNDS:
        return Histogram(points, AggregationTemporality.CUMULATIVE)
    return Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)


def _readable(span: Span, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=_context(span.run, span.seq),
        parent=None if span.parent is None else _context(span.run, span.parent),
        resource=resource,
        attributes=_plain(span.attributes),
        events=[SdkEvent(h.name, _plain(h.attributes), _nanoseconds(h.at)) for h in span.happened],
        links=[SdkLink(_context(span.run, k.seq), _plain(k.attributes)) for k in span.links],
        kind=SpanKind.CLIENT if span.shape.client else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.message or None) if span.failed else Status(),
        start_time=_nanoseconds(span.start),
        end_time=_nanoseconds(span.end),
        instrumentation_scope=scope,
    )


def _context(run: str, seq: int) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(trace_id(run), span_id(run, seq), is_remote=False, trace_flags=flags)


def _scope() -> InstrumentationScope:
    attributes = {Attribute.MAPPING.value: VERSION}
    return InstrumentationScope(SCOPE, version("leafmesh-nb"), SCHEMA_URL, attributes)


def _plain(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in attributes.items()}


def _nanoseconds(at: datetime) -> int:
    # By whole numbers: a float has no room for them.
    since = at - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
