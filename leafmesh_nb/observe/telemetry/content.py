"""What was said, as the conventions want it: opt-in, masked, as JSON texts.

Messages follow the JSON schemas of ``gen_ai.input.messages``, ``gen_ai.output.messages`` and
``gen_ai.system_instructions`` of the conventions that the mapping names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from leafmesh_nb.engine.events import Event
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.masked import masked_body
from leafmesh_nb.observe.telemetry.mapping import Attribute
from leafmesh_nb.observe.telemetry.spans import Value

__all__ = ["asked_for", "content_of"]

_SWITCH = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_ON = frozenset({"true", "span_only", "span_and_event"})

Attributes = dict[Attribute, Value]


def asked_for() -> bool:
    """Whether the environment asks for content, by the variable that GenAI instrumentations share.

    It is ``true``, ``span_only`` or ``span_and_event``; anything else is no.
    """
    return os.environ.get(_SWITCH, "").strip().lower() in _ON


def content_of(event: Event, masker: Masker, *, tool: bool = False) -> Attributes:
    """What an event adds to its span; ``tool`` says that the call it ends is one of a tool."""
    shown = masked_body(event, masker)
    match event.kind:
        case "run.started":
            return _said(Attribute.INPUT_MESSAGES, shown["input"])
        case "step.resolved":
            return _said(Attribute.INPUT_MESSAGES, shown["inputs"])
        case "run.ended" | "step.ended":
            return _said(Attribute.OUTPUT_MESSAGES, shown["output"])
        case "call.started":
            return _request(shown)
        case "call.finished" if tool:
            return {Attribute.TOOL_RESULT: _text(shown["result"])}
        case "call.finished":
            return _said(Attribute.OUTPUT_MESSAGES, shown["result"])
        case "policy.decided" | "approval.asked" if shown["reason"]:
            return {Attribute.REASON: shown["reason"]}
        case "approval.answered" if shown["note"]:
            return {Attribute.NOTE: shown["note"]}
    return {}


def _request(started: Mapping[str, Any]) -> Attributes:
    request = started["request"]
    if started["call"] == "tool":
        return {Attribute.TOOL_ARGUMENTS: _text(request)}
    if started["call"] != "model" or not isinstance(request, Mapping):
        return _said(Attribute.INPUT_MESSAGES, request)
    rest = {name: value for name, value in request.items() if name != "instructions"}
    found = _said(Attribute.INPUT_MESSAGES, rest)
    if request.get("instructions"):
        part = {"type": "text", "content": str(request["instructions"])}
        found[Attribute.SYSTEM_INSTRUCTIONS] = _text([part])
    return found


def _said(attribute: Attribute, value: Any) -> Attributes:
    """A value as one message, from the user or from the assistant; none for null."""
    if value is None:
        return {}
    part = {"type": "text", "content": value if isinstance(value, str) else _text(value)}
    message: dict[str, Any] = {"role": "user", "parts": [part]}
    if attribute is Attribute.OUTPUT_MESSAGES:
        message |= {"role": "assistant", "finish_reason": "stop"}
    return {attribute: _text([message])}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
