"""An IPython shell with the extension loaded, in an empty folder with a journal of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.mesh import registry, settings

REFUNDS = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"

BIND = """
@mesh.agent("clerk")
def propose(ticket, amount, tier, *, ctx):
    return {"amount": amount, "reason": "asked"}

@mesh.agent("teller")
def pay(ticket_id, amount, *, ctx):
    paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
    return {"receipt": paid["receipt"], "amount": paid.arguments["amount"]}

@mesh.tool("pay_out")
def pay_out(ticket_id, amount):
    return {"receipt": f"R-{ticket_id}"}
"""


class Cells:
    """Runs cells as a user does; ``out`` is what was printed or displayed last."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.out = ""
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, source: str) -> Any:
        """Run a cell; its exception is kept, and its shown traceback is in ``out``."""
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            ran = self.shell.run_cell(source)
        texts = [o.data.get("text/plain", "") for o in captured.outputs]
        self.out = "\n".join([captured.stdout, captured.stderr, *texts])
        self.html = "\n".join(o.data.get("text/html", "") for o in captured.outputs)
        self.error = ran.error_before_exec or ran.error_in_exec
        self.result = ran.result
        return self.result

    def good(self, source: str) -> Any:
        """Run a cell that must not fail."""
        self.run(source)
        assert self.error is None, self.out
        return self.result


@pytest.fixture
def cells(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cells]:
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setattr(settings, "_on_start", [])
    monkeypatch.setattr(settings, "_journal", None)
    shell = InteractiveShell()
    shell.run_line_magic("colors", "nocolor")
    cells = Cells(shell)
    cells.good("%load_ext leafmesh_nb")
    yield cells
    shell.history_manager.end_session()


@pytest.fixture
def refunds(cells: Cells) -> Callable[[], Cells]:
    """The reference mesh, defined and bound in cells."""

    def define() -> Cells:
        cells.good("%%mesh -o mesh\n" + REFUNDS.read_text(encoding="utf-8"))
        cells.good(BIND)
        return cells

    return define
