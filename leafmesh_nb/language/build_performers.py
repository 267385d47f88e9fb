"""Who performs a step: an agent, another workflow, an expression, or the clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from leafmesh_nb.language.blocks import Keys, reference
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.nodes import ScalarNode, Span
from leafmesh_nb.language.spec import AgentSpec, Performer

__all__ = ["Performing", "build_performer"]

_KEYS: Mapping[str, Performer] = {
    "capability": "agent",
    "agent": "agent",
    "workflow": "workflow",
    "let": "let",
    "wait": "wait",
}
_DURATION = re.compile(r"[\d.]+(?:\s*[A-Za-z]|:\d\d|\Z)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ITS_OWN = "the steps of that workflow have their own"
_NO_AGENT = "it is about the agent that performs a step"
_NO_CALL = "it is about calls to models and functions"

_MISPLACED: Mapping[Performer, Mapping[str, str]] = {
    "agent": {},
    "workflow": {
        **dict.fromkeys(("complexity", "domain", "race", "consult"), _NO_AGENT),
        **dict.fromkeys(("retry", "on_in_doubt"), _ITS_OWN),
    },
    "let": {
        "with": "an expression names what it reads",
        **dict.fromkeys(("complexity", "domain", "race", "consult"), _NO_AGENT),
        "on_in_doubt": _NO_CALL,
        "retry": "an expression gives the same again",
        "timeout": "an expression takes no time to speak of",
    },
    "wait": {
        "with": "nothing goes into a wait",
        **dict.fromkeys(("complexity", "domain", "race", "consult"), _NO_AGENT),
        "on_in_doubt": _NO_CALL,
        "retry": "time passes by itself",
        "timeout": "it ends at its own time",
        "for_each": "it would wait once and not item by item",
        "repeat": "to ask again and again, repeat the step that asks",
    },
}


@dataclass(slots=True)
class Performing:
    """Who performs a step; ``kind`` is None where the step does not say, or says two things."""

    kind: Performer | None = None
    capability: str | None = None
    agent: AgentSpec | None = None
    workflow: str | None = None
    let: Expression | None = None
    wait: float | Expression | None = None


def build_performer(ctx: Context, keys: Keys, step: str, span: Span) -> Performing:
    """The performer of a step; keys that do not go with it are reported."""
    said = {entry.key.text: entry.key.span for entry in keys.node}
    named = [name for name in _KEYS if name in said]
    kinds = list(dict.fromkeys(_KEYS[name] for name in named))
    found = Performing(kinds[0] if len(kinds) == 1 else None)
    if not kinds and set(said) <= {*keys.block.optional, *keys.block.later}:
        # Where there is an unknown key, it is this one misspelt.
        ctx.collector.error(
            "LM202",
            f"The step `{step}` does not say who performs it.",
            span,
            "Add `capability: …` to have it routed, `agent: …` for one agent, `workflow: …` for "
            "another workflow, `let: …` for an expression, or `wait: …` for a time.",
        )
    elif len(kinds) > 1:
        first = next(name for name in said if name in _KEYS)
        second = next(n for n in said if n in _KEYS and _KEYS[n] != _KEYS[first])
        ctx.collector.error(
            "LM209",
            f"`{first}` and `{second}` do not go together: a step has one performer.",
            said[second],
            "Make two steps of it, one `after` the other.",
        )
    _agent(ctx, keys, found)
    workflow = _scalar(keys, "workflow")
    if workflow is not None:
        found.workflow = reference(ctx, workflow, "workflows")
    if (node := keys.get("let")) is not None:
        found.let = ctx.expression(node)
    found.wait = _wait(ctx, keys)
    if found.kind is not None:
        for name, why in _MISPLACED[found.kind].items():
            keys.together(found.kind, name, why)
        keys.together("agent", "race", "one agent has nobody to race with")
    return found


def _wait(ctx: Context, keys: Keys) -> float | Expression | None:
    node = keys.get("wait")
    if node is None:
        return None
    text = node.text.strip() if isinstance(node, ScalarNode) else ""
    if _DURATION.match(text.removeprefix("-")):
        return keys.duration("wait")
    if _DATE.match(text):
        ctx.collector.error(
            "LM210",
            "A time to wait for is written as an expression.",
            node.span,
            f"Write wait: 'timestamp(\"{text[:10]}T08:00:00Z\")', with its time and zone.",
        )
        return None
    return ctx.expression(node)


def _agent(ctx: Context, keys: Keys, found: Performing) -> None:
    """A capability that is routed, one agent by name, or both."""
    capability = _scalar(keys, "capability")
    agent = _scalar(keys, "agent")
    if capability is not None:
        found.capability = reference(ctx, capability, "capabilities")
    if agent is None:
        return
    name = reference(ctx, agent, "agents")
    found.agent = ctx.agents.get(name or "")
    if found.agent is None:
        return
    offered = tuple(found.agent.capabilities)
    if capability is None:
        if len(offered) == 1:
            found.capability = offered[0]
        elif offered:
            ctx.collector.error(
                "LM202",
                f"`{found.agent.id}` has several capabilities: say which one this step uses.",
                agent.span,
                f"Add `capability:` with one of {', '.join(offered)}.",
            )
    elif found.capability and found.capability not in offered:
        ctx.collector.error(
            "LM321",
            f"The agent `{found.agent.id}` does not have the capability `{found.capability}`.",
            capability.span,
            f"It has {', '.join(offered) or 'none'}.",
        )
        found.agent = None


def _scalar(keys: Keys, name: str) -> ScalarNode | None:
    node = keys.get(name)
    if node is None or (isinstance(node, ScalarNode) and isinstance(node.value, str)):
        return node
    keys.wrong(name, "a name", node)
    return None
