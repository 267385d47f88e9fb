"""What a mesh says of its agents and models, sentence by sentence of the language."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

Tell = Callable[[str], Any]

MODELS = """
mesh: desk
models:
  quick: {provider: offline, tier: small}
  legal: {provider: offline, tier: specialist, domains: [law, tax]}
memory: {ticket: string, notes: {type: {list: string}, merge: append}}
tools: {pay: {input: {amount: money}, output: {}}}
"""
AGENT = """
agents:
  reader:
    role: Reads mail
    capabilities:
      mail.read:
        input: {mail: string, order: string or null}
        output: {topic: {enum: [refund, bug]}, amount: money or null}
%s"""


@pytest.fixture
def agent(told: Tell) -> Callable[..., Any]:
    """What a mesh is told whose agent and whose capability say these things, too."""

    def told_of(keys: str = "", capability: str = "") -> Any:
        lines = "".join(f"        {line}\n" for line in capability.split("\n") if line)
        lines += "".join(f"    {line}\n" for line in keys.split("\n") if line)
        return told(MODELS + AGENT % lines)

    return told_of


def test_an_agent_of_which_little_is_said(agent: Callable[..., Any]) -> None:
    found = agent()
    assert found.diagnostics == ()
    reader = found.spec.agents["reader"]
    assert (reader.kind, reader.model, reader.instructions, reader.python) == (
        "llm",
        None,
        None,
        None,
    )
    assert (reader.memory.read, reader.memory.write, reader.tools) == ((), (), ())
    assert (reader.limits.calls, reader.limits.timeout, reader.limits.cost) == (None, None, None)
    assert reader.capabilities["mail.read"].proficiency == 0.5
    assert reader.capabilities["mail.read"].examples == ()


@pytest.mark.parametrize(
    ("written", "name", "tier", "domain"),
    [
        ("quick", "quick", None, None),
        ("{tier: small}", None, "small", None),
        ("{domain: tax}", None, None, "tax"),
        ("{tier: specialist}", None, "specialist", None),
    ],
)
def test_a_model_by_name_tier_or_domain(
    agent: Callable[..., Any], written: str, name: str, tier: str, domain: str
) -> None:
    model = agent(f"model: {written}").spec.agents["reader"].model
    assert (model.name, model.tier, model.domain, model.inline) == (name, tier, domain, None)


def test_limits_bound_calls_time_and_money(agent: Callable[..., Any]) -> None:
    limits = agent("limits: {calls: 3, timeout: 1m30s, cost: 0.05}").spec.agents["reader"].limits
    assert (limits.calls, limits.timeout, limits.cost) == (3, 90.0, Decimal("0.05"))


@pytest.mark.parametrize("name", ["shop:pay", "shop.till:pay", "shop:Till.pay", "_a1:_b"])
def test_a_function_by_its_place(agent: Callable[..., Any], name: str) -> None:
    found = agent(f'kind: python\npython: "{name}"')
    assert found.diagnostics == ()
    assert found.spec.agents["reader"].python == name


@pytest.mark.parametrize(
    "name", ["shop", "shop:", ":pay", "shop:pay()", "shop.pay", "a b:c", "shop:1", "shop::pay"]
)
def test_a_function_without_a_place(agent: Callable[..., Any], name: str) -> None:
    found = agent(f'kind: python\npython: "{name}"')
    assert found.marked(found.only("LM210")) == f'"{name}"'


def test_examples_are_texts_or_texts_with_an_output(agent: Callable[..., Any]) -> None:
    found = agent(
        capability="examples:\n"
        "  - I was charged twice\n"
        '  - {text: "It crashes", output: {topic: bug}}\n'
        '  - {text: "Refund 5.10", output: {topic: refund, amount: "5.10"}}'
    )
    assert found.diagnostics == ()
    examples = found.spec.agents["reader"].capabilities["mail.read"].examples
    assert [(e.text, dict(e.output)) for e in examples] == [
        ("I was charged twice", {}),
        ("It crashes", {"topic": "bug"}),
        ("Refund 5.10", {"topic": "refund", "amount": Decimal("5.10")}),
    ]


WRONG = [
    # (keys of the agent, keys of the capability, code, text over the caret, part of the hint)
    ("", "examples: a text", "LM204", "a text", ""),
    ("", "examples: [5]", "LM204", "5", "Quote it."),
    ("", 'examples: [""]', "LM204", '""', ""),
    ("", 'examples: [{text: " "}]', "LM211", "text", "Give it a value"),
    ("", "examples: [{output: {topic: bug}}]", "LM202", "{output: {topic: bug}}", "`text: …`"),
    ("", "examples: [{text: a, output: {topik: bug}}]", "LM402", "topik", "`topic`"),
    ("", "examples: [{text: a, output: {topic: bog}}]", "LM402", "bog", ""),
    ("", "examples: [{text: a, output: {topic: bug, amount: much}}]", "LM402", "much", ""),
    ("", "proficiency: -0.1", "LM208", "-0.1", ""),
    ("", "proficiency: 1.1", "LM208", "1.1", ""),
    ("", 'proficiency: "1"', "LM204", '"1"', "without quotes"),
    ("model: {tier: large}", "", "LM308", "large", "small, specialist"),
    ("model: {domain: lwa}", "", "LM309", "lwa", "Did you mean `law`?"),
    ("model: {}", "", "LM209", "{}", "{tier: small}"),
    ("model: 5", "", "LM204", "5", ""),
    ("model: [quick]", "", "LM204", "[quick]", ""),
    ('model: ""', "", "LM211", "model", ""),
    ("limits: {tokens: 5}", "", "LM201", "tokens", "calls, timeout, cost"),
    ("limits: {calls: 1.5}", "", "LM208", "1.5", ""),
    ("limits: {calls: 10000000000}", "", "LM208", "10000000000", ""),
    ("limits: {cost: -0.01}", "", "LM208", "-0.01", ""),
    ("limits: {timeout: 5}", "", "LM207", "5", "5s"),
    ("memory: {read: [tikcet]}", "", "LM305", "tikcet", "Did you mean `ticket`?"),
    ("memory: {reads: [ticket]}", "", "LM201", "reads", "Did you mean `read`?"),
    ("memory: [ticket]", "", "LM204", "[ticket]", "{read: [ticket]}"),
    ("kind: python\ntools: [pya]", "", "LM304", "pya", "Did you mean `pay`?"),
    ("kind: python\ntools: [pay, pay]", "", "LM213", "pay", ""),
    ("kind: python\ninstructions: Hello", "", "LM209", "instructions", "It is a function"),
    ('kind: python\npython: ""', "", "LM211", "python", ""),
    ("instructions: 5", "", "LM204", "5", 'Quote it: "5".'),
    ('instructions: " "', "", "LM211", "instructions", ""),
    ("instructions: ${input.mial}", "", "LM311", "mial", "mail"),
    ("instructions: ${memory.ticket}", "", "LM604", "memory.ticket", "Grant it"),
    ("instructions: ${steps.a.output}", "", "LM310", "steps", ""),
    ("kind: LLM", "", "LM206", "LLM", "Did you mean `llm`?"),
    ("colour: red", "", "LM201", "colour", "role"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "capability", "code", "marked", "hint"), WRONG)
def test_what_an_agent_cannot_say(
    agent: Callable[..., Any], keys: str, capability: str, code: str, marked: str, hint: str
) -> None:
    found = agent(keys, capability)
    error = found.only(code)
    assert found.marked(error) == marked
    assert hint in error.hint


def test_instructions_see_the_inputs_and_what_is_granted(agent: Callable[..., Any]) -> None:
    found = agent("memory: {read: [ticket]}\ninstructions: Read ${input.mail} and ${memory.ticket}")
    assert found.diagnostics == ()
    assert len(found.spec.agents["reader"].instructions.expressions) == 2


def test_an_offline_model_calls_no_tools(agent: Callable[..., Any]) -> None:
    found = agent("tools: [pay]")
    assert found.marked(found.only("LM606")) == "tools"
    assert found.spec is not None


def test_a_vendors_model_may(told: Tell) -> None:
    models = MODELS.replace("quick: {provider: offline", "quick: {provider: openai, model: a")
    assert set(told(models + AGENT % "    tools: [pay]\n").codes) == {"LM203"}
    inline = told(MODELS + AGENT % "    tools: [pay]\n    model: openai:gpt-5-mini\n")
    assert inline.codes == ["LM203"]


IDS = [
    ("models", "{%s: {provider: offline}}", "a model"),
    ("memory", "{%s: string}", "a memory field"),
    ("people", "{%s: {}}", "a person"),
    ("people", "{lead: {roles: [%s]}}", "a role"),
    ("tools", "{%s: {input: {}, output: {}}}", "a tool"),
    ("tools", "{t: {input: {%s: string}, output: {}}}", "a field"),
    ("agents", "{%s: {role: r, kind: python, capabilities: {c: {input: {}, output: {}}}}}",
     "an agent"),
    ("agents", "{a: {role: r, kind: python, capabilities: {%s: {input: {}, output: {}}}}}",
     "a capability"),
    ("policies", "{%s: {at: tool}}", "a policy"),
    ("policies", "{p: {at: tool, rules: [{id: %s, then: deny}]}}", "a rule"),
]  # fmt: skip


@pytest.mark.parametrize(("block", "text", "what"), IDS)
def test_a_hyphen_is_a_minus(told: Tell, block: str, text: str, what: str) -> None:
    found = told(f"mesh: a\n{block}: {text % 'two-words'}\n")
    error = found.only("LM205")
    assert found.marked(error) == "two-words"
    assert f"cannot be the name of {what}: a hyphen is a minus" in error.message
    assert error.hint == "Write `two_words`."


@pytest.mark.parametrize("name", ["a", "a1", "a_b", "a__b", "x" * 100])
@pytest.mark.parametrize(("block", "text", "what"), IDS)
def test_ids(told: Tell, block: str, text: str, what: str, name: str) -> None:
    assert told(f"mesh: a\n{block}: {text % name}\n").diagnostics == ()


@pytest.mark.parametrize("name", ["A", "_a", "1a", "a b", "ä", "true", "in", "x" * 101, "a.b"])
def test_what_is_no_id(told: Tell, name: str) -> None:
    found = told(f'mesh: a\nmemory: {{"{name}": string}}\n')
    assert found.only("LM205")


@pytest.mark.parametrize("name", ["mail", "mail.read", "a1.b_2.c"])
def test_capabilities_may_have_dots(told: Tell, name: str) -> None:
    _, text, _ = IDS[7]
    assert told(f"mesh: a\nagents: {text % name}\n").diagnostics == ()


@pytest.mark.parametrize("name", [".a", "a.", "a..b", "a.B", "a.b-c", "a.in"])
def test_dots_join_ids(told: Tell, name: str) -> None:
    _, text, _ = IDS[7]
    assert told(f"mesh: a\nagents: {text % name}\n").only("LM205")
