"""What an export costs: ``python tests/benchmarks/bench_telemetry.py [SPANS]``.

Runs of the reference mesh, written as the engine records them, go to a receiver on loopback that
fails every fourth request: once such that it may be tried again at once, once with the exporters'
own pauses. Then each span is counted by its id.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leafmesh_nb.engine import events as ev
from leafmesh_nb.engine.events import Body, Draft
from leafmesh_nb.engine.ports import Append, Batch, RunRow
from leafmesh_nb.journal.sqlite import SqliteJournal
from leafmesh_nb.observe.telemetry import deliver, receiver_at
from leafmesh_nb.observe.telemetry.endpoints import endpoints
from leafmesh_nb.observe.telemetry.reading import Reader

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS / "observe" / "telemetry"))
from receiver import Answer, Receiver, every_fourth  # noqa: E402  # stands beside its own tests

TEXT = (TESTS / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
SPANS_A_RUN = 9


def bodies() -> list[tuple[Body, str]]:
    """Two steps of a run: classified by a model, proposed by a function."""
    ticket = {"ticket": "I was charged twice, refund the $620.00. " * 10}
    read = {"category": "refund", "amount": "620", "confidence": 0.9}
    proposed = {"amount": "620", "reason": "charged twice"}

    def passed(agent: str, output: dict[str, object]) -> ev.PolicyDecided:
        return ev.PolicyDecided("output", "output", "output", "approve", "d", False, agent, output)

    first = {"agent": "triage", "model": "quick", "score": 0.8, "factors": {}}
    second = {"agent": "clerk", "model": None, "score": 0.5, "factors": {}}
    return [
        (ev.StepResolved(True, ticket), "classify"),
        (ev.TaskRouted("ticket.classify", (first,), (), "triage", "quick"), "classify"),
        (ev.CallStarted("k1", "model", "quick", "triage", 0, "d1", ticket), "classify"),
        (ev.CallFinished("k1", read, 0.8, 310, 42, "0", "0.0001615"), "classify"),
        (passed("triage", read), "classify"),
        (ev.StepEnded("done", read), "classify"),
        (ev.StepResolved(True, ticket), "propose"),
        (ev.TaskRouted("refund.propose", (second,), (), "clerk", None), "propose"),
        (ev.CallStarted("k2", "function", "clerk", "clerk", 0, "d2"), "propose"),
        (ev.CallFinished("k2", proposed, 0.01), "propose"),
        (passed("clerk", proposed), "propose"),
        (ev.MemoryWritten("precedents", 1, "clerk", None, "mesh"), "propose"),
        (ev.StepEnded("done", proposed), "propose"),
        (ev.RunEnded("done", {"category": "refund", "paid": "0"}), ""),
    ]


def fill(journal: SqliteJournal, runs: int) -> None:
    """Write that many runs, each of SPANS_A_RUN spans."""
    now = datetime.now(UTC)
    given = {"ticket_id": "7", "ticket": "I was charged twice", "tier": "gold"}
    started = ev.RunStarted("refunds", "refund", HASH, given, "ada", 1)
    story = bodies()
    for number in range(runs):
        id = f"{number:010x}"
        row = RunRow(id, "refunds", "refund", HASH, "running", "ada", now)
        journal.create(row, TEXT, Batch((Append(f"run:{id}", (Draft(started, ts=now),), 0),), id))
        drafts = tuple(
            Draft(body, path, now + timedelta(milliseconds=10 * n))
            for n, (body, path) in enumerate(story, 1)
        )
        journal.commit(Batch((Append(f"run:{id}", drafts, 1),), id)).result()


def with_pauses(number: int, path: str, body: bytes) -> Answer:
    """Fails every fourth request and does not say when to come again."""
    return Answer(503 if number % 4 == 0 else 200)


def main(spans: int) -> None:
    """Fill a journal, export it under each rule, and print a table."""
    with tempfile.TemporaryDirectory(prefix="leafmesh-bench-") as folder:
        journal = SqliteJournal(Path(folder) / "journal.db")
        runs = -(-spans // SPANS_A_RUN)  # rounded up
        fill(journal, runs)
        reader = Reader(journal, content=False)
        begin = time.perf_counter()
        made = sum(len(reader.spans(row.id)) for row in journal.runs())
        took = time.perf_counter() - begin
        print(f"{made:,} spans of {runs:,} runs; projecting them alone: {made / took:,.0f} spans/s")
        print(
            f"{'receiver':<34}{'spans/s':>9}{'requests':>10}{'failed':>8}{'unique':>9}{'lost':>6}"
        )
        rules = {
            "answers": lambda number, path, body: Answer(),
            "fails every fourth": every_fourth,
            "fails every fourth, with pauses": with_pauses,
        }
        for name, rule in rules.items():
            receiver = Receiver(rule)
            where = endpoints(receiver.url)
            assert where is not None
            sender = receiver_at(where)
            begin = time.perf_counter()
            deliver(journal, sender)
            took = time.perf_counter() - begin
            sender.close()
            unique = len(set(receiver.ids))
            failed = sum(status != 200 for _, status, _ in receiver.requests)
            print(
                f"{name:<34}{made / took:>9,.0f}{len(receiver.requests):>10}{failed:>8}"
                f"{unique:>9,}{made - unique:>6}"
            )
            assert len(receiver.ids) == unique, "a span came twice"
            receiver.stop()
        journal.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
