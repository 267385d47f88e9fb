"""What a governed, durable step costs: ``python tests/benchmarks/bench_step.py``.

A workflow of ten steps in a row, each a trivial python agent: its ``with`` is evaluated, agents are
routed by all factors, the function runs on its thread, its output passes a policy with two rules,
memory is written, and seven events go into the chain (SQLite, WAL, synchronous NORMAL). Medians
over runs, in microseconds a step; the bare rows are measured in between, so that a neighbour on
the machine slows all rows alike. The profile is of CPU time, in runs of its own with timers around
the parts, so its sum is more than the step costs without them.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ten_steps import STEPS, bare, mesh_text

import leafmesh_nb as lm
from leafmesh_nb.agents import functions
from leafmesh_nb.engine.runner import decisions, execution, function_calls, record
from leafmesh_nb.engine.runner.host import Host, host
from leafmesh_nb.journal import append, place, sqlite, transaction

RUNS, WARM = 200, 20


class Profile:
    """CPU seconds of the engine's thread in parts of a step. A part within another counts for
    itself only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.waited = 0.0
        self._stack: list[float] = []

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any, **more: Any) -> Any:
            if not host().inside():
                return call(*given, **more)
            began = time.thread_time()
            self._stack.append(0.0)
            try:
                return call(*given, **more)
            finally:
                took = time.thread_time() - began
                inner = self._stack.pop()
                self.seconds[part] = self.seconds.get(part, 0.0) + took - inner
                if self._stack:
                    self._stack[-1] += took

        return measured

    def watch(self) -> None:
        """Put timers around the parts; from here on everything is a little slower."""
        for part, owner, name in (
            ("decide what is due", execution, "decide"),
            ("evaluate with and when", decisions, "resolve"),
            ("route", decisions.steps, "route"),
            ("gate: policies", decisions, "passage"),
            ("save to memory", decisions.steps, "saves"),
            ("fold", record, "apply"),
            ("encode and hash", append, "_entry"),
            ("append, the fold aside", record.Record, "append"),
            ("begin the call", function_calls.FunctionCalls, "begin"),
            ("commit: prepare, BEGIN, COMMIT", sqlite.SqliteJournal, "commit"),
            ("commit: is the file the same", place.Place, "identity"),
            ("commit: fence, insert, update", sqlite, "perform"),
            ("commit: head and signature", transaction, "_record_head"),
            ("tell those who listen", record.Record, "_tell"),
            ("look at the inbox", Host, "_poll"),
            ("hand it to a thread", functions, "run_on_thread"),
        ):
            setattr(owner, name, self.timed(part, getattr(owner, name)))
        run_plain = functions._run_plain

        def handed(bound: Any, given: dict[str, Any]) -> Any:
            began = time.perf_counter()
            done = run_plain(bound, given)
            done.add_done_callback(lambda _: self._waited(time.perf_counter() - began))
            return done

        functions._run_plain = handed  # type: ignore[assignment]

    def _waited(self, seconds: float) -> None:
        self.waited += seconds


async def engine_cpu() -> float:
    return time.thread_time()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name))


def measure(folder: Path) -> None:
    mesh = lm.Mesh.from_yaml(mesh_text())

    @mesh.agent("adder")
    def add(n: int) -> dict[str, int]:
        return {"n": n + 1}

    def governed() -> float:
        began = time.perf_counter()
        output = mesh.start("line", n=0, journal=folder / "journal.db").result(60)
        took = time.perf_counter() - began
        assert output == {"n": STEPS}, output
        return took

    rows = {"governed durable step": governed, "bare commit of two rows": bare(folder)}
    for run in rows.values():
        for _ in range(WARM):
            run()
    times: dict[str, list[float]] = {name: [] for name in rows}
    gc.collect()
    for _ in range(RUNS):
        for name, run in rows.items():
            times[name].append(run() / STEPS * 1e6)
    print(f"{'µs a step':34}{'median':>9}{'p10':>9}{'p90':>9}")
    for name, found in times.items():
        tenths = statistics.quantiles(found, n=10)
        print(f"{name:34}{statistics.median(found):9.0f}{tenths[0]:9.0f}{tenths[-1]:9.0f}")

    def mean(seconds: float) -> float:
        return seconds / RUNS / STEPS * 1e6

    profile = Profile()
    profile.watch()
    engine, everybody = host().call(engine_cpu()).result(), time.process_time()
    for _ in range(RUNS):
        governed()
    engine = mean(host().call(engine_cpu()).result() - engine)
    everybody = mean(time.process_time() - everybody)
    print(f"\nwhere it goes: CPU with the timers on{everybody:6.0f}")
    for part, seconds in sorted(profile.seconds.items(), key=lambda item: -item[1]):
        print(f"  {part:32}{mean(seconds):9.0f}")
    loop = engine - mean(sum(profile.seconds.values()))
    print(f"  {'the rest of the engine, its loop':32}{loop:9.0f}")
    print(f"  {'start, result, function, journal':32}{everybody - engine:9.0f}")
    print(f"wait for the function's thread    {mean(profile.waited):9.0f}")


if __name__ == "__main__":
    main()
