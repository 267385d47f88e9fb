"""An answer counts as signed in when the journal has the sign-in that it goes by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Draft
from leafmesh_nb.engine.ports import Append, Batch
from leafmesh_nb.engine.runner.host import host


def sign_in(journal: Any, person: str) -> int:
    """Record a sign-in; returns its place."""
    head = journal.read("journal")
    draft = Draft(ev.PersonSignedIn(person, "service", False), ts=datetime.now(UTC))
    batch = Batch((Append("journal", (draft,), head[-1].seq if head else 0),))
    (event,) = journal.commit(batch).result(20)
    seq: int = event.seq
    return seq


@pytest.fixture
def asked(world: Any, till: Any) -> Any:
    def teller(amount: Any, ctx: Any) -> Any:
        return {"receipt": ctx.tool("pay", amount=amount)["receipt"], "amount": amount}

    run = till.start(teller, amount="620")
    return run, world.waiting(run).id


def answer(run: Any, question: str, **more: Any) -> Any:
    body = {"id": question, "answer": "approve", "person": "lead", "channel": "service", **more}
    return host().post(run.journal, run.id, "answer", body).result(20)


def test_a_sign_in_of_the_same_person_makes_an_answer_signed_in(world: Any, asked: Any) -> None:
    run, question = asked
    sign_in(run.journal, "somebody else")
    session = sign_in(run.journal, "lead")
    assert answer(run, question, identity="signed_in", session=session).accepted
    run.result(20)
    (answered,) = world.bodies(run, ev.ApprovalAnswered)
    assert (answered.person, answered.channel, answered.identity) == (
        "lead",
        "service",
        "signed_in",
    )


@pytest.mark.parametrize("session", [0, -1, 1, 2, 99])
def test_without_it_an_answer_is_asserted(world: Any, asked: Any, session: int) -> None:
    run, question = asked
    assert sign_in(run.journal, "finance") == 1
    assert answer(run, question, identity="signed_in", session=session).accepted
    run.result(20)
    (answered,) = world.bodies(run, ev.ApprovalAnswered)
    assert answered.identity == "asserted"


@pytest.mark.parametrize("session", ["1", True, None, 1.0])
def test_a_session_that_is_no_number_is_refused(world: Any, asked: Any, session: Any) -> None:
    run, question = asked
    verdict = answer(run, question, identity="signed_in", session=session)
    assert not verdict.accepted
    assert "session" in verdict.reason
