"""The shape of a mesh in pydantic, read as people read YAML with it: ``safe_load``, then validate.

Reads ``{number: text}`` as JSON, writes ``{"version": …, "answers": {number: text}}``.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field

Duration = Annotated[str, Field(pattern=r"^(\d+(ms|s|m|h|d))+$")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Example(Strict):
    text: str
    output: dict[str, Any] = {}


class Capability(Strict):
    input: dict[str, Any]
    output: dict[str, Any]
    examples: list[str | Example] = []
    proficiency: Annotated[float, Field(ge=0, le=1)] = 0.5


class Limits(Strict):
    calls: int | None = None
    timeout: Duration | None = None
    cost: Decimal | None = None


class Grants(Strict):
    read: list[str] = []
    write: list[str] = []


class Agent(Strict):
    role: str
    capabilities: dict[str, Capability]
    kind: Literal["llm", "python", "http", "mcp", "human"] = "llm"
    instructions: str = ""
    model: str | dict[str, str] | None = None
    memory: Grants = Grants()
    tools: list[str] = []
    limits: Limits = Limits()


class Tool(Strict):
    python: str = ""
    side_effect: bool = False
    input: dict[str, Any]
    output: dict[str, Any]


class Person(Strict):
    roles: list[str] = []


class Rule(Strict):
    id: str
    then: Literal["approve", "ask", "deny"]
    when: str | None = None
    to: str | None = None
    within: Duration | None = None
    escalate: list[str] = []
    reason: str = ""


class Policy(Strict):
    at: Literal["route", "call", "tool", "output", "memory", "end"]
    for_: dict[str, list[str]] = Field({}, alias="for")
    rules: list[Rule] = []
    default: Literal["approve", "ask", "deny"] = "deny"
    on_error: Literal["ask", "deny"] = "deny"
    tests: list[dict[str, Any]] = []


class Step(Strict):
    capability: str | None = None
    after: str | list[str] | None = None
    when: str | None = None
    with_: dict[str, Any] = Field({}, alias="with")
    complexity: Literal["routine", "standard", "complex"] | None = None


class Workflow(Strict):
    input: dict[str, Any] = {}
    save: dict[str, str] = {}
    steps: dict[str, Step]
    output: dict[str, str] = {}


class Mesh(Strict):
    mesh: str
    description: str = ""
    currency: str = "USD"
    models: dict[str, dict[str, Any]] = {}
    memory: dict[str, Any] = {}
    people: dict[str, Person] = {}
    tools: dict[str, Tool] = {}
    agents: dict[str, Agent] = {}
    policies: dict[str, Policy] = {}
    budgets: dict[str, Decimal] = {}
    routing: dict[str, dict[str, Any]] = {}
    workflows: dict[str, Workflow] = {}


def answer(text: str) -> str:
    """What is said of a text; empty where it is taken as it is."""
    try:
        Mesh.model_validate(yaml.safe_load(text))
    except Exception as error:
        return str(error)
    return ""


if __name__ == "__main__":
    texts = json.load(sys.stdin)
    answers = {number: answer(text) for number, text in texts.items()}
    json.dump({"version": f"pydantic {pydantic.VERSION}", "answers": answers}, sys.stdout)
