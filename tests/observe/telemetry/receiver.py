"""An OTLP/HTTP receiver on loopback that parses what it is sent, and misbehaves as it is told."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

__all__ = ["Answer", "Receiver", "every_fourth"]


class Answer:
    """How a request is answered. ``takes`` says whether its content counts as received."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        kind: str = "application/x-protobuf",
        *,
        takes: bool | None = None,
        drops: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.body, self.kind, self.drops = status, body, kind, drops
        self.takes = status == 200 if takes is None else takes
        self.headers = headers or {}


Rule = Callable[[int, str, bytes], Answer]


def every_fourth(number: int, path: str, body: bytes) -> Answer:
    """Fails every fourth request; it may be tried again at once."""
    return Answer(503, headers={"Retry-After": "0"}) if number % 4 == 0 else Answer()


class Receiver:
    """``spans`` are all that were received, as often as they came; ``metrics`` the newest points by
    name. ``rule`` answers; requests are numbered from 1."""

    def __init__(self, rule: Rule | None = None, port: int = 0) -> None:
        self.rule: Rule = rule or (lambda number, path, body: Answer())
        self.requests: list[tuple[str, int, dict[str, str]]] = []
        self.spans: list[Any] = []
        self.resources: list[Any] = []
        self.scopes: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.points = 0
        self.arrived = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                answer = receiver._receive(self.path, body, dict(self.headers))
                if answer.drops:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def _receive(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        with self.arrived:
            answer = self.rule(len(self.requests) + 1, path, body)
            self.requests.append((path, answer.status, headers))
            if answer.takes:
                if path.endswith("/v1/traces"):
                    self._spans(ExportTraceServiceRequest.FromString(body))
                else:
                    self._metrics(ExportMetricsServiceRequest.FromString(body))
            self.arrived.notify_all()
        return answer

    def _spans(self, request: Any) -> None:
        for resource in request.resource_spans:
            self.resources.append(resource.resource)
            for scope in resource.scope_spans:
                self.scopes.append(scope)
                self.spans += scope.spans

    def _metrics(self, request: Any) -> None:
        for resource in request.resource_metrics:
            self.resources.append(resource.resource)
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self.metrics[metric.name] = metric
                    self.points += len(getattr(metric, metric.WhichOneof("data")).data_points)

    def wait(self, condition: Callable[[], Any], timeout: float = 30) -> None:
        with self.arrived:
            assert self.arrived.wait_for(condition, timeout), "this did not arrive in time"

    @property
    def ids(self) -> list[bytes]:
        """Trace and span id of every span that came, in order."""
        return [span.trace_id + span.span_id for span in self.spans]

    def by_name(self) -> dict[str, Any]:
        return {span.name: span for span in self.spans}


def attributes(thing: Any) -> dict[str, Any]:
    """Attributes of a span, a point or a resource as Python values."""
    return {pair.key: _value(pair.value) for pair in thing.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


def rejecting(spans: int, why: str) -> Answer:
    """A yes that is a no for some."""
    body = ExportTraceServiceResponse()
    body.partial_success.rejected_spans = spans
    body.partial_success.error_message = why
    return Answer(200, body.SerializeToString())


def remarking(why: str) -> Answer:
    """A yes with a remark."""
    body = ExportMetricsServiceResponse()
    body.partial_success.error_message = why
    return Answer(200, body.SerializeToString())
