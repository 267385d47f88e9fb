"""Errors: one tree, as it is drawn; each says what, where and what to do; none is foreign."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb import errors
from leafmesh_nb.mesh import registry
from leafmesh_nb.mesh.waiting import StillRunning
from leafmesh_nb.quickstart import shop
from leafmesh_nb.testing import FixedClock, ScriptedApprover, ScriptedModel

REFUNDS = (Path(__file__).parent / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")


class TestTheTree:
    def test_it_is_drawn_as_it_is(self) -> None:
        drawing = inspect.getdoc(errors) or ""
        drawn: dict[str, str] = {}
        above = {-1: "LeafmeshError"}
        for line in drawing.splitlines():
            found = re.match(r"^([ │]*)[├└]── (\w+)", line)
            if found:
                depth = len(found[1]) // 4 - 1
                drawn[found[2]] = above[max(d for d in above if d < depth)]
                above = {d: n for d, n in above.items() if d < depth} | {depth: found[2]}
        actual = {
            name: getattr(errors, name).__base__.__name__
            for name in errors.__all__
            if name != "LeafmeshError"
        }
        assert drawn == actual
        assert sorted(errors.__all__) == errors.__all__

    def test_all_are_public(self) -> None:
        assert set(errors.__all__) <= set(lm.__all__)

    def test_what_they_carry(self) -> None:
        assert lm.MeshError("x").diagnostics == ()
        error = lm.RunError("x", run="r", step="s", cause="c")
        assert (error.run, error.step, error.cause) == ("r", "s", "c")
        assert (lm.RunError("x").run, lm.RunError("x").step) == (None, None)

    def test_a_wait_that_is_over_is_a_timeout_too(self) -> None:
        error = StillRunning("run 1 is still running", run="r")
        assert isinstance(error, lm.RunError)
        assert isinstance(error, TimeoutError)
        assert str(error) == "run 1 is still running"
        assert error.run == "r"


def refunds() -> lm.Mesh:
    mesh = lm.Mesh.from_yaml(REFUNDS)
    mesh.agent("clerk")(shop.clerk)
    mesh.agent("teller")(shop.teller)
    mesh.tool("pay_out")(shop.pay_out)
    return mesh


GOOD: dict[str, Any] = {"ticket_id": "7", "ticket": "x", "tier": "gold"}


def ended() -> lm.Run:
    run = refunds().start("refund", ticket_id="7", ticket="The app crashes", tier="gold")
    run.result(20)
    return run


def waiting() -> lm.Run:
    model = ScriptedModel(lambda _: {"category": "refund", "amount": "620", "confidence": 1})
    mesh = refunds().use(models={"quick": model, "deep": model})
    run = mesh.start("refund", **GOOD)
    while run.status == "running":
        run.is_over(0.01)
    return run


def answered(verb: str, *args: Any, **kwargs: Any) -> Any:
    run = waiting()
    try:
        return getattr(run.approvals()[0], verb)(*args, **kwargs)
    finally:
        run.cancel()


class Nameless:
    def __str__(self) -> str:
        raise ValueError("no name")

    __repr__ = __str__


BAD: dict[str, Callable[[], Any]] = {
    "mesh from None": lambda: lm.Mesh.from_yaml(None),  # type: ignore[arg-type]
    "mesh from a number": lambda: lm.Mesh.from_yaml(7),  # type: ignore[arg-type]
    "mesh from nothing": lambda: lm.Mesh.from_yaml(""),
    "mesh from a list": lambda: lm.Mesh.from_yaml("- a"),
    "mesh from nesting": lambda: lm.Mesh.from_yaml("[" * 100_000),
    "mesh from control characters": lambda: lm.Mesh.from_yaml("mesh: \x00\x07"),
    "mesh from a surrogate": lambda: lm.Mesh.from_yaml("mesh: \ud800"),
    "mesh from a template": lambda: lm.Mesh.from_yaml("mesh: {{name}}"),
    "mesh with a huge number": lambda: lm.Mesh.from_yaml("mesh: a\nbudgets: {run: 1e999999999}"),
    "file that is not there": lambda: lm.Mesh.from_file("nowhere.yaml"),
    "file that is a folder": lambda: lm.Mesh.from_file("/"),
    "file with a zero byte": lambda: lm.Mesh.from_file("a\0b"),
    "file None": lambda: lm.Mesh.from_file(None),  # type: ignore[arg-type]
    "file that is too long a name": lambda: lm.Mesh.from_file("x" * 5000),
    "agent unknown": lambda: refunds().agent("nobody"),
    "agent without a name": lambda: refunds().agent(print),  # type: ignore[arg-type]
    "agent bound to a number": lambda: refunds().agent("clerk")(7),  # type: ignore[type-var]
    "agent bound to a class": lambda: refunds().agent("clerk")(Nameless),
    "agent bound to a builtin that does not fit": lambda: refunds().agent("clerk")(len),
    "tool unknown": lambda: refunds().tool("nothing"),
    "tool that does not fit": lambda: refunds().tool("pay_out")(lambda: 1),
    "model unknown": lambda: refunds().use(models={"x": ScriptedModel([])}),
    "route unknown": lambda: refunds().route("x"),
    "route None": lambda: refunds().route(None),  # type: ignore[arg-type]
    "workflow unknown": lambda: refunds().start("x"),
    "workflow None": lambda: refunds().start(None),  # type: ignore[arg-type]
    "inputs missing": lambda: refunds().start("refund"),
    "inputs unknown": lambda: refunds().start("refund", **GOOD, more=1),
    "inputs of a wrong type": lambda: refunds().start("refund", **{**GOOD, "tier": 7}),
    "inputs that no JSON holds": lambda: refunds().start(
        "refund", **{**GOOD, "ticket": Nameless()}
    ),
    "inputs that are no dict": lambda: refunds().start("refund", input=[1]),  # type: ignore[arg-type]
    "journal that is a folder": lambda: refunds().start("refund", **GOOD, journal="/"),
    "journal in memory": lambda: refunds().start("refund", **GOOD, journal=":memory:"),
    "journal with a zero byte": lambda: refunds().start("refund", **GOOD, journal="\0"),
    "journal that is a number": lambda: refunds().start("refund", **GOOD, journal=7),  # type: ignore[arg-type]
    "journal below a file": lambda: refunds().start(
        "refund", **GOOD, journal=Path(__file__) / "journal.db"
    ),
    "run unknown": lambda: lm.resume("nothing"),
    "run None": lambda: lm.resume(None),  # type: ignore[arg-type]
    "run in a journal that is none": lambda: lm.resume("x", journal=__file__),
    "runs of a journal that is none": lambda: lm.runs(journal=__file__),
    "approvals of a journal that is none": lambda: lm.approvals(journal=__file__),
    "verify a journal that is none": lambda: lm.verify(journal=__file__),
    "verify a journal that is not there": lambda: lm.verify(journal="nowhere.db"),
    "chart unknown": lambda: ended().chart("pie"),
    "step of an ended run": lambda: ended().step(),
    "pause of an ended run": lambda: ended().pause(),
    "cancel of an ended run": lambda: ended().cancel(),
    "patch of an ended run": lambda: ended().patch("ticket", "x"),
    "patch with what no JSON holds": lambda: ended().patch("ticket", object()),
    "answer to an ended run": lambda: ended().answer("q1", "approve"),
    "answer by nobody asked": lambda: answered("approve", by="nobody"),
    "answer by a number": lambda: answered("approve", by=7),
    "edit with None": lambda: answered("edit", None),
    "edit with an object": lambda: answered("edit", object()),
    "edit with a set": lambda: answered("edit", {1}),
    "edit with NaN": lambda: answered("edit", {"ticket_id": "7", "amount": float("nan")}),
    "edit that nests": lambda: answered("edit", nested(500)),
    "edit with a surrogate": lambda: answered("edit", {"ticket_id": "\ud800", "amount": "1"}),
    "clock without a zone": lambda: FixedClock(__import__("datetime").datetime(2026, 1, 1)),
    "approver of a number": lambda: ScriptedApprover(7),  # type: ignore[arg-type]
    "approver of texts": lambda: ScriptedApprover(["approve"]),  # type: ignore[list-item]
    "approver with an unknown answer": lambda: ScriptedApprover([{"answer": "ok"}]),
    "approver with a wrong key": lambda: ScriptedApprover([{"answer": "reject", 7: 1}]),  # type: ignore[dict-item]
}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return {"ticket_id": value, "amount": "1"}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_raises_our_own_error_with_a_message(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    monkeypatch.setenv("SHOP_LEDGER", str(tmp_path / "payouts.jsonl"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(lm.LeafmeshError) as caught:
        BAD[name]()
    message = str(caught.value)
    assert len(message) >= 15
    assert "Traceback" not in message
    assert "object at 0x" not in message


MESSAGES: dict[str, tuple[str, ...]] = {
    "file that is not there": ("nowhere.yaml", "No such file", "give the path of a mesh file"),
    "agent unknown": ("mesh refunds", "'nobody'", "there are clerk, teller"),
    "tool that does not fit": ("tool pay_out", "(ticket_id, amount)", "it lacks"),
    "inputs missing": ("input of refund", "`ticket_id` is missing", "refund takes ticket_id"),
    "workflow unknown": ("mesh refunds", "'x'", "there are refund"),
    "journal that is a folder": ("/", "is a folder", "add a file's name"),
    "run unknown": ("has no run 'nothing'", "it has none yet"),
    "verify a journal that is not there": ("nowhere.db", "start a run, or set LEAFMESH_JOURNAL"),
    "chart unknown": ("no chart 'pie'", "routing, costs, timeline"),
    "answer by nobody asked": ("nobody is not among those asked (lead)",),
    "clock without a zone": ("a time with a zone", "tzinfo=UTC"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_say_what_where_and_what_to_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setenv("LEAFMESH_JOURNAL", str(tmp_path / "journal.db"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(lm.LeafmeshError) as caught:
        BAD[name]()
    for part in MESSAGES[name]:
        assert part in str(caught.value)


def test_a_notebook_shows_the_message_and_no_frames() -> None:
    for name in errors.__all__:
        error = getattr(errors, name)("what happened")
        assert error._render_traceback_() == [f"{name}: what happened"]
