"""How far one process goes: ``python tests/benchmarks/bench_scale.py``.

Ten thousand items in one ``for_each``, a thousand runs that wait for a person, two hundred runs at
once, and how soon a long run is back. Each part runs in a process of its own, since memory is
measured: resident bytes are what Linux counts (VmRSS, and VmHWM for the highest), without what the
process had before it began. CPU is of the whole process, time is of the clock.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from surroundings import conditions, load
from ten_steps import STEPS, mesh_text

if TYPE_CHECKING:
    from leafmesh_nb import Mesh

ITEMS, PARKED, CONCURRENT, LONG = 10_000, 1_000, 200, 10_000
EVENTS = 6
"""Of one item: resolved, routed, its call started and finished, its policies, its end."""

TARGET = 0.1
"""Seconds to read and fold a run of so many events."""

IDLE = 10.0
"""Seconds over which CPU is counted while nothing happens."""

MESH = """
mesh: bench
people:
  lead: {roles: [approver]}
agents:
  worker:
    role: Works
    kind: python
    capabilities: {work: {input: {n: integer}, output: {n: integer}}}
policies:
  outputs:
    at: output
    rules:
      - {id: small, when: output.n <= 1000000, then: approve}
      - {id: large, when: output.n > 1000000, then: ask, to: lead}
    default: deny
workflows:
  list:
    input: {ns: {list: integer}}
    steps:
      each:
        capability: work
        with: {n: item}
        for_each: {in: input.ns, max: 10000, parallel: 8}
    output: {count: size(steps.each.output)}
  one:
    input: {n: integer}
    steps:
      work: {capability: work, with: {n: input.n}}
    output: {n: steps.work.output.n}
"""


@dataclass
class Taken:
    """What a part took: seconds of the clock and of CPU, and bytes."""

    seconds: float = 0.0
    cpu: float = 0.0
    resident: float = 0.0
    highest: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.seconds:7.2f} s, CPU {self.cpu:6.2f} s, resident +{self.resident / 2**20:.0f} "
            f"MiB (at most +{self.highest / 2**20:.0f})"
        )


def main() -> None:
    """Print the tables, part by part."""
    print(conditions("leafmesh-nb"))
    spawn = multiprocessing.get_context("spawn")
    for part in (items, reload, parked, at_once):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["LEAFMESH_SIGNING_KEY"] = str(Path(folder) / "key.pem")
            process = spawn.Process(target=part, args=(Path(folder),))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{part.__name__} failed")
    print(load())


def items(folder: Path) -> None:
    """One loop over many items."""
    mesh = _mesh()
    place = folder / "journal.db"
    for count in (100, ITEMS // 10, ITEMS):
        with _measured() as taken:
            run = mesh.start("list", ns=list(range(count)), journal=place)
            output = run.result(600)
        assert output == {"count": count}, output
        events = run.recorded()
        _row(f"for_each over {count:,}", str(taken))
        each = taken.seconds / count * 1e6
        _row("", f"{len(events):,} events; {each:,.0f} µs an item")
    _row("the file", f"{_size(place) / 2**20:7.1f} MiB")


def reload(folder: Path) -> None:
    """How soon the events of a long run are a state again."""
    import leafmesh_nb as lm
    from leafmesh_nb.engine.fold import fold
    from leafmesh_nb.journal.sqlite import SqliteJournal

    place = folder / "journal.db"
    run = _mesh().start("list", ns=list(range(LONG // EVENTS)), journal=place)
    run.result(600)
    stream = f"run:{run.id}"
    del run  # a process that takes a run over holds nothing of it
    journal = SqliteJournal(place)
    read = _median(lambda: journal.read(stream))
    both = _median(lambda: fold(journal.read(stream)))
    events = journal.read(stream)
    folded = _median(lambda: fold(events))
    _row(f"read {len(events):,} events", f"{read * 1000:7.0f} ms")
    _row(f"fold {len(events):,} events", f"{folded * 1000:7.0f} ms")
    met = "met" if both < TARGET else "missed"
    _row("both: a run's reload", f"{both * 1000:7.0f} ms  {met}: {TARGET * 1000:.0f} ms")
    journal.close()
    assert lm.verify(place).ok


def parked(folder: Path) -> None:
    """Many runs that wait for a person."""
    import leafmesh_nb as lm

    mesh = _mesh()
    place = folder / "journal.db"
    before = threading.active_count()
    with _measured() as taken:
        runs = [mesh.start("one", n=2_000_000 + n, journal=place) for n in range(PARKED)]
        while any(run.status != "waiting" for run in runs):
            time.sleep(0.05)
    _row(f"{PARKED:,} runs to their question", str(taken))
    _row("", f"{taken.resident / PARKED / 1024:7.1f} KiB a run")
    _row("threads beside those of before", f"{threading.active_count() - before:7d}")
    with _measured() as taken:
        time.sleep(IDLE)
    _row(f"CPU while all wait, {IDLE:.0f} s", f"{taken.cpu * 1000:7.0f} ms")
    listed = _median(lambda: lm.approvals(journal=place))
    assert len(lm.approvals(journal=place)) == PARKED
    _row("list them, owned here", f"{listed * 1000:7.0f} ms")
    spawn = multiprocessing.get_context("spawn")
    other = spawn.Process(target=listing, args=(place,))
    other.start()
    other.join()
    with _measured() as taken:
        for run in runs:
            run.approvals()[0].approve(by="lead")
        for run in runs:
            run.result(60)
    _row("answer them all, one by one", str(taken))


def listing(place: Path) -> None:
    """The open questions as another process sees them."""
    import leafmesh_nb as lm

    began = time.perf_counter()
    assert len(lm.approvals(journal=place)) == PARKED
    _row("list them, from a new process", f"{(time.perf_counter() - began) * 1000:7.0f} ms")
    listed = _median(lambda: lm.approvals(journal=place))
    _row("the same once more", f"{listed * 1000:7.0f} ms")


def at_once(folder: Path) -> None:
    """Many runs of ten steps at a time."""
    import leafmesh_nb as lm

    mesh = lm.Mesh.from_yaml(mesh_text())

    @mesh.agent("adder")
    def add(n: int) -> dict[str, int]:
        return {"n": n + 1}

    place = folder / "journal.db"
    mesh.start("line", n=0, journal=place).result(60)
    for count in (1, CONCURRENT // 10, CONCURRENT):
        with _measured() as taken:
            runs = [mesh.start("line", n=0, journal=place) for _ in range(count)]
            for run in runs:
                run.result(300)
        rate = count * STEPS / taken.seconds
        _row(f"{count} runs of {STEPS} steps at once", f"{taken}; {rate:,.0f} steps/s")
    assert lm.verify(place).ok


def _mesh() -> Mesh:
    import leafmesh_nb as lm

    mesh = lm.Mesh.from_yaml(MESH)

    @mesh.agent("worker")
    def work(n: int) -> dict[str, int]:
        return {"n": n}

    return mesh


@contextmanager
def _measured() -> Iterator[Taken]:
    gc.collect()
    _forget_highest()
    taken, resident = Taken(), _resident("VmRSS")
    began, cpu = time.perf_counter(), time.process_time()
    yield taken
    taken.seconds, taken.cpu = time.perf_counter() - began, time.process_time() - cpu
    taken.highest = _resident("VmHWM") - resident
    gc.collect()
    taken.resident = _resident("VmRSS") - resident


def _forget_highest() -> None:
    """Have Linux count VmHWM anew."""
    place = Path("/proc/self/clear_refs")
    if place.exists():
        place.write_text("5", encoding="ascii")


def _resident(which: str) -> float:
    """Bytes, as Linux counts them."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    lines = status.read_text(encoding="ascii").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(which))) * 1024


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.parent.glob(f"{place.name}*"))


def _median(work: Callable[[], object]) -> float:
    found = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def _row(name: str, value: str) -> None:
    print(f"{name:36}{value}", flush=True)


if __name__ == "__main__":
    main()
