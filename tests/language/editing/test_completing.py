"""Tab: what may be written at a place, whatever state the rest is in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from leafmesh_nb.language import load
from leafmesh_nb.language.editing.completing import complete
from leafmesh_nb.language.editing.draft import Draft
from leafmesh_nb.language.spec import Spec

FUNCTIONS = ["has(", "default(", "size(", "min(", "max(", "round(", "money(", "string("]


def texts(found: tuple[Draft, int]) -> list[str]:
    return [completion.text for completion in complete(*found)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # keys that are not there yet, the required first
        ("role: Refund clerk", "ro‸", ["role: "]),
        ("    model: {tier: small}", "    mo‸", ["model: "]),
        ("model: {tier: small}", "model: {‸}", ["tier: ", "domain: "]),
        ("budgets: {run: 0.50", "budgets: {‸, run: 0.50", ["count: "]),
        ("limits: {calls: 3, timeout: 20s", "limits: {calls: 3, ‸", ["timeout: "]),
        ("at: tool", "a‸", ["at: "]),
        ("tests:\n      - {", "tests:\n      - {‸, ", []),
        ("people:\n", "people:\n  boss: {‸}\n", ["roles: "]),
        ("kind: python", "kin‸: python", ["kind"]),
        # words
        ("kind: python", "kind: p‸", ["python"]),
        ("kind: python", "kind:‸", None),
        ("model: {tier: small}", "model: {tier: ‸}", ["small", "large", "specialist"]),
        ("merge: append", "merge: ‸", ["replace", "append", "extend"]),
        ("side_effect: true", "side_effect: ‸", ["true", "false"]),
        ("on_error: ask", "on_error: ‸", ["ask", "deny"]),
        ("currency: USD", "currency: EU‸", ["EUR"]),
        # names
        (
            "capability: ticket.classify",
            "capability: ‸",
            ["ticket.classify", "refund.propose", "refund.pay"],
        ),
        ("capability: ticket.classify", 'capability: "refund.p‸', ["refund.propose", "refund.pay"]),
        ("to: lead", "to: ‸", ["lead", "finance", "approver"]),
        ("escalate: [finance]", "escalate: [lead, ‸]", ["finance", "approver"]),
        ("escalate: [finance]", "escalate:\n          - f‸", ["finance"]),
        ("read: [ticket]", "read: [‸", ["ticket", "tier", "card", "precedents"]),
        ("tools: [pay_out]", "tools: [‸]", ["pay_out"]),
        ("model: {tier: small}", "model: ‸", ["quick", "deep", "counsel"]),
        ("model: {tier: small}", "model: {domain: ‸}", ["legal"]),
        (
            "      propose:\n        capability: refund.propose",
            "      propose:\n        agent: ‸\n        capability: refund.propose",
            ["clerk"],
        ),
        (
            "      propose:\n        capability: refund.propose",
            "      propose:\n        agent: teller\n        capability: ‸",
            ["refund.pay"],
        ),
        ("      propose:\n", "      propose:\n        after: ‸\n", ["classify", "pay"]),
        ("      propose:\n", "      propose:\n        after: {any: [pay, ‸\n", ["classify"]),
        # types
        ("ticket:     string", "ticket:     st‸", ["string"]),
        ("ticket:     string", "ticket:     money o‸", ["money or null"]),
        ("input:  {ticket: string}", "input:  {ticket: da‸}", ["date", "datetime"]),
        ("ticket:     string", "ticket: {li‸}", ["list: "]),
        # maps whose keys the mesh decides
        ("with: {ticket: input.ticket}", "with: {‸}", ["ticket: "]),
        ("save: {ticket: input.ticket, tier", "save: {pre‸, tier", ["precedents: "]),
        ("output: {category: refund}}", "output: {‸}}", ["category: ", "amount: ", "confidence: "]),
        ("output: {category: refund}}", "output: {category: ‸}}", ["refund", "bug", "question"]),
        ("given: {tool: {arguments: {", "given: {tool: {arguments: {t‸, ", ["ticket_id: "]),
        ("expect: approve", "expect: a‸", ["approve", "ask"]),
        # free text and comments: nothing
        ("role: Refund clerk", "role: Re‸", []),
        ("role: Refund clerk", "role: Refund clerk # mo‸", []),
        ("description: Decide", "description: m‸", []),
    ],
)
def test_keys_words_and_names(place: Any, old: str, new: str, expected: list[str] | None) -> None:
    found = texts(place(old, new))
    if expected is None:
        assert found == [" llm", " python"], "a space stands between a colon and its value"
    else:
        assert found == expected


def test_what_is_used_is_not_offered_again(place: Any) -> None:
    found = texts(place("    kind: python\n", "    ‸\n    kind: python\n"))
    assert "kind: " not in found
    assert "role: " not in found
    assert "limits: " in found


def test_keys_of_agents_of_another_kind_are_not_offered(place: Any) -> None:
    python = texts(place("    kind: python\n", "    kind: python\n    ‸\n"))
    assert "python: " in python
    assert not {"model: ", "url: ", "instructions: "} & set(python)
    assert "model: " in texts(place("    kind: python\n", "    ‸\n"))


def test_keys_of_a_later_version_are_not_offered(place: Any) -> None:
    from leafmesh_nb.language.editing.reference import sections

    step = sections()["step"]
    found = {
        text.strip(" :") for text in texts(place("        complexity: routine\n", "        ‸\n"))
    }
    assert found == set(step.available()) - {"capability", "with"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("steps.classify.output.category ==", "steps.‸ ==", ["classify", "pay"]),
        ("steps.classify.output.category ==", "steps.classify.‸ ==", ["status", "output"]),
        (
            "steps.classify.output.category ==",
            "steps.classify.output.‸ ==",
            ["category", "amount", "confidence"],
        ),
        (
            "steps.classify.output.category ==",
            "steps.classify.output.category.s‸ ==",
            ["startsWith(", "size("],
        ),
        ("steps.classify.output.category ==", 'steps.classify.status == "s‸', ["skipped"]),
        ('== "refund"', '== "‸', ["refund", "bug", "question"]),
        ('== "refund"', '== "re‸', ["refund"]),
        ('== "refund"', 'in ["bug", "‸', ["refund", "bug", "question"]),
        (
            "default(steps.classify.output.amount, 0)",
            "default(steps.classify.output.am‸",
            ["amount"],
        ),
        (
            "with: {ticket: input.ticket}",
            "with: {ticket: input.‸}",
            ["ticket_id", "ticket", "tier"],
        ),
        ("with: {ticket: input.ticket}", 'with: {ticket: "input.ticket_‸"}', ["ticket_id"]),
        ("tool.arguments.amount <= 100", "tool.‸", ["name", "arguments"]),
        ("tool.arguments.amount <= 100", "tool.arguments.‸", ["ticket_id", "amount"]),
        ("tool.arguments.amount <= 100", "memory.pr‸", ["precedents"]),
        ("tool.arguments.amount <= 100", "memory.precedents.ex‸", ["exists(", "exists_one("]),
        ("tool.arguments.amount <= 100", "memory.precedents.exists(p, p.e‸", ["endsWith("]),
        ("tool.arguments.amount <= 100", "agent.‸", ["id", "role", "kind"]),
        ("tool.arguments.amount <= 100", "steps.‸", []),
        ("${tool.arguments.amount} is", "${tool.arguments.‸ is", ["ticket_id", "amount"]),
        ("${tool.arguments.amount} is", "${tool.arguments.amount} is tool.‸", []),
        ("instructions: Read", 'instructions: "Read ${input.‸', ["ticket"]),
        ("instructions: Read", 'instructions: "Read ${memory.‸', ["ticket"]),
    ],
)
def test_expressions(place: Any, old: str, new: str, expected: list[str]) -> None:
    assert texts(place(old, new)) == expected


def test_the_values_of_an_enum_come_first(place: Any) -> None:
    found = texts(place('steps.classify.output.category == "refund"', "steps.classify.status == ‸"))
    assert found[:3] == ['"done"', '"skipped"', '"failed"']


def test_a_name_of_its_own_is_one_of_the_place(place: Any) -> None:
    policy = texts(place("tool.arguments.amount <= 100", "‸"))
    assert policy[:8] == ["memory", "run", "cost", "task", "agent", "input", "now", "tool"]
    assert policy[8:16] == FUNCTIONS
    step = texts(place('steps.classify.output.category == "refund"', "‸"))
    assert step[:5] == ["input", "memory", "run", "now", "steps"]
    assert "output" not in step
    saved = texts(place("        complexity: routine\n", "        save: {ticket: o‸}\n"))
    assert saved == ["output"]


def test_what_is_called_alike_comes_first(place: Any) -> None:
    found = texts(place("with: {ticket: input.ticket}", "with: {ticket: ‸}"))
    assert found[:2] == ["input.ticket", "memory.ticket"]
    found = texts(place("          amount: default(steps.classify", "          amount: ‸ # "))
    assert found[0] == "steps.classify.output.amount"


def test_loops_bring_their_names(place: Any) -> None:
    each = "        for_each: {in: memory.precedents, max: 3}\n        with: {ticket: ‸}\n"
    found = texts(place("        complexity: routine\n", each))
    assert {"item", "index"} <= set(found)
    assert "previous" not in found
    item = each.replace("‸", "item.lo‸")
    assert texts(place("        complexity: routine\n", item)) == ["lower("]
    repeat = "        repeat: {until: output.con‸, max: 3}\n"
    assert texts(place("        complexity: routine\n", repeat)) == ["confidence"]
    again = "        repeat: {until: true, max: 3}\n        with: {ticket: prev‸}\n"
    assert texts(place("        complexity: routine\n", again)) == ["previous"]


def test_double_quotes_hold_single_ones(place: Any) -> None:
    draft = place(
        'when: steps.classify.output.category == "refund"',
        'when: "steps.classify.output.category == ‸"',
    )
    assert texts(draft)[0] == "'refund'"


def test_what_is_replaced(place: Any) -> None:
    draft, offset = place("capability: refund.propose", "capability: refund.pr‸")
    (completion,) = complete(draft, offset)
    replaced = draft.text[: completion.start] + completion.text + draft.text[completion.end :]
    assert "capability: refund.propose\n" in replaced
    assert completion.kind == "capability"


def test_a_key_says_what_it_is_for(place: Any) -> None:
    (completion,) = complete(*place("    limits: {calls", "    lim‸"))
    assert completion.kind == "key"
    assert completion.doc == "Bounds of one execution of a step, with its tool loop."


CELL = "%%agent clerk\nrole: Clerk\nmemory: {read: [‸]}\n"


def test_the_mesh_in_force_is_known_in_a_cell_of_one_agent(place: Any, spec: Spec) -> None:
    head = {"begin": len("%%agent clerk\n"), "within": ("agents", "clerk"), "spec": spec}
    assert texts(place(CELL, **head)) == ["ticket", "tier", "card", "precedents"]
    assert texts(place(CELL.replace("[‸]", "[]").replace("role", "li‸"), **head)) == ["limits"]
    offered = texts(place("%%agent clerk\n‸\nrole: Clerk\n", **head))
    assert "capabilities:" in offered
    assert "role: " not in offered


def test_a_policy_in_a_cell_of_its_own(place: Any, spec: Spec) -> None:
    text = "%%policy payouts\nat: tool\nfor: {tools: [pay_out]}\nrules:\n  - {id: a, when: ‸}"
    head = {"begin": len("%%policy payouts\n"), "within": ("policies", "payouts"), "spec": spec}
    found = texts(place(text.replace("‸", "tool.arguments.‸"), **head))
    assert found == ["ticket_id", "amount"]
    assert texts(place(text.replace("when: ‸", "then: ask, to: ‸"), **head)) == [
        "lead",
        "finance",
        "approver",
    ]


def test_a_mesh_of_another_name_knows_nothing_of_the_one_in_force(place: Any, spec: Spec) -> None:
    step = "workflows:\n  w:\n    steps:\n      a:\n        capability: ‸"
    assert texts(place(f"mesh: other\n{step}", spec=spec)) == []
    assert "refund.pay" in texts(place(f"mesh: refunds\n{step}", spec=spec))


def big() -> str:
    """A mesh of 200 agents and 40 workflows."""
    agents = "".join(
        f"  a{i}:\n    role: Number {i}\n    kind: python\n    capabilities:\n      c{i}.do:\n"
        f"        input:  {{ticket: string, amount{i}: money}}\n"
        f"        output: {{category: {{enum: [refund, bug]}}, n{i}: number}}\n"
        "        examples:\n          - {text: I was charged twice, output: {category: refund}}\n"
        "        proficiency: 0.8\n    memory: {read: [ticket]}\n    tools: [pay]\n"
        for i in range(200)
    )
    flows = "".join(
        f"  w{i}:\n    input: {{ticket: string}}\n    steps:\n"
        + "".join(
            f"      s{j}:\n        capability: c{i * 5 + j}.do\n"
            f"        with: {{ticket: input.ticket, amount{i * 5 + j}: 3}}\n"
            for j in range(5)
        )
        for i in range(40)
    )
    return (
        "mesh: big\nmemory:\n  ticket: string\ntools:\n  pay:\n    input: {amount: money}\n"
        f"    output: {{receipt: string}}\nagents:\n{agents}workflows:\n{flows}policies:\n"
        "  p:\n    at: tool\n    for: {tools: [pay]}\n    rules:\n"
        "      - {id: small, when: tool.arguments.amount < 10, then: approve}\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    role: Number 150\n", "    role: Number 150\n    li‸\n", ["limits: "]),
        ("capability: c100.do", "capability: c19‸", [f"c{n}.do" for n in (19, *range(190, 200))]),
        ("amount57: 3}", "amount57: steps.s1.output.‸}", ["category", "n56"]),
        ("tool.arguments.amount < 10", "tool.arguments.‸", ["amount"]),
        ("memory: {read: [ticket]}", "memory: {read: [‸", ["ticket"]),
        (
            "tool.arguments.amount < 10",
            "task.input.amount1‸",
            [f"amount{n}" for n in range(2, 200) if str(n).startswith("1")],
        ),
    ],
)
def test_a_large_mesh_is_quick(place: Any, old: str, new: str, expected: list[str]) -> None:
    mesh = big()
    assert load(mesh).mesh == "big"
    assert old in mesh
    text, _, rest = mesh.replace(old, new, 1).partition("‸")
    taken = []
    for _ in range(5):
        start = time.process_time()
        found = complete(Draft(text + rest), len(text))
        taken.append(time.process_time() - start)
        assert [completion.text for completion in found] == expected
    assert min(taken) < 0.02, f"{min(taken) * 1000:.1f} ms"
