"""Journals of other versions."""

from __future__ import annotations

import sqlite3

from leafmesh_nb.journal import schema
from leafmesh_nb.journal.sqlite import SqliteJournal


def test_a_newer_journal(journal, path, scribe, fails):
    scribe.start(journal, "a")
    journal.close()
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    conn.close()
    message = fails(path)
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


def test_an_upgrade_that_fails_changes_nothing(path, scribe, monkeypatch, fails):
    old = SqliteJournal(path)
    scribe.start(old, "a")
    old.close()
    broken = ("ALTER TABLE runs ADD COLUMN shard TEXT", "ALTER TABLE nowhere ADD COLUMN x TEXT")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        assert "nowhere" in fails(path)
    again = SqliteJournal(path)
    assert scribe.say(again, "a", 1, "on it goes") == 2
    again.close()
