"""Runs the reference mesh in processes that are killed where a test says.

A server: it reads one command a line (JSON), forks a process that carries it out, and answers with
one line when that process has ended or was killed. Nothing runs in the server itself, so that each
process starts from imports and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import genai_prices  # noqa: F401  # 0.2 s, once here instead of in every process

import leafmesh_nb as lm
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.journal import open_journal
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.quickstart import shop

PATIENCE = 0.3
"""Seconds without news after which nobody is going to answer, unless an answer was sent already."""

FIXTURES = Path(__file__).parent.parent / "fixtures"


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way


MESH = lm.Mesh.from_yaml((FIXTURES / "refunds.yaml").read_text(encoding="utf-8"))


class Points:
    """Counts what a process passes, and kills it at one of these points.

    Writes to the journal are ``before write N`` and ``after write N``; the others have names. How
    many writes a run takes is not fixed: an answer that comes while the function that asked is
    still unwinding is written by itself, a later one together with what follows from it.
    """

    def __init__(self, fatal: str) -> None:
        self._fatal = fatal
        self._lock = threading.Lock()
        self.writes = 0

    def passing(self, name: str) -> None:
        if name == self._fatal:
            kill()

    def watch(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method of the journal that writes."""

        def writing(journal: Any, *given: Any, **more: Any) -> Any:
            with self._lock:
                self.writes += 1
                number = self.writes
            self.passing(f"before write {number}")
            result = method(journal, *given, **more)
            if number == self._number_after():
                if hasattr(result, "result"):
                    result.result(30)  # until it is durable
                kill()
            if method.__name__ == "post":
                self.passing("after the answer")
            return result

        return writing

    def _number_after(self) -> int:
        head, _, number = self._fatal.rpartition(" ")
        return int(number) if head == "after write" else 0


class CountedModel:
    """Answers for the shop, and writes a line outside for every request that it gets."""

    def __init__(self, points: Points, book: Path, amount: str) -> None:
        self._points, self._book, self._amount = points, book, amount

    async def ask(self, request: ModelRequest) -> ModelReply:
        with self._book.open("a", encoding="utf-8") as file:
            file.write(request.key + "\n")
        self._points.passing("during the model call")
        output = {"category": "refund", "amount": self._amount, "confidence": 1}
        return ModelReply(output, 100, 20)

    def count(self, request: ModelRequest) -> int:
        return 100


class Clerk:
    """Answers what the run asks, as the command says."""

    def __init__(self, command: dict[str, Any]) -> None:
        self._approval, self._doubt = command["approval"], command["doubt"]

    def answer(self, question: lm.Approval) -> bool:
        """False to leave it to somebody else."""
        if "edit" in question.options and question._state.asked.point == "in_doubt":
            return self._settle(question)
        if self._approval == "leave":
            return False
        with contextlib.suppress(lm.ApprovalError):  # an answer that stood in the inbox was first
            (question.approve if self._approval == "approve" else question.reject)(by="lead")
        return True

    def _settle(self, question: lm.Approval) -> bool:
        lines = shop.ledger().read_text().splitlines() if shop.ledger().exists() else []
        paid = [json.loads(line)["receipt"] for line in lines]
        verdict = self._doubt
        if verdict == "look":  # what a careful person does
            verdict = "happened" if paid else "again"
        if verdict == "leave":
            return False
        if verdict == "happened":
            question.edit({"receipt": paid[0] if paid else "R-0000"}, by="lead")
        else:
            (question.approve if verdict == "again" else question.reject)(by="lead")
        return True


def carry_out(command: dict[str, Any]) -> dict[str, Any]:
    """Start a run, or go on with the one that is there; to its end, or until nobody answers."""
    folder = Path(command["folder"])
    os.environ["SHOP_LEDGER"] = str(folder / "payouts.jsonl")
    points = Points(command["kill"])
    for name in ("create", "commit", "post"):
        setattr(SqliteJournal, name, points.watch(getattr(SqliteJournal, name)))
    journal = str(folder / "journal.db")
    model = CountedModel(points, folder / "requests.txt", command["amount"])
    mesh = MESH.use(models={"quick": model, "deep": model})

    def pay_out(ticket_id: str, amount: Any) -> dict[str, str]:
        points.passing("before the effect")
        receipt = shop.pay_out(ticket_id, amount)
        points.passing("after the effect")
        return receipt

    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(pay_out)
    rows = open_journal(journal).runs()
    if rows:
        run = lm.resume(rows[0].id, journal=journal)
    else:
        run = mesh.start("refund", ticket_id="7", ticket="refund", tier="gold", journal=journal)
    clerk = Clerk(command)
    changed = threading.Event()
    run.subscribe(lambda _: changed.set())
    while run.status not in ("done", "failed", "cancelled"):
        questions = run.approvals()
        if questions and not clerk.answer(questions[0]):
            if changed.wait(PATIENCE) or run.journal.inbox([run.id]):
                changed.clear()
                continue
            points.passing("while waiting")
            break
        changed.wait(0.02)
        changed.clear()
    output = None if run.output is None else {k: str(v) for k, v in run.output.items()}
    return {
        "run": run.id,
        "status": run.status,
        "output": output,
        "error": run.error,
        "writes": points.writes,
    }


def serve(carry_out: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                answer = carry_out(command)
                os.write(writing, json.dumps(answer).encode())
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answer = {"killed": killed, **(json.loads(said) if said else {})}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(carry_out)
