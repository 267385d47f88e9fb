"""How far exports have come."""

from __future__ import annotations

import sqlite3

import pytest

from leafmesh_nb.errors import ConflictError
from leafmesh_nb.journal.cursors import Cursors, Kept, Position
from leafmesh_nb.journal.records import records
from leafmesh_nb.journal.sqlite import SqliteJournal


def test_a_journal_without_runs_needs_none(journal, path):
    cursors = Cursors(journal, "x")
    assert not cursors.needed()
    assert cursors.touched(0) == ([], 0)
    assert not path.exists()


def test_each_receiver_has_its_own(journal, scribe):
    scribe.start(journal, "a")
    scribe.start(journal, "b")
    here, there = Cursors(journal, "here"), Cursors(journal, "there")
    assert here.needed()
    kept = here.open()
    assert (kept, there.open()) == (Kept(0, 0, ""), Kept(0, 0, ""))
    kept = here.move(kept, {"a": (1, 3)}, "one")
    assert kept == here.open() == Kept(1, 0, "one")
    assert there.open() == Kept(0, 0, "")
    assert here.positions() == [Position("a", 1, 1, 3, False), Position("b", 1, 0, 0, False)]
    assert there.positions(["a", "zzz"]) == [Position("a", 1, 0, 0, False)]


def test_who_was_overtaken_moves_nothing(journal, path, scribe):
    scribe.start(journal, "a")
    other = SqliteJournal(path)
    mine, theirs = Cursors(journal, "x"), Cursors(other, "x")
    old = mine.open()
    theirs.move(theirs.open(), {"a": (1, 1)}, "theirs")
    with pytest.raises(ConflictError):
        mine.move(old, {"a": (9, 9)}, "mine")
    assert mine.open().totals == "theirs"
    assert mine.positions()[0].seq == 1
    other.close()


def test_totals_are_told_once(journal, scribe):
    scribe.start(journal, "a")
    cursors = Cursors(journal, "x")
    kept = cursors.tell(cursors.move(cursors.open(), {}, "one"))
    assert kept == cursors.open() == Kept(1, 1, "one")
    kept = cursors.move(kept, {"a": (1, 0)}, "one")
    assert kept == cursors.open() == Kept(2, 2, "one")  # they are the same still
    kept = cursors.move(kept, {}, "two")
    assert kept == cursors.open() == Kept(3, 2, "two")


def test_what_was_touched(journal, scribe):
    cursors = Cursors(journal, "x")
    scribe.start(journal, "a")
    scribe.start(journal, "b")
    runs, mark = cursors.touched(0)
    assert sorted(runs) == ["a", "b"]
    assert cursors.touched(mark) == ([], mark)
    scribe.say(journal, "b", 1, "on it goes")
    runs, after = cursors.touched(mark)
    assert (runs, after > mark) == (["b"], True)


def test_the_tables_can_be_dropped(journal, path, scribe):
    scribe.start(journal, "a")
    cursors = Cursors(journal, "x")
    cursors.move(cursors.open(), {"a": (1, 1)}, "")
    assert journal.verify().ok
    journal.close()
    with sqlite3.connect(path) as conn:
        conn.execute("DROP TABLE exports")
        conn.execute("DROP TABLE export_cursors")
    conn.close()
    again = SqliteJournal(path)
    cursors = Cursors(again, "x")
    assert cursors.open() == Kept(0, 0, "")
    assert cursors.positions() == [Position("a", 1, 0, 0, False)]
    assert again.verify().ok
    again.close()


def test_records_stand_as_they_were_written(journal, scribe, query):
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, "x" * 20_000)
    found = records(journal, "run:a")
    rows = query("SELECT seq, ts, salt, prev, hash FROM events WHERE stream = 'run:a' ORDER BY seq")
    assert [(r.event.seq, r.ts, r.salt, r.prev, r.event.hash) for r in found] == rows
    assert [r.blob for r in found] == [False, True]
    assert "x" * 20_000 in found[1].payload
    assert records(journal, "run:nobody") == []
