"""A mesh's functions are those beside it, whatever lies in the working directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

WRONG = 'raise SystemExit("this is another shop")\n'
TICKET = "ticket=I was charged twice, please refund 40.00"


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., str]:
    """The script as it is installed: its own folder is first on the path, not the directory that
    it was started in, as with ``-P``."""
    (tmp_path / "shop.py").write_text(WRONG)

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "leafmesh_nb", *arguments],
            cwd=tmp_path,
            env={**os.environ, "LEAFMESH_JOURNAL": str(tmp_path / "journal.db")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    run("new", "refunds", "--out", "x")
    return run


def test_check_and_run_take_the_module_beside_the_mesh(shell: Callable[..., str]) -> None:
    assert "types   ✓ green" in shell("check", "x/refunds.yaml")
    mesh = ("x/refunds.yaml", "refund", "--input", "ticket_id=7", "--input", TICKET)
    assert "paid: 40.00" in shell("run", *mesh, "--answers", "deny")
