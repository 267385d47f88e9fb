"""``demo`` and ``lab``: the quickstart, headless or in JupyterLab."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from leafmesh_nb.cli.verb import add_verb
from leafmesh_nb.errors import LeafmeshError

if TYPE_CHECKING:
    from leafmesh_nb.cli.verb import Verbs

__all__ = ["add_to"]


def add_to(verbs: Verbs) -> None:
    """Add the verbs."""
    demo = add_verb(
        verbs,
        "demo",
        _demo,
        "run the quickstart headless",
        "  leafmesh-nb demo\n  leafmesh-nb demo --out tour",
    )
    demo.add_argument(
        "--out", metavar="DIR", type=Path, help="where to write (default: a new folder)"
    )
    lab = add_verb(
        verbs,
        "lab",
        _lab,
        "open the quickstart in JupyterLab",
        "  leafmesh-nb lab\n  leafmesh-nb lab -- --no-browser --port 9999",
    )
    lab.add_argument("--out", metavar="DIR", type=Path, help="where the files go (default: here)")
    lab.add_argument("arguments", nargs="*", help="for jupyter lab, after --")


def _demo(given: argparse.Namespace) -> int:
    from leafmesh_nb.quickstart.demo import run_demo
    from leafmesh_nb.quickstart.report import report

    demo = run_demo(given.out)
    print(report(demo))
    return 0


def _lab(given: argparse.Namespace) -> int:
    from leafmesh_nb.quickstart.files import copy_to

    notebook = Path("notebooks", "quickstart.ipynb")
    if given.out is not None or not notebook.exists():
        folder = given.out or Path()
        try:
            notebook, *_ = copy_to(folder)
        except OSError as error:
            raise LeafmeshError(
                f"{folder.resolve()} cannot be written: {error.strerror}. Name one with --out DIR"
            ) from None
    command = [sys.executable, "-m", "jupyterlab", str(notebook), *given.arguments]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the only user is often root
    sys.stdout.flush()
    os.execv(sys.executable, command)
