"""The workflow that is measured: ten steps in a row. And the least that a durable step can be.

Imports nothing of ours, since every engine's process of ``bench_peers.py`` has it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["STEPS", "bare", "mesh_text", "opened", "two_rows"]

STEPS = 10


def mesh_text() -> str:
    steps = [
        f"      s{i}: {{capability: add, with: {{n: {n}}}, save: {{total: output.n}}}}"
        for i, n in enumerate(["input.n", *(f"steps.s{i}.output.n" for i in range(STEPS - 1))])
    ]
    return "\n".join(
        [
            "mesh: bench",
            "memory:",
            "  total: integer",
            "people:",
            "  lead: {roles: [approver]}",
            "agents:",
            "  adder:",
            "    role: Adds one",
            "    kind: python",
            "    capabilities: {add: {input: {n: integer}, output: {n: integer}}}",
            "    memory: {read: [total], write: [total]}",
            "policies:",
            "  bounds:",
            "    at: output",
            "    rules:",
            "      - {id: ok, when: output.n <= 1000000, then: approve}",
            "      - {id: large, when: output.n > 1000000, then: ask, to: lead}",
            "    default: deny",
            "workflows:",
            "  line:",
            "    input: {n: integer}",
            "    steps:",
            *steps,
            f"    output: {{n: steps.s{STEPS - 1}.output.n}}",
        ]
    )


def opened(folder: Path) -> sqlite3.Connection:
    """A file with one table: a write-ahead log, synchronous NORMAL."""
    conn = sqlite3.connect(folder / "bare.db", isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = NORMAL")
    conn.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, payload TEXT)")
    return conn


def two_rows(conn: sqlite3.Connection) -> None:
    """The least that a durable step writes, in one commit: no hash, no encoding, no fence."""
    conn.execute("BEGIN IMMEDIATE")
    conn.executemany("INSERT INTO events (payload) VALUES (?)", [("x" * 300,)] * 2)
    conn.execute("COMMIT")


def bare(folder: Path) -> Callable[[], float]:
    """Seconds that ten such steps take on the calling thread."""
    conn = opened(folder)

    def run() -> float:
        began = time.perf_counter()
        for _ in range(STEPS):
            two_rows(conn)
        return time.perf_counter() - began

    return run
