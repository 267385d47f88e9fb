"""Rules to a decision: each policy's verdict, and the most severe of them.

Within a policy every rule is evaluated and the most severe of those that match counts, so the
order of rules can never open a hole; ``default`` counts when none matched. A rule that cannot be
evaluated counts as the policy's ``on_error``: never as false, never as an approval. Across
policies deny > ask > approve.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from leafmesh_nb.language.expressions import ErrorValue
from leafmesh_nb.language.spec import Policy, Rule, Spec
from leafmesh_nb.language.to_json import dump_any
from leafmesh_nb.policy.ungoverned import rule_to_paste

__all__ = ["Ask", "Decision", "Subject", "applies", "decide", "digest_of", "verdict_of"]

SEVERITY: dict[str, int] = {"approve": 0, "ask": 1, "deny": 2}

NOW = ("now",)
"""A decision that reads the time would change with every look at it: time binds no digest."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What passes the gate: ``name`` is the tool's name, or ``output``; ``value`` is JSON.

    ``at`` is the path in a run, where that is a part of ``step``: one item's approval is not
    another's.
    """

    point: str
    name: str
    value: Any
    step: str
    agent: str
    capability: str
    side_effect: bool = False
    at: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One roster that must approve. ``ladder`` are the rungs after it: ``(to, roster)``;
    ``excluded`` are people of these who may not answer, and are in none of them."""

    policy: str
    rule: str
    to: str
    roster: tuple[str, ...]
    within: float | None
    ladder: tuple[tuple[str, tuple[str, ...]], ...]
    reason: str
    values: tuple[tuple[str, Any], ...] = ()
    excluded: tuple[str, ...] = ()

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


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What one policy says: its outcome, why, the record of its rules, and whom it asks."""

    outcome: str
    reason: str
    record: dict[str, Any]
    asks: tuple[Ask, ...] = ()


def decide(spec: Spec, subject: Subject, names: Mapping[str, Any], now: datetime) -> Decision:
    """The decision on ``subject``. ``names`` are Python values, as the point's rules see them."""
    applying = [p for p in spec.policies.values() if applies(p, subject)]
    if not applying:
        return _ungoverned(spec, subject)
    read: dict[str, Any] = {}
    verdicts = [verdict_of(spec, policy, names, now, read) for policy in applying]
    outcome = _most_severe(v.outcome for v in verdicts)
    deciding = [v for v in verdicts if v.outcome == outcome]
    return Decision(
        outcome=outcome,
        governed=True,
        reason=_joined(v.reason for v in deciding),
        digest=digest_of(subject, (p.digest for p in applying), read),
        policies=tuple(v.record for v in verdicts),
        asks=_merge([ask for v in deciding for ask in v.asks]),
    )


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
        "step": subject.at or subject.step,
        "agent": subject.agent,
        "policies": list(policies),
        "read": dict(read),
    }
    text = json.dumps(bound, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verdict_of(
    spec: Spec,
    policy: Policy,
    names: Mapping[str, Any],
    now: datetime | None,
    read: dict[str, Any] | None = None,
) -> PolicyVerdict:
    """What one policy says where it applies; what its conditions read is noted in ``read``."""
    found = [_evaluate(rule, names, now, {} if read is None else read) for rule in policy.rules]
    rules = [{"rule": f.rule.id, "verdict": f.verdict, "values": f.recorded} for f in found]
    matched = [(f.outcome(policy), f) for f in found if f.verdict != "no match"]
    outcome = _most_severe(o for o, _ in matched) if matched else policy.default
    record = {"policy": policy.id, "hash": policy.digest, "outcome": outcome, "rules": rules}
    if not matched:
        reason = f"no rule of {policy.id} matched; its default is {outcome}"
        requester = _lookup(names, ("run", "requester"))
        asks = _fallback_ask(spec, policy, reason, requester) if outcome == "ask" else ()
        return PolicyVerdict(outcome, reason, record, asks)
    deciding = [f for o, f in matched if o == outcome]
    reasons = [f.reason(policy, names, now) for f in deciding]
    requester = _lookup(names, ("run", "requester"))
    asked = (
        _ask(spec, policy, f.rule, f.values, reason, requester)
        for f, reason in zip(deciding, reasons, strict=True)
    )
    asks = tuple(ask for group in asked for ask in group) if outcome == "ask" else ()
    return PolicyVerdict(outcome, _joined(reasons), record, asks)


@dataclass(frozen=True, slots=True)
class _Finding:
    """A rule's ``verdict`` (matched, no match, or error with what is wrong) and its values."""

    rule: Rule
    verdict: str
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def recorded(self) -> list[list[Any]]:
        return [list(pair) for pair in self.values]

    def outcome(self, policy: Policy) -> str:
        return self.rule.then if self.verdict == "matched" else policy.on_error

    def reason(self, policy: Policy, names: Mapping[str, Any], now: datetime | None) -> str:
        named = f"rule {self.rule.id} of {policy.id}"
        if self.verdict != "matched":
            return f"{named} could not be decided ({self.verdict}); on_error is {policy.on_error}"
        if self.rule.reason is not None:
            text = self.rule.reason.render(names, now=now)
            if isinstance(text, str) and text.strip():
                return text
        return named


def _evaluate(
    rule: Rule, names: Mapping[str, Any], now: datetime | None, read: dict[str, Any]
) -> _Finding:
    if rule.when is None:
        return _Finding(rule, "matched")
    explanation = rule.when.explain(names, now=now)
    values = tuple((part.text, _shown(part.value)) for part in explanation.parts)
    for path in rule.when.reads:
        if path[:1] != NOW:
            read[".".join(path)] = _shown(_lookup(names, path))
    value = explanation.value
    if value is True:
        return _Finding(rule, "matched", values)
    if value is False:
        return _Finding(rule, "no match", values)
    message = value.message if isinstance(value, ErrorValue) else "the condition is no boolean"
    return _Finding(rule, f"error: {message}", values)


def _ask(
    spec: Spec,
    policy: Policy,
    rule: Rule,
    values: tuple[tuple[str, Any], ...],
    reason: str,
    requester: str | None,
) -> tuple[Ask, ...]:
    if rule.to is None:
        return _fallback_ask(spec, policy, reason, requester, rule.id, values)
    barred = {requester} if "requester" in rule.excluded else set()
    rungs = [
        (to, tuple(person for person in spec.roster(to) if person not in barred))
        for to in (rule.to, *rule.escalate)
    ]
    # A rung without anybody left is passed over; with none left the first says whom there was.
    (to, roster), *ladder = [rung for rung in rungs if rung[1]] or rungs[:1]
    everybody = dict.fromkeys(p for name in (rule.to, *rule.escalate) for p in spec.roster(name))
    excluded = tuple(person for person in everybody if person in barred)
    ask = Ask(policy.id, rule.id, to, roster, rule.within, tuple(ladder), reason, values, excluded)
    return (ask,)


def _fallback_ask(
    spec: Spec,
    policy: Policy,
    reason: str,
    requester: str | None,
    rule: str = "",
    values: tuple[tuple[str, Any], ...] = (),
) -> tuple[Ask, ...]:
    """Whom ``default: ask`` or ``on_error: ask`` asks: as the policy's first asking rule does.

    The language refuses a policy that asks so and has none.
    """
    asking = next(found for found in policy.rules if found.to is not None)
    (ask,) = _ask(spec, policy, asking, values, reason, requester)
    return (replace(ask, rule=rule),)


def _merge(asks: Sequence[Ask]) -> tuple[Ask, ...]:
    """One question a roster, each with the shortest time that any of them allows."""
    limits = [a.within for a in asks if a.within is not None]
    shortest = min(limits) if limits else None
    merged: dict[tuple[str, ...], Ask] = {}
    for ask in asks:
        first = merged.get(ask.roster, ask)
        merged[ask.roster] = replace(
            first,
            within=shortest,
            reason=_joined((first.reason, ask.reason)),
            values=tuple(dict((*first.values, *ask.values)).items()),
        )
    return tuple(merged.values())


def _ungoverned(spec: Spec, subject: Subject) -> Decision:
    digest = digest_of(subject, (), {})
    if not subject.side_effect:
        return Decision("approve", False, "no policy applies", digest)
    reason = (
        f"{subject.name} has a side effect and no policy governs it, so it is denied. "
        f"{rule_to_paste(spec, subject.name)}"
    )
    return Decision("deny", False, reason, digest)


def _most_severe(outcomes: Iterable[str]) -> str:
    return max(outcomes, key=SEVERITY.__getitem__)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


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
