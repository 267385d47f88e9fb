"""What the API takes and answers, as JSON Schema (2020-12): the components of ``/openapi.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SCHEMAS", "ref"]

Schema = Mapping[str, Any]


def ref(name: str) -> Schema:
    """A reference to one of the schemas below."""
    return {"$ref": f"#/components/schemas/{name}"}


def _closed(**properties: Schema) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {"description": "Any JSON value; sensitive values and card numbers are masked."}
MASKED: Schema = {"type": "object", "description": "Sensitive values and card numbers are masked."}
DOLLARS: Schema = {"type": "string", "description": "US dollars as plain decimal text."}
STATUS: Schema = {"enum": ["running", "waiting", "paused", "done", "failed", "cancelled"]}

_RUN_ROW: dict[str, Schema] = {
    "id": TEXT,
    "mesh": TEXT,
    "workflow": TEXT,
    "status": STATUS,
    "requester": TEXT,
    "created": TIME,
    "ended": _or_null(TIME),
}

SCHEMAS: Mapping[str, Schema] = {
    "Problem": _closed(
        error=_closed(
            code={**TEXT, "description": "For programs."},
            message={**TEXT, "description": "What happened, for people."},
            hint={**TEXT, "description": "What to do; may be empty."},
        )
    ),
    "StartRun": {
        "type": "object",
        "properties": {
            "workflow": TEXT,
            "input": {"type": "object", "description": "As the workflow declares it."},
        },
        "required": ["workflow"],
        "additionalProperties": False,
    },
    "Started": _closed(id=TEXT, status=STATUS),
    "RunRow": _closed(**_RUN_ROW),
    "Runs": _closed(
        runs={"type": "array", "items": ref("RunRow")},
        next={**_or_null(TEXT), "description": "Send it as before= for the page after this one."},
    ),
    "Step": _closed(
        id=TEXT,
        status={
            "enum": ["pending", "running", "waiting", "done", "failed", "skipped", "cancelled"]
        },
        agent=_or_null(TEXT),
        model=_or_null(TEXT),
        output=ANYTHING,
        error=_or_null(ref("Failure")),
    ),
    "Failure": _closed(kind=TEXT, message=TEXT, step=_or_null(TEXT)),
    "Run": _closed(
        **_RUN_ROW,
        owner={
            **_or_null(TEXT),
            "description": "Who drives it; null: nobody, the run has ended or waits to be resumed.",
        },
        spec_hash=TEXT,
        input=MASKED,
        output=ANYTHING,
        error=_or_null(ref("Failure")),
        steps={"type": "array", "items": ref("Step")},
        questions={**TEXTS, "description": "Ids of the open questions."},
        spent=DOLLARS,
        list_price=DOLLARS,
        tokens=COUNT,
        events=COUNT,
    ),
    "Event": _closed(
        seq={"type": "integer", "minimum": 1}, ts=TIME, kind=TEXT, path=TEXT, body=MASKED
    ),
    "Question": _closed(
        id=TEXT,
        run=TEXT,
        workflow=TEXT,
        requester=TEXT,
        step=TEXT,
        point={"enum": ["tool", "output", "in_doubt"]},
        subject={**TEXT, "description": "The tool's name, or output."},
        asked_by={**TEXT, "description": "The agent."},
        asked_at=TIME,
        due={**_or_null(TIME), "description": "When the next on the ladder is asked."},
        to=TEXT,
        roster={**TEXTS, "description": "The people who may answer."},
        ladder={**TEXTS, "description": "Who is asked next."},
        options={**TEXTS, "description": "The answers that this question takes."},
        policy=TEXT,
        rule=TEXT,
        reason=TEXT,
        values={
            "type": "array",
            "description": "Parts of the rule's condition, each with its value.",
            "items": {"type": "array", "minItems": 2, "maxItems": 2},
        },
        value=ANYTHING,
        inputs={**MASKED, "description": "What the step was given; masked."},
        memory={**MASKED, "description": "What the agent could read, as text; masked."},
    ),
    "Questions": _closed(approvals={"type": "array", "items": ref("Question")}),
    "Answer": {
        "type": "object",
        "properties": {
            "answer": {"enum": ["approve", "reject", "edit", "escalate"]},
            "value": {"description": "For edit: the whole new value. A masked part stays."},
            "note": {**TEXT, "maxLength": 2000},
        },
        "required": ["answer"],
        "additionalProperties": False,
    },
    "Answered": _closed(
        id=TEXT,
        run=TEXT,
        answer=TEXT,
        accepted={"type": "boolean"},
        status=STATUS,
        message={**TEXT, "description": "Why it is not accepted yet; empty when it is."},
    ),
    "Health": _closed(status=TEXT),
    "Ready": _closed(status=TEXT, mesh=TEXT, release=TEXT),
}
