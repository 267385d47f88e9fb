"""Every kind of step in the layers that follow values and money: what a value passes through on its
way, and how often a call is made."""

from __future__ import annotations

from decimal import Decimal

import pytest

from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.compose import Subject, safety
from leafmesh_nb.compose.step_costs import run_bounds, step_costs
from leafmesh_nb.language import load

MESH = """
mesh: desk
models: {quick: {provider: offline, tier: small, priced_as: "openai:gpt-5-mini"}}
memory:
  note: string
people: {lead: {roles: [approver]}}
tools:
  send: {side_effect: true, input: {to: string}, output: {id: string}}
agents:
  reader:
    role: Reader
    capabilities:
      mail.read: {input: {mail: string}, output: {kind: {enum: [a, b]}, text: string}}
    model: quick
    memory: {write: [note]}
  sender:
    role: Sender
    kind: python
    capabilities:
      mail.send: {input: {text: string or null}, output: {id: string}}
    tools: [send]
policies:
  sending: {at: tool, for: {tools: [send]}, rules: [{id: all, then: approve}]}
budgets: {count: list_price}
workflows:
  go:
    input: {mail: string, mails: {list: string}}
    steps:
STEPS
OTHERS
"""
READ = "capability: mail.read, with: {mail: input.mail}"


def mesh(steps: str, others: str = "") -> str:
    lines = "\n".join(f"      {line}" for line in steps.strip().splitlines())
    return MESH.replace("STEPS", lines).replace("OTHERS", others)


def ways(steps: str, others: str = "") -> list[str]:
    """The ways from what is untrusted to the side effect."""
    subject = Subject.of_text(mesh(steps, others), "cell")
    assert subject.spec is not None, [str(d) for d in subject.found]
    report = safety.check(subject)
    effects = report.facts.get("side effects", {})
    return [path for fact in effects.values() for path in fact["paths"]]


@pytest.mark.parametrize(
    "steps",
    [
        "a: {let: input.mail}\nsend: {capability: mail.send, with: {text: steps.a.output}}",
        "a: {let: \"{'x': input.mail, 'y': 1}\"}\n"
        "send: {capability: mail.send, with: {text: steps.a.output.x}}",
        "a: {let: '1', save: {note: input.mail}}\n"
        "send: {capability: mail.send, after: a, with: {text: b.x}}".replace("b.x", "'\"x\"'")
        + "\nb: {let: memory.note, after: a}\n"
        "c: {capability: mail.send, with: {text: steps.b.output}}",
    ],
    ids=["whole", "field", "memory"],
)
def test_what_is_computed_from_untrusted_input_is_untrusted(steps: str) -> None:
    assert any(way.startswith("input.mail → ") for way in ways(steps))


def test_what_is_computed_from_the_mesh_alone_is_its_own() -> None:
    steps = "a: {let: '\"x\"'}\nsend: {capability: mail.send, with: {text: steps.a.output}}"
    assert ways(steps) == []


def bound(steps: str, others: str = "", step: str = "", **budgets: str) -> Decimal:
    """What a run, or one step of it, counts with texts of a usual size."""
    text = mesh(steps, others)
    if budgets:
        limits = ", ".join(f"{name}: {amount}" for name, amount in budgets.items())
        text = text.replace("budgets: {", f"budgets: {{{limits}, ")
    spec = load(text)
    costs = step_costs(spec, ListPrices())
    if step:
        return next(cost.bound.usual for cost in costs if cost.step.id == step)
    return run_bounds(spec, costs)["go"].usual


def test_attempts_are_counted() -> None:
    once = bound(f"a: {{{READ}}}")
    assert once > 0
    assert bound(f"a: {{{READ}, retry: {{max: 3}}}}") == 4 * once
    assert bound(f"a: {{{READ}, on_error: b}}\nb: {{{READ}}}") == 2 * once
    assert bound("a: {let: input.mail}\nb: {wait: 1h}") == 0
