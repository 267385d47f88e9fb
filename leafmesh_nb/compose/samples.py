"""What a mesh is tried on: the samples that were given, and the examples of its capabilities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leafmesh_nb.agents import offline
from leafmesh_nb.compose.answers import Answer
from leafmesh_nb.compose.specimens import specimen
from leafmesh_nb.language import TypeMismatch, accept, dump_any, json_schema
from leafmesh_nb.language.spec import AgentSpec, Capability, ModelSpec, Spec
from leafmesh_nb.routing.suitability import Observed, rank

__all__ = ["ExampleAnswer", "fitting", "read_examples"]


@dataclass(frozen=True, slots=True)
class ExampleAnswer:
    """What the offline reader makes of an example of an agent's capability, counted from 1.

    ``models`` are those that steps may have answer in the agent's name.
    """

    agent: AgentSpec
    capability: Capability
    number: int
    answer: Answer
    models: tuple[ModelSpec, ...]


def fitting(spec: Spec, sample: Mapping[str, Any]) -> tuple[list[str], str]:
    """The workflows that take a sample as their input; where none does, why not."""
    fits, reasons = [], []
    for flow in spec.workflows.values():
        try:
            accept(flow.input, {**flow.defaults, **sample}, lenient=True)
        except TypeMismatch as mismatch:
            reasons.append(f"`{flow.id}`: {mismatch}")
        else:
            fits.append(flow.id)
    return fits, "" if fits else "; ".join(reasons)


def read_examples(spec: Spec) -> Iterator[ExampleAnswer]:
    """The offline reader on every example of a model's capability that takes one text.

    It knows these examples, so it should do well on them. What else goes in is left empty.
    """
    if any(model.provider != "offline" for model in spec.models.values()):
        return
    models = _models(spec)
    for agent in spec.agents.values():
        for capability in agent.capabilities.values() if agent.kind == "llm" else ():
            texts = [name for name, kind in capability.input.fields if kind.kind == "string"]
            if len(texts) == 1:
                for number, example in enumerate(capability.examples, 1):
                    inputs = {**specimen(capability.input, None), texts[0]: example.text}
                    answer = _read(agent, capability, inputs)
                    used = models.get((agent.id, capability.name), {})
                    yield ExampleAnswer(agent, capability, number, answer, tuple(used.values()))


def _models(spec: Spec) -> dict[tuple[str, str], dict[str, ModelSpec]]:
    """The models that routing may choose, by agent and capability."""
    found: dict[tuple[str, str], dict[str, ModelSpec]] = {}
    for flow in spec.workflows.values():
        for step in flow.steps.values():
            for candidate in rank(spec, step, "", Observed()).candidates:
                if candidate.model:
                    known = found.setdefault((candidate.agent, step.capability or ""), {})
                    known[candidate.model] = spec.models[candidate.model]
    return found


def _read(agent: AgentSpec, capability: Capability, inputs: Mapping[str, Any]) -> Answer:
    known = [
        offline.Example(e.text, {name: dump_any(value) for name, value in e.output.items()})
        for e in capability.examples
    ]
    instructions = agent.instructions.text if agent.instructions else ""
    try:
        output = offline.read(
            json_schema(capability.output),
            inputs,
            known,
            context=(agent.role, instructions, capability.description),
            today=datetime.now(UTC).date(),
        ).output
    except offline.UnreadableFieldError as error:
        return Answer("", agent.id, "", error=str(error))
    try:
        accept(capability.output, output)
    except TypeMismatch as error:
        return Answer("", agent.id, "", error=str(error), misshapen=True)
    return Answer("", agent.id, "", output, tokens_out=offline.count_tokens(json.dumps(output)))
