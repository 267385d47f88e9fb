"""The policy layer. Every fault stands beside a twin that a line makes clean."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.language import parse

DESK = """
mesh: desk
models: {quick: {provider: offline, tier: small}}
people:
  lead: {roles: [approver]}
  boss: {roles: [approver, owner]}
tools:
  send: {side_effect: true, input: {to: string, amount: money}, output: {id: string}}
  look: {input: {to: string}, output: {found: string}}
agents:
  junior:
    role: Junior
    kind: python
    capabilities: {mail.send: {input: {to: string}, output: {id: string}}}
    tools: [send, look]
  senior:
    role: Senior
    kind: python
    capabilities: {mail.send: {input: {to: string}, output: {id: string}}}
    tools: [send, look]
  reader:
    role: Reader
    capabilities: {mail.read: {input: {mail: string}, output: {to: string}}}
policies:
  sending:
    at: tool
    for: {tools: [send]}
    rules:
      - {id: small, when: tool.arguments.amount <= 10, then: approve}
      - {id: large, when: tool.arguments.amount > 10, then: ask,
         to: lead, within: 1h, escalate: [boss]}
    default: deny
    tests:
      - {given: {tool: {arguments: {amount: "10"}}}, expect: approve}
workflows:
  answer:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
      send: {capability: mail.send, with: {to: steps.read.output.to}}
    output: {id: steps.send.output.id}
"""


@pytest.fixture
def policy(look: Any, changed: Any) -> Any:
    """The policy layer's findings about the desk, with parts of it replaced."""

    def found(*pairs: str) -> Any:
        text = changed(*pairs, text=DESK)
        parsed = parse(text)
        assert parsed.spec is not None, parsed.diagnostics
        return look.at("policy", text)

    return found


def the_one(layer: Any, code: str) -> Any:
    (diagnostic,) = layer.diagnostics
    assert diagnostic.code == code
    return diagnostic


def test_a_sound_policy_is_green(policy: Any) -> None:
    assert policy().colour == "green"
    assert policy().summary == "1 policy, 1 of 1 tests passed"


# -- tests


def test_a_test_that_fails_is_an_error_at_the_test(policy: Any) -> None:
    layer = policy('amount: "10"}}}, expect: approve', 'amount: "10.01"}}}, expect: approve')
    found = the_one(layer, "LM550")
    assert found.severity == "error"
    assert "expects approve, and the rules decide ask" in found.message
    assert found.line_text[found.span.column - 1 :].startswith("{given: {tool: {arguments: {amount")
    assert "rule large of sending" in found.hint
    assert layer.summary == "1 policy, 0 of 1 tests passed"


def test_a_test_that_cannot_be_decided_fails_with_the_reason(policy: Any) -> None:
    layer = policy('{given: {tool: {arguments: {amount: "10"}}}', "{given: {tool: {name: send}}")
    assert "could not be decided" in the_one(layer, "LM550").hint


# -- side effects


def test_a_side_effect_without_any_policy(policy: Any) -> None:
    layer = policy("for: {tools: [send]}", "for: {tools: [look]}", "tool.arguments.amount <= 10",
                   "true", "tool.arguments.amount > 10", "false",
                   '{tool: {arguments: {amount: "10"}}}', "{tool: {name: look}}")  # fmt: skip
    found = the_one(layer, "LM603")
    assert found.severity == "warning"
    assert "{at: tool, for: {tools: [send]}" in found.hint


@pytest.mark.parametrize(
    "narrow", ["tools: [send], steps: [read]", "tools: [send], capabilities: [mail.read]"]
)
def test_a_side_effect_that_the_policy_does_not_meet(policy: Any, narrow: str) -> None:
    layer = policy("for: {tools: [send]}", f"for: {{{narrow}}}")
    assert {d.code for d in layer.diagnostics} == {"LM551"}
    assert len(layer.diagnostics) == 2  # of junior and of senior
    found = layer.diagnostics[0]
    assert "At `send`, `junior` may call `send`" in found.message
    assert found.line_text[found.span.column - 1 :].startswith("send, look]")


def test_the_policy_to_paste_closes_the_gap(policy: Any) -> None:
    narrow = "for: {tools: [send], capabilities: [mail.read]}"
    layer = policy("for: {tools: [send]}", narrow)
    lines = [line for d in layer.diagnostics for line in d.hint.split("\n")[1:]]
    added = "policies:\n" + "".join(f"  {line.strip()}\n" for line in lines)
    layer = policy("for: {tools: [send]}", narrow, "policies:\n", added)
    # The old policy still meets nothing, now that nothing is missing for it to explain.
    assert {d.code for d in layer.diagnostics} == {"LM553"}


def test_a_policy_that_covers_the_step_is_enough(policy: Any) -> None:
    assert policy("for: {tools: [send]}", "for: {steps: [send]}").colour == "green"


# -- ways round


def test_a_policy_for_one_agent_where_another_can_take_the_step(policy: Any) -> None:
    layer = policy("for: {tools: [send]}", "for: {tools: [send], agents: [junior]}")
    found = the_one(layer, "LM552")
    assert found.severity == "warning"
    assert "`sending` is only for `junior`" in found.message
    assert "routing can give `mail.send` to `senior`" in found.message
    assert "calls of `send`" in found.message
    assert found.line_text[found.span.column - 1 :].startswith("[junior]")
    assert [r.message for r in found.related] == ["`senior` can do it too"]


@pytest.mark.parametrize(
    "pairs",
    [
        ("agents: [junior]", "agents: [junior, senior]"),
        ("capability: mail.send,", "agent: junior,"),
        ("    tools: [send, look]\n  reader:", "    tools: [look]\n  reader:"),
    ],
    ids=["both are named", "the step names its agent", "the other has no such tool"],
)
def test_a_policy_for_one_agent_that_cannot_be_got_round(policy: Any, pairs: Any) -> None:
    old, new = pairs
    one = ("for: {tools: [send]}", "for: {tools: [send], agents: [junior]}")
    assert policy(*one, old, new).colour == "green"


def test_an_agent_with_a_policy_of_its_own_is_no_way_round(policy: Any) -> None:
    own = "  own: {at: tool, for: {agents: [senior], tools: [send]}, default: deny}\nworkflows:"
    one = ("for: {tools: [send]}", "for: {tools: [send], agents: [junior]}")
    assert policy(*one, "workflows:", own).colour == "green"


def test_an_output_policy_for_one_agent(policy: Any) -> None:
    rule = "{at: output, for: {agents: [junior]}, rules: [{id: all, then: ask, to: lead}]}"
    added = f"policies:\n  checked: {rule}\n"
    found = the_one(policy("policies:\n", added), "LM552")
    assert "whose output no policy looks at" in found.message
    everybody = added.replace("agents: [junior]", "capabilities: [mail.send]")
    assert policy("policies:\n", everybody).colour == "green"


def test_an_agent_that_routing_cannot_choose_is_no_way_round(policy: Any) -> None:
    """The step reads memory that only one of them was granted."""
    pairs = (
        "for: {tools: [send]}", "for: {tools: [send], agents: [junior]}",
        "people:\n", "memory: {note: string}\npeople:\n",
        "    tools: [send, look]\n  senior:", "    tools: [send, look]\n"
        "    memory: {read: [note]}\n  senior:",
        "to: steps.read.output.to", "to: 'default(memory.note, steps.read.output.to)'",
    )  # fmt: skip
    assert policy(*pairs).colour == "green"


def test_a_policy_that_meets_nothing(policy: Any) -> None:
    rule = "{at: tool, for: {tools: [look], agents: [reader]}, rules: [{id: all, then: deny}]}"
    found = the_one(policy("policies:\n", f"policies:\n  idle: {rule}\n"), "LM553")
    assert found.line_text.startswith("  idle:")
    assert "no call of `look` by `reader`." in found.message
    met = rule.replace("[reader]", "[junior, senior]")
    assert policy("policies:\n", f"policies:\n  idle: {met}\n").colour == "green"


# -- people and ladders


def test_nobody_of_that_name(look: Any, changed: Any) -> None:
    for old, new in (("to: lead", "to: leed"), ("[boss]}", "[bos]}"), ("to: lead", "to: approvr")):
        layer = look.at("policy", changed(old, new, text=DESK))
        assert layer.colour == "red"
        assert layer.diagnostics[0].code == "LM306"


@pytest.mark.parametrize(
    ("ladder", "says"),
    [
        ("to: lead, within: 1h, escalate: [lead]", "`lead` has been asked already"),
        ("to: approver, within: 1h, escalate: [boss]", "`boss` has been asked already"),
        ("to: lead, within: 1h, escalate: [boss, lead]", "the ladder ends there"),
        ("to: lead, within: 1h, escalate: [boss, owner]", "`owner` has been asked already"),
        ("to: approver, within: 1h, escalate: [owner]", "`owner` has been asked already"),
    ],
)
def test_a_rung_must_bring_in_somebody_new(policy: Any, ladder: str, says: str) -> None:
    found = the_one(policy("to: lead, within: 1h, escalate: [boss]", ladder), "LM554")
    assert found.severity == "warning"
    assert says in found.message


@pytest.mark.parametrize(
    "ladder",
    ["to: lead", "to: lead, within: 1h, escalate: [boss]", "to: lead, escalate: [approver]"],
)
def test_ladders_that_end_with_somebody(policy: Any, ladder: str) -> None:
    assert policy("to: lead, within: 1h, escalate: [boss]", ladder).colour == "green"


def test_many_agents_and_policies_are_looked_at_quickly(look: Any) -> None:
    import time

    agents = "".join(
        f"  a{n}: {{role: r, kind: python, tools: [send], capabilities: "
        f"{{c{n % 20}: {{input: {{x: string}}, output: {{y: string}}}}}}}}\n"
        for n in range(200)
    )
    steps = "".join(
        f"      s{n}: {{capability: c{n % 20}, with: {{x: input.x}}}}\n" for n in range(100)
    )
    policies = "".join(
        f"  p{n}: {{at: tool, for: {{agents: [a{n}]}}, default: deny}}\n" for n in range(100)
    )
    text = (
        "mesh: many\ntools:\n  send: {side_effect: true, input: {x: string}, output: {y: string}}\n"
        f"agents:\n{agents}policies:\n{policies}"
        f"workflows:\n  w:\n    input: {{x: string}}\n    steps:\n{steps}"
    )
    began = time.perf_counter()
    layer = look.at("policy", text)
    assert time.perf_counter() - began < 20
    assert layer.colour == "amber"
