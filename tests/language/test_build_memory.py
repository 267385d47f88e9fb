"""What a mesh says of its memory, people, tools, models, budgets and routing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from leafmesh_nb.language import describe

Tell = Callable[[str], Any]


def test_a_field_is_of_one_run_and_replaced_unless_it_says_so(told: Tell) -> None:
    spec = told("mesh: a\nmemory: {m: string, n: {type: string}}\n").spec
    for field in spec.memory.values():
        assert (field.scope, field.merge, field.sensitivity) == ("run", "replace", "internal")
        assert describe(field.type) == "string"


@pytest.mark.parametrize(
    ("sensitivity", "masked"),
    [("public", False), ("internal", False), ("pii", True), ("secret", True)],
)
def test_what_is_masked(told: Tell, sensitivity: str, masked: bool) -> None:
    spec = told(f"mesh: a\nmemory: {{m: {{type: string, sensitivity: {sensitivity}}}}}\n").spec
    assert spec.memory["m"].masked is masked


@pytest.mark.parametrize("merge", ["append", "extend"])
def test_what_grows_is_a_list(told: Tell, merge: str) -> None:
    good = told(f"mesh: a\nmemory: {{m: {{type: {{list: string}}, merge: {merge}}}}}\n")
    assert good.diagnostics == ()
    bad = told(f"mesh: a\nmemory: {{m: {{type: string, merge: {merge}}}}}\n")
    assert bad.marked(bad.only("LM209")) == merge


def test_a_field_with_bounds(told: Tell) -> None:
    spec = told("mesh: a\nmemory: {m: {type: money, min: 0, max: 10, scope: mesh}}\n").spec
    assert describe(spec.memory["m"].type) == "{type: money, min: 0, max: 10}"
    assert spec.memory["m"].scope == "mesh"


def test_people_have_roles_that_rules_name_in_their_place(told: Tell) -> None:
    text = "mesh: a\npeople: {lead: {roles: [approver, payer]}, boss: , desk: {roles: payer}}\n"
    spec = told(text).spec
    assert spec.people["boss"].roles == ()
    assert spec.roster("payer") == ("lead", "desk")
    assert spec.roster("boss") == ("boss",)
    assert spec.roster("nobody") == ()


def test_a_tool_of_which_little_is_said(told: Tell) -> None:
    tool = told("mesh: a\ntools: {t: {input: {}, output: {}}}\n").spec.tools["t"]
    assert (tool.side_effect, tool.python, tool.on_in_doubt) == (False, None, None)


def test_money_is_in_dollars_unless_the_mesh_says_so(told: Tell) -> None:
    assert told("mesh: a\n").spec.currency == "USD"
    assert told("mesh: a\ncurrency: EUR\n").spec.currency == "EUR"


def test_budgets_are_exact(told: Tell) -> None:
    budgets = told("mesh: a\nbudgets: {run: 0.10, day: 20, count: list_price}\n").spec.budgets
    assert (budgets.run, budgets.step, budgets.day) == (Decimal("0.10"), None, Decimal(20))
    assert budgets.count == "list_price"
    assert told("mesh: a\nbudgets: {run: 1}\n").spec.budgets.count == "spent"


def test_weights_and_tiers(told: Tell) -> None:
    text = "mesh: a\nrouting: {weights: {skill: 2.5, cost: 0}, tiers: {complex: specialist}}\n"
    routing = told(text).spec.routing
    assert routing.weights == {"skill": Decimal("2.5"), "cost": Decimal(0)}
    assert routing.tiers == {"complex": "specialist"}


def test_a_model_with_all_that_this_version_knows(told: Tell) -> None:
    text = (
        "mesh: a\nmodels:\n  m: {provider: offline, tier: specialist, domains: [law, tax], "
        'priced_as: "openai:gpt-5", max_output_tokens: 500, timeout: 30s}\n'
    )
    model = told(text).spec.models["m"]
    assert (model.provider, model.tier, model.domains) == ("offline", "specialist", ("law", "tax"))
    assert (model.priced_as, model.max_output_tokens, model.timeout) == ("openai:gpt-5", 500, 30.0)
    assert (model.model, model.price, model.base_url, model.api_key_env) == (None,) * 4
    assert (model.fallback, model.context_window, model.region) == ((), None, None)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("20s", 20), ("1.5m", 90), ("1h30m", 5400), ("2d", 172800), ('"20s"', 20)],
)
def test_durations(told: Tell, written: str, seconds: float) -> None:
    text = f"mesh: a\nmodels: {{m: {{provider: offline, timeout: {written}}}}}\n"
    assert told(text).spec.models["m"].timeout == seconds


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("20", "LM207"),
        ("1 h", "LM207"),
        ("1h 30m", "LM207"),
        ("-1s", "LM208"),
        ("1e3s", "LM207"),
        ("20S", "LM207"),
        ("１s", "LM207"),
        ("0s", "LM208"),
        ("9999d", "LM208"),
        ("12:30", "LM207"),
        ("true", "LM207"),
        ("[20s]", "LM204"),
    ],
)
def test_what_is_no_duration(told: Tell, written: str, code: str) -> None:
    found = told(f"mesh: a\nmodels: {{m: {{provider: offline, timeout: {written}}}}}\n")
    assert found.marked(found.only(code)) == written


WRONG = [
    ("memory: {m: {scope: mesh}}", "LM202", "m", "{type:"),
    ("memory: {m: {type: string, scope: run, default: x}}", "LM201", "default", "`save`"),
    ("memory: {m: {type: string, scope: global}}", "LM206", "global", "run, mesh"),
    ("memory: {m: {type: string, sensitivity: PII}}", "LM206", "PII", "Did you mean `pii`?"),
    ("memory: {m: {type: string, min: 1}}", "LM401", "1", ""),
    ("memory: [m]", "LM204", "[m]", "{ticket: string}"),
    ("people: [lead]", "LM204", "[lead]", "{roles: [approver]}"),
    ("people: {lead: approver}", "LM204", "approver", "{roles: [approver]}"),
    ("people: {lead: {email: a}}", "LM201", "email", "roles"),
    ("people: {lead: {roles: [a, a]}}", "LM213", "a", ""),
    ("people: {lead: {roles: ['']}}", "LM211", "''", ""),
    ("people: {lead: {roles: [boss]}, boss: }", "LM206", "boss", "another name"),
    ("tools: {t: {input: {}, output: {}, side_effect: 'yes'}}", "LM204", "'yes'", ""),
    ("tools: {t: {input: {lambda: string}, output: {}}}", "LM205", "lambda", "lambda_value"),
    ("tools: {t: {input: {ctx: string}, output: {}}}", "LM205", "ctx", "ctx_value"),
    ("tools: {t: {input: {}, output: {}, python: ''}}", "LM211", "python", ""),
    ("tools: {t: {input: string, output: {}}}", "LM204", "string", "{} for none"),
    ("models: {m: {provider: offline, tier: huge}}", "LM206", "huge", "small, large"),
    ("models: {m: {provider: offline, domains: ['']}}", "LM211", "''", ""),
    ("models: {m: {provider: offline, domains: {a: b}}}", "LM204", "{a: b}", ""),
    ("models: {m: {provider: offline, priced_as: ''}}", "LM211", "priced_as", ""),
    ("models: {m: {provider: offline, priced_as: 'openai:'}}", "LM210", "'openai:'", "gpt-5"),
    ("models: {m: {provider: offline, max_output_tokens: 0}}", "LM208", "0", ""),
    ("models: {m: {provider: ''}}", "LM206", "''", ""),
    ("budgets: {run: '0.50'}", "LM204", "'0.50'", "without quotes"),
    ("budgets: {run: -1}", "LM208", "-1", ""),
    ("budgets: {run: .inf}", "LM123", ".inf", ""),
    ("budgets: {run: 1_000}", "LM204", "1_000", ""),
    ("budgets: {month: 5}", "LM201", "month", "run, step, day, count"),
    ("routing: {weights: {skill: -1}}", "LM208", "-1", ""),
    ("routing: {weights: {skill: 0, cost: 0}}", "LM208", "{skill: 0, cost: 0}", ""),
    ("routing: {tiers: {routine: tiny}}", "LM206", "tiny", "small, large"),
    ("routing: {tiers: {rutine: small}}", "LM201", "rutine", "Did you mean `routine`?"),
    ("currency: ''", "LM211", "currency", ""),
    ("description: 5", "LM204", "5", 'Quote it: "5".'),
    ("version: 1", "LM201", "version", "mesh, description"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code", "marked", "hint"), WRONG)
def test_one_mistake_one_message(told: Tell, text: str, code: str, marked: str, hint: str) -> None:
    found = told(f"mesh: a\n{text}\n")
    error = found.only(code)
    assert found.marked(error) == marked
    assert hint in error.hint
    assert found.spec is None


def test_a_mesh_has_a_name(told: Tell) -> None:
    assert told('mesh: ""\n').only("LM211").message == "The name of a mesh is empty."
    assert told("mesh: [a]\n").only("LM204")
    assert told("mesh: no\n").only("LM122").severity == "warning"
