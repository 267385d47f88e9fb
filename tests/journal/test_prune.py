"""Runs that ended long ago are deleted, and the journal still tells of every one of them."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from leafmesh_nb.engine.events import RunPruned
from leafmesh_nb.errors import JournalError
from leafmesh_nb.journal import prune
from leafmesh_nb.journal.cursors import Cursors
from leafmesh_nb.journal.sqlite import SqliteJournal

SECRET = "a customer's words " * 600


@pytest.fixture
def journal(path, scribe):
    """Runs a and b have ended, c goes on; a has a blob and a message."""
    found = SqliteJournal(path)
    for run in ("a", "b", "c"):
        scribe.start(found, run)
        scribe.say(found, run, 1, "two", SECRET if run == "a" else "three")
    found.post("a", "answer", {"note": "a customer's name"})
    scribe.end(found, "a", 3)
    scribe.end(found, "b", 3)
    yield found
    found.close()


def later():
    return datetime.now(UTC) + timedelta(days=1)


def gone(journal, runs=("a",)):
    return journal.prune([r for r in journal.prunable(later()) if r.run in runs], by="ann")


def edit(path, statement, *values):
    conn = sqlite3.connect(path)
    conn.execute(statement, values)
    conn.commit()
    conn.close()


def test_what_may_go(journal):
    assert journal.prunable(datetime.now(UTC) - timedelta(days=1)) == []
    found = journal.prunable(later())
    assert [(r.run, r.mesh, r.status, r.events, r.waits) for r in found] == [
        ("a", "refunds", "done", 4, False),
        ("b", "refunds", "done", 4, False),
    ]
    assert journal.prunable(later(), mesh="other") == []
    assert len(journal.prunable(later(), mesh="refunds")) == 2


def test_nothing_of_a_run_is_left_and_the_journal_verifies(journal, path, check, query):
    last = journal.read("run:a")[-1]
    assert [run.run for run in gone(journal)] == ["a"]
    assert journal.read("run:a") == []
    assert journal.run("a") is None
    for table, column in (("events", "stream"), ("blobs", "stream"), ("runs", "id")):
        assert query(f"SELECT count(*) FROM {table} WHERE {column} IN ('a', 'run:a')") == [(0,)]
    assert query("SELECT count(*) FROM inbox") == [(0,)]
    (tombstone,) = [e.body for e in journal.read("journal") if isinstance(e.body, RunPruned)]
    assert (tombstone.run, tombstone.seq, tombstone.hash) == ("a", last.seq, last.hash)
    assert (tombstone.mesh, tombstone.status, tombstone.by) == ("refunds", "done", "ann")
    report = journal.verify()
    assert report.ok, report
    assert (report.pruned, report.runs, report.unsigned) == (1, 2, 0)
    assert journal.verify(keys=[report.own_key]).ok
    assert check(str(path))[0]


def test_a_run_that_goes_on_stays_and_others_go_on_writing(journal, scribe):
    gone(journal, ("a", "b", "c"))
    assert [row.id for row in journal.runs()] == ["c"]
    assert scribe.say(journal, "c", 3, "four") == 4
    scribe.end(journal, "c", 4)
    scribe.start(journal, "d")
    assert journal.verify().ok
    assert journal.prune(journal.prunable(later()), by="ann")
    assert journal.verify().pruned == 3


def test_another_process_did_it_first(journal):
    found = journal.prunable(later())
    gone(journal, ("a", "b"))
    assert journal.prune(found, by="bob") == []
    assert journal.verify().pruned == 2


def test_many_go_in_several_transactions(journal, scribe, monkeypatch):
    monkeypatch.setattr(prune, "BATCH", 2)
    for number in range(5):
        scribe.start(journal, f"n{number}")
        scribe.end(journal, f"n{number}", 1)
    assert len(journal.prune(journal.prunable(later()), by="ann")) == 7
    report = journal.verify()
    assert report.ok, report
    assert report.pruned == 7
    signed = [e for e in journal.read("journal") if e.kind == "checkpoint.signed"]
    assert len(signed) == 7 + 4


def test_what_telemetry_has_not_got_waits(journal):
    cursors = Cursors(journal, "http://collector")
    kept = cursors.open()
    cursors.move(kept, {"a": (4, 1), "b": (2, 1)}, "")
    assert [(r.run, r.waits) for r in journal.prunable(later())] == [("a", False), ("b", True)]
    gone(journal)
    assert [position.run for position in cursors.positions()] == ["b", "c"]


def test_a_broken_journal_loses_nothing(journal, path):
    edit(path, "UPDATE events SET payload = '{}' WHERE stream = 'run:b' AND seq = 2")
    with pytest.raises(JournalError, match=r"does not verify \(run:b seq 2: .*may be evidence"):
        gone(journal)
    assert len(journal.read("run:a")) == 4


class TestForged:
    """Whoever deletes a run must not get away with a tombstone of their own."""

    def test_a_run_deleted_without_a_tombstone(self, journal, path):
        edit(path, "DELETE FROM events WHERE stream = 'run:a'")
        edit(path, "DELETE FROM runs WHERE id = 'a'")
        assert journal.verify().bad == "run:a seq 1"

    def test_a_tombstone_that_no_key_signed(self, journal, path):
        gone(journal)
        (newest,) = [e.seq for e in journal.read("journal") if e.kind == "run.pruned"]
        edit(path, "DELETE FROM events WHERE stream = 'journal' AND seq > ?", newest)
        report = SqliteJournal(path).verify()
        assert report.bad == f"journal seq {newest}"
        assert report.reason == "no key signed the tombstone of run a"

    def test_a_tombstone_under_another_key(self, journal):
        report = journal.verify()
        gone(journal)
        other = report.own_key[:-4] + ("AAAA" if not report.own_key.endswith("AAAA") else "BBBB")
        assert not journal.verify(keys=[other]).ok

    @pytest.mark.parametrize("name", ["seq", "hash"])
    def test_a_tombstone_over_another_end(self, journal, name, monkeypatch):
        true = prune._tombstone

        def false(*given):
            body = true(*given)
            wrong = {"seq": body.seq - 1, "hash": "0" * 64}[name]
            values = {n: getattr(body, n) for n in RunPruned.__slots__}
            return RunPruned(**values | {name: wrong})

        monkeypatch.setattr(prune, "_tombstone", false)
        gone(journal)
        report = journal.verify()
        assert "is not that of the end that was recorded" in report.reason

    def test_a_pruned_run_that_is_back(self, journal, path):
        copy = sqlite3.connect(path)
        rows = copy.execute("SELECT * FROM events WHERE stream = 'run:a'").fetchall()
        copy.close()
        gone(journal)
        for row in rows:
            edit(path, f"INSERT INTO events VALUES ({', '.join('?' * 11)})", *row)
        report = journal.verify()
        assert not report.ok
        assert report.bad.startswith("run:a seq")

    def test_its_row_that_is_back(self, journal, path, query):
        ((*row,),) = query("SELECT * FROM runs WHERE id = 'a'")
        gone(journal)
        edit(path, f"INSERT INTO runs VALUES ({', '.join('?' * len(row))})", *row)
        report = journal.verify()
        assert (report.bad, report.reason) == (
            "row of run a",
            "it was inserted: the run was pruned",
        )

    def test_two_tombstones_of_one_run(self, journal, monkeypatch):
        first = journal.prunable(later())[:1]
        monkeypatch.setattr(prune, "_is_there", lambda conn, run: True)
        journal.prune(first, by="ann")
        journal.prune(first, by="ann")
        assert journal.verify().reason == "run a was pruned before"

    @pytest.mark.parametrize("payload", ["{", "[]", '{"run": 7}', json.dumps({"run": "a"})])
    def test_a_tombstone_that_says_nothing(self, payload):
        from leafmesh_nb.journal.broken import BrokenError
        from leafmesh_nb.journal.tombstones import tombstones

        with pytest.raises(BrokenError, match="that no journal wrote"):
            tombstones({3: payload})
