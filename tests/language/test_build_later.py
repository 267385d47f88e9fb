"""What this version cannot carry out yet: refused once for its key, and checked in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import blocks
from leafmesh_nb.language.build_agents import KINDS, LATER_KINDS
from leafmesh_nb.language.build_models import MODEL
from leafmesh_nb.language.build_policies import LATER_POINTS, POINTS

Changed = Callable[..., Any]

QUICK = 'provider: offline, tier: small, priced_as: "openai:gpt-5-mini"'
VETERAN = "    role: Senior support analyst\n"
MODEL_LARGE = "    model: {tier: large}\n"
LEAD = "to: lead"
POINT = "    at: tool\n    for: {tools: [pay_out]}\n"

# (what stands there, what is written instead, text over the caret)
NOT_YET = [
    (QUICK, f"{QUICK}, fallback: deep", "fallback"),
    (QUICK, f"{QUICK}, fallback: [deep, counsel]", "fallback"),
    (QUICK, f"{QUICK}, context_window: 200000", "context_window"),
    ("model: {tier: small}", "model: openai:gpt-5-mini", "openai:gpt-5-mini"),
    ("model: {tier: small}", 'model: "ollama:qwen3:8b"', '"ollama:qwen3:8b"'),
    (MODEL_LARGE, "    kind: human\n", "human"),
    (MODEL_LARGE, "    kind: human\n    instructions: Look twice.\n", "human"),
    (MODEL_LARGE, '    kind: http\n    url: "https://a.example/x"\n', "http"),
    (MODEL_LARGE, '    kind: http\n    url: "http://[::1]:80/"\n    api_key_env: KEY_1\n', "http"),
    (MODEL_LARGE, '    kind: mcp\n    url: "https://a.example/mcp"\n    tool: now\n', "mcp"),
    (MODEL_LARGE, "    kind: mcp\n    command: [uvx, server, -v, -v]\n    tool: now\n", "mcp"),
    ("then: approve", "then: {redact: [tool.arguments.ticket_id]}", "redact"),
    (LEAD, f"{LEAD}\n        quorum: {{count: 2, of: approver}}", "quorum"),
    (LEAD, f"{LEAD}\n        identity: signed_in", "identity"),
    ('"5000.01"}}}, expect: deny', '"5000.01"}}}, expect: redact', "redact"),
]


@pytest.mark.parametrize(("old", "new", "marked"), NOT_YET)
def test_what_is_not_enforced_yet_is_one_error(
    changed: Changed, old: str, new: str, marked: str
) -> None:
    told = changed(old, new)
    found = told.only("LM203")
    assert told.marked(found) == marked
    assert "not available yet" in found.message
    assert found.hint
    assert told.spec is None


def test_a_vendor_with_all_that_belongs_to_it(changed: Changed) -> None:
    told = changed(
        QUICK,
        "provider: openrouter, tier: small, model: qwen/qwen3, base_url: 'https://a.example/v1', "
        "api_key_env: OPENROUTER_KEY, price: {input: 0.25, output: 2, cached_input: 0}, "
        "region: eu, context_window: 8000, max_output_tokens: 8000, fallback: deep",
    )
    assert set(told.codes) == {"LM203"}
    assert [told.marked(d) for d in told.diagnostics] == [
        "openrouter",
        "model",
        "base_url",
        "api_key_env",
        "price",
        "region",
        "context_window",
        "fallback",
    ]


@pytest.mark.parametrize("at", ["route", "call", "memory", "end"])
def test_a_point_that_is_not_there_yet(told: Callable[[str], Any], at: str) -> None:
    found = told(f"mesh: a\npolicies: {{p: {{at: {at}, default: approve}}}}\n")
    assert found.marked(found.only("LM203")) == at


def test_fields_narrow_a_policy_of_memory(told: Callable[[str], Any]) -> None:
    text = "mesh: a\nmemory: {m: string}\npolicies: {p: {at: memory, for: {fields: [m]}}}\n"
    found = told(text)
    assert found.codes == ["LM203", "LM203"]
    assert [found.marked(d) for d in found.diagnostics] == ["memory", "fields"]


# (what stands there, what is written instead, codes beside LM203, text over their carets, hints)
CHECKED = [
    # models
    (QUICK, "provider: openai, tier: small", "LM202", "quick", "vendor's own name"),
    (QUICK, "provider: opnai, model: a, tier: small", "LM206", "opnai", "Did you mean `openai`?"),
    (QUICK, "provider: OpenAI, model: a, tier: small", "LM206", "OpenAI", "`openai`"),
    (QUICK, "provider: My Vendor, model: a, tier: small", "LM206", "My Vendor", "lower-case"),
    (QUICK, "provider: openai, model: 5, tier: small", "LM204", "5", 'Quote it: "5".'),
    (QUICK, "provider: openai, model: null, tier: small", "LM211", "model", "Give it a value"),
    (QUICK, f"{QUICK}, region: eu", "LM214", "region", "provider: openai"),
    (QUICK, f"{QUICK}, price: {{input: 1, output: 2}}", "LM214", "price", "priced_as"),
    (QUICK, f"{QUICK}, fallback: deap", "LM301", "deap", "Did you mean `deep`?"),
    (QUICK, f"{QUICK}, fallback: [deep, deep]", "LM213", "deep", ""),
    (QUICK, f"{QUICK}, fallback: {{a: deep}}", "LM204", "{a: deep}", ""),
    (QUICK, f"{QUICK}, fallback: quick", "LM330", "quick", "Break the circle"),
    (QUICK, f"{QUICK}, context_window: 0", "LM208", "0", ""),
    (QUICK, f"{QUICK}, context_window: 1.5", "LM208", "1.5", ""),
    (QUICK, f"{QUICK}, context_window: 10, max_output_tokens: 11", "LM208", "11", ""),
    # agents
    ("model: {tier: small}", "model: opnai:gpt-5", "LM206", "opnai", "Did you mean `openai`?"),
    ("model: {tier: small}", "model: offline:gpt-5", "LM206", "offline", "models"),
    ("model: {tier: small}", "model: 'openai: gpt-5'", "LM210", "'openai: gpt-5'", "openai:gpt-5"),
    ("model: {tier: small}", "model: ':gpt-5'", "LM210", "':gpt-5'", "openai:gpt-5"),
    (MODEL_LARGE, "    kind: http\n", "LM202", "veteran", "Add `url: https://…`."),
    (MODEL_LARGE, "    kind: http\n    url: a.example\n", "LM210", "a.example", "https://"),
    (MODEL_LARGE, "    kind: http\n    url: 'ftp://a.b'\n", "LM210", "'ftp://a.b'", "https://"),
    (MODEL_LARGE, "    kind: http\n    url: 'https://'\n", "LM210", "'https://'", "https://"),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a b'\n", "LM210", "'http://a b'", ""),
    (MODEL_LARGE, "    kind: http\n    url: 'http://[a'\n", "LM210", "'http://[a'", ""),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a:b@c'\n", "LM210", "'http://a:b@c'", ""),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a'\n    tool: x\n", "LM209", "tool",
     "It is a JSON endpoint"),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a'\n    tools: [pay_out]\n", "LM209", "tools",
     "remove the key"),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a'\n    api_key_env: $KEY\n", "LM210", "$KEY",
     "Write `KEY`, without the `$`."),
    (MODEL_LARGE, "    kind: http\n    url: 'http://a'\n    api_key_env: a key\n", "LM210",
     "a key", "environment variable"),
    (MODEL_LARGE, "    kind: human\n    model: quick\n", "LM209", "model", "kind: human"),
    (MODEL_LARGE, "    kind: mcp\n    url: 'http://a'\n", "LM202", "veteran", "`tool: …`"),
    (MODEL_LARGE, "    kind: mcp\n    tool: now\n", "LM202", "veteran", "`command: [program"),
    (MODEL_LARGE, "    kind: mcp\n    tool: now\n    url: 'http://a'\n    command: x\n", "LM209",
     "command", ""),
    # tools
    ("side_effect: true", "on_in_doubt: aks\n    side_effect: true", "LM206", "aks", "`ask`"),
    # rules
    (LEAD, f"{LEAD}\n        quorum: {{count: 3, of: approver}}", "LM208", "3", "at most 2"),
    (LEAD, f"{LEAD}\n        quorum: {{count: 0, of: approver}}", "LM208", "0", ""),
    (LEAD, f"{LEAD}\n        quorum: {{count: 1, of: lead}}", "LM206", "lead", "the role"),
    (LEAD, f"{LEAD}\n        quorum: {{count: 1, of: aprover}}", "LM306", "aprover", "`approver`"),
    (LEAD, f"{LEAD}\n        quorum: {{count: 1}}", "LM202", "quorum", "Add `of: …`."),
    (LEAD, f"{LEAD}\n        quorum: 2", "LM204", "2", "{count: 2, of: approver}"),
    (LEAD, f"{LEAD}\n        identity: asserted", "LM206", "asserted", "signed_in"),
    ("then: approve", "then: approve\n        identity: signed_in", "LM503", "identity",
     "then: ask"),
    ("then: approve", "then: approve\n        quorum: {count: 2, of: approver}", "LM503", "quorum",
     "then: ask"),
    ("then: approve", "then: {redact: [tool.arguments.ticket_id]}\n        to: lead", "LM503", "to",
     "then: ask"),
    ("then: approve", "then: {redact: []}", "LM211", "[]", "{redact: [tool.arguments.ticket_id]}"),
    ("then: approve", "then: {redact: [ticket_id]}", "LM310", "ticket_id",
     "Write `tool.arguments.ticket_id`."),
    ("then: approve", "then: {redact: [memory.ticket]}", "LM310", "memory.ticket",
     "Begin the path with `tool.arguments`."),
    ("then: approve", "then: {redact: [tool.arguments.ticketid]}", "LM311", "ticketid",
     "Did you mean `ticket_id`?"),
    ("then: approve", "then: {redact: [tool.arguments.ticket_id.x]}", "LM311", "x", ""),
    ("then: approve", "then: {redact: [tool.arguments.amount]}", "LM403", "tool.arguments.amount",
     "what may be null"),
    ("then: approve", "then: {redact: [a b]}", "LM210", "a b", "output.orders[].email"),
    ("then: approve", "then: {redact: [{a: b}]}", "LM204", "{a: b}", ""),
    ("then: approve", "then: {redact: [tool.arguments.ticket_id], ask: lead}", "LM201", "ask", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code", "marked", "hint"), CHECKED)
def test_it_is_checked_in_full(
    changed: Changed, old: str, new: str, code: str, marked: str, hint: str
) -> None:
    told = changed(old, new)
    (found,) = (d for d in told.diagnostics if d.code not in ("LM203", "LM602"))
    assert found.code == code, str(found)
    assert told.marked(found) == marked
    assert hint in found.hint


WRONG_AT_ONCE = [
    ("then: approve", "then: redact", ["LM210"]),
    ("then: approve", "then: {}", ["LM211"]),
    ("then: approve", "then: {redac: [a]}", ["LM201", "LM310"]),
    ("then: approve", "then: [redact]", ["LM204"]),
    (QUICK, "provider: python, tier: small", ["LM206"]),
    ("kind: python\n    capabilities:\n      refund.propose", "kind: htpp\n    capabilities:\n"
     "      refund.propose", ["LM206"]),
    (VETERAN, f"{VETERAN}    url: 'http://a'\n", ["LM209"]),
    (VETERAN, f"{VETERAN}    command: a\n    tool: b\n", ["LM209", "LM209"]),
    (POINT, "    at: rout\n    for: {tools: [pay]}\n", ["LM206", "LM304"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "codes"), WRONG_AT_ONCE)
def test_what_is_no_part_of_the_language_is_not_announced(
    changed: Changed, old: str, new: str, codes: list[str]
) -> None:
    assert changed(old, new).codes == codes


@pytest.mark.parametrize(
    ("fallbacks", "path"),
    [
        ({"quick": "deep", "deep": "quick"}, "quick → deep → quick"),
        ({"quick": "deep", "deep": "[counsel, deep2]", "deep2": "deep"}, "deep → deep2 → deep"),
        ({"deep": "counsel", "counsel": "quick", "quick": "deep"},
         "quick → deep → counsel → quick"),
    ],
)  # fmt: skip
def test_a_circle_of_fallbacks_is_told_as_its_path(
    told: Callable[[str], Any], fallbacks: dict[str, str], path: str
) -> None:
    models = "".join(
        f"  {name}: {{provider: offline, tier: small"
        + (f", fallback: {fallbacks[name]}" if name in fallbacks else "")
        + "}\n"
        for name in ("quick", "deep", "deep2", "counsel")
    )
    found = told(f"mesh: a\nmodels:\n{models}")
    (circle,) = (d for d in found.diagnostics if d.code == "LM330")
    assert circle.message == f"These models fall back on each other: {path}."
    assert found.marked(circle) == path.split(" → ")[0]


def test_every_circle_is_told(told: Callable[[str], Any]) -> None:
    found = told(
        "mesh: a\nmodels:\n"
        "  a: {provider: offline, fallback: b}\n"
        "  b: {provider: offline, fallback: a}\n"
        "  c: {provider: offline, fallback: [c, a]}\n"
    )
    circles = [d for d in found.diagnostics if d.code == "LM330"]
    assert [found.marked(d) for d in circles] == ["a", "c"]


def test_a_chain_of_fallbacks_is_no_circle(told: Callable[[str], Any]) -> None:
    found = told(
        "mesh: a\nmodels:\n"
        "  a: {provider: offline, fallback: [b, c]}\n"
        "  b: {provider: offline, fallback: c}\n"
        "  c: {provider: offline}\n"
    )
    assert found.codes == ["LM203", "LM203"]


def test_a_key_becomes_available_by_moving_its_name(
    changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are the one place that says what this version enforces."""
    later = tuple(name for name in MODEL.later if name != "fallback")
    moved = blocks.Block(MODEL.what, MODEL.required, (*MODEL.optional, "fallback"), later)
    monkeypatch.setattr("leafmesh_nb.language.build_models.MODEL", moved)
    told = changed(QUICK, f"{QUICK}, fallback: [deep, counsel]")
    assert told.diagnostics == ()
    assert told.spec.models["quick"].fallback == ("deep", "counsel")


def test_nothing_is_both_there_and_not_there_yet() -> None:
    assert not set(POINTS) & set(LATER_POINTS)
    assert not set(KINDS) & set(LATER_KINDS)
    assert not {*MODEL.required, *MODEL.optional} & set(MODEL.later)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tool.arguments.note", None),  # a text of one tool, null of another
        ("tool.arguments.lines[].text", None),
        ("tool.arguments.tags.*", None),
        ("tool.arguments.more.a[].b", None),  # of any type
        ("tool.arguments.amount", "LM403"),  # one of the tools cannot do without it
        ("tool.arguments.lines[].price", "LM403"),
        ("tool.arguments.lines", "LM403"),
        ("tool.arguments", "LM403"),
        ("tool.arguments.lines.text", "LM311"),
        ("tool.arguments.tags[]", "LM311"),
    ],
)
def test_what_is_taken_out_must_be_dispensable_everywhere(
    told: Callable[[str], Any], path: str, code: str | None
) -> None:
    found = told(
        "mesh: a\ntools:\n"
        "  mail: {input: {note: string or null, tags: {map: string}, more: any}, output: {}}\n"
        "  pay: {input: {note: string, amount: money, "
        "lines: {list: {object: {text: string, price: money}}}}, output: {}}\n"
        "agents: {g: {role: r, kind: python, tools: [mail, pay], "
        "capabilities: {c: {input: {}, output: {}}}}}\n"
        f"policies: {{p: {{at: tool, rules: [{{id: r, then: {{redact: ['{path}']}}}}]}}}}\n"
    )
    assert found.codes == ["LM203", *([code] if code else [])]
