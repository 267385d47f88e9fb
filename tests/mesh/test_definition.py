"""Making a mesh, binding functions to it, and trying it without running anything."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm


class TestFromText:
    def test_a_broken_text_raises_all_its_diagnostics(self) -> None:
        with pytest.raises(lm.MeshError) as caught:
            lm.Mesh.from_yaml("mesh: shop\nagnets: {}\nmemory: {a: strin}\n", source="cell")
        codes = [(d.severity, d.span.line) for d in caught.value.diagnostics]
        assert codes == [("error", 2), ("error", 3)]
        assert "2 errors; the first is at cell, line 2, column 1" in str(caught.value)
        assert "Did you mean" in str(caught.value)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "]",
            "mesh: [",
            "- a\n- b",
            "\x00",
            "mesh: a\nmesh: b",
            "{" * 200,
            "mesh: \ud800x",
            "&a",
        ],
    )
    def test_texts_that_are_no_mesh(self, text: str) -> None:
        with pytest.raises(lm.MeshError) as caught:
            lm.Mesh.from_yaml(text)
        assert all(d.span.line >= 1 and d.code and d.message for d in caught.value.diagnostics)
        assert caught.value.diagnostics

    @pytest.mark.parametrize("text", [None, 7, b"mesh: a", {"mesh": "a"}])
    def test_what_is_no_text(self, text: Any) -> None:
        with pytest.raises(lm.MeshError, match="a mesh is made from its text, not from"):
            lm.Mesh.from_yaml(text)

    def test_warnings_stay_with_the_mesh(self, refunds_text: str) -> None:
        text = refunds_text.replace("default: deny\n", "default: approve\n")
        mesh = lm.Mesh.from_yaml(text)
        assert [d.severity for d in mesh.diagnostics] == ["warning"]
        assert lm.Mesh.from_yaml(refunds_text).diagnostics == ()


class TestFromFile:
    def test_a_file(self, tmp_path: Path, refunds_text: str) -> None:
        file = tmp_path / "refunds.yaml"
        file.write_text(refunds_text, encoding="utf-8")
        for path in (file, str(file)):
            mesh = lm.Mesh.from_file(path)
            assert mesh.name == "refunds"
            assert mesh.spec.source == str(file)

    def test_diagnostics_name_the_file(self, tmp_path: Path) -> None:
        file = tmp_path / "broken.yaml"
        file.write_text("mesh: a\nagents: 7\n", encoding="utf-8")
        with pytest.raises(lm.MeshError) as caught:
            lm.Mesh.from_file(file)
        assert f"{file}, line 2" in str(caught.value)
        assert caught.value.diagnostics[0].span.line == 2

    def test_bytes_that_are_no_utf8(self, tmp_path: Path) -> None:
        file = tmp_path / "latin.yaml"
        file.write_bytes("mesh: a\ndescription: caf\xe9\n".encode("latin-1"))
        with pytest.raises(lm.MeshError) as caught:
            lm.Mesh.from_file(file)
        assert caught.value.diagnostics[0].span.line == 2

    @pytest.mark.parametrize("path", ["nowhere.yaml", ".", "a\0b", None, 7.5])
    def test_what_cannot_be_read(self, path: Any, tmp_path: Path) -> None:
        with pytest.raises(lm.MeshError, match="give the path of a mesh file") as caught:
            lm.Mesh.from_file(tmp_path / path if path == "nowhere.yaml" else path)
        assert caught.value.diagnostics == ()


class TestBinding:
    @pytest.mark.parametrize(
        ("bind", "message"),
        [
            (lambda m: m.agent("clrek"), "has no python agent 'clrek'. Did you mean 'clerk'?"),
            (lambda m: m.agent("xyz"), "has no python agent 'xyz'; there are clerk, teller"),
            (lambda m: m.agent("triage"), "agent triage of mesh refunds is performed by a model"),
            (lambda m: m.agent(print), "@mesh.agent takes the name of a declared agent"),
            (lambda m: m.agent(None), "@mesh.agent takes the name of a declared agent"),
            (lambda m: m.tool("payout"), "has no tool 'payout'. Did you mean 'pay_out'?"),
            (lambda m: m.tool(7), "@mesh.tool takes the name of a declared tool"),
        ],
    )
    def test_names_that_are_not_declared(
        self, refunds_text: str, bind: Callable[[lm.Mesh], Any], message: str
    ) -> None:
        with pytest.raises(lm.MeshError) as caught:
            bind(lm.Mesh.from_yaml(refunds_text))
        assert message in str(caught.value)

    def test_the_function_comes_back_as_it_was(self, refunds_text: str) -> None:
        mesh = lm.Mesh.from_yaml(refunds_text)

        def pay(ticket_id: str, amount: Any) -> None: ...

        assert mesh.tool("pay_out")(pay) is pay

    FITTING: tuple[Callable[..., Any], ...] = (
        lambda ticket_id, amount: None,
        lambda ticket_id, amount, ctx: None,
        lambda ticket_id, amount, *, ctx: None,
        lambda amount, ticket_id, note="": None,
        lambda **everything: None,
        functools.partial(lambda bank, ticket_id, amount: None, "bank"),
    )

    @pytest.mark.parametrize("function", FITTING)
    def test_signatures_that_fit(self, refunds_text: str, function: Callable[..., Any]) -> None:
        assert lm.Mesh.from_yaml(refunds_text).agent("teller")(function) is function

    UNFIT: tuple[tuple[Any, str], ...] = (
        (lambda ticket_id: None, "it lacks amount"),
        (lambda ticket_id, amount, bank: None, "it asks for bank"),
        (lambda a, b: None, "it lacks amount, ticket_id and it asks for a, b"),
        (lambda ticket_id, amount, /: None, "it lacks amount, ticket_id"),
        (42, "agent teller needs a function, not int"),
        ("pay", "agent teller needs a function, not str"),
        (None, "agent teller needs a function, not NoneType"),
    )

    @pytest.mark.parametrize(("function", "message"), UNFIT)
    def test_signatures_that_do_not(self, refunds_text: str, function: Any, message: str) -> None:
        mesh = lm.Mesh.from_yaml(refunds_text)
        with pytest.raises(lm.AgentError) as caught:
            mesh.agent("teller")(function)
        assert message in str(caught.value)
        with pytest.raises(lm.RunError, match="has no function for"):
            mesh.start("refund", ticket_id="7", ticket="x", tier="gold")

    def test_a_new_definition_keeps_the_functions_that_still_fit(
        self, desk: Any, refunds_text: str
    ) -> None:
        before = desk.mesh()
        fresh = lm.Mesh.from_yaml(refunds_text)
        assert len(fresh.agents().missing()) == 3, "a mesh inherits nothing that nobody gave it"
        again = lm.Mesh.from_yaml(refunds_text)
        again.take_functions(before)
        assert again.agents().missing() == []
        narrower = refunds_text.replace(
            "input:  {ticket: string, amount: money, tier: {enum: [basic, gold]}}",
            "input:  {ticket: string, amount: money}",
        ).replace("          tier: input.tier\n      pay:", "      pay:")
        changed = lm.Mesh.from_yaml(narrower)
        changed.take_functions(before)
        assert changed.agents().missing() == ["agent:clerk"]


class TestParts:
    def test_a_model_that_the_mesh_does_not_declare(self, desk: Any) -> None:
        model = lm.testing.ScriptedModel([])
        with pytest.raises(lm.MeshError, match=r"has no model 'quik'\. Did you mean 'quick'"):
            desk.mesh().use(models={"quik": model})

    def test_the_policies_own_tests(self, desk: Any) -> None:
        assert [(t.policy, t.passed) for t in desk.mesh().test()] == [("payouts", True)] * 3

    def test_what_a_mesh_says_of_itself(self, desk: Any) -> None:
        assert repr(desk.mesh()) == "<Mesh refunds: 4 agents, 1 policies, workflows refund>"


class TestRoute:
    def test_nothing_is_run_and_unbound_agents_count(self, refunds_text: str) -> None:
        route = lm.Mesh.from_yaml(refunds_text).route("refund.propose")
        assert (route.agent, route.model) == ("clerk", None)
        assert [c.agent for c in route.candidates] == ["clerk"]
        assert route.excluded == ()

    def test_every_candidate_with_its_factors(self, refunds_text: str) -> None:
        route = lm.Mesh.from_yaml(refunds_text).route("ticket.classify")
        assert route.agent == "triage"
        assert [(c.agent, c.model) for c in route.candidates] == [
            ("triage", "quick"),
            ("veteran", "deep"),
        ]
        for candidate in route.candidates:
            points = sum(f["points"] or 0 for f in candidate.factors.values())
            assert points == pytest.approx(candidate.score, abs=1e-6)
        cheap, dear = (c.factors["cost"]["value"] for c in route.candidates)
        assert cheap == 1.0
        assert 0 < dear < 1

    def test_a_mesh_without_workflows(self) -> None:
        mesh = lm.Mesh.from_yaml(
            "mesh: a\nagents:\n  x: {role: r, kind: python, capabilities: "
            "{y: {input: {}, output: {}}}}\n"
        )
        assert mesh.route("y").agent == "x"

    @pytest.mark.parametrize(
        ("task", "message"),
        [
            ("refund.proposal", "declares 'refund.proposal'. Did you mean 'refund.propose'?"),
            ("zzz", "declares 'zzz'; there are ticket.classify, refund.propose, refund.pay"),
            (None, "declares 'None'"),
            (["x"], "declares"),
        ],
    )
    def test_tasks_that_nobody_declares(self, refunds_text: str, task: Any, message: str) -> None:
        with pytest.raises(lm.RoutingError) as caught:
            lm.Mesh.from_yaml(refunds_text).route(task)
        assert message in str(caught.value)

    def test_a_task_that_nobody_can_take(self) -> None:
        mesh = lm.Mesh.from_yaml(
            "mesh: a\nmodels: {deep: {provider: offline, tier: large}}\n"
            "agents:\n  x:\n    role: r\n    capabilities:\n"
            "      y: {input: {t: string}, output: {a: string}}\n"
            "workflows:\n  w:\n    input: {t: string}\n    steps:\n"
            "      s: {capability: y, with: {t: input.t}, complexity: complex}\n"
        )
        with pytest.raises(lm.RoutingError) as caught:
            mesh.route("y")
        assert str(caught.value) == (
            "nobody can take y: x: the mesh declares no model of tier small for standard work"
        )
