"""CPU seconds of a cold ``%load_ext leafmesh_nb``, each in a fresh process, IPython loaded before.

python tests/benchmarks/bench_load.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys

CODE = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
began = time.process_time()
shell.run_line_magic("load_ext", "leafmesh_nb")
loaded = time.process_time()
shell.run_line_magic("mesh", "")
print(loaded - began, time.process_time() - loaded)
"""
REPEATS = 7


def main() -> None:
    """Print the median of a few processes."""
    loads, firsts = [], []
    for _ in range(REPEATS):
        ran = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
        )
        load, first = map(float, ran.stdout.splitlines()[-1].split())
        loads.append(load)
        firsts.append(first)
    print(f"%load_ext leafmesh_nb   {statistics.median(loads) * 1000:6.1f} ms of CPU")
    print(f"the first %mesh after   {statistics.median(firsts) * 1000:6.1f} ms of CPU")


if __name__ == "__main__":
    main()
