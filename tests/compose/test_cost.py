"""The cost layer: static bounds beside budgets, in the arithmetic of the runtime."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.agents.prices import ListPrices
from leafmesh_nb.compose import LayerReport, Subject, cost
from leafmesh_nb.compose.bound import NOTHING, Bound, OneOf, Together, bound_of, dearest
from leafmesh_nb.compose.call_sizes import TEXT_BYTES, size_of
from leafmesh_nb.compose.calls_priced import price_call
from leafmesh_nb.language import load

REFUNDS = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")
LISTED = REFUNDS.replace("day: 20}", "day: 20, count: list_price}")

MESH = """
mesh: priced
models:
  quick: {provider: offline, tier: small, priced_as: "openai:gpt-5-mini"}
agents:
  reader:
    role: Reader
    instructions: Read ${input.text} for ${run.workflow}
    capabilities:
      text.read:
        input: {text: string}
        output: {kind: {enum: [a, b]}}
        examples: [{text: one, output: {kind: a}}]
budgets: {run: 1, step: 1, count: list_price}
workflows:
  read:
    input: {text: string}
    steps:
      one: {capability: text.read, with: {text: input.text}}
      two: {capability: text.read, with: {text: input.text}, after: one}
"""


def subject(text: str, *changes: tuple[str, str]) -> Subject:
    for old, new in changes:
        assert old in text, f"the mesh has no {old!r}"
        text = text.replace(old, new)
    found = Subject.of_text(textwrap.dedent(text), "cell")
    assert found.spec is not None, [str(d) for d in found.found]
    return found


def look(text: str, *changes: tuple[str, str]) -> LayerReport:
    """The layer's report on a mesh with these texts replaced."""
    return cost.check(subject(text, *changes))


def told(report: LayerReport) -> list[str]:
    return [d.code for d in report.diagnostics]


class TestReference:
    def test_it_is_green_and_its_bound_is_nothing(self) -> None:
        report = look(REFUNDS)
        assert (report.colour, report.diagnostics, report.unproven) == ("green", (), ())
        facts = report.facts
        assert facts["budgets"] == {
            "run": Decimal("0.50"),
            "step": Decimal("0.20"),
            "day": Decimal(20),
        }
        run = facts["runs"]["refund"]
        assert (run["at most"], run["usual"]) == (0, 0)
        assert run["usual at list price"] == run["steps"]["classify"]["usual at list price"] > 0
        assert set(run["steps"]["classify"]["calls"]) == {"triage with quick", "veteran with deep"}
        assert run["steps"]["pay"]["calls"] == {}

    def test_at_list_price_it_is_bounded_by_its_budgets(self) -> None:
        report = look(LISTED)
        assert report.colour == "green"
        run = report.facts["runs"]["refund"]
        assert run["at most"] == run["steps"]["classify"]["at most"] == Decimal("0.20")
        assert 0 < run["usual"] < Decimal("0.05")

    def test_the_report_is_json(self) -> None:
        facts = look(LISTED).to_dict()["facts"]
        assert facts["runs"]["refund"]["at most"] == "0.20"
        assert facts["budgets count"] == "list price"


class TestNever:
    @pytest.mark.parametrize(
        ("old", "new", "key"),
        [
            ("step: 0.20", "step: 0.001", "budgets.step"),
            ("run: 0.50", "run: 0.001", "budgets.run"),
            ("day: 20", "day: 0.001", "budgets.day"),
            ("run: 0.50", "run: 0", "budgets.run"),
            ("cost: 0.05", "cost: 0.001", "agents.triage.limits.cost"),
        ],
    )
    def test_a_limit_below_the_smallest_call(self, old: str, new: str, key: str) -> None:
        assert told(look(REFUNDS, (old, new))) == []  # offline models cost nothing
        report = look(LISTED, (old, new))
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM703", "red")
        assert f"`{key}` is {new.split(': ')[1]} USD" in found.message
        assert "can never run" in found.message
        value = found.line_text[found.span.column - 1 : found.span.end_column - 1]
        assert value == new.split(": ")[1]

    def test_a_model_that_may_say_too_much(self) -> None:
        more = ("tier: large, priced_as", "tier: large, max_output_tokens: 50000, priced_as")
        (found,) = look(LISTED, more).diagnostics
        assert (found.code, found.severity) == ("LM703", "error")
        assert "`deep` by `veteran` in step `classify`" in found.message
        assert "`budgets.step` is 0.20 USD and `budgets.run` is 0.50 USD" in found.message
        assert "(50,000 now)" in found.hint
        assert told(look(LISTED, (more[0], more[1].replace("50000", "5000")))) == []

    def test_only_what_a_step_may_be_routed_to_counts(self) -> None:
        dear = ("tier: specialist, domains", "tier: specialist, max_output_tokens: 90000, domains")
        assert told(look(LISTED, dear)) == []
        assert told(look(LISTED, dear, ("model: {tier: large}", "model: {domain: legal}"))) == [
            "LM703"
        ]


class TestMaybe:
    def test_a_call_that_a_long_text_makes_too_dear(self) -> None:
        report = look(LISTED, ("step: 0.20", "step: 0.02"))
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM704", "amber")
        assert "`deep` by `veteran`" in found.message
        assert "with texts of 8 KB it reserves 0.0281 USD" in found.message

    def test_a_run_whose_calls_are_too_dear_together(self) -> None:
        one = look(MESH).facts["runs"]["read"]["steps"]["one"]["usual"]
        assert told(look(MESH, ("run: 1", f"run: {one * 2}"))) == []
        report = look(MESH, ("run: 1", f"run: {one * Decimal('1.5')}"))
        (found,) = report.diagnostics
        assert (found.code, found.severity) == ("LM704", "warning")
        assert "A run of `read` may be cut short" in found.message
        assert "The dearest step is `one`: `quick` for `reader`" in found.message

    def test_a_day_that_a_run_passes(self) -> None:
        report = look(MESH, ("run: 1", "day: 0.004"))
        assert told(report) == ["LM704"]
        assert "`budgets.day` is 0.004 USD" in report.diagnostics[0].message

    def test_one_cause_is_told_once(self) -> None:
        assert told(look(MESH, ("run: 1, step: 1", "run: 0.00001"))) == ["LM703"]

    def test_steps_that_exclude_each_other_count_once(self) -> None:
        kind = "steps.one.output.kind =="
        more = (
            "after: one}",
            f"when: {kind} 'a'}}\n"
            "      three: {capability: text.read, with: {text: input.text}, "
            f"when: {kind} 'b' && input.text != ''}}",
        )
        assert told(look(MESH, more, ("run: 1", "run: 0.007"))) == []
        side_by_side = (more[0], more[1].replace("'b'", "'a'"))
        assert told(look(MESH, side_by_side, ("run: 1", "run: 0.007"))) == ["LM704"]


class TestUnpriced:
    TYPO = ("openai:gpt-5-mini", "openai:gpt-5-mimi")

    def test_what_limits_must_count_needs_a_price(self) -> None:
        report = look(LISTED, self.TYPO)
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM701", "red")
        assert "`openai:gpt-5-mimi` is not in the price list" in found.message
        line = found.line_text[found.span.column - 1 : found.span.end_column - 1]
        assert line == '"openai:gpt-5-mimi"'

    def test_what_is_only_shown_should_have_one(self) -> None:
        report = look(REFUNDS, self.TYPO)
        assert (told(report), report.colour) == (["LM705"], "amber")

    def test_a_model_that_no_step_takes(self) -> None:
        assert told(look(LISTED, ('"openai:gpt-5"', '"openai:gpt-5x"'))) == ["LM705"]

    def test_offline_without_a_price_is_never_unpriced(self) -> None:
        assert told(look(MESH, (', priced_as: "openai:gpt-5-mini"', ""))) == []

    def test_a_paid_model_without_a_price(self) -> None:
        assert told(cost.check(self.paid("no-such-model"))) == ["LM701"]
        assert told(cost.check(self.paid("gpt-5-mini"))) == []

    @staticmethod
    def paid(model: str, **budgets: Any) -> Subject:
        """The mesh with a vendor's model, which this version's language does not take yet."""
        found = subject(MESH, (", count: list_price", ""))
        spec = found.spec
        assert spec is not None
        quick = replace(spec.models["quick"], provider="openai", model=model, priced_as=None)
        spec = replace(spec, models={"quick": quick}, budgets=replace(spec.budgets, **budgets))
        return replace(found, spec=spec)


class TestUnbounded:
    def test_what_counts_needs_a_limit(self) -> None:
        report = look(MESH, ("run: 1, step: 1, ", ""))
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM702", "red")
        assert found.line_text.strip() == "read:"
        assert report.facts["runs"]["read"]["at most"] == "no bound"

    @pytest.mark.parametrize("limit", ["run: 1", "step: 1", "day: 1"])
    def test_any_budget_is_one(self, limit: str) -> None:
        report = look(MESH, ("run: 1, step: 1", limit))
        assert told(report) == []
        assert report.facts["runs"]["read"]["at most"] == (2 if "step" in limit else 1)

    def test_so_is_the_limit_of_the_agent(self) -> None:
        limits = ("role: Reader", "role: Reader\n    limits: {cost: 0.25}")
        report = look(MESH, limits, ("run: 1, step: 1, ", ""))
        assert told(report) == []
        assert report.facts["runs"]["read"]["at most"] == Decimal("0.50")

    def test_a_paid_model_needs_one_too(self) -> None:
        no_budgets = {"run": None, "step": None}
        assert told(cost.check(TestUnpriced.paid("gpt-5-mini", **no_budgets))) == ["LM702"]

    def test_what_costs_nothing_needs_none(self) -> None:
        budgets = ("budgets: {run: 1, step: 1, count: list_price}\n", "")
        report = look(MESH, budgets)
        assert (told(report), report.facts["runs"]["read"]["at most"]) == ([], 0)


class TestAlgebra:
    A = Bound(Decimal(1), Decimal(4))
    B = Bound(Decimal(2), Decimal(3))
    OPEN = Bound(Decimal(1), None)

    def test_parts_add_up_and_alternatives_do_not(self) -> None:
        assert bound_of(Together((self.A, self.B))) == Bound(Decimal(3), Decimal(7))
        assert bound_of(OneOf((self.A, self.B))) == Bound(Decimal(2), Decimal(4))
        nested = Together((self.A, OneOf((self.A, Together((self.B, self.B))))))
        assert bound_of(nested) == Bound(Decimal(5), Decimal(10))

    def test_no_bound_is_contagious_until_a_limit(self) -> None:
        assert bound_of(Together((self.A, self.OPEN))).most is None
        assert dearest((self.A, self.OPEN)).most is None
        assert bound_of(Together((self.A, self.OPEN.under(Decimal(9))))).most == 13
        assert self.A.under(Decimal(9), None).most == 4

    def test_nothing(self) -> None:
        assert bound_of(Together(())) == bound_of(OneOf(())) == dearest(()) == NOTHING


class TestRuntime:
    """What a run reserves is what the layer said."""

    @pytest.fixture
    def reserved(self, tmp_path: Path) -> Callable[[str, str], list[Decimal]]:
        """What the calls of a run of a mesh reserve, given its text."""

        def run(mesh: str, text: str) -> list[Decimal]:
            made = lm.Mesh.from_yaml(mesh).start("read", text=text, journal=tmp_path / "j.db")
            with contextlib.suppress(lm.RunError):
                made.result(20)
            events = [e.body for e in made.recorded() if e.kind == "budget.reserved"]
            return [Decimal(body.amount) for body in events]

        return run

    @pytest.mark.parametrize("usual", [True, False])
    def test_a_call_reserves_what_was_foreseen(
        self, reserved: Callable[[str, str], list[Decimal]], usual: bool
    ) -> None:
        spec = load(MESH)
        agent, model = spec.agents["reader"], spec.models["quick"]
        call = price_call(spec, ListPrices(), "text.read", agent, model)
        text = ("the customer wrote these words about what had gone wrong " * 200)[:TEXT_BYTES]
        foreseen = call.usual if usual else call.least
        assert foreseen is not None
        amounts = reserved(MESH, text if usual else "")
        assert len(amounts) == 2
        for amount in amounts:
            # The workflow's name in the instructions makes the only difference.
            assert 0 <= amount - foreseen <= Decimal("0.000001")

    def test_a_run_never_reserves_more_than_at_most(
        self, reserved: Callable[[str, str], list[Decimal]]
    ) -> None:
        tight = MESH.replace("run: 1", "run: 0.02")
        amounts = reserved(tight, "{}," * 20_000)
        assert len(amounts) == 1  # the second call was refused
        assert 0 < sum(amounts) <= look(tight).facts["runs"]["read"]["at most"]

    def test_values_of_every_type(self) -> None:
        kinds = """{text: string or null, b: {list: string}, c: {map: string}, d: any, e: date,
            f: datetime, g: {type: integer, min: 5, max: 9}, h: {type: money, max: -1},
            i: {object: {x: boolean}}, j: number, k: {enum: [short, longest]}}"""
        spec = load(MESH.replace("{text: string}", kinds, 1).split("workflows:")[0])
        size = size_of(spec, "text.read", spec.agents["reader"], spec.models["quick"])
        assert 100 < size.least_in < 600
        assert size.usual_in > 5 * TEXT_BYTES / 4  # text twice, b, c, d
        assert size.most_out == 1024
