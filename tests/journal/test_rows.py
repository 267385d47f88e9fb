"""The rows of runs, and the inbox."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from leafmesh_nb.engine.events import RunEnded, StepEnded
from leafmesh_nb.engine.ports import Batch, RunUpdate, Verdict
from leafmesh_nb.errors import JournalError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_row_comes_back_as_it_went_in(journal, scribe):
    values = {
        "created": NOON,
        "owner": "host/1/2/3#r",
        "lease_until": NOON + timedelta(seconds=30),
        "due_at": NOON + timedelta(hours=1),
        "min_release": "2026.3",
    }
    scribe.start(journal, "a", **values)
    assert journal.run("a") == scribe.row("a", **values)
    assert journal.run("b") is None


def test_runs_are_listed_newest_first(journal, scribe):
    for n, run in enumerate(("a", "b", "c", "d")):
        scribe.start(journal, run, created=NOON + timedelta(seconds=n // 2))
    journal.commit(Batch((), "b", 1, RunUpdate("b", "waiting"))).result(10)
    scribe.end(journal, "c", 1)

    def ids(**filters):
        return [row.id for row in journal.runs(**filters)]

    assert ids() == ["d", "c", "b", "a"]
    assert ids(status=["waiting", "done"]) == ["c", "b"]
    assert ids(mesh="refunds", status=("running",)) == ["d", "a"]
    assert ids(mesh="other") == []


def test_a_message_waits_for_its_verdict(journal, scribe):
    for run in ("a", "b"):
        scribe.start(journal, run)
    first = journal.post("a", "answer", {"id": "q1", "note": "half \ud83d, \0, é"})
    second = journal.post("b", "cancel", {})
    third = journal.post("a", "pause", {"by": "ann"})

    rows = journal.inbox(["a", "b", "nobody"])
    assert [(r.id, r.run, r.kind) for r in rows] == [
        (first, "a", "answer"),
        (second, "b", "cancel"),
        (third, "a", "pause"),
    ]
    assert rows[0].body == {"id": "q1", "note": "half \ud83d, \0, é"}
    assert rows[0].posted.tzinfo is UTC
    assert rows[0].verdict is None
    assert [r.id for r in journal.inbox(["b"])] == [second]
    assert journal.inbox([]) == []

    accepted, refused = Verdict(first, True), Verdict(third, False, "not asked \ud83d")
    made = scribe.batch("a", 1, StepEnded("done"), verdicts=(accepted, refused))
    journal.commit(made).result(10)
    assert [r.id for r in journal.inbox(["a", "b"])] == [second]
    assert journal.message(first).verdict == accepted
    assert journal.message(third).verdict == Verdict(third, False, "not asked \\ud83d")
    assert journal.message(99) is None


def test_the_first_verdict_stands_and_is_the_owners(journal, scribe):
    for run in ("a", "b"):
        scribe.start(journal, run)
    row = journal.post("a", "answer", {})
    made = scribe.batch("b", 1, StepEnded("done"), verdicts=(Verdict(row, True),))
    with pytest.raises(JournalError, match=f"message {row} is not an open message of run b"):
        journal.commit(made).result(10)
    assert len(journal.read("run:b")) == 1
    assert journal.message(row).verdict is None

    journal.commit(Batch((), "a", 1, verdicts=(Verdict(row, True),))).result(10)
    with pytest.raises(JournalError, match="not an open message"):
        journal.commit(Batch((), "a", 1, verdicts=(Verdict(row, False),))).result(10)
    assert journal.message(row).verdict.accepted


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("body", "{bad json"),
        ("body", ""),
        ("body", "[1]"),
        ("body", '{"value": NaN}'),
        ("body", "[" * 100_000),
        ("body", b"\xff\xfe"),
        ("kind", b"\xff"),
        ("posted", "yesterday"),
        ("posted", 7),
    ],
)
def test_a_message_that_no_journal_wrote_stands_in_nobodys_way(
    journal, path, scribe, column, value
):
    scribe.start(journal, "a")
    first, second = journal.post("a", "cancel", {}), journal.post("a", "pause", {"by": "ann"})
    with sqlite3.connect(path) as conn:
        cast = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
        conn.execute(f"UPDATE inbox SET {column} = {cast} WHERE id = ?", (value, first))
    conn.close()
    bad, good = journal.inbox(["a"])
    assert (bad.id, bad.run, bad.kind, dict(bad.body)) == (first, "a", "unreadable", {})
    assert (good.id, good.kind, good.body) == (second, "pause", {"by": "ann"})
    journal.commit(Batch((), "a", 1, verdicts=(Verdict(first, False, "no"),))).result(10)
    assert journal.message(first).verdict == Verdict(first, False, "no")


def test_a_message_to_nobody_is_refused(journal, scribe):
    scribe.start(journal, "a")
    with pytest.raises(JournalError, match="no run b"):
        journal.post("b", "cancel", {})
    with pytest.raises(JournalError, match="the answer for run a holds a value that JSON cannot"):
        journal.post("a", "answer", {"value": {1, 2}})
    with pytest.raises(JournalError, match="the answer for run a holds a value that JSON cannot"):
        journal.post("a", "answer", {"value": float("nan")})
    scribe.end(journal, "a", 1)
    with pytest.raises(JournalError, match=r"has ended \(done\): nobody would read this cancel"):
        journal.post("a", "cancel", {})
    assert journal.inbox(["a"]) == []


def test_the_end_of_a_run_answers_what_is_left(journal, scribe):
    scribe.start(journal, "a")
    read, unread = journal.post("a", "answer", {}), journal.post("a", "pause", {})
    made = scribe.batch("a", 1, RunEnded("cancelled"), verdicts=(Verdict(read, True),))
    journal.commit(made).result(10)

    assert journal.message(read).verdict.accepted
    verdict = journal.message(unread).verdict
    assert (verdict.accepted, verdict.reason) == (
        False,
        "the run ended (cancelled) before this was read",
    )


def test_a_message_makes_its_run_due_until_it_is_read(journal, scribe):
    scribe.start(journal, "a")
    timer = datetime.now(UTC) + timedelta(days=1)
    later = RunUpdate("a", "waiting", timer)
    journal.commit(Batch((), "a", 1, later)).result(10)
    row = journal.post("a", "answer", {})
    assert journal.run("a").due_at <= datetime.now(UTC)

    # The owner had not seen it when it decided to wait.
    journal.commit(Batch((), "a", 1, later)).result(10)
    assert journal.run("a").due_at <= datetime.now(UTC)
    journal.commit(Batch((), "a", 1, RunUpdate("a", "waiting"))).result(10)
    assert journal.run("a").due_at <= datetime.now(UTC)

    journal.commit(Batch((), "a", 1, later, (Verdict(row, True),))).result(10)
    assert journal.run("a").due_at == timer


def test_no_other_table_looks_like_events(journal, path, scribe):
    scribe.start(journal, "a")
    conn = sqlite3.connect(path)
    tables = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    columns = {
        table: [column[1] for column in conn.execute(f"PRAGMA table_info({table})")]
        for table in tables
    }
    conn.close()
    assert columns["events"] == (
        "stream seq ts epoch kind path v payload salt prev hash".split()  # noqa: SIM905
    )
    assert [t for t, names in columns.items() if {"seq", "payload"} <= set(names)] == ["events"]
