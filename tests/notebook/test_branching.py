"""``%mesh rewind`` and ``%mesh fork``."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.mesh import registry

SMALL = 'ticket_id="7" ticket="I was charged twice, please refund 50.00" tier="gold"'


def test_rewind_and_fork(refunds: Any) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund {SMALL} -o mine")
    cells.good("mine.result(20)")
    cells.good("%mesh rewind propose mine -o again")
    assert "rewound from run" in cells.out
    assert "kept classify" in cells.out
    cells.good("again.result(20)")
    names = cells.shell.user_ns
    assert names["again"].recorded()[0].body.parent["run"] == names["mine"].id
    cells.good('%mesh fork pay again tier="basic" -o other --step')
    assert "forked from run" in cells.out
    assert names["other"].status == "paused"
    (patched,) = [e.body for e in names["other"].recorded() if e.kind == "memory.patched"]
    assert (patched.field, patched.value) == ("tier", "basic")
    cells.good("%mesh cancel other")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%mesh rewind", "usage: %mesh rewind"),
        ("%mesh rewind propos", "Did you mean 'propose'?"),
        ("%mesh rewind propose --stp", "usage: %mesh rewind"),
        ("%mesh rewind 'propose", "a quote is not closed"),
        ("%mesh fork propose tier=(1", "usage: %mesh fork"),
        ("%mesh fork propose a.b=1", "is no field"),
        ("%mesh fork propose tier=gold", "could not be evaluated"),
        ("%mesh fork propose tier='none'", "memory.tier"),
        ("%mesh fork propose -o 1a", "-o takes the name of a variable"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(refunds: Any, line: str, said: str) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund {SMALL} -o mine")
    cells.good("mine.result(20)")
    cells.run(line)
    assert cells.error is not None
    assert said in cells.out
    assert "Traceback" not in cells.out
    assert len(registry.runs()) == 1
