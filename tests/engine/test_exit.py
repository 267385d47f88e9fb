"""The interpreter's exit is held up by nobody, and quiet."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import asyncio, sys, threading
import leafmesh_nb as lm

TEXT = '''
mesh: leaving
people:
  lead: {roles: [approver]}
tools:
  pay: {side_effect: true, input: {}, output: {}}
agents:
  a: {role: A, kind: python, tools: [pay], capabilities: {do: {input: {}, output: {}}}}
policies:
  gate:
    at: tool
    rules: [{id: any, when: true, then: VERDICT, to: lead}]
    default: deny
workflows:
  w:
    input: {}
    steps: {s: {capability: do}}
    output: {}
'''
verdict = "ask, to: lead" if sys.argv[1] == "a question" else "approve"
mesh = lm.Mesh.from_yaml(TEXT.replace("VERDICT, to: lead", verdict))
begun = threading.Event()

def hang(**_):
    begun.set()
    threading.Event().wait()

async def hang_async():
    begun.set()
    await asyncio.sleep(3600)

def call(ctx):
    ctx.tool("pay")
    return {}

agents = {"a function": hang, "a coroutine": hang_async, "a tool": call, "a question": call}
mesh.agent("a")(agents[sys.argv[1]])
mesh.tool("pay")(hang)
run = mesh.start("w", journal="j.db")
if sys.argv[1] == "a question":
    while not run.approvals():
        threading.Event().wait(0.01)
else:
    assert begun.wait(20)
print(run.status)
"""


@pytest.mark.parametrize("left", ["a function", "a coroutine", "a tool", "a question"])
def test_what_still_runs_does_not_hold_up_the_exit(tmp_path: Path, left: str) -> None:
    (tmp_path / "leave.py").write_text(SCRIPT)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "leave.py", left],
        cwd=tmp_path,
        env={**os.environ, "LEAFMESH_JOURNAL": str(tmp_path / "journal.db")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("waiting\n" if left == "a question" else "running\n")
    assert time.monotonic() - began < 30
