"""Milliseconds of a check of the quickstart's mesh: the five layers that run nothing, and all six.

python tests/benchmarks/bench_check.py
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from leafmesh_nb.mesh import Mesh
from leafmesh_nb.quickstart import shop, tickets

REPEATS = 15
SAMPLES = 5
COLD = """
import sys, time
began = time.perf_counter()
from leafmesh_nb.mesh.checking import check_text
report = check_text(sys.stdin.read(), "mesh")
assert report.ok
print(time.perf_counter() - began)
"""


def quickstart() -> str:
    """The text of the quickstart's mesh."""
    notebook = json.loads(Path("notebooks/quickstart.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"]]
    (text,) = (cell for cell in cells if cell.startswith("%%mesh"))
    return text.partition("\n")[2]


def median(mesh: Mesh, samples: list[dict[str, str]] | None, repeats: int = REPEATS) -> float:
    """Milliseconds of one check."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        report = mesh.check(samples=samples)
        times.append((time.perf_counter() - began) * 1000)
        assert report.ok, report
    return statistics.median(times)


def main() -> None:
    """Print the medians."""
    import pandas as pd

    text = quickstart()
    mesh = Mesh.from_yaml(text, source="quickstart")
    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(shop.pay_out)
    rows = pd.read_csv(tickets(), dtype=str, keep_default_na=False).to_dict("records")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEAFMESH_SIGNING_KEY"] = str(Path(folder, "key.pem"))
        os.environ["SHOP_LEDGER"] = str(Path(folder, "payouts.jsonl"))
        median(mesh, rows[:1], repeats=1)  # what is imported late
        print(f"without samples            {median(mesh, None):8.1f} ms")
        print(f"with {SAMPLES} samples             {median(mesh, rows[:SAMPLES]):8.1f} ms")
        print(f"with {len(rows)} samples            {median(mesh, rows, repeats=3):8.1f} ms")
    colds = [
        float(
            subprocess.run(
                [sys.executable, "-c", COLD], input=text, capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    ]
    print(f"first check of a process   {statistics.median(colds) * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
