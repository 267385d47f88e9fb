"""The words that the reference offers are those that the compiler takes."""

from __future__ import annotations

import pytest

from leafmesh_nb.language import parse
from leafmesh_nb.language.build_memory import MERGES
from leafmesh_nb.language.editing.reference import Choice, Either, Value, sections

AGENT = (
    "agents: {a: {role: r, kind: python, KEY, capabilities: {c: {input: {}, output: {b: string}}}}}"
)
POLICY = "policies: {p: {at: output, KEY}}"
RULE = "policies: {p: {at: output, rules: [{id: r, KEY}]}}"
STEP = f"{AGENT.replace('KEY, ', '')}\nworkflows: {{w: {{steps: {{s: {{capability: c, KEY}}}}}}}}"
PLACES = {
    "agent": AGENT.replace("kind: python, ", ""),
    "budgets": "budgets: {KEY}",
    "memory field": "memory: {f: {type: {list: string}, KEY}}",
    "model": "models: {m: {provider: offline, KEY}}",
    "policy": POLICY.replace("at: output, KEY", "KEY"),
    "policy test": "policies: {p: {at: output, tests: [{given: {}, KEY}]}}",
    "rule": RULE,
    "step": STEP,
    "tool": "tools: {t: {input: {}, output: {}, KEY}}",
    "tiers": "models: {a: {provider: offline, tier: small}}\nrouting: {tiers: {KEY}}",
}


def words(value: Value) -> Choice | None:
    if isinstance(value, Either):
        return next((found for form in value.forms if (found := words(form))), None)
    return value if isinstance(value, Choice) else None


CHOICES = [
    (section, key, choice)
    for section, template in PLACES.items()
    for key, told in sections()[section].keys.items()
    if (choice := words(told.value)) is not None
]


@pytest.mark.parametrize(("section", "key", "choice"), CHOICES)
def test_each_word(section: str, key: str, choice: Choice) -> None:
    for word in choice.values:
        diagnostics = parse(
            f"mesh: m\n{PLACES[section].replace('KEY', f'{key}: {word}')}"
        ).diagnostics
        told = [d for d in diagnostics if f"`{word}`" in d.message]
        unknown = [d.message for d in told if d.code == "LM206" and "never" not in d.message]
        assert unknown == [], (section, key, word)
        later = [d.message for d in told if d.code == "LM203"]
        assert bool(later) == (word in choice.later), (section, key, word, later)


@pytest.mark.parametrize(("section", "key", "choice"), CHOICES)
def test_no_other_word(section: str, key: str, choice: Choice) -> None:
    text = f"mesh: m\n{PLACES[section].replace('KEY', f'{key}: zebra')}"
    assert "zebra" not in choice.values
    codes = {d.code for d in parse(text).diagnostics if "zebra" in d.message}
    # What fails may lead to a step, which is a name.
    assert codes & {"LM206", "LM307"}, (section, key)


def test_words_are_told_with_what_they_mean() -> None:
    for section, key, choice in CHOICES:
        for word, doc in choice.values.items():
            assert doc.endswith("."), (section, key, word)


def test_every_way_of_merging_is_offered() -> None:
    choice = words(sections()["memory field"].keys["merge"].value)
    assert choice is not None
    assert set(choice.values) == set(MERGES)
