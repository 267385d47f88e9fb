"""Meshes to run, runs that were recorded, and events made by hand."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Event
from leafmesh_nb.engine.plan import Plan, plan_of
from leafmesh_nb.journal import open_journal
from leafmesh_nb.language import load
from leafmesh_nb.mesh import Approval, Mesh, Run
from leafmesh_nb.quickstart import shop
from leafmesh_nb.testing import ScriptedApprover

FIXTURES = Path(__file__).parent.parent / "fixtures"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PATIENCE = 20.0
"""Seconds after which a test stops waiting for what should have happened at once."""

REFUNDS = (FIXTURES / "refunds.yaml").read_text(encoding="utf-8")
REFUND = {"ticket_id": "7", "tier": "gold"}
TICKETS = {
    "small": "I was charged twice, please refund $49.99",
    "bug": "The app crashes when I open it",
    "large": "Please refund the $620.00 you charged me twice for",
    "huge": "I want my $7,740.00 back, refund it now",
}


PAYING = """
mesh: paying
memory:
  secret: string
  notes: {type: {list: string}, merge: append}
people:
  lead: {roles: [approver]}
tools:
  pay: {side_effect: true, input: {amount: money}, output: {receipt: string}}
  look: {input: {name: string}, output: {found: boolean}}
  other: {input: {}, output: {}}
agents:
  teller:
    role: Pays
    kind: python
    capabilities: {pay: {input: {amount: money}, output: {receipt: string, amount: money}}}
    tools: [pay, look]
    memory: {read: [notes], write: [notes]}
    LIMITS
policies:
  payouts:
    at: tool
    for: {tools: [pay]}
    rules:
      - {id: small, when: tool.arguments.amount <= 100, then: approve}
      - {id: large, when: tool.arguments.amount > 100, then: ask, to: lead}
    default: deny
workflows:
  w:
    input: {amount: money}
    steps: {pay: {capability: pay, with: {amount: input.amount}}}
    output: {receipt: steps.pay.output.receipt, amount: steps.pay.output.amount}
"""


FLOWS = """
mesh: flows
memory:
  notes: {type: {list: integer}, merge: append}
agents:
  one: {role: A, kind: python, memory: {write: [notes]}, capabilities: CAPABILITIES}
  two: {role: B, kind: python, memory: {write: [notes]}, capabilities: CAPABILITIES}
workflows:
  w:
    input: {n: integer}
    steps:
      each:
        capability: do
        agent: one
        with: {n: item}
        for_each: {in: "[1, 2, 3]", max: 9, parallel: 2}
        on_error: continue
        save: {notes: output.n}
      again: {let: "default(previous, 0) + 1", repeat: {until: output > 2, max: 9}}
      race: {capability: do, with: {n: input.n}, race: 2}
      flaky: {capability: do, agent: one, with: {n: "2"}, retry: {max: 1}, on_error: fix}
      fix: {let: "7"}
      pause: {wait: 1ms, after: race}
      sub: {workflow: inner, with: {n: item}, for_each: {in: "[5, 6]", max: 2}, after: pause}
    output: {n: size(steps.sub.output)}
  inner:
    input: {n: integer}
    steps:
      more: {let: input.n + 1}
      do: {capability: do, agent: two, with: {n: steps.more.output}}
    output: {n: steps.do.output.n}
""".replace("CAPABILITIES", "{do: {input: {n: integer}, output: {n: integer}}}")


class Hand:
    """Events made by hand, a second after each other."""

    def event(self, seq: int, body: Body, path: str = "") -> Event:
        return Event("run:r1", seq, START + timedelta(seconds=seq), 1, path, body)

    def events(self, *bodies: Body | tuple[str, Body]) -> list[Event]:
        """Events in order; a body alone is one of the run as a whole."""
        pairs = [b if isinstance(b, tuple) else ("", b) for b in bodies]
        return [self.event(i, body, path) for i, (path, body) in enumerate(pairs, 1)]

    def started(self, **more: Any) -> ev.RunStarted:
        given: dict[str, Any] = {
            "mesh": "m",
            "workflow": "w",
            "spec_hash": "0" * 64,
            "input": {},
            "requester": "ann",
            "seed": 1,
        }
        return ev.RunStarted(**(given | more))


@pytest.fixture(scope="session")
def hand() -> Hand:
    return Hand()


@dataclass
class World:
    """One journal, and meshes of python agents whose runs are written to it."""

    folder: Path
    runs: list[Run] = field(default_factory=list)

    @property
    def journal(self) -> str:
        return str(self.folder / "journal.db")

    def mesh(
        self,
        text: str,
        *,
        agents: Mapping[str, Callable[..., Any]] | None = None,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        **parts: Any,
    ) -> Mesh:
        mesh = lm.Mesh.from_yaml(textwrap.dedent(text)).use(**parts)
        for name, function in (agents or {}).items():
            mesh.agent(name)(function)
        for name, function in (tools or {}).items():
            mesh.tool(name)(function)
        return mesh

    def start(self, mesh: Mesh, workflow: str = "w", **inputs: Any) -> Run:
        run = mesh.start(workflow, journal=self.journal, **inputs)
        self.runs.append(run)
        return run

    def verify(self) -> None:
        """The journal's chains hold."""
        found = open_journal(self.journal).verify()
        assert found.ok, found

    def until(self, run: Run, happened: Callable[[], bool]) -> None:
        """Wait until something is true of a run; it is looked at after each commit."""
        changed = threading.Event()
        stop = run.subscribe(lambda _: changed.set())
        deadline = time.monotonic() + PATIENCE
        try:
            while not happened():
                assert time.monotonic() < deadline, [(e.kind, e.path) for e in run.recorded()]
                changed.wait(0.05)
                changed.clear()
        finally:
            stop()

    def waiting(self, run: Run) -> Approval:
        """The question that a run asks, once it asks one."""
        self.until(run, lambda: bool(run.approvals()))
        return run.approvals()[0]

    def kinds(self, run: Run, path: str | None = None) -> list[str]:
        """The kinds of a run's events, of one step if it is named."""
        return [e.kind for e in run.recorded() if path is None or e.path == path]

    def bodies(self, run: Run, kind: type[Body], path: str | None = None) -> list[Any]:
        """The bodies of one kind."""
        return [
            e.body
            for e in run.recorded()
            if isinstance(e.body, kind) and (path is None or e.path == path)
        ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    for run in world.runs:
        if run.owned_here:
            run.cancel(wait=False)


class Till:
    """A mesh whose one agent pays, and the outside: what was really paid and looked up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.paid: list[str] = []
        self.looked: list[str] = []
        self.tools: dict[str, Any] = {"pay": self.pay, "look": self.look, "other": dict}

    def pay(self, amount: Any) -> dict[str, str]:
        self.paid.append(str(amount))
        return {"receipt": f"R-{len(self.paid)}"}

    def look(self, name: str) -> dict[str, bool]:
        self.looked.append(name)
        return {"found": True}

    def text(self, limits: str = "") -> str:
        """The mesh, with limits of its agent."""
        return PAYING.replace("    LIMITS\n", f"    {limits}\n" if limits else "")

    def start(
        self,
        teller: Callable[..., Any],
        limits: str = "",
        *,
        amount: str = "50",
        tools: Mapping[str, Any] | None = None,
        **parts: Any,
    ) -> Run:
        """A run whose one step is performed by ``teller``."""
        mesh = self._world.mesh(
            self.text(limits),
            agents={"teller": teller},
            tools={**self.tools, **(tools or {})},
            **parts,
        )
        return self._world.start(mesh, amount=amount)

    def failure(self, run: Run) -> str:
        """What a run that must fail says."""
        with pytest.raises(lm.RunError) as info:
            run.result(PATIENCE)
        assert run.status == "failed"
        return str(info.value)


@pytest.fixture
def till(world: World) -> Till:
    return Till(world)


def refunds_mesh(**parts: Any) -> Mesh:
    """The reference mesh with the shop's functions."""
    mesh = lm.Mesh.from_yaml(REFUNDS).use(**parts)
    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(shop.pay_out)
    return mesh


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Plan, list[Event]]]:
    """Runs of the reference mesh, as they stand in a journal: by what happened in them."""
    folder = tmp_path_factory.mktemp("recordings")
    scripts: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "approved by rule": ("small", []),
        "nothing to pay": ("bug", []),
        "approved by a person": ("large", [{"answer": "approve", "by": "lead"}]),
        "rejected": ("large", [{"answer": "reject", "by": "lead", "note": "no"}]),
        "edited": (
            "large",
            [{"answer": "edit", "by": "lead", "value": {"ticket_id": "7", "amount": "90"}}],
        ),
        "escalated": (
            "large",
            [
                {"answer": "escalate", "by": "lead", "to": "lead"},
                {"answer": "approve", "by": "finance", "to": "finance"},
            ],
        ),
        "denied by rule": ("huge", []),
    }
    found: dict[str, tuple[Plan, list[Event]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_LEDGER", str(folder / "payouts.jsonl"))
        for name, (ticket, script) in scripts.items():
            mesh = refunds_mesh(approver=ScriptedApprover(script))
            run = mesh.start(
                "refund", ticket=TICKETS[ticket], journal=folder / "journal.db", **REFUND
            )
            try:
                run.result(PATIENCE)
            except lm.RunError:
                assert run.status == "failed", run.error
            found[name] = (plan_of(load(REFUNDS), "refund"), run.recorded())
    found["every kind of step"] = (plan_of(load(FLOWS), "w"), _every_kind_of_step(folder))
    return found


def _every_kind_of_step(folder: Path) -> list[Event]:
    def one(n: int) -> dict[str, int]:
        if n == 2:
            raise ValueError("not 2")
        return {"n": n}

    mesh = lm.Mesh.from_yaml(FLOWS)
    mesh.agent("one")(one)
    mesh.agent("two")(lambda n: {"n": n})
    run = mesh.start("w", n=1, journal=folder / "journal.db")
    assert run.result(PATIENCE) == {"n": 2}
    return run.recorded()
