"""Faults that people make, six and more a layer, written from the rules of the check.

Each is a pair of meshes in ``faults/LAYER``: ``NAME.fault.yaml`` and, one line apart,
``NAME.clean.yaml``. The table says what the check owes its reader: the row, whether it stops a
release, the line, and a word without which nobody could mend it.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from leafmesh_nb import Mesh
from leafmesh_nb.compose import Report
from leafmesh_nb.language import Diagnostic
from leafmesh_nb.mesh.checking import check_text

FOLDER = Path(__file__).parent / "faults"
LAYERS = ("schema", "types", "policy", "safety", "cost", "output")
MODULES = ("cellar_staff", "depot_desk", "press_room")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"

MINUTES = {"minutes": "The council met on Monday. The ferry was discussed at some length."}
SCHOOL = {
    "letter": "We would like to book the crossing for our school. The children look forward to it. "
    "Please say whether there is room for everybody."
}
REVIEW = {"review": "A lovely stay, thank you. We give it 9 stars and come back in spring."}


@dataclass(frozen=True)
class Fault:
    """``at`` is how the line begins that is to be named, ``says`` a pattern of what the message
    must contain, ``offers`` of what message or hint must, ``hides`` what may be shown nowhere.

    ``bind`` maps agents to functions of a module beside the meshes, ``module.function``; ``stays``
    are codes that the clean twin deserves as well.
    """

    layer: str
    name: str
    severity: Literal["error", "warning"]
    at: str
    says: str
    offers: str = ""
    hides: str = ""
    samples: tuple[Mapping[str, Any], ...] | None = None
    release: bool = False
    bind: Mapping[str, str] = field(default_factory=dict)
    stays: tuple[str, ...] = ()

    def path(self, twin: str) -> Path:
        return FOLDER / self.layer / f"{self.name}.{twin}.yaml"

    def text(self, twin: str) -> str:
        return self.path(twin).read_text(encoding="utf-8")

    def report(self, twin: str) -> Report:
        text, source = self.text(twin), str(self.path(twin))
        if not self.bind:
            return check_text(text, source, samples=self.samples, release=self.release)
        mesh = Mesh.from_yaml(text, source=source)
        for agent, name in self.bind.items():
            module, _, function = name.partition(".")
            mesh.agent(agent)(getattr(importlib.import_module(module), function))
        return mesh.check(samples=self.samples, release=self.release)


# fmt: off
FAULTS = (
    Fault("schema", "unknown_key", "error",
          "side_effects: true", "side_effects", offers="side_effect`"),
    Fault("schema", "role_left_out", "error", "forecast:", "role"),
    Fault("schema", "misspelt_capability", "error",
          "capability: goods.exmaine", "goods.exmaine", offers="goods.examine"),
    Fault("schema", "person_twice", "error", "desk: {roles: [trainee]}", "desk"),
    Fault("schema", "wait_without_unit", "error", "within: 30", "within", offers="30m"),
    Fault("schema", "hyphen_in_an_id", "error",
          "night-porter:", "night-porter", offers="night_porter"),
    Fault("schema", "key_of_a_later_version", "error",
          "desk:     {provider", "context_window"),
    Fault("schema", "steps_in_a_circle", "error", "after: pay", "pay"),
    Fault("schema", "norwegian_is_no_boolean", "warning",
          "output: {language: {enum: [de, fr, no]}", "no"),
    Fault("schema", "tab_for_indentation", "error", "therapist:", "tab"),

    Fault("types", "date_for_money", "error", "total: steps.read.output.day", "total"),
    Fault("types", "null_for_money", "error",
          "amount: steps.read.output.amount", "null", offers=r"default\("),
    Fault("types", "input_left_out", "error", "rain: {capability", "day"),
    Fault("types", "text_into_a_number", "error", "length: output.headline", "length"),
    Fault("types", "text_for_an_enum", "error",
          "with: {report: input.report, urgency: input.caller}", "urgency"),
    Fault("types", "one_capability_two_types", "error",
          "input: {report: string, photo: string}", "repair.sort"),
    Fault("types", "skipped_step_read", "warning", "with: {allowed: steps.examine", "null"),
    Fault("types", "field_that_is_not_there", "error",
          "output: {answer: steps", "star", offers="stars"),
    Fault("types", "annotation_of_another_type", "error",
          "input: {plate: string, axles: integer}", "axles", offers="weigh_worded"),
    Fault("types", "argument_nobody_gives", "error",
          "input: {plate: string, axles: integer}", "seal", offers="weigh_strictly"),
    Fault("types", "input_nobody_takes", "error",
          "input: {plate: string, axles: integer}", "axles", offers="weigh_blind"),
    Fault("types", "result_that_is_text", "error",
          "output: {kilos: number", "str", offers="weigh_aloud"),
    Fault("types", "result_without_a_field", "error",
          "output: {worth: money}", "worth", offers="`quote`"),
    Fault("types", "float_for_money", "error",
          "input: {kilos: number", "per_kilo", offers="price_in_floats.*Decimal"),
    Fault("types", "function_misspelt", "error", 'python: "depot_desk:wiegh"', "wiegh"),
    Fault("types", "bound_function_annotated_otherwise", "error",
          "counter: {role", "bottles", bind={"counter": "cellar_staff.count"}),
    Fault("types", "unbound_in_a_release", "error", "scale:", "scale", release=True),

    Fault("policy", "own_test_fails", "error",
          '- {given: {tool: {arguments: {total: "400"}}}', "deny"),
    Fault("policy", "own_test_of_an_output", "error", "doubtful:", "ask"),
    Fault("policy", "side_effect_without_a_gate", "warning",
          "call_back: {side_effect", "call_back"),
    Fault("policy", "person_who_does_not_exist", "error",
          "- {id: long,", "growers", offers="grower`"),
    Fault("policy", "role_that_nobody_has", "error", "to: auditor", "auditor"),
    Fault("policy", "ladder_back_to_the_same_person", "warning", "escalate: [baker]", "baker"),
    Fault("policy", "ladder_within_the_role", "warning", "- director", "director"),
    Fault("policy", "only_one_of_several_agents", "warning", "doubtful:", "senior"),
    Fault("policy", "asks_and_there_is_nobody", "error",
          "on_error: ask", "on_error", offers="people"),
    Fault("policy", "agent_that_the_gate_forgets", "warning",
          "tools: [probe, open_valve]", "forecast"),
    Fault("policy", "policy_that_never_applies", "warning", "heavy:", "examiner"),

    Fault("safety", "access_key_in_instructions", "error",
          "instructions: Say how many trays", "secret", hides="AKIAIOSFODNN7EXAMPLE"),
    Fault("safety", "password_in_an_address", "error",
          "description: Books", "password", hides="Rueck3nSchmerz"),
    Fault("safety", "card_number_in_an_example", "warning",
          '- {text: "Lunch for three', "card", hides="4111 1111 1111 1111"),
    Fault("safety", "bank_account_in_instructions", "warning",
          "instructions: Write one headline", "IBAN", hides="DE89370400440532013000"),
    Fault("safety", "mail_address_in_an_example", "warning", 'examples: ["Water drips', "e-?mail"),
    Fault("safety", "phone_number_in_an_example", "warning",
          'examples: ["I would like', "phone|telephone"),
    Fault("safety", "letter_to_order_unasked", "error",
          "- {id: every, then", "place_order", offers=r"input\.letter.*read.*place_order"),
    Fault("safety", "call_to_calendar_unasked", "error",
          "rules: [{id: any_note", "hold_slot", offers=r"input\.call.*understand.*hold_slot"),
    Fault("safety", "letter_through_memory", "error",
          "- {id: any, then", "mail_members",
          offers=r"input\.letter.*memory\.letter.*mail_members"),
    Fault("safety", "title_of_a_letter", "error",
          "- {id: any, then", "mail_members", offers=r"input\.letter.*sort.*mail_members"),
    Fault("safety", "letter_chooses_what_is_told", "warning",
          "- {id: any, then", "mail_members", offers=r"input\.letter.*sort.*mail_members"),

    Fault("cost", "model_without_a_price", "error", "clerk:", "gpt-5-minuscule"),
    Fault("cost", "specialist_without_a_price", "error", "lawyer:", "tariff-llm-9"),
    Fault("cost", "nothing_bounds_a_run", "error",
          "bulletin:", "bulletin", offers="run|max_output_tokens"),
    Fault("cost", "step_budget_below_any_call", "error", "budgets:", "step"),
    Fault("cost", "limit_below_any_call", "error", "limits: {calls: 2, cost", "classifier"),
    Fault("cost", "answers_longer_than_a_step_may_cost", "error", "budgets:", "translate"),
    Fault("cost", "every_step_on_the_large_model", "warning", "budgets:", "translate"),
    Fault("cost", "day_shorter_than_a_run", "warning", "budgets:", "day"),
    Fault("cost", "nothing_left_to_spend", "error", "budgets:", "run"),
    Fault("cost", "list_price_of_no_list", "error", "reader:", "claude-sonatina", stays=("LM705",)),

    Fault("output", "field_left_out", "error", "digest: {capability", "vote", samples=(MINUTES,)),
    Fault("output", "word_outside_the_enum", "error",
          "digest: {capability", "vote", samples=(MINUTES,)),
    Fault("output", "money_within_a_list", "error",
          "digest: {capability", r"costs\[1\]", samples=(MINUTES,)),
    Fault("output", "headline_empty", "warning",
          "digest: {capability", "headline", samples=(MINUTES,)),
    Fault("output", "headline_blank", "warning",
          "digest: {capability", "headline", samples=(MINUTES,)),
    Fault("output", "headline_repeats_itself", "warning",
          "digest: {capability", "headline", samples=(MINUTES,)),
    Fault("output", "function_that_raises", "error",
          "lay: {capability", "lay", offers="out of ink", samples=(MINUTES,)),
    Fault("output", "number_that_no_letter_says", "error",
          "read: {capability", "persons", samples=(SCHOOL,)),
    Fault("output", "answer_cut_off", "error",
          "office:", "read", offers="max_output_tokens", samples=(SCHOOL,)),
    Fault("output", "nothing_but_null", "warning",
          "count: {capability", "count", samples=(SCHOOL,)),
    Fault("output", "stars_beyond_the_type", "error",
          "judge: {capability", "stars", samples=(REVIEW,)),
    Fault("output", "sample_without_an_input", "error",
          "input: {minutes: string, issue", "issue", samples=(MINUTES,)),
)
MISTAKES = (
    Fault("mistakes", "agents_share_nothing", "warning", "agents:", "share"),
    Fault("mistakes", "threshold_in_instructions", "warning",
          "instructions: Say what the wire", "25", offers="when: "),
)
# fmt: on
VENDOR = Fault("mistakes", "one_vendor", "warning", "desk:", "openai", offers="fallback")
EVERY = (*FAULTS, *MISTAKES, VENDOR)


def named(faults: tuple[Fault, ...]) -> Any:
    return pytest.mark.parametrize(
        "fault", faults, ids=[f"{fault.layer}-{fault.name}" for fault in faults]
    )


@pytest.fixture(autouse=True)
def _beside_the_meshes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules are found beside their meshes, and telemetry has somewhere to go."""
    for layer in LAYERS:
        monkeypatch.syspath_prepend(str(FOLDER / layer))
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4318")
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def the_line(fault: Fault) -> int:
    lines = fault.text("fault").splitlines()
    found = [n for n, line in enumerate(lines, 1) if line.strip().startswith(fault.at)]
    assert len(found) == 1, f"{fault.at!r} begins {len(found)} lines"
    return found[0]


def says(pattern: str, text: str) -> bool:
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE | re.DOTALL) is not None


def offers(fault: Fault, finding: Diagnostic) -> bool:
    text = f"{finding.message}\n{finding.hint}"
    return re.search(fault.offers, text, re.IGNORECASE | re.DOTALL) is not None


def shown(diagnostic: Diagnostic) -> str:
    related = (f"{r.message} {r.line_text}" for r in diagnostic.related)
    return "\n".join((diagnostic.message, diagnostic.hint, *diagnostic.lines, *related))


def the_finding(fault: Fault, found: tuple[Diagnostic, ...]) -> Diagnostic:
    """The finding of that severity at that line that says the word; all there is, if none."""
    line = the_line(fault)
    for d in found:
        if (d.severity, d.span.line) == (fault.severity, line) and says(fault.says, d.message):
            return d
    seen = "\n".join(f"  {d.severity} {d.span.line}: {d.code} {d.message}" for d in found)
    pytest.fail(
        f"no {fault.severity} at line {line} that says {fault.says!r}, only:\n{seen or '  nothing'}"
    )


@named(FAULTS)
def test_a_fault_is_found_where_it_is(fault: Fault) -> None:
    report = fault.report("fault")
    finding = the_finding(fault, report.layer(fault.layer).diagnostics)
    assert offers(fault, finding)
    assert report.ok is (fault.severity == "warning")
    if fault.hides:
        assert all(fault.hides not in shown(d) for d in report.diagnostics)


@named(FAULTS)
def test_its_clean_twin_has_nothing_of_the_kind(fault: Fault) -> None:
    kind = the_finding(fault, fault.report("fault").layer(fault.layer).diagnostics).code
    report = fault.report("clean")
    assert [str(d) for d in report.diagnostics if d.severity == "error"] == []
    assert kind not in {d.code for d in report.layer(fault.layer).diagnostics}
    # These meshes are as their authors would want them, so a word against one is a false alarm.
    assert [str(d) for d in report.diagnostics if d.code not in fault.stays] == []
    assert report.ok


@named(MISTAKES)
def test_a_classic_mistake_is_a_warning_that_a_clean_mesh_does_not_get(fault: Fault) -> None:
    finding = the_finding(fault, fault.report("fault").diagnostics)
    assert offers(fault, finding)
    assert [str(d) for d in fault.report("clean").diagnostics] == []


def test_one_vendor_is_a_mistake_and_two_are_none() -> None:
    """Also while no vendor can be called, so that both twins have that error."""
    finding = the_finding(VENDOR, VENDOR.report("fault").diagnostics)
    assert offers(VENDOR, finding)
    clean = VENDOR.report("clean").diagnostics
    assert {d.code for d in clean} == {"LM203"}


def test_telemetry_that_goes_nowhere_is_a_mistake_of_a_release_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = FOLDER / "output" / "field_left_out.clean.yaml"
    text = path.read_text(encoding="utf-8")

    def found(release: bool) -> list[Diagnostic]:
        report = check_text(text, str(path), release=release)
        assert report.ok
        return list(report.diagnostics)

    assert found(release=True) == []
    monkeypatch.delenv(ENDPOINT)
    assert found(release=False) == []
    (warning,) = found(release=True)
    assert warning.severity == "warning"
    assert says("telemetry", warning.message)
    assert ENDPOINT in f"{warning.message} {warning.hint}"


# -- the suite itself


@named(EVERY)
def test_twins_are_one_line_apart(fault: Fault) -> None:
    lines = difflib.ndiff(fault.text("clean").splitlines(), fault.text("fault").splitlines())
    changes = Counter(line[0] for line in lines if line[0] in "+-")
    assert changes["+"] <= 1
    assert changes["-"] <= 1
    assert changes


def test_every_fault_of_the_folder_is_in_the_table() -> None:
    meshes = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.yaml")}
    assert meshes == {
        f"{fault.layer}/{fault.name}.{twin}.yaml" for fault in EVERY for twin in ("fault", "clean")
    }


def test_every_layer_has_its_share_of_faults_from_several_trades() -> None:
    counts = Counter(fault.layer for fault in FAULTS)
    assert set(counts) == set(LAYERS)
    assert min(counts.values()) >= 6
    trades = {line for fault in EVERY for line in fault.text("clean").splitlines()[:1]}
    assert len(trades) >= 10


@named(tuple(fault for fault in FAULTS if fault.samples is None and not fault.bind))
def test_without_samples_nothing_is_run(fault: Fault) -> None:
    for twin in ("fault", "clean"):
        fault.report(twin)
    assert not {"cellar_staff", "depot_desk", "press_room"} & sys.modules.keys()
