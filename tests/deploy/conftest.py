"""A service of the reference mesh, in this process: real HTTP on loopback, a journal of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
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
from starlette.requests import Request

import leafmesh_nb as lm
from leafmesh_nb.deploy import services, tokens
from leafmesh_nb.deploy.access import Access
from leafmesh_nb.deploy.app import build_app
from leafmesh_nb.deploy.context import Release, ServiceContext
from leafmesh_nb.deploy.sessions import csrf_token
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
        self._app = build_app(self.context)
        config = uvicorn.Config(self._app, log_level="warning")
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

    def register(self, mesh: str = "refunds") -> None:
        """Say, as ``deploy`` does, that a mesh is served here."""
        people = tuple(self.mesh.spec.people)
        services.register(self.access, mesh, self.mesh.spec.hash, people, self.url)

    def csrf(self, cookie: str) -> str:
        """What a form of the session with this cookie carries."""
        sent = f"{self.context.cookie}={cookie}".encode()
        return csrf_token(
            Request({"type": "http", "headers": [(b"cookie", sent)], "app": self._app})
        )

    def client(self, token: str | None = None, **kwargs: Any) -> httpx.Client:
        """A client that sends a token (None: nothing); answers of the API must be as described."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        headers |= kwargs.pop("headers", {})
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
                with contextlib.suppress(lm.RunError):  # it may end in that moment
                    run.cancel()
        for client in self._clients:
            client.close()
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()
        self.access.close()


@pytest.fixture
def refunds_text() -> str:
    """The reference mesh."""
    return REFUNDS


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


# Services as processes of their own


WORK = """
    mesh: work
    people:
      lead: {}
      finance: {}
    tools:
      send:
        python: "work:send"
        side_effect: true
        input: {n: integer}
        output: {n: integer}
    agents:
      waiter:
        role: Waits
        kind: python
        python: "work:wait"
        capabilities: {it.wait: {input: {n: integer}, output: {n: integer}}}
        limits: {timeout: 60s}
      sender:
        role: Sends
        kind: python
        python: "work:pass_on"
        tools: [send]
        capabilities: {it.send: {input: {n: integer}, output: {n: integer}}}
    policies:
      sending:
        at: tool
        for: {tools: [send]}
        rules:
          - {id: all, then: ask, to: lead, reason: "send ${tool.arguments.n}"}
    workflows:
      wait:
        input: {n: integer}
        steps:
          one: {capability: it.wait, with: {n: input.n}}
          two: {capability: it.wait, with: {n: input.n + 1}, after: one}
        output: {n: steps.two.output.n}
      send:
        input: {n: integer}
        steps:
          one: {capability: it.send, with: {n: input.n}}
        output: {n: steps.one.output.n}
    """

MODULE = """
    import pathlib
    import time

    HERE = pathlib.Path(__file__).parent


    def wait(n):
        with (HERE / "calls.txt").open("a") as log:
            log.write(f"{n}\\n")
        while not (HERE / "open").exists():
            time.sleep(0.01)
        return {"n": n}


    def pass_on(n, *, ctx):
        return {"n": ctx.tool("send", n=n)["n"]}


    def send(n):
        with (HERE / "sent.txt").open("a") as log:
            log.write(f"{n}\\n")
        return {"n": n}
    """


class Deployed:
    """A service in a process of its own. ``told`` is what it said of itself first."""

    def __init__(self, place: Path, journal: Path, port: int = 0, **env: str) -> None:
        self.log = journal.with_suffix(".log")
        command = [sys.executable, "-P", "-m", "leafmesh_nb.deploy.background", str(place)]
        command += ["--database", str(journal), "--host", "127.0.0.1", "--port", str(port)]
        self._errors = self.log.open("a", encoding="utf-8")
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **env},
            cwd=journal.parent,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.said()
        self.told: dict[str, Any] = json.loads(line)
        self.error = self.told.get("error", "")
        if not self.error:
            self.url, self.token = self.told["url"], self.told["token"]
            self.client = httpx.Client(
                base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30
            )
            Service.until(self._ready)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def start(self, workflow: str, **input: Any) -> str:
        """Start a run; its id."""
        answer = self.client.post("/api/runs", json={"workflow": workflow, "input": input})
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def run(self, id: str) -> Any:
        """A run as the API shows it."""
        return self.client.get(f"/api/runs/{id}").json()

    def question(self, id: str) -> Any:
        """The open question of a run, once there is one."""
        found: list[Any] = []

        def asked() -> bool:
            listed = self.client.get("/api/approvals").json()["approvals"]
            found[:] = [question for question in listed if question["run"] == id]
            return bool(found)

        Service.until(asked)
        return found[0]

    def answer(self, question: str, token: str, **body: Any) -> httpx.Response:
        """Answer a question with somebody's token."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.post(f"/api/approvals/{question}", json=body, headers=headers)

    def said(self) -> str:
        """What stands in its log."""
        return self.log.read_text(encoding="utf-8")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        if not self.error:
            self.client.close()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._errors.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mesh file with the module of its functions beside it. A call of ``wait`` returns once there
    is a file ``open``; ``calls.txt`` and ``sent.txt`` say what was called."""
    (tmp_path / "work.yaml").write_text(textwrap.dedent(WORK), encoding="utf-8")
    (tmp_path / "work.py").write_text(textwrap.dedent(MODULE), encoding="utf-8")
    return tmp_path


@pytest.fixture
def deployed(folder: Path) -> Iterator[Callable[..., Deployed]]:
    """Start a service of the mesh in ``folder``, or of another place."""
    started: list[Deployed] = []

    def start(place: Path | None = None, port: int = 0, **env: str) -> Deployed:
        place = place or folder / "work.yaml"
        started.append(Deployed(place, folder / "journal.db", port, **env))
        return started[-1]

    yield start
    for service in started:
        service.close()
