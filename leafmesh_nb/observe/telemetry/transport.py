"""The SDK's OTLP/HTTP exporters on a session that is watched, and what its answers mean.

An exporter says only whether it failed. It also takes a redirect for success, and whatever page
answers with 200; the session tells these apart. Imported late: this needs the extra ``otlp``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.observe.telemetry.endpoints import Endpoints, shown

try:
    import requests
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceResponse,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
except ImportError as missing:
    raise LeafmeshError(
        f"sending telemetry needs the extra otlp, and {missing.name} is not installed: "
        'pip install "leafmesh-nb[otlp]"'
    ) from None

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

__all__ = ["Line", "lines"]

_SHOWN = 200
"""Characters of a receiver's own words that are shown."""

_LATER = "; nothing is lost: what was not taken goes with the next export"


class UnreachableError(Exception):
    """Nothing listens there. No error of requests, so that an exporter does not try again: whoever
    asked learns it at once."""


class _WatchedSession(requests.Session):
    """Remembers how the last request went."""

    answer: Response | None = None
    error: Exception | None = None

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """Send, and remember. Headers with credentials follow no redirect."""
        self.answer = self.error = None
        try:
            self.answer = super().send(request, **kwargs | {"allow_redirects": False})
        except requests.exceptions.RequestException as error:
            self.error = error
            if _absent(error):
                raise UnreachableError(str(error)) from error
            raise
        return self.answer


class Line:
    """An exporter on a session of its own, for one address."""

    def __init__(self, address: str, exporter: Callable[..., Any]) -> None:
        self.address = address
        self._session = _WatchedSession()
        self._exporter = exporter(endpoint=address, session=self._session)

    @property
    def status(self) -> int:
        """The last answer's status; 0 when there was none."""
        answer = self._session.answer
        return 0 if answer is None else answer.status_code

    @property
    def too_large(self) -> bool:
        """Whether the receiver finds the last batch too large, or the exporter did not send it."""
        return self.status == 413 or (self._session.answer is None and self._session.error is None)

    def hand(self, batch: Any) -> bool:
        """Export spans or metrics, and say whether the receiver took them."""
        self._session.answer = self._session.error = None
        try:
            outcome = self._exporter.export(batch)
        except Exception as error:  # older exporters let every error through
            if self._session.error is None:
                self._session.error = error
            return False
        page = "text/html" in self._type()
        return bool(outcome.name == "SUCCESS") and 200 <= self.status < 300 and not page

    def remark(self) -> str:
        """What the receiver says beside its yes: how many spans or points it rejected, and why."""
        answer = self._session.answer
        if answer is None or not answer.content:
            return ""
        try:
            if isinstance(self._exporter, OTLPSpanExporter):
                spans = ExportTraceServiceResponse.FromString(answer.content).partial_success
                rejected, message = spans.rejected_spans, spans.error_message
            else:
                points = ExportMetricsServiceResponse.FromString(answer.content).partial_success
                rejected, message = points.rejected_data_points, points.error_message
        except Exception:  # a yes in other words
            return ""
        said = _plain(message)
        if rejected:
            return f"the receiver rejected {rejected}" + (f": {said}" if said else "")
        return f"the receiver remarks: {said}" if said else ""

    def explain(self) -> str:
        """Why the last batch was not taken, where, and what to do."""
        answer = self._session.answer
        if answer is None:
            return _unanswered(shown(self.address), self._session.error) + _LATER
        location = str(answer.headers.get("location", ""))
        return _answered(shown(self.address), answer.status_code, location, self._said()) + _LATER

    def close(self) -> None:
        """Close the connections; a pause before another try ends."""
        self._exporter.shutdown()

    def _type(self) -> str:
        answer = self._session.answer
        return "" if answer is None else str(answer.headers.get("content-type", ""))

    def _said(self) -> str:
        """The receiver's own words, where they are words."""
        answer, kind = self._session.answer, self._type()
        if answer is None or "text/html" in kind:
            return ""
        if "protobuf" not in kind:
            return _plain(answer.text)
        try:
            from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

            return _plain(Status.FromString(answer.content).message)
        except Exception:  # no Status, or no words
            return ""


def lines(where: Endpoints) -> tuple[Line, Line | None]:
    """For spans and for metrics; all but the addresses comes from the environment."""
    metrics = Line(where.metrics, OTLPMetricExporter) if where.metrics else None
    return Line(where.traces, OTLPSpanExporter), metrics


def _answered(at: str, status: int, location: str, said: str) -> str:
    told = f"{at} answers {status}" + (f" ({said})" if said else "")
    if 300 <= status < 400:
        return f"{at} redirects to {_plain(shown(location)) or 'nowhere'}: give that address"
    if status < 300:
        return f"{at} answers with a web page, so it is no OTLP receiver: check the address"
    if status in (401, 403):
        advice = 'set OTEL_EXPORTER_OTLP_HEADERS, such as "authorization=Bearer%20TOKEN"'
        return f"{told}: it wants other credentials; {advice}"
    if status in (404, 405):
        advice = "give the base address of its OTLP/HTTP port, such as http://127.0.0.1:4318"
        return f"{told}: no OTLP receiver is there; {advice}"
    if status == 413:
        return f"{told}: a single span is too large for it; export without content"
    if status == 429 or status >= 500:
        return f"{told}, also when tried again: it is overloaded or broken; try later"
    return f"{told}: it refuses the request; its own log tells why"


def _unanswered(at: str, error: Exception | None) -> str:
    if error is None:
        return f"a single span is too large to be sent to {at}; export without content"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"{at} shows no certificate that is trusted here: name its authority's file in "
            "OTEL_EXPORTER_OTLP_CERTIFICATE"
        )
    if isinstance(error, requests.exceptions.Timeout):
        return f"{at} did not answer in time (OTEL_EXPORTER_OTLP_TIMEOUT): look whether it is well"
    if not _absent(error):
        return f"{at} broke the connection off: look whether it is well, and speaks OTLP over HTTP"
    advice = "start a collector there, or give its address"
    if urlsplit(at).port == 4317:
        advice += " (4317 is the port for gRPC; HTTP is at 4318 by custom)"
    return f"nothing answers at {at}: {advice}"


def _absent(error: Exception) -> bool:
    """Whether nobody listens there, or no such host is known."""
    # How urllib3 calls it; requests wraps it in one kind for all.
    return any(name in repr(error) for name in ("NewConnectionError", "NameResolutionError"))


def _plain(text: str) -> str:
    """Text of a stranger on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_SHOWN]
