"""How large the model call of a step is: with nothing in its texts, and with texts of 8 KB.

A request is built as the engine builds it and counted as the offline model counts it, from values
made up for their types. Nothing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leafmesh_nb.agents.offline_model import OfflineModel
from leafmesh_nb.compose.specimens import specimen
from leafmesh_nb.engine.ports import ModelRequest
from leafmesh_nb.engine.runner.model_calls import MAX_OUTPUT_TOKENS
from leafmesh_nb.language import TypeMismatch, accept, dump_any, json_schema
from leafmesh_nb.language.spec import AgentSpec, Capability, ModelSpec, Spec
from leafmesh_nb.language.types import Type

__all__ = ["TEXT_BYTES", "CallSize", "size_of"]

TEXT_BYTES = 8192
"""Of every text that a call is given, where a usual call is looked at; about 2,000 tokens."""

_PROSE = "the customer wrote these words about what had gone wrong "
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CallSize:
    """Tokens of one call: in with empty texts, in with texts of 8 KB, and out at most."""

    least_in: int
    usual_in: int
    most_out: int


def size_of(spec: Spec, capability: str, agent: AgentSpec, model: ModelSpec) -> CallSize:
    """The size of the call that ``model`` gets when ``agent`` takes a step for ``capability``."""
    text = (_PROSE * (TEXT_BYTES // len(_PROSE) + 1))[:TEXT_BYTES]
    offered = agent.capabilities[capability]
    requests = [_request(spec, offered, agent, model, given) for given in (None, text)]
    least, usual = (OfflineModel().count(request) for request in requests)
    return CallSize(least, usual, requests[0].max_output_tokens)


def _request(
    spec: Spec, capability: Capability, agent: AgentSpec, model: ModelSpec, text: str | None
) -> ModelRequest:
    inputs = specimen(capability.input, text)
    memory = {
        name: None if text is None else specimen(spec.memory[name].type, text)
        for name in agent.memory.read
    }
    return ModelRequest(
        model=model.name,
        agent=agent.id,
        role=agent.role,
        instructions=_instructions(spec, agent, capability.input, inputs, memory),
        capability=capability.name,
        description=capability.description,
        inputs=inputs,
        memory=memory,
        schema=json_schema(capability.output),
        examples=tuple(
            {"text": e.text, "output": dump_any(dict(e.output))} for e in capability.examples
        ),
        max_output_tokens=model.max_output_tokens or MAX_OUTPUT_TOKENS,
    )


def _instructions(
    spec: Spec, agent: AgentSpec, kind: Type, inputs: Any, memory: dict[str, Any]
) -> str:
    if agent.instructions is None:
        return ""
    try:
        given = accept(kind, inputs)
        remembered = {
            name: None if value is None else accept(spec.memory[name].type, value)
            for name, value in memory.items()
        }
    except TypeMismatch:  # no value was found for a JSON Schema
        return agent.instructions.text
    names = {
        "input": given,
        "memory": remembered,
        "run": {"id": "0" * 10, "workflow": "", "requester": "", "started": _NOON},
        "now": _NOON,
    }
    text = agent.instructions.render(names, now=_NOON)
    return text if isinstance(text, str) else agent.instructions.text
