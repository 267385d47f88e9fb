"""A service of the reference mesh, in this process: real HTTP on loopback, a journal of its own."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from jsonschema import Draft202012Validator, FormatChecker

import leafmesh_nb as lm
from leafmesh_nb.deploy import tokens
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.app import build_app
from leafmesh_nb.deploy.context import Release, ServiceContext
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import person, registry
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.quickstart import shop

REFUNDS = (Path(__file__).parent.parent / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mesh of another test keeps its functions, and nobody sits here."""
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setattr(person, "_person", None)
    monkeypatch.setenv("SHOP_LEDGER", str(tmp_path / "payouts.jsonl"))
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    monkeypatch.chdir(tmp_path)


class Described:
    """The description that a service gives of itself. ``seen`` collects (path, method, status)."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, str, int]] = set()

    def path_of(self, path: str) -> str | None:
        """The template that a path goes by."""
        for template in self.document["paths"]:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return str(template)
        return None

    def check(self, response: httpx.Response) -> None:
        """Assert that the answer is documented, and that its body has the documented shape."""
        template = self.path_of(response.url.path)
        method = response.request.method.lower()
        if template is None or method not in self.document["paths"][template]:
            return
        answers = self.document["paths"][template][method]["responses"]
        status = str(response.status_code)
        assert status in answers, f"{method} {template} answered {status}: not documented"
        self.seen.add((template, method, response.status_code))
        content = answers[status].get("content")
        if content is None:
            return
        ((kind, described),) = content.items()
        assert response.headers["content-type"].partition(";")[0] == kind
        if kind == "application/json":
            response.read()
            self.valid(described["schema"], response.json())

    def valid(self, schema: dict[str, Any], value: Any) -> None:
        """Assert that a value has a shape."""
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


class Service:
    """A running service. ``operator`` is its operator's token; ``url`` where it is."""

    def __init__(self, folder: Path, text: str = REFUNDS) -> None:
        self.folder = folder
        self.mesh = lm.Mesh.from_yaml(text)
        if self.mesh.name == "refunds":
            for id, function in (("clerk", shop.clerk), ("teller", shop.teller)):
                self.mesh.agent(id)(function)
            self.mesh.tool("pay_out")(shop.pay_out)
        self.journal = open_journal(folder / "journal.db")
        self.access = Access(self.journal.location)
        self.operator = tokens.create(self.access, self.mesh.name, "ada", operator=True)
        now = datetime.now(UTC)
        release = Release(self.mesh.name, self.mesh.spec.hash, now)
        self.context = ServiceContext(self.mesh, self.journal, release, self.access, now)
        self._runs: list[Run] = []
        self._clients: list[httpx.Client] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(build_app(self.context), log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), daemon=True
        )
        self._thread.start()
        self.until(lambda: self._server.started)
        self.described = Described(httpx.get(f"{self.url}/openapi.json").json())
        self.context.standing.ready.set()

    def token(self, person: str) -> str:
        """A reviewer's token."""
        return tokens.create(self.access, self.mesh.name, person)

    def client(self, token: str | None = None, **kwargs: Any) -> httpx.Client:
        """A client that sends a token (None: nothing); answers of the API must be as described."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        hooks = {"response": [self.described.check]}
        client = httpx.Client(
            base_url=self.url, headers=headers, timeout=20, event_hooks=hooks, **kwargs
        )
        self._clients.append(client)
        return client

    def refund(self, amount: str | None = "620", *, ticket: str = "money back") -> Run:
        """A refund of this amount that a scripted model reads, up to its question or its end."""
        reply = {"category": "refund", "amount": amount, "confidence": 1}
        model = lm.testing.ScriptedModel(lambda _: reply)
        self.mesh.use(models={"quick": model, "deep": model})
        run = self.mesh.start(
            "refund", journal=self.journal.location, ticket_id="7", ticket=ticket, tier="gold"
        )
        self._runs.append(run)
        self.until(lambda: run.status != "running")
        return run

    def paid(self) -> list[Decimal]:
        """The amounts in the outside ledger."""
        import json

        file = self.folder / "payouts.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [Decimal(json.loads(line)["amount"]) for line in lines]

    @staticmethod
    def until(condition: Callable[[], Any], *, timeout: float = 20) -> None:
        """Wait for a condition."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "this did not happen in time"
            threading.Event().wait(0.01)

    def close(self) -> None:
        """Cancel what is open, and stop."""
        for run in self._runs:
            if run.owned_here and run.status in ("running", "waiting", "paused"):
                run.cancel()
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()
        self.access.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a service: ``serve()`` of the reference mesh, ``serve(text)`` of another."""
    started: list[Service] = []

    def start(text: str = REFUNDS) -> Service:
        started.append(Service(tmp_path, text))
        return started[-1]

    yield start
    for service in started:
        service.close()


@pytest.fixture
def service(serve: Callable[..., Service]) -> Service:
    """See Service."""
    return serve()
