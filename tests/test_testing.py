"""The public fakes."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.events import ApprovalAsked
from leafmesh_nb.engine.ports import ModelRequest
from leafmesh_nb.engine.state import ApprovalState
from leafmesh_nb.testing import FixedClock, ScriptedApprover, ScriptedModel

START = datetime(2026, 1, 1, tzinfo=UTC)


def request(**inputs: Any) -> ModelRequest:
    return ModelRequest("quick", "ann", "Clerk", "", "x", "", inputs, {}, {})


def ask(model: ScriptedModel, **inputs: Any) -> Any:
    return asyncio.run(model.ask(request(**inputs)))


class TestModel:
    def test_outputs_in_order_and_requests_kept(self) -> None:
        model = ScriptedModel([{"a": 1}, {"a": 2}], cost="0.30", tokens=(7, 3))
        replies = [ask(model, n=1), ask(model, n=2)]
        assert [r.output for r in replies] == [{"a": 1}, {"a": 2}]
        assert [r.inputs["n"] for r in model.requests] == [1, 2]
        assert (replies[0].tokens_in, replies[0].tokens_out) == (7, 3)
        assert (replies[0].cost, replies[0].note) == (Decimal("0.30"), "scripted model")
        assert model.count(request()) == 7
        with pytest.raises(lm.AgentError, match="has no reply for request 3"):
            ask(model)

    def test_a_function_sees_the_request(self) -> None:
        model = ScriptedModel(lambda r: {"twice": r.inputs["n"] * 2})
        assert ask(model, n=4).output == {"twice": 8}

    @pytest.mark.parametrize("broken", [[ValueError("oops")], lambda _: 1 / 0])
    def test_what_is_raised_is_an_agents_error(self, broken: Any) -> None:
        with pytest.raises(lm.AgentError, match=r"the scripted model raised (Value|ZeroDivision)E"):
            ask(ScriptedModel(broken))

    def test_an_error_of_ours_stays_what_it_is(self) -> None:
        for script in ([lm.BudgetError("no")], raising(lm.BudgetError("no"))):
            with pytest.raises(lm.BudgetError, match="no"):
                ask(ScriptedModel(script))


def raising(error: Exception) -> Any:
    def script(_: ModelRequest) -> Any:
        raise error

    return script


class TestClock:
    def test_it_stands_until_it_is_moved(self) -> None:
        clock = FixedClock()
        assert clock.now() == clock.now() == START
        before = clock.monotonic()
        clock.advance(90, hours=1)
        assert clock.now() == START + timedelta(hours=1, seconds=90)
        assert clock.monotonic() - before == 3690

    def test_it_is_in_utc(self) -> None:
        clock = FixedClock(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
        assert clock.now() == START
        assert clock.now().tzinfo is UTC
        with pytest.raises(lm.LeafmeshError, match="needs a time with a zone"):
            FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001  # that is the mistake

    def test_sleepers_wake_when_their_time_has_come(self) -> None:
        clock = FixedClock()
        woken: list[int] = []

        async def sleep(seconds: int) -> None:
            await clock.sleep_until(START + timedelta(seconds=seconds))
            woken.append(seconds)

        async def go() -> None:
            tasks = [asyncio.create_task(sleep(n)) for n in (0, 10, 20)]
            await asyncio.sleep(0.01)
            assert woken == [0]
            moved = threading.Thread(target=clock.advance, args=(10,))
            moved.start()
            moved.join()
            await asyncio.sleep(0.01)
            assert woken == [0, 10]
            clock.advance(days=1)
            await asyncio.gather(*tasks)

        asyncio.run(go())
        assert woken == [0, 10, 20]
        clock.advance(1)

    def test_a_sleeper_whose_loop_is_gone_stops_nobody(self) -> None:
        clock = FixedClock()
        loop = asyncio.new_event_loop()
        task = loop.create_task(clock.sleep_until(START + timedelta(days=1)))
        loop.run_until_complete(asyncio.sleep(0))
        clock.advance(1)
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()
        clock.advance(1)


def question(point: str = "tool", **asked: Any) -> ApprovalState:
    body = ApprovalAsked(
        id="q1",
        point=point,
        action="tool:1",
        subject="pay_out",
        digest="d",
        to="lead",
        roster=("lead",),
        asked_by="teller",
        policy="payouts",
        rule="large",
        **asked,
    )
    return ApprovalState("pay", body, "d", START, "lead", ("lead",), None, ())


class TestApprover:
    def test_the_first_entry_that_fits_answers(self) -> None:
        approver = ScriptedApprover(
            [
                {"step": "other", "answer": "reject"},
                {"policy": "payouts", "rule": "large", "answer": "approve", "by": "lead"},
                {"answer": "reject"},
            ]
        )
        given = approver.answer(question())
        assert given is not None
        assert (given.id, given.answer, given.person) == ("q1", "approve", "lead")

    @pytest.mark.parametrize(
        "narrow",
        [
            {"step": "x"},
            {"policy": "x"},
            {"rule": "x"},
            {"subject": "x"},
            {"to": "x"},
            {"point": "x"},
        ],
    )
    def test_an_entry_that_does_not_fit_is_passed_over(self, narrow: dict[str, str]) -> None:
        assert ScriptedApprover([{**narrow, "answer": "approve"}]).answer(question()) is None

    def test_a_doubt_is_another_question(self) -> None:
        careless = ScriptedApprover([{"answer": "approve"}])
        assert careless.answer(question("in_doubt")) is None
        meant = ScriptedApprover([{"answer": "approve", "point": "in_doubt"}])
        assert meant.answer(question("in_doubt")) is not None
        assert meant.answer(question()) is None
        denies = ScriptedApprover([{"answer": "reject"}])
        assert denies.answer(question("in_doubt")) is not None

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            (7, "must hold a list of answers"),
            (["approve"], "entry 1 has no 'answer'"),
            ([{"answer": "approve"}, {"by": "lead"}], "entry 2 has no 'answer'"),
            ([{"answer": "ok"}], "entry 1: 'ok' is no answer; say approve, reject, edit"),
            ([{"answer": "approve", "polcy": "x"}], "unknown key 'polcy'; did you mean 'policy'?"),
            ([{"answer": "approve", "qqq": "x"}], "unknown key 'qqq'; known are step, policy"),
            ([{"answer": "approve", "by": 7}], "entry 1: 'by' must be text"),
            ([{"answer": "edit"}], "an edit needs a 'value'"),
            ([{"answer": "approve", "value": 1}], "no other answer has one"),
            ([{"answer": ["approve"]}], "entry 1: 'answer' must be text"),
        ],
    )
    def test_entries_that_can_fit_nothing(self, entries: Any, message: str) -> None:
        with pytest.raises(lm.ApprovalError) as caught:
            ScriptedApprover(entries)
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("step", "path", "fits"),
    [
        ("a", "a", True),
        ("a", "a[3]#1", True),
        ("a[3]", "a[3]", True),
        ("a[3]", "a[4]", False),
        ("a", "ab", False),
        ("sub", "sub/a@2", True),
        ("a", "sub/a", False),
        ("sub/a", "sub/a[0]", True),
    ],
)
def test_an_answer_for_a_step_is_for_all_that_it_is_made_of(
    step: str, path: str, fits: bool
) -> None:
    asked = question()
    asked.path = path
    approver = ScriptedApprover([{"answer": "approve", "step": step}])
    assert (approver.answer(asked) is not None) == fits
