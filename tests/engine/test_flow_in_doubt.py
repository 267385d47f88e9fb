"""``on_in_doubt`` of a step: its call was out when the process was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.engine import events as ev

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs kill -9")

MESH = """
mesh: doubtful
people:
  lead: {roles: [approver]}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
workflows:
  w:
    input: {n: integer}
    steps:
      a: {capability: work, with: {n: input.n}, KEYS}
    output: {a: "default(steps.a.output.n, 0)", status: steps.a.status}
"""

TOOL = """
tools:
  pay: {side_effect: true, input: {amount: integer}, output: {receipt: integer}, on_in_doubt: SAID}
"""
PAYING = (
    MESH.replace("    kind: python\n", "    kind: python\n    tools: [pay]\n")
    .replace("people:", "POLICIES\npeople:")
    .replace("POLICIES", "policies: {p: {at: tool, for: {tools: [pay]}, rules: [RULE]}}")
    .replace("RULE", "{id: all, then: approve}")
    .replace("KEYS", "timeout: 20s")
)

SCRIPT = """
import json, os, sys
import leafmesh_nb as lm

def count():
    with open(sys.argv[2] + ".calls", "a") as file:
        file.write("x")
    if sys.argv[3] == "kill":
        os.kill(os.getpid(), 9)

def work(n):
    count()
    return {"n": n + 1}

def paying(n, ctx):
    return {"n": ctx.tool("pay", amount=n)["receipt"]}

def pay(amount):
    count()
    return {"receipt": amount + 1}

mesh = lm.Mesh.from_yaml(sys.argv[1])
mesh.agent("worker")(paying if "tools:" in sys.argv[1] else work)
if "tools:" in sys.argv[1]:
    mesh.tool("pay")(pay)
if sys.argv[3] == "kill":
    mesh.start("w", n=1, journal=sys.argv[2]).result(20)
run = lm.resume(lm.runs(journal=sys.argv[2])["run"].iloc[0], journal=sys.argv[2])
changed = __import__("threading").Event()
run.subscribe(lambda events: changed.set())
answer = json.loads(sys.argv[4])
while run.status not in ("done", "failed", "cancelled"):
    for question in run.approvals():
        if answer is None:
            os._exit(3)
        if answer == "approve":
            question.approve(by="lead")
        elif answer == "reject":
            question.reject(by="lead")
        else:
            question.edit(answer, by="lead")
    changed.wait(0.05)
    changed.clear()
print(json.dumps({"status": run.status, "output": run.output, "error": run.error}))
"""


class Case:
    """A run that was killed while its one function ran."""

    def __init__(self, folder: Path, keys: str, text: str = MESH) -> None:
        self._text = text.replace("KEYS", keys)
        self.journal = folder / "journal.db"
        assert self.go("kill").returncode == -9

    def go(self, what: str, answer: Any = None) -> subprocess.CompletedProcess[str]:
        given = [self._text, str(self.journal), what, json.dumps(answer)]
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, *given], capture_output=True, text=True, check=False
        )

    def end(self, answer: Any = None) -> dict[str, Any]:
        done = self.go("go on", answer)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @property
    def calls(self) -> int:
        return len(Path(f"{self.journal}.calls").read_text())

    def bodies(self, kind: type[Any]) -> list[Any]:
        from leafmesh_nb.journal import open_journal

        journal = open_journal(self.journal)
        assert journal.verify().ok
        events = journal.read(f"run:{journal.runs()[0].id}")
        return [event.body for event in events if isinstance(event.body, kind)]


def test_without_a_word_it_is_run_again(tmp_path: Path) -> None:
    case = Case(tmp_path, "timeout: 20s")
    assert case.end()["output"] == {"a": 2, "status": "done"}
    assert case.calls == 2
    assert [call.attempt for call in case.bodies(ev.CallStarted)] == [1, 2]


def test_it_may_fail(tmp_path: Path) -> None:
    case = Case(tmp_path, "on_in_doubt: fail, retry: {max: 3}")
    ended = case.end()
    assert (ended["status"], ended["error"]["kind"]) == ("failed", "InDoubtError")
    assert case.calls == 1, "a doubt is not retried"


def test_a_failure_by_doubt_may_be_tolerated(tmp_path: Path) -> None:
    case = Case(tmp_path, "on_in_doubt: fail, on_error: continue")
    assert case.end()["output"] == {"a": 0, "status": "failed"}


@pytest.mark.parametrize(
    ("answer", "calls", "expected"),
    [
        ("approve", 2, {"a": 2, "status": "done"}),
        ({"n": 40}, 1, {"a": 40, "status": "done"}),
        ("reject", 1, None),
    ],
    ids=["again", "entered", "fail"],
)
def test_a_person_may_be_asked(tmp_path: Path, answer: Any, calls: int, expected: Any) -> None:
    case = Case(tmp_path, "on_in_doubt: ask")
    assert case.go("go on").returncode == 3, "a person is asked, and nobody answered"
    ended = case.end(answer)
    assert (ended["output"], case.calls) == (expected, calls)
    (asked,) = case.bodies(ev.ApprovalAsked)
    assert (asked.point, asked.subject, asked.roster) == ("in_doubt", "worker", ("lead",))
    if answer == "reject":
        assert ended["error"]["kind"] == "InDoubtError"
    if isinstance(answer, dict):
        (finished,) = case.bodies(ev.CallFinished)
        assert (finished.live, finished.note) == (False, "entered by lead")
    assert lm.verify(str(case.journal))


@pytest.mark.parametrize(
    ("said", "calls", "status"), [("retry", 2, "done"), ("fail", 1, "failed"), ("ask", 1, "asked")]
)
def test_a_tool_says_itself_what_is_done(
    tmp_path: Path, said: str, calls: int, status: str
) -> None:
    case = Case(tmp_path, "", PAYING + TOOL.replace("SAID", said))
    if status == "asked":
        assert case.go("go on").returncode == 3, "a person is asked, and nobody answered"
        assert case.calls == 1
        return
    ended = case.end()
    assert (ended["status"], case.calls) == (status, calls)
    assert not case.bodies(ev.ApprovalAsked)
    if said == "fail":
        assert ended["error"]["kind"] == "InDoubtError"
    else:
        attempts = [c.attempt for c in case.bodies(ev.CallStarted) if c.call == "tool"]
        assert attempts == [1, 2]


@pytest.mark.parametrize(("said", "kind"), [("retry", "AgentError"), ("fail", "InDoubtError")])
def test_a_tool_that_raises_after_who_knows_what(world: Any, said: str, kind: str) -> None:
    def pay(amount: int) -> dict[str, int]:
        raise ValueError("the line went dead")

    def work(n: int, ctx: Any) -> dict[str, int]:
        return {"n": ctx.tool("pay", amount=n)["receipt"]}

    mesh = world.mesh(
        PAYING + TOOL.replace("SAID", said), agents={"worker": work}, tools={"pay": pay}
    )
    run = world.start(mesh, n=1)
    with pytest.raises(lm.RunError, match="the line went dead") as info:
        run.result(20)
    assert info.value.cause == kind
    assert not world.bodies(run, ev.ApprovalAsked), "nobody is asked"
    world.verify()
