"""One mistake, one message: what is wrong once in the reference mesh is told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import parse

MISTAKES = [
    ("mesh: refunds", "mesch: refunds", "LM201"),
    ("mesh: refunds\n", "", "LM202"),
    ("models:", "modells:", "LM201"),
    ("memory:\n  ticket:     string", "memroy:\n  ticket:     string", "LM201"),
    ("people:", "poeple:", "LM201"),
    ("tools:\n  pay_out:", "tols:\n  pay_out:", "LM201"),
    ("agents:\n", "agnets:\n", "LM201"),
    ("policies:", "polices:", "LM201"),
    ("budgets:", "budget:", "LM201"),
    ("routing:", "rooting:", "LM201"),
    ("workflows:", "workflow:", "LM201"),
    ("    role: Senior", "    rolle: Senior", "LM201"),
    (
        "    capabilities:\n      ticket.classify:",
        "    capabilites:\n      ticket.classify:",
        "LM201",
    ),
    ("        input:  {ticket: string}\n", "        inputs:  {ticket: string}\n", "LM201"),
    (
        "    kind: python\n    capabilities:\n      refund.propose",
        "    knd: python\n    capabilities:\n      refund.propose",
        "LM201",
    ),
    ("side_effect: true", "side_efect: true", "LM201"),
    ("    at: tool", "    att: tool", "LM201"),
    ("    for: {tools: [pay_out]}", "    for: {tool: [pay_out]}", "LM201"),
    ("        within: 30m", "        witin: 30m", "LM201"),
    ("    steps:\n", "    stepps:\n", "LM201"),
    ("        capability: ticket.classify", "        capabillity: ticket.classify", "LM201"),
    ("    default: deny", "    defualt: deny", "LM201"),
    ("scope: mesh", "scop: mesh", "LM201"),
    ("provider: offline, tier: small", "provder: offline, tier: small", "LM201"),
    ("capability: refund.propose", "capability: refund.propse", "LM302"),
    ("tools: [pay_out]\n\n", "tools: [pay_uot]\n\n", "LM304"),
    ("for: {tools: [pay_out]}", "for: {tools: [payout]}", "LM304"),
    ("to: lead", "to: leed", "LM306"),
    ("escalate: [finance]", "escalate: [finanse]", "LM306"),
    ("memory: {read: [ticket]}", "memory: {read: [tickets]}", "LM305"),
    ("save: {ticket: input.ticket, tier", "save: {tickett: input.ticket, tier", "LM305"),
    ("steps.classify.output.category ==", "steps.clasify.output.category ==", "LM311"),
    ("amount: steps.propose.output.amount}", "amount: steps.propose.output.amout}", "LM311"),
    ("with: {ticket: input.ticket}", "with: {ticket: input.tickt}", "LM311"),
    ("model: {tier: small}", "model: {tier: smal}", "LM206"),
    ("routine: small", "routine: smll", "LM206"),
    ("complexity: routine", "complexity: rutine", "LM206"),
    ("ticket:     string", "ticket:     strng", "LM401"),
    ("{enum: [basic, gold]}", "{enum: basic}", "LM401"),
    ("type: {list: string}", "type: {lst: string}", "LM401"),
    ("amount: money or null, confidence", "amount: mony or null, confidence", "LM401"),
    ("output: {category: refund}", "output: {category: refnd}", "LM402"),
    ("limits: {calls: 3", "limits: {calls: three", "LM204"),
    ("timeout: 20s", "timeout: 20", "LM207"),
    ("within: 30m", "within: soon", "LM207"),
    ("budgets: {run: 0.50", "budgets: {run: cheap", "LM204"),
    ("proficiency: 0.8\n", "proficiency: 8\n", "LM208"),
    ("then: approve", "then: aprove", "LM206"),
    ("    at: tool", "    at: toll", "LM206"),
    ("merge: append", "merge: apend", "LM206"),
    ("currency: USD", "currency: USDD", "LM210"),
    ("    on_error: ask", "    on_error: asks", "LM206"),
    ("expect: approve", "expect: aprove", "LM206"),
    ('amount: "100"', "amont: 100", "LM402"),
    (
        "people:\n  lead:    {roles: [approver]}\n  finance: {roles: [approver]}",
        "people: [lead, finance]",
        "LM204",
    ),
    ("agents:\n  triage:", "agents:\n triage:", "LM101"),
    ("    capabilities:\n      refund.pay:", "     capabilities:\n      refund.pay:", "LM101"),
    ("      pay:\n", "     pay:\n", "LM101"),
    ("        then: ask\n", "       then: ask\n", "LM101"),
    ("    rules:", "\trules:", "LM107"),
    ("  teller:\n    role: Pays out what was proposed\n", "  teller:\n", "LM202"),
    ("        capability: refund.pay\n", "", "LM202"),
    ("      - id: small\n        when", "      - when", "LM202"),
    ("id: large", "id: small", "LM501"),
    ("  triage:", "  tri-age:", "LM205"),
    ("input: {ticket_id: string, ticket: string, tier", "input: [ticket_id, ticket, tier", "LM101"),
    ("model: {tier: large}", "model:", "LM211"),
    ("when: steps.propose.output.amount > 0", "when: steps.propose.output.amount >", "LM113"),
    ("when: steps.propose.output.amount > 0", "when: steps.propose.output.amount", "LM403"),
    ("when: steps.propose.output.amount > 0", "when: steps.pay.output.amount > 0", "LM320"),
    ("    to: lead", "    to: lead\n        to: finance", "LM108"),
    ("        output: {receipt: string, amount: money}\n", "", "LM202"),
    (
        "        input:  {ticket_id: string, amount: money}\n        output: {r",
        "        output: {r",
        "LM202",
    ),
]
TWO: list[tuple[str, str, list[str]]] = [
    # The type that changed is right in itself: both places that rely on it have to be looked at.
    (
        "output: {amount: money, reason: string}",
        "output: {amount: string, reason: string}",
        ["LM410", "LM403"],
    ),
    # The second `lead` stands where `finance` was, who is gone.
    ("  finance: {roles", "  lead: {roles", ["LM108", "LM306"]),
]


@pytest.mark.parametrize(("old", "new", "code"), MISTAKES)
def test_one_mistake_is_told_once(
    changed: Callable[..., Any], old: str, new: str, code: str
) -> None:
    told = changed(old, new)
    found = told.only(code)
    assert found.severity == "error"
    assert told.spec is None


@pytest.mark.parametrize(("old", "new", "codes"), TWO)
def test_what_is_told_twice_has_two_places_to_mend(
    changed: Callable[..., Any], old: str, new: str, codes: list[str]
) -> None:
    told = changed(old, new)
    assert told.codes == codes
    assert len({d.span.line for d in told.diagnostics}) == 2


def test_there_are_sixty_of_them() -> None:
    assert len(MISTAKES) >= 60


def test_mistakes_in_many_places_are_told_all_at_once(refunds: str) -> None:
    text, seeded = refunds, []
    for old, new, code in MISTAKES:
        independent = code in ("LM206", "LM207", "LM210", "LM304", "LM305", "LM306")
        if independent and text.count(old) == refunds.count(old) == 1:
            text = text.replace(old, new)
            seeded.append(code)
    assert len(seeded) >= 10
    told = parse(text).diagnostics
    assert sorted(d.code for d in told) == sorted(seeded)
    assert [d.span for d in told] == sorted(d.span for d in told)


def test_what_a_misspelt_block_holds_is_checked_all_the_same(changed: Callable[..., Any]) -> None:
    told = changed("memory:\n  ticket:     string", "memroy:\n  ticket:     strng")
    assert told.codes == ["LM201", "LM401"]


def test_a_key_that_is_far_from_any_is_not_read_as_one(changed: Callable[..., Any]) -> None:
    told = changed("    role: Senior support analyst", "    task: Senior support analyst")
    assert told.codes == ["LM202", "LM201"]


ONE_CAUSE = [
    # What cannot be read is not missing as well, wherever it is named.
    ("    input: {ticket_id: string, ticket: string, tier: {enum: [basic, gold]}}\n    save",
     "    input: [ticket_id, ticket, tier]\n    save", "LM204"),
    ("    input: {ticket_id: string, ticket: string, tier: {enum: [basic, gold]}}\n    save",
     "    input: ticket\n    save", "LM204"),
    ("    input: {ticket_id: string, ticket: string, tier: {enum: [basic, gold]}}\n    save",
     "    input:\n    save", "LM211"),
    ("        with: {ticket: input.ticket}\n        complexity",
     "        with: [input.ticket]\n        complexity", "LM204"),
    ("        with: {ticket: input.ticket}\n        complexity",
     "        with:\n        complexity", "LM211"),
    ("people:\n  lead:    {roles: [approver]}\n  finance: {roles: [approver]}", "people:", "LM211"),
    ("quick:   {provider: offline,", "quick:   {<<: {provider: offline},", "LM120"),
    ("quick:   {provider: offline,", "quick:   {provider: offline, region: eu,", "LM214"),
    ("when: steps.propose.output.amount > 0", 'when: __import__("os").system("ls") == 0', "LM312"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code"), ONE_CAUSE)
def test_one_cause_is_told_once(changed: Callable[..., Any], old: str, new: str, code: str) -> None:
    assert changed(old, new).only(code).severity == "error"


@pytest.mark.parametrize("name", ["classify-it", "in", "Classify"])
def test_a_name_that_is_refused_is_told_where_it_is_declared(refunds: str, name: str) -> None:
    text = refunds.replace("      classify:", f"      {name}:")
    text = text.replace("steps.classify.", f"steps.{name}.")
    assert [d.code for d in parse(text).diagnostics] == ["LM205"]


def test_the_same_for_the_input_of_a_workflow(refunds: str) -> None:
    head, tail = refunds.split("workflows:\n")
    tail = tail.replace("{ticket_id: string, ticket:", "{ticket-id: string, ticket:")
    text = f"{head}workflows:\n{tail.replace('input.ticket_id', 'input.ticket-id')}"
    assert [d.code for d in parse(text).diagnostics] == ["LM205"]


def test_another_unknown_name_is_told_all_the_same(refunds: str) -> None:
    text = refunds.replace("      classify:", "      classify-it:")
    told = [d.code for d in parse(text).diagnostics]
    assert told.count("LM205") == 1
    assert "LM311" in told  # `steps.classify`, which nobody declares


def test_what_a_point_does_not_see_is_not_looked_up(changed: Callable[..., Any]) -> None:
    told = changed(
        "    at: tool\n    for: {tools: [pay_out]}", "    at: output\n    for: {tools: [zz]}"
    )
    codes = [d.code for d in told.diagnostics]
    assert "LM504" in codes
    assert "LM304" not in codes


def test_values_of_an_enum_that_are_no_texts(changed: Callable[..., Any]) -> None:
    told = changed("{enum: [basic, gold]}", "{enum: [on, true, 3]}")
    assert [d.code for d in told.diagnostics if d.severity == "error"] == ["LM401"]
    assert 'Quote them: "true", "3".' in [d.hint for d in told.diagnostics]


def test_memory_that_is_declared_and_not_granted(changed: Callable[..., Any]) -> None:
    told = changed("instructions: Read the ticket", 'instructions: "${memory.tier}"\n    # Read')
    found = told.only("LM604")
    assert found.hint == "Grant it: memory: {read: [ticket, tier]}."
    assert told.marked(found) == "memory.tier"
    assert found.related[0].message == "the field is declared here"


def test_a_field_that_is_no_list_is_not_added_to(changed: Callable[..., Any]) -> None:
    told = changed("{list: string}, scope: mesh, merge: append", "{map: string}, merge: extend")
    found = told.only("LM209")
    assert "this field is a map" in found.message
    assert "are for lists" in found.hint


@pytest.mark.parametrize(("old", "new"), [("${tool.arguments.amount}", "{tool.arguments.amount}")])
def test_braces_without_a_dollar(changed: Callable[..., Any], old: str, new: str) -> None:
    told = changed(old, new)
    found = told.only("LM116")
    assert found.severity == "warning"
    assert told.marked(found) == new
    assert found.hint == f"Write `{old}` for the value."
    for harmless in ("{{tool.arguments.amount}}", "{tool.arguments.zz}", "{a.b}", "$${run.id}"):
        codes = changed(old, harmless).codes if harmless[:2] != "{{" else []
        assert [code for code in codes if code != "LM116"] == []


def test_a_person_of_whom_nothing_is_said(changed: Callable[..., Any]) -> None:
    told = changed(
        "  finance: {roles: [approver]}\n", "  finance: {roles: [approver]}\n  x: null\n"
    )
    assert told.only("LM211").severity == "warning"


def test_a_bare_name_in_a_policy_is_one_of_its_point(changed: Callable[..., Any]) -> None:
    found = changed("when: tool.arguments.amount <= 100\n", "when: amount <= 100\n").only("LM310")
    assert found.hint.startswith("Did you mean `tool.arguments.amount`")
