"""What is wrong with answers, gathered so that one fault in many samples is told once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from leafmesh_nb.compose.answers import Answer, blank_fields, repeated_fields
from leafmesh_nb.engine.runner.model_calls import MAX_OUTPUT_TOKENS
from leafmesh_nb.language import Span
from leafmesh_nb.language.spec import ModelSpec
from leafmesh_nb.language.types import Type
from leafmesh_nb.memory.marks import cut

__all__ = ["FAILS", "Fault", "Faults", "Judge", "Trial", "shortened"]

Severity = Literal["error", "warning"]

_LONGEST = 300
"""Characters of an error that a message shows."""

_SHAPE = "What a step gives is checked against its capability's `output` before anybody reads it."
FAILS = "A run with this input ends here. Change the step, or the type of what it must give."
_BLANK = "If nothing may be there, write `string or null`; else say in the instructions what to do."
_CIRCLES = (
    "More than half of its phrases of 8 words are repeated, or it shrinks to less than 0.12 of its "
    "size. Offline readers quote their input: look at that first."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """Where an answer was seen: in a sample, or on an agent's example; what it may count as."""

    capability: str
    number: int
    worst: Severity
    agent: str = ""

    def __str__(self) -> str:
        of = f" of `{self.agent}`" if self.agent else ""
        return f"{'example' if self.agent else 'sample'} {self.number}{of}"


@dataclass(slots=True)
class Fault:
    """One thing that is wrong: ``head``, then the trials in which it is, then ``tail``."""

    code: str
    severity: Severity
    head: str
    tail: str
    span: Span
    hint: str
    trials: list[Trial] = field(default_factory=list)

    @property
    def message(self) -> str:
        """All of it, with the first few trials by number."""
        others = f"{self.trials[0]} and {len(self.trials) - 1} more"
        where = others if len(self.trials) > 2 else " and ".join(map(str, self.trials))
        return f"{self.head} {where}{self.tail}."


class Faults(dict[tuple[str, str, Span], Fault]):
    """Faults by kind and place, each in the words of the first trial that showed it."""

    def take(self, fault: Fault, trial: Trial) -> None:
        """Note a fault that a trial has shown."""
        self.setdefault((fault.code, fault.head, fault.span), fault).trials.append(trial)

    @property
    def shown(self) -> set[tuple[str, str]]:
        """The codes that were seen, each with the capability that was tried."""
        return {(f.code, trial.capability) for f in self.values() for trial in f.trials}


@dataclass(frozen=True, slots=True)
class Judge:
    """Looks at one answer."""

    add: Callable[[Fault, Trial], None]
    named: str
    span: Span
    trial: Trial

    def look_at(self, answer: Answer, output: Type, error: str) -> None:
        """What it says; ``error`` is its error as it may be shown."""
        if answer.error:
            code, hint = ("LM801", _SHAPE) if answer.misshapen else ("LM802", FAILS)
            self._found(code, self.trial.worst, "fails in", hint, f": {shortened(error)}")
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
            size = f"it takes about {answer.tokens_out:,} tokens"
            tail = f": {size}, and `max_output_tokens` is {most:,}"
            hint = "Raise max_output_tokens of the model, or ask for less."
            self.add(Fault("LM804", self.trial.worst, head, tail, span, hint), self.trial)

    def _found(self, code: str, severity: Severity, what: str, hint: str, tail: str = "") -> None:
        fault = Fault(code, severity, f"{self.named} {what}", tail, self.span, hint)
        self.add(fault, self.trial)


def shortened(text: str) -> str:
    """An error as part of a sentence."""
    return cut(text.strip().rstrip("."), _LONGEST)
