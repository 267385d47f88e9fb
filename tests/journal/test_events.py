"""Appending and reading: what goes in comes out, in order, or is refused whole."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta, timezone

import pytest

from leafmesh_nb.engine.events import CallFinished, Draft, RunEnded, RunHead, StepEnded
from leafmesh_nb.engine.ports import Append, Batch, RunUpdate, Verdict
from leafmesh_nb.errors import ConflictError, JournalError, OwnershipError
from leafmesh_nb.journal.session import Session

SURROGATE = "half \ud83d a character, \udcff a byte"


def test_what_is_committed_is_read_back(journal, scribe):
    first = scribe.start(journal, "a")
    body = CallFinished("k", {"amount": "12.50", "list": [1, None, True]}, writes=({"x": 1},))
    second = journal.commit(scribe.batch("a", 1, body, StepEnded("done"))).result(10)

    assert [e.seq for e in (*first, *second)] == [1, 2, 3]
    assert journal.read("run:a") == [*first, *second]
    assert journal.read("run:a", after=2) == [second[1]]
    assert journal.read("run:nobody") == []
    assert second[0].body == body
    assert second[0].path == "pay"


def test_times_are_utc_with_six_digits(journal, query, scribe):
    scribe.start(journal, "a")
    there = datetime(2026, 3, 1, 13, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    draft = Draft(StepEnded("done"), ts=there)
    (event,) = journal.commit(Batch((Append("run:a", (draft,), 1),), "a", 1)).result(10)

    assert event.ts == there
    assert event.ts.tzinfo is UTC
    assert journal.read("run:a")[1] == event
    assert query("SELECT ts FROM events WHERE seq = 2") == [("2026-03-01T07:30:00.000000Z",)]


@pytest.mark.parametrize(
    "output",
    [
        SURROGATE,
        {SURROGATE: [SURROGATE]},
        "nul \0 and \x1f and \n",
        "\N{GRINNING FACE} \N{FAMILY}\N{ZERO WIDTH JOINER}",
        {"blob": "0" * 64},
        {"a" * 9000: "é" * 9000},
        "x" * 8185 + SURROGATE,
        "é" * 5_000_000,
    ],
    ids=["surrogates", "keys", "nul", "emoji", "like a blob", "long", "long surrogate", "10 MB"],
)
def test_any_text_survives(journal, path, scribe, check, output):
    scribe.start(journal, "a")
    scribe.say(journal, "a", 1, output)
    scribe.end(journal, "a", 2, output=output)

    assert [e.body.output for e in journal.read("run:a", 1)] == [output, output]
    assert journal.verify().ok
    assert check(str(path))[0]


def test_a_payload_above_8_kb_is_a_blob_once(journal, query, scribe):
    scribe.start(journal, "a")
    scribe.start(journal, "b")
    empty = {"again": None, "error": None, "output": "", "status": "done"}
    frame = len(json.dumps(empty, separators=(",", ":")))
    fits, above = "é" * ((8192 - frame) // 2), "é" * ((8192 - frame) // 2 + 1)
    scribe.say(journal, "a", 1, fits, above, above)
    scribe.say(journal, "b", 1, above)

    blobs = query("SELECT stream, length(data) FROM blobs ORDER BY stream")
    assert [stream for stream, _ in blobs] == ["run:a", "run:b"]
    assert all(size < 500 for _, size in blobs), "it is compressed"
    lengths = query("SELECT length(payload) FROM events WHERE stream = 'run:a'")
    assert [n > 4000 for (n,) in lengths] == [False, True, False, False]
    assert [e.body.output for e in journal.read("run:a", 1)] == [fits, above, above]


def test_a_body_that_changes_after_commit_was_recorded_as_it_was(journal, scribe):
    scribe.start(journal, "a")
    output = {"n": 1}
    future = journal.commit(scribe.batch("a", 1, StepEnded("done", output), sync=True))
    output["n"] = 2
    future.result(10)

    assert journal.read("run:a")[1].body.output == {"n": 1}


@pytest.mark.parametrize(
    "output",
    [float("nan"), object(), {1, 2}, b"bytes", {("a",): 1}],
    ids=["nan", "object", "set", "bytes", "key"],
)
def test_what_json_cannot_say_is_refused_by_name(journal, scribe, output):
    scribe.start(journal, "a")
    with pytest.raises(JournalError, match=r"step\.ended of run:a pay cannot be recorded"):
        journal.commit(scribe.batch("a", 1, StepEnded("done", output))).result(10)
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(JournalError, match=r"step\.ended of run:a pay cannot be recorded"):
        journal.commit(scribe.batch("a", 1, StepEnded("done", circle))).result(10)
    assert scribe.say(journal, "a", 1, "the run goes on") == 2


@pytest.mark.parametrize("step", ["a\x1fb", "a\0b", "a\ud800b"])
def test_a_path_that_the_chain_cannot_carry_is_refused(journal, scribe, step):
    scribe.start(journal, "a")
    with pytest.raises(JournalError, match="cannot name a stream or a path"):
        journal.commit(scribe.batch("a", 1, StepEnded("done"), path=step)).result(10)


def test_a_time_without_a_zone_is_refused(journal, scribe):
    scribe.start(journal, "a")
    naive = Draft(StepEnded("done"), ts=datetime(2026, 3, 1))  # noqa: DTZ001
    with pytest.raises(JournalError, match="times with a zone only"):
        journal.commit(Batch((Append("run:a", (naive,), 1),), "a", 1)).result(10)


def test_a_stale_head_is_a_conflict_and_nothing_is_stored(journal, scribe):
    scribe.start(journal, "a")
    journal.commit(scribe.shared("refunds", 0, 1)).result(10)
    both = Batch(
        (
            Append("run:a", (Draft(StepEnded("done")),), 1),
            Append("mesh:refunds", (Draft(StepEnded("done")),), 0),
        ),
        "a",
        1,
    )
    with pytest.raises(ConflictError, match="mesh:refunds stands at event 1, not at 0"):
        journal.commit(both).result(10)

    assert len(journal.read("run:a")) == 1
    assert len(journal.read("mesh:refunds")) == 1
    assert scribe.say(journal, "a", 1, "next") == 2


def test_an_old_epoch_is_refused_by_name(journal, scribe):
    scribe.start(journal, "a")
    assert journal.claim("a", "elsewhere/1//#r2", 60) == 2
    with pytest.raises(OwnershipError, match=r"taken over at epoch 2.*process 1 on the machine"):
        scribe.say(journal, "a", 1, "late")
    with pytest.raises(OwnershipError):
        journal.commit(Batch((scribe.shared("m", 0, 1).appends[0],), "a", 1)).result(10)

    assert len(journal.read("run:a")) == 1
    assert journal.read("mesh:m") == []
    assert scribe.say(journal, "a", 1, "mine", epoch=2) == 2


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (Batch((Append("run:a", (Draft(StepEnded("done")),), 1),)), "cannot write to run:a"),
        (Batch((Append("run:b", (), 0),), "a", 1), "batch of run a cannot write to run:b"),
        (Batch((), "a", 1, RunUpdate("b", "waiting")), "cannot update run b"),
        (Batch((), update=RunUpdate("a", "waiting")), "cannot update run a"),
        (Batch((), verdicts=(Verdict(1, True),)), "needs the batch of the run"),
        (Batch((), "a", 1, verdicts=(Verdict(99, True),)), "message 99 is not an open message"),
        (Batch((), "gone", 1), "has no run gone"),
    ],
)
def test_nothing_gets_round_the_fence(journal, scribe, made, message):
    scribe.start(journal, "a")
    with pytest.raises(JournalError, match=message):
        journal.commit(made).result(10)
    assert len(journal.read("run:a")) == 1


def test_a_refused_first_batch_leaves_no_run(journal, scribe):
    wrong = Append("run:a", (Draft(scribe.started()),), 3)
    with pytest.raises(ConflictError):
        journal.create(scribe.row("a"), scribe.SPEC, Batch((wrong,)))
    assert journal.run("a") is None
    assert journal.spec(scribe.SPEC_HASH) is None

    with pytest.raises(JournalError, match="without a first event"):
        journal.create(scribe.row("a"), scribe.SPEC, Batch(()))
    scribe.start(journal, "a")
    with pytest.raises(JournalError, match="has a run a already"):
        scribe.start(journal, "a")


def test_a_spec_goes_by_its_hash(journal, path, scribe):
    first = Batch((Append("run:a", (Draft(scribe.started()),), 0),))
    with pytest.raises(JournalError, match="is not the one that its hash was made of"):
        journal.create(scribe.row("a"), "mesh: other\n", first)
    scribe.start(journal, "a")
    assert journal.spec(scribe.SPEC_HASH) == scribe.SPEC
    assert journal.spec("0" * 64) is None

    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE specs SET text = 'mesh: lenient'")
    conn.close()
    with pytest.raises(JournalError, match="is not the one that its hash was made of"):
        journal.spec(scribe.SPEC_HASH)


def test_the_end_of_a_run_is_recorded_in_the_journal_stream(journal, scribe):
    scribe.start(journal, "a", owner="elsewhere/1//", lease_until=datetime.now(UTC))
    seen = scribe.end(journal, "a", 1)

    assert [e.stream for e in seen] == ["run:a"]
    head, checkpoint = journal.read("journal")
    assert (checkpoint.body.stream, checkpoint.body.size) == ("journal", 1)
    assert checkpoint.body.head == head.hash
    assert head.body == RunHead("a", 2, seen[0].hash, "done")
    row = journal.run("a")
    assert (row.status, row.owner, row.lease_until, row.due_at) == ("done", "", None, None)
    assert row.ended == seen[0].ts


def test_what_follows_the_end_moves_the_recorded_head(journal, scribe):
    scribe.start(journal, "a")
    scribe.end(journal, "a", 1)
    scribe.say(journal, "a", 2, "the late result of a call that was abandoned")

    heads = [e.body for e in journal.read("journal") if isinstance(e.body, RunHead)]
    assert [(head.seq, head.status) for head in heads] == [(2, "done"), (3, "done")]
    assert journal.run("a").status == "done"
    assert journal.verify().ok
    with pytest.raises(JournalError, match=r"has ended \(done\) and stays so"):
        journal.commit(Batch((), "a", 1, RunUpdate("a", "running"))).result(10)


def test_heads_in_the_journal_stream_never_conflict(journal, scribe):
    runs = [f"r{i}" for i in range(20)]
    for run in runs:
        scribe.start(journal, run)
    futures = [journal.commit(scribe.batch(run, 1, RunEnded("failed"))) for run in runs]
    for future in futures:
        future.result(10)

    heads = [e for e in journal.read("journal") if isinstance(e.body, RunHead)]
    assert [e.body.run for e in heads] == runs
    assert [e.seq for e in heads] == list(range(1, 41, 2)), "a checkpoint behind each"


def test_an_update_moves_the_row_with_the_events(journal, scribe):
    scribe.start(journal, "a")
    due = datetime(2026, 3, 1, 12, tzinfo=UTC)
    update = RunUpdate("a", "waiting", due)
    journal.commit(scribe.batch("a", 1, StepEnded("done"), update=update)).result(10)
    assert (journal.run("a").status, journal.run("a").due_at) == ("waiting", due)
    journal.commit(Batch((), "a", 1, RunUpdate("a", "running"))).result(10)
    assert (journal.run("a").status, journal.run("a").due_at) == ("running", None)


def test_group_commit_keeps_the_order_and_fails_alone(journal, path, scribe, monkeypatch):
    for run in ("a", "b"):
        scribe.start(journal, run)
    groups: list[int] = []
    perform = Session.perform

    def recorded(session, group):
        groups.append(len(group))
        return perform(session, group)

    monkeypatch.setattr(Session, "perform", recorded)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # so that everything has to queue behind this one
    order: list[int] = []
    futures: list[Future] = []
    for i in range(50):
        run, after = ("a", 1 + i) if i != 20 else ("b", 7)
        future = journal.commit(scribe.batch(run, after - (i > 20), StepEnded("done", i)))
        future.add_done_callback(lambda _, i=i: order.append(i))
        futures.append(future)
    assert not any(future.done() for future in futures)
    assert not futures[3].cancel(), "what was submitted will be written"
    other.execute("COMMIT")
    other.close()

    with pytest.raises(ConflictError):
        futures[20].result(30)
    results = [future.result(30)[0] for i, future in enumerate(futures) if i != 20]
    assert [e.seq for e in results] == list(range(2, 51))
    assert [e.body.output for e in journal.read("run:a", 1)] == [i for i in range(50) if i != 20]
    assert sum(groups) == 50
    assert len(groups) <= 3
    journal.close()  # after which every callback has run
    assert order == list(range(50))


def test_fifty_threads(journal, path, scribe, check):
    failures: list[BaseException] = []

    def work(i: int) -> None:
        try:
            run, after = f"r{i}", 1
            scribe.start(journal, run)
            for n in range(4):
                after = scribe.say(journal, run, after, n, "x" * 10_000, sync=n == 2)
                assert [e.seq for e in journal.read(f"run:{run}")] == list(range(1, after + 1))
                while True:  # a shared counter by compare-and-set
                    head = journal.read("mesh:m")
                    count = head[-1].body.output if head else 0
                    try:
                        journal.commit(scribe.shared("m", len(head), count + 1)).result(60)
                        break
                    except ConflictError:
                        continue
            scribe.end(journal, run, after)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert failures == []
    assert journal.read("mesh:m")[-1].body.output == 200
    report = journal.verify()
    assert report.ok, report
    assert (report.runs, report.streams["journal"], report.streams["run:r7"]) == (50, 100, 10)
    assert check(str(path)) == (True, report.runs, report.events, report.head)


def test_an_event_loop_can_await_a_commit(journal, scribe):
    async def main() -> list[int]:
        seqs, after = [], 1
        for n in range(5):
            future = journal.commit(scribe.batch("a", after, StepEnded("done", n), sync=n == 2))
            events = await asyncio.wrap_future(future)
            after = events[-1].seq
            seqs.append(after)
        return seqs

    scribe.start(journal, "a")
    assert asyncio.run(main()) == [2, 3, 4, 5, 6]


def test_a_callback_that_waits_for_the_journal_is_told_so(journal, path, scribe):
    scribe.start(journal, "a")
    said: Future = Future()

    def callback(_: Future) -> None:
        try:
            journal.post("a", "pause", {})
        except JournalError as error:
            said.set_result(str(error))

    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    future = journal.commit(scribe.batch("a", 1, StepEnded("done")))
    future.add_done_callback(callback)
    other.execute("COMMIT")
    other.close()
    assert "do not block in a callback" in said.result(30)


def test_an_unknown_event_refuses_to_be_read(journal, path, scribe):
    scribe.start(journal, "a")
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE events SET kind = 'run.teleported'")
    with pytest.raises(JournalError, match=r"run\.teleported.*newer version"):
        journal.read("run:a")
    with conn:
        conn.execute("UPDATE events SET kind = 'run.started', payload = 'no json'")
    with pytest.raises(JournalError, match=r"event 1 of run:a .*%mesh verify"):
        journal.read("run:a")
    with conn:
        conn.execute("""UPDATE events SET payload = '{"mesh":"m","colour":1}'""")
    conn.close()
    with pytest.raises(JournalError, match=r"event 1 of run:a .*%mesh verify"):
        journal.read("run:a")
