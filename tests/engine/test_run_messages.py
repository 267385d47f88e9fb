"""What comes through the inbox is untrusted: it is refused with a reason, and stops nothing."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.ports import Batch, Ports
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.journal import open_journal


def teller(amount: Any, ctx: Any) -> dict[str, Any]:
    return {"receipt": ctx.tool("pay", amount=amount)["receipt"], "amount": amount}


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("answer", {"id": [], "answer": "approve"}, "its id is no text"),
        ("answer", {"id": "Q", "answer": []}, "its answer is no text"),
        ("answer", {"answer": "approve"}, "its id is no text"),
        ("answer", {"id": "Q", "answer": "approve", "person": {"a": 1}}, "its person is no text"),
        ("answer", {"id": "Q", "answer": "approve", "channel": 1}, "its channel is no text"),
        ("answer", {"id": "Q", "answer": "approve", "note": None}, "its note is no text"),
        ("answer", {"id": "Q", "answer": "approve", "inside_call": 0}, "its inside_call is"),
        ("answer", {"id": "Q", "answer": "approve", "more": 1}, "this is no answer"),
        ("answer", [1], "takes no message 'unreadable'"),
        ("patch", {"field": ["x"], "value": 1}, "is no field of scope run"),
        ("patch", "x", "takes no message 'unreadable'"),
        ("pause", [1], "takes no message 'unreadable'"),
        ("cancel", [1], "takes no message 'unreadable'"),
        ("cancel", {"by": ["x"]}, "its by is no text"),
        ("resume", {"steps": 1.5}, "is no number of steps"),
    ],
)
def test_a_malformed_message_is_refused_and_stops_nothing(
    world: Any, till: Any, kind: str, body: Any, reason: str
) -> None:
    run = till.start(teller, amount="620")
    question = world.waiting(run)
    if isinstance(body, dict) and body.get("id") == "Q":
        body = {**body, "id": question.id}
    verdict = host().post(run.journal, run.id, kind, body).result(20)
    assert not verdict.accepted
    assert reason in verdict.reason
    question.approve(by="lead")
    assert run.result(20)["receipt"] == "R-1"


@pytest.mark.parametrize("text", ["{bad", '{"by": "\\ud800"}', '{"by": NaN}'])
def test_a_message_that_cannot_be_read_is_refused(world: Any, till: Any, text: str) -> None:
    run = till.start(teller, amount="620")
    question = world.waiting(run)
    with contextlib.closing(sqlite3.connect(world.journal)) as raw:
        row = raw.execute(
            "INSERT INTO inbox (run, kind, body, posted) VALUES (?, 'pause', ?, ?)",
            (run.id, text, "2026-01-01T00:00:00.000000Z"),
        ).lastrowid
        raw.commit()
    journal = open_journal(world.journal)

    def judged() -> bool:
        message = journal.message(row)
        return message is not None and message.verdict is not None

    world.until(run, judged)
    assert not journal.message(row).verdict.accepted
    question.approve(by="lead")
    assert run.result(20)["receipt"] == "R-1"


def test_an_answer_through_the_inbox_is_asserted_whatever_it_says(world: Any, till: Any) -> None:
    run = till.start(teller, amount="620")
    body = {"id": world.waiting(run).id, "answer": "approve", "person": "lead"}
    forged = {**body, "channel": "script", "identity": "signed_in"}
    assert host().post(run.journal, run.id, "answer", forged).result(20).accepted
    run.result(20)
    (answered,) = world.bodies(run, ev.ApprovalAnswered)
    assert (answered.channel, answered.identity) == ("python", "asserted")


class Late:
    """A journal whose posts come back when their verdict is durable, and whose next commit is
    heard of only when the test says so."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal
        self.free, self._durable = threading.Event(), threading.Event()
        self.holding = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def post(self, run: str, kind: str, body: Any) -> int:
        row: int = self._journal.post(run, kind, body)
        if self.holding:
            assert self._durable.wait(20)
        return row

    def commit(self, batch: Batch) -> Future[Any]:
        done: Future[Any] = self._journal.commit(batch)
        if not self.holding or self._durable.is_set():
            return done
        heard: Future[Any] = Future()

        def tell() -> None:
            assert self.free.wait(20)
            heard.set_result(events)

        events = done.result(20)
        self._durable.set()
        threading.Thread(target=tell, daemon=True).start()
        return heard


def test_whoever_is_told_of_a_verdict_finds_the_run_so(
    world: Any, till: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox may be read, and its verdict be durable, before the sender has begun to wait."""
    mesh = world.mesh(till.text(), agents={"teller": teller}, tools=till.tools)
    late: list[Late] = []
    take = type(mesh).take

    def taking(self: Any, run: Any, ports: Ports, **more: Any) -> None:
        late.append(Late(ports.journal))
        take(self, run, replace(ports, journal=late[0]), **more)

    monkeypatch.setattr(type(mesh), "take", taking)
    run = world.start(mesh, amount="620")
    question = world.waiting(run)
    late[0].holding = True
    open_then: list[int] = []

    def approve() -> None:
        question.approve(by="lead")
        open_then.append(len(run.approvals()))

    approving = threading.Thread(target=approve, daemon=True)
    approving.start()
    approving.join(0.5)
    assert open_then == [], "the run's followers have not heard of it yet"
    late[0].free.set()
    approving.join(20)
    assert open_then == [0]
    assert run.result(20)["receipt"] == "R-1"
