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

from collections.abc import Mapping, Sequence

from leafmesh_nb.agents import offline
from leafmesh_nb.compose.answers import (
    Answer,
    answers_in,
    cause_of_end,
    hollow,
    place_of,
    reached_in,
)
from leafmesh_nb.compose.faults import FAILS, Fault, Faults, Judge, Trial, shortened
from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.samples import fitting, read_examples
from leafmesh_nb.compose.seats import seats
from leafmesh_nb.compose.subject import SampleRun, Subject
from leafmesh_nb.engine.paths import outermost
from leafmesh_nb.language import Span
from leafmesh_nb.language.joins import ancestors
from leafmesh_nb.language.spec import ModelSpec, Spec, Workflow
from leafmesh_nb.memory.masking import Masker

__all__ = ["check"]


def check(subject: Subject) -> LayerReport:
    """Look at a mesh that the language accepted."""
    spec = subject.spec
    assert spec is not None, "a mesh that the language accepted has a spec"
    return _DryRuns(subject, spec).report()


class _DryRuns:
    """The runs of one mesh."""

    def __init__(self, subject: Subject, spec: Spec) -> None:
        self._subject = subject
        self._spec = spec
        self._findings = Findings(subject, "output")
        self._faults = Faults()
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
        told = self._faults.shown
        tried = set()
        for found in read_examples(self._spec):
            name = found.capability.name
            tried.add(name)

            def add(fault: Fault, trial: Trial) -> None:
                if (fault.code, trial.capability) not in told:  # a sample has shown it already
                    self._faults.take(fault, trial)

            trial = Trial(name, found.number, "warning", found.agent.id)
            judge = Judge(add, f"`{name}`", found.capability.span, trial)
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
                f"No workflow takes sample {number}: {shortened(Masker().text(reason))}.",
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
                at = place_of(self._spec, flow.id, answer.step)
                self._answers.setdefault(at, []).append(answer)
            self._judge_step(answer, flow, number, masker)
        if run.status == "failed" and not failed and not meant:
            name, id = place_of(self._spec, flow.id, run.step) if run.step else (flow.id, "")
            step = self._spec.workflows[name].steps.get(id)
            named, span = (f"Step `{step.id}`", step.span) if step else (f"`{flow.id}`", flow.span)
            tail = f": {shortened(masker.text(run.error))}"
            trial = Trial("", number, "error")
            self._faults.take(
                Fault("LM802", "error", f"{named} fails in", tail, span, FAILS), trial
            )

    def _judge_step(self, answer: Answer, flow: Workflow, number: int, masker: Masker) -> None:
        workflow, id = place_of(self._spec, flow.id, answer.step)
        step = self._spec.workflows[workflow].steps[id]
        name = step.capability or ""
        trial = Trial(name, number, "error")
        judge = Judge(self._faults.take, f"Step `{step.id}`", step.span, trial)
        output = self._spec.agents[answer.agent].capabilities[name].output
        judge.look_at(answer, output, masker.text(answer.error))
        model = self._spec.models.get(answer.model)
        if model is not None:
            judge.measure(answer, model, self._limit_of(model))

    def _limit_of(self, model: ModelSpec) -> Span:
        return self._subject.at_value("models", model.name, "max_output_tokens")

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
            self._findings.unproven(f"There was no dry run: {shortened(error)}.")
        modelled = {(s.workflow, s.step) for s in seats(self._spec) if s.agent.kind == "llm"}
        reached = {
            place_of(self._spec, run.workflow, path)
            for run in self._runs
            for path in reached_in(run.events)
        }
        for flow in self._spec.workflows.values():
            runs = [run for run in self._runs if run.workflow == flow.id]
            by_example = {
                step.id
                for step in flow.steps.values()
                if (flow.id, step.id) in modelled and step.capability in tried
            }
            missed = [
                name
                for name in flow.steps
                if (flow.id, name) not in reached and name not in by_example
            ]
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
            if stops and all(outermost(run.step) in above[name] for name in missed):
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


def _denied(run: SampleRun) -> bool:
    return run.status == "failed" and cause_of_end(run.events) == "PolicyDenied"
