"""The safety layer on flows: untrusted input, side effects, and the gates between them.

Every fault stands beside a twin in which one line makes it harmless.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from leafmesh_nb.compose import LayerReport, Subject, safety

REFUNDS = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")

MESH = """
mesh: desk
models: {quick: {provider: offline, tier: small}}
memory:
  note: string
  shared: {type: string, scope: mesh}
people: {lead: {roles: [approver]}}
tools:
  send:
    side_effect: true
    input: {to: string, amount: money or null}
    output: {id: string}
  lookup: {input: {key: string}, output: {found: string}}
agents:
  reader:
    role: Reader
    capabilities:
      mail.read: {input: {mail: string}, output: {kind: {enum: [a, b]}, text: string}}
  sender:
    role: Sender
    kind: python
    capabilities:
      mail.send: {input: {text: string or null, kind: string or null}, output: {id: string}}
    tools: [send]
    memory: {read: [], write: []}
policies:
  sending:
    at: tool
    for: {tools: [send]}
    rules:
      - {id: all, then: approve}
workflows:
  go:
    input: {mail: string, vip: boolean, limit: {type: integer, min: 1, max: 9}}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
      send: {capability: mail.send, with: {text: steps.read.output.text}}
"""

ALL = "- {id: all, then: approve}"
WITH = "with: {text: steps.read.output.text}"


def look(*changes: tuple[str, str], text: str = MESH) -> LayerReport:
    """The layer's report on the mesh with these texts replaced."""
    for old, new in changes:
        assert old in text, f"the mesh has no {old!r}"
        text = text.replace(old, new)
    subject = Subject.of_text(text, "cell")
    assert subject.spec is not None, [str(d) for d in subject.found]
    return safety.check(subject)


def told(report: LayerReport) -> list[str]:
    return [d.code for d in report.diagnostics]


def test_the_reference_mesh_is_green() -> None:
    report = look(text=REFUNDS)
    assert (report.colour, report.diagnostics, report.unproven) == ("green", (), ())
    (fact,) = report.facts["side effects"].values()
    assert fact["gate"] == "payouts"
    assert fact["arguments that no rule reads"] == ["ticket_id"]
    assert "input.ticket → classify.output.amount → propose.output.amount → " in fact["paths"][0]


def test_a_policy_that_approves_everything_is_no_gate() -> None:
    report = look()
    (found,) = report.diagnostics
    assert (found.code, found.severity, report.colour) == ("LM620", "error", "red")
    assert "input.mail → read.output.text → send(sender).send" in found.message
    assert "rule `all` of `sending` approves every call" in found.message
    assert "all" in found.line_text
    assert [r.line_text.strip() for r in found.related] == [
        "send:",
        "send: {capability: mail.send, with: {text: steps.read.output.text}}",
    ]


@pytest.mark.parametrize(
    "rules",
    [
        "- {id: all, then: ask, to: lead}",
        "- {id: all, then: deny}",
        "- {id: some, when: tool.arguments.amount <= 100, then: approve}",
        '- {id: some, when: tool.arguments.to == "a@acme", then: approve}',
        "- {id: some, when: size(task.input.text) < 99, then: approve}",
        "- {id: some, when: input.vip, then: approve}",
        "- {id: some, when: memory.note == 'fine', then: approve}",
        "- {id: some, when: 'size(tool.arguments.to) > 9', then: deny}\n      " + ALL,
        "- {id: most, when: 'tool.arguments.amount > 9', then: deny}\n    default: approve",
        "- {id: none, when: false, then: approve}",
        "- {id: none, when: 'false && agent.id == task.step', then: approve}",
    ],
)
def test_a_rule_that_looks_or_always_asks_is_a_gate(rules: str) -> None:
    report = look((ALL, rules))
    assert (report.colour, told(report)) == ("green", [])


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ("- {id: own, when: agent.id == 'sender', then: approve}", "rule `own`"),
        ("- {id: cheap, when: cost.spent < 1, then: approve}", "rule `cheap`"),
        ("- {id: name, when: tool.name == 'send', then: approve}", "rule `name`"),
        ("- {id: on, when: true, then: approve}", "rule `on` of `sending` approves every call"),
        ("- {id: one, when: 1 == 1, then: approve}", "rule `one` of `sending` approves every call"),
        (
            "- {id: always, when: 'true || tool.arguments.amount > 9', then: approve}",
            "rule `always` of `sending` approves every call",
        ),
        ("- {id: there, when: has(tool.arguments.amount), then: approve}", "rule `there`"),
        (
            "- {id: late, when: 'cost.spent > 9', then: deny}\n      - {id: rest, then: approve}",
            "rule `rest`",
        ),
        (
            "- {id: never, when: 'false', then: ask, to: lead}\n      - {id: rest, then: approve}",
            "rule `rest`",
        ),
        (
            "- {id: big, when: tool.arguments.amount < 9, then: approve}\n"
            "      - {id: own, when: agent.id == 'sender', then: approve}",
            "rule `own`",
        ),
        (
            "- {id: own, when: agent.id == 'x', then: deny}\n    default: approve",
            "`default: approve` of `sending` lets it pass",
        ),
    ],
)
def test_a_rule_that_looks_elsewhere_is_none(rules: str, why: str) -> None:
    report = look((ALL, rules))
    assert told(report) == ["LM620"]
    assert why in report.diagnostics[0].message


def test_without_a_policy_every_call_is_denied_and_another_layer_says_so() -> None:
    report = look(("for: {tools: [send]}", "for: {tools: [lookup]}"))
    assert (report.colour, told(report)) == ("not proven", [])
    path = "input.mail → read.output.text → send(sender).send"
    assert f"No policy says what becomes of {path}: every such call is denied" in report.unproven[0]
    (fact,) = report.facts["side effects"].values()
    assert fact == {"gate": "none applies: every call is denied", "paths": [path]}


def test_a_policy_of_other_agents_or_steps_is_no_way_through() -> None:
    for narrowed in ("agents: [reader], tools: [send]", "steps: [read], tools: [send]"):
        assert told(look(("tools: [send]}", f"{narrowed}}}"))) == []


def test_one_gate_among_several_policies_is_enough() -> None:
    second = """
  asking:
    at: tool
    rules: [{id: ask, then: ask, to: lead}]
workflows:"""
    assert told(look(("\nworkflows:", second))) == []


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ("'\"hello\"'", []),
        ("run.id", []),
        ("steps.read.status", []),
        ("input.mail", ["LM620"]),
        ("string(input.limit * 2)", ["LM621"]),
        ('input.vip ? "a" : "b"', ["LM621"]),
        ('input.mail == "x" ? "a" : "b"', ["LM621"]),
        ('input.mail.contains("x") ? "a" : "b"', ["LM621"]),
        ("input.vip ? input.mail : \"b\"", ["LM620"]),
        ("steps.read.output.kind", ["LM621"]),
        ("default(steps.read.output.text, \"none\")", ["LM620"]),
        ("join([\"a\", \"b\"].map(x, x + input.mail), \",\")", ["LM620"]),
        ("join([\"a\", \"b\"].filter(x, x == input.mail), \",\")", ["LM621"]),
    ],
)  # fmt: skip
def test_what_flows_through_an_expression(given: str, codes: list[str]) -> None:
    value = given if given.startswith("'") else f"'{given}'"
    assert told(look((WITH, f"with: {{text: {value}}}"))) == codes


def test_a_choice_is_a_warning() -> None:
    report = look((WITH, "with: {kind: steps.read.output.kind}"))
    (found,) = report.diagnostics
    assert (found.code, found.severity, report.colour) == ("LM621", "warning", "amber")
    assert "input.mail → read.output.kind → send(sender).send" in found.message


def test_when_decides_whether_not_what() -> None:
    fixed = "with: {text: '\"hello\"'}, when: steps.read.output.kind == 'a'"
    assert told(look((WITH, fixed))) == []


def test_a_tool_that_takes_only_choices() -> None:
    change = ("input: {to: string, amount: money or null}", "input: {to: {enum: [a, b]}}")
    assert told(look(change)) == ["LM621"]
    assert told(look((change[0], "input: {}"))) == []


def test_a_bounded_number_only_chooses() -> None:
    bounded = "input: {to: {enum: [a]}, amount: {type: money, min: 0, max: 50}}"
    old = "input: {to: string, amount: money or null}"
    assert told(look((old, bounded))) == ["LM621"]
    assert told(look((old, bounded.replace(", max: 50", "")))) == ["LM620"]


def test_what_the_agent_may_read_flows_too() -> None:
    fixed = (WITH, "with: {text: '\"hello\"'}, after: read")
    saved = ("    steps:\n", "    save: {note: input.mail}\n    steps:\n")
    granted = ("memory: {read: [], write: []}", "memory: {read: [note], write: []}")
    assert told(look(fixed, saved)) == []
    assert told(look(fixed, granted)) == []
    report = look(fixed, saved, granted)
    assert told(report) == ["LM620"]
    assert "input.mail → memory.note → send(sender).send" in report.diagnostics[0].message


def test_what_is_written_only_later_does_not_flow_back() -> None:
    fixed = (WITH, "with: {text: '\"hello\"'}")
    granted = ("memory: {read: [], write: []}", "memory: {read: [note], write: []}")
    reading = "read: {capability: mail.read, with: {mail: input.mail}"
    reader = ("role: Reader", "role: Reader\n    memory: {write: [note]}")
    before = (reading, f"{reading}, save: {{note: output.text}}")
    after = (reading, f"{reading}, save: {{note: output.text}}, after: send")
    assert told(look(reader, fixed, granted, before)) == ["LM620"]  # side by side: it may be first
    assert told(look(reader, fixed, granted, after)) == []


def test_memory_of_the_mesh_flows_from_run_to_run() -> None:
    fixed = (WITH, "with: {text: memory.shared}")
    granted = ("memory: {read: [], write: []}", "memory: {read: [shared], write: []}")
    other = """
  other:
    input: {mail: string}
    save: {shared: input.mail}
    steps:
      read: {capability: mail.read, with: {mail: '"x"'}}
"""
    assert told(look(fixed, granted)) == []
    assert told(look(fixed, granted, text=MESH + other)) == ["LM620"]


def test_what_a_function_may_write_holds_what_it_was_given() -> None:
    writer = """
  keeper:
    role: Keeper
    kind: python
    capabilities: {mail.keep: {input: {mail: string}, output: {done: boolean}}}
    memory: {write: [note]}
policies:"""
    fixed = (WITH, "with: {text: '\"hello\"'}, after: keep")
    keep = (
        "      send: {",
        "      keep: {capability: mail.keep, with: {mail: input.mail}}\n      send: {",
    )
    granted = ("memory: {read: [], write: []}", "memory: {read: [note], write: []}")
    report = look(("\npolicies:", writer), fixed, keep, granted)
    assert told(report) == ["LM620"]
    assert "input.mail → memory.note → send(sender).send" in report.diagnostics[0].message
    assert told(look(("\npolicies:", writer.replace("write: [note]", "write: []")), fixed, keep, granted)) == []  # fmt: skip  # noqa: E501


def test_what_a_tool_reads_from_the_world_is_untrusted() -> None:
    fixed = (WITH, "with: {text: '\"hello\"'}, after: read")
    tools = ("tools: [send]\n    memory", "tools: [lookup, send]\n    memory")
    report = look(fixed, tools)
    assert told(report) == ["LM620"]
    assert "what `lookup` returns → send(sender).send" in report.diagnostics[0].message


GATE = """
  outputs:
    at: output
    for: {steps: [read]}
    rules:
      - {id: odd, when: size(output.text) > 99, then: ask, to: lead}
      - {id: rest, then: approve}
workflows:"""


def test_a_gate_at_the_output_on_the_way_is_enough() -> None:
    assert told(look(("\nworkflows:", GATE))) == []


@pytest.mark.parametrize(
    ("step", "condition"),
    [
        ("read", "cost.spent > 99"),  # it looks elsewhere
        ("send", "size(output.id) > 99"),  # it comes after the side effect
    ],
)
def test_a_gate_that_is_none_for_this_flow(step: str, condition: str) -> None:
    gate = GATE.replace("[read]", f"[{step}]").replace("size(output.text) > 99", condition)
    assert told(look(("\nworkflows:", gate))) == ["LM620"]


def test_a_gate_at_the_output_must_hold_for_every_agent_of_the_step() -> None:
    second = """
  writer:
    role: Writer
    capabilities:
      mail.read: {input: {mail: string}, output: {kind: {enum: [a, b]}, text: string}}
  sender:"""
    gate = GATE.replace("steps: [read]", "agents: [reader]")
    assert told(look(("\nworkflows:", gate))) == []
    assert told(look(("\nworkflows:", gate), ("\n  sender:", second))) == ["LM620"]


def test_a_gate_on_one_way_leaves_the_other_open() -> None:
    both = (WITH, "with: {text: steps.read.output.text, kind: input.mail}")
    report = look(("\nworkflows:", GATE), both)
    assert told(report) == ["LM620"]
    assert "input.mail → send(sender).send" in report.diagnostics[0].message


def test_one_policy_is_one_finding_however_many_ways_lead_through_it() -> None:
    more = "".join(
        f"      s{n}: {{capability: mail.send, with: {{text: input.mail}}}}\n" for n in range(5)
    )
    report = look(text=MESH + more)
    assert told(report) == ["LM620"]
    assert "and 3 more" in report.diagnostics[0].message
    assert len(report.facts["side effects"]) == 6


def test_an_unused_tool_and_an_unused_agent_are_no_sinks() -> None:
    report = look(
        ("      send: {capability: mail.send, with: {text: steps.read.output.text}}\n", "")
    )
    assert (report.colour, report.facts) == ("green", {"summary": "no side effect"})
