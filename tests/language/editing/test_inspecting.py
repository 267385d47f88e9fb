"""Shift-Tab: what there is to say of the word under the cursor."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.language.build_policies import POLICY
from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.editing.inspecting import Doc, document
from leafmesh_nb.language.editing.policy_keys import SECTIONS
from leafmesh_nb.language.spec import Spec


def at(refunds: str, place: str) -> Doc | None:
    """The documentation where ``‸`` stands in a piece of the mesh."""
    before, _, after = place.partition("‸")
    assert before + after in refunds, place
    return document(Draft(refunds), refunds.index(before + after) + len(before))


@pytest.mark.parametrize(
    ("place", "title", "kind", "said"),
    [
        ("ag‸ents:", "agents", "key of a mesh", "Who performs the steps"),
        ("‸agents:", "agents", "key of a mesh", "Who performs the steps"),
        ("tri‸age:", "triage", "agent, llm", "First-line support analyst"),
        ("ki‸nd: python", "kind", "key of an agent", "Who performs the work"),
        ("kind: py‸thon", "python", "value", "A Python function"),
        ("capability: ticket.cl‸assify", "ticket.classify", "capability", ""),
        ("steps.cl‸assify.output", "classify", "step of refund", ""),
        ("def‸ault(steps", "default(x, y)", "function", "null, missing or of a skipped step"),
        ("in‸put.ticket}", "input", "name", "What the run was started with"),
        ("to: le‸ad", "lead", "person", "approver"),
        ("esca‸late: [", "escalate", "key of a rule", "Who is asked next"),
        ("tick‸et:     string", "ticket", "memory field", ""),
        ("ticket:     str‸ing", "string", "type", "Text."),
        ("  pay_‸out:\n", "pay_out", "tool", ""),
        ("tools: [pay_‸out]", "pay_out", "tool", ""),
        ("weights: {sk‸ill", "skill", "key of `weights`", "proficiency"),
        ("model: {tier: sm‸all}", "small", "value", "Quick and cheap"),
        ("within: 30‸m", "within", "key of a rule", "How long the question waits"),
        ("  ref‸und:\n", "refund", "workflow", ""),
    ],
)
def test_keys_words_and_names(refunds: str, place: str, title: str, kind: str, said: str) -> None:
    doc = at(refunds, place)
    assert doc is not None
    assert (doc.title, doc.kind) == (title, kind)
    assert said in doc.text


def test_the_most_severe_rule_decides_and_not_the_first(refunds: str) -> None:
    """What is said of rules is what the gate does."""
    rules = at(refunds, "    ru‸les:\n      - id: small")
    assert rules is not None
    assert "order does not matter" in rules.text
    policies = next(section for section in SECTIONS.values() if section.block is POLICY)
    assert "the most severe outcome decides" in policies.doc
    assert "first rule that matches" not in policies.doc


def facts(refunds: str, place: str) -> dict[str, str]:
    doc = at(refunds, place)
    assert doc is not None
    return dict(doc.facts)


def test_the_facts_of_things(refunds: str) -> None:
    agent = facts(refunds, "cle‸rk:")
    assert agent["can"] == "`refund.propose`"
    assert agent["reads"] == "`ticket`, `tier`, `precedents`"
    assert agent["writes"] == "`precedents`"
    field = facts(refunds, "prece‸dents:")
    assert field == {
        "type": "`{list: string}`",
        "scope": "`mesh`",
        "merge": "`append`",
        "sensitivity": "`internal`",
    }
    tool = facts(refunds, 'python: "shop:pay‸_out"')
    assert tool["takes"] == "text"
    assert "side effect" in facts(refunds, "tools: [pay‸_out]}")
    capability = facts(refunds, "capability: ticket.cl‸assify")
    assert capability["agents"] == "`triage`, `veteran`"
    assert capability["takes"] == "`ticket: string`"
    output = facts(refunds, "steps.classify.out‸put.category ==")
    assert output["`amount`"] == "`money or null`"
    assert facts(refunds, "output.cate‸gory ==") == {"type": "`{enum: [refund, bug, question]}`"}
    assert facts(refunds, "${tool.arguments.am‸ount}") == {"type": "`money`"}
    assert facts(refunds, '{amo‸unt: "100"}') == {"type": "`money`"}


def test_the_facts_of_keys(refunds: str) -> None:
    doc = at(refunds, "sensi‸tivity: secret")
    assert doc is not None
    told = dict(doc.facts)
    assert told["`secret`"] == "Masked."
    assert told["default"] == "`internal`"
    assert facts(refunds, "ro‸le: Refund clerk")["required"] == "yes"
    assert "takes" not in told
    rules = at(refunds, "ru‸les:")
    assert rules is not None
    assert rules.example.startswith("rules:\n  - {id: small")


def test_what_is_not_available_yet_says_so() -> None:
    from leafmesh_nb.language.editing.reference import sections

    later = [(s, k) for s in sections() for k in sections()[s].keys if sections()[s].later(k)]
    for section, key in later:
        if section != "step":
            continue
        text = f"mesh: m\nworkflows:\n  w:\n    steps:\n      a:\n        {key}: "
        doc = document(Draft(text), len(text) - 3)
        assert doc is not None
        assert ("note", "Not available yet in this version.") in doc.facts


def test_nothing_is_said_of_nothing(refunds: str) -> None:
    assert at(refunds, "\n‸\nmodels:") is None
    assert document(Draft(""), 0) is None
    assert document(Draft("unknown: x\n"), 2) is None
    assert document(Draft("# mesh: x\n"), 4) is None


def test_the_text_up_to_a_completion_is_documented(refunds: str) -> None:
    """JupyterLab asks so, to show beside a completion what it is."""
    start = refunds.index("    kind: python")
    doc = document(Draft(f"{refunds[:start]}    limits: "), start + len("    limits: "))
    assert doc is not None
    assert doc.title == "limits"
    expression = refunds.index("steps.classify.output.category ==")
    text = f"{refunds[:expression]}default("
    doc = document(Draft(text), len(text))
    assert doc is not None
    assert doc.title == "default(x, y)"


def test_the_mesh_in_force_is_known(spec: Spec, place: Any) -> None:
    cell = "%%agent helper\nrole: Helps\nmemory: {read: [prece‸dents]}\n"
    draft, offset = place(
        cell, begin=len("%%agent helper\n"), within=("agents", "helper"), spec=spec
    )
    doc = document(draft, offset)
    assert doc is not None
    assert dict(doc.facts)["scope"] == "`mesh`"
