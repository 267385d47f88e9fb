"""Who takes spans and metrics: an OTLP/HTTP receiver, or the console."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.observe.telemetry.endpoints import Endpoints

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["CHUNK", "Console", "NoMetricsError", "Otlp", "Receiver", "receiver_at"]

CHUNK = 512
"""Spans in a request: what the SDK's own batches hold at most."""

_EXPORTERS = ("trace_exporter", "metric_exporter")


class NoMetricsError(LeafmeshError):
    """The receiver takes traces only, as some do: nothing to try again."""


class Receiver(Protocol):
    """Takes what is exported. ``name`` is what cursors are kept by; empty: none are kept."""

    name: str

    def take_spans(self, spans: Sequence[ReadableSpan]) -> str:
        """Hand spans over; what the receiver has to remark. Raises LeafmeshError."""
        ...

    def take_metrics(self, metrics: MetricsData) -> str:
        """Hand points over; the same. Raises NoMetricsError when it never takes any."""
        ...

    def close(self) -> None:
        """Let go of connections; a request that waits to be tried again is given up."""
        ...


class Console:
    """Writes spans and metrics as JSON, the way the SDK's console exporters do."""

    name = ""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out

    def take_spans(self, spans: Sequence[ReadableSpan]) -> str:
        """Write them."""
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        ConsoleSpanExporter(out=self._out).export(spans)
        return ""

    def take_metrics(self, metrics: MetricsData) -> str:
        """Write them."""
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

        ConsoleMetricExporter(out=self._out).export(metrics)
        return ""

    def close(self) -> None:
        """Nothing is held."""


class Otlp:
    """An OTLP/HTTP receiver, by the SDK's exporters: they read headers, certificates, time-outs and
    compression from the environment and try again, with growing pauses, what may yet go through.
    """

    def __init__(self, where: Endpoints) -> None:
        from leafmesh_nb.observe.telemetry.transport import lines

        self.name = where.name
        self._spans, self._metrics = lines(where)

    def take_spans(self, spans: Sequence[ReadableSpan]) -> str:
        """Hand spans over, in requests of CHUNK; in smaller ones where they are too large."""
        remarks: dict[str, None] = {}
        waiting = [spans[n : n + CHUNK] for n in range(0, len(spans), CHUNK)]
        while waiting:
            chunk = waiting.pop(0)
            with _quiet():
                taken = self._spans.hand(chunk)
            if taken:
                remarks.setdefault(self._spans.remark())
            elif self._spans.too_large and len(chunk) > 1:
                half = len(chunk) // 2
                waiting[:0] = [chunk[:half], chunk[half:]]
            else:
                raise LeafmeshError(self._spans.explain())
        return "; ".join(filter(None, remarks))

    def take_metrics(self, metrics: MetricsData) -> str:
        """Hand points over."""
        if self._metrics is None:
            raise NoMetricsError
        with _quiet():
            taken = self._metrics.hand(metrics)
        if taken:
            return self._metrics.remark()
        if self._metrics.status in (404, 405, 501):
            raise NoMetricsError(
                f"it answers {self._metrics.status} to metrics: it takes traces only"
            )
        raise LeafmeshError(self._metrics.explain())

    def close(self) -> None:
        """Close the connections."""
        with _quiet():
            self._spans.close()
            if self._metrics is not None:
                self._metrics.close()


def receiver_at(where: Endpoints) -> Otlp:
    """A receiver. Raises LeafmeshError, with the command that helps, without the extra ``otlp``."""
    return Otlp(where)


_sending = threading.local()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' own log lines about this thread's requests back: what went wrong is said
    once, by whoever asked. Other users of the exporters keep theirs."""
    for name in _EXPORTERS:
        log = logging.getLogger(f"opentelemetry.exporter.otlp.proto.http.{name}")
        log.addFilter(_held_back)  # adding it again changes nothing
    _sending.now = True
    try:
        yield
    finally:
        _sending.now = False


def _held_back(record: logging.LogRecord) -> Any:
    return not getattr(_sending, "now", False)
