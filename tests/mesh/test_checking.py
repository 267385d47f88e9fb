"""The check of a mesh and of a text, and the dry run of samples."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.compose import LAYERS, SampleRun
from leafmesh_nb.mesh import dry_run as dry
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.checking import check_text
from leafmesh_nb.mesh.dry_run import Parts, dry_run

REFUNDS = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"
TEXT = REFUNDS.read_text(encoding="utf-8")
SMALL = {"ticket_id": "7", "ticket": "I was charged twice, refund $40.00", "tier": "gold"}
LARGE = {"ticket_id": "8", "ticket": "Please refund the $620.00", "tier": "gold"}
HUGE = {"ticket_id": "9", "ticket": "Refund me $7,740.00", "tier": "gold"}
BUG = {"ticket_id": "1", "ticket": "The app crashes when I log in", "tier": "basic"}


class Shop:
    """The reference mesh with functions that note that they were called."""

    def __init__(self) -> None:
        self.paid: list[Decimal] = []
        self.mesh = lm.Mesh.from_yaml(TEXT.replace('    python: "shop:pay_out"\n', ""))

        @self.mesh.agent("clerk")
        def propose(ticket, amount, tier, *, ctx):
            before = len(ctx.memory["precedents"] or [])
            ctx.memory.append("precedents", ticket)
            return {"amount": amount, "reason": f"{before} before"}

        @self.mesh.agent("teller")
        def pay(ticket_id, amount, *, ctx):
            paid = ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
            return {"receipt": paid["receipt"], "amount": amount}

        @self.mesh.tool("pay_out")
        def pay_out(ticket_id, amount):
            self.paid.append(amount)
            return {"receipt": "R-1"}

    def run(self, sample: Any) -> SampleRun:
        return dry_run(self.mesh.spec, Parts(self.mesh._bound), "refund", sample)


@pytest.fixture
def shop() -> Shop:
    return Shop()


# -- the check


def test_a_check_has_six_layers_and_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    report = shop.mesh.check()
    assert tuple(layer.name for layer in report.layers) == LAYERS
    assert report.ok
    assert report.mesh == "refunds"
    assert report.layer("types").colour == "not proven"  # its functions have no annotations
    assert shop.paid == []
    assert registry.defined() is shop.mesh
    assert list(tmp_path.iterdir()) == []


def test_warnings_of_the_text_are_in_the_report() -> None:
    mesh = lm.Mesh.from_yaml(TEXT.replace("default: deny", "default: approve").replace(
        "expect: deny", "expect: approve"))  # fmt: skip
    (warning,) = mesh.diagnostics
    assert mesh.check().layer("policy").diagnostics == (warning,)


def test_in_a_release_a_missing_function_is_an_error() -> None:
    mesh = lm.Mesh.from_yaml(TEXT)
    assert mesh.check().ok
    report = mesh.check(release=True)
    assert not report.ok
    assert [d.code for d in report.layer("types").diagnostics] == ["LM450"] * 3


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (SMALL, r"this is one of them: samples=\[…\]"),
        ("tickets.csv", "not str"),
        (7, "not int"),
        ([SMALL, "ticket"], "number 2 is a str"),
    ],
)
def test_samples_that_are_none_are_refused(shop: Shop, samples: Any, says: str) -> None:
    with pytest.raises(lm.MeshError, match=says):
        shop.mesh.check(samples=samples)


def test_a_frame_is_told_how_to_become_samples(shop: Shop) -> None:
    import pandas as pd

    with pytest.raises(lm.MeshError, match=r'frame.to_dict\("records"\)'):
        shop.mesh.check(samples=pd.DataFrame([SMALL]))  # type: ignore[arg-type]


# -- a text


@pytest.mark.parametrize("text", ["", "mesh: [", "\x00", "- a\n- b", "mesh: a\nx: 1", "\udcff"])
def test_a_text_that_is_no_mesh_has_a_report_too(text: str) -> None:
    report = check_text(text, "broken.yaml")
    assert not report.ok
    assert report.layer("schema").colour == "red"
    assert {layer.colour for layer in report.layers[1:]} == {"not proven"}
    assert all(d.source == "broken.yaml" for d in report.diagnostics)
    assert json.dumps(report.to_dict())


def test_a_text_is_checked_without_being_defined() -> None:
    report = check_text(TEXT, "refunds.yaml")
    assert report.ok
    assert report.mesh == "refunds"
    assert registry.defined() is None
    assert not check_text(TEXT, release=True).ok


def test_layers_one_to_five_import_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(
        "raise SystemExit('imported')\ndef pay_out(ticket_id: int, amount): ..."
    )
    monkeypatch.delitem(sys.modules, "shop", raising=False)
    report = check_text(TEXT)
    assert [d.code for d in report.layer("types").diagnostics] == ["LM453"]
    assert "shop" not in sys.modules


# -- the dry run


def test_a_sample_runs_to_its_end(shop: Shop) -> None:
    run = shop.run(BUG)
    assert (run.status, run.error) == ("done", "")
    assert run.output == {"category": "bug", "paid": "0"}
    assert run.events[0].kind == "run.started"
    assert run.events[-1].kind == "run.ended"


def test_no_side_effect_is_carried_out(shop: Shop) -> None:
    run = shop.run(SMALL)
    assert (run.status, run.step) == ("stopped", "pay")
    assert "pay_out would be called" in run.error
    assert shop.paid == []


def test_an_agent_cannot_swallow_the_stop(shop: Shop) -> None:
    @shop.mesh.agent("teller")
    def pay(ticket_id, amount, *, ctx):
        with contextlib.suppress(Exception):
            ctx.tool("pay_out", ticket_id=ticket_id, amount=amount)
        return {"receipt": "R", "amount": amount}

    assert shop.run(SMALL).status == "stopped"
    assert shop.paid == []


def test_where_a_person_would_be_asked_it_waits_for_nobody(shop: Shop) -> None:
    run = shop.run(LARGE)
    assert (run.status, run.step, run.error) == ("waiting", "pay", "lead would be asked")
    assert shop.paid == []


def test_what_the_gate_denies_fails(shop: Shop) -> None:
    run = shop.run(HUGE)
    assert (run.status, run.step) == ("failed", "pay")
    assert "no rule of payouts matched" in run.error


def test_what_an_agent_does_wrong_is_told(shop: Shop) -> None:
    @shop.mesh.agent("clerk")
    def wrong(ticket, amount, tier):
        return {"amount": "lots", "reason": ""}

    run = shop.run(SMALL)
    assert (run.status, run.step) == ("failed", "propose")
    assert "wrong shape" in run.error

    @shop.mesh.agent("clerk")
    def raises(ticket, amount, tier):
        raise KeyError("tier")

    assert "KeyError" in shop.run(SMALL).error


def test_what_cannot_run_says_why(shop: Shop) -> None:
    assert shop.run({"ticket_id": "7"}).status == "not run"
    assert "`ticket` is missing" in shop.run({"ticket_id": "7"}).error
    unbound = dry_run(shop.mesh.spec, Parts(), "refund", BUG)
    assert unbound.status == "not run"
    assert "no function for agent:clerk, agent:teller, tool:pay_out" in unbound.error


def test_an_import_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dry_shop.py").write_text("1 / 0")
    spec = lm.Mesh.from_yaml(TEXT.replace("shop:pay_out", "dry_shop:pay_out")).spec
    run = dry_run(spec, Parts(), "refund", BUG)
    assert run.status == "not run"
    assert "ZeroDivisionError" in run.error


def test_every_sample_has_a_memory_of_its_own(shop: Shop) -> None:
    for _ in range(2):
        ended = {e.path: e.body for e in shop.run(SMALL).events if e.kind == "step.ended"}
        assert ended["propose"].output["reason"] == "0 before"


def test_models_that_were_put_in_place_are_asked(shop: Shop) -> None:
    from leafmesh_nb.testing import ScriptedModel

    model = ScriptedModel(lambda request: {"category": "question", "confidence": 1})
    shop.mesh.use(models={"quick": model, "deep": model})
    parts = Parts(shop.mesh._bound, shop.mesh._models)
    run = dry_run(shop.mesh.spec, parts, "refund", SMALL)
    assert run.output == {"category": "question", "paid": "0"}


def test_nothing_is_shown_recorded_or_left_behind(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    from leafmesh_nb.mesh import settings

    monkeypatch.setattr(settings, "_on_start", [started.append])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shop.run(BUG)
    assert started == []
    assert list(tmp_path.iterdir()) == []
    assert lm.runs().empty


def test_an_agent_that_hangs_does_not_hang_the_check(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry, "LONGEST", 0.2)
    door = threading.Event()

    @shop.mesh.agent("clerk")
    def hangs(ticket, amount, tier):
        door.wait(20)
        return {"amount": amount, "reason": ""}

    run = shop.run(SMALL)
    door.set()
    assert (run.status, run.step) == ("failed", "propose")
    assert "had not ended after 0.2 s" in run.error


def test_a_branch_goes_on_while_another_asks() -> None:
    mesh = lm.Mesh.from_yaml(
        """
        mesh: two
        people: {lead: {roles: [approver]}}
        agents:
          one:
            role: One
            kind: python
            capabilities: {one.do: {input: {x: string}, output: {y: string}}}
          two:
            role: Two
            kind: python
            capabilities: {two.do: {input: {x: string}, output: {y: string}}}
        policies:
          ones: {at: output, for: {agents: [one]}, rules: [{id: a, then: ask, to: lead}]}
        workflows:
          go:
            input: {x: string}
            steps:
              one: {capability: one.do, with: {x: input.x}}
              two: {capability: two.do, with: {x: input.x}}
              three: {capability: two.do, with: {x: steps.two.output.y}}
            output: {y: steps.three.output.y}
        """.replace("\n        ", "\n")
    )
    functions: dict[str, Callable[..., Any]] = {
        "agent:one": lambda x: {"y": x},
        "agent:two": lambda x: {"y": x + "!"},
    }
    run = dry_run(mesh.spec, Parts(functions), "go", {"x": "a"})
    assert (run.status, run.step) == ("waiting", "one")
    ended = {e.path: e.body.output for e in run.events if e.kind == "step.ended"}
    assert ended == {"two": {"y": "a!"}, "three": {"y": "a!!"}}
