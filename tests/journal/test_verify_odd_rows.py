"""Rows that no journal wrote: they are named, in words that print, and the check ends."""

from __future__ import annotations

import hashlib
import sqlite3
import zlib

import pytest

from leafmesh_nb.journal import chain
from leafmesh_nb.journal.sqlite import SqliteJournal


@pytest.fixture
def changed(path, scribe):
    """Verifies after a statement was carried out on a journal with an ended run."""
    journal = SqliteJournal(path)
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, "two", "three")
    scribe.end(journal, "a", 3)
    journal.close()

    def verified(*statements):
        with sqlite3.connect(path) as conn:
            for statement in statements:
                conn.execute(*statement)
        conn.close()
        return SqliteJournal(path).verify()

    return verified


@pytest.mark.parametrize(
    ("table", "column", "bad"),
    [("events", "stream", "event with stream X'FF'"), ("runs", "id", "row of a run with id X'FF'")],
)
def test_names_that_are_no_text(changed, table, column, bad):
    found = changed((f"UPDATE {table} SET {column} = x'ff' WHERE rowid = 1",))
    assert (found.ok, found.bad) == (False, bad)
    assert found.reason == "no journal wrote it"


def test_a_row_far_ahead_costs_no_time(changed):
    """Where an event comes from is looked for among the rows that are there."""
    found = changed(
        ("UPDATE events SET payload = '{}' WHERE stream = 'run:a' AND seq = 2",),
        ("UPDATE events SET seq = 9000000000000000000 WHERE stream = 'run:a' AND seq = 4",),
    )
    assert found.bad == "run:a seq 2"
    assert "payload was changed" in found.reason


@pytest.mark.parametrize("name", ["\x1b[2Jgone", "two\nlines", "\u202eright to left"])
def test_what_is_named_steers_no_terminal(changed, name):
    found = changed(("UPDATE runs SET id = ?", (name,)))
    assert not found.ok
    assert (found.bad + found.reason).isprintable()


def test_a_blob_that_is_no_text(changed):
    """With every hash that belongs to it."""
    digest = hashlib.sha256(b"\xff").hexdigest()
    text = f'{{"blob":"{digest}"}}'
    head = chain.header("run:z", 1, "2026-03-01T12:00:00.000000Z", 1, "step.ended", "x", 1)
    hash = chain.link(chain.GENESIS, head, chain.payload_digest("ab" * 16, text))
    row = (*head.split("\x1f"), text, "ab" * 16, chain.GENESIS, hash)
    found = changed(
        (f"INSERT INTO events VALUES ({', '.join('?' * 11)})", row),
        ("INSERT INTO blobs VALUES ('run:z', ?, ?)", (digest, zlib.compress(b"\xff"))),
    )
    assert found.bad == "run:z seq 1"
    assert "payload was changed" in found.reason
