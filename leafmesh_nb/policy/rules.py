"""Rules to a decision: each policy's verdict, and the most severe of them.

Within a policy every rule is evaluated and the most severe of those that match counts, so the
order of rules can never open a hole; ``default`` counts when none matched. A rule that cannot be
evaluated counts as the policy's ``on_error``: never as false, never as an approval. Across
policies deny > ask > approve.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leafmesh_nb.language.expressions import ErrorValue
from leafmesh_nb.language.spec import Policy, Rule, Spec
from leafmesh_nb.language.to_json import dump_any

__all__ = ["Ask", "Decision", "Subject", "decide", "digest_of"]

SEVERITY: dict[str, int] = {"approve": 0, "ask": 1, "deny": 2}

NOW = ("now",)
"""A decision that reads the time would change with every look at it: time binds no digest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What passes the gate: ``name`` is the tool's name, or ``output``; ``value`` is JSON."""

    point: str
    name: str
    value: Any
    step: str
    agent: str
    capability: str
    side_effect: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """One roster that must approve. ``ladder`` are the rungs after it: ``(to, roster)``."""

    policy: str
    rule: str
    to: str
    roster: tuple[str, ...]
    within: float | None
    ladder: tuple[tuple[str, tuple[str, ...]], ...]
    reason: str
    values: tuple[tuple[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As it stands in an event."""
        return {
            "policy": self.policy,
            "rule": self.rule,
            "to": self.to,
            "roster": list(self.roster),
            "within": self.within,
            "escalate": [to for to, _ in self.ladder],
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """``policies`` lists every policy that applied with every rule's verdict and values."""

    outcome: str
    governed: bool
    reason: str
    digest: str
    policies: tuple[dict[str, Any], ...] = ()
    asks: tuple[Ask, ...] = ()


def decide(spec: Spec, subject: Subject, names: Mapping[str, Any], now: datetime) -> Decision:
    """The decision on ``subject``. ``names`` are Python values, as the point's rules see them."""
    applying = [p for p in spec.policies.values() if applies(p, subject)]
    if not applying:
        return _ungoverned(subject)
    outcome, reason = "approve", ""
    asks: list[Ask] = []
    records: list[dict[str, Any]] = []
    read: dict[str, Any] = {}
    for policy in applying:
        verdict = _verdict(spec, policy, names, now, read)
        records.append(verdict.record)
        asks.extend(verdict.asks)
        if SEVERITY[verdict.outcome] > SEVERITY[outcome] or not reason:
            outcome = max(outcome, verdict.outcome, key=SEVERITY.__getitem__)
            reason = verdict.reason
    merged = _merge(asks) if outcome == "ask" else ()
    digest = digest_of(subject, tuple(p.digest for p in applying), read)
    return Decision(outcome, True, reason, digest, tuple(records), merged)


def applies(policy: Policy, subject: Subject) -> bool:
    """Whether a policy is there at all for this subject."""
    target = policy.target
    return (
        policy.at == subject.point
        and (not target.agents or subject.agent in target.agents)
        and (not target.capabilities or subject.capability in target.capabilities)
        and (not target.tools or subject.name in target.tools)
        and (not target.steps or subject.step in target.steps)
    )


def digest_of(subject: Subject, policies: Iterable[str], read: Mapping[str, Any]) -> str:
    """What an approval is bound to: the action, the rules, and the values they read.

    SHA-256 in hex over compact JSON with sorted keys.
    """
    bound = {
        "point": subject.point,
        "name": subject.name,
        "value": subject.value,
        "step": subject.step,
        "agent": subject.agent,
        "policies": list(policies),
        "read": dict(read),
    }
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _ungoverned(subject: Subject) -> Decision:
    digest = digest_of(subject, (), {})
    if not subject.side_effect:
        return Decision("approve", False, "no policy applies", digest)
    rule = (
        f"policies:\n  {subject.name}_gate:\n    at: tool\n    for: {{tools: [{subject.name}]}}\n"
        "    rules:\n      - {id: always, when: true, then: ask, to: PERSON}\n    default: deny"
    )
    return Decision(
        "deny",
        False,
        f"{subject.name} has a side effect and no policy governs it, so it is denied. To have a "
        f"person asked every time, add:\n{rule}",
        digest,
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: str
    reason: str
    record: dict[str, Any]
    asks: tuple[Ask, ...]


def _verdict(
    spec: Spec, policy: Policy, names: Mapping[str, Any], now: datetime, read: dict[str, Any]
) -> _Verdict:
    matched: list[tuple[str, Rule, tuple[tuple[str, Any], ...]]] = []
    rules: list[dict[str, Any]] = []
    for rule in policy.rules:
        verdict, values = _evaluate(rule, names, now, read)
        rules.append({"rule": rule.id, "verdict": verdict, "values": [list(v) for v in values]})
        if verdict == "matched":
            matched.append((rule.then, rule, values))
        elif verdict != "no match":
            matched.append((policy.on_error, rule, values))
    if not matched:
        outcome = policy.default
        reason = f"no rule of {policy.id} matched; its default is {outcome}"
        asks = _fallback_ask(spec, policy, reason) if outcome == "ask" else ()
    else:
        outcome = max((m[0] for m in matched), key=SEVERITY.__getitem__)
        deciding = [m for m in matched if m[0] == outcome]
        reason = "; ".join(
            _reason(policy, rule, names, now, values) for _, rule, values in deciding
        )
        asks = ()
        if outcome == "ask":
            asks = tuple(
                ask
                for _, rule, values in deciding
                for ask in _ask(
                    spec, policy, rule, values, _reason(policy, rule, names, now, values)
                )
            )
    record = {"policy": policy.id, "hash": policy.digest, "outcome": outcome, "rules": rules}
    return _Verdict(outcome, reason, record, asks)


def _evaluate(
    rule: Rule, names: Mapping[str, Any], now: datetime, read: dict[str, Any]
) -> tuple[str, tuple[tuple[str, Any], ...]]:
    if rule.when is None:
        return "matched", ()
    explanation = rule.when.explain(names, now=now)
    values = tuple((part.text, _shown(part.value)) for part in explanation.parts)
    for path in rule.when.reads:
        if path[:1] != NOW:
            read[".".join(path)] = _shown(_lookup(names, path))
    value = explanation.value
    if value is True:
        return "matched", values
    if value is False:
        return "no match", values
    message = value.message if isinstance(value, ErrorValue) else "the condition is no boolean"
    return f"error: {message}", values


def _reason(
    policy: Policy,
    rule: Rule,
    names: Mapping[str, Any],
    now: datetime,
    values: tuple[tuple[str, Any], ...],
) -> str:
    if rule.reason is not None:
        text = rule.reason.render(names, now=now)
        if isinstance(text, str):
            return text
    return f"rule {rule.id} of {policy.id}"


def _ask(
    spec: Spec, policy: Policy, rule: Rule, values: tuple[tuple[str, Any], ...], reason: str
) -> tuple[Ask, ...]:
    if rule.to is None:
        return _fallback_ask(spec, policy, reason)
    ladder = tuple((to, spec.roster(to)) for to in rule.escalate)
    roster = spec.roster(rule.to)
    return (Ask(policy.id, rule.id, rule.to, roster, rule.within, ladder, reason, values),)


def _fallback_ask(spec: Spec, policy: Policy, reason: str) -> tuple[Ask, ...]:
    """Whom ``default: ask`` or ``on_error: ask`` asks: as the policy's first asking rule does.

    A policy without one asks everybody the mesh names; nobody to ask makes an empty roster, which
    the gate turns into a denial.
    """
    for rule in policy.rules:
        if rule.to is not None:
            return _ask(spec, policy, rule, (), reason)
    return (Ask(policy.id, "", "anyone", tuple(spec.people), None, (), reason),)


def _merge(asks: list[Ask]) -> tuple[Ask, ...]:
    """One question a roster, each with the shortest time that any of them allows."""
    limits = [a.within for a in asks if a.within is not None]
    shortest = min(limits) if limits else None
    merged: dict[tuple[str, ...], Ask] = {}
    for ask in asks:
        known = merged.get(ask.roster)
        reason = ask.reason if known is None else f"{known.reason}; {ask.reason}"
        first = known or ask
        merged[ask.roster] = Ask(
            first.policy, first.rule, first.to, first.roster, shortest, first.ladder, reason,
            first.values,
        )  # fmt: skip
    return tuple(merged.values())


def _lookup(names: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = names
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _shown(value: Any) -> Any:
    if isinstance(value, ErrorValue):
        return f"error: {value.message}"
    return dump_any(value)
