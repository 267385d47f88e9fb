"""Starting a run: what is refused is refused before anything is recorded."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.journal import open_journal
from leafmesh_nb.mesh import settings

GOOD = {"ticket_id": "7", "ticket": "hello", "tier": "gold"}

TYPED = """
mesh: typed
agents:
  echo:
    role: Echo
    kind: python
    capabilities:
      all.echo:
        input: {number: integer}
        output: {number: integer}
workflows:
  take:
    input:
      step: string
      input: string
      journal: string or null
      many: {type: integer, default: 3}
      price: money or null
      day: date or null
      flag: boolean or null
      ratio: number or null
    steps:
      one: {capability: all.echo, with: {number: input.many}}
    output:
      step: input.step
      input: input.input
      journal: input.journal
      many: steps.one.output.number
      price: input.price
      day: input.day
      flag: input.flag
      ratio: input.ratio
      half: input.many / 2.0
"""


def typed(desk: Any) -> lm.Mesh:
    mesh: lm.Mesh = desk.mesh(TYPED)
    mesh.agent("echo")(lambda number: {"number": number})
    return mesh


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _nothing_recorded(self, desk: Any) -> Any:
        yield
        assert not Path(desk.journal).exists()

    @pytest.mark.parametrize(
        ("workflow", "message"),
        [
            ("refnd", "mesh refunds has no workflow 'refnd'. Did you mean 'refund'?"),
            ("xyz", "mesh refunds has no workflow 'xyz'; there are refund"),
            ("", "mesh refunds has no workflow ''"),
            (None, "mesh refunds has no workflow None"),
            (["refund"], "mesh refunds has no workflow ['refund']"),
        ],
    )
    def test_workflows(self, desk: Any, workflow: Any, message: str) -> None:
        with pytest.raises(lm.RunError) as caught:
            desk.mesh().start(workflow, **GOOD)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"tier": ...}, "its field `tier` is missing"),
            ({"teir": "gold"}, "unknown field `teir`: did you mean `tier`?"),
            ({"zzz": 1}, "unknown field `zzz`"),
            ({"tier": "silver"}, "`tier`: is `silver`, and one of basic, gold is needed"),
            ({"tier": None}, "`tier`: is null"),
            ({"tier": float("nan")}, "`tier`: is null"),
            ({"ticket": ["a"]}, "`ticket`: is a list, and text is needed"),
            ({"ticket": object()}, "`ticket`: is an object of type object"),
            ({"ticket": "\ud800"}, "`ticket`: is not valid Unicode text"),
            ({"input": ["ticket"]}, "input= takes a dict of inputs, not list"),
            ({"input": {7: "x"}}, "has an unknown field"),
            ({"input": {"tier": "gold"}}, "tier is given twice"),
            ({"replay": "x"}, "replay= is not available yet"),
            ({"durability": "most"}, "durability is 'normal' or 'full', not 'most'"),
        ],
    )
    def test_inputs(self, desk: Any, change: dict[str, Any], message: str) -> None:
        given = {k: v for k, v in {**GOOD, **change}.items() if v is not ...}
        with pytest.raises(lm.RunError) as caught:
            desk.mesh().start("refund", **given)
        assert message in str(caught.value)

    def test_a_refused_input_says_what_the_workflow_takes(self, desk: Any) -> None:
        with pytest.raises(lm.RunError) as caught:
            desk.mesh().start("refund")
        assert str(caught.value) == (
            "input of refund: its field `ticket_id` is missing. refund takes ticket_id: string, "
            "ticket: string, tier: {enum: [basic, gold]}"
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"many": 2.5}, "`many`: is not a whole number"),
            ({"many": "three"}, "`many`: is text that does not read as a whole number"),
            ({"price": "10 EUR"}, "`price`: is text that is not a plain decimal amount"),
            ({"price": 0.1234567890123}, "`price`: has 13 decimal places"),
            ({"day": "tomorrow"}, "`day`: is text that is not a date"),
            ({"flag": "maybe"}, "`flag`: is text, and true or false is needed"),
        ],
    )
    def test_types(self, desk: Any, change: dict[str, Any], message: str) -> None:
        with pytest.raises(lm.RunError) as caught:
            typed(desk).start("take", input={"step": "a", "input": "b", **change})
        assert message in str(caught.value)

    def test_functions_that_are_not_bound(self, desk: Any, refunds_text: str) -> None:
        mesh = lm.Mesh.from_yaml(refunds_text.replace('    python: "shop:pay_out"\n', ""))
        with pytest.raises(lm.RunError) as caught:
            mesh.start("refund", **GOOD)
        message = str(caught.value)
        assert "no function for agent:clerk, agent:teller, tool:pay_out" in message
        assert '@mesh.agent("clerk"), @mesh.agent("teller"), @mesh.tool("pay_out")' in message
        assert 'python: "module:function"' in message

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "No such file or directory; give a JSON file, or deny"),
            ("[", "is no JSON"),
            ("{}", "must hold a list of answers"),
            ("[1]", "entry 1 has no 'answer'"),
            ('[{"answer": "yes"}]', "entry 1: 'yes' is no answer"),
            ('[{"answer": "approve"}, {"answer": "reject", "setp": "x"}]', "did you mean 'step'"),
        ],
    )
    def test_a_script_of_answers_that_does_not_hold(
        self,
        desk: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        content: str | None,
        message: str,
    ) -> None:
        file = tmp_path / "answers.json"
        if content is not None:
            file.write_text(content, encoding="utf-8")
        monkeypatch.setenv("LEAFMESH_ANSWERS", str(file))
        with pytest.raises(lm.ApprovalError) as caught:
            desk.mesh().start("refund", **GOOD)
        assert f"answers file {file}" in str(caught.value)
        assert message in str(caught.value)


class TestWithoutAFunction:
    def test_another_agent_takes_the_step_and_the_exclusion_is_recorded(self, desk: Any) -> None:
        mesh = desk.mesh(
            TYPED.replace(
                "workflows:",
                """  twin:
    role: Twin
    kind: python
    capabilities:
      all.echo:
        input: {number: integer}
        output: {number: integer}
        proficiency: 1
workflows:""",
            )
        )
        mesh.agent("echo")(lambda number: {"number": number})
        run = desk.start(mesh, "take", input={"step": "a", "input": "b"})
        run.result(20)
        (routed,) = desk.bodies(run, "task.routed")
        assert routed.agent == "echo"
        assert [(e["agent"], e["reason"]) for e in routed.excluded] == [
            ("twin", "no function is bound to it; bind one with @mesh.agent('twin')")
        ]

    def test_another_workflow_does_not_need_it(self, desk: Any) -> None:
        text = TYPED.replace(
            "workflows:",
            """  other:
    role: Other
    kind: python
    capabilities:
      other.thing: {input: {number: integer}, output: {number: integer}}
workflows:
  rest:
    steps:
      one: {capability: other.thing, with: {number: 1}}
""",
        )
        mesh = desk.mesh(text)
        mesh.agent("echo")(lambda number: {"number": number})
        assert desk.start(mesh, "take", input={"step": "a", "input": "b"}).result(20)
        with pytest.raises(lm.RunError, match="workflow rest of mesh typed has no function for ag"):
            mesh.start("rest")


class TestInputs:
    def test_inputs_named_like_a_parameter_go_into_input(self, desk: Any) -> None:
        run = desk.start(
            typed(desk), "take", input={"step": "a", "input": "b", "journal": "c"}, many=4
        )
        output = run.result(20)
        assert (output["step"], output["input"], output["journal"]) == ("a", "b", "c")
        assert output["many"] == 4

    def test_defaults_and_missing_values(self, desk: Any) -> None:
        output = desk.start(typed(desk), "take", input={"step": "a", "input": "b"}).result(20)
        assert output["many"] == 3
        assert output["price"] is None

    @pytest.mark.parametrize(
        ("name", "given", "taken"),
        [
            ("price", "10.50", Decimal("10.50")),
            ("price", 10.1, Decimal("10.1")),
            ("price", 7, Decimal(7)),
            ("price", "", None),
            ("many", "4", 4),
            ("many", 4.0, 4),
            ("step", 7, "7"),
            ("day", "2026-03-02", dt.date(2026, 3, 2)),
            ("day", dt.date(2026, 3, 2), dt.date(2026, 3, 2)),
            ("flag", "TRUE", True),
            ("ratio", "0.25", 0.25),
            ("ratio", float("nan"), None),
        ],
    )
    def test_values_are_coerced_and_come_back_typed(
        self, desk: Any, name: str, given: Any, taken: Any
    ) -> None:
        inputs = {"step": "a", "input": "b", name: given}
        output = desk.start(typed(desk), "take", input=inputs).result(20)
        assert output[name] == taken
        assert type(output[name]) is type(taken)

    def test_a_number_comes_out_as_a_number(self, desk: Any) -> None:
        output = desk.start(typed(desk), "take", input={"step": "a", "input": "b"}).result(20)
        assert output["half"] == 1.5
        assert not isinstance(output["half"], str)


class TestDurability:
    def test_a_run_is_synced_at_every_commit(self, desk: Any) -> None:
        levels = {}
        for durability in ("normal", "full"):
            run = desk.start(desk.mesh(), "refund", durability=durability, **GOOD)
            assert run.result(20)["paid"] == 0
            assert run.journal.durability == durability
            session = run.journal._handles.writer._session
            (levels[durability],) = session._conn.execute("PRAGMA synchronous").fetchone()
        assert levels == {"normal": 1, "full": 2}
        assert len(lm.runs()) == 2
        assert lm.verify().ok

    def test_what_a_process_is_set_to_holds_where_nothing_is_said(
        self, desk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "_durability", "normal")
        settings.set_durability("full")
        mesh = desk.mesh()
        full = desk.start(mesh, "refund", **GOOD)
        assert full.journal.durability == "full"
        assert full.result(20)["paid"] == 0
        one = desk.start(mesh, "refund", durability="normal", **GOOD)
        assert one.journal.durability == "normal"
        assert one.result(20)["paid"] == 0


class TestPlaces:
    def test_a_run_stands_in_the_journal_that_it_names(self, desk: Any, tmp_path: Path) -> None:
        mesh = typed(desk)
        place = tmp_path / "deep" / "er" / "mine.db"
        run = desk.start(mesh, "take", input={"step": "a", "input": "b"}, journal=place)
        run.result(20)
        assert [row.id for row in open_journal(place).runs()] == [run.id]
        assert not Path(desk.journal).exists()
        assert lm.verify(place).ok

    @pytest.mark.parametrize(
        "place",
        [
            lambda folder: folder,
            lambda folder: folder / "file.txt" / "journal.db",
            lambda folder: "/proc/nowhere/journal.db",
            lambda folder: ":memory:",
            lambda folder: "postgresql://somewhere/db",
            lambda folder: "a\0b",
            lambda folder: folder / "garbage.db",
        ],
    )
    def test_a_place_that_cannot_hold_a_journal(
        self, desk: Any, tmp_path: Path, place: Callable[[Path], Any]
    ) -> None:
        (tmp_path / "file.txt").write_text("x", encoding="utf-8")
        (tmp_path / "garbage.db").write_bytes(b"this is no database" * 100)
        with pytest.raises(lm.JournalError) as caught:
            typed(desk).start("take", input={"step": "a", "input": "b"}, journal=place(tmp_path))
        assert len(str(caught.value)) > 30

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
    def test_a_folder_that_cannot_be_written(self, desk: Any, tmp_path: Path) -> None:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        with pytest.raises(lm.JournalError, match="LEAFMESH_JOURNAL"):
            typed(desk).start("take", input={"step": "a", "input": "b"}, journal=locked / "j.db")
