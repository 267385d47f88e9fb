"""What the journal costs: ``python tests/benchmarks/bench_journal.py``.

Rounds of every measurement are alternated, and medians are taken over all of them, so that a
neighbour on the machine slows all rows alike. The bare rows are SQLite with a table of the same
shape on the calling thread: no hash, no encoding, no fence.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from leafmesh_nb.engine.events import Draft, RunStarted, StepEnded
from leafmesh_nb.engine.ports import Append, Batch, RunRow
from leafmesh_nb.journal.sqlite import SqliteJournal

SPEC = "mesh: bench\n"
SPEC_HASH = hashlib.sha256(SPEC.encode()).hexdigest()
OUTPUT = {"category": "refund", "amount": "12.50", "text": "I was charged twice. " * 15}
ROUNDS, COMMITS = 15, 100


def start(journal: SqliteJournal, run: str) -> None:
    row = RunRow(run, "m", "w", SPEC_HASH, "running", "ann", datetime.now(UTC), epoch=1)
    first = Draft(RunStarted("m", "w", SPEC_HASH, {}, "ann", 1))
    journal.create(row, SPEC, Batch((Append(f"run:{run}", (first,), 0),)))


def batch(run: str, after: int, events: int, sync: bool = False) -> Batch:
    drafts = tuple(Draft(StepEnded("done", OUTPUT), "classify") for _ in range(events))
    return Batch((Append(f"run:{run}", drafts, after),), run, 1, sync=sync)


def bare(path: Path, events: int, synchronous: str) -> Callable[[], None]:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute(f"PRAGMA synchronous = {synchronous}")
    conn.execute(
        "CREATE TABLE IF NOT EXISTS events (stream TEXT, seq INTEGER, ts TEXT, epoch INTEGER, "
        "kind TEXT, path TEXT, v INTEGER, payload TEXT, salt TEXT, prev TEXT, hash TEXT, "
        "PRIMARY KEY (stream, seq))"
    )
    seq = 0
    rest = ("2026-03-01T12:00:00.000000Z", 1, "step.ended", "classify", 1, "x" * 400)
    digests = ("s" * 32, "p" * 64, "h" * 64)

    def commit() -> None:
        nonlocal seq
        conn.execute("BEGIN IMMEDIATE")
        rows = [("run:a", seq + n, *rest, *digests) for n in range(events)]
        conn.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 11)})", rows)
        conn.execute("COMMIT")
        seq += events

    return commit


def awaited(journal: SqliteJournal, run: str, events: int, sync: bool) -> Callable[[], None]:
    start(journal, run)
    after = 1

    def commit() -> None:
        nonlocal after
        journal.commit(batch(run, after, events, sync)).result()
        after += events

    return commit


def alternated(measured: dict[str, Callable[[], None]]) -> Iterator[tuple[str, float]]:
    times: dict[str, list[float]] = {name: [] for name in measured}
    for commit in measured.values():
        commit()
    for _ in range(ROUNDS):
        for name, commit in measured.items():
            for _ in range(COMMITS):
                begin = time.perf_counter()
                commit()
                times[name].append(time.perf_counter() - begin)
    for name, values in times.items():
        yield name, statistics.median(values) * 1e6


def in_flight(journal: SqliteJournal, prefix: str, runs: int, commits: int, sync: bool) -> float:
    """Events a second when so many runs wait for a commit each at any time."""
    for n in range(runs):
        start(journal, f"{prefix}{n}")

    async def one(run: str) -> None:
        after = 1
        for _ in range(commits):
            future = journal.commit(batch(run, after, 4, sync))
            if not future.done():
                await asyncio.wrap_future(future)
            after += 4
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(f"{prefix}{n}") for n in range(runs)))

    begin = time.perf_counter()
    asyncio.run(all_of_them())
    return runs * commits * 4 / (time.perf_counter() - begin)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        normal = SqliteJournal(folder / "normal.db")
        full = SqliteJournal(folder / "full.db", durability="full")
        rows = alternated(
            {
                "bare SQLite, 2 events, NORMAL": bare(folder / "bare2.db", 2, "NORMAL"),
                "bare SQLite, 4 events, NORMAL": bare(folder / "bare4.db", 4, "NORMAL"),
                "journal, 1 batch of 2 events, NORMAL": awaited(normal, "two", 2, False),
                "journal, 1 batch of 4 events, NORMAL": awaited(normal, "four", 4, False),
                "bare SQLite, 4 events, FULL": bare(folder / "full4.db", 4, "FULL"),
                "journal, 1 batch of 4 events, sync=True": awaited(normal, "sync", 4, True),
                "journal, 1 batch of 4 events, FULL": awaited(full, "four", 4, False),
            }
        )
        for label, micros in rows:
            print(f"{label:<42} {micros:8.0f} µs a commit")
        for label, journal, sync in (("NORMAL", normal, False), ("FULL", full, True)):
            rate = in_flight(journal, "many", 200, 10, sync)
            print(f"{f'200 runs in flight, batches of 4, {label}':<42} {rate:8,.0f} events/s")

        start(normal, "long")
        for after in range(1, 10_000, 100):
            normal.commit(batch("long", after, 100)).result()
        begin = time.perf_counter()
        count = len(normal.read("run:long"))
        print(f"{f'read {count:,} events':<42} {(time.perf_counter() - begin) * 1e3:8.0f} ms")
        begin = time.perf_counter()
        report = normal.verify()
        rate = report.events / (time.perf_counter() - begin)
        print(f"{f'verify {report.events:,} events':<42} {rate:8,.0f} events/s")
        normal.close()
        full.close()


if __name__ == "__main__":
    main()
