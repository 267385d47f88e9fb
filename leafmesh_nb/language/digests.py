"""Digests of what a mesh says, for records that must name the rules in force."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from leafmesh_nb.language.spec import Policy, Rule

__all__ = ["policy_digest"]


def policy_digest(policy: Policy) -> str:
    """SHA-256 in hex over what a policy decides: everything but its tests and its place.

    The bytes are JSON with sorted keys and without spaces.
    """
    target = policy.target
    content = {
        "id": policy.id,
        "at": policy.at,
        "for": {
            "agents": sorted(target.agents),
            "capabilities": sorted(target.capabilities),
            "tools": sorted(target.tools),
            "steps": sorted(target.steps),
            **({"fields": sorted(target.fields)} if target.fields else {}),
        },
        "rules": [
            {
                "id": rule.id,
                "when": rule.when.text if rule.when else None,
                "then": rule.then,
                "to": rule.to,
                "within": rule.within,
                "escalate": list(rule.escalate),
                "reason": rule.reason.text if rule.reason else None,
                **_said_since(rule),
            }
            for rule in policy.rules
        ],
        "default": policy.default,
        "on_error": policy.on_error,
        "on_timeout": policy.on_timeout,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _said_since(rule: Rule) -> dict[str, Any]:
    """Keys that came later, only where they are said, so that older digests stay."""
    quorum = rule.quorum
    said = {
        "not": list(rule.excluded),
        "redact": [redaction.path for redaction in rule.redact],
        "quorum": {"count": quorum.count, "of": quorum.of} if quorum else None,
        "identity": rule.identity,
    }
    return {key: value for key, value in said.items() if value}
