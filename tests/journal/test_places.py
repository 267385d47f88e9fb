"""Bad places and damaged files: one clear error with place and remedy, and no broken chain."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import connect, place, schema, session
from leafmesh_nb.journal.place import REMEDY, Place, filesystem
from leafmesh_nb.journal.sqlite import SqliteJournal

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


def fails(path, scribe, *, reading=True):
    """The one message with which both writing and reading fail."""
    journal = SqliteJournal(path)
    with pytest.raises(JournalError) as writing:
        scribe.start(journal, "a")
    assert str(path) in str(writing.value)
    if reading:
        with pytest.raises(JournalError) as caught:
            journal.runs()
        assert str(path) in str(caught.value)
    journal.close()
    return str(writing.value)


def test_a_folder(tmp_path, scribe):
    assert "is a folder, not a file; add a file's name" in fails(tmp_path, scribe)


def test_a_folder_that_is_a_file(tmp_path, scribe):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "journal.db"
    message = fails(path, scribe, reading=False)
    assert "cannot be created: " in message
    assert REMEDY in message


def test_some_other_file(path, scribe):
    path.write_text("Dear diary, " * 1000)
    message = fails(path, scribe)
    assert "is not a journal: file is not a database (SQLITE_NOTADB)" in message
    assert REMEDY in message
    assert path.read_text().startswith("Dear diary, "), "it was not touched"


def test_some_other_database(path, scribe):
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE events (id INTEGER)")
    conn.close()
    message = fails(path, scribe)
    assert "is an SQLite database, but not a journal" in message
    assert REMEDY in message


def test_an_empty_file_becomes_a_journal(path, scribe):
    path.touch()
    journal = SqliteJournal(path)
    assert journal.runs() == []
    scribe.start(journal, "a")
    assert len(journal.runs()) == 1


def test_a_newer_journal(journal, path, scribe):
    scribe.start(journal, "a")
    journal.close()
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    conn.close()
    message = fails(path, scribe)
    assert "was written by a newer leafmesh_nb (its schema is version 99, this one knows" in message
    assert "upgrade leafmesh_nb" in message


def test_an_older_journal_is_upgraded_by_whoever_comes_first(path, scribe, monkeypatch):
    old = SqliteJournal(path)
    scribe.start(old, "a")
    old.close()
    step = ("ALTER TABLE runs ADD COLUMN shard TEXT NOT NULL DEFAULT 'x'",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    new = SqliteJournal(path)
    assert [row.id for row in new.runs()] == ["a"]
    assert scribe.say(new, "a", 1, "on it goes") == 2
    new.close()
    conn = sqlite3.connect(path)
    assert conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() == ("2",)
    assert conn.execute("SELECT shard FROM runs").fetchone() == ("x",)
    conn.close()


def test_an_upgrade_that_fails_changes_nothing(path, scribe, monkeypatch):
    old = SqliteJournal(path)
    scribe.start(old, "a")
    old.close()
    broken = ("ALTER TABLE runs ADD COLUMN shard TEXT", "ALTER TABLE nowhere ADD COLUMN x TEXT")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        assert "nowhere" in fails(path, scribe)
    again = SqliteJournal(path)
    assert scribe.say(again, "a", 1, "on it goes") == 2
    again.close()


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


AS_NOBODY = """
import os, sys, urllib.parse, scribe  # all that is imported late: nobody may read it later
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal.sqlite import SqliteJournal
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
journal = SqliteJournal(sys.argv[1])
try:
    runs = len(journal.runs())
    print("runs", runs)
    if runs:
        print("verified", journal.verify().ok)
except JournalError as error:
    print("unreadable", error)
try:
    scribe.start(journal, "new")
    print("written")
except JournalError as error:
    print("unwritable", error)
journal.close()
"""


@pytest.fixture
def open_folder(tmp_path):
    """A folder that other users can reach, as pytest's own cannot be."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="leafmesh-test-"))
    folder.chmod(0o755)
    yield folder
    for part in (folder, *folder.rglob("*")):
        part.chmod(0o755)
    shutil.rmtree(folder)


@posix
def test_a_folder_without_permission(open_folder, run_child):
    inner = open_folder / "locked"
    inner.mkdir(mode=0o555)
    path = inner / "journal.db"
    out = run_child(AS_NOBODY, path).splitlines()
    assert out[0] == "runs 0", "there is nothing to read, and that is no error"
    assert out[1].startswith(f"unwritable the journal {path} cannot be opened for this: unable to")
    assert REMEDY in out[1]

    deeper = inner / ".leafmesh" / "journal.db"
    out = run_child(AS_NOBODY, deeper).splitlines()
    assert out[1].startswith(f"unwritable the folder of the journal {deeper} cannot be created")
    assert REMEDY in out[1]


@posix
def test_a_journal_that_may_only_be_read_is_read_and_verified(open_folder, run_child, scribe):
    path = open_folder / "journal.db"
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    journal.close()
    path.chmod(0o444)
    open_folder.chmod(0o555)
    out = run_child(AS_NOBODY, path).splitlines()
    assert out[:2] == ["runs 1", "verified True"]
    assert out[2].startswith(f"unwritable the journal {path} cannot be opened for this")
    assert REMEDY in out[2]

    open_folder.chmod(0o000)
    out = run_child(AS_NOBODY, path).splitlines()
    assert out[0].startswith(f"unreadable the journal {path} cannot be reached: Permission")
    assert out[1].startswith(f"unwritable the journal {path} cannot be ")
    assert REMEDY in out[0]
    assert REMEDY in out[1]

    open_folder.chmod(0o555)
    path.chmod(0o000)
    out = run_child(AS_NOBODY, path).splitlines()
    assert out[0].startswith(f"unreadable the journal {path} cannot be opened for this")


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


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//server/share /mnt/my\\040share cifs rw 0 0
me@host: /mnt/ssh fuse.sshfs rw 0 0
overlay /stacked nfs rw 0 0
tmpfs /stacked tmpfs rw 0 0
broken
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's table of mounts")
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/work/journal.db", "ext4"),
        ("/home/ann/journal.db", "nfs4"),
        ("/home/local/journal.db", "ext4"),
        ("/homeless/journal.db", "ext4"),
        ("/mnt/my share/journal.db", "cifs"),
        ("/mnt/ssh/a/b/journal.db", "fuse.sshfs"),
        ("/stacked/journal.db", "tmpfs"),
    ],
)
def test_the_file_system_is_found(tmp_path, path, kind):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert filesystem(Path(path), str(mounts)) == kind
    assert filesystem(Path(path), str(tmp_path / "none")) == ""


def test_a_network_file_system_gets_no_log_and_a_notice(path, scribe, monkeypatch, check):
    monkeypatch.setattr(place, "filesystem", lambda path: "nfs4")
    journal = SqliteJournal(path)
    assert "network file system (nfs4)" in journal.notice
    assert "DELETE" in journal.notice
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, "x", sync=True)
    assert [e.seq for e in journal.read("run:a")] == [1, 2]
    conn = journal._handles.writer._session._conn
    assert conn.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert conn.execute("PRAGMA synchronous").fetchone() == (2,)
    assert not path.with_name("journal.db-wal").exists()
    assert journal.verify().ok
    journal.close()
    assert check(str(path))[0]

    monkeypatch.undo()
    local = SqliteJournal(path)
    assert local.notice == ""
    assert scribe.say(local, "a", 2, "y") == 3
    assert local._handles.writer._session._conn.execute("PRAGMA journal_mode").fetchone() == (
        "wal",
    )
    local.close()


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


def test_a_reader_that_fails_to_open_leaves_nothing_open(path, monkeypatch):
    path.write_text("no database " * 500)
    opened = []
    original = sqlite3.connect

    class Recorded(sqlite3.Connection):
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

    def recording(*args, **kwargs):
        opened.append(original(*args, factory=Recorded, **kwargs))
        return opened[-1]

    monkeypatch.setattr(connect.sqlite3, "connect", recording)
    for attempt in (connect.for_reading, connect.for_writing):
        with pytest.raises(JournalError):
            attempt(Place(path))
    assert [conn.closed for conn in opened] == [True, True]
