"""A deployed service: time to ready, memory, the inbox with 1,000 questions, answer to next step.

python tests/benchmarks/bench_service.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from leafmesh_nb.deploy import background
from leafmesh_nb.deploy.background import Background

QUESTIONS = 1_000
REPEATS = 20

MESH = """
    mesh: bench
    people:
      lead: {}
    agents:
      writer:
        role: Writes
        kind: python
        python: "work:write"
        capabilities: {it.write: {input: {n: integer}, output: {n: integer, text: string}}}
      clock:
        role: Tells when it was asked
        kind: python
        python: "work:tell"
        capabilities: {it.tell: {input: {n: integer}, output: {at: number}}}
    policies:
      texts:
        at: output
        for: {agents: [writer]}
        rules:
          - {id: all, then: ask, to: lead, reason: "text ${output.n}"}
    workflows:
      go:
        input: {n: integer}
        steps:
          write: {capability: it.write, with: {n: input.n}}
          tell: {capability: it.tell, with: {n: steps.write.output.n}}
        output: {at: steps.tell.output.at}
    """

WORK = """
    import time

    def write(n):
        return {"n": n, "text": f"Dear customer {n}, your parcel is on its way."}

    def tell(n):
        return {"at": time.time()}
    """


def main() -> None:
    """Deploy, measure, stop; print the table."""
    with tempfile.TemporaryDirectory(prefix="leafmesh-bench-") as name:
        folder = Path(name)
        (folder / "bench.yaml").write_text(textwrap.dedent(MESH), encoding="utf-8")
        (folder / "work.py").write_text(textwrap.dedent(WORK), encoding="utf-8")
        starts, cpu = [], []
        for _ in range(3):
            began = time.perf_counter()
            service = _deployed(folder)
            starts.append(time.perf_counter() - began)
            ready = _resident(service.pid)
            cpu.append(_cpu(service.pid))
            service.stop()
        took = f"{statistics.median(starts):6.2f} s (of CPU {statistics.median(cpu):.2f} s)"
        _row("time to ready, the check included", took)
        _row("resident when ready", f"{ready / 2**20:6.0f} MiB")
        service = _deployed(folder)
        try:
            _measure(service)
        finally:
            service.stop()


def _deployed(folder: Path) -> Background:
    place, log = folder / "bench.yaml", folder / "log.txt"
    database = str(folder / "journal.db")
    return background.start(place, log, database=database, host="127.0.0.1", port=0)


def _measure(service: Background) -> None:
    headers = {"Authorization": f"Bearer {service.token}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        latencies = [_answered(client, n) for n in range(REPEATS)]
        _row("answer → next step, over HTTP", _spread(latencies))
        began = time.perf_counter()
        for n in range(QUESTIONS):
            client.post("/api/runs", json={"workflow": "go", "input": {"n": n}})
        each = (time.perf_counter() - began) / QUESTIONS
        _row("POST /api/runs", f"{each * 1000:6.1f} ms each, one after the other")
        while len(_questions(client)) < QUESTIONS:
            time.sleep(0.2)
        _row("GET /api/approvals, 1,000 open", _spread(_times(lambda: _questions(client))))
        _row("resident with 1,000 open", f"{_resident(service.pid) / 2**20:6.0f} MiB")
    with httpx.Client(base_url=service.url, timeout=60) as browser:
        browser.post("/sign-in", data={"token": service.token})
        pages: list[httpx.Response] = []
        shown = _times(lambda: pages.append(browser.get("/approvals")))
        assert pages[-1].status_code == 200
        size = len(pages[-1].content) / 1024
        _row("the inbox page, 1,000 open", f"{_spread(shown)}; {size:.0f} KB")


def _questions(client: httpx.Client) -> list[Any]:
    found: list[Any] = client.get("/api/approvals").json()["approvals"]
    return found


def _answered(client: httpx.Client, n: int) -> float:
    """Seconds from sending an answer to the next step's function."""
    id = client.post("/api/runs", json={"workflow": "go", "input": {"n": n}}).json()["id"]
    while not (asked := _questions(client)):
        time.sleep(0.01)
    sent = time.time()
    client.post(f"/api/approvals/{asked[0]['id']}", json={"answer": "approve"})
    while (run := client.get(f"/api/runs/{id}").json())["status"] != "done":
        time.sleep(0.01)
    return float(run["output"]["at"]) - sent


def _times(work: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return found


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:6.1f} ms (best {min(seconds) * 1000:.1f})"


def _resident(pid: int) -> float:
    """Bytes, as Linux counts them."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    lines = status.read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS"))
    return float(kilobytes) * 1024


def _cpu(pid: int) -> float:
    """Seconds of CPU so far, as Linux counts them."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return float("nan")
    fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(name: str, value: str) -> None:
    print(f"{name:36} {value}")


if __name__ == "__main__":
    main()
