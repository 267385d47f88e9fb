"""Who may write to a run, and how it is known that its owner is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from leafmesh_nb.errors import JournalError, OwnershipError
from leafmesh_nb.journal import owner as owners

ELSEWHERE = "elsewhere/1/2/3#r1"


def this_process(**changes: str) -> str:
    parts = dict(
        zip(("host", "pid", "start", "boot"), owners.this_process().split("/"), strict=True)
    )
    return "/".join((parts | changes).values())


def test_this_process_is_alive():
    own = owners.this_process()
    assert owners.is_alive(own) is True
    assert owners.is_alive(own + "#runner/2") is True
    assert own.split("/")[1] == str(os.getpid())
    assert owners.describe(own) == "this process"
    assert owners.describe(own + "#r1") == "this process (runner r1)"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others know less")
def test_a_process_that_is_gone_is_dead():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with open(f"/proc/{process.pid}/stat") as stat:
        start = stat.read().rpartition(")")[2].split()[19]
    theirs = this_process(pid=str(process.pid), start=start)
    assert owners.is_alive(theirs) is True
    assert owners.describe(theirs) == f"process {process.pid} on this machine"
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owners.is_alive(theirs) is False, "a process that nobody waited for yet"
    process.communicate()
    assert owners.is_alive(theirs) is False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others know less")
def test_a_number_or_a_boot_that_came_again_is_dead():
    namespace = this_process().rpartition("+")[2]
    assert owners.is_alive(this_process(start="1")) is False
    assert owners.is_alive(this_process(boot=f"another-boot+{namespace}")) is False


def test_what_cannot_be_known_is_not_called_dead():
    assert owners.is_alive(ELSEWHERE) is None
    assert owners.is_alive(this_process(host="elsewhere")) is None
    boot = this_process().rpartition("/")[2].partition("+")[0]
    assert owners.is_alive(this_process(boot=f"{boot}+4711")) is None, "another container"
    assert owners.is_alive("someone") is None
    assert owners.is_alive(this_process(pid="many")) is None
    assert owners.is_alive(this_process(pid="9" * 30)) is False, "no system counts so far"
    assert owners.describe("someone") == "'someone'"
    assert owners.describe(ELSEWHERE) == "process 1 on the machine elsewhere (runner r1)"


def test_without_proc_the_number_decides(monkeypatch):
    own = owners.this_process()
    monkeypatch.setattr(owners, "_read", lambda path: "")
    assert owners._start(os.getpid()) == ""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert owners._start(process.pid) is None
    assert owners.is_alive(own) is True


def test_a_claim_bumps_the_epoch_and_sets_the_lease(journal, scribe):
    scribe.start(journal, "a", epoch=0)
    before = datetime.now(UTC)
    assert journal.claim("a", ELSEWHERE, 30) == 1
    row = journal.run("a")
    assert (row.epoch, row.owner) == (1, ELSEWHERE)
    assert timedelta(seconds=29) < row.lease_until - before < timedelta(seconds=60)


def test_a_live_owner_keeps_its_run(journal, scribe):
    own = owners.this_process() + "#r1"
    scribe.start(journal, "a", epoch=0)
    assert journal.claim("a", own, 30) == 1
    until = f"{journal.run('a').lease_until:%Y-%m-%d %H:%M:%S} UTC"
    for asking in (own, owners.this_process() + "#r2", ELSEWHERE):
        with pytest.raises(OwnershipError, match="owned by this process") as caught:
            journal.claim("a", asking, 30)
        assert "(runner r1)" in str(caught.value)
        assert until in str(caught.value)
    assert journal.run("a").epoch == 1


def test_an_owner_elsewhere_keeps_its_run_until_the_lease_lapses(journal, scribe):
    scribe.start(journal, "a", epoch=0)
    assert journal.claim("a", ELSEWHERE, 30) == 1
    with pytest.raises(OwnershipError, match="process 1 on the machine elsewhere"):
        journal.claim("a", owners.this_process(), 30)
    journal.renew({"a": 1}, -1)
    assert journal.claim("a", owners.this_process(), 30) == 2


def test_a_dead_owner_on_this_host_loses_its_run_at_once(journal, scribe):
    scribe.start(journal, "a", epoch=0)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    journal.claim("a", this_process(pid=str(process.pid)), 3600)
    assert journal.claim("a", owners.this_process(), 30) == 2


def test_a_released_run_is_free(journal, scribe):
    scribe.start(journal, "a", epoch=0)
    journal.claim("a", ELSEWHERE, 30)
    journal.release("a", 0)
    assert journal.run("a").owner == ELSEWHERE, "an old epoch releases nothing"
    journal.release("a", 1)
    assert (journal.run("a").owner, journal.run("a").lease_until) == ("", None)
    assert journal.claim("a", owners.this_process(), 30) == 2


def test_renewing_extends_only_what_is_ours(journal, scribe):
    for run in ("a", "b", "c"):
        scribe.start(journal, run, epoch=0)
        journal.claim(run, ELSEWHERE, 30)
    journal.release("c", 1)
    before = journal.run("b")
    journal.renew({"a": 1, "b": 7, "c": 1, "gone": 1}, 600)
    journal.renew({}, 600)

    assert journal.run("a").lease_until > datetime.now(UTC) + timedelta(seconds=500)
    assert journal.run("b") == before
    assert journal.run("c").lease_until is None


def test_what_cannot_be_claimed(journal, scribe):
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    with pytest.raises(JournalError, match=r"run a has ended \(done\)"):
        journal.claim("a", ELSEWHERE, 30)
    with pytest.raises(JournalError, match="no run b"):
        journal.claim("b", ELSEWHERE, 30)


def test_a_claim_takes_off_a_due_date_that_has_come(journal, scribe):
    now = datetime.now(UTC)
    scribe.start(journal, "past", due_at=now - timedelta(seconds=1))
    scribe.start(journal, "future", due_at=now + timedelta(days=1))
    for run in ("past", "future"):
        journal.claim(run, ELSEWHERE, 30)
    assert journal.run("past").due_at is None
    assert journal.run("future").due_at == now + timedelta(days=1)
    journal.post("past", "answer", {})
    assert journal.run("past").due_at is not None, "an answer during the turn is not lost"


RACE = """
import sys
from leafmesh_nb.errors import OwnershipError
from leafmesh_nb.journal.owner import this_process
from leafmesh_nb.journal.sqlite import SqliteJournal

journal = SqliteJournal(sys.argv[1])
sys.stdin.readline()
won = 0
for n in range(30):
    try:
        journal.claim(f"r{n}", this_process(), 600)
        won += 1
    except OwnershipError:
        pass
print(won, flush=True)
sys.stdin.readline()  # alive until everybody has tried
"""


def test_processes_that_race_for_runs_get_each_run_once(journal, path, scribe, child):
    for n in range(30):
        scribe.start(journal, f"r{n}", epoch=0)
    racers = [child(RACE, path) for _ in range(4)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(racer.stdout.readline() or -1) for racer in racers]

    assert sum(won) == 30, [racer.stderr for racer in racers]
    assert {row.epoch for row in journal.runs()} == {1}
    holders = [row.owner.split("/")[1] for row in journal.runs()]
    assert sorted(won) == sorted(holders.count(str(racer.pid)) for racer in racers)
