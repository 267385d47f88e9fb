"""Bad places: one clear error with place and remedy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

import pytest

from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import connect, place
from leafmesh_nb.journal.place import REMEDY, Place, filesystem
from leafmesh_nb.journal.sqlite import SqliteJournal

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")


def test_a_folder(tmp_path, fails):
    assert "is a folder, not a file; add a file's name" in fails(tmp_path)


def test_a_folder_that_is_a_file(tmp_path, fails):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "journal.db"
    message = fails(path, reading=False)
    assert "cannot be created: " in message
    assert REMEDY in message


def test_some_other_file(path, fails):
    path.write_text("Dear diary, " * 1000)
    message = fails(path)
    assert "is not a journal: file is not a database (SQLITE_NOTADB)" in message
    assert REMEDY in message
    assert path.read_text().startswith("Dear diary, "), "it was not touched"


def test_some_other_database(path, fails):
    conn = sqlite3.connect(path)
    conn.execute("CREATE TABLE events (id INTEGER)")
    conn.close()
    message = fails(path)
    assert "is an SQLite database, but not a journal" in message
    assert REMEDY in message


def test_an_empty_file_becomes_a_journal(path, scribe):
    path.touch()
    journal = SqliteJournal(path)
    assert journal.runs() == []
    scribe.start(journal, "a")
    assert len(journal.runs()) == 1


AS_NOBODY = """
import os, sys
# All that is imported late: nobody may read it later.
import cryptography.hazmat.primitives.serialization, platformdirs, scribe, urllib.parse
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
def open_folder(monkeypatch):
    """A folder that other users can reach, as pytest's own cannot be; no key is named in it."""
    monkeypatch.delenv("LEAFMESH_SIGNING_KEY")
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
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


@posix
def test_a_new_journal_is_its_owners_alone(tmp_path, scribe):
    """Its side files too: all three hold what customers wrote."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    journal.close()
    assert set(modes) >= {"journal.db", "journal.db-wal"}
    assert set(modes.values()) == {0o600}
