"""Runs a mesh with every kind of step in processes that are killed where a test says.

The server and the points are those of ``crash_driver``. Outside stand a book of what was asked
(``calls.txt``: who, and for what) and a ledger of what was paid (``paid.txt``).
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from crash_driver import PATIENCE, Points, serve

import leafmesh_nb as lm
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.errors import AgentError
from leafmesh_nb.journal import open_journal
from leafmesh_nb.journal.sqlite import SqliteJournal

MESH = lm.Mesh.from_yaml("""
mesh: flows
models: {quick: {provider: offline, tier: small}}
people: {lead: {roles: [approver]}}
memory:
  notes: {type: {list: integer}, merge: append}
tools:
  pay: {side_effect: true, input: {amount: integer}, output: {receipt: integer}}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
    tools: [pay]
    memory: {read: [notes], write: [notes]}
  hare: {role: Runs, kind: python, capabilities: {run: {input: {n: integer}, output: {n: integer}}}}
  tortoise:
    role: Runs
    kind: python
    capabilities: {run: {input: {n: integer}, output: {n: integer}}}
  judge:
    role: Judges
    capabilities: {judge: {input: {n: integer}, output: {n: integer}}}
    model: quick
    memory: {write: [notes]}
policies:
  payouts: {at: tool, for: {tools: [pay]}, rules: [{id: all, then: approve}]}
workflows:
  all:
    input: {n: integer}
    steps:
      some: {let: "[input.n, input.n + 1, input.n + 2]"}
      each:
        capability: judge
        with: {n: item}
        for_each: {in: steps.some.output, max: 9, parallel: 2}
        save: {notes: output.n}
      again:
        capability: work
        with: {n: "default(previous.n, 1)"}
        repeat: {until: output.n > 2, max: 5}
      race: {capability: run, with: {n: input.n}, race: 2}
      flaky: {capability: work, with: {n: "500"}, retry: {max: 2, backoff: 5ms}}
      broken: {capability: work, with: {n: "600"}, on_error: fix}
      fix: {let: "7"}
      pause: {wait: 10ms, after: race}
      sub:
        workflow: paying
        with: {n: item}
        for_each: {in: "[1001, 1002]", max: 2}
        after: pause
    output:
      each: steps.each.output.map(o, o.n)
      again: steps.again.output.n
      race: steps.race.output.n
      flaky: steps.flaky.output.n
      fix: steps.fix.output
      paid: steps.sub.output.map(o, o.receipt)
      notes: size(memory.notes)
  paying:
    input: {n: integer}
    steps:
      more: {let: input.n + 1000}
      pay: {capability: work, with: {n: steps.more.output}}
    output: {receipt: steps.pay.output.n}
""")


class Outside:
    """What is outside of the process, and stays when it is killed."""

    def __init__(self, folder: Path, points: Points) -> None:
        self._folder, self._points = folder, points
        self._lock = threading.Lock()

    def note(self, file: str, line: object) -> None:
        with self._lock, (self._folder / file).open("a", encoding="utf-8") as opened:
            opened.write(f"{line}\n")

    def lines(self, file: str) -> list[str]:
        path = self._folder / file
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def work(self, n: int, ctx: Any) -> dict[str, int]:
        self.note("calls.txt", f"{ctx.key} work {n}")
        if n == 600 or (n == 500 and "flaked" not in self.lines("flaked.txt")):
            self.note("flaked.txt", "flaked" if n == 500 else "")
            raise ValueError(f"no {n}")
        if n > 1000:
            return {"n": ctx.tool("pay", amount=n)["receipt"]}
        return {"n": n + 1}

    def run(self, n: int, ctx: Any) -> dict[str, int]:
        self.note("calls.txt", f"{ctx.key} run {n}")
        return {"n": n}

    def pay(self, amount: int) -> dict[str, int]:
        self._points.passing("before the effect")
        self.note("paid.txt", amount)
        self._points.passing("after the effect")
        return {"receipt": amount * 2}

    async def ask(self, request: ModelRequest) -> ModelReply:
        self.note("calls.txt", f"{request.key} judge {request.inputs['n']}")
        self._points.passing("during the model call")
        return ModelReply({"n": int(request.inputs["n"]) * 10}, 10, 2)

    def count(self, request: ModelRequest) -> int:
        return 10

    def settle(self, question: lm.Approval) -> None:
        """Say what became of a payment, as a careful person does: look whether it was made."""
        amount = question.value["amount"]
        if str(amount) in self.lines("paid.txt"):
            question.edit({"receipt": amount * 2}, by="lead")
        else:
            question.approve(by="lead")


def carry_out(command: dict[str, Any]) -> dict[str, Any]:
    """Start a run, or go on with the one that is there, to its end."""
    folder = Path(command["folder"])
    points = Points(command["kill"])
    for name in ("create", "commit", "post"):
        setattr(SqliteJournal, name, points.watch(getattr(SqliteJournal, name)))
    journal = str(folder / "journal.db")
    outside = Outside(folder, points)
    mesh = MESH.use(models={"quick": outside})
    mesh.agent("worker")(outside.work)
    mesh.agent("hare")(outside.run)
    mesh.agent("tortoise")(outside.run)
    mesh.tool("pay")(outside.pay)
    rows = open_journal(journal).runs()
    if rows:
        run = lm.resume(rows[0].id, journal=journal)
    else:
        run = mesh.start("all", n=1, journal=journal)
    changed = threading.Event()
    run.subscribe(lambda _: changed.set())
    while run.status not in ("done", "failed", "cancelled"):
        for question in run.approvals():
            try:
                outside.settle(question)
            except (lm.ApprovalError, AgentError):
                continue  # it was settled when its process was killed
        changed.wait(PATIENCE)
        changed.clear()
    return {"status": run.status, "output": run.output, "error": run.error, "writes": points.writes}


if __name__ == "__main__":
    serve(carry_out)
