"""Giving runs up when a process stops: what is in flight comes back, nothing new begins."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine.runner.host import Host, host
from leafmesh_nb.mesh import registry

TWO_STEPS = """
mesh: slow
agents:
  slow:
    role: Slow
    kind: python
    capabilities: {it.wait: {input: {n: integer}, output: {n: integer}}}
workflows:
  go:
    input: {n: integer}
    steps:
      one: {capability: it.wait, with: {n: input.n}}
      two: {capability: it.wait, with: {n: input.n}, after: one}
    output: {n: steps.two.output.n}
"""


class Door:
    """An agent that waits until it is let through, and counts who came."""

    def __init__(self) -> None:
        self.reached, self.open, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, n: int) -> dict[str, int]:
        self.calls += 1
        self.reached.set()
        assert self.open.wait(20)
        return {"n": n}


@pytest.fixture
def drained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A host of its own, whose runs no other test drives."""
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setattr("leafmesh_nb.engine.runner.host._host", Host())
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    door = Door()
    mesh = lm.Mesh.from_yaml(TWO_STEPS)
    mesh.agent("slow")(door)
    run = mesh.start("go", n=1)
    assert door.reached.wait(20)
    yield run, door
    door.open.set()
    host().drain(20)


def test_a_call_in_flight_ends_and_no_other_begins(drained: Any) -> None:
    run, door = drained
    threading.Timer(0.1, door.open.set).start()
    assert host().drain(20) == ()
    assert not run.owned_here
    assert run.abandoned()
    assert run.status == "running"
    assert door.calls == 1
    kinds = [event.kind for event in run.recorded()]
    assert kinds.count("step.ended") == 1, "what came back is recorded"
    assert kinds[-1] == "step.ended"


def test_a_drained_run_goes_on_where_it_was(drained: Any) -> None:
    run, door = drained
    door.open.set()
    host().drain(20)
    again = lm.resume(run.id)
    assert again.result(timeout=20) == {"n": 1}
    assert door.calls == 2, "the first step's call is not made again"


def test_a_call_that_takes_longer_is_named_and_its_lease_given_up(drained: Any) -> None:
    run, door = drained
    assert host().drain(0.05) == (run.id,)
    row = run.journal.run(run.id)
    assert row is not None
    assert row.owner == ""
    assert not door.open.is_set()
