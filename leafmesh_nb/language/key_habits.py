"""Keys of other tools and of other blocks: what they are called here, and where they belong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["OF_THE_MESH", "SAME_FORM", "habit", "meant_key"]

_HERE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "a mesh": {
            "name": "mesh",
            "llms": "models",
            "llm": "models",
            "users": "people",
            "humans": "people",
            "approvers": "people",
            "roles": "people",
            "guardrails": "policies",
            "rules": "policies",
            "functions": "tools",
            "state": "memory",
            "tasks": "workflows",
            "flows": "workflows",
            "crew": "agents",
            "limits": "budgets",
        },
        "an agent": {
            "prompt": "instructions",
            "system_prompt": "instructions",
            "system": "instructions",
            "system_message": "instructions",
            "llm": "model",
            "model_name": "model",
            "goal": "role",
            "backstory": "instructions",
            "persona": "role",
            "title": "role",
            "skills": "capabilities",
            "functions": "tools",
            "function": "python",
            "callable": "python",
            "endpoint": "url",
            "type": "kind",
            "max_iter": "limits",
            "max_iterations": "limits",
            "max_tokens": "limits",
            "budget": "limits",
            "max_execution_time": "limits",
        },
        "a capability": {
            "parameters": "input",
            "params": "input",
            "arguments": "input",
            "args": "input",
            "returns": "output",
            "response": "output",
            "result": "output",
            "expected_output": "output",
            "few_shot": "examples",
            "samples": "examples",
            "prompt": "description",
        },
        "a tool": {
            "parameters": "input",
            "params": "input",
            "arguments": "input",
            "args": "input",
            "returns": "output",
            "result": "output",
            "function": "python",
            "handler": "python",
            "callable": "python",
        },
        "a model": {
            "name": "model",
            "model_name": "model",
            "vendor": "provider",
            "type": "provider",
            "endpoint": "base_url",
            "url": "base_url",
            "api_base": "base_url",
            "max_tokens": "max_output_tokens",
            "cost": "price",
            "pricing": "price",
            "fallbacks": "fallback",
        },
        "a step": {
            "depends_on": "after",
            "needs": "after",
            "requires": "after",
            "wait_for": "after",
            "if": "when",
            "condition": "when",
            "only_if": "when",
            "inputs": "with",
            "input": "with",
            "arguments": "with",
            "args": "with",
            "params": "with",
            "parameters": "with",
            "foreach": "for_each",
            "loop": "for_each",
            "retries": "retry",
            "max_retries": "retry",
            "uses": "capability",
            "task": "capability",
            "action": "capability",
            "delay": "wait",
            "sleep": "wait",
            "set": "let",
            "expr": "let",
            "on_failure": "on_error",
            "catch": "on_error",
            "continue_on_error": "on_error",
            "ignore_errors": "on_error",
            "while": "repeat",
            "do_while": "repeat",
            "subflow": "workflow",
        },
        "a workflow": {
            "tasks": "steps",
            "nodes": "steps",
            "stages": "steps",
            "jobs": "steps",
            "parameters": "input",
            "params": "input",
            "arguments": "input",
            "returns": "output",
            "result": "output",
            "state": "save",
        },
        "a policy": {
            "point": "at",
            "hook": "at",
            "on": "at",
            "target": "for",
            "scope": "for",
            "match": "for",
            "applies_to": "for",
            "conditions": "rules",
            "otherwise": "default",
            "else": "default",
            "fallback": "default",
        },
        "a rule": {
            "if": "when",
            "condition": "when",
            "match": "when",
            "action": "then",
            "effect": "then",
            "outcome": "then",
            "decision": "then",
            "approver": "to",
            "approvers": "to",
            "assignee": "to",
            "ask": "to",
            "timeout": "within",
            "deadline": "within",
            "expires": "within",
            "name": "id",
            "message": "reason",
            "description": "reason",
        },
        "a memory field": {"kind": "type", "reducer": "merge", "strategy": "merge"},
        "`limits`": {
            "max_calls": "calls",
            "max_iter": "calls",
            "budget": "cost",
            "max_cost": "cost",
            "max_execution_time": "timeout",
        },
    }
)
"""What a key of another tool is called in each block."""

_ELSEWHERE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "an agent": {
            "tier": "Write `model: {tier: …}`.",
            "domain": "Write `model: {domain: …}`.",
            "read": "Write `memory: {read: […]}`.",
            "write": "Write `memory: {write: […]}`.",
            "calls": "Write `limits: {calls: …}`.",
            "timeout": "Write `limits: {timeout: …}`.",
            "cost": "Write `limits: {cost: …}`.",
            "name": "An agent's name is the key above it.",
            "id": "An agent's name is the key above it.",
        },
        "a step": {
            "name": "A step's name is the key above it.",
            "id": "A step's name is the key above it.",
            "model": "An agent has it; a step says `complexity`, or `agent` for one by name.",
            "tier": "A step says `complexity`, which `routing` turns into a tier.",
            "parallel": "Steps run in parallel unless one waits for the other; items of a list "
            "by `for_each: {in: …, max: …, parallel: …}`.",
            "until": "Write `repeat: {until: …, max: …}`.",
            "backoff": "Write `retry: {max: …, backoff: …}`.",
            "tools": "They belong to an agent: an agent calls tools, a step does not.",
            "approval": "Whom to ask is said by a policy, for each point of the gate.",
            "approve": "Whom to ask is said by a policy, for each point of the gate.",
        },
        "a model": {"temperature": "Models have no such setting here: remove it."},
        "a memory field": {
            "default": "A field has no default: write it in a workflow's `save`, or read it as "
            "`default(memory.x, …)`.",
        },
    }
)
"""What to do where one other key does not say it."""

OF_THE_MESH = (
    "currency",
    "models",
    "people",
    "agents",
    "policies",
    "budgets",
    "routing",
    "workflows",
)
"""Keys that stand nowhere but at the start of a mesh."""
SAME_FORM = frozenset(
    (
        "after",
        "at",
        "for",
        "input",
        "instructions",
        "output",
        "role",
        "rules",
        "steps",
        "when",
        "with",
    )
)
"""Keys that take what their namesakes of other tools take."""


def meant_key(what: str, written: str) -> str | None:
    """The key of a block that another tool calls ``written``."""
    return _HERE.get(what, {}).get(written.lower())


def habit(what: str, written: str) -> str | None:
    """What to write in place of a key that a block does not have, if that is known."""
    if written in OF_THE_MESH:
        return f"`{written}` belongs to the mesh itself, without indentation."
    return _ELSEWHERE.get(what, {}).get(written.lower())
