"""Tab as IPython asks for it: in the cells and on the lines of a mesh, and everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter, rectify_completions

Refunds = Callable[[], Any]
CURSOR = "‸"
AGENT = "%%agent clerk\n"


def tab(cells: Any, code: str) -> list[str]:
    """What is offered where ``‸`` stands; each is checked to go where it says."""
    before, _, after = code.partition(CURSOR)
    with provisionalcompleter():
        raw = cells.shell.Completer.completions(before + after, len(before))
        found = list(rectify_completions(before + after, raw))
    assert all(completion.end == len(before) for completion in found)
    return [completion.text for completion in found]


def test_a_mesh_that_is_begun(cells: Any) -> None:
    assert tab(cells, "%%mesh\nmo‸") == ["models:"]
    assert tab(cells, "\n%%mesh -o a\nmesh: a\nmo‸") == ["models:"]
    assert tab(cells, "%%mesh\nmodels:\n  quick: {provider: offline, ti‸") == [
        "tier: ",
        "timeout: ",
    ]


def test_nothing_of_python_in_yaml(cells: Any) -> None:
    cells.good("price = 3")
    assert tab(cells, "%%mesh\nmesh: pri‸") in (["i"], ["pri"])  # what stands there already
    assert tab(cells, "%%mesh\nmodels: ‸") == [" "]
    assert "price" in tab(cells, "pri‸")


def test_the_mesh_in_force(refunds: Refunds) -> None:
    cells = refunds()
    assert tab(cells, f"{AGENT}memory: {{read: [‸]}}") == ["ticket", "tier", "card", "precedents"]
    assert tab(cells, "%%agent cl‸\n") == ["clerk"]
    assert tab(cells, "%%policy p‸\n") == ["payouts"]
    assert tab(cells, "%%workflow again\nsteps:\n  a:\n    agent: te‸") == ["teller"]
    assert tab(
        cells, "%%policy payouts\nat: tool\nfor: {tools: [pay_out]}\n"
        "rules:\n  - {id: a, when: tool.arguments.‸"
    ) == ["ticket_id", "amount"]  # fmt: skip


def test_python_values_for_a_cell(cells: Any) -> None:
    cells.good("limit = 100\nlimits = [1]\nlimiter = print")
    assert tab(cells, "%%mesh\nmesh: {{lim‸}}") == ["limit", "limits"]


def test_the_flags_of_a_cell(cells: Any) -> None:
    assert tab(cells, "%%mesh ‸\nmesh: a") == ["-o", "--output", "--file"]
    assert tab(cells, "%%mesh --f‸\nmesh: a") == ["--file"]


def test_verbs_and_what_they_take(refunds: Refunds) -> None:
    cells = refunds()
    assert {"run", "check", "explain", "show"} <= set(tab(cells, "%mesh ‸"))
    assert tab(cells, "%mesh ver‸") == ["verify"]
    assert tab(cells, "%mesh run ref‸") == ["refund"]
    assert tab(cells, "%mesh run refund ‸")[:3] == ["ticket_id=", "ticket=", "tier="]
    assert tab(cells, '%mesh run refund ticket_id="7" ti‸') == ["ticket=", "tier="]
    assert tab(cells, "%mesh run refund tier=‸") == ['tier="basic"', 'tier="gold"']
    assert tab(cells, "%mesh run refund --s‸") == ["--step"]
    assert tab(cells, "%mesh explain LM30‸") == [f"LM30{n}" for n in range(1, 10)]
    assert tab(cells, "%mesh chart c‸") == ["costs"]
    assert tab(cells, "%mesh show --agent c‸") == ["clerk"]
    assert tab(cells, "frame = %mesh ev‸") == ["events"]
    assert tab(cells, "x = 1\n%mesh ver‸\ny = 2") == ["verify"]


def test_expressions_on_a_line_are_pythons(refunds: Refunds) -> None:
    cells = refunds()
    cells.good('complaint = "I was charged twice"')
    assert "complaint" in tab(cells, "%mesh run refund ticket=compl‸")


def test_runs_by_name_and_id(refunds: Refunds) -> None:
    cells = refunds()
    cells.good('%mesh run refund ticket_id="7" ticket="refund $40" tier="gold" -o small')
    run = cells.shell.user_ns["small"]
    run.result(20)
    assert tab(cells, "%mesh costs ‸")[:2] == ["small", run.id]
    assert tab(cells, "%mesh chart costs sm‸") == ["small"]
    assert tab(cells, f"%mesh events {run.id[:4]}‸") == [run.id]


def test_asking_makes_no_journal(cells: Any, workdir: Any) -> None:
    tab(cells, "%mesh costs ‸")
    tab(cells, "%%mesh\nmo‸")
    assert list(workdir.iterdir()) == []


@pytest.mark.parametrize("code", ["%%bash\nmo‸", "%%meshes\nmo‸", "text = '''\n%%mesh\nmo‸'''"])
def test_other_cells_are_pythons(cells: Any, code: str) -> None:
    assert "models:" not in tab(cells, code)


def test_what_cannot_be_read_is_no_error(cells: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for code in ("%%mesh‸", "%%mesh\n‸", "%%agent\nro‸", "%%policy a b\nat: ‸", "%mesh nonsense ‸"):
        tab(cells, code)
    assert "Traceback" not in capsys.readouterr().err


def test_every_verb_is_described() -> None:
    from leafmesh_nb.notebook.line_words import ABOUT
    from leafmesh_nb.notebook.verbs import VERBS

    assert set(VERBS) - set(ABOUT) == set()
