"""Keys of other tools and of other blocks: each is answered with the key to write, or its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leafmesh_nb.language import key_habits
from leafmesh_nb.language.blocks import Block
from leafmesh_nb.language.build import MESH
from leafmesh_nb.language.build_agents import AGENT, CAPABILITY, LIMITS
from leafmesh_nb.language.build_memory import FIELD, TOOL
from leafmesh_nb.language.build_models import MODEL
from leafmesh_nb.language.build_policies import POLICY
from leafmesh_nb.language.build_rules import RULE
from leafmesh_nb.language.build_steps import STEP
from leafmesh_nb.language.build_workflows import WORKFLOW

Changed = Callable[..., Any]

BLOCKS = (
    MESH, AGENT, CAPABILITY, LIMITS, FIELD, TOOL, MODEL, POLICY, RULE, STEP, WORKFLOW,
)  # fmt: skip


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.what)
def test_a_habit_leads_from_a_key_that_is_none_to_one_that_is(block: Block) -> None:
    for written, meant in key_habits._HERE.get(block.what, {}).items():
        assert meant in block.keys, (written, meant)
        assert written not in block.keys, written
    assert not key_habits._ELSEWHERE.get(block.what, {}).keys() & set(block.keys)


def test_every_habit_is_of_a_block() -> None:
    known = {block.what for block in BLOCKS}
    assert known >= key_habits._HERE.keys() | key_habits._ELSEWHERE.keys()
    assert set(MESH.keys) >= set(key_habits.OF_THE_MESH)


STEP_KEY = "        complexity: routine\n"
ROLE = "    role: First-line support analyst\n"
ASKED = "        within: 30m\n"

OTHER_TOOLS = [
    (STEP_KEY, "        retries: 3\n", "Did you mean `retry`?"),
    (STEP_KEY, "        max_retries: 3\n", "Did you mean `retry`?"),
    ("        when: steps.classify", "        if: steps.classify", "Did you mean `when`?"),
    ("        with: {ticket: input.ticket}", "        inputs: {ticket: input.ticket}", "`with`"),
    ("    instructions: Read", "    prompt: Read", "Did you mean `instructions`?"),
    ("    instructions: Read", "    system_prompt: Read", "Did you mean `instructions`?"),
    ("    model: {tier: small}\n", "    llm: quick\n", "Did you mean `model`?"),
    (ROLE, ROLE.replace("role", "goal"), "Did you mean `role`?"),
    (ROLE, f"{ROLE}    backstory: Ten years\n", "Did you mean `instructions`?"),
    (ROLE, f"{ROLE}    temperature: 0.2\n", "Its keys are role,"),
    ("    steps:\n", "    tasks:\n", "Did you mean `steps`?"),
    ("        then: approve\n", "        effect: approve\n", "Did you mean `then`?"),
    (STEP_KEY, "        name: Classify\n", "the key above it"),
]


@pytest.mark.parametrize(("old", "new", "hint"), OTHER_TOOLS)
def test_keys_of_other_tools(changed: Changed, old: str, new: str, hint: str) -> None:
    found = changed(old, new).only("LM201")
    assert hint in found.hint


def test_steps_of_other_tools_wait_by_after(changed: Changed) -> None:
    found = changed(
        "        with: {ticket: input.ticket}\n        complexity: routine\n",
        "        with: {ticket: input.ticket}\n        depends_on: propose\n",
    )
    assert found.codes == ["LM201", "LM320"]  # it is read as `after`, and is a circle here
    assert found.diagnostics[0].hint == "Did you mean `after`?"


ELSEWHERE = [
    (ASKED, f"{ASKED}        on_timeout: deny\n", "belongs to the policy, one level up"),
    (
        "    default: deny\n",
        "    default: deny\n    to: lead\n",
        "`to` belongs to a rule, one level down, in `rules`.",
    ),
    ("    at: tool\n", "    at: tool\n    tools: [pay_out]\n", "one level down, in `for`."),
    (
        "    steps:\n      classify",
        "    complexity: routine\n    steps:\n      classify",
        "`complexity` belongs to a step, one level down, in `steps`.",
    ),
    (ROLE, f"{ROLE}    proficiency: 0.5\n", "a capability, one level down, in `capabilities`."),
    ("        proficiency: 0.8\n", "        tools: []\n", "belongs to the agent, one level up."),
    (STEP_KEY, "        output: {a: 1}\n", "belongs to the workflow, one level up."),
    (ROLE, f"{ROLE}    budgets: {{run: 1}}\n", "belongs to the mesh itself"),
    (ROLE, f"{ROLE}    tier: small\n", "Write `model: {tier: …}`."),
    ("budgets: {", "steps: {}\nbudgets: {", "belongs to a workflow, one level down"),
]


@pytest.mark.parametrize(("old", "new", "hint"), ELSEWHERE)
def test_a_key_on_the_wrong_level(changed: Changed, old: str, new: str, hint: str) -> None:
    assert hint in changed(old, new).only("LM201").hint


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("ignore", "Did you mean `continue`?"),
        ("skip", "Did you mean `continue`?"),
        ("abort", "Did you mean `fail`?"),
        ("fial", "Did you mean `fail`?"),
        ("clasify", "Did you mean `classify`?"),
        ("zzz", "Write fail, continue, or a step: classify, propose, pay."),
    ],
)
def test_words_of_on_error(changed: Changed, written: str, hint: str) -> None:
    found = changed(STEP_KEY, f"        on_error: {written}\n").only("LM307")
    assert found.hint == hint
