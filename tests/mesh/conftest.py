"""Meshes that run: a journal and an outside ledger of their own, and no run left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.mesh import person, registry
from leafmesh_nb.mesh.run import Run
from leafmesh_nb.quickstart import shop

FIXTURES = Path(__file__).parent.parent / "fixtures"
REFUNDS = (FIXTURES / "refunds.yaml").read_text(encoding="utf-8")
OPEN = ("running", "waiting", "paused")


SLOW = """
    mesh: slow
    agents:
      slow:
        role: Slow
        kind: python
        capabilities: {it.wait: {input: {n: integer}, output: {n: integer}}}
    workflows:
      go:
        input: {n: integer}
        steps:
          one: {capability: it.wait, with: {n: input.n}}
          two: {capability: it.wait, with: {n: input.n}, after: one}
        output: {n: steps.two.output.n}
    """


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mesh of another test keeps its functions, and nobody sits here."""
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setattr(person, "_person", None)
    monkeypatch.setenv("SHOP_LEDGER", str(tmp_path / "payouts.jsonl"))
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    monkeypatch.chdir(tmp_path)


class Desk:
    """Starts runs, waits for them, and cancels those that a test leaves open.

    ``SLOW`` is a mesh of two steps whose agent is a ``door``.
    """

    SLOW = SLOW

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = str(folder / "journal.db")
        self._started: list[Run] = []

    def mesh(self, text: str = REFUNDS, **use: Any) -> lm.Mesh:
        """A mesh; the reference mesh comes with the shop's functions."""
        mesh = lm.Mesh.from_yaml(textwrap.dedent(text))
        if mesh.name == "refunds":
            for id, function in (("clerk", shop.clerk), ("teller", shop.teller)):
                mesh.agent(id)(function)
            mesh.tool("pay_out")(shop.pay_out)
        return mesh.use(**use)

    def start(self, mesh: lm.Mesh, workflow: str, /, **inputs: Any) -> Run:
        """Start a run; it is cancelled after the test if it is still open."""
        run = mesh.start(workflow, **inputs)
        self._started.append(run)
        return run

    def refund(self, amount: str | None = "620", *, mesh: lm.Mesh | None = None) -> Run:
        """A refund of this amount, read by a scripted model, up to its question or its end."""
        reply = {"category": "refund", "amount": amount, "confidence": 1}
        model = lm.testing.ScriptedModel(lambda _: reply)
        mesh = (mesh or self.mesh()).use(models={"quick": model, "deep": model})
        return settled(self.start(mesh, "refund", ticket_id="7", ticket="money back", tier="gold"))

    def keep(self, run: Run) -> Run:
        """Cancel this run after the test as well."""
        self._started.append(run)
        return run

    def paid(self) -> list[Decimal]:
        """The amounts in the outside ledger."""
        return [Decimal(json.loads(line)["amount"]) for line in self.ledger()]

    def ledger(self) -> list[str]:
        """The lines of the outside ledger."""
        file = self.folder / "payouts.jsonl"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @staticmethod
    def settled(run: Run, *, timeout: float = 20) -> Run:
        """The run once it waits, is paused or has ended."""
        return settled(run, timeout=timeout)

    @staticmethod
    def until(condition: Callable[[], Any], *, timeout: float = 20) -> None:
        """Wait for a condition."""
        until(condition, timeout=timeout)

    @staticmethod
    def bodies(run: Run, kind: str) -> list[Any]:
        """The bodies of the events of a kind."""
        return [event.body for event in run.recorded() if event.kind == kind]

    def close(self) -> None:
        """Cancel what is open."""
        for run in self._started:
            if run.owned_here and run.status in OPEN:
                run.cancel()


@pytest.fixture
def desk(tmp_path: Path, _fresh: None) -> Iterator[Desk]:
    """See Desk."""
    found = Desk(tmp_path)
    yield found
    found.close()


def settled(run: Run, *, timeout: float = 20) -> Run:
    """The run once it waits, is paused or has ended."""
    changed = threading.Event()
    stop = run.subscribe(lambda _: changed.set())
    deadline = time.monotonic() + timeout
    try:
        while run.status == "running":
            assert time.monotonic() < deadline, f"{run} is still running"
            changed.wait(0.05)
            changed.clear()
    finally:
        stop()
    return run


def until(condition: Callable[[], Any], *, timeout: float = 20) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        threading.Event().wait(0.01)


@pytest.fixture
def refunds_text() -> str:
    """The reference mesh."""
    return REFUNDS


class Door:
    """An agent that waits until it is let through."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, n: int) -> dict[str, int]:
        self.reached.set()
        assert self.open.wait(20)
        return {"n": n}


@pytest.fixture
def door() -> Any:
    found = Door()
    yield found
    found.open.set()


@pytest.fixture
def slow(desk: Any, door: Door) -> Run:
    mesh = desk.mesh(SLOW)
    mesh.agent("slow")(door)
    run: Run = desk.start(mesh, "go", n=1)
    return run


CHILD = """
    import json, os, sys, threading
    import leafmesh_nb as lm
    from leafmesh_nb.quickstart import shop
    from leafmesh_nb.testing import ScriptedModel

    amount, ending = sys.argv[2], sys.argv[3]
    mesh = lm.Mesh.from_file(sys.argv[1])
    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(shop.pay_out)
    if ending == "in the tool":
        os.fsync = lambda file: os._exit(9)  # once the payout stands in the ledger

    reply = {"category": "refund", "amount": amount, "confidence": 1}
    model = ScriptedModel(lambda _: reply)
    mesh.use(models={"quick": model, "deep": model})
    run = mesh.start("refund", ticket_id="7", ticket="x", tier="gold")
    print(run.id, flush=True)
    while run.status == "running":
        threading.Event().wait(0.01)
    print(run.status, flush=True)
    if ending == "at once":
        os._exit(9)
    sys.stdin.readline()
    print(json.dumps([run.status, len(model.requests)]), flush=True)
    """


class Elsewhere:
    """A process that starts a refund of its own."""

    def __init__(self, folder: Path, journal: str, text: str, amount: str, ending: str) -> None:
        file = folder / "refunds.yaml"
        file.write_text(text, encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(file), amount, ending],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LEAFMESH_JOURNAL": journal},
        )
        self.run = self.line()
        if ending != "in the tool":
            assert self.line() == "waiting"
        if ending != "later":
            assert self.process.wait(60) == 9

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.line()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def elsewhere(desk: Any, tmp_path: Path, refunds_text: str) -> Any:
    started: list[Elsewhere] = []

    def start(amount: str = "620", ending: str = "later") -> Elsewhere:
        started.append(Elsewhere(tmp_path, desk.journal, refunds_text, amount, ending))
        return started[-1]

    yield start
    for other in started:
        other.kill()
