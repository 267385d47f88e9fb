"""The output layer: dry runs over samples, and what is wrong with the answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.compose import LayerReport, Subject, output
from leafmesh_nb.compose.repetition import repeats
from leafmesh_nb.mesh import registry
from leafmesh_nb.quickstart import shop
from leafmesh_nb.testing import ScriptedModel

REFUNDS = (Path(__file__).parents[1] / "fixtures" / "refunds.yaml").read_text(encoding="utf-8")

MESH = """
mesh: desk
models: {quick: {provider: offline, tier: small, max_output_tokens: 200}}
agents:
  reader:
    role: Reader
    capabilities:
      mail.read:
        input: {mail: string}
        output: {kind: {enum: [refund, bug]}, amount: money or null, summary: string}
  clerk:
    role: Clerk
    kind: python
    capabilities:
      mail.answer: {input: {summary: string}, output: {answer: string, score: number or null}}
workflows:
  go:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
      answer: {capability: mail.answer, with: {summary: steps.read.output.summary}}
    output: {answer: steps.answer.output.answer}
"""
GOOD = {"kind": "refund", "amount": "12", "summary": "Charged twice for one order."}
MAIL = {"mail": "I was charged 12 USD twice, please refund one of them."}

Clerk = Callable[..., Any]


def politely(summary: str) -> dict[str, Any]:
    return {"answer": f"We are sorry: {summary}", "score": None}


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_defined", {})
    monkeypatch.setenv("SHOP_LEDGER", str(tmp_path / "payouts.jsonl"))
    monkeypatch.chdir(tmp_path)


def look(
    *changes: tuple[str, str],
    samples: list[dict[str, Any]] | None = None,
    clerk: Clerk | None = politely,
    model: Any = None,
) -> LayerReport:
    """The layer's report on the mesh with these texts replaced."""
    text = MESH
    for old, new in changes:
        assert old in text, f"the mesh has no {old!r}"
        text = text.replace(old, new)
    mesh = lm.Mesh.from_yaml(text)
    if clerk is not None:
        mesh.agent("clerk")(clerk)
    if model is not None:
        mesh.use(models={"quick": ScriptedModel(lambda _: model, tokens=(50, 20))})
    return mesh.check(samples=[MAIL] if samples is None else samples).layer("output")


def told(report: LayerReport) -> list[str]:
    return [d.code for d in report.diagnostics]


class TestReference:
    @staticmethod
    def refunds(text: str = REFUNDS, **more: Any) -> LayerReport:
        mesh = lm.Mesh.from_yaml(text)
        mesh.agent("clerk")(shop.clerk)
        mesh.agent("teller")(shop.teller)
        mesh.tool("pay_out")(shop.pay_out)
        return mesh.check(**more).layer("output")

    def test_it_is_green_with_a_sample_that_goes_all_the_way(self) -> None:
        samples = [
            {"ticket_id": "1", "ticket": "I was charged 20 USD twice", "tier": "gold"},
            {"ticket_id": "2", "ticket": "I was charged 900 USD twice", "tier": "gold"},
            {"ticket_id": "3", "ticket": "I was charged 90000 USD twice", "tier": "gold"},
            {"ticket_id": "4", "ticket": "The app crashes when I log in", "tier": "basic"},
        ]
        report = self.refunds(samples=samples)
        assert (report.colour, report.diagnostics, report.unproven) == ("green", (), ())
        ends = {"stopped": 1, "waiting": 1, "denied by a policy": 1, "done": 1}
        assert report.facts["runs"] == ends
        assert "rules, not a language model" in report.facts["answered by"][0]
        assert "offline readers, no language model" in report.summary
        assert not shop.ledger().exists()

    def test_without_samples_it_says_how_to_give_them(self) -> None:
        report = self.refunds()
        assert (report.colour, report.diagnostics) == ("not proven", ())
        (open_point,) = report.unproven
        assert "`propose`, `pay` of `refund`" in open_point  # classify was, on its own examples
        assert 'mesh.check(samples=[{"ticket_id": …, "ticket": …, "tier": …}])' in open_point

    def test_what_no_sample_reaches_is_not_proven(self) -> None:
        bug = {"ticket_id": "4", "ticket": "The app crashes when I log in", "tier": "basic"}
        report = self.refunds(samples=[bug])
        assert report.colour == "not proven"
        assert "No sample reaches `propose`, `pay` of `refund`" in report.unproven[0]

    def test_what_comes_after_a_side_effect_is_never_reached(self) -> None:
        end = "    output:\n      category"
        receipt = "steps.pay.output.receipt"
        sample = {"ticket_id": "1", "ticket": "I was charged 20 USD twice", "tier": "gold"}
        again = (
            f"      again: {{capability: refund.pay, with: {{ticket_id: {receipt}, amount: 1}}}}\n"
        )
        report = self.refunds(REFUNDS.replace(end, again + end), samples=[sample])
        (open_point,) = report.unproven
        assert "A dry run of `refund` ends at `pay` (pay_out would be called" in open_point
        assert "before `again`" in open_point
        read = f"      read: {{capability: ticket.classify, with: {{ticket: {receipt}}}}}\n"
        report = self.refunds(REFUNDS.replace(end, read + end), samples=[sample])
        assert report.unproven == ()  # a model's step, which was tried on its own examples


class TestShape:
    def test_a_good_answer_is_green(self) -> None:
        report = look(model=GOOD)
        assert (report.colour, report.unproven) == ("green", ())
        assert report.facts["answered by"] == ["scripted model"]
        assert report.summary == "1 sample: 1 done"

    @pytest.mark.parametrize(
        "answer",
        [{**GOOD, "kind": "other"}, {"kind": "bug"}, {**GOOD, "amount": "much"}, "refund", 7],
    )
    def test_an_answer_of_a_model(self, answer: Any) -> None:
        report = look(model=answer)
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM801", "red")
        assert found.message.startswith("Step `read` fails in sample 1: model quick answered with")
        assert found.line_text.strip().startswith("read:")

    @pytest.mark.parametrize("answer", [{}, {"answer": 1}, {"answer": "x", "more": 1}, None])
    def test_an_answer_of_a_function(self, answer: Any) -> None:
        report = look(model=GOOD, clerk=lambda summary: answer)
        assert told(report) == ["LM801"]
        assert "agent clerk returned the wrong shape" in report.diagnostics[0].message

    def test_what_the_offline_reader_cannot_find(self) -> None:
        must = ("amount: money or null", "amount: money")
        assert told(look(must)) == []
        report = look(must, samples=[{"mail": "Please refund me"}])
        assert told(report) == ["LM802"]
        assert "field 'amount' is not in the text" in report.diagnostics[0].message


class TestFailing:
    def test_a_function_that_raises(self) -> None:
        def clerk(summary: str) -> Any:
            raise ValueError("no such order")

        report = look(model=GOOD, clerk=clerk)
        (found,) = report.diagnostics
        assert (found.code, found.severity) == ("LM802", "error")
        assert "Step `answer` fails in sample 1" in found.message
        assert "no such order" in found.message

    def test_an_expression_that_fails(self) -> None:
        divided = ("summary: steps.read.output.summary}", "summary: string(1 / size(input.mail))}")
        report = look(divided, samples=[{"mail": ""}], model=GOOD)
        assert told(report) == ["LM802"]
        assert "Step `answer` fails in sample 1: with.summary" in report.diagnostics[0].message
        assert told(look(divided, model=GOOD)) == []

    def test_the_same_fault_in_many_samples_is_one_finding(self) -> None:
        def clerk(summary: str) -> Any:
            raise ValueError(f"no such order {object()}")

        report = look(model=GOOD, clerk=clerk, samples=[MAIL] * 5)
        (found,) = report.diagnostics
        assert "in sample 1 and 4 more: " in found.message

    def test_secrets_in_an_error_are_masked(self) -> None:
        def clerk(summary: str) -> Any:
            raise ValueError("cannot charge 4111 1111 1111 1111")

        message = look(model=GOOD, clerk=clerk).diagnostics[0].message
        assert "4111 1111" not in message
        assert "•••• 1111" in message

    @pytest.mark.parametrize("sample", [{"male": "x"}, {}, {"mail": ["x"]}, {"mail": "x", "y": 1}])
    def test_a_sample_that_is_none(self, sample: dict[str, Any]) -> None:
        report = look(samples=[MAIL, sample], model=GOOD)
        (found,) = report.diagnostics
        assert (found.code, found.severity) == ("LM806", "error")
        assert "No workflow takes sample 2: `go`: " in found.message

    def test_a_function_that_is_not_bound(self) -> None:
        report = look(clerk=None, model=GOOD)
        assert (report.colour, report.diagnostics) == ("not proven", ())
        (open_point,) = report.unproven
        assert "There was no dry run: there is no function for" in open_point


class TestEmpty:
    def test_a_text_that_must_be_there(self) -> None:
        report = look(model={**GOOD, "summary": " "})
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM803", "amber")
        assert found.message == "Step `read` leaves `summary` empty in sample 1."

    def test_a_text_that_may_be_missing(self) -> None:
        optional = ("summary: string}\n  clerk", "summary: string or null}\n  clerk")
        given = ("summary: steps.read.output.summary", "summary: input.mail")
        assert told(look(optional, given, model={**GOOD, "summary": None})) == []

    def test_nothing_at_all(self) -> None:
        changes = (
            ("{kind: {enum: [refund, bug]}, amount: money or null, summary: string}",
             "{amount: money or null, order: string or null}"),
            ("summary: steps.read.output.summary", "summary: input.mail"),
        )  # fmt: skip
        hollow = {"amount": None, "order": None}
        report = look(*changes, model=hollow)
        assert told(report) == ["LM803"]
        assert "gives nothing at all in any sample" in report.diagnostics[0].message
        assert told(look(*changes, model={**hollow, "amount": "0"})) == []


class TestTruncated:
    def test_more_than_the_model_may_say(self) -> None:
        small = ("max_output_tokens: 200", "max_output_tokens: 20")
        report = look(small, model=GOOD)
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM804", "red")
        assert "is cut off with model `quick` in sample 1" in found.message
        shown = found.line_text[found.span.column - 1 : found.span.end_column - 1]
        assert shown == "20"
        assert told(look((small[0], "max_output_tokens: 21"), model=GOOD)) == []

    def test_the_offline_reader_is_measured_too(self) -> None:
        assert told(look(("max_output_tokens: 200", "max_output_tokens: 8"))) == ["LM804"]
        assert told(look()) == []


class TestRepeated:
    CIRCLES = "I am sorry to hear that your order is late. " * 6

    def test_an_answer_that_goes_round_in_circles(self) -> None:
        report = look(model=GOOD, clerk=lambda summary: {"answer": self.CIRCLES, "score": 1})
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM805", "amber")
        assert found.message == "Step `answer` repeats itself in `answer`, in sample 1."

    def test_a_long_answer_that_does_not(self) -> None:
        words = " ".join(f"{n} apples and {n * n} pears," for n in range(40))
        answer = look(model=GOOD, clerk=lambda summary: {"answer": words, "score": 1})
        assert answer.colour == "green"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", False),
            ("no", False),
            ("no " * 9, False),
            ("no " * 12, True),
            (CIRCLES, True),
            ("申し訳ございません。" * 40, True),
            ("ab" * 500, True),
            ("The quick brown fox jumps over the lazy dog, and then it sleeps.", False),
            (Path(__file__).read_text(encoding="utf-8")[:4000], False),
        ],
    )
    def test_repetition(self, text: str, expected: bool) -> None:
        assert repeats(text) is expected


class TestExamples:
    """A capability's own examples are samples for the step of a model."""

    ONE = """
mesh: one
models: {quick: {provider: offline, tier: small}}
agents:
  reader:
    role: Reader
    capabilities:
      mail.read:
        input: {mail: string}
        output: {kind: {enum: [refund, bug]}, amount: money or null}
        examples:
          - {text: "I was charged 20 USD twice", output: {kind: refund}}
          - {text: "The app crashes", output: {kind: bug}}
workflows:
  go:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
"""

    def layer(self, *changes: tuple[str, str]) -> LayerReport:
        text = self.ONE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return output.check(Subject.of_text(text, "cell"))

    def test_they_reach_the_step(self) -> None:
        report = self.layer()
        assert (report.colour, report.unproven) == ("green", ())
        assert "no samples; own examples read" in report.summary

    def test_without_them_nothing_is_proven(self) -> None:
        cut = self.ONE.index("        examples:"), self.ONE.index("workflows:")
        report = self.layer((self.ONE[cut[0] : cut[1]], ""))
        assert report.colour == "not proven"
        assert 'samples=[{"mail": …}]' in report.unproven[0]

    def test_an_example_that_cannot_be_answered(self) -> None:
        report = self.layer(("money or null", "money"))
        (found,) = report.diagnostics
        assert (found.code, report.colour) == ("LM802", "amber")
        assert "`mail.read` fails in example 2 of `reader`: field 'amount'" in found.message

    def test_an_answer_longer_than_the_model_may_give(self) -> None:
        report = self.layer(("tier: small", "tier: small, max_output_tokens: 5"))
        (found,) = report.diagnostics
        assert (found.code, found.severity) == ("LM804", "warning")
        assert "in example 1 of `reader` and example 2 of `reader`: " in found.message

    def test_what_a_sample_has_shown_is_not_told_again(self) -> None:
        mesh = lm.Mesh.from_yaml(self.ONE.replace("money or null", "money"))
        report = mesh.check(samples=[{"mail": "The app crashes"}]).layer("output")
        (found,) = report.diagnostics
        assert found.message.startswith("Step `read` fails in sample 1")


def test_a_mesh_without_workflows_has_nothing_to_run() -> None:
    report = output.check(Subject.of_text("mesh: none\n", "cell"))
    assert (report.colour, report.summary) == ("not proven", "no samples")


def test_a_sample_goes_to_every_workflow_that_takes_it() -> None:
    second = """
  again:
    input: {mail: string}
    steps:
      read: {capability: mail.read, with: {mail: input.mail}}
  other:
    input: {number: integer}
    steps:
      read: {capability: mail.read, with: {mail: string(input.number)}}
"""
    mesh = lm.Mesh.from_yaml(MESH + second)
    mesh.agent("clerk")(politely)
    mesh.use(models={"quick": ScriptedModel(lambda _: GOOD)})
    report = mesh.check(samples=[MAIL, {"number": Decimal(3)}]).layer("output")
    assert report.facts["runs"] == {"done": 3}
    assert report.colour == "green"
