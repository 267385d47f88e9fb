"""What breaks around a run: the journal, its lease, a view, a script. One clear error, no hang."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.plan import plan_of
from leafmesh_nb.engine.ports import Batch, Ports
from leafmesh_nb.engine.runner.host import host
from leafmesh_nb.journal import open_journal

CHAIN = """
mesh: faulty
agents:
  adder:
    role: Adds
    kind: python
    capabilities: {add: {input: {n: integer}, output: {n: integer}}}
workflows:
  w:
    input: {n: integer}
    steps:
      a: {capability: add, with: {n: input.n}}
      b: {capability: add, with: {n: steps.a.output.n}}
      c: {capability: add, with: {n: steps.b.output.n}}
    output: {n: steps.c.output.n}
"""


def add(n: int) -> dict[str, int]:
    return {"n": n + 1}


class Failing:
    """A journal whose commits begin to fail."""

    def __init__(self, journal: Any, fail: Callable[[], Future[Any]], after: int) -> None:
        self._journal = journal
        self._fail = fail
        self._left = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def commit(self, batch: Batch) -> Future[tuple[Event, ...]]:
        if self._left == 0:
            return self._fail()
        self._left -= 1
        return self._journal.commit(batch)  # type: ignore[no-any-return]


def full_disk() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_exception(lm.JournalError("the journal is on a full disk: free some space"))
    return future


def full_later() -> Future[Any]:
    """The same from a journal that needs a moment."""
    future: Future[Any] = Future()
    error = lm.JournalError("the journal is on a full disk: free some space")
    threading.Timer(0.01, future.set_exception, (error,)).start()
    return future


def broken_port() -> Future[Any]:
    raise OSError("the disk is gone")


def start_on(world: Any, mesh: Any, wrap: Callable[[Any], Any], **inputs: Any) -> Any:
    """A run whose journal is wrapped from its first turn on."""
    take = type(mesh).take

    def taking(self: Any, run: Any, ports: Ports, **more: Any) -> None:
        wrapped = Ports(
            wrap(ports.journal), ports.agents, ports.clock, ports.prices, ports.approver
        )
        take(self, run, wrapped, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(mesh), "take", taking)
        return world.start(mesh, **inputs)


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
@pytest.mark.parametrize("fail", [full_disk, full_later, broken_port])
def test_a_journal_that_fails_in_mid_run(
    world: Any, commits: int, fail: Callable[[], Future[Any]]
) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = start_on(world, mesh, lambda journal: Failing(journal, fail, commits), n=1)
    with pytest.raises(lm.JournalError, match=r"full disk|OSError: the disk is gone"):
        run.result(20)
    assert not run.owned_here
    # What was recorded is whole, and the run goes on once there is space again.
    world.verify()
    again = lm.resume(run.id, journal=world.journal)
    assert again.result(20) == {"n": 4}


def test_a_question_whose_answer_cannot_be_written(world: Any, till: Any) -> None:
    def pay(amount: Any, ctx: Any) -> Any:
        paid = ctx.tool("pay", amount=amount)
        return {"receipt": paid["receipt"], "amount": amount}

    mesh = world.mesh(till.text(), agents={"teller": pay}, tools=till.tools)
    failing: list[Failing] = []

    def wrap(journal: Any) -> Failing:
        failing.append(Failing(journal, full_disk, -1))
        return failing[0]

    run = start_on(world, mesh, wrap, amount="620")
    question = world.waiting(run)
    failing[0]._left = 0
    with pytest.raises(lm.LeafmeshError, match="full disk"):
        question.approve(by="lead")
    with pytest.raises(lm.JournalError, match="full disk"):
        run.result(20)
    assert till.paid == []
    # The answer stands in the inbox: a new owner reads it.
    again = lm.resume(run.id, journal=world.journal)
    assert again.result(20)["receipt"] == "R-1"
    assert till.paid == ["620"]


def test_a_side_effect_whose_intent_cannot_be_written_does_not_happen(
    world: Any, till: Any
) -> None:
    def pay(amount: Any, ctx: Any) -> Any:
        return ctx.tool("pay", amount=amount)

    mesh = world.mesh(till.text(), agents={"teller": pay}, tools=till.tools)
    run = start_on(world, mesh, lambda journal: Failing(journal, full_disk, 1), amount="50")
    with pytest.raises(lm.JournalError, match="full disk"):
        run.result(20)
    assert till.paid == []


def test_a_lost_lease_stops_the_run(world: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(n: int) -> dict[str, int]:
        begun.set()
        go_on.wait(20)
        return {"n": n + 1}

    run = world.start(world.mesh(CHAIN, agents={"adder": slow}), n=1)
    assert begun.wait(20)
    execution = host().execution(run.journal, run.id)
    assert execution is not None
    journal = open_journal(world.journal)
    journal.release(run.id, execution.epoch)
    epoch = journal.claim(run.id, "elsewhere/1/1/1", 60)
    assert epoch == execution.epoch + 1
    go_on.set()
    error = execution.ended.exception(20)
    assert isinstance(error, lm.OwnershipError)
    assert f"was taken over at epoch {epoch}" in str(error)
    assert not run.owned_here
    row = journal.run(run.id)
    assert row is not None
    assert (row.epoch, row.owner) == (epoch, "elsewhere/1/1/1"), "the new owner keeps its lease"
    assert world.kinds(run)[-1] == "call.started", "nothing was written at the old epoch"


@pytest.mark.faulty
def test_a_view_that_fails_does_not_stop_the_run_it_looks_at(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    run = mesh.start("w", n=1, step=True, journal=world.journal)
    execution = host().execution(run.journal, run.id)
    assert execution is not None

    def broken(events: Any) -> None:
        raise RuntimeError("no canvas")

    execution.record.listeners.append(broken)
    run.resume()
    assert run.result(20) == {"n": 4}
    assert "no canvas" in caplog.text


def test_a_script_that_raises_leaves_the_question_open(world: Any, till: Any) -> None:
    class Broken:
        def answer(self, question: Any) -> Any:
            raise RuntimeError("no idea")

    def pay(amount: Any, ctx: Any) -> Any:
        return ctx.tool("pay", amount=amount)

    run = till.start(pay, amount="620", approver=Broken())
    question = world.waiting(run)
    world.until(run, lambda: "approval.refused" in world.kinds(run))
    question.reject(by="lead")
    assert "rejected" in till.failure(run)
    assert till.paid == []


def test_a_fault_of_the_engine_is_one_clear_error(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leafmesh_nb.engine.runner import execution

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(execution, "decide", broken)
    run = world.start(world.mesh(CHAIN, agents={"adder": add}), n=1)
    with pytest.raises(lm.RunError, match="a mistake of ours") as info:
        run.result(20)
    assert isinstance(info.value.__cause__ or info.value.__context__, Exception)
    monkeypatch.undo()
    assert lm.resume(run.id, journal=world.journal).result(20) == {"n": 4}


def test_two_hundred_runs_at_once_all_end(world: Any) -> None:
    mesh = world.mesh(CHAIN, agents={"adder": add})
    before = threading.active_count()
    runs = [world.start(mesh, n=n) for n in range(200)]
    for n, run in enumerate(runs):
        assert run.result(60) == {"n": n + 3}
    world.verify()
    deadline = time.monotonic() + 20
    while threading.active_count() > before + 30 and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert threading.active_count() <= before + 30, "threads are reused, and few are kept"


def test_messages_of_two_journals_do_not_meet(world: Any, tmp_path: Any) -> None:
    """Rows of two journals have the same numbers."""
    mesh = world.mesh(CHAIN, agents={"adder": add})
    runs = [
        mesh.start("w", n=n, step=True, journal=tmp_path / f"{name}.db")
        for n, name in enumerate("ab")
    ]
    for run in runs:
        run.resume()
    assert [run.result(20) for run in runs] == [{"n": 3}, {"n": 4}]


def test_runs_share_memory_in_any_order(world: Any) -> None:
    text = """
    mesh: counting
    memory:
      seen: {type: {list: integer}, scope: mesh, merge: append}
    agents:
      counter:
        role: Counts
        kind: python
        capabilities: {count: {input: {n: integer}, output: {n: integer}}}
        memory: {read: [seen], write: [seen]}
    workflows:
      w:
        input: {n: integer}
        steps: {count: {capability: count, with: {n: input.n}}}
        output: {n: steps.count.output.n}
    """

    def count(n: int, ctx: Any) -> dict[str, int]:
        ctx.memory.append("seen", n)
        return {"n": len(ctx.memory["seen"])}

    mesh = world.mesh(text, agents={"counter": count})
    runs = [world.start(mesh, n=n) for n in range(20)]
    for run in runs:
        run.result(20)
    last = world.start(mesh, n=99)
    assert last.result(20) == {"n": 20}, "no write was lost"
    written = [e.body for e in open_journal(world.journal).read("mesh:counting")]
    assert sorted(w.value for w in written) == [*range(20), 99], "each write holds what it added"
    frame = last.memory()
    assert sorted(json.loads(frame["value"].iloc[0])) == [*range(20), 99]
    assert plan_of(last.spec, "w").memory_read == ()
    world.verify()
