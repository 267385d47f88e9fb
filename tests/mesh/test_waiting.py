"""Waiting for a run: from several threads, from another loop, and where nobody can be asked."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
import time
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.mesh import waiting
from leafmesh_nb.mesh.run import Run


class TestResult:
    def test_the_output_again_and_again(self, slow: Run, door: Any) -> None:
        door.open.set()
        assert slow.result(20) == {"n": 1}
        assert slow.result() == {"n": 1}
        assert slow.result(0) == {"n": 1}
        assert slow.output == {"n": 1}
        assert slow.error is None

    @pytest.mark.parametrize("timeout", [0, -1, 0.05])
    def test_a_timeout_changes_nothing(self, slow: Run, door: Any, timeout: float) -> None:
        began = time.monotonic()
        with pytest.raises(lm.RunError, match="is still running") as caught:
            slow.result(timeout)
        assert time.monotonic() - began < 2
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.run is slow
        assert slow.status == "running"
        assert slow.output is None
        door.open.set()
        assert slow.result(20) == {"n": 1}

    def test_two_waits_at_once(self, slow: Run, door: Any) -> None:
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(slow.result(20))) for _ in range(4)]
        for thread in threads:
            thread.start()
        door.open.set()
        for thread in threads:
            thread.join(20)
        assert found == [{"n": 1}] * 4

    def test_a_failure_says_where_and_why(self, desk: Any) -> None:
        mesh = desk.mesh(desk.SLOW)

        @mesh.agent("slow")
        def broken(n: int) -> dict[str, int]:
            raise KeyError("oops")

        run = desk.start(mesh, "go", n=1)
        for _ in range(2):
            with pytest.raises(lm.RunError) as caught:
                run.result(20)
            error = caught.value
            assert (error.run, error.step, error.cause) == (run, "one", "AgentError")
            assert f"run {run.id} failed at step one: agent slow raised KeyError: 'oops'" in str(
                error
            )
            assert "broken, line" in str(error)
        assert run.error["kind"] == "AgentError"
        assert run.output is None

    def test_a_cancelled_run(self, slow: Run, door: Any) -> None:
        slow.cancel()
        with pytest.raises(lm.RunError, match=r"cancelled: cancelled by ") as caught:
            slow.result(20)
        assert caught.value.cause == "Cancelled"
        assert slow.status == "cancelled"

    def test_an_error_shows_no_card_number(self, desk: Any) -> None:
        mesh = desk.mesh(desk.SLOW)

        @mesh.agent("slow")
        def broken(n: int) -> dict[str, int]:
            raise ValueError("card 4111 1111 1111 1111 was declined")

        run = desk.start(mesh, "go", n=1)
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        for text in (str(caught.value), str(run.error), repr(run), run.audit().to_csv()):
            assert "4111" not in text
        assert "1111 was declined" in str(caught.value)


class TestAwait:
    def test_in_a_loop_of_its_own(self, slow: Run, door: Any) -> None:
        async def wait() -> Any:
            asyncio.get_running_loop().call_later(0.05, door.open.set)
            return await slow

        assert asyncio.run(wait()) == {"n": 1}

    def test_the_loop_goes_on_meanwhile(self, slow: Run, door: Any) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while not door.open.is_set():
                ticks += 1
                if ticks == 20:
                    door.open.set()
                await asyncio.sleep(0.001)

        async def both() -> Any:
            ticking = asyncio.create_task(tick())
            output = await slow
            await ticking
            return output

        assert asyncio.run(both()) == {"n": 1}
        assert ticks == 20

    def test_several_at_once_and_a_thread(self, slow: Run, door: Any) -> None:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(slow.result(20)))
        thread.start()

        async def twice() -> list[Any]:
            async def one() -> Any:
                return await slow

            tasks = [asyncio.create_task(one()) for _ in range(3)]
            await asyncio.sleep(0.02)
            door.open.set()
            return await asyncio.gather(*tasks)

        assert asyncio.run(twice()) == [{"n": 1}] * 3
        thread.join(20)
        assert found == [{"n": 1}]

    def test_giving_up_leaves_the_run_alone(self, slow: Run, door: Any) -> None:
        async def wait() -> Any:
            return await asyncio.wait_for(slow, 0.05)

        with pytest.raises(TimeoutError):
            asyncio.run(wait())
        assert slow.status == "running"
        door.open.set()
        assert slow.result(20) == {"n": 1}

    def test_after_the_end(self, slow: Run, door: Any) -> None:
        door.open.set()
        slow.result(20)

        async def wait() -> Any:
            return await slow

        assert asyncio.run(wait()) == {"n": 1}

    def test_a_failure(self, desk: Any) -> None:
        run = desk.refund("9000")

        async def wait() -> Any:
            return await run

        with pytest.raises(lm.RunError, match="pay_out was denied"):
            asyncio.run(wait())


class TestNobodyHere:
    @pytest.fixture(autouse=True)
    def _no_patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(waiting, "GRACE", 0.15)

    def test_the_wait_ends_with_advice_and_the_run_waits_on(self, desk: Any) -> None:
        run = desk.refund("620")
        with pytest.raises(lm.RunError) as caught:
            run.result(20)
        message = str(caught.value)
        assert f"run {run.id} waits for a person (lead: 620 is over the teller's limit)" in message
        assert "there is no input line to ask on" in message
        for advice in ("run.approvals()[0].approve(by=…)", "%mesh approvals", "LEAFMESH_ANSWERS"):
            assert advice in message
        assert run.status == "waiting"
        run.approvals()[0].approve(by="lead")
        assert run.result(20)["paid"] == Decimal(620)

    def test_awaiting_ends_with_the_same_advice(self, desk: Any) -> None:
        run = desk.refund("620")

        async def wait() -> Any:
            return await run

        with pytest.raises(lm.RunError, match="waits for a person"):
            asyncio.run(wait())
        assert run.status == "waiting"

    def test_an_answer_from_elsewhere_ends_the_wait(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(waiting, "GRACE", 20)
        run = desk.refund("620")
        timer = threading.Timer(0.1, lambda: run.approvals()[0].approve(by="lead"))
        timer.start()
        assert run.result(20)["paid"] == Decimal(620)
        timer.join()


class Line(io.StringIO):
    """A terminal somebody types on."""

    def isatty(self) -> bool:
        return True


class TestTheInputLine:
    def answer(self, desk: Any, monkeypatch: pytest.MonkeyPatch, typed: str) -> Any:
        run = desk.refund("620")
        monkeypatch.setattr(sys, "stdin", Line(typed))
        return run

    def test_approve_with_a_note(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = self.answer(desk, monkeypatch, "what?\n\na\nlooks right\n")
        assert run.result(20)["paid"] == Decimal(620)
        (answered,) = desk.bodies(run, "approval.answered")
        assert (answered.person, answered.channel, answered.note) == (
            "lead",
            "input line",
            "looks right",
        )
        shown = capsys.readouterr().out
        for part in (
            "refund.pay asks lead: pay_out",
            "why: 620 is over the teller's limit",
            "tool.arguments.amount = 620",
            '"ticket_id": "7"',
            "[a]pprove / [r]eject / [e]scalate?",
        ):
            assert part in shown

    def test_reject(self, desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        run = self.answer(desk, monkeypatch, "R\n\n")
        with pytest.raises(lm.RunError, match="lead rejected it"):
            run.result(20)

    def test_escalate_asks_the_next(self, desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        run = self.answer(desk, monkeypatch, "e\n\na\n\n")
        assert run.result(20)["paid"] == Decimal(620)
        assert [a.person for a in desk.bodies(run, "approval.answered")] == ["lead", "finance"]

    @pytest.mark.parametrize("typed", ["", "x\n", "a\n"])
    def test_a_line_that_is_closed(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, typed: str
    ) -> None:
        run = self.answer(desk, monkeypatch, typed)
        with pytest.raises(lm.RunError, match="the input line was closed"):
            run.result(20)
        assert run.status == "waiting"
        assert desk.paid() == []

    def test_two_waits_ask_once(self, desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        run = desk.refund("620")
        asked = 0
        gate = threading.Event()

        class Attendant:
            def tick(self, run: Run, waited: float) -> None:
                nonlocal asked
                asked += 1
                gate.wait(20)
                if run.approvals():
                    run.approvals()[0].approve(by="lead")

        run.attendant = Attendant()
        threads = [threading.Thread(target=run.result, args=(20,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        desk.until(lambda: asked)
        assert asked == 1
        gate.set()
        for thread in threads:
            thread.join(20)
        assert run.status == "done"
        assert len(desk.bodies(run, "approval.answered")) == 1

    def test_a_card_number_is_masked_there_too(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mesh = desk.mesh()

        @mesh.agent("teller")
        def teller(ticket_id: str, amount: Decimal, *, ctx: Any) -> dict[str, Any]:
            paid = ctx.tool("pay_out", ticket_id="4111 1111 1111 1111", amount=amount)
            return {"receipt": paid["receipt"], "amount": amount}

        run = desk.refund("620", mesh=mesh)
        monkeypatch.setattr(sys, "stdin", Line("a\n\n"))
        run.result(20)
        assert "4111" not in capsys.readouterr().out
