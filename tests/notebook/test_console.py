"""A real front end without widgets: Jupyter's terminal console asks on its input line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

REPOSITORY = Path(__file__).parents[2]
SETUP = f"""
import leafmesh_nb as lm
from leafmesh_nb.quickstart import shop

mesh = lm.Mesh.from_file({str(REPOSITORY / "tests" / "fixtures" / "refunds.yaml")!r})
mesh.agent("clerk")(shop.clerk)
mesh.agent("teller")(shop.teller)
mesh.tool("pay_out")(shop.pay_out)
"""
TICKET = "You charged me twice, please refund the 620.00"
START = f'run = mesh.start("refund", ticket_id="7", ticket="{TICKET}", tier="basic")'


@pytest.fixture
def console(tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    (tmp_path / "setup.py").write_text(SETUP, encoding="utf-8")
    paths = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "LEAFMESH_JOURNAL": str(tmp_path / "journal.db"),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "SHOP_LEDGER": str(tmp_path / "payouts.jsonl"),
        "TERM": "dumb",
    }
    environment.pop("LEAFMESH_ANSWERS", None)
    child = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter_console", "--simple-prompt"],
        cwd=str(tmp_path),
        env=environment,
        encoding="utf-8",
        timeout=90,
        dimensions=(50, 200),
    )
    yield child
    child.sendline("exit")
    child.expect(pexpect.EOF)
    child.close()


# Python 3.12 and later warn of a fork beside threads; the child becomes another program at once.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("wait", ["run.result()", "await run"])
def test_the_input_line_asks_and_says_why(
    console: pexpect.spawn[str], tmp_path: Path, wait: str
) -> None:
    for cell, line in enumerate(["%load_ext leafmesh_nb", "%run setup.py", START, wait], start=1):
        console.expect_exact(f"In [{cell}]: ")
        console.sendline(line)

    console.expect_exact("[a]pprove / [r]eject / [e]scalate? ")
    asked = console.before
    assert "No live card answers in this front end, so the question is asked here." in asked
    assert "refund.pay asks lead: pay_out" in asked
    assert "620.00 is over the teller's limit" in asked
    assert not (tmp_path / "payouts.jsonl").exists()

    console.sendline("a")
    console.expect_exact("note (optional): ")
    console.sendline("fine with me")
    console.expect_exact("Out[4]: ")
    console.expect_exact("In [5]: ")
    assert "'paid': Decimal('620.00')" in console.before
    (payout,) = (tmp_path / "payouts.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(payout)["amount"] == "620.00"

    console.sendline('[story for story in run.audit()["story"] if "input line" in story]')
    console.expect_exact("In [6]: ")
    assert "fine with me" in console.before
