"""The magics as a user types them: what they show, and what they say to bad input."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import leafmesh_nb as lm

Refunds = Callable[[], Any]
SMALL = 'ticket_id="7" ticket="I was charged twice, refund $40.00" tier="gold"'
LARGE = 'ticket_id="8" ticket="Please refund the $620.00" tier="gold"'


def test_loading_twice_registers_once(cells: Any) -> None:
    cells.good("%load_ext leafmesh_nb")
    cells.good("%reload_ext leafmesh_nb")
    magics = [c for c in cells.shell.configurables if type(c).__name__ == "MeshMagics"]
    assert len(magics) == 1


def test_a_mesh_cell_defines_binds_and_shows(refunds: Refunds) -> None:
    cells = refunds()
    assert isinstance(cells.shell.user_ns["mesh"], lm.Mesh)
    cells.good("%mesh")
    assert "refunds: 4 agents" in cells.out
    assert "no open run" in cells.out


def test_run_await_and_frames(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund {SMALL} -o small")
    assert cells.good("small.result(20)") == {"category": "refund", "paid": Decimal("40.00")}
    assert cells.good("await small") == {"category": "refund", "paid": Decimal("40.00")}
    for name in ("routing", "decisions", "memory", "costs", "calls", "handoffs", "audit", "events"):
        frame = cells.good(f"%mesh {name} small")
        assert isinstance(frame, pd.DataFrame)
        assert len(frame), name
    for name in ("routing", "costs", "timeline"):
        cells.good(f"%mesh chart {name} small")
        assert "[chart:" in cells.out
    cells.good("%mesh verify")
    assert "verified: 1 runs" in cells.out


def test_the_policies_own_tests(refunds: Refunds) -> None:
    cells = refunds()
    frame = cells.good("%mesh test")
    assert list(frame["passed"]) == [True, True, True]


def test_inputs_are_split_by_python(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("amount = 12")
    cells.good(
        '%mesh run refund ticket_id=str(amount) tier="gold" '
        "ticket=\"I want $30.00, 'please' = {now}\" -o odd"
    )
    started = cells.shell.user_ns["odd"].recorded()[0].body.input
    assert started["ticket_id"] == "12"
    assert started["ticket"] == "I want $30.00, 'please' = {now}"
    cells.good("odd.result(20)")


def test_a_waiting_run_is_asked_about_and_answered(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund {LARGE} -o asked")
    run = cells.shell.user_ns["asked"]
    cells.good("import time\nwhile asked.status == 'running': time.sleep(0.01)")
    cells.good("%mesh approvals")
    assert "620.00 is over the teller's limit" in cells.out
    cells.good("%mesh decisions asked")
    assert "waiting for lead" in cells.out
    run.approvals()[0].approve(by="lead")
    assert run.result(20)["paid"] == Decimal("620.00")
    cells.good("%mesh approvals")
    assert "no question is open" in cells.out


def test_step_by_step(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund --step {SMALL} -o slow")
    run = cells.shell.user_ns["slow"]
    assert run.status == "paused"
    cells.good("%mesh step")
    assert [e.path for e in run.recorded() if e.kind == "step.ended"] == ["classify"]
    assert run.status == "paused"
    cells.good("%mesh step slow")
    assert [e.path for e in run.recorded() if e.kind == "step.ended"] == ["classify", "propose"]
    cells.good("%mesh resume slow")
    assert run.result(20)["paid"] == Decimal("40.00")


def test_cancel_names_the_run_and_refuses_when_ambiguous(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund --step {SMALL} -o one")
    cells.good(f"%mesh run refund --step {SMALL} -o two")
    cells.run("%mesh cancel")
    assert "several runs could be meant" in cells.out
    cells.good("%mesh cancel one")
    assert cells.shell.user_ns["one"].id in cells.out
    assert cells.shell.user_ns["one"].status == "cancelled"
    cells.good("%mesh cancel")
    assert cells.shell.user_ns["two"].status == "cancelled"


def test_config_names_the_person(refunds: Refunds) -> None:
    cells = refunds()
    cells.good('%config MeshMagics.person = "finance"')
    cells.good(f"%mesh run refund --step {SMALL} -o mine")
    assert cells.shell.user_ns["mine"].requester == "finance"
    cells.good("%mesh cancel mine")
    cells.good('%config MeshMagics.person = ""')


def test_config_sets_the_durability(refunds: Refunds) -> None:
    cells = refunds()
    cells.good('%config MeshMagics.durability = "full"')
    try:
        cells.good(f"%mesh run refund {SMALL} -o mine")
        assert cells.shell.user_ns["mine"].journal.durability == "full"
        cells.good("mine.result(20)")
    finally:
        cells.good('%config MeshMagics.durability = "normal"')


def test_a_journal_elsewhere(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    cells.good(f'%mesh run refund {SMALL} -o there --journal "other/j.db"')
    cells.good("there.result(20)")
    assert (workdir / "other" / "j.db").exists()
    cells.good('%config MeshMagics.journal = "third/j.db"')
    cells.good(f"%mesh run refund {SMALL} -o third")
    cells.good("third.result(20)")
    assert (workdir / "third" / "j.db").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%mesh rout", "Did you mean %mesh routing?"),
        ("%mesh whatif", "not available yet"),
        ("%mesh run refund --stp", "unrecognized arguments: --stp"),
        ("%mesh run", "usage: %mesh run"),
        ('%mesh run refund ticket="unfinished', "not closed"),
        ("%mesh run refund ticket=undefined_name", "undefined_name could not be evaluated"),
        ("%mesh run refund ticket", "no input; write key=EXPR"),
        ("%mesh run refnd", "Did you mean 'refund'?"),
        ("%mesh run refund ticket_id='1'", "ticket"),
        ("%mesh run refund --input 5", "not a dict"),
        ("%mesh chart pie", "usage: %mesh chart"),
        ("%mesh verify now", "takes nothing more"),
        ("%mesh routing nosuch", "no run 'nosuch'"),
        ("%%mesh -o 1x\nmesh: a", "takes the name of a variable"),
        ("%%mesh --nosuch x\nmesh: a", "unrecognized arguments"),
    ],
)
def test_bad_input_gets_one_clear_message(refunds: Refunds, source: str, said: str) -> None:
    cells = refunds()
    cells.run(source)
    assert cells.error is not None
    assert said in cells.out
    assert "Traceback" not in cells.out
    assert "leafmesh_nb/" not in cells.out


def test_without_a_mesh_or_a_run(cells: Any) -> None:
    cells.run("%mesh run refund")
    assert "no mesh is defined yet" in cells.out
    cells.run("%mesh routing")
    assert "there is no run yet" in cells.out
    cells.run("%mesh step")
    assert "no run to step" in cells.out


def test_a_broken_cell_shows_all_and_the_last_good_mesh_stays(refunds: Refunds) -> None:
    cells = refunds()
    before = cells.shell.user_ns["mesh"]
    cells.run("%%mesh\nmesh: refunds\nagnts: {}\npolicies: {p: {at: tol}}\n")
    assert isinstance(cells.error, lm.MeshError)
    assert "Did you mean `agents`?" in cells.out
    assert "agnts" in cells.html
    assert "stays in force" in cells.out
    assert "Traceback" not in cells.out
    assert cells.shell.user_ns["mesh"] is before
    cells.good(f"%mesh run refund {SMALL} -o still")
    cells.good("still.result(20)")


def test_values_of_the_notebook_go_into_the_text(cells: Any) -> None:
    text = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")
    text = text.replace("amount <= 100\n", "amount <= {{limit}}\n").replace(
        "role: Refund clerk", "role: {{role}}"
    )
    cells.good('limit = 250\nrole = "Clerk: \\"x\\"\\nagents: {}"')
    text = text.replace('amount: "100.01"}}}, expect: ask', 'amount: "100.01"}}}, expect: approve')
    cells.good("%%mesh -o mesh\n" + text)
    mesh = cells.shell.user_ns["mesh"]
    assert mesh.spec.agents["clerk"].role == 'Clerk: "x"\nagents: {}'
    assert "250" in mesh.spec.policies["payouts"].rules[0].when.text


def test_an_unwritable_journal_is_one_message(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    (workdir / "file").write_text("not a folder")
    cells.run(f'%mesh run refund {SMALL} --journal "file/journal.db"')
    assert isinstance(cells.error, lm.JournalError)
    assert "file" in cells.out
    assert "LEAFMESH_JOURNAL" in cells.out
    assert "Traceback" not in cells.out


def test_the_check_shows_a_row_a_layer_as_html_and_as_text(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("%mesh check")
    for layer in ("schema", "types", "policy", "safety", "cost", "output"):
        assert f"  {layer}" in cells.out
        assert f"<b>{layer}</b>" in cells.html
    assert "no errors" in cells.out
    cells.run("%mesh check now")
    assert "takes nothing more, not 'now'" in cells.out


def test_a_report_shows_itself(refunds: Refunds) -> None:
    cells = refunds()
    report = cells.good("mesh.check()")
    assert report.ok
    assert "refunds: no errors" in cells.out
    assert "<table" in report._repr_html_()


def test_a_check_needs_a_mesh(cells: Any) -> None:
    cells.good("%load_ext leafmesh_nb")
    cells.run("%mesh check")
    assert "no mesh is defined yet" in cells.out
