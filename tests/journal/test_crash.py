"""Processes that are killed, that fork, and that write beside each other."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3

import pytest

from leafmesh_nb.journal.sqlite import SqliteJournal

WRITES = """
import sys
from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.journal.owner import this_process
from leafmesh_nb.journal.sqlite import SqliteJournal
import scribe

journal = SqliteJournal(sys.argv[1])
epoch = journal.claim("a", this_process(), 3600)
after = journal.read("run:a")[-1].seq
print(epoch, after, flush=True)
waiting = []
while True:
    for n in range(5):  # several in flight at once, some synced, some large
        output = "x" * 20_000 if n == 3 else after
        made = scribe.batch("a", after, StepEnded("done", output), StepEnded("done", n),
                            epoch=epoch, sync=n == 1)
        waiting.append(journal.commit(made))
        after += 2
    for future in waiting:
        print(future.result()[-1].seq, flush=True)
    waiting.clear()
"""


def test_kill_9_loses_nothing_that_was_committed(journal, path, scribe, child, check):
    scribe.start(journal, "a", epoch=0)
    dice = random.Random(7)
    said = 1
    for epoch in range(1, 7):
        process = child(WRITES, path)
        first = process.stdout.readline().split()
        assert first, process.stderr.read()
        # The dead owner's lease of an hour does not hold anybody up.
        assert int(first[0]) == epoch
        assert int(first[1]) >= said, "an event that had been acknowledged is gone"
        for _ in range(dice.randrange(1, 60)):
            said = int(process.stdout.readline())
        process.kill()
        rest = [line for line in process.communicate()[0].split("\n") if line]
        said = max([said, *(int(line) for line in rest[:-1])])  # the last may be half a line
        report = journal.verify()
        assert report.ok, report
        assert report.streams["run:a"] >= said

    outputs = [e.body.output for e in journal.read("run:a", 1)]
    assert len(outputs) % 2 == 0, "a batch is there as a whole or not at all"
    assert outputs[1::2] == [n for n in outputs[1::2] if n in range(5)]
    assert check(str(path))[0]


def test_a_torn_log_ends_at_a_whole_commit(path, scribe, child, check):
    """What a power cut leaves: the write-ahead log ends anywhere, or in garbage."""
    process = child(
        """
import os, sys, scribe
from leafmesh_nb.journal.sqlite import SqliteJournal
journal = SqliteJournal(sys.argv[1])
scribe.start(journal, "a")
for after in range(1, 40, 2):
    scribe.say(journal, "a", after, "x" * 500, "y" * 500)
os.kill(os.getpid(), 9)
""",
        path,
    )
    process.communicate()
    whole = path.with_name("journal.db-wal").read_bytes()
    size, lengths = len(whole), []
    for cut, tail in ((size, b"\xff" * 5000), (size * 9 // 10, b""), (size * 2 // 3, b"?")):
        copy = path.parent / str(cut) / "journal.db"
        copy.parent.mkdir()
        shutil.copy(path, copy)
        copy.with_name("journal.db-wal").write_bytes(whole[:cut] + tail)
        journal = SqliteJournal(copy)
        report = journal.verify()
        assert report.ok
        lengths.append(report.events)
        assert scribe.say(journal, "a", report.events, "and on it goes") == report.events + 1
        journal.close()
        assert check(str(copy))[0]
    assert lengths[0] == 41
    assert lengths[0] > lengths[1] > lengths[2] >= 1
    assert all(n % 2 for n in lengths)


COUNTS = """
import sys
from leafmesh_nb.errors import ConflictError
from leafmesh_nb.journal.sqlite import SqliteJournal
import scribe

journal = SqliteJournal(sys.argv[1])
conflicts = done = 0
head = journal.read("mesh:refunds")
while done < int(sys.argv[2]):
    count = head[-1].body.output["count"] if head else 0
    output = {"count": count + 1, "pad": "p" * (9000 if done % 10 == 0 else 1)}
    try:
        journal.commit(scribe.shared("refunds", len(head), output)).result()
        done += 1
    except ConflictError:
        conflicts += 1
    head += journal.read("mesh:refunds", after=len(head))
print(conflicts)
"""


def test_two_processes_share_a_stream_by_compare_and_set(journal, path, child, check):
    writers = [child(COUNTS, path, 150) for _ in range(2)]
    for writer in writers:
        out, err = writer.communicate(timeout=120)
        assert writer.returncode == 0, err
        assert int(out) >= 0

    events = journal.read("mesh:refunds")
    assert [e.body.output["count"] for e in events] == list(range(1, 301))
    assert journal.verify().ok
    assert check(str(path)) == (True, 0, 300, events[-1].hash)


OPENS = """
import sys, scribe
from leafmesh_nb.journal.sqlite import SqliteJournal
sys.stdin.readline()
scribe.start(SqliteJournal(sys.argv[1]), sys.argv[2])
"""


def test_many_processes_open_a_new_journal_at_once(path, child):
    openers = [child(OPENS, path, f"r{i}") for i in range(6)]
    for opener in openers:
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        _, err = opener.communicate(timeout=120)
        assert opener.returncode == 0, err
    assert len(SqliteJournal(path).runs()) == 6


FORKS = """
import os, sys, threading, traceback, scribe
from leafmesh_nb.journal import open_journal

journal = open_journal(sys.argv[1])
for run in ("parent", "busy", *(f"child{i}" for i in range(8))):
    scribe.start(journal, run)
stop = threading.Event()
written = [1]

def write():  # another thread is in the middle of something at every fork
    while not stop.is_set():
        written[0] = scribe.say(journal, "busy", written[0], "x" * 300, sync=written[0] % 7 == 0)
        journal.read("run:busy", written[0] - 1)

thread = threading.Thread(target=write)
thread.start()
after, children = 1, []
for i in range(8):
    after = scribe.say(journal, "parent", after, i)
    pid = os.fork()
    if not pid:
        try:
            assert open_journal(sys.argv[1]) is journal
            assert len(journal.read("run:parent")) >= 2 * i + 2
            last = scribe.say(journal, f"child{i}", 1, *range(5), sync=True)
            last = scribe.say(journal, f"child{i}", last, "one more")
            journal.close()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    children.append(pid)
    after = scribe.say(journal, "parent", after, "beside the child")
    assert len(journal.read("run:parent")) == after
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
stop.set()
thread.join()
print(codes, after, written[0])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_shares_no_connection(journal, path, run_child, check):
    codes, _, counts = run_child(FORKS, path).rpartition("]")
    after, busy = map(int, counts.split())
    assert codes == "[" + ", ".join("0" * 8)
    report = journal.verify()
    assert report.ok, report
    assert report.streams["run:parent"] == after == 17
    assert report.streams["run:busy"] == busy
    assert all(report.streams[f"run:child{i}"] == 7 for i in range(8))
    assert check(str(path))[0]


def test_the_end_of_the_interpreter_flushes(journal, path, run_child):
    run_child(
        """
import sys, scribe
from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.journal import open_journal
journal = open_journal(sys.argv[1])
scribe.start(journal, "a")
for n in range(200):
    journal.commit(scribe.batch("a", 1 + n, StepEnded("done", n), sync=n % 2 == 0))
""",
        path,
    )
    assert len(journal.read("run:a")) == 201
    assert not path.with_name("journal.db-wal").exists() or path.stat().st_size > 4096


def test_another_process_that_writes_is_waited_for(journal, path, scribe):
    scribe.start(journal, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    future = journal.commit(scribe.batch("a", 1, scribe.started()))
    assert not future.done()
    assert len(journal.read("run:a")) == 1, "readers wait for nobody"
    other.execute("ROLLBACK")
    other.close()
    assert future.result(30)[0].seq == 2
