"""kill -9 at chosen points and at every write, then resume in another process: nothing is lost,
nothing that returned is repeated, and nobody is paid twice."""

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
from leafmesh_nb.engine.events import Event
from leafmesh_nb.engine.fold import fold
from leafmesh_nb.engine.ports import Append, Batch
from leafmesh_nb.journal import open_journal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")

LARGE = "620.00"
SMALL = "49.99"


class Server:
    """The driver: one process, which forks one for each command."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crash_driver.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver has died"
        answer: dict[str, Any] = json.loads(line)
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


class Case:
    """One folder: a journal, an outside ledger, an outside book of the model's requests."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def go(
        self,
        kill: str = "",
        *,
        amount: str = LARGE,
        approval: str = "approve",
        doubt: str = "look",
    ) -> dict[str, Any]:
        """Start, or go on, in a new process, until the end or the kill."""
        answer = self._server.ask(
            folder=str(self.folder), kill=kill, amount=amount, approval=approval, doubt=doubt
        )
        assert answer["killed"] or "status" in answer, "the process died of something else"
        return answer

    @property
    def ledger(self) -> list[dict[str, str]]:
        file = self.folder / "payouts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    @property
    def requests(self) -> list[str]:
        file = self.folder / "requests.txt"
        return file.read_text().splitlines() if file.exists() else []

    def events(self) -> list[Event]:
        journal = open_journal(self.folder / "journal.db")
        rows = journal.runs()
        return journal.read(f"run:{rows[0].id}") if rows else []

    def bodies(self, kind: type[Any]) -> list[Any]:
        return [e.body for e in self.events() if isinstance(e.body, kind)]

    def finish_function_by_hand(self, result: Any) -> None:
        """Write the end of the function that was running when its process was killed."""
        journal, events = open_journal(self.folder / "journal.db"), self.events()
        ((path, key),) = [
            (e.path, e.body.key)
            for e in events
            if isinstance(e.body, ev.CallStarted) and e.body.target == "teller"
        ][-1:]
        draft = ev.Draft(ev.CallFinished(key, result), path)
        head = events[-1]
        append = Append(head.stream, (draft,), head.seq)
        run = head.stream.removeprefix("run:")
        journal.commit(Batch((append,), run=run, epoch=head.epoch)).result(20)

    def started(self) -> list[str]:
        """The tools that were started, in order; a call sent again counts again."""
        return [c.target for c in self.bodies(ev.CallStarted) if c.call == "tool"]

    def doubts(self) -> int:
        return sum(a.point == "in_doubt" for a in self.bodies(ev.ApprovalAsked))

    def verify(self) -> None:
        """The chains hold, and what happened outside is what the journal says."""
        report = open_journal(self.folder / "journal.db").verify()
        assert report.ok, report
        events = self.events()
        fold(events)
        finished: set[str] = set()
        sent: collections.Counter[str] = collections.Counter()
        for event in events:
            if isinstance(event.body, ev.CallFinished):
                finished.add(event.body.key)
            elif isinstance(event.body, ev.CallStarted):
                assert event.body.key not in finished, "a call that had returned was sent again"
                sent[event.body.key] += 1
                assert event.body.attempt == sent[event.body.key]
        for key, count in collections.Counter(self.requests).items():
            assert count <= sent[key], "a request went out before its intent was durable"


@pytest.fixture
def case(server: Server, tmp_path: Path) -> Case:
    return Case(server, tmp_path)


def test_an_undisturbed_run_pays_once_and_only_when_approved(case: Case) -> None:
    waiting = case.go(approval="leave")
    assert (waiting["status"], case.ledger) == ("waiting", [])
    done = case.go()
    assert done["output"] == {"category": "refund", "paid": LARGE}
    assert [line["amount"] for line in case.ledger] == [LARGE]
    case.verify()


def test_a_denied_payout_never_happens(case: Case) -> None:
    denied = case.go(approval="reject")
    assert (denied["status"], denied["error"]["kind"]) == ("failed", "PolicyDenied")
    assert case.ledger == []
    case.verify()


def test_killed_while_waiting_and_answered_after_the_restart(case: Case) -> None:
    assert case.go("while waiting", approval="leave")["killed"]
    assert case.ledger == []
    done = case.go()
    assert (done["status"], len(case.ledger), case.doubts()) == ("done", 1, 0)
    assert len(case.bodies(ev.ApprovalAsked)) == 1, "the question is the one that was open"
    case.verify()


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_killed_right_after_the_answer(case: Case, answer: str) -> None:
    """The answer stands in the inbox; the owner that died had not read it."""
    asked = case.go(approval="leave")
    assert case.go("after the answer", approval=answer)["killed"]
    assert case.ledger == []
    done = case.go(approval="leave")
    assert done["run"] == asked["run"]
    assert done["status"] == ("done" if answer == "approve" else "failed")
    assert len(case.ledger) == (1 if answer == "approve" else 0)
    case.verify()


def test_killed_before_the_intent(case: Case) -> None:
    """Nobody was about to pay: the approved call goes out, and nobody is asked what happened."""
    case.go(approval="leave")
    number = next(n for n in range(1, 20) if not _killed_before_intent(case, n))
    assert number > 1, "there was a kill before the intent"


def _killed_before_intent(case: Case, number: int) -> bool:
    """Kill a fresh copy before its nth write; whether the intent had not been written then."""
    copy = Case(case._server, case.folder / f"copy{number}")
    assert copy.go("while waiting", approval="leave")["killed"]
    if not copy.go(f"before write {number}")["killed"] or "pay_out" in copy.started():
        return False
    assert copy.ledger == []
    done = copy.go()
    assert (done["status"], len(copy.ledger), copy.doubts()) == ("done", 1, 0)
    copy.verify()
    return True


@pytest.mark.parametrize("amount", [LARGE, SMALL])
def test_killed_between_intent_and_effect_a_person_has_it_run_again(
    case: Case, amount: str
) -> None:
    assert case.go("before the effect", amount=amount)["killed"]
    assert (case.started(), case.ledger) == (["pay_out"], [])
    waiting = case.go(amount=amount, doubt="leave")
    assert (waiting["status"], case.ledger) == ("waiting", []), "it is never run again unasked"
    done = case.go(amount=amount, doubt="again")
    assert done["output"] == {"category": "refund", "paid": amount}
    assert len(case.ledger) == 1
    attempts = [c.attempt for c in case.bodies(ev.CallStarted) if c.call == "tool"]
    assert attempts == [1, 2]
    assert case.doubts() == 1
    policy = [a for a in case.bodies(ev.ApprovalAsked) if a.point == "tool"]
    assert len(policy) == (1 if amount == LARGE else 0), "what was approved is not asked again"
    case.verify()


def test_killed_between_effect_and_result_a_person_says_that_it_happened(case: Case) -> None:
    assert case.go("after the effect")["killed"]
    assert len(case.ledger) == 1
    waiting = case.go(doubt="leave")
    assert (waiting["status"], len(case.ledger)) == ("waiting", 1)
    done = case.go(doubt="happened")
    assert done["output"] == {"category": "refund", "paid": LARGE}
    assert len(case.ledger) == 1
    (entered,) = [f for f in case.bodies(ev.CallFinished) if not f.live]
    assert entered.result == {"receipt": case.ledger[0]["receipt"]}
    case.verify()


def test_a_doubt_may_end_the_step(case: Case) -> None:
    assert case.go("before the effect")["killed"]
    failed = case.go(doubt="fail")
    assert (failed["status"], failed["error"]["kind"]) == ("failed", "InDoubtError")
    assert case.ledger == []
    case.verify()


@pytest.mark.parametrize("verdict", ["happened", "again", "fail"])
def test_a_doubt_that_a_finished_function_left_is_asked_about(case: Case, verdict: str) -> None:
    """The function's result is durable and its payment's is not: no order of writes of this
    version leaves that, so the function's end is written by hand."""
    point = "after the effect" if verdict == "happened" else "before the effect"
    assert case.go(point)["killed"]
    case.finish_function_by_hand({"receipt": "unknown", "amount": LARGE})
    assert case.go("while waiting", doubt="leave")["killed"]
    assert case.doubts() == 1
    waiting = case.go(doubt="leave")
    assert (waiting["status"], case.doubts()) == ("waiting", 1), "the question is still that one"
    paid = len(case.ledger)
    ended = case.go(doubt=verdict)
    (function,) = [c for c in case.bodies(ev.CallStarted) if c.target == "teller"][-1:]
    assert function.attempt == 2, "it was run again after the approval, and never after its end"
    if verdict == "fail":
        assert (ended["status"], ended["error"]["kind"]) == ("failed", "InDoubtError")
        assert case.ledger == []
    else:
        assert ended["output"] == {"category": "refund", "paid": LARGE}
        assert (paid, len(case.ledger)) == (1 if verdict == "happened" else 0, 1)
    assert case.go()["status"] == ended["status"]
    case.verify()


def test_killed_twice_in_doubt_asks_twice(case: Case) -> None:
    assert case.go("before the effect")["killed"]
    assert case.go("before the effect", doubt="again")["killed"]
    assert case.ledger == []
    done = case.go()
    assert (done["status"], len(case.ledger), case.doubts()) == ("done", 1, 2)
    case.verify()


def test_killed_during_the_model_call_it_is_sent_again_with_the_same_key(case: Case) -> None:
    assert case.go("during the model call")["killed"]
    assert len(case.requests) == 1
    done = case.go()
    assert done["output"] == {"category": "refund", "paid": LARGE}
    assert len(case.requests) == 2
    assert len(set(case.requests)) == 1
    calls = [c for c in case.bodies(ev.CallStarted) if c.call == "model"]
    assert [c.attempt for c in calls] == [1, 2]
    # The limit of calls counts calls, not how often a crash made us send one.
    assert len({c.key for c in calls}) == 1
    case.verify()


@pytest.mark.parametrize("amount", [LARGE, SMALL])
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_every_write(server: Server, tmp_path: Path, side: str, amount: str) -> None:
    """One write further each time, until a run gets to its end before that write comes."""
    for number in range(1, 30):
        case = Case(server, tmp_path / f"{number}")
        first = case.go(f"{side} write {number}", amount=amount)
        done = case.go(amount=amount)
        assert done["output"] == {"category": "refund", "paid": amount}, number
        assert len(case.ledger) == 1, number
        assert len(case.requests) <= 2
        case.verify()
        if not first["killed"]:
            assert number > 5
            return
    pytest.fail("there was always one more write")


def test_killed_again_and_again(server: Server, tmp_path: Path) -> None:
    """Each process gets a few writes further; whatever order the kills come in, the end is the
    same."""
    dice = random.Random(11)
    kills = 0
    for number in range(6):
        case = Case(server, tmp_path / f"{number}")
        for _ in range(60):
            point = dice.choice(
                [
                    f"{dice.choice(['before', 'after'])} write {dice.randint(2, 5)}",
                    "before the effect",
                    "after the effect",
                    "during the model call",
                ]
            )
            answer = case.go(point)
            if not answer["killed"]:
                break
            kills += 1
        else:
            pytest.fail("the run never came to its end")
        assert answer["output"] == {"category": "refund", "paid": LARGE}
        assert len(case.ledger) == 1
        case.verify()
    assert kills > 15
