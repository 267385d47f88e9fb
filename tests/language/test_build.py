"""Every mistake has its code, its place and a way out: the reference mesh, with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Changed = Callable[..., Any]

# (what stands there, what is written instead, code, text over the caret, part of the hint)
MISTAKES = [
    # keys
    ("currency: USD", "curency: USD", "LM201", "curency", "Did you mean `currency`?"),
    ("    role: Refund clerk\n", "    rol: Refund clerk\n", "LM201", "rol", "Did you mean `role`?"),
    ("    role: Refund clerk\n", "", "LM202", "clerk", "Add `role: …`."),
    ("mesh: refunds\n", "", "LM202", "d", "`mesh: refunds`"),
    ("mesh: refunds", "mesh:", "LM211", "mesh", "Give it a value"),
    ("    role: Refund clerk", "    role: [a]", "LM204", "[a]", ""),
    ("    role: Refund clerk", "    role: 5", "LM204", "5", 'Quote it: "5".'),
    ("skill: 4", "skil: 4", "LM201", "skil", "Did you mean `skill`?"),
    ("budgets: {run: 0.50", "budgets: {runs: 0.50", "LM201", "runs", "Did you mean `run`?"),
    ("{roles: [approver]}", "{role: [approver]}", "LM201", "role", "Did you mean `roles`?"),
    ("proficiency: 0.8", "skill: 0.8", "LM201", "skill", "proficiency"),
    # ids
    ("  clerk:\n", "  refund-clerk:\n", "LM205", "refund-clerk", "Write `refund_clerk`."),
    ("  clerk:\n", "  RefundClerk:\n", "LM205", "RefundClerk", "Write `refund_clerk`."),
    ("  clerk:\n", "  2nd:\n", "LM205", "2nd", "Write `nd`."),
    ("  clerk:\n", f"  {'x' * 101}:\n", "LM205", "x" * 101, ""),
    ("mesh: refunds", "mesh: my refunds", "LM205", "my refunds", "Write `my_refunds`."),
    ("- id: small", "- id: Small", "LM205", "Small", "Write `small`."),
    ("tier: {enum: [basic, gold]}}\n        output: {amount",
     "tier: {enum: [basic, gold]}, from: string or null}\n        output: {amount",
     "LM205", "from", "from_value"),
    ("tier: {enum: [basic, gold]}}\n        output: {amount",
     "tier: {enum: [basic, gold]}, ctx: string or null}\n        output: {amount",
     "LM205", "ctx", "ctx_value"),
    # values
    ("proficiency: 0.8", "proficiency: 1.8", "LM208", "1.8", ""),
    ("proficiency: 0.8", 'proficiency: "0.8"', "LM204", '"0.8"', "without quotes"),
    ("calls: 3", "calls: 0", "LM208", "0", ""),
    ("calls: 3", "calls: 2.5", "LM208", "2.5", ""),
    ("timeout: 20s", "timeout: 20", "LM207", "20", "20s, 20m or 20h"),
    ("timeout: 20s", "timeout: 20 seconds", "LM207", "20 seconds", "1h30m"),
    ("timeout: 20s", "timeout: 0s", "LM208", "0s", ""),
    ("timeout: 20s", "timeout: 99999d", "LM208", "99999d", ""),
    ("cost: 0.05}", "cost: -1}", "LM208", "-1", ""),
    ("day: 20", "day: lots", "LM204", "lots", ""),
    ("day: 20", "day: 20, count: listprice", "LM206", "listprice", "Did you mean `list_price`?"),
    ("skill: 4, text: 2, cost: 2, latency: 1, load: 1", "skill: 0, text: 0", "LM208",
     "{skill: 0, text: 0}", ""),
    ("side_effect: true", "side_effect: yes please", "LM204", "yes please", ""),
    ('python: "shop:pay_out"', "python: shop.pay_out", "LM210", "shop.pay_out", "shop:pay_out"),
    ("currency: USD", "currency: usd", "LM210", "usd", "Did you mean `USD`?"),
    ("currency: USD", "currency: dollars", "LM210", "dollars", "ISO 4217"),
    ('priced_as: "openai:gpt-5-mini"', "priced_as: gpt-5-mini", "LM210", "gpt-5-mini", "openai:"),
    ("provider: offline", "provider: ofline", "LM206", "ofline", "Did you mean `offline`?"),
    ("tier: small,", "tier: tiny,", "LM206", "tiny", "small, large, specialist"),
    # references
    ("capability: refund.propose", "capability: refund.propos", "LM302", "refund.propos",
     "Did you mean `refund.propose`?"),
    ("capability: refund.propose", "capability: nobody_can", "LM302", "nobody_can", "Known:"),
    ("model: {tier: small}", "model: qick", "LM301", "qick", "Did you mean `quick`?"),
    ("model: {tier: small}", "model: small", "LM301", "small", "{tier: small}"),
    ("model: {tier: small}", "model: {domain: leagl}", "LM309", "leagl", "Did you mean `legal`?"),
    ("model: {tier: small}", "model: {domain: medical}", "LM309", "medical", "Known: legal."),
    ("model: {tier: small}", "model: {tier: small, domain: legal}", "LM209",
     "{tier: small, domain: legal}", ""),
    ("provider: offline, tier: specialist", "provider: offline, tier: small", None, "", ""),
    ("model: {tier: large}", "model: {tier: lrge}", "LM206", "lrge", "Did you mean `large`?"),
    ("memory: {read: [ticket]}", "memory: {read: [tickets]}", "LM305", "tickets",
     "Did you mean `ticket`?"),
    ("memory: {read: [ticket]}", "memory: {read: [ticket, ticket]}", "LM213", "ticket", ""),
    ("tools: [pay_out]\n\n", "tools: [payout]\n\n", "LM304", "payout", "Did you mean `pay_out`?"),
    ("to: lead", "to: leed", "LM306", "leed", "Did you mean `lead`?"),
    ("escalate: [finance]", "escalate: [lead, boss]", "LM306", "boss", "Known: lead, finance"),
    ("complexity: routine", "after: clasify", "LM307", "clasify", "Did you mean `classify`?"),
    # types
    ("amount: money, tier", "amount: monney, tier", "LM401", "monney", "Did you mean `money`?"),
    ("output: {category: refund}", "output: {category: refnud}", "LM402", "refnud", ""),
    ("output: {category: refund}", "output: {categry: refund}", "LM402", "categry",
     "Did you mean `category`?"),
    ("default(steps.classify.output.amount, 0)", "steps.classify.output.amount", "LM403",
     "steps.classify.output.amount", "default(steps.classify.output.amount, …)"),
    ("tier: input.tier\n      pay", "tier: '\"silver\"'\n      pay", "LM402", "'\"silver\"'",
     "{enum: [basic, gold]}"),
    ("tier: input.tier\n      pay", "tier: input.ticket\n      pay", "LM403", "input.ticket", ""),
    ("when: steps.propose.output.amount > 0", "when: steps.propose.output.amount", "LM403",
     "steps.propose.output.amount", "Compare it"),
    ("with: {ticket: input.ticket}", "with: {tiket: input.ticket}", "LM406", "tiket",
     "Did you mean `ticket`?"),
    ("        with: {ticket: input.ticket}\n", "", "LM406", "classify", "Add `ticket: …`"),
    ("ticket_id: input.ticket_id, amount: steps", "amount: steps", "LM406", "with", "ticket_id"),
    ("with: {ticket: input.ticket}", "with: {ticket: input.ticket, more: 1}", "LM406", "more",
     "Its inputs are ticket."),
    ("output: {category: {enum: [refund, bug, question]}, amount: money or null, confidence: "
     "number}\n        examples:\n          - {text: \"Three",
     "output: {category: {enum: [refund, bug]}, amount: money or null, confidence: number}\n"
     "        examples:\n          - {text: \"Three",
     "LM405", "output", "same types everywhere"),
    ("merge: append", "merge: apend", "LM206", "apend", "Did you mean `append`?"),
    ("{type: {list: string}, scope", "{type: string, scope", "LM209", "append", "{list: …}"),
    ("{type: {list: string}, scope", "{list: string, scope", "LM202", "precedents", "{type:"),
    ("sensitivity: secret", "sensitivity: hidden", "LM206", "hidden", "public"),
    # expressions
    ('== "refund"', "== refund", "LM310", "refund", 'written `"refund"`'),
    ("steps.propose.output.amount > 0", "steps.propos.output.amount > 0", "LM311", "propos",
     "propose"),
    ("tool.arguments.amount <= 100", "tool.argument.amount <= 100", "LM311", "argument",
     "arguments"),
    ("tool.arguments.amount <= 100", "steps.pay.output.amount <= 100", "LM310", "steps", ""),
    # policies
    ("at: tool", "at: tol", "LM206", "tol", "Did you mean `tool`?"),
    ("        to: lead\n", "", "LM502", "then", "lead, finance, approver"),
    ("then: approve", "then: approve\n        to: lead", "LM503", "to", "then: ask"),
    ("then: approve", "then: aprove", "LM206", "aprove", "Did you mean `approve`?"),
    ("id: large", "id: small", "LM501", "small", "each its own"),
    ("default: deny", "default: maybe", "LM206", "maybe", "approve, ask, deny"),
    ("on_error: ask", "on_error: approve", "LM206", "approve", "ask or deny"),
    ("on_error: ask", "on_timeout: approve", "LM206", "approve", "deny"),
    ("for: {tools: [pay_out]}", "for: {tools: []}", "LM211", "[]", "cover all"),
    ("{given: {tool:", "{given: {tol:", "LM505", "tol", "Did you mean `tool`?"),
    ('amount: "100"}}', 'amount: "a lot"}}', "LM402", '"a lot"', ""),
    ("expect: approve", "expect: aprove", "LM206", "aprove", "Did you mean `approve`?"),
    # agents
    ("    kind: python\n    capabilities:\n      refund.propose",
     "    kind: pyhton\n    capabilities:\n      refund.propose", "LM206", "pyhton", "`python`"),
    ("    role: Refund clerk\n", "    role: Refund clerk\n    model: quick\n", "LM209", "model",
     "It is a function"),
    ("    role: Senior support analyst\n",
     '    role: Senior support analyst\n    python: "a:b"\n', "LM209", "python", "kind: python"),
    # flow
    ("complexity: routine", "after: pay", "LM320", "after", "Break the circle"),
    ("complexity: routine", "after: classify", "LM320", "after", ""),
    ("with: {ticket: input.ticket}", "with: {ticket: steps.classify.output.category}", "LM320",
     "classify", "`save` and `until`"),
    ("with: {ticket: input.ticket}", "with: {ticket: 'default(memory.card, \"\")'}", "LM604",
     "'default(memory.card, \"\")'", "{read: [card]}"),
    ("complexity: routine", "save: {tier: input.tier}", "LM604", "tier", "{write: [tier]}"),
    ("save: {ticket: input.ticket, tier", "save: {tickt: input.ticket, tier", "LM305", "tickt",
     "Did you mean `ticket`?"),
    ("save: {ticket: input.ticket, tier: input.tier}", "save: {tier: input.ticket}", "LM403",
     "input.ticket", "{enum: [basic, gold]}"),
    ("paid: default(steps.pay.output.amount, 0)", "paid: default(steps.pay.output.amont, 0)",
     "LM311", "amont", "amount"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "marked", "hint"), MISTAKES)
def test_one_mistake_one_message(
    changed: Changed, old: str, new: str, code: str | None, marked: str, hint: str
) -> None:
    told = changed(old, new)
    if code is None:
        assert told.diagnostics == ()
        return
    found = told.only(code)
    assert found.severity == "error"
    assert told.spec is None
    assert told.marked(found) == marked
    assert hint in found.hint
    assert found.message[0].isupper() or found.message[0] == "`"


def test_a_tier_that_no_model_has(changed: Changed) -> None:
    told = changed("provider: offline, tier: large", "provider: offline, tier: small")
    assert told.codes == ["LM308", "LM308"]
    assert [told.marked(d) for d in told.diagnostics] == ["large", "large"]
    assert "specialist" in told.diagnostics[0].hint


def test_everything_is_told_at_once(refunds: str, told: Callable[[str], Any]) -> None:
    text = (
        refunds.replace("currency: USD", "curency: USD")
        .replace("capability: refund.propose", "capability: refund.propos")
        .replace("to: lead", "to: leed")
        .replace('== "refund"', "== refund")
        .replace("within: 30m", "within: 30")
    )
    found = told(text)
    assert found.codes == ["LM201", "LM306", "LM207", "LM302", "LM310"]
    places = [d.span for d in found.diagnostics]
    assert places == sorted(places)


WARNINGS = [
    ("default: deny", "default: approve", "LM602", "default"),
    ("    limits: {calls: 3", "    tools: [pay_out]\n    limits: {calls: 3", "LM606", "tools"),
    ("{enum: [refund, bug, question]}, amount: money or null, confidence: number}\n        "
     "examples:\n          - {text: \"I", "{enum: [refund, bug, question]}, amount: money or null, "
     "confidence: number}\n        description: no\n        examples:\n          - {text: \"I",
     "LM122", "no"),
    ("proficiency: 0.8", "proficiency: 0.8\n        description: off", "LM122", "off"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "marked"), WARNINGS)
def test_warnings_leave_a_spec(
    changed: Changed, old: str, new: str, code: str, marked: str
) -> None:
    told = changed(old, new)
    found = told.only(code)
    assert found.severity == "warning"
    assert told.spec is not None
    assert told.marked(found) == marked


def test_a_side_effect_without_a_policy_is_announced(
    refunds: str, told: Callable[[str], Any]
) -> None:
    start = refunds.index("policies:")
    text = refunds[:start] + refunds[refunds.index("budgets:") :]
    found = told(text)
    warning = found.only("LM603")
    assert found.marked(warning) == "pay_out"
    assert found.spec is not None
    pasted = warning.hint.split("\n")[-1].strip()
    again = told(text.replace("budgets:", f"policies:\n  {pasted}\n\nbudgets:"))
    assert again.diagnostics == ()


def test_anything_that_cannot_be_proved_is_a_warning(changed: Changed) -> None:
    told = changed(
        "{ticket_id: string, ticket: string, tier: {enum",
        "{ticket_id: any, ticket: string, tier: {enum",
    )
    found = told.only("LM404")
    assert found.severity == "warning"
    assert told.marked(found) == "input.ticket_id"
    assert told.spec is not None


def test_related_places_lead_to_the_declaration(changed: Changed) -> None:
    told = changed("default(steps.classify.output.amount, 0)", "steps.classify.output.amount")
    (related,) = told.only("LM403").related
    assert related.line_text.strip().startswith("input:  {ticket: string, amount: money, tier")
    assert related.span.line == 59


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("mesh: a", []),
        ("mesh: a\nagents: {}\n", []),
        ("mesh: a\nagents:\n", ["LM211"]),
        ("mesh: a\nagents: [a]\n", ["LM204"]),
        ("mesh: a\nagents: {x: }\n", ["LM211"]),
        ("mesh: a\nagents: {x: 3}\n", ["LM204"]),
        ("mesh: a\nworkflows: {w: {steps: {}}}\n", ["LM211"]),
        ("mesh: a\nworkflows: {w: {}}\n", ["LM202"]),
        ("mesh: a\nworkflows: {w: {steps: {s: {}}}}\n", ["LM202"]),
        ("mesh: a\nworkflows: {w: {steps: {s: {capability: c}}}}\n", ["LM302"]),
        ("mesh: a\nworkflows: {w: {steps: {s: {capability: [c]}}}}\n", ["LM204"]),
        ("mesh: a\npolicies: {p: {}}\n", ["LM202"]),
        ("mesh: a\npolicies: {p: {at: tool, rules: {}}}\n", ["LM204"]),
        ("mesh: a\npolicies: {p: {at: tool, rules: [x]}}\n", ["LM204"]),
        ("mesh: a\npolicies: {p: {at: tool, tests: [x]}}\n", ["LM204"]),
        ("mesh: a\npolicies: {p: {at: output, for: {tools: [x]}}}\n", ["LM504"]),
        ("mesh: a\npolicies: {p: {at: tool, default: ask}}\n", ["LM502"]),
        ("mesh: a\npeople: {p: , q: {}}\n", []),
        ("mesh: a\npeople: {lead: {roles: [lead]}}\n", ["LM206"]),
        ("mesh: a\nmemory: {m: [a]}\n", ["LM401"]),
        ("mesh: a\ntools: {t: {input: {}}}\n", ["LM202"]),
        ("mesh: a\nmodels: {m: {}}\n", ["LM202"]),
        ("mesh: a\nagents: {a: {role: r, capabilities: {}}}\n", ["LM301", "LM211"]),
        (
            "mesh: a\nagents: {a: {role: r, kind: python, capabilities: "
            "{c: {input: {}, output: {}}}}}\n",
            [],
        ),
        ("- a\n", ["LM204"]),
        ("hello", ["LM204"]),
        ("3", ["LM204"]),
    ],
)  # fmt: skip
def test_small_and_odd_meshes(told: Callable[[str], Any], text: str, codes: list[str]) -> None:
    found = told(text)
    assert found.codes == codes, [str(d) for d in found.diagnostics]
    assert (found.spec is None) == bool(codes)


def test_fixing_one_reference_does_not_hide_another(told: Callable[[str], Any]) -> None:
    """A block that cannot be read silences references into it, and only those."""
    found = told("mesh: a\nmemory: 3\nagents: {a: {role: r, kind: python, memory: {read: [x]}, "
                 "tools: [t], capabilities: {c: {input: {}, output: {}}}}}\n")  # fmt: skip
    assert found.codes == ["LM204", "LM304"]
