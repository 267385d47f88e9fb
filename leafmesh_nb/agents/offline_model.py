"""The offline model: a rules-based reader behind the port of a model. No language model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from leafmesh_nb.agents import offline
from leafmesh_nb.engine.ports import ModelReply, ModelRequest
from leafmesh_nb.errors import AgentError

__all__ = ["OfflineModel"]

LONG = 20_000
"""Characters from which a text is read off the loop, so that other runs go on."""


class OfflineModel:
    """Reads the step's inputs by rules. Deterministic, free, and labelled as what it is."""

    async def ask(self, request: ModelRequest) -> ModelReply:
        """One reading. Raises AgentError naming the field that is not in the text."""
        size = sum(len(v) for v in request.inputs.values() if isinstance(v, str))
        if size > LONG:
            return await asyncio.to_thread(self._read, request)
        return self._read(request)

    def count(self, request: ModelRequest) -> int:
        """Tokens of what a model would be sent."""
        return offline.count_tokens(_prompt(request))

    def _read(self, request: ModelRequest) -> ModelReply:
        examples = tuple(offline.Example(e["text"], e["output"]) for e in request.examples)
        context = (request.role, request.instructions, request.description)
        try:
            reading = offline.read(
                request.schema, request.inputs, examples, context=context, today=request.today
            )
        except offline.UnreadableFieldError as error:
            raise AgentError(
                "the offline reader (rules, not a language model) could not answer "
                f"{request.capability}: {error}"
            ) from None
        return ModelReply(
            output=reading.output,
            tokens_in=self.count(request),
            tokens_out=offline.count_tokens(json.dumps(reading.output)),
            note=offline.describe(),
            evidence=reading.evidence,
        )


def _prompt(request: ModelRequest) -> str:
    """What a language model would be sent for this request, for counting."""
    parts: dict[str, Any] = {
        "role": request.role,
        "instructions": request.instructions,
        "task": f"{request.capability} {request.description}",
        "examples": list(request.examples),
        "inputs": dict(request.inputs),
        "memory": dict(request.memory),
        "schema": dict(request.schema),
    }
    return "\n".join(
        v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in parts.values() if v
    )
