"""Going back in a run: what is kept, what runs again, what is not undone."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.events import CallFinished, RunStarted
from leafmesh_nb.mesh import registry

LINE = """
mesh: line
memory:
  seen: {type: {list: integer}, merge: append}
  all: {type: {list: integer}, scope: mesh, merge: append}
  limit: integer
tools:
  post: {side_effect: true, input: {n: integer}, output: {ok: boolean}}
agents:
  adder:
    role: Adds
    kind: python
    capabilities: {it.add: {input: {n: integer}, output: {n: integer}}}
    memory: {read: [seen, limit], write: [seen, all]}
  poster:
    role: Posts
    kind: python
    capabilities: {it.post: {input: {n: integer}, output: {n: integer}}}
    tools: [post]
policies:
  posts:
    at: tool
    for: {tools: [post]}
    rules: [{id: any, then: approve}]
workflows:
  go:
    input: {n: integer}
    save: {limit: input.n}
    steps:
      one: {capability: it.add, with: {n: input.n}, save: {seen: output.n, all: output.n}}
      aside: {capability: it.add, with: {n: input.n + 100}, save: {seen: output.n}}
      two: {capability: it.add, after: aside, with: {n: steps.one.output.n}, save: {seen: output.n}}
      three: {capability: it.post, with: {n: steps.two.output.n}}
    output: {n: steps.three.output.n, limit: memory.limit}
"""


class Line:
    """The mesh, what its functions were called with, and what was posted outside."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.called: list[int] = []
        self.posted: list[int] = []
        self.mesh = desk.mesh(textwrap.dedent(LINE))
        self.broken = False

        @self.mesh.agent("adder")
        def add(n: int) -> dict[str, int]:
            self.called.append(n)
            return {"n": n + 1}

        @self.mesh.agent("poster")
        def post(n: int, *, ctx: Any) -> dict[str, int]:
            if self.broken:
                raise ValueError("the poster is broken")
            ctx.tool("post", n=n)
            return {"n": n}

        @self.mesh.tool("post")
        def send(n: int) -> dict[str, bool]:
            self.posted.append(n)
            return {"ok": True}

    def start(self, **given: Any) -> Any:
        return self.desk.settled(self.desk.start(self.mesh, "go", n=1, **given))


@pytest.fixture
def line(desk: Any) -> Line:
    return Line(desk)


def origin_of(run: Any) -> Any:
    body = run.recorded()[0].body
    assert isinstance(body, RunStarted)
    return body.parent


def test_what_had_ended_is_kept_and_the_rest_runs_again(line: Line) -> None:
    run = line.start()
    assert run.result(20) == {"n": 3, "limit": 1}
    assert sorted(line.called) == [1, 2, 101]
    again = line.desk.keep(run.rewind("two"))
    assert again.result(20) == {"n": 3, "limit": 1}
    assert again.id != run.id
    assert sorted(line.called) == [1, 2, 2, 101]
    assert line.posted == [3, 3]
    parent = origin_of(again)
    assert (parent["run"], parent["step"], parent["way"]) == (run.id, "two", "rewind")
    assert set(parent["kept"]) >= {"one"}
    assert ["effect", "post", "three"] in parent["stayed"]
    assert run.status == "done"
    assert lm.verify().ok


def test_the_first_step_and_one_that_never_began(line: Line) -> None:
    run = line.start()
    run.result(20)
    whole = line.desk.keep(run.fork("one"))
    whole.result(20)
    assert origin_of(whole)["kept"] in ([], ["aside"])
    stopped = line.start(step=True)
    ahead = line.desk.keep(stopped.fork("three"))
    assert ahead.result(20)["n"] == 3
    assert origin_of(ahead)["kept"] == []
    assert stopped.status == "paused"


def test_memory_holds_what_the_kept_steps_wrote(line: Line) -> None:
    run = line.start()
    run.result(20)
    again = line.desk.keep(run.rewind("three"))
    again.result(20)
    frame = again.memory()
    mine = frame[(frame["field"] == "seen") & frame["version"].notna()]
    assert mine["version"].tolist() == sorted(set(mine["version"]))
    assert sorted(origin_of(again)["kept"]) == ["aside", "one", "two"]
    assert ["shared", "all", "one"] not in origin_of(again)["stayed"]
    assert ["shared", "all", "one"] in origin_of(line.desk.keep(again.fork("one")))["stayed"]


def test_a_run_that_failed_goes_on_when_what_broke_it_is_mended(line: Line) -> None:
    line.broken = True
    run = line.start()
    with pytest.raises(lm.RunError, match="the poster is broken"):
        run.result(20)
    line.broken = False
    again = line.desk.keep(run.rewind("three"))
    assert again.result(20)["n"] == 3
    assert sorted(line.called) == [1, 2, 101]
    assert line.posted == [3]


def test_a_run_that_waits_is_ended_by_a_rewind_and_left_by_a_fork(desk: Any) -> None:
    run = desk.refund("620")
    assert run.status == "waiting"
    (asked,) = run.approvals()
    beside = desk.keep(run.fork("propose"))
    desk.settled(beside)
    assert run.status == beside.status == "waiting"
    assert beside.approvals()[0].id != asked.id
    asked.approve(by="lead")
    run.result(20)
    assert beside.status == "waiting"
    again = desk.keep(beside.rewind("propose"))
    desk.settled(again)
    assert beside.status == "cancelled"
    again.approvals()[0].approve(by="lead")
    again.result(20)
    assert desk.paid() == [Decimal(620), Decimal(620)]


def test_what_was_paid_is_reused_and_shown_with_the_money_saved(desk: Any) -> None:
    asked: list[str] = []

    def read(request: Any) -> dict[str, Any]:
        asked.append(request.key)
        return {"category": "refund", "amount": "50", "confidence": 1}

    model = lm.testing.ScriptedModel(read, cost=Decimal("0.0125"))
    mesh = desk.mesh().use(models={"quick": model, "deep": model})
    run = desk.start(mesh, "refund", ticket_id="7", ticket="money back", tier="gold")
    run.result(20)
    again = desk.keep(run.rewind("propose"))
    again.result(20)
    assert len(asked) == 1
    costs = again.costs().set_index("step")
    assert costs.loc["classify", "spent"] == 0
    assert costs.loc["classify", "saved"] == Decimal("0.0125")
    assert not costs.loc["classify", "live"]
    assert sum(run.costs()["saved"]) == 0
    assert "$0.0125 not paid again" in again.origin[0]
    assert "not undone, outside: pay_out of pay" in again.origin
    once_more = desk.keep(again.fork("pay"))
    once_more.result(20)
    (kept,) = [
        body.reused
        for body in desk.bodies(once_more, "call.finished")
        if isinstance(body, CallFinished) and body.reused and Decimal(body.reused["cost"])
    ]
    assert kept["run"] == run.id
    assert f"reused from run {run.id}" in " ".join(once_more.audit()["story"])


def test_what_the_old_run_does_until_it_is_ended_is_told(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = line.start(step=True)
    cancel = type(run).cancel

    def and_before_that_it_goes_on(self: Any, **given: Any) -> None:
        self.resume()
        self.result(20)
        cancel(self, **given)

    monkeypatch.setattr(type(run), "cancel", and_before_that_it_goes_on)
    again = line.desk.keep(run.rewind("three", pause=True))
    assert run.status == "done"
    assert origin_of(again)["kept"] == ["one", "aside", "two"]
    assert ["effect", "post", "three"] in origin_of(again)["stayed"]
    monkeypatch.undo()


def test_a_fork_with_other_memory(line: Line) -> None:
    run = line.start()
    run.result(20)
    other = line.desk.keep(run.fork("two", memory={"limit": 7}))
    assert other.result(20)["limit"] == 7
    assert run.output["limit"] == 1
    (patched,) = line.desk.bodies(other, "memory.patched")
    assert (patched.field, patched.version, patched.value) == ("limit", 2, 7)


def test_step_by_step(line: Line) -> None:
    run = line.start()
    run.result(20)
    again = line.desk.keep(run.rewind("two", pause=True))
    assert again.status == "paused"
    again.step()
    assert again.status == "paused"
    assert sorted(line.called) == [1, 2, 2, 101]
    assert line.posted == [3]
    again.resume()
    assert again.result(20)["n"] == 3


def test_a_new_process_goes_on_with_it(line: Line) -> None:
    run = line.start(step=True)
    again = line.desk.keep(run.fork("one", pause=True))
    registry._handles.clear()
    found = lm.resume(again.id)
    assert found.result(20)["n"] == 3
    assert found.origin == again.origin


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda run: run.rewind("tow"), "has no step 'tow'. Did you mean 'two'?"),
        (lambda run: run.rewind(None), "has no step None"),
        (lambda run: run.fork("two", memory={"limt": 1}), "Did you mean 'limit'?"),
        (lambda run: run.fork("two", memory={"all": [1]}), "no field of scope run"),
        (lambda run: run.fork("two", memory={"limit": "many"}), "memory.limit is text"),
        (lambda run: run.fork("two", memory=[1]), "memory= takes a dict of fields, not list"),
    ],
)
def test_refusals(line: Line, call: Any, said: str) -> None:
    run = line.start()
    run.result(20)
    with pytest.raises(lm.RunError) as caught:
        call(run)
    assert said in str(caught.value)
    assert len(lm.runs()) == 1


def test_an_agent_cannot_go_back(desk: Any, line: Line) -> None:
    run = line.start()
    run.result(20)
    refused: list[str] = []

    @line.mesh.agent("adder")
    def add(n: int) -> dict[str, int]:
        try:
            run.fork("one")
        except lm.RunError as error:
            refused.append(str(error))
        return {"n": n}

    line.start().result(20)
    assert "from inside an agent's call" in refused[0]


def test_a_rewind_that_cannot_run_ends_nothing(line: Line) -> None:
    run = line.start(step=True)
    line.mesh._bound.clear()
    registry.define(line.mesh)
    with pytest.raises(lm.RunError, match="has no function for agent:adder"):
        run.rewind("one")
    assert run.status == "paused"
