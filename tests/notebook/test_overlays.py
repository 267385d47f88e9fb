"""``%%agent``, ``%%policy``, ``%%workflow``, ``%mesh show`` and ``%%mesh --file``, as typed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.language import load

Refunds = Callable[[], Any]
REFUNDS = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"
SMALL = 'ticket_id="7" ticket="I was charged twice, refund $40.00" tier="gold"'
STRICT = """%%policy payouts
at: tool
for: {tools: [pay_out]}
rules:
  - {id: none, when: tool.arguments.amount > {{limit}}, then: deny}
default: approve
tests:
  - {given: {tool: {arguments: {amount: "10"}}}, expect: approve}
"""


def test_a_policy_is_replaced_and_decides_from_then_on(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("limit = 20")
    cells.good(STRICT)
    assert "policy payouts replaced in mesh refunds" in cells.out
    assert "✓ its 1 test passes" in cells.out
    assert "- default: deny" in cells.out
    assert "+ default: approve" in cells.out
    mesh = cells.shell.user_ns["mesh"]
    assert "> 20" in mesh.spec.policies["payouts"].rules[0].when.text
    assert "agent:clerk" in mesh.functions
    cells.good(f"%mesh run refund {SMALL} -o small")
    with pytest.raises(lm.RunError, match="denied"):
        cells.shell.user_ns["small"].result(20)


def test_an_agent_is_added_and_says_what_it_lacks(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(
        "%%agent night_clerk\nrole: Night clerk\nkind: python\ncapabilities:\n  refund.propose:\n"
        "    input:  {ticket: string, amount: money, tier: {enum: [basic, gold]}}\n"
        "    output: {amount: money, reason: string}\nmemory: {read: [ticket, tier]}\n"
    )
    assert "agent night_clerk added to mesh refunds" in cells.out
    assert '@mesh.agent("night_clerk")' in cells.out
    assert list(cells.shell.user_ns["mesh"].spec.agents)[-1] == "night_clerk"


def test_a_workflow_is_added_and_runs(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(
        "%%workflow only_read\ninput: {ticket: string}\nsteps:\n  read:\n"
        "    capability: ticket.classify\n    with: {ticket: input.ticket}\n"
        "output: {category: steps.read.output.category}\n"
    )
    cells.good('%mesh run only_read ticket="The app crashes" -o r')
    assert cells.shell.user_ns["r"].result(20) == {"category": "bug"}


def test_one_text_is_shown_and_loads_to_the_same(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("limit = 20")
    cells.good(STRICT)
    cells.good("%mesh show")
    spec = cells.shell.user_ns["mesh"].spec
    shown = load(cells.out.strip() + "\n")
    assert shown.policies == load(spec.text).policies
    assert shown.agents == load(spec.text).agents
    assert "<pre" in cells.html
    # Only the entry was touched.
    before, after = REFUNDS.read_text("utf-8"), spec.text
    assert before.split("policies:")[0] == after.split("policies:")[0]
    assert before.split("\nbudgets:")[1] == after.split("\nbudgets:")[1]
    cells.good("%mesh show --policy payouts")
    assert cells.out.strip().startswith("at: tool")
    cells.run("%mesh show --policy payuots")
    assert "did you mean payouts?" in cells.out
    cells.run("%mesh show all")
    assert "usage: %mesh show" in cells.out


def test_a_mistake_leaves_all_as_it_was(refunds: Refunds) -> None:
    cells = refunds()
    before = cells.shell.user_ns["mesh"]
    cells.run("%%policy payouts\nat: tool\nrules:\n  - {id: a, then: aks}\n")
    assert isinstance(cells.error, lm.MeshError)
    assert "1 error in this %%policy cell" in cells.out
    assert "stays in force" in cells.out
    assert "--> cell %%policy payouts:4:" in cells.out
    assert "Did you mean `ask`?" in cells.out
    assert "Traceback" not in cells.out
    assert cells.shell.user_ns["mesh"] is before
    cells.good("%mesh show")
    assert cells.out.strip() == REFUNDS.read_text("utf-8").strip()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%%policy big-ones\nat: tool\n", "a hyphen is a minus in expressions"),
        ("%%policy big-ones\nat: tool\n", "--> cell %%policy big-ones:1:10"),
        ("%%policy\nat: tool\n", "the following arguments are required: ID"),
        ("%%policy a b\nat: tool\n", "unrecognized arguments: b"),
        ("%%policy payouts\n\n", "The policy `payouts` is empty"),
        ("%%agent x\n# nothing yet\n", "empty"),
        ("%%agent x\n---\nrole: y\n", "`---` parts documents"),
        ("%%agent x\n- role: y\n", "must be a map, and this is a list"),
        ("%%agent x\nrole: [y\n", "cell %%agent x:"),
        ("%%agent x\nrole: {{who}}\n", "no Python variable `who`"),
        ("%%agent x\nrole: y\n\tkind: llm\n", "tab"),
        ("%%agent x\nrole: y\nrole: z\n", "cell %%agent x:3:1"),
        ("%%agent x\nrole: &a y\n", "anchor"),
    ],
)
def test_bad_input_gets_one_clear_message(refunds: Refunds, source: str, said: str) -> None:
    cells = refunds()
    before = cells.shell.user_ns["mesh"]
    cells.run(source)
    assert cells.error is not None
    assert said in cells.out
    assert "Traceback" not in cells.out
    assert "leafmesh_nb/" not in cells.out
    assert cells.shell.user_ns["mesh"] is before


def test_what_the_change_breaks_elsewhere_is_told_of_the_mesh(refunds: Refunds) -> None:
    cells = refunds()
    cells.run(
        "%%agent clerk\nrole: x\nkind: python\ncapabilities: {a.b: {input: {}, output: {}}}\n"
    )
    assert "--> mesh refunds, with this change:" in cells.out
    assert "refund.propose" in cells.out
    assert "stays in force" in cells.out


def test_without_a_mesh(cells: Any) -> None:
    cells.run("%%policy p\nat: tool\n")
    assert "no mesh is defined yet, and %%policy edits one" in cells.out
    cells.run("%mesh show")
    assert "no mesh is defined yet" in cells.out


def test_running_runs_keep_their_rules_and_the_output_says_so(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(f"%mesh run refund --step {SMALL} -o going")
    run = cells.shell.user_ns["going"]
    cells.good("limit = 1")
    cells.good(STRICT)
    assert f"the run already started ({run.id}) keep" in cells.out
    run.resume()
    assert run.result(20)["paid"] == Decimal("40.00")


def test_every_name_of_the_mesh_is_bound_anew_and_its_parts_stay(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("import leafmesh_nb as lm\nother = mesh")
    cells.good("mesh.use(clock=lm.testing.FixedClock())")
    clock = cells.shell.user_ns["mesh"]._clock
    cells.good("limit = 1")
    cells.good(STRICT)
    assert cells.shell.user_ns["other"] is cells.shell.user_ns["mesh"]
    assert cells.shell.user_ns["mesh"]._clock is clock


def test_a_failing_test_of_the_policy_is_told(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("limit = 5")
    cells.good(STRICT)
    assert "1 of its 1 tests fail: test 1 expects approve and gets deny" in cells.out


def test_running_the_mesh_cell_again_says_what_is_gone(refunds: Refunds) -> None:
    cells = refunds()
    cells.good("limit = 20")
    cells.good(STRICT)
    merged = cells.shell.user_ns["mesh"].spec.text
    cells.good("%%mesh\n" + REFUNDS.read_text("utf-8"))
    assert "%%policy payouts is no longer part of mesh refunds" in cells.out
    cells.good("%%mesh\n" + REFUNDS.read_text("utf-8"))
    assert "no longer part" not in cells.out
    cells.good(STRICT)
    cells.good("%%mesh\n" + merged)
    assert "no longer part" not in cells.out


# --file


def test_a_mesh_is_written_when_it_is_good_and_read_again(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    text = REFUNDS.read_text("utf-8")
    cells.good("%%mesh --file refunds.yaml\n" + text)
    assert "refunds.yaml: written" in cells.out
    assert (workdir / "refunds.yaml").read_text("utf-8") == text
    cells.good("%%mesh --file refunds.yaml\n" + text)
    assert "holds this text already" in cells.out
    cells.good("%%mesh --file refunds.yaml\n" + text.replace("run: 0.50", "run: 0.60"))
    assert "refunds.yaml: updated, 1 line new, 1 gone" in cells.out
    cells.run("%%mesh --file refunds.yaml\nmesh: refunds\nagnts: {}\n")
    assert "run: 0.60" in (workdir / "refunds.yaml").read_text("utf-8")
    assert [p.name for p in workdir.iterdir() if "refunds" in p.name] == ["refunds.yaml"]
    cells.good("%%mesh -o again --file refunds.yaml\n\n")
    assert cells.shell.user_ns["again"].spec.budgets.run == Decimal("0.60")
    assert cells.shell.user_ns["again"].spec.source == "refunds.yaml"
    cells.good("%mesh --file refunds.yaml -o third")
    assert cells.shell.user_ns["third"].functions
    cells.good("limit = 20")
    cells.good(STRICT)
    assert "the file refunds.yaml is as it was" in cells.out


def test_nothing_else_is_overwritten(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    text = REFUNDS.read_text("utf-8")
    notes = workdir / "notes.txt"
    notes.write_text("mine", "utf-8")
    cells.run("%%mesh --file notes.txt\n" + text.replace("run: 0.50", "run: 0.70"))
    assert "holds something that is no mesh, and is left as it is" in cells.out
    assert notes.read_text("utf-8") == "mine"
    # All or nothing: the mesh of the cell is not defined either.
    assert cells.shell.user_ns["mesh"].spec.budgets.run == Decimal("0.50")
    other = workdir / "other.yaml"
    other.write_text("mesh: other\n", "utf-8")
    cells.run("%%mesh --file other.yaml\n" + text)
    assert "holds the mesh other" in cells.out
    cells.good("%%mesh --file refunds.yaml\n" + text)
    mine = workdir / "refunds.yaml"
    mine.write_text(text + "# by a colleague\n", "utf-8")
    cells.run("%%mesh --file refunds.yaml\n" + text)
    assert "was changed by somebody else" in cells.out
    assert "# by a colleague" in mine.read_text("utf-8")
    cells.good("%mesh --file refunds.yaml")
    cells.good("%%mesh --file refunds.yaml\n" + text)
    assert "updated, 0 lines new, 1 gone" in cells.out


def test_permissions_and_links_stay(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    text = REFUNDS.read_text("utf-8")
    real = workdir / "real.yaml"
    real.write_text("mesh: refunds\n", "utf-8")
    real.chmod(0o640)
    link = workdir / "link.yaml"
    link.symlink_to(real)
    cells.good('%%mesh --file "link.yaml"\n' + text)
    assert link.is_symlink()
    assert real.read_text("utf-8") == text
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_home_and_a_folder(
    refunds: Refunds, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = refunds()
    monkeypatch.setenv("HOME", str(workdir / "home"))
    os.mkdir(workdir / "home")
    cells.good("%%mesh --file ~/m.yaml\n" + REFUNDS.read_text("utf-8"))
    assert (workdir / "home" / "m.yaml").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("%%mesh --file no/such.yaml\nmesh: a\n", "there is no folder no; make it first"),
        ("%%mesh --file .\nmesh: a\n", "is no file"),
        ("%%mesh --file none.yaml\n\n", "there is no such file to read"),
        ("%mesh --file none.yaml", "there is no such file to read"),
        ("%mesh --file", "expected one argument"),
        ("%mesh --file 'open", "No closing quotation"),
    ],
)
def test_bad_files(refunds: Refunds, workdir: Path, source: str, said: str) -> None:
    cells = refunds()
    cells.run(source)
    assert cells.error is not None
    assert said in cells.out
    assert "Traceback" not in cells.out
    assert not (workdir / "no").exists()


def test_a_broken_file_is_told_with_its_name(refunds: Refunds, workdir: Path) -> None:
    cells = refunds()
    (workdir / "bad.yaml").write_bytes(b"mesh: refunds\nagnts: {}\n\xff")
    cells.run("%mesh --file bad.yaml")
    assert "--> bad.yaml:" in cells.out
    assert "in bad.yaml; mesh refunds as it was defined before stays in force" in cells.out
