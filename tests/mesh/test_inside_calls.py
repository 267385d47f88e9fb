"""An agent cannot answer the question that its call led to, and nobody else is taken for one."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import anyio.to_thread
import pytest

import leafmesh_nb as lm

Answer = Callable[[], None]

REFUSED = "the answer was refused: an answer from inside an agent's call does not count"


class Desk:
    """One question that waits, and an agent whose call goes on while a test says so."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.said: list[str] = []
        self.work: Callable[[Answer], object] = lambda answer: None
        self.entered, self.leave = threading.Event(), threading.Event()
        self.mesh = desk.mesh()
        self._asked = threading.Event()

        @self.mesh.agent("clerk")
        def clerk(ticket: str, amount: Decimal, tier: str) -> dict[str, Any]:
            if tier == "basic":
                self.work(self.answer)
                self.entered.set()
                assert self.leave.wait(20)
            return {"amount": amount, "reason": "r"}

        self.waiting = desk.refund("620", mesh=self.mesh)

    def answer(self) -> None:
        """Approve the question, and write down what came of it."""
        try:
            self.waiting.approvals()[0].approve(by="lead")
            self.said.append("approved")
        except lm.LeafmeshError as error:
            self.said.append(str(error))

    def call(self, work: Callable[[Answer], object] = lambda answer: None) -> Any:
        """Have the agent do something, and stay in its call."""
        self.work = work
        run = self.desk.start(self.mesh, "refund", ticket_id="8", ticket="x", tier="basic")
        assert self.entered.wait(20)
        return run

    def refused(self) -> None:
        """The answer came, did not count, and that is recorded."""
        self.desk.until(lambda: self.said)
        assert self.said == [REFUSED]
        assert self.waiting.status == "waiting"
        (refused,) = self.desk.bodies(self.waiting, "approval.refused")
        assert "inside an agent's call" in refused.reason
        assert self.desk.paid() == []

    def accepted(self) -> None:
        """The answer counted."""
        self.desk.until(lambda: self.said)
        assert self.said == ["approved"]
        assert self.waiting.result(20)["paid"] == Decimal(620)


@pytest.fixture
def asked(desk: Any) -> Iterator[Desk]:
    found = Desk(desk)
    yield found
    found.leave.set()


def in_a_task(answer: Answer) -> None:
    async def soon() -> None:
        await asyncio.to_thread(answer)

    asyncio.run(soon())


def in_a_thread(answer: Answer) -> None:
    threading.Thread(target=answer, daemon=True).start()


def in_a_subclass(answer: Answer) -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            answer()

        def start(self) -> None:
            super().start()

    Worker(daemon=True).start()


def in_a_thread_of_a_thread(answer: Answer) -> None:
    in_a_thread(lambda: in_a_thread(answer))


def in_a_timer(answer: Answer) -> None:
    timer = threading.Timer(0.05, answer)
    timer.daemon = True
    timer.start()


def in_a_pool(answer: Answer) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(answer)


def without_its_context(answer: Answer) -> None:
    contextvars.Context().run(answer)


def in_a_thread_without_its_context(answer: Answer) -> None:
    contextvars.Context().run(in_a_thread, answer)


WAYS = [
    lambda answer: answer(),
    in_a_task,
    in_a_thread,
    in_a_subclass,
    in_a_thread_of_a_thread,
    in_a_timer,
    in_a_pool,
    without_its_context,
    in_a_thread_without_its_context,
]


class TestAnAgentsCode:
    """What holds in one process. What an agent hands to a queue that somebody else's thread reads,
    or does from another process, is not told from a person: a kernel is no security boundary."""

    @pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("<>"))
    def test_is_refused_whatever_thread_it_uses(self, asked: Desk, way: Any) -> None:
        asked.call(way)
        asked.refused()

    def test_a_coroutine_function(self, asked: Desk) -> None:
        @asked.mesh.agent("clerk")
        async def clerk(ticket: str, amount: Decimal, tier: str) -> dict[str, Any]:
            await asyncio.get_running_loop().run_in_executor(None, asked.answer)
            return {"amount": amount, "reason": "r"}

        asked.desk.start(asked.mesh, "refund", ticket_id="8", ticket="x", tier="basic")
        asked.refused()

    def test_a_thread_that_an_earlier_call_left(self, asked: Desk) -> None:
        mail: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        run = asked.call(lambda _: in_a_thread(lambda: mail.get()()))
        asked.leave.set()
        asked.desk.settled(run)
        mail.put(asked.answer)
        asked.refused()

    def test_work_for_a_pool_whose_thread_a_person_started(self, asked: Desk) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result(20)
            asked.call(lambda answer: pool.submit(answer).result(20))
            asked.refused()

    def test_a_listener_that_starts_a_thread(self, asked: Desk) -> None:
        told: list[Any] = []

        def subscribe(answer: Answer) -> None:
            def listen(_: Any) -> None:
                if not told:
                    told.append(1)
                    in_a_thread(answer)

            asked.waiting.subscribe(listen)

        asked.call(subscribe)
        with pytest.raises(lm.ApprovalError):
            asked.waiting.approvals()[0].approve(by="nobody who was asked")
        asked.desk.until(lambda: asked.said)
        assert asked.said == [REFUSED]

    def test_a_thread_that_an_agents_module_starts_when_it_is_imported(
        self, asked: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = asked.desk.folder / "code"
        folder.mkdir()
        (folder / "bank_of_threads.py").write_text(
            "import queue, threading\n"
            "mail = queue.SimpleQueue()\n"
            "threading.Thread(target=lambda: mail.get()(), daemon=True).start()\n"
            "def pay_out(ticket_id, amount):\n"
            "    return {'receipt': 'R'}\n"
        )
        monkeypatch.syspath_prepend(str(folder))
        text = """
            mesh: banked
            tools:
              pay_out: {python: "bank_of_threads:pay_out", input: {}, output: {receipt: string}}
            agents:
              teller:
                role: Teller
                kind: python
                capabilities: {pay: {input: {}, output: {n: integer}}}
            workflows:
              w: {input: {}, steps: {one: {capability: pay}}, output: {}}
            """
        assert asked.desk.mesh(text).agents().missing() == ["agent:teller"]
        module = sys.modules["bank_of_threads"]
        monkeypatch.delitem(sys.modules, "bank_of_threads")
        module.mail.put(asked.answer)
        asked.refused()

    def test_a_tool_is_inside_a_call_too(self, asked: Desk) -> None:
        @asked.mesh.tool("pay_out")
        def pay_out(ticket_id: str, amount: Decimal) -> dict[str, str]:
            in_a_thread(asked.answer)
            return {"receipt": "R"}

        asked.desk.refund("50", mesh=asked.mesh).result(20)
        asked.refused()

    @pytest.mark.parametrize(
        "way", [lambda attempt: attempt(), in_a_thread], ids=["call", "thread"]
    )
    def test_neither_steers_nor_swaps_parts(self, asked: Desk, way: Any) -> None:
        said: list[str] = []

        def attempt() -> None:
            for verb in (
                lambda: asked.waiting.patch("tier", "gold"),
                asked.waiting.cancel,
                lambda: asked.mesh.use(
                    approver=lm.testing.ScriptedApprover([{"answer": "approve"}])
                ),
            ):
                try:
                    verb()
                except lm.LeafmeshError as error:
                    said.append(str(error))

        asked.call(lambda _: way(attempt))
        asked.desk.until(lambda: len(said) == 3)
        assert all("inside an agent's call" in text for text in said)
        assert asked.waiting.status == "waiting"


class TestPeople:
    """While an agent's call goes on, whoever else is here is heard."""

    @pytest.mark.parametrize(
        "way",
        [lambda answer: answer(), in_a_task, in_a_thread, in_a_timer, in_a_pool],
        ids=["cell", "task", "thread", "timer", "pool"],
    )
    def test_answer_from_where_they_like(self, asked: Desk, way: Any) -> None:
        asked.call()
        way(asked.answer)
        asked.accepted()

    def test_a_service_that_starts_its_threads_meanwhile(self, asked: Desk) -> None:
        """Starlette hands a request's work to anyio's threads, which start when they are needed."""

        async def request() -> None:
            await anyio.to_thread.run_sync(asked.answer)

        asked.call()
        asyncio.run(request())
        asked.accepted()

    def test_a_pool_whose_thread_an_agents_work_started(self, asked: Desk) -> None:
        with ThreadPoolExecutor(1) as pool:
            names: list[str] = []
            asked.call(
                lambda _: names.append(
                    pool.submit(lambda: threading.current_thread().name).result(20)
                )
            )
            pool.submit(asked.answer)
            asked.accepted()
            assert names == [pool.submit(lambda: threading.current_thread().name).result(20)]

    def test_a_listener_that_asks_them_on_a_thread(self, desk: Any) -> None:
        """It is called while the function that asks is being unwound: on the engine's thread, in
        the wake of the agent's own call of the tool."""
        reply = {"category": "refund", "amount": "620", "confidence": 1}
        model = lm.testing.ScriptedModel(lambda _: reply)
        mesh = desk.mesh(models={"quick": model, "deep": model})
        given = {"ticket_id": "7", "ticket": "x", "tier": "gold"}
        run = desk.start(mesh, "refund", step=True, **given)
        said: list[str] = []

        def ask() -> None:
            try:
                run.approvals()[0].approve(by="lead")
                said.append("approved")
            except lm.ApprovalError as error:
                said.append(str(error))

        def listen(events: Any) -> None:
            if any(event.kind == "approval.asked" for event in events):
                in_a_thread(ask)

        run.subscribe(listen)
        run.resume()
        desk.until(lambda: said)
        assert said == ["approved"]
        assert run.result(20)["paid"] == Decimal(620)
