"""Which receiver an argument or the environment means."""

from __future__ import annotations

import subprocess
import sys

import pytest

from leafmesh_nb.errors import LeafmeshError
from leafmesh_nb.observe.telemetry.endpoints import endpoints, shown

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
METRICS = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"


@pytest.mark.parametrize(
    ("given", "traces"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        (" https://otlp.example/in/ ", "https://otlp.example/in/v1/traces"),
        ("http://127.0.0.1:4318/v1/traces", "http://127.0.0.1:4318/v1/traces"),
        ("https://u:p@h.example/x?key=1", "https://u:p@h.example/x/v1/traces?key=1"),
    ],
)
def test_an_address(given: str, traces: str) -> None:
    where = endpoints(given)
    assert where is not None
    assert where.traces == traces
    assert where.metrics == traces.replace("traces", "metrics")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "localhost:4318",
        "ftp://x",
        "http://",
        "http://[::1",
        "http://h:99999",
        "a b",
        "//x",
        "☃",
    ],
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(LeafmeshError, match=r"endpoint is no address: .*write it with its scheme"):
        endpoints(given)


def test_credentials_are_never_shown() -> None:
    where = endpoints("https://user:pass@h.example/in?key=secret")
    assert where is not None
    assert where.name == "https://h.example/in/v1/traces"
    assert shown("https://user:pass@h.example/") == "https://h.example/"
    with pytest.raises(LeafmeshError) as caught:
        endpoints("htp://user:pass@h.example")
    assert "pass" not in str(caught.value)


def test_nobody_says_where() -> None:
    assert endpoints() is None


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE, "http://c:4318")
    where = endpoints()
    assert where is not None
    assert (where.traces, where.metrics) == ("http://c:4318/v1/traces", "http://c:4318/v1/metrics")
    monkeypatch.setenv(METRICS, "http://m:1/in")
    monkeypatch.setenv(TRACES, "http://t:2/in")
    where = endpoints()
    assert where is not None
    assert (where.traces, where.metrics) == ("http://t:2/in", "http://m:1/in")
    # An argument is about one receiver.
    where = endpoints("http://a:3")
    assert where is not None
    assert where.metrics == "http://a:3/v1/metrics"


def test_traces_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACES, "http://t:2/in")
    where = endpoints()
    assert where is not None
    assert where.metrics == ""  # and not to localhost, where nobody said they should go
    monkeypatch.setenv(BASE, "http://c:4318")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    where = endpoints()
    assert where is not None
    assert where.metrics == ""


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_switched_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(BASE, "http://c:4318")
    monkeypatch.setenv(name, value)
    assert endpoints() is None


def test_another_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE, "http://c:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(LeafmeshError, match=r"says grpc: set it to http/protobuf.*4318"):
        endpoints()


def test_a_bad_address_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BASE, "c:4318")
    with pytest.raises(LeafmeshError, match=f"{BASE} is no address"):
        endpoints()


def test_the_sdk_is_imported_late() -> None:
    code = (
        "import sys, leafmesh_nb.observe.telemetry, leafmesh_nb.mesh.exporting\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'opentelemetry', 'requests'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_without_the_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['opentelemetry.exporter'] = None\n"
        "from leafmesh_nb.errors import LeafmeshError\n"
        "from leafmesh_nb.observe.telemetry import endpoints, receiver_at\n"
        "try:\n"
        "    receiver_at(endpoints('http://127.0.0.1:4318'))\n"
        "except LeafmeshError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "needs the extra otlp" in done.stdout
    assert 'pip install "leafmesh-nb[otlp]"' in done.stdout
