"""``%mesh export``: one run, where to, and what is said to bad input."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.error import UsageError

Refunds = Callable[[], Any]
RUN = '%mesh run refund ticket_id="7" ticket="I was charged twice, refund $40.00" tier="gold" -o r'


@pytest.fixture(autouse=True)
def _no_telemetry_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def receiver() -> Iterator[str]:
    """Says yes to everything."""

    class Yes(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def ran(refunds: Refunds) -> Any:
    cells = refunds()
    cells.good(RUN)
    cells.good("r.result(timeout=20)")
    return cells


def test_to_a_receiver(ran: Any, receiver: str) -> None:
    ran.good(f"%mesh export --endpoint {receiver}")
    assert "spans of 1 run" in ran.out
    assert f"to {receiver}/v1/traces." in ran.out
    ran.good(f"%mesh export r --endpoint {receiver}")
    assert "Exported 0 spans" in ran.out


def test_to_the_console(ran: Any) -> None:
    ran.good("%mesh export r")
    assert '"name": "invoke_workflow refund"' in ran.out
    assert "to the console." in ran.out


def test_a_bad_flag_shows_the_usage(ran: Any) -> None:
    for line in ("%mesh export --port 3", "%mesh export a b", "%mesh export 'r"):
        ran.run(line)
        assert isinstance(ran.error, UsageError), line
        assert "usage: %mesh export" in str(ran.error)


def test_one_clear_message(ran: Any) -> None:
    ran.run("%mesh export --endpoint localhost:4318")
    assert "endpoint is no address: 'localhost:4318'" in ran.out
    assert "Traceback" not in ran.out
    ran.run("%mesh export --endpoint http://127.0.0.1:9")
    assert "nothing answers at http://127.0.0.1:9/v1/traces" in ran.out
    assert "Traceback" not in ran.out
