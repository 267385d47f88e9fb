"""What each kind of span says, from the bodies of events. What was said stands in ``content``.

People's names come as texts of whoever gave them, so they are masked; names that the mesh declares,
keys, amounts and counts stay as they were recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leafmesh_nb.engine import events as ev
from leafmesh_nb.language.spec import Spec
from leafmesh_nb.memory.masking import Masker
from leafmesh_nb.observe.telemetry.mapping import SCOPE, Attribute, provider_name
from leafmesh_nb.observe.telemetry.spans import Value

__all__ = [
    "answered",
    "asked",
    "call_ended",
    "call_started",
    "decided",
    "given",
    "memory_told",
    "refused_budget",
    "routed",
    "run_started",
    "served_by",
    "steered",
]

Attributes = dict[Attribute, Value]


def given(attribute: Attribute, value: Value | None) -> Attributes:
    """The attribute, unless there is nothing to say."""
    return {attribute: value} if value else {}


def run_started(body: ev.RunStarted, masker: Masker) -> Attributes:
    """Of the root span."""
    return {
        Attribute.WORKFLOW: body.workflow,
        Attribute.MESH_HASH: body.spec_hash,
        Attribute.REQUESTER: masker.text(body.requester),
    }


def steered(body: ev.RunPaused | ev.RunResumed | ev.RunRebound, masker: Masker) -> Attributes:
    """Who paused a run, or made it go on."""
    found: Attributes = {Attribute.RUN_BY: masker.text(body.by)}
    if isinstance(body, ev.RunResumed) and body.recovered:
        found[Attribute.RECOVERED] = True
    return found


def routed(body: ev.TaskRouted) -> Attributes:
    """Who could have taken a step, and who takes it."""
    found: Attributes = {
        Attribute.CAPABILITY: body.capability,
        **given(Attribute.ROUTE_CANDIDATES, _names(body.candidates, "agent")),
        **given(Attribute.ROUTE_EXCLUDED, _names(body.excluded, "agent")),
        **given(Attribute.ROUTE_AGENT, body.agent),
        **given(Attribute.ROUTE_MODEL, body.model),
        **given(Attribute.ROUTE_TIE, body.tie),
    }
    for candidate in body.candidates:
        if candidate.get("agent") == body.agent:
            found[Attribute.ROUTE_SCORE] = float(candidate.get("score") or 0)
            break
    return found


def served_by(agent: str, model: str | None, spec: Spec) -> Attributes:
    """The agent that takes a step, and the model it asks."""
    declared = spec.agents.get(agent)
    return {
        Attribute.AGENT: agent,
        **given(Attribute.AGENT_DESCRIPTION, declared.role if declared else ""),
        **(_model(model, spec) if model else {Attribute.PROVIDER: SCOPE}),
    }


def call_started(body: ev.CallStarted, spec: Spec) -> Attributes:
    """A request that goes out: to a model, a function or a tool."""
    found: Attributes = {
        Attribute.AGENT: body.agent,
        Attribute.CALL_KEY: body.key,
        Attribute.CALL_ATTEMPT: body.attempt,
    }
    if body.call == "model":
        found |= {Attribute.OUTPUT_TYPE: "json", **_model(body.target, spec)}
        model = spec.models.get(body.target)
        found |= given(Attribute.MAX_TOKENS, model.max_output_tokens if model else None)
    elif body.call == "tool":
        found |= {
            Attribute.TOOL: body.target,
            Attribute.TOOL_TYPE: "function",
            Attribute.TOOL_CALL: body.key,
            Attribute.SIDE_EFFECT: body.side_effect,
        }
    return found


def call_ended(of: str, body: ev.CallFinished | ev.CallFailed) -> Attributes:
    """How a call ended; of a model's also tokens and money, which functions and tools have not."""
    found: Attributes = {}
    if isinstance(body, ev.CallFinished):
        found |= {Attribute.CALL_STATUS: "finished", Attribute.CALL_LIVE: body.live}
    else:
        found[Attribute.CALL_STATUS] = "failed"
    if of == "model":
        found |= {
            Attribute.INPUT_TOKENS: body.tokens_in,
            Attribute.OUTPUT_TOKENS: body.tokens_out,
            Attribute.SPENT: float(body.cost),
        }
        if body.list_cost is not None:
            found[Attribute.LIST_PRICE] = float(body.list_cost)
    return found


def decided(body: ev.PolicyDecided, masker: Masker) -> Attributes:
    """A passage of the gate: what was decided, and by which rules."""
    matched = [
        f"{policy.get('policy')}.{rule.get('rule')}"
        for policy in body.policies
        for rule in policy.get("rules", ())
        if rule.get("verdict") != "no match"
    ]
    return {
        Attribute.POINT: body.point,
        Attribute.SUBJECT: body.subject,
        Attribute.ACTION: body.action,
        Attribute.OUTCOME: body.outcome,
        Attribute.GOVERNED: body.governed,
        Attribute.AGENT: body.agent,
        **given(Attribute.POLICIES, _names(body.policies, "policy")),
        **given(Attribute.RULES, matched),
        **given(Attribute.EDITED_BY, masker.text(body.edited_by)),
    }


def asked(body: ev.ApprovalAsked) -> Attributes:
    """A question to people."""
    return {
        Attribute.APPROVAL: body.id,
        Attribute.POINT: body.point,
        Attribute.SUBJECT: body.subject,
        Attribute.ACTION: body.action,
        Attribute.AGENT: body.asked_by,
        Attribute.APPROVAL_TO: body.to,
        Attribute.APPROVAL_ROSTER: [str(name) for name in body.roster],
        **given(Attribute.POLICIES, [body.policy] if body.policy else []),
        **given(Attribute.RULES, [f"{body.policy}.{body.rule}"] if body.rule else []),
    }


def answered(body: ev.ApprovalAnswered, masker: Masker) -> Attributes:
    """Who answered it, and through what."""
    return {
        Attribute.APPROVAL_PERSON: masker.text(body.person),
        Attribute.APPROVAL_CHANNEL: body.channel,
        Attribute.APPROVAL_IDENTITY: body.identity,
    }


def memory_told(
    body: ev.MemoryWritten | ev.MemoryDenied | ev.MemoryPatched, masker: Masker
) -> Attributes:
    """Which field, and which version of it; never the value."""
    found: Attributes = {Attribute.FIELD: body.field}
    match body:
        case ev.MemoryWritten(version=version, scope=scope):
            found |= {Attribute.FIELD_VERSION: version, Attribute.FIELD_SCOPE: scope}
        case ev.MemoryPatched(version=version, person=person):
            found |= {Attribute.FIELD_VERSION: version, Attribute.RUN_BY: masker.text(person)}
        case ev.MemoryDenied(access=access):
            found[Attribute.ACCESS] = access
    return found


def refused_budget(body: ev.BudgetRefused) -> Attributes:
    """Which limit a call would have passed."""
    return {
        Attribute.BUDGET: body.scope,
        Attribute.BUDGET_AMOUNT: body.amount,
        Attribute.BUDGET_LIMIT: body.limit,
        Attribute.BUDGET_USED: body.used,
    }


def _model(name: str, spec: Spec) -> Attributes:
    """A model as its vendor calls it, beside its name in the mesh."""
    model = spec.models.get(name)
    if model is None:
        return {Attribute.PROVIDER: SCOPE, Attribute.REQUEST_MODEL: name}
    return {
        Attribute.PROVIDER: provider_name(model.provider),
        Attribute.REQUEST_MODEL: model.model or name,
        Attribute.CALL_MODEL: name,
    }


def _names(items: Iterable[Mapping[str, Any]], key: str) -> list[str]:
    return [str(item.get(key, "")) for item in items]
