"""The schema layer, and how the language's diagnostics come to the layers they are about."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("old", "new", "layer", "code"),
    [
        ("budgets: {run:", "budgets: {rn:", "schema", "LM201"),
        ("    role: Refund clerk\n", "", "schema", "LM202"),
        ("kind: python", "kind: pythn", "schema", "LM206"),
        ("capability: refund.pay", "capability: refund.pays", "schema", "LM302"),
        ("ticket:     string", "ticket:     strng", "schema", "LM401"),
        (
            "amount: default(steps.classify.output.amount, 0)",
            "amount: input.tier",
            "types",
            "LM403",
        ),
        ("classify.output.amount, 0)", "classify.output.amont, 0)", "types", "LM311"),
        ("        with: {ticket: input.ticket}\n", "", "types", "LM406"),
        ("save: {ticket: input.ticket,", "save: {tiket: input.ticket,", "types", "LM305"),
        ("save: {ticket: input.ticket,", "save: {ticket: 7,", "types", "LM402"),
        ("escalate: [finance]", "escalate: [finence]", "policy", "LM306"),
        ("        to: lead\n", "", "policy", "LM502"),
        ("description: Decide", "description: sk-proj-abcdefgh12345678 Decide", "safety", "LM601"),
    ],
)
def test_each_error_of_the_text_stands_in_one_layer(
    changed: Any, look: Any, old: str, new: str, layer: str, code: str
) -> None:
    report = look(changed(old, new))
    assert not report.ok
    assert code in [d.code for d in report.layer(layer).diagnostics]
    elsewhere = [d.code for one in report.layers if one.name != layer for d in one.diagnostics]
    assert code not in elsewhere
    assert report.layer(layer).colour == "red"


def test_where_there_is_no_mesh_the_other_layers_are_not_proven(look: Any, changed: Any) -> None:
    for text in ("", "mesh: [", "- 1", "mesh: a\nx: 1\n", changed("kind: python", "kind: pythn")):
        report = look(text)
        assert report.mesh == ""
        assert report.layer("schema").colour == "red"
        for layer in report.layers[1:]:
            assert layer.colour == "not proven"
            assert "no mesh to look at yet" in layer.unproven[0]


def test_a_text_with_an_error_of_types_alone_has_a_sound_schema(changed: Any, look: Any) -> None:
    report = look(changed("amount: default(steps.classify.output.amount, 0)", "amount: input.tier"))
    assert report.layer("schema").colour == "green"
    assert report.layer("types").colour == "red"
    assert report.layer("policy").colour == "not proven"


def test_the_reference_mesh_has_no_finding(refunds: str, look: Any) -> None:
    report = look(refunds)
    assert report.diagnostics == ()
    for name in ("schema", "policy", "safety", "cost"):
        assert report.layer(name).colour == "green", name
    (open_point,) = report.layer("types").unproven
    assert "no function yet for agent `clerk`, agent `teller` and tool `pay_out`" in open_point
    assert report.layer("schema").summary == "4 agents, 1 tool, 1 policy, 1 workflow, 3 steps"


def test_warnings_of_the_text_make_no_layer_green(changed: Any, look: Any) -> None:
    report = look(changed("default: deny", "default: approve", "expect: deny", "expect: approve"))
    assert report.layer("policy").colour == "amber"
    assert [d.code for d in report.layer("policy").diagnostics] == ["LM602"]
    assert report.ok


def test_an_open_default_that_untrusted_input_reaches_is_told_once(refunds: str, look: Any) -> None:
    rules, after = refunds.split("    rules:\n", 1)[0], refunds.partition("budgets: {run")[2]
    report = look(f"{rules}    default: approve\n    on_error: deny\n\nbudgets: {{run{after}")
    assert [d.code for d in report.diagnostics] == ["LM620"]
    assert "`default: approve` of `payouts`" in report.diagnostics[0].message


def test_a_file_that_is_no_text_at_all(look: Any) -> None:
    report = look(bytes(range(256)).decode("latin-1") * 40)
    assert report.layer("schema").colour == "red"
    assert not report.ok
