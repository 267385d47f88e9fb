"""What comes through the inbox is untrusted: it is refused with a reason, and stops nothing."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
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
