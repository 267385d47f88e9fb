"""The four classic mistakes, each beside a twin that does not make it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml

from leafmesh_nb.compose.limits import find_limits
from leafmesh_nb.compose.mistakes import ENDPOINTS
from leafmesh_nb.language import parse
from leafmesh_nb.policy.trial import try_policies

DESK = """
mesh: desk
models: {quick: {provider: offline, tier: small}}
memory: {note: string, mark: string}
people: {lead: {roles: [approver]}}
agents:
  reader:
    role: Reader
    instructions: Read the mail.
    capabilities:
      mail.read: {input: {mail: string}, output: {to: string, total: money, share: number}}
  writer:
    role: Writer
    instructions: Write an answer.
    capabilities: {mail.write: {input: {mail: string}, output: {text: string}}}
workflows:
  answer:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
      write: {capability: mail.write, with: {mail: input.mail}, after: read}
"""
HANDS_OVER = ("with: {mail: input.mail}, after: read", "with: {mail: steps.read.output.to}")


@pytest.fixture
def codes(look: Any, changed: Any) -> Any:
    """The codes of what a layer found about the desk, with parts of it replaced."""

    def found(layer: str, *pairs: str, **more: Any) -> list[str]:
        text = changed(*pairs, text=DESK)
        assert parse(text).spec is not None, parse(text).diagnostics
        return [d.code for d in look.at(layer, text, **more).diagnostics]

    return found


# -- agents that share nothing


def test_agents_that_share_nothing(codes: Any, look: Any) -> None:
    assert codes("types") == ["LM490"]
    (found,) = look.at("types", DESK).diagnostics
    assert (found.severity, found.line_text) == ("warning", "agents:")


ONE_KIND = (
    "mail.write: {input: {mail: string}, output: {text: string}}",
    "mail.read: {input: {mail: string}, output: {to: string, total: money, share: number}}",
    "capability: mail.write",
    "capability: mail.read",
)
BY_MEMORY = (
    "    instructions: Read",
    "    memory: {write: [note]}\n    instructions: Read",
    "    instructions: Write",
    "    memory: {read: [note]}\n    instructions: Write",
)
BY_CONDITION = (
    "with: {mail: input.mail}, after: read",
    "with: {mail: input.mail}, when: steps.read.output.total > 1",
)


@pytest.mark.parametrize(
    "pairs",
    [HANDS_OVER, BY_CONDITION, BY_MEMORY, ONE_KIND],
    ids=["an output", "a condition", "a field of memory", "agents of one kind"],
)
def test_agents_that_share_something(codes: Any, pairs: tuple[str, ...]) -> None:
    assert codes("types", *pairs) == []


def test_an_agent_that_hands_over_to_itself_shares_nothing(codes: Any) -> None:
    assert codes("types", *HANDS_OVER, "capability: mail.write", "capability: mail.read") == [
        "LM490"
    ]


def test_each_a_field_of_its_own_is_not_shared(codes: Any) -> None:
    pairs = (
        "    instructions: Read", "    memory: {write: [note]}\n    instructions: Read",
        "    instructions: Write", "    memory: {read: [mark]}\n    instructions: Write",
    )  # fmt: skip
    assert codes("types", *pairs) == ["LM490"]


def test_a_mesh_without_workflows_is_not_judged(look: Any) -> None:
    text = DESK[: DESK.index("workflows:")]
    assert look.at("types", text).diagnostics == ()


# -- limits in prompts


@pytest.mark.parametrize(
    ("sentence", "operator", "number", "then", "otherwise"),
    [
        ("Approve refunds up to $100 and escalate the rest.", "<=", "100", "approve", "ask"),
        ("Never refund more than 500 dollars.", "<=", "500", "approve", "deny"),
        ("If the amount is over 1,000 EUR, ask the lead.", ">", "1000", "ask", "approve"),
        ("Refuse orders older than 30 days.", ">", "30", "deny", "approve"),
        ("You may offer a discount of at most 15%.", "<=", "15", "approve", "ask"),
        ("Escalate when your confidence is below 0.8.", "<", "0.8", "ask", "approve"),
        ("Refunds above five hundred dollars need approval.", ">", "500", "ask", "approve"),
        ("Reject anything worth $250 or more.", ">=", "250", "deny", "approve"),
        ("Your limit is 100.", "<=", "100", "approve", "ask"),
        ("There is a $50 limit.", "<=", "50", "approve", "ask"),
        ("Do not approve payments exceeding 10k.", ">", "10000", "deny", "approve"),
        ("The maximum refund is 400.", "<=", "400", "approve", "ask"),
        ("Small refunds (<= 100) are fine.", "<=", "100", "approve", "ask"),
        ("Payments of 5000 or above must be signed off.", ">=", "5000", "ask", "approve"),
        ("Only approve refunds below 500.", "<", "500", "approve", "ask"),
        ("Anything above 200 goes to a manager.", ">", "200", "ask", "approve"),
        ("Amounts must not exceed 200 USD.", ">", "200", "deny", "approve"),
        ("Never pay out more than 250", "<=", "250", "approve", "deny"),
        ("With more than 25 casualties, ask the editor first.", ">", "25", "ask", "approve"),
        ("Bookings of more than 12 guests need approval.", ">", "12", "ask", "approve"),
    ],
)  # fmt: skip
def test_sentences_that_set_a_limit(
    sentence: str, operator: str, number: str, then: str, otherwise: str
) -> None:
    (limit,) = find_limits(f"Read the mail. {sentence}\nBe kind.")
    assert (limit.operator, limit.number) == (operator, Decimal(number))
    assert (limit.then, limit.otherwise) == (then, otherwise)


@pytest.mark.parametrize(
    "sentence",
    [
        "Read the ticket and say what the customer wants.",
        "Answer in at most three sentences.",
        "Keep the answer under 100 words.",
        "Do not write more than 200 words.",
        "Give at least two examples.",
        "Never list more than 5 products.",
        "Use at most 5 tools.",
        "Summarise the last 10 messages.",
        "Rate it from 1 to 5.",
        "Extract the total; amounts over one line are summed.",
        "If the customer asks for more than one refund, list each.",
        "Give the total in up to two decimals.",
        "Speak to over 100 customers a day.",
        "For more than 3 guests, ask the name of each.",
        "Answer within 24 hours.",
        "Use the price list of 2024.",
        "Tickets are numbered from 1000.",
        "Never more than 3 adjectives.",
        "Pick one of the categories: refund, bug or question.",
        "Refund ${input.mail} at most ${memory.limit}.",
    ],
)
def test_sentences_that_set_none(sentence: str) -> None:
    assert list(find_limits(sentence)) == []


def with_instructions(text: str) -> tuple[str, ...]:
    return (*HANDS_OVER, "instructions: Read the mail.", f"instructions: {text}")


@pytest.mark.parametrize(
    ("sentence", "field", "below", "above"),
    [
        ("Ask the lead for totals over $100.", "total", "100", "100.01"),
        ("Approve a share of at most 20%.", "share", "20", "20.5"),
        ("Refuse anything above 7.", "total", "7", "8"),
    ],
)
def test_a_limit_in_a_prompt_comes_with_the_policy_to_paste(
    look: Any, changed: Any, sentence: str, field: str, below: str, above: str
) -> None:
    """What is pasted is a mesh again, decides as the sentence says, and ends the warning."""
    text = changed(*with_instructions(sentence), text=DESK)
    (found,) = look.at("policy", text).diagnostics
    assert (found.code, found.severity) == ("LM590", "warning")
    assert found.line_text[found.span.column - 1 : found.span.end_column - 1].strip() in sentence
    line = found.hint.split("\n")[1]
    assert line.startswith("    reader_limit: ")
    (block,) = yaml.safe_load(line).values()
    tests = [
        f"{{given: {{output: {{{field}: {value}}}}}, expect: {verdict}}}"
        for value, verdict in (
            (f'"{below}"' if field == "total" else below, "approve"),
            (f'"{above}"' if field == "total" else above, block["rules"][1]["then"]),
        )
    ]
    pasted = f"policies:\n  {line.strip()[:-1]}, tests: [{', '.join(tests)}]}}\nworkflows:"
    mended = text.replace("workflows:", pasted)
    parsed = parse(mended)
    assert parsed.spec is not None, parsed.diagnostics
    assert parsed.diagnostics == ()
    assert [trial.passed for trial in try_policies(parsed.spec)] == [True, True]
    assert look.at("policy", mended).colour == "green"


def test_a_role_and_a_description_are_prompts_too(codes: Any) -> None:
    limit = "Approves up to $100"
    assert codes("policy", *HANDS_OVER, "role: Reader", f"role: {limit}") == ["LM590"]
    described = ("mail.write: {input", f"mail.write: {{description: {limit}, input")
    assert codes("policy", *HANDS_OVER, *described) == ["LM590"]


def test_what_a_function_does_is_no_prompt(codes: Any) -> None:
    pairs = (
        *HANDS_OVER, "    instructions: Write an answer.\n", "    kind: python\n",
        "role: Writer", "role: Approves up to $100",
    )  # fmt: skip
    assert codes("policy", *pairs) == []


def test_a_limit_with_a_side_effect_is_set_where_the_effect_is(look: Any, changed: Any) -> None:
    pairs = (
        *with_instructions("Pay out at most $100."),
        "people:", "tools:\n  pay: {side_effect: true, input: {amount: money or null}, "
        "output: {id: string}}\npeople:",
        "    role: Reader\n", "    role: Reader\n    tools: [pay]\n",
    )  # fmt: skip
    found = look.at("policy", changed(*pairs, text=DESK)).diagnostics
    (limit,) = (d for d in found if d.code == "LM590")
    assert "at: tool, for: {tools: [pay]}" in limit.hint
    assert '"default(tool.arguments.amount, 0) <= 100", then: approve' in limit.hint


def test_where_nothing_is_a_number_the_policy_names_what_to_declare(
    look: Any, changed: Any
) -> None:
    pairs = (
        *with_instructions("Pay out at most $100."),
        "total: money, share: number",
        "x: string",
    )
    (found,) = look.at("policy", changed(*pairs, text=DESK)).diagnostics
    assert "output.amount <= 100" in found.hint


def test_long_and_hostile_prompts_are_looked_at_quickly() -> None:
    import time

    began = time.perf_counter()
    for text in ("over 100 ", "no aa ", "$", "1,000", ". ", "max " + "a" * 4000, "not more a "):
        list(find_limits(text * 20_000))
    assert time.perf_counter() - began < 10


# -- one vendor


def vendor(changed: Any, *models: str) -> str:
    listed = ", ".join(f"m{n}: {{{model}}}" for n, model in enumerate(models))
    return str(changed("{quick: {provider: offline, tier: small}}", f"{{{listed}}}", text=DESK))


@pytest.mark.parametrize(
    ("models", "warned"),
    [
        (("provider: openai",), True),
        (("provider: openai", "provider: OpenAI"), True),
        (("provider: openai", "provider: offline"), True),
        (("provider: openai", "provider: anthropic"), False),
        (("provider: openai, fallback: m1", "provider: offline"), False),
        (("provider: offline",), False),
        (("provider: offline, priced_as: 'openai:gpt-5'",), False),
        (("provider: ofline",), False),
        (("tier: small",), False),
        (("provider: [openai]",), False),
    ],
)
def test_one_vendor_and_no_fallback(
    look: Any, changed: Any, models: tuple[str, ...], warned: bool
) -> None:
    """Also of a mesh that this version refuses for naming a vendor: the mistake is there."""
    found = look.at("safety", vendor(changed, *models)).diagnostics
    assert [d.code for d in found if d.code == "LM690"] == ["LM690"] * warned
    if warned:
        assert found[0].severity == "warning"
        assert "provider: " in found[0].line_text


# -- telemetry


def test_telemetry_counts_in_a_release_only(codes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert codes("safety", *HANDS_OVER) == []
    assert codes("safety", *HANDS_OVER, release=True) == ["LM691"]
    for name in ENDPOINTS:
        monkeypatch.setenv(name, "http://localhost:4318")
        assert codes("safety", *HANDS_OVER, release=True) == []
        monkeypatch.setenv(name, "  ")
        assert codes("safety", *HANDS_OVER, release=True) == ["LM691"]
