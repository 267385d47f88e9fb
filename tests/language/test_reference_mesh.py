"""The reference mesh: parses anywhere, checks green, and means what it says."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest
import yaml

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import Spec, describe, load, parse
from leafmesh_nb.language.spec import Join


@pytest.fixture(scope="module")
def spec(refunds: str) -> Spec:
    parsed = parse(refunds, source="refunds.yaml")
    assert parsed.diagnostics == ()
    assert parsed.spec is not None
    return parsed.spec


def test_any_yaml_reader_takes_it(refunds: str) -> None:
    assert yaml.safe_load(refunds)["mesh"] == "refunds"


def test_the_mesh_itself(spec: Spec, refunds: str) -> None:
    assert spec.mesh == "refunds"
    assert spec.currency == "USD"
    assert spec.description.startswith("Decide customer refunds")
    assert spec.source == "refunds.yaml"
    assert spec.text == refunds
    assert spec.hash == hashlib.sha256(refunds.encode()).hexdigest()


def test_models(spec: Spec) -> None:
    assert [(m.name, m.provider, m.tier) for m in spec.models.values()] == [
        ("quick", "offline", "small"),
        ("deep", "offline", "large"),
        ("counsel", "offline", "specialist"),
    ]
    assert spec.models["counsel"].domains == ("legal",)
    assert spec.models["deep"].priced_as == "anthropic:claude-sonnet-4-5"


def test_memory(spec: Spec) -> None:
    assert spec.memory["card"].masked
    assert describe(spec.memory["card"].type) == "string or null"
    precedents = spec.memory["precedents"]
    assert (precedents.scope, precedents.merge) == ("mesh", "append")
    assert describe(precedents.type) == "{list: string}"
    assert not spec.memory["ticket"].masked


def test_agents(spec: Spec) -> None:
    triage, clerk = spec.agents["triage"], spec.agents["clerk"]
    assert triage.model is not None
    assert triage.model.tier == "small"
    assert triage.limits.calls == 3
    assert triage.limits.timeout == 20.0
    assert triage.limits.cost == Decimal("0.05")
    assert triage.instructions is not None
    classify = triage.capabilities["ticket.classify"]
    assert classify.proficiency == 0.8
    assert [dict(e.output) for e in classify.examples] == [
        {"category": "refund"},
        {"category": "bug"},
        {"category": "question"},
    ]
    assert clerk.kind == "python"
    assert clerk.memory.read == ("ticket", "tier", "precedents")
    assert clerk.memory.write == ("precedents",)
    assert [a.id for a in spec.capable("ticket.classify")] == ["triage", "veteran"]
    assert spec.agents["teller"].tools == ("pay_out",)


def test_the_policy(spec: Spec) -> None:
    policy = spec.policies["payouts"]
    assert (policy.at, policy.default, policy.on_error) == ("tool", "deny", "ask")
    assert policy.target.tools == ("pay_out",)
    small, large = policy.rules
    assert (small.id, small.then, small.to, small.within) == ("small", "approve", None, None)
    assert (large.to, large.within, large.escalate) == ("lead", 1800.0, ("finance",))
    assert large.reason is not None
    assert [(t.given["tool"]["arguments"]["amount"], t.expect) for t in policy.tests] == [
        (Decimal("100"), "approve"),
        (Decimal("100.01"), "ask"),
        (Decimal("5000.01"), "deny"),
    ]
    assert spec.roster("approver") == ("lead", "finance")
    assert spec.roster("lead") == ("lead",)


def test_budgets_and_routing(spec: Spec) -> None:
    assert (spec.budgets.run, spec.budgets.step, spec.budgets.day) == (
        Decimal("0.50"),
        Decimal("0.20"),
        Decimal("20"),
    )
    assert spec.budgets.count == "spent"
    assert spec.routing.weights["skill"] == 4
    assert spec.routing.tiers == {"routine": "small", "standard": "small", "complex": "large"}


def test_the_workflow(spec: Spec) -> None:
    workflow = spec.workflows["refund"]
    assert workflow.input.names() == ("ticket_id", "ticket", "tier")
    assert list(workflow.save) == ["ticket", "tier"]
    assert {name: step.after for name, step in workflow.steps.items()} == {
        "classify": None,
        "propose": Join("all", ("classify",)),
        "pay": Join("all", ("propose",)),
    }
    assert workflow.steps["classify"].complexity == "routine"
    assert describe(workflow.output_type) == (
        "{object: {category: {enum: [refund, bug, question]}, paid: money}}"
    )


def test_nothing_in_a_spec_can_be_changed(spec: Spec) -> None:
    with pytest.raises(AttributeError):
        spec.mesh = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spec.agents["x"] = spec.agents["clerk"]  # type: ignore[index]


def test_places_are_those_of_the_text(spec: Spec, refunds: str) -> None:
    lines = refunds.split("\n")
    for thing, name in ((spec.agents["veteran"], "veteran"), (spec.tools["pay_out"], "pay_out")):
        span = thing.span
        assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == name


def test_load_gives_the_spec_or_says_where(refunds: str) -> None:
    assert load(refunds).mesh == "refunds"
    text = refunds.replace("then: approve", "then: aprove").replace("tier: small}", "tier: smal}")
    with pytest.raises(MeshError) as caught:
        load(text, source="cell")
    message = str(caught.value)
    assert message.startswith("2 errors; the first is at cell, line 40, column 19")
    assert "Did you mean `approve`?" in message
    assert [d.code for d in caught.value.diagnostics] == ["LM206", "LM206"]


def test_a_name_given_elsewhere_must_be_its_own(refunds: str) -> None:
    assert parse(refunds, name="refunds").diagnostics == ()
    (found,) = parse(refunds, name="returns").diagnostics
    assert found.code == "LM212"
    assert "`returns`" in found.message


def test_crlf_and_a_byte_order_mark_change_nothing_but_a_warning(refunds: str) -> None:
    text = "\ufeff" + refunds.replace("\n", "\r\n")
    parsed = parse(text)
    assert parsed.spec is not None
    assert [(d.code, d.severity) for d in parsed.diagnostics] == [("LM106", "warning")]
    assert parsed.spec.agents["veteran"].span.line == 43


def test_the_policy_digest_is_of_what_it_decides(refunds: str) -> None:
    def digest(text: str) -> str:
        return load(text).policies["payouts"].digest

    same = refunds.replace("id: small\n", 'id: "small"   # a comment\n')
    assert digest(same) == digest(refunds)
    assert digest(refunds.replace("{given: {tool", "{given:   {tool")) == digest(refunds)
    assert digest(refunds.replace("amount <= 100", "amount <= 101")) != digest(refunds)
    assert digest(refunds.replace("within: 30m", "within: 31m")) != digest(refunds)
    assert digest(refunds.replace("on_error: ask", "on_error: deny")) != digest(refunds)
    assert digest(refunds.replace("within: 30m", "within: 1800s")) == digest(refunds)
