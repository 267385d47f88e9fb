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


LOOP = "for_each: {in: input.mails, max: 5}"
INNER = """  inner:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
    output: {text: steps.read.output.text}
  sending:
    input: {text: string}
    steps:
      send: {capability: mail.send, with: {text: input.text}}
    output: {}
  noting:
    input: {text: string}
    steps:
      note: {let: "1", save: {note: input.text}}
    output: {}
"""


FOLLOWED = {
    "item": "send: {capability: mail.send, with: {text: item}, LOOP}",
    "items": """
a: {capability: mail.read, with: {mail: item}, LOOP}
send: {capability: mail.send, with: {text: "steps.a.output[0].text"}}
""",
    "previous": """
a:
  capability: mail.read
  with: {mail: "default(previous.text, input.mail)"}
  repeat: {until: output.kind == "a", max: 3}
send: {capability: mail.send, with: {text: steps.a.output.text}}
""",
    "workflow": """
a: {workflow: inner, with: {mail: input.mail}}
send: {capability: mail.send, with: {text: steps.a.output.text}}
""",
    "workflows": """
a: {workflow: inner, with: {mail: item}, LOOP}
send: {capability: mail.send, with: {text: "steps.a.output[0].text"}}
""",
    "within": "a: {workflow: sending, with: {text: input.mail}}",
    "memory within": """
a: {workflow: noting, with: {text: input.mail}}
b: {let: memory.note, after: a}
send: {capability: mail.send, with: {text: steps.b.output}}
""",
}


@pytest.mark.parametrize("steps", FOLLOWED.values(), ids=FOLLOWED)
def test_untrusted_input_is_followed_through_what_steps_are_made_of(steps: str) -> None:
    found = ways(steps.replace("LOOP", LOOP), INNER)
    sources = ("input.mail →", "input.mails →", "input.text →")
    assert any(way.startswith(source) for way in found for source in sources), found


def test_items_iterations_racers_and_what_is_within_are_counted() -> None:
    once = bound(f"a: {{{READ}}}")
    assert bound(f"a: {{{READ}, {LOOP}}}") == 5 * once
    repeated = f"a: {{{READ}, {LOOP}, repeat: {{until: output.text == item, max: 3}}}}"
    assert bound(repeated) == 15 * once
    run_it = "a: {workflow: inner, with: {mail: item}, " + LOOP + "}"
    assert bound(run_it, INNER) == 5 * once
    assert bound(run_it, INNER, step="a") == 5 * once


def test_the_budget_of_a_step_bounds_all_that_it_is_made_of() -> None:
    spec = load(
        mesh(f"a: {{{READ}, {LOOP}}}").replace("budgets: {", "budgets: {step: 0.01, run: 0.02, ")
    )
    (cost,) = step_costs(spec, ListPrices())
    assert cost.bound.most == Decimal("0.01")
