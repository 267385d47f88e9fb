"""Layer 6, output: a dry run over samples, with the offline model in every model's place.

Only this layer runs something, through ``Subject.run_sample``: the mesh's functions, its offline
readers, no tool with a side effect, nobody is asked. An answer of the wrong shape, one that is cut
off and a sample that fails are errors; an answer that is empty or repeats itself is a warning. A
sample that a policy denies is none of these: the rules did their work.

The examples of capabilities are samples too, for the model's step alone: what is wrong with an
answer to one is a warning, for the offline reader is no language model. A step that no sample has
reached is not proven. A step that ends where a side effect would begin has been reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from leafmesh_nb.agents import offline
from leafmesh_nb.compose.answers import (
    Answer,
    answers_in,
    blank_fields,
    cause_of_end,
    hollow,
    reached_in,
    repeated_fields,
)
from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.samples import fitting, read_examples
from leafmesh_nb.compose.seats import seats
from leafmesh_nb.compose.subject import SampleRun, Subject
from leafmesh_nb.engine.runner.model_calls import MAX_OUTPUT_TOKENS
from leafmesh_nb.language import Span
from leafmesh_nb.language.joins import ancestors
from leafmesh_nb.language.spec import ModelSpec, Spec, Workflow
from leafmesh_nb.language.types import Type
from leafmesh_nb.memory.marks import cut
from leafmesh_nb.memory.masking import Masker

__all__ = ["check"]

Severity = Literal["error", "warning"]

_LONGEST = 300
"""Characters of an error that a message shows."""

_SHAPE = "What a step gives is checked against its capability's `output` before anybody reads it."
_FAILS = "A run with this input ends here. Change the step, or the type of what it must give."
_BLANK = "If nothing may be there, write `string or null`; else say in the instructions what to do."
_CIRCLES = (
    "More than half of its phrases of 8 words are repeated, or it shrinks to less than 0.12 of its "
    "size. Offline readers quote their input: look at that first."
)


def check(subject: Subject) -> LayerReport:
    """Look at a mesh that the language accepted."""
    spec = subject.spec
    assert spec is not None, "a mesh that the language accepted has a spec"
    return _DryRuns(subject, spec).report()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Where an answer was seen: in a sample, or on an agent's example; what it may count as."""

    capability: str
    number: int
    worst: Severity
    agent: str = ""

    def __str__(self) -> str:
        of = f" of `{self.agent}`" if self.agent else ""
        return f"{'example' if self.agent else 'sample'} {self.number}{of}"


@dataclass(slots=True)
class _Fault:
    """One thing that is wrong: ``head``, then the trials in which it is, then ``tail``."""

    code: str
    severity: Severity
    head: str
    tail: str
    span: Span
    hint: str
    trials: list[_Trial] = field(default_factory=list)

    @property
    def message(self) -> str:
        """All of it, with the first few trials by number."""
        others = f"{self.trials[0]} and {len(self.trials) - 1} more"
        where = others if len(self.trials) > 2 else " and ".join(map(str, self.trials))
        return f"{self.head} {where}{self.tail}."


class _DryRuns:
    """The runs of one mesh."""

    def __init__(self, subject: Subject, spec: Spec) -> None:
        self._subject = subject
        self._spec = spec
        self._findings = Findings(subject, "output")
        self._faults: dict[tuple[str, str], _Fault] = {}
        self._runs: list[SampleRun] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._notes: dict[str, None] = {}

    def report(self) -> LayerReport:
        """Run what there is, and say what came of it."""
        for number, sample in enumerate(self._subject.samples or (), 1):
            self._try_sample(number, sample)
        tried = self._try_examples()
        for fault in self._faults.values():
            add = self._findings.error if fault.severity == "error" else self._findings.warning
            add(fault.code, fault.message, fault.span, fault.hint)
        self._check_hollow()
        self._say_what_is_open(tried)
        self._state_facts(len(tried))
        return self._findings.report()

    # Trying

    def _try_examples(self) -> set[str]:
        """Read every capability's examples; gives the capabilities that have some."""
        told = {(f.code, trial.capability) for f in self._faults.values() for trial in f.trials}
        tried = set()
        for found in read_examples(self._spec):
            name = found.capability.name
            tried.add(name)

            def add(fault: _Fault, trial: _Trial) -> None:
                if (fault.code, trial.capability) not in told:  # a sample has shown it already
                    self._add(fault, trial)

            trial = _Trial(name, found.number, "warning", found.agent.id)
            judge = _Judge(add, f"`{name}`", found.capability.span, trial)
            judge.look_at(found.answer, found.capability.output, found.answer.error)
            for model in found.models:
                judge.measure(found.answer, model, self._limit_of(model))
        if tried:
            self._notes.setdefault(offline.describe())
        return tried

    def _try_sample(self, number: int, sample: Mapping[str, object]) -> None:
        flows, reason = fitting(self._spec, sample)
        if not flows and self._spec.workflows:
            first = next(iter(self._spec.workflows))
            self._findings.error(
                "LM806",
                f"No workflow takes sample {number}: {_short(Masker().text(reason))}.",
                self._subject.at_key("workflows", first, "input"),
                "A sample is the input of a workflow, as mesh.start takes it.",
            )
        for flow in flows:
            if self._subject.run_sample is not None:
                run = self._subject.run_sample(flow, sample)
                self._runs.append(run)
                self._look_at(number, run)

    # Judging

    def _look_at(self, number: int, run: SampleRun) -> None:
        """What is wrong with one run."""
        if run.status == "not run":
            return
        flow = self._spec.workflows[run.workflow]
        masker = Masker.for_run(self._spec, run.events)
        # A denial and a side effect that is not carried out end the function that wanted them.
        meant = run.status == "stopped" or _denied(run)
        failed = False
        for answer in answers_in(run.events):
            if answer.note:
                self._notes.setdefault(answer.note)
            if answer.error and meant and answer.step == run.step:
                continue
            failed = failed or bool(answer.error)
            if not answer.error:
                self._answers.setdefault((flow.id, answer.step), []).append(answer)
            self._judge_step(answer, flow, number, masker)
        if run.status == "failed" and not failed and not meant:
            step = flow.steps.get(run.step)
            named, span = (f"Step `{step.id}`", step.span) if step else (f"`{flow.id}`", flow.span)
            tail = f": {_short(masker.text(run.error))}"
            trial = _Trial("", number, "error")
            self._add(_Fault("LM802", "error", f"{named} fails in", tail, span, _FAILS), trial)

    def _judge_step(self, answer: Answer, flow: Workflow, number: int, masker: Masker) -> None:
        step = flow.steps[answer.step]
        name = step.capability or ""
        trial = _Trial(name, number, "error")
        judge = _Judge(self._add, f"Step `{step.id}`", step.span, trial)
        output = self._spec.agents[answer.agent].capabilities[name].output
        judge.look_at(answer, output, masker.text(answer.error))
        model = self._spec.models.get(answer.model)
        if model is not None:
            judge.measure(answer, model, self._limit_of(model))

    def _limit_of(self, model: ModelSpec) -> Span:
        return self._subject.at_value("models", model.name, "max_output_tokens")

    def _add(self, fault: _Fault, trial: _Trial) -> None:
        """Faults of one kind at one place are told once, in the words of the first."""
        self._faults.setdefault((fault.code, fault.head), fault).trials.append(trial)

    def _check_hollow(self) -> None:
        for (name, id), answers in self._answers.items():
            if all(hollow(answer.value) for answer in answers):
                step = self._spec.workflows[name].steps[id]
                self._findings.warning(
                    "LM803",
                    f"Step `{id}` gives nothing at all in any sample: every field is null or "
                    "empty.",
                    step.span,
                    "Give a sample in which there is something to find, or look at what goes in.",
                )

    # What is left open, and what else there is to know

    def _say_what_is_open(self, tried: set[str]) -> None:
        if not self._spec.workflows:
            self._findings.unproven("There is no workflow, so there is nothing to run.")
        for error in dict.fromkeys(run.error for run in self._runs if run.status == "not run"):
            self._findings.unproven(f"There was no dry run: {_short(error)}.")
        modelled = {(s.workflow, s.step) for s in seats(self._spec) if s.agent.kind == "llm"}
        for flow in self._spec.workflows.values():
            runs = [run for run in self._runs if run.workflow == flow.id]
            reached = {step for run in runs for step in reached_in(run.events)}
            reached |= {
                step.id
                for step in flow.steps.values()
                if (flow.id, step.id) in modelled and step.capability in tried
            }
            missed = [name for name in flow.steps if name not in reached]
            if missed and not any(run.status == "not run" for run in runs):
                self._findings.unproven(self._why_missed(flow, missed, runs))

    def _why_missed(self, flow: Workflow, missed: Sequence[str], runs: Sequence[SampleRun]) -> str:
        names = ", ".join(f"`{name}`" for name in missed)
        inputs = ", ".join(f'"{name}": …' for name, _ in flow.input.fields)
        give = f"mesh.check(samples=[{{{inputs}}}])"
        if not runs:
            return f"No sample runs {names} of `{flow.id}`. Give some: {give}."
        above = ancestors({name: step.after for name, step in flow.steps.items()})
        for run in runs:
            stops = run.status in ("stopped", "waiting")
            if stops and all(run.step in above[name] for name in missed):
                return (
                    f"A dry run of `{flow.id}` ends at `{run.step}` ({run.error}), before {names}: "
                    "only a real run shows what comes of that."
                )
        return f"No sample reaches {names} of `{flow.id}`. Give one that does: {give}."

    def _state_facts(self, capabilities: int) -> None:
        ends: dict[str, int] = {}
        for run in self._runs:
            end = "denied by a policy" if _denied(run) else run.status
            ends[end] = ends.get(end, 0) + 1
        facts = self._findings.facts
        if ends:
            facts["runs"] = ends
        if self._notes:
            facts["answered by"] = list(self._notes)
        ran = ", ".join(f"{count} {end}" for end, count in ends.items())
        count = len(self._subject.samples or ())
        tried = f"{count} {'sample' if count == 1 else 'samples'}: {ran}" if ran else "no samples"
        by = " (offline readers, no language model)" if offline.describe() in self._notes else ""
        facts["summary"] = f"{tried}{'; own examples read' if capabilities else ''}{by}"


@dataclass(frozen=True, slots=True)
class _Judge:
    """Looks at one answer."""

    add: Callable[[_Fault, _Trial], None]
    named: str
    span: Span
    trial: _Trial

    def look_at(self, answer: Answer, output: Type, error: str) -> None:
        """What it says; ``error`` is its error as it may be shown."""
        if answer.error:
            code, hint = ("LM801", _SHAPE) if answer.misshapen else ("LM802", _FAILS)
            self._found(code, self.trial.worst, "fails in", hint, f": {_short(error)}")
            return
        for name in blank_fields(output, answer.value):
            self._found("LM803", "warning", f"leaves `{name}` empty in", _BLANK)
        for name in repeated_fields(answer.value):
            self._found("LM805", "warning", f"repeats itself in `{name}`, in", _CIRCLES)

    def measure(self, answer: Answer, model: ModelSpec, span: Span) -> None:
        """Whether it is longer than the model may answer."""
        most = model.max_output_tokens or MAX_OUTPUT_TOKENS
        if answer.tokens_out >= most:
            head = f"{self.named} is cut off with model `{model.name}` in"
            tail = f": it takes about {answer.tokens_out:,} tokens, and `max_output_tokens` is {most:,}"
            hint = "Raise max_output_tokens of the model, or ask for less."
            self.add(_Fault("LM804", self.trial.worst, head, tail, span, hint), self.trial)

    def _found(self, code: str, severity: Severity, what: str, hint: str, tail: str = "") -> None:
        fault = _Fault(code, severity, f"{self.named} {what}", tail, self.span, hint)
        self.add(fault, self.trial)


def _denied(run: SampleRun) -> bool:
    return run.status == "failed" and cause_of_end(run.events) == "PolicyDenied"


def _short(text: str) -> str:
    return cut(text.strip().rstrip("."), _LONGEST)
