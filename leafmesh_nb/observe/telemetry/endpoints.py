"""Where telemetry goes: the addresses that an argument or the environment names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from leafmesh_nb.errors import LeafmeshError

__all__ = ["Endpoints", "endpoints", "shown"]

_BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_METRICS = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_TRACES_PATH, _METRICS_PATH = "/v1/traces", "/v1/metrics"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of an OTLP/HTTP receiver; ``metrics`` is empty where none are wanted."""

    traces: str
    metrics: str

    @property
    def name(self) -> str:
        """The receiver's name, by which its cursors are kept: it holds no credentials."""
        return shown(self.traces)


def endpoints(endpoint: str | None = None) -> Endpoints | None:
    """The receiver to send to; None when neither the argument nor the environment names one.

    ``endpoint`` is a base address such as ``http://127.0.0.1:4318``, or that of the traces
    (``…/v1/traces``). Without it OTEL_EXPORTER_OTLP_ENDPOINT counts and its variants for traces
    and metrics, as the OpenTelemetry specification says, and so do OTEL_TRACES_EXPORTER and
    OTEL_METRICS_EXPORTER where they say ``none``, and OTEL_SDK_DISABLED. Raises LeafmeshError for
    what is no address, and for a protocol other than HTTP.
    """
    wants_metrics = _env("OTEL_METRICS_EXPORTER").lower() != "none"
    if endpoint is not None:
        url = _address(str(endpoint).strip(), "endpoint")
        base = url._replace(path=url.path.removesuffix("/").removesuffix(_TRACES_PATH))
        return Endpoints(_at(base, _TRACES_PATH), _at(base, _METRICS_PATH) if wants_metrics else "")
    if _env("OTEL_SDK_DISABLED").lower() == "true" or _env("OTEL_TRACES_EXPORTER") == "none":
        return None
    base_text, traces, metrics = _env(_BASE), _env(_TRACES), _env(_METRICS)
    if not base_text and not traces:
        return None
    protocol = next((p for p in map(_env, _PROTOCOLS) if p), "http/protobuf")
    if protocol != "http/protobuf":
        raise LeafmeshError(
            f"telemetry goes out as OTLP over HTTP, and OTEL_EXPORTER_OTLP_PROTOCOL says "
            f"{protocol}: set it to http/protobuf, and {_BASE} to the receiver's HTTP port, which "
            "is 4318 by custom"
        )
    if base_text:
        base = _address(base_text, _BASE)
        traces = traces or _at(base, _TRACES_PATH)
        metrics = metrics or _at(base, _METRICS_PATH)
    _address(traces, _TRACES)
    if metrics:
        _address(metrics, _METRICS)
    return Endpoints(traces, metrics if wants_metrics else "")


def shown(address: str) -> str:
    """An address without what may be a secret: user, password, query."""
    url = urlsplit(address)
    host = url.netloc.rpartition("@")[2]
    return urlunsplit((url.scheme, host, url.path, "", ""))


def _address(text: str, source: str) -> SplitResult:
    try:
        url = urlsplit(text)
        whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        whole = False
    if not whole or any(c.isspace() or not c.isprintable() for c in text):
        plain = "".join(c for c in text if c.isprintable())[:100].rpartition("@")[2]
        raise LeafmeshError(
            f"{source} is no address: {plain!r}; write it with its scheme, such as "
            "http://127.0.0.1:4318"
        )
    return url


def _at(base: SplitResult, path: str) -> str:
    return urlunsplit(base._replace(path=base.path.removesuffix("/") + path, fragment=""))


def _env(name: str) -> str:
    return os.environ.get(name, "").strip()
