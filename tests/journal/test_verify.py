"""Every kind of tampering shows, and a verifier of thirty lines agrees."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import zlib
from dataclasses import replace

import pytest

from leafmesh_nb.engine.events import Draft
from leafmesh_nb.engine.ports import Append, Batch
from leafmesh_nb.journal import chain
from leafmesh_nb.journal.sqlite import SqliteJournal


@pytest.fixture
def written(path, scribe):
    """Run a (10 events, ended), b (6, ended), c (6, goes on), a shared stream, four blobs."""
    journal = SqliteJournal(path)
    for run in ("a", "b", "c"):
        scribe.start(journal, run)
        scribe.say(journal, run, 1, "two", {"amount": "12.50"}, "z" * 9000, "five", "six")
    scribe.say(journal, "a", 6, "seven", "y" * 9000, "nine")
    scribe.end(journal, "a", 9)
    scribe.end(journal, "b", 6)
    journal.commit(scribe.shared("refunds", 0, 1, 2, 3)).result(10)
    journal.close()
    return path


def forge(conn, stream, seq, prev, payload='{"forged":true}', kind="step.ended", rehash=True):
    """A row such as an attacker who knows the format would write."""
    head = chain.header(stream, seq, "2026-03-01T12:00:00.000000Z", 1, kind, "x", 1)
    hash = chain.link(prev, head, chain.payload_digest("ab" * 16, payload)) if rehash else "f" * 64
    row = (*head.split("\x1f"), payload, "ab" * 16, prev, hash)
    conn.execute(f"INSERT INTO events VALUES ({', '.join('?' * 11)})", row)


def hash_of(conn, stream, seq):
    return conn.execute(
        "SELECT hash FROM events WHERE stream = ? AND seq = ?", (stream, seq)
    ).fetchone()[0]


def shift(conn, stream, start, by):
    """Renumber the events from ``start`` on, by way of negative numbers: the key is unique."""
    conn.execute(
        "UPDATE events SET seq = -(seq + ?) WHERE stream = ? AND seq >= ?", (by, stream, start)
    )
    conn.execute("UPDATE events SET seq = -seq WHERE stream = ? AND seq < 0", (stream,))


def test_a_journal_that_was_not_touched(written, check):
    report = SqliteJournal(written).verify()
    assert (report.ok, report.bad, report.reason) == (True, "", "")
    assert (report.runs, report.events) == (3, 10 + 7 + 6 + 3 + 4)
    assert report.streams == {"journal": 4, "mesh:refunds": 3, "run:a": 10, "run:b": 7, "run:c": 6}
    assert report.journal == str(written)
    conn = sqlite3.connect(written)
    assert report.head == hash_of(conn, "journal", 4)
    conn.close()
    assert check(str(written)) == (True, 3, 30, report.head)


def test_without_an_ended_run_the_head_is_the_newest_event(journal, path, scribe, check):
    scribe.start(journal, "z")
    scribe.start(journal, "a")
    report = journal.verify()
    assert report.head == journal.read("run:a")[-1].hash
    assert check(str(path)) == (True, 2, 2, report.head)


def payload(conn):
    conn.execute("UPDATE events SET payload = '{}' WHERE stream = 'run:a' AND seq = 7")


def one_byte(conn):
    conn.execute(
        "UPDATE events SET payload = replace(payload, '12.50', '92.50') "
        "WHERE stream = 'run:a' AND seq = 3"
    )


def header(column, value):
    def edit(conn):
        conn.execute(f"UPDATE events SET {column} = ? WHERE stream = 'run:a' AND seq = 7", (value,))

    edit.__name__ = column
    return edit


def not_utf8(conn):
    conn.execute(
        "UPDATE events SET payload = CAST(x'7bff7d' AS TEXT) WHERE stream = 'run:a' AND seq = 7"
    )


def with_a_new_hash(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:a' AND seq = 7")
    forge(conn, "run:a", 7, hash_of(conn, "run:a", 6))


def blob(conn):
    conn.execute(
        "UPDATE blobs SET data = ? WHERE stream = 'run:a' AND rowid = "
        "(SELECT min(rowid) FROM blobs WHERE stream = 'run:a')",
        (zlib.compress(b'{"cheap":1}'),),
    )


def blob_garbage(conn):
    conn.execute("UPDATE blobs SET data = x'00112233' WHERE stream = 'run:a'")


def blob_gone(conn):
    conn.execute("DELETE FROM blobs WHERE stream = 'run:a'")


def one_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:a' AND seq = 7")


def three_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:a' AND seq IN (5, 6, 7)")


def first_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:c' AND seq = 1")


def deleted_and_renumbered(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:a' AND seq = 7")
    shift(conn, "run:a", 8, -1)


def first_deleted_and_renumbered(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:c' AND seq = 1")
    shift(conn, "run:c", 2, -1)


def tail_cut(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:a' AND seq >= 8")


def run_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:b'")


def run_and_row_deleted(conn):
    run_deleted(conn)
    conn.execute("DELETE FROM runs WHERE id = 'b'")


def open_run_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:c'")


def head_deleted(conn):
    conn.execute("DELETE FROM events WHERE stream = 'journal' AND seq >= 3")


def run_and_head_deleted(conn):
    run_deleted(conn)
    head_deleted(conn)


def cut_back_to_before_the_end(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:b' AND seq >= 7")
    head_deleted(conn)


def inserted(conn):
    shift(conn, "run:a", 5, 1)
    forge(conn, "run:a", 5, hash_of(conn, "run:a", 4))


def inserted_clumsily(conn):
    shift(conn, "run:a", 5, 1)
    forge(conn, "run:a", 5, "0" * 64, rehash=False)


def inserted_at_the_front(conn):
    conn.execute(
        "INSERT INTO events SELECT stream, 0, ts, epoch, kind, path, v, payload, salt, prev, hash "
        "FROM events WHERE stream = 'run:a' AND seq = 1"
    )


def added_behind_the_end(conn):
    forge(conn, "run:b", 8, hash_of(conn, "run:b", 7))


def no_head(conn):
    forge(conn, "journal", 5, hash_of(conn, "journal", 4), kind="run.head")


def head_of_nobody(conn):
    text = json.dumps({"run": "zz", "seq": 1, "hash": "0" * 64, "status": "done"})
    forge(conn, "journal", 5, hash_of(conn, "journal", 4), text, kind="run.head")


def swapped(conn):
    conn.execute("UPDATE events SET seq = -seq WHERE stream = 'run:a' AND seq IN (5, 6)")
    conn.execute("UPDATE events SET seq = 11 + seq WHERE stream = 'run:a' AND seq < 0")


def moved_far(conn):
    conn.execute(
        "UPDATE events SET seq = -CASE seq WHEN 8 THEN 3 ELSE seq + 1 END "
        "WHERE stream = 'run:a' AND seq BETWEEN 3 AND 8"
    )
    shift(conn, "run:a", 99, 0)


def rewritten(conn):
    rows = conn.execute("SELECT * FROM events WHERE stream = 'run:b' ORDER BY seq").fetchall()
    conn.execute("DELETE FROM events WHERE stream = 'run:b'")
    prev = chain.GENESIS
    for *columns, text, salt, _, _ in rows:
        text = text.replace("12.50", "92.50")
        head = "\x1f".join(map(str, columns))
        hash = chain.link(prev, head, chain.payload_digest(salt, text))
        row = (*columns, text, salt, prev, hash)
        conn.execute(f"INSERT INTO events VALUES ({', '.join('?' * 11)})", row)
        prev = hash


def spec(conn):
    conn.execute("UPDATE specs SET text = 'mesh: lenient'")


def spec_gone(conn):
    conn.execute("DELETE FROM specs")


def salt_takes_the_payload(conn):
    conn.execute(
        "UPDATE events SET salt = salt || payload, payload = '' WHERE stream = 'run:a' AND seq = 7"
    )


def row(column, value, run="c"):
    def edit(conn):
        conn.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, run))

    edit.__name__ = f"row_{column}"
    return edit


def another_spec(conn):
    """The rules of an open run, swapped for laxer ones that are whole in themselves."""
    text = "mesh: lenient"
    digest = hashlib.sha256(text.encode()).hexdigest()
    conn.execute("INSERT INTO specs VALUES (?, ?)", (digest, text))
    conn.execute("UPDATE runs SET spec_hash = ? WHERE id = 'c'", (digest,))


def row_deleted(conn):
    conn.execute("DELETE FROM runs WHERE id = 'c'")


def row_without_a_chain(conn):
    conn.execute("CREATE TEMP TABLE copy AS SELECT * FROM runs WHERE id = 'c'")
    conn.execute("UPDATE copy SET id = 'd'")
    conn.execute("INSERT INTO runs SELECT * FROM copy")


def another_first_event(conn):
    conn.execute("DELETE FROM events WHERE stream = 'run:c'")
    forge(conn, "run:c", 1, chain.GENESIS)


def trigger(conn):
    conn.execute("CREATE TRIGGER quiet AFTER INSERT ON events BEGIN DELETE FROM inbox; END")


def view(conn):
    conn.execute("CREATE VIEW quiet AS SELECT * FROM events")


EDITED = "payload was changed"
TAMPERED = [
    (payload, "run:a seq 7", EDITED),
    (one_byte, "run:a seq 3", EDITED),
    (header("ts", "2020-01-01T00:00:00.000000Z"), "run:a seq 7", EDITED),
    (header("epoch", 9), "run:a seq 7", EDITED),
    (header("kind", "step.resolved"), "run:a seq 7", EDITED),
    (header("path", "other"), "run:a seq 7", EDITED),
    (header("v", 2), "run:a seq 7", EDITED),
    (header("salt", "00" * 16), "run:a seq 7", EDITED),
    (header("payload", b"bytes"), "run:a seq 7", EDITED),
    (header("v", "one"), "run:a seq 7", EDITED),
    (header("hash", "0" * 64), "run:a seq 7", EDITED),
    (not_utf8, "run:a seq 7", EDITED),
    (with_a_new_hash, "run:a seq 7", "replaced"),
    (blob, "run:a seq 4", "payload was changed (the blob"),
    (blob_garbage, "run:a seq 4", "payload was changed (the blob"),
    (blob_gone, "run:a seq 4", "payload was deleted"),
    (one_deleted, "run:a seq 7", "the event was deleted"),
    (three_deleted, "run:a seq 5", "the events 5 to 7 were deleted"),
    (first_deleted, "run:c seq 1", "the event was deleted"),
    (deleted_and_renumbered, "run:a seq 7", "the event was deleted, and those after"),
    (first_deleted_and_renumbered, "run:c seq 1", "the event was deleted, and those after"),
    (tail_cut, "run:a seq 8", "the event was deleted: stream journal recorded 10 events"),
    (run_deleted, "run:b seq 1", "every event of the run was deleted: stream journal"),
    (run_and_row_deleted, "run:b seq 1", "every event of the run was deleted: stream journal"),
    (open_run_deleted, "run:c seq 1", "every event of the run was deleted: the run's row"),
    (head_deleted, "journal", "the head of run b, which ended, was deleted"),
    (run_and_head_deleted, "run:b seq 1", "every event of the run was deleted: the run's row"),
    (cut_back_to_before_the_end, "journal", "the head of run b, which ended, was deleted"),
    (inserted, "run:a seq 5", "the event was inserted"),
    (inserted_clumsily, "run:a seq 5", "the event was inserted"),
    (inserted_at_the_front, "run:a seq 0", "the event was inserted"),
    (added_behind_the_end, "run:b seq 8", "the event was added after the run ended"),
    (no_head, "journal", "a head of a run that no journal wrote"),
    (head_of_nobody, "run:zz seq 1", "every event of the run was deleted"),
    (swapped, "run:a seq 5", "the order was changed: this was event 6"),
    (moved_far, "run:a seq 3", "the order was changed: this was event 8"),
    (rewritten, "run:b seq 7", "the run was rewritten"),
    (spec, "spec", "the text was changed"),
    (spec_gone, "spec", "is gone"),
    (salt_takes_the_payload, "run:a seq 7", EDITED),
    (another_spec, "row of run c", "spec_hash is not the one of the run's event run.started"),
    (row("mesh", "other"), "row of run c", "mesh is not the one"),
    (row("workflow", "other"), "row of run c", "workflow is not the one"),
    (row("requester", "boss"), "row of run c", "requester is not the one"),
    (row("requester", b"ann"), "row of run c", "requester is not the one"),
    (row("status", "failed", "b"), "row of run b", "status is not the one of the run's event"),
    (row_deleted, "row of run c", "it was deleted"),
    (row_without_a_chain, "run:d seq 1", "the run's row is still there"),
    (another_first_event, "row of run c", "mesh is not the one"),
    (trigger, "trigger quiet", "no journal has a trigger"),
    (view, "view quiet", "no journal has a view"),
]


@pytest.mark.parametrize(
    ("tamper", "bad", "reason"), TAMPERED, ids=lambda v: getattr(v, "__name__", None)
)
def test_tampering_shows(written, check, tamper, bad, reason):
    with sqlite3.connect(written) as conn:
        tamper(conn)
    conn.close()

    report = SqliteJournal(written).verify()
    assert not report.ok
    assert report.bad.startswith(bad), (report.bad, report.reason)
    assert reason in report.reason, (report.bad, report.reason)
    ok, runs, events, head = check(str(written))
    assert not ok
    assert (runs, events, head) == (report.runs, report.events, report.head)


@pytest.mark.parametrize("seed", range(40))
def test_both_verifiers_agree_on_random_changes(written, check, seed):
    dice = random.Random(seed)
    columns = "stream seq ts epoch kind path v payload salt prev hash".split()  # noqa: SIM905
    with sqlite3.connect(written) as conn:
        for _ in range(dice.randrange(0, 3)):
            row, other = dice.choices(conn.execute("SELECT rowid FROM events").fetchall(), k=2)
            column = dice.choice(columns)
            edits = [
                ("DELETE FROM events WHERE rowid = ?", row),
                (f"UPDATE OR IGNORE events SET {column} = {column} || 'x' WHERE rowid = ?", row),
                ("UPDATE OR IGNORE events SET seq = seq + 1 WHERE rowid = ?", row),
                (
                    f"UPDATE OR IGNORE events SET {column} = "
                    f"(SELECT {column} FROM events WHERE rowid = ?) WHERE rowid = ?",
                    (*other, *row),
                ),
            ]
            conn.execute(*dice.choice(edits))
    conn.close()
    report = SqliteJournal(written).verify()
    ok, runs, events, head = check(str(written))
    assert (ok, runs, events) == (report.ok, report.runs, report.events), report
    assert ok == (report.bad == "")
    assert not ok or head == report.head


def test_a_shared_stream_is_a_chain_too(written, check):
    with sqlite3.connect(written) as conn:
        conn.execute("UPDATE events SET payload = '{}' WHERE stream = 'mesh:refunds' AND seq = 2")
    conn.close()
    report = SqliteJournal(written).verify()
    assert report.bad == "mesh:refunds seq 2"
    assert not check(str(written))[0]


def test_a_run_with_a_long_input_and_odd_names(path, scribe, check):
    """Its first event stands in a blob, and the row holds what UTF-8 can."""
    journal = SqliteJournal(path)
    body = replace(scribe.started(), input={"ticket": "x" * 9000}, requester="ann\udc80 ü")
    first = Append("run:a", (Draft(body),), 0)
    journal.create(scribe.row("a", requester=body.requester), scribe.SPEC, Batch((first,)))
    assert journal.verify().ok, journal.verify()
    journal.close()
    assert check(str(path))[0]
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE runs SET requester = 'ann'")
    conn.close()
    assert SqliteJournal(path).verify().bad == "row of run a"
    assert not check(str(path))[0]


def test_the_engines_notes_on_a_run_are_its_own(written, check):
    """Owner, lease, due date and epoch say nothing that a chain could hold against them."""
    with sqlite3.connect(written) as conn:
        conn.execute("UPDATE runs SET owner = 'x', due_at = NULL, epoch = 9")
    conn.close()
    assert SqliteJournal(written).verify().ok
    assert check(str(written))[0]


def test_the_head_shows_what_no_chain_can(written, scribe):
    """A cut tail of an open run shows against a head that was noted elsewhere, and only there."""
    noted = SqliteJournal(written).verify().head
    with sqlite3.connect(written) as conn:
        conn.execute("DELETE FROM events WHERE stream = 'journal' AND seq >= 3")
        conn.execute("DELETE FROM events WHERE stream = 'run:b'")
        conn.execute("DELETE FROM runs WHERE id = 'b'")
    conn.close()
    report = SqliteJournal(written).verify()
    assert report.ok
    assert report.head != noted


def test_verifying_goes_on_beside_writing(journal, scribe):
    scribe.start(journal, "a")
    after = 1
    for _ in range(5):
        after = scribe.say(journal, "a", after, *range(20))
        assert journal.verify().events == after


def test_salts_hide_equal_payloads(journal, query, scribe):
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, "no", "no")
    rows = query("SELECT payload, salt FROM events WHERE seq > 1")
    (same,) = {text for text, _ in rows}
    assert json.loads(same)["output"] == "no"
    digests = {hashlib.sha256((salt + text).encode()).hexdigest() for text, salt in rows}
    assert len(digests) == 2
