"""kill -9 at any write of a run with every kind of step: nothing is lost, nothing that returned is
called again, and the end is that of an undisturbed run."""

from __future__ import annotations

import collections
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.journal import open_journal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")

OUTPUT = {
    "each": [10, 20, 30],
    "again": 3,
    "race": 1,
    "flaky": 501,
    "fix": 7,
    "paid": [4002, 4004],
    "notes": 3,
}


class Server:
    """The driver: one process, which forks one for each command."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("flow_driver.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def go(self, folder: Path, kill: str = "") -> dict[str, Any]:
        """Start, or go on, in a new process, until the end or the kill."""
        folder.mkdir(exist_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "kill": kill}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver has died"
        answer: dict[str, Any] = json.loads(line)
        assert answer["killed"] or "status" in answer, "the process died of something else"
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(20) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def verify(folder: Path) -> None:
    """The chains hold, nothing that returned was sent again, and what was done outside is what
    the journal says."""
    journal = open_journal(folder / "journal.db")
    report = journal.verify()
    assert report.ok, report
    events = journal.read(f"run:{journal.runs()[0].id}")
    fold(events)
    over: set[str] = set()
    sent: collections.Counter[str] = collections.Counter()
    for event in events:
        body = event.body
        if isinstance(body, ev.CallFinished | ev.CallFailed):
            over.add(body.key)
        elif isinstance(body, ev.CallStarted):
            assert body.key not in over, "a call that had ended was sent again"
            sent[body.key] += 1
            assert body.attempt == sent[body.key]
    lines = (folder / "calls.txt").read_text(encoding="utf-8").splitlines()
    for key, count in collections.Counter(line.split()[0] for line in lines).items():
        assert count <= sent[key], "a call went out before its intent was durable"
    assert sorted((folder / "paid.txt").read_text(encoding="utf-8").split()) == ["2001", "2002"]


def test_an_undisturbed_run(server: Server, tmp_path: Path) -> None:
    done = server.go(tmp_path / "a")
    assert (done["status"], done["output"]) == ("done", OUTPUT), done
    verify(tmp_path / "a")


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_every_write(server: Server, tmp_path: Path, side: str) -> None:
    """One write further each time, until a run gets to its end before that write comes."""
    for number in range(1, 200):
        folder = tmp_path / str(number)
        first = server.go(folder, f"{side} write {number}")
        done = server.go(folder)
        assert done["output"] == OUTPUT, (number, done)
        verify(folder)
        if not first["killed"]:
            assert number > 10
            return
    pytest.fail("there was always one more write")


def test_killed_again_and_again(server: Server, tmp_path: Path) -> None:
    """Each process gets a few writes further; whatever order the kills come in, the end is the
    same."""
    dice = random.Random(7)
    kills = 0
    for number in range(15):
        folder = tmp_path / str(number)
        for _ in range(100):
            point = dice.choice(
                [
                    *(f"before write {dice.randint(2, 6)}" for _ in range(3)),
                    *(f"after write {dice.randint(2, 6)}" for _ in range(3)),
                    "before the effect",
                    "after the effect",
                    "during the model call",
                ]
            )
            answer = server.go(folder, point)
            if not answer["killed"]:
                break
            kills += 1
        else:
            pytest.fail("the run never came to its end")
        assert answer["output"] == OUTPUT, answer
        verify(folder)
    assert kills > 60
