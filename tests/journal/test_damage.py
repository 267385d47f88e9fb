"""Full disks, damaged and vanished files, and what reaches the disk: no broken chain."""

from __future__ import annotations

import os
import sqlite3
import threading

import pytest

from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import session
from leafmesh_nb.journal.place import REMEDY
from leafmesh_nb.journal.sqlite import SqliteJournal

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


def test_a_damaged_file(journal, path, scribe):
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, *("x" * 4000 for _ in range(50)))
    journal.close()
    whole = path.read_bytes()
    half = len(whole) // 8192 * 4096
    path.write_bytes(whole[:half] + b"\xaa" * (len(whole) - half))

    damaged = SqliteJournal(path)
    with pytest.raises(JournalError, match=r"is damaged.*\.recover.*LEAFMESH_JOURNAL"):
        damaged.read("run:a")
    report = damaged.verify()
    assert (report.ok, report.bad) == (False, "the file")
    assert "SQLite cannot read it" in report.reason
    damaged.close()

    path.write_bytes(whole[:half])
    damaged = SqliteJournal(path)
    with pytest.raises(JournalError, match=r"is damaged.*\.recover.*LEAFMESH_JOURNAL"):
        damaged.read("run:a")
    with pytest.raises(JournalError, match="is damaged"):
        damaged.verify()
    damaged.close()


def test_a_full_file(journal, path, scribe, check):
    scribe.start(journal, "a")
    conn = journal._handles.writer._session._conn
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    conn.execute(f"PRAGMA max_page_count = {pages + 5}")
    after, message = 1, ""
    for n in range(100):
        try:
            after = scribe.say(journal, "a", after, n, "x" * 3000)
        except JournalError as error:
            message = str(error)
            break
    assert f"the journal {path} is on a full disk: database or disk is full" in message
    assert "nothing of this was stored; free some space" in message
    assert len(journal.read("run:a")) == after
    # Somebody freed some space (a new connection has no limit).
    assert scribe.say(journal, "a", after, "on it goes") == after + 1
    assert journal.verify().ok
    assert check(str(path))[0]


def test_a_full_file_fails_every_commit_of_the_group(journal, path, scribe, check, monkeypatch):
    for run in "abcd":
        scribe.start(journal, run)
    conn = journal._handles.writer._session._conn
    (pages,) = conn.execute("PRAGMA page_count").fetchone()
    conn.execute(f"PRAGMA max_page_count = {pages + 5}")
    begins = threading.Event()

    def patiently(conn, statement):
        begins.set()
        original(conn, statement)

    original = session._patiently
    monkeypatch.setattr(session, "_patiently", patiently)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    first = journal.commit(scribe.batch("a", 1, StepEnded("done", "small")))
    assert begins.wait(30)  # from here on others make a group of their own
    bodies = [StepEnded("done", "x" * 7000)] * 2
    rest = [journal.commit(scribe.batch(run, 1, *bodies)) for run in "bcd"]
    other.execute("ROLLBACK")
    other.close()

    errors = [future.exception(30) for future in rest if future.exception(30)]
    assert first.result(30)[0].seq == 2
    assert {type(error) for error in errors} == {JournalError}
    assert len(errors) == len({id(error) for error in errors}) == 3
    assert all("is on a full disk" in str(error) for error in errors)
    for run in "bcd":
        assert scribe.say(journal, run, 1, "on it goes") == 2
    assert journal.verify().ok
    assert check(str(path))[0]


FULL_DISK = """
import resource, sys, scribe
from concurrent.futures import wait
from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.sqlite import SqliteJournal

journal = SqliteJournal(sys.argv[1])
for run in "abc":
    scribe.start(journal, run)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
heads, errors = dict.fromkeys("abc", 1), []
while not errors:  # three at once in one group
    futures = {
        run: journal.commit(scribe.batch(run, after, StepEnded("done", "x" * 7000), sync=True))
        for run, after in heads.items()
    }
    wait(futures.values())
    for run, future in futures.items():
        if error := future.exception():
            assert type(error) is JournalError, error
            errors.append(str(error))
        else:
            heads[run] = future.result()[-1].seq
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
for run, after in heads.items():
    assert scribe.say(journal, run, after, "on it goes") == after + 1
report = journal.verify()
assert report.ok, report
assert report.events == sum(heads.values()) + 3
print("\\n".join(errors))
"""


@posix
def test_a_full_disk(path, run_child, check):
    errors = run_child(FULL_DISK, path).splitlines()
    assert errors
    for error in errors:
        assert error.startswith(f"the journal {path} ")
        assert "SQLITE_IOERR" in error or "SQLITE_FULL" in error
        assert REMEDY in error
    assert check(str(path))[0]


def test_a_file_that_is_deleted_meanwhile_is_noticed(journal, path, scribe):
    scribe.start(journal, "a")
    assert len(journal.runs()) == 1
    for file in path.parent.glob("journal.db*"):
        file.unlink()
    assert journal.runs() == []
    with pytest.raises(JournalError, match="no run a; was its file deleted or replaced meanwhile"):
        scribe.say(journal, "a", 1, "lost?")
    scribe.start(journal, "b")
    assert [row.id for row in journal.runs()] == ["b"]
    assert journal.verify().ok


def test_a_write_that_waits_too_long_says_so(journal, path, scribe, monkeypatch):
    scribe.start(journal, "a")
    monkeypatch.setattr("leafmesh_nb.journal.session.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="has been locked by another process"):
        scribe.say(journal, "a", 1, "x")
    other.execute("ROLLBACK")
    other.close()
    assert scribe.say(journal, "a", 1, "x") == 2


def test_durability_decides_what_is_synced(path, scribe):
    journal = SqliteJournal(path)
    scribe.start(journal, "a")

    def level():
        return journal._handles.writer._session._conn.execute("PRAGMA synchronous").fetchone()[0]

    normal, full = 1, 2
    assert level() == normal
    assert scribe.say(journal, "a", 1, "intent", sync=True) == 2
    assert level() == full
    assert scribe.say(journal, "a", 2, "note") == 3
    assert level() == normal
    journal.post("a", "answer", {})
    assert level() == full
    journal.close()

    journal = SqliteJournal(path, durability="full")
    assert scribe.say(journal, "a", 3, "note") == 4
    assert level() == full
    journal.close()
    with pytest.raises(JournalError, match="durability is 'normal' or 'full', not 'none'"):
        SqliteJournal(path, durability="none")


def test_the_log_goes_into_the_file_again_and_again(journal, path, scribe):
    scribe.start(journal, "a")
    after = 1
    for _ in range(120):
        after = scribe.say(journal, "a", after, *("x" * 8000 for _ in range(10)))
    log = path.with_name("journal.db-wal").stat().st_size
    assert path.stat().st_size > 6_000_000
    assert log < 6_000_000, "a log of all that was written would have 11 MB"
