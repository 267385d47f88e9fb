"""Ours beside other engines: ``python tests/benchmarks/bench_peers.py``.

What a durable step costs in a workflow of ten with trivial nodes, what one adds to the file while
the state grows to 100 KB, and how many steps a second 200 runs at once come to. Every row runs in a
process of its own (``peers.py``), all of them are ready before the first round, and the rounds are
alternated, so that a neighbour on the machine slows all alike. An engine that is not installed says
so; ``make bench`` installs them.

"default" is what one gets who sets nothing: LangGraph a write-ahead log with synchronous FULL, a
step written while the next one runs; burr and DBOS a rollback journal with synchronous FULL.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from peers import CONCURRENT, PIECES
from surroundings import conditions, load
from ten_steps import STEPS

PACKAGES = ("leafmesh-nb", "langgraph", "langgraph-checkpoint-sqlite", "apache-burr", "dbos")

COST = {
    "ours": "ours, governed, NORMAL",
    "ours_full": "ours, governed, FULL",
    "langgraph": "LangGraph, default",
    "langgraph_normal": "LangGraph, NORMAL",
    "langgraph_normal_sync": 'LangGraph, NORMAL, durability="sync"',
    "burr": "burr, default",
    "burr_normal": "burr, WAL and NORMAL",
    "dbos": "DBOS, default",
    "dbos_normal": "DBOS, WAL and NORMAL",
    "commits": "bare commit of two rows",
    "commits_handed": "the same, handed to a thread",
}
GROWTH = {
    "ours_growing": "ours",
    "langgraph_growing": "LangGraph",
    "langgraph_growing_delta": "LangGraph, DeltaChannel (beta)",
    "burr_growing": "burr",
}
MANY = {
    "ours_many": "ours, governed, NORMAL",
    "langgraph_many": "LangGraph, default",
    "langgraph_many_normal": "LangGraph, NORMAL",
}

TARGETS = (
    ("a step: LangGraph's default over ours", "ours", "langgraph", 10),
    ("a step: burr's best over ours", "ours", "burr_normal", 1),
    ("a step: a bare commit over ours", "ours", "commits", 1 / 3),
    ("a step: a bare commit on another thread over ours", "ours", "commits_handed", 1 / 3),
    ("bytes a step: LangGraph's over ours", "ours_growing", "langgraph_growing", 10),
    ("200 runs: our steps/s over LangGraph's", "ours_many", "langgraph_many", 20),
)
"""What is said, our row, the other, and how many times ours the other must be at least."""


@dataclass
class Row:
    """The process of one row, and what it has found."""

    process: subprocess.Popen[str]
    numbers: list[float] = field(default_factory=list)
    absent: str = ""

    def read(self) -> float | None:
        """The next number; None once there are no more."""
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline() or '{"absent": "its process ended"}')
        self.absent = said.get("absent", "")
        number: float | None = said.get("number")
        return number

    def measure(self) -> None:
        """Once more."""
        assert self.process.stdin is not None
        if self.absent:
            return
        print(file=self.process.stdin, flush=True)
        number = self.read()
        if number is not None:
            self.numbers.append(number)


def main() -> None:
    """Three tables, and what they say of the targets."""
    print(conditions(*PACKAGES))
    cost = alternated(COST, rounds=100, warm=5)
    table("µs a step, durable", COST, cost, 1e6 / STEPS)
    bytes_a_step = alternated(GROWTH, rounds=3, warm=0)
    table("bytes a step, to 100 KB of state", GROWTH, bytes_a_step, 1 / PIECES)
    many = alternated(MANY, rounds=5, warm=1)
    rates = {name: [1 / seconds for seconds in numbers] for name, numbers in many.items()}
    table(f"durable steps/s, {CONCURRENT} runs at once", MANY, rates, CONCURRENT * STEPS)
    measured = cost | bytes_a_step | many  # seconds and bytes: less is better everywhere
    found = {name: statistics.median(numbers) for name, numbers in measured.items()}
    print(f"\n{'target':60}{'wanted':>9}{'found':>9}")
    for target, row, other, wanted in TARGETS:
        if row in found and other in found:
            ratio = found[other] / found[row]
            met = "met" if ratio >= wanted else "missed"
            print(f"{target:60}{wanted:8.2f}×{ratio:8.2f}×  {met}")
    print(load())


def alternated(names: Mapping[str, str], rounds: int, warm: int) -> dict[str, list[float]]:
    """The numbers of each row that is there; of one that is not, why."""
    with tempfile.TemporaryDirectory() as folder, ready(names, Path(folder)) as rows:
        for _ in range(warm + rounds):
            for row in rows.values():
                row.measure()
    for name, row in rows.items():
        if row.absent:
            print(f"  {names[name]}: {row.absent}")
    return {name: row.numbers[warm:] for name, row in rows.items() if not row.absent}


def table(
    title: str, names: Mapping[str, str], numbers: Mapping[str, list[float]], scale: float
) -> None:
    """Median, p10 and p90 of each row, and how many times ours its median is."""
    print(f"\n{title:40}{'median':>10}{'p10':>10}{'p90':>10}{'of ours':>10}")
    first = next(iter(names))
    for name, found in numbers.items():
        tenths = statistics.quantiles(found, n=10, method="inclusive")
        middle = statistics.median(found)
        shown = "".join(f"{n * scale:10,.0f}" for n in (middle, tenths[0], tenths[-1]))
        ours = numbers.get(first)
        times = f"{middle / statistics.median(ours):9.2f}×" if ours else ""
        print(f"  {names[name]:38}{shown}{times}")


@contextlib.contextmanager
def ready(names: Mapping[str, str], folder: Path) -> Iterator[dict[str, Row]]:
    """The processes of some rows, each of them ready."""
    settings = {"LANGSMITH_TRACING": "false", "LEAFMESH_SIGNING_KEY": str(folder / "key.pem")}
    peers = str(Path(__file__).with_name("peers.py"))
    found: dict[str, Row] = {}
    try:
        for name in names:
            (folder / name).mkdir()
            process = subprocess.Popen(
                [sys.executable, peers, name, str(folder / name)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **settings},
                text=True,
            )
            found[name] = Row(process)
            found[name].read()
        yield found
    finally:
        for row in found.values():
            row.process.communicate()


if __name__ == "__main__":
    main()
