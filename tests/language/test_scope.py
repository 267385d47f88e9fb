"""Which names an expression may use, by its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import Type
from leafmesh_nb.language.scope import union
from leafmesh_nb.language.types import ANY, BOOLEAN, INTEGER, MONEY, NUMBER, STRING, object_of

Changed = Callable[..., Any]


@pytest.mark.parametrize(
    "condition",
    [
        'input.tier == "gold"',
        'memory.tier == "gold"',
        'run.workflow == "refund"',
        'default(run.requester, "") == ""',
        "now - run.started > duration('1h')",
        "cost.spent > 1 || cost.list_price > 1",
        'task.step == "pay"',
        'task.capability == "refund.pay"',
        'default(task.complexity, "routine") == "routine"',
        'default(task.domain, "") == ""',
        "task.input.amount > 3",
        'agent.id == "teller" && agent.kind == "python"',
        'tool.name == "pay_out"',
        'tool.arguments.ticket_id == ""',
        "size(memory.precedents) > 0",
    ],
)
def test_names_of_a_policy_at_a_tool(changed: Changed, condition: str) -> None:
    told = changed("when: tool.arguments.amount <= 100", f"when: >-\n          {condition}")
    assert told.diagnostics == (), [str(d) for d in told.diagnostics]


@pytest.mark.parametrize("name", ["steps", "output", "model", "request", "write", "item"])
def test_names_that_a_policy_at_a_tool_has_not(changed: Changed, name: str) -> None:
    told = changed("tool.arguments.amount <= 100", f"{name}.x > 1")
    assert told.codes == ["LM310"]


def test_a_policy_at_output_sees_the_output(changed: Changed) -> None:
    policy = (
        "policies:\n  large:\n    at: output\n    for: {capabilities: [refund.propose]}\n"
        "    rules:\n      - {id: big, when: output.amount > 100, then: deny, "
        'reason: "${output.reason}"}\n    default: approve\n'
    )
    assert changed("policies:\n", policy).diagnostics == ()
    assert changed("policies:\n", policy.replace("output.amount", "output.amont")).codes == [
        "LM311"
    ]
    assert changed("policies:\n", policy.replace("output.amount", "tool.name")).codes == ["LM310"]
    wide = policy.replace("    for: {capabilities: [refund.propose]}\n", "")
    found = changed("policies:\n", wide).diagnostics
    assert all("null" in d.message for d in found)
    assert len(found) >= 1


def test_a_policy_narrowed_by_steps_and_agents(changed: Changed) -> None:
    for narrowed in ("{steps: [propose]}", "{agents: [clerk]}"):
        policy = (
            f"policies:\n  large:\n    at: output\n    for: {narrowed}\n    rules:\n"
            "      - {id: big, when: output.amount > task.input.amount, then: deny}\n"
            "    default: approve\n"
        )
        assert changed("policies:\n", policy).diagnostics == ()


def test_instructions_see_inputs_and_granted_memory_only(changed: Changed) -> None:
    old = "    instructions: Read the ticket and say what the customer wants."
    assert (
        changed(old, "    instructions: 'Read ${input.ticket} and ${memory.ticket}.'").codes == []
    )
    told = changed(old, "    instructions: 'The tier is ${memory.tier}.'")
    assert told.marked(told.only("LM604")) == "memory.tier"
    assert changed(old, "    instructions: 'It is ${steps.pay}.'").codes == ["LM310"]
    assert changed(old, "    instructions: 'It is ${now'").codes == ["LM112"]


def test_a_reason_points_into_its_template(changed: Changed) -> None:
    told = changed(
        "${tool.arguments.amount} is over", "a $${literal} and ${tool.arguments.amnt} is"
    )
    found = told.only("LM311")
    assert told.marked(found) == "amnt"


@pytest.mark.parametrize(
    ("types", "together"),
    [
        ([], ANY),
        ([STRING], STRING),
        ([STRING, STRING.or_null()], STRING.or_null()),
        ([INTEGER, MONEY], MONEY),
        ([INTEGER, NUMBER], NUMBER),
        ([STRING, MONEY], ANY),
        ([Type("enum", values=("a",)), Type("enum", values=("b", "a"))],
         Type("enum", values=("a", "b"))),
        ([Type("enum", values=("a",)), STRING], STRING),
        ([object_of({"a": STRING, "b": INTEGER}), object_of({"a": STRING})],
         object_of({"a": STRING, "b": INTEGER.or_null()})),
        ([Type("list", items=INTEGER), Type("list", items=MONEY)], Type("list", items=MONEY)),
        ([BOOLEAN, BOOLEAN.or_null()], BOOLEAN.or_null()),
    ],
)  # fmt: skip
def test_union(types: list[Type], together: Type) -> None:
    assert union(types) == together
