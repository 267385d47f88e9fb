"""What a mesh says of its rules and of whom they ask, sentence by sentence of the language."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language import redactions
from leafmesh_nb.language.blocks import Block

Tell = Callable[[str], Any]
Policy = Callable[[str], Any]

MESH = """
mesh: desk
people:
  lead: {roles: [approver]}
  finance: {roles: [approver, payer]}
  boss:
memory: {ticket: string, notes: {type: {list: string}, merge: append}}
tools:
  pay: {side_effect: true, input: {amount: money, order: string}, output: {receipt: string}}
  look: {input: {order: string}, output: {state: string}}
agents:
  teller:
    role: Teller
    kind: python
    capabilities: {refund.pay: {input: {order: string}, output: {receipt: string, amount: money}}}
    tools: [pay, look]
workflows:
  refund:
    input: {order: string}
    steps: {pay: {capability: refund.pay, with: {order: input.order}}}
policies:
  p:
"""


@pytest.fixture
def policy(told: Tell) -> Policy:
    """What a mesh with this policy is told; without a point, the policy is one of tools."""

    def told_of(text: str) -> Any:
        text = text if text.startswith("at:") else f"at: tool\n{text}"
        return told(MESH + "".join(f"    {line}\n" for line in text.split("\n")))

    return told_of


def test_a_policy_of_which_little_is_said(policy: Policy) -> None:
    found = policy("for: {tools: [pay]}")
    assert found.diagnostics == ()
    p = found.spec.policies["p"]
    assert (p.default, p.on_error, p.on_timeout, p.rules) == ("deny", "deny", "deny", ())


def test_a_question_with_all_that_belongs_to_it(policy: Policy) -> None:
    found = policy(
        "rules:\n"
        "  - id: large\n"
        "    when: tool.arguments.amount > 100\n"
        "    then: ask\n"
        "    to: approver\n"
        "    within: 2h\n"
        "    escalate: [payer, boss]\n"
        "    not: [requester]\n"
        '    reason: "${tool.arguments.amount} for ${input.order}"\n'
        "for: {tools: [pay], agents: [teller], capabilities: [refund.pay], steps: [pay]}\n"
        "default: ask\n"
        "on_error: ask\n"
        "on_timeout: deny"
    )
    assert found.diagnostics == ()
    p = found.spec.policies["p"]
    (rule,) = p.rules
    assert (rule.to, rule.within, rule.escalate) == ("approver", 7200.0, ("payer", "boss"))
    assert rule.excluded == ("requester",)
    assert (rule.redact, rule.quorum, rule.identity) == ((), None, None)
    assert (p.default, p.on_error) == ("ask", "ask")
    assert (p.target.agents, p.target.capabilities) == (("teller",), ("refund.pay",))
    assert (p.target.tools, p.target.steps, p.target.fields) == (("pay",), ("pay",), ())
    assert found.spec.roster("approver") == ("lead", "finance")


def test_a_question_without_a_time_waits_a_day(policy: Policy) -> None:
    (rule,) = policy("rules: [{id: r, then: ask, to: boss}]").spec.policies["p"].rules
    assert rule.within == 86400.0


def test_one_name_counts_as_a_list_of_one(policy: Policy) -> None:
    found = policy(
        "for: {tools: pay}\nrules:\n"
        "  - {id: r, then: ask, to: boss, within: 1h, escalate: lead, not: requester}"
    )
    assert found.diagnostics == ()
    p = found.spec.policies["p"]
    assert (p.target.tools, p.rules[0].escalate, p.rules[0].excluded) == (
        ("pay",),
        ("lead",),
        ("requester",),
    )


WRONG = [
    ("rules: [{id: r, then: ask, to: [boss]}]", "LM204", "[boss]", ""),
    ("rules: [{id: r, then: ask, to: bos}]", "LM306", "bos", "Did you mean `boss`?"),
    ("rules: [{id: r, then: ask, to: boss, escalate: [aprover]}]", "LM306", "aprover", ""),
    ("rules: [{id: r, then: ask, to: boss, not: [boss]}]", "LM206", "boss", "requester"),
    ("rules: [{id: r, then: ask, to: boss, within: soon}]", "LM207", "soon", "30m"),
    ("rules: [{id: r, then: ask}]", "LM502", "then", "lead, finance"),
    ("rules: [{id: r, then: deny, within: 5m}]", "LM503", "within", "then: ask"),
    ("rules: [{id: r, then: deny, not: [requester]}]", "LM503", "not", "then: ask"),
    ("rules: [{then: deny}]", "LM202", "{then: deny}", "`id: …`"),
    ("rules: [{id: r}]", "LM202", "{id: r}", "`then: …`"),
    ("rules: [{id: r, then: Deny}]", "LM206", "Deny", "Did you mean `deny`?"),
    ("rules: {r: deny}", "LM204", "{r: deny}", ""),
    ("rules: [deny]", "LM204", "deny", "{id: small"),
    ("rules: [{id: r, when: 5, then: deny}]", "LM403", "5", "Compare it"),
    ("rules: [{id: r, when: tool.arguments.amount, then: deny}]", "LM403",
     "tool.arguments.amount", "Compare it"),
    ("rules: [{id: r, when: null, then: deny}]", "LM211", "when", ""),
    ("rules: [{id: r, when: steps.pay.status == 'done', then: deny}]", "LM310", "steps", "memory"),
    ("rules: [{id: r, when: output.amount > 1, then: deny}]", "LM310", "output", ""),
    ('rules: [{id: r, then: deny, reason: "${tool.argument}"}]', "LM311", "argument", ""),
    ('rules: [{id: r, then: deny, reason: ""}]', "LM211", "reason", ""),
    ("rules: [{id: r, then: deny, reason: 5}]", "LM204", "5", 'Quote it: "5".'),
    ("default: redact", "LM206", "redact", "approve, ask, deny"),
    ("default: {redact: [a]}", "LM204", "{redact: [a]}", ""),
    ("on_error: approve", "LM206", "approve", "ask or deny"),
    ("on_error: redact", "LM206", "redact", "ask, deny"),
    ("on_timeout: approve", "LM206", "approve", "deny"),
    ("on_timeout: ask", "LM206", "ask", "`deny`"),
    ("for: [pay]", "LM204", "[pay]", "{tools: [pay_out]}"),
    ("for: {tool: [pay]}", "LM201", "tool", "Did you mean `tools`?"),
    ("for: {tools: []}", "LM211", "[]", "to cover all"),
    ("for: {agents: [tellr]}", "LM303", "tellr", "Did you mean `teller`?"),
    ("for: {capabilities: [refund.pya]}", "LM302", "refund.pya", "`refund.pay`"),
    ("for: {steps: [pya]}", "LM307", "pya", "Did you mean `pay`?"),
    ("for: {tools: [payy]}", "LM304", "payy", "Did you mean `pay`?"),
    ("at: output\nfor: {tools: [pay]}", "LM504", "tools", "write `at: tool`"),
    ("at: tol", "LM206", "tol", "Did you mean `tool`?"),
    ("tests: [{expect: deny}]", "LM202", "{expect: deny}", "`given: …`"),
    ("tests: [{given: {}}]", "LM202", "{given: {}}", "`expect: …`"),
    ("tests: [{given: {toll: {}}, expect: deny}]", "LM505", "toll", "Did you mean `tool`?"),
    ("tests: [{given: {steps: {}}, expect: deny}]", "LM505", "steps", "It has memory"),
    ("tests: [{given: {tool: {arguments: {amont: 1}}}, expect: deny}]", "LM402", "amont",
     "`amount`"),
    ("tests: [{given: {tool: {arguments: {amount: x}}}, expect: deny}]", "LM402", "x", ""),
    ("tests: {given: {}}", "LM204", "{given: {}}", ""),
    ("colour: red", "LM201", "colour", "rules"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "marked", "hint"), WRONG)
def test_what_a_policy_cannot_say(
    policy: Policy, text: str, code: str, marked: str, hint: str
) -> None:
    found = policy(text)
    (error,) = (d for d in found.diagnostics if d.code != "LM603")
    assert error.code == code, str(error)
    assert found.marked(error) == marked
    assert hint in error.hint
    assert found.spec is None


@pytest.mark.parametrize(
    ("at", "key", "codes"),
    [
        ("tool", "tools: [pay]", []),
        ("tool", "steps: [pay]", []),
        ("output", "capabilities: [refund.pay]", []),
        ("output", "agents: [teller]", []),
        ("output", "tools: [pay]", ["LM504"]),
        ("output", "fields: [ticket]", ["LM203", "LM504"]),
        ("tool", "fields: [ticket]", ["LM203", "LM504"]),
        ("memory", "fields: [ticket]", ["LM203", "LM203"]),
        ("memory", "fields: [tickt]", ["LM203", "LM203", "LM305"]),
        ("memory", "tools: [pay]", ["LM203", "LM504"]),
        ("route", "agents: [teller]", ["LM203"]),
        ("route", "tools: [pay]", ["LM203", "LM504"]),
        ("call", "steps: [pay]", ["LM203"]),
        ("call", "fields: [ticket]", ["LM203", "LM203", "LM504"]),
        ("end", "agents: [teller]", ["LM203", "LM504"]),
        ("end", "steps: [pay]", ["LM203", "LM504"]),
    ],
)
def test_a_policy_is_narrowed_by_what_its_point_sees(
    policy: Policy, at: str, key: str, codes: list[str]
) -> None:
    found = policy(f"at: {at}\nfor: {{{key}}}")
    assert [code for code in found.codes if code != "LM603"] == codes


@pytest.mark.parametrize("key", ["default", "on_error"])
def test_asking_needs_people(told: Tell, key: str) -> None:
    found = told(f"mesh: a\npolicies: {{p: {{at: tool, {key}: ask}}}}\n")
    assert found.marked(found.only("LM502")) == key


def test_what_is_given_are_typed_values(policy: Policy) -> None:
    found = policy(
        "for: {tools: [pay]}\n"
        "tests:\n"
        '  - {given: {tool: {arguments: {amount: "5.10"}}, cost: {spent: 1}}, expect: deny}\n'
        "  - {given: {}, expect: deny}"
    )
    assert found.diagnostics == ()
    first, second = found.spec.policies["p"].tests
    assert first.given["tool"] == {"arguments": {"amount": Decimal("5.10")}}
    assert first.given["cost"] == {"spent": Decimal(1)}
    assert (first.expect, dict(second.given)) == ("deny", {})


SHADOWS = [
    # (rules, the one that never decides)
    ("{id: a, when: X > 1, then: approve}, {id: b, then: deny}", "a"),
    ("{id: a, then: ask, to: lead}, {id: b, when: X > 1, then: approve}", "b"),
    ("{id: a, when: X > 1, then: approve}, {id: b, when: X > 1, then: ask, to: lead}", "a"),
    ("{id: a, then: deny}, {id: b, when: X > 1, then: ask, to: lead}", "b"),
    ("{id: a, then: approve}, {id: b, when: X > 1, then: deny}", None),
    ("{id: a, when: X > 1, then: approve}, {id: b, when: X > 2, then: deny}", None),
    ("{id: a, when: X > 1, then: deny}, {id: b, when: X > 1, then: deny}", None),
    ("{id: a, then: ask, to: lead}, {id: b, then: ask, to: boss}", None),
]


@pytest.mark.parametrize(("rules", "shadowed"), SHADOWS)
def test_a_rule_that_never_decides(policy: Policy, rules: str, shadowed: str | None) -> None:
    found = policy(f"rules: [{rules.replace('X', 'tool.arguments.amount')}]\nfor: {{tools: [pay]}}")
    if shadowed is None:
        assert found.diagnostics == ()
        return
    warning = found.only("LM506")
    assert (warning.severity, found.marked(warning)) == ("warning", shadowed)
    assert found.spec is not None
    assert [related.message for related in warning.related] == ["the rule that decides"]


def test_what_is_taken_out_stays_out_when_somebody_is_asked(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redactions, "REDACT", Block("`then`", optional=("redact",)))
    out = "{id: a, then: {redact: [tool.arguments.order]}}"
    asked = policy(f"for: {{tools: [pay]}}\nrules: [{out}, {{id: b, then: ask, to: lead}}]")
    assert asked.codes == []
    denied = policy(f"for: {{tools: [pay]}}\nrules: [{out}, {{id: b, then: deny}}]")
    assert denied.codes == ["LM506"]


def test_approving_by_default_what_has_side_effects(policy: Policy) -> None:
    found = policy("for: {tools: [pay]}\ndefault: approve")
    assert found.marked(found.only("LM602")) == "default"
    assert policy("for: {tools: [look]}\ndefault: approve").codes == ["LM603"]


def test_the_digest_knows_everything_that_a_rule_decides(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes later changes the digest only where it is said."""
    from leafmesh_nb.language import build_rules

    keys = (*build_rules.RULE.optional, *build_rules.RULE.later)
    monkeypatch.setattr(build_rules, "RULE", Block("a rule", build_rules.RULE.required, keys))
    asks = "rules:\n  - {id: r, then: ask, to: approver%s}"

    def digest(more: str) -> str:
        found = policy(asks % more)
        assert found.diagnostics == (), [str(d) for d in found.diagnostics]
        return str(found.spec.policies["p"].digest)

    said = ["", ", quorum: {count: 2, of: approver}", ", quorum: {count: 1, of: approver}",
            ", identity: signed_in", ", not: [requester]"]  # fmt: skip
    assert len({digest(more) for more in said}) == len(said)


def test_who_is_asked_where_no_rule_matched(policy: Policy) -> None:
    """A question without anybody to ask, or only "anyone", would wait where nobody looks."""
    rules = "rules: [{id: a, when: tool.arguments.amount < 9, then: approve}%s]"
    for key in ("default", "on_error"):
        found = policy(f"for: {{tools: [pay]}}\n{rules % ''}\n{key}: ask")
        told = found.only("LM502")
        assert told.severity == "error"
        assert found.marked(told) == key
        assert "then: ask, to: lead" in told.hint
        asking = rules % ", {id: b, when: tool.arguments.amount > 99, then: ask, to: boss}"
        assert policy(f"for: {{tools: [pay]}}\n{asking}\n{key}: ask").codes == []


def test_a_rule_that_cannot_be_read_may_be_the_one_that_asks(policy: Policy) -> None:
    found = policy("rules: [{id: a, then: aks, to: lead}]\nfor: {tools: [pay]}\ndefault: ask")
    assert found.codes == ["LM206"]


def test_a_ladder_says_when_it_is_climbed(policy: Policy) -> None:
    found = policy(
        "for: {tools: [pay]}\nrules: [{id: a, then: ask, to: lead, escalate: [boss, finance]}]"
    )
    told = found.only("LM202")
    assert told.severity == "warning"
    assert found.marked(told) == "escalate"
    assert "`boss` is asked after 24 hours" in told.message
    assert found.spec.policies["p"].rules[0].within == 24 * 3600


@pytest.mark.parametrize(
    "condition", ["when: tool.arguments.amount <= 5,000", "when:", "if: tool.arguments.amount > 9"]
)
def test_a_condition_in_error_is_not_one_that_always_holds(policy: Policy, condition: str) -> None:
    found = policy(
        "for: {tools: [pay]}\nrules:\n"
        "  - {id: small, when: tool.arguments.amount <= 100, then: approve}\n"
        f"  - id: large\n    {condition}\n    then: ask\n    to: lead"
    )
    assert len(found.codes) == 1
    assert "LM506" not in found.codes
