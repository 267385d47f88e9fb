"""What was answered in a dry run, step by step, and what is wrong with an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leafmesh_nb.compose.repetition import repeats
from leafmesh_nb.engine.events import (
    CallFailed,
    CallFinished,
    CallStarted,
    Event,
    RunEnded,
    StepResolved,
)
from leafmesh_nb.engine.paths import steps_of
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.language.types import Type

__all__ = [
    "Answer",
    "answers_in",
    "blank_fields",
    "cause_of_end",
    "hollow",
    "place_of",
    "reached_in",
    "repeated_fields",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model (empty: a function) of an agent gave in a step: ``value`` (JSON), or ``error``.

    ``misshapen`` says that there was an answer, and its shape was wrong.
    """

    step: str
    agent: str
    model: str
    value: Any = None
    error: str = ""
    misshapen: bool = False
    tokens_out: int = 0
    note: str = ""


def answers_in(events: Sequence[Event]) -> Iterator[Answer]:
    """The answers of models and functions, in order; tools are left out."""
    started: dict[str, CallStarted] = {}
    for event in events:
        body = event.body
        if isinstance(body, CallStarted):
            started[body.key] = body
        elif isinstance(body, CallFinished | CallFailed) and body.key in started:
            call = started[body.key]
            if call.call not in ("model", "function"):
                continue
            model = call.target if call.call == "model" else ""
            if isinstance(body, CallFinished):
                yield Answer(
                    event.path,
                    call.agent,
                    model,
                    body.result,
                    tokens_out=body.tokens_out,
                    note=body.note,
                )
            else:
                said = str(body.error.get("message", ""))
                # An answer that nobody can use has its tokens all the same; a function has none.
                misshapen = body.tokens_out > 0 or (not model and "wrong shape" in said)
                yield Answer(
                    event.path,
                    call.agent,
                    model,
                    error=said,
                    misshapen=misshapen,
                    tokens_out=body.tokens_out,
                )


def reached_in(events: Sequence[Event]) -> set[str]:
    """The paths of the steps that were to run, and of what they are made of."""
    return {e.path for e in events if isinstance(e.body, StepResolved) and e.body.run}


def place_of(spec: Spec, workflow: str, path: str) -> tuple[str, str]:
    """The workflow and the step that a path of a run of ``workflow`` is about."""
    *outer, step = steps_of(path).split("/")
    for id in outer:
        workflow = spec.workflows[workflow].steps[id].workflow or ""
    return workflow, step


def cause_of_end(events: Sequence[Event]) -> str:
    """The kind of error that ended a run, such as ``PolicyDenied``; empty where none did."""
    ends = [e.body for e in events if isinstance(e.body, RunEnded)]
    return str((ends[-1].error or {}).get("kind", "")) if ends else ""


def blank_fields(kind: Type, value: Any) -> list[str]:
    """The texts of an object that must be there and say nothing."""
    given = value if isinstance(value, Mapping) else {}
    return [
        name
        for name, inner in kind.fields
        if inner.kind == "string" and not inner.nullable and not str(given.get(name, "")).strip()
    ]


def hollow(value: Any) -> bool:
    """Whether there is nothing in a value: null, no text, or a list or map of such."""
    match value:
        case Mapping():
            return all(hollow(inner) for inner in value.values())
        case list():
            return all(hollow(inner) for inner in value)
        case str():
            return not value.strip()
    return value is None


def repeated_fields(value: Any) -> list[str]:
    """The fields of an object that hold a text which repeats itself."""
    given = value if isinstance(value, Mapping) else {}
    return [name for name, inner in given.items() if any(map(repeats, _texts(inner)))]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
