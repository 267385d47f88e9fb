"""Which journal is meant, and when it is opened and let go."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

from leafmesh_nb.engine.events import StepEnded
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import open_journal
from leafmesh_nb.journal.sqlite import SqliteJournal


def test_the_default_is_a_folder_that_git_ignores(workdir, scribe):
    journal = open_journal()
    assert journal.location == str(workdir.resolve() / ".leafmesh" / "journal.db")
    assert journal.runs() == []
    assert journal.read("run:a") == []
    assert journal.inbox(["a"]) == []
    assert journal.run("a") is journal.spec("0") is journal.message(1) is None
    with pytest.raises(JournalError, match=r"there is no journal at .* yet"):
        journal.verify()
    assert list(workdir.iterdir()) == [], "reading creates nothing"

    scribe.start(journal, "a")
    assert (workdir / ".leafmesh" / ".gitignore").read_text() == "*\n"
    assert len(journal.runs()) == 1
    journal.close()


def test_the_environment_names_another(workdir, monkeypatch, scribe):
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(workdir / "deep" / "er" / "mine.db"))
    journal = open_journal(None)
    assert journal.location == str(workdir.resolve() / "deep" / "er" / "mine.db")
    scribe.start(journal, "a")
    assert not (workdir / "deep" / "er" / ".gitignore").exists()
    journal.close()
    assert open_journal("other.db").location == str(workdir.resolve() / "other.db")


def test_a_file_has_one_instance(workdir, scribe):
    journal = open_journal("a.db")
    (workdir / "link.db").symlink_to(workdir / "a.db")
    assert open_journal(workdir / "a.db") is journal
    assert open_journal("./../work/a.db") is journal
    assert open_journal("link.db") is journal
    assert open_journal("b.db") is not journal

    scribe.start(journal, "a")
    journal.close()
    journal.close()
    assert journal.closed
    for use in (journal.runs, lambda: scribe.start(journal, "b"), lambda: journal.release("a", 1)):
        with pytest.raises(JournalError, match=r"a\.db was closed; open it again"):
            use()
    with pytest.raises(JournalError, match="was closed"):
        scribe.say(journal, "a", 1, "late")
    again = open_journal("a.db")
    assert again is not journal
    assert [row.id for row in again.runs()] == ["a"]
    again.close()


@pytest.mark.parametrize("location", [":memory:", "", " ", "a\0b"])
def test_what_is_no_place_for_a_journal(workdir, location):
    with pytest.raises(JournalError, match=r"is no place for a journal.*LEAFMESH_JOURNAL"):
        SqliteJournal(location)


def test_a_database_server_is_not_available_yet(workdir):
    with pytest.raises(JournalError, match="postgresql:// is not available yet"):
        open_journal("postgresql://user:secret@host/db")


def test_names_that_a_uri_would_misread(workdir, scribe):
    for name in ("a?mode=memory#x.db", "100%25 ümlaut \N{GRINNING FACE}.db"):
        journal = open_journal(name)
        scribe.start(journal, "a")
        assert (workdir / name).is_file()
        assert len(journal.runs()) == 1
        journal.close()


def test_a_journal_that_nobody_holds_is_flushed_and_let_go(path, scribe):
    def writers():
        return {t for t in threading.enumerate() if t.name == "leafmesh-journal"}

    before = writers()
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    (own,) = writers() - before
    future = journal.commit(scribe.batch("a", 1, StepEnded("done"), sync=True))
    del journal
    gc.collect()
    assert future.done()
    assert future.result()[0].seq == 2
    assert own not in writers()
    assert not Path(f"{path}-wal").exists(), "the last connection took the log away"


def test_importing_the_journal_imports_no_database(run_child):
    out = run_child("import sys, leafmesh_nb.journal; print('sqlite3' in sys.modules)")
    assert out.strip() == "False"
