"""Whether a policy stands in the way of an untrusted value, or lets it pass whatever it says.

A policy is a gate if it can ask or deny because of what is at the gate: a rule that asks or denies
reads the action, the task's or workflow's input, or memory, or has no condition at all; or what no
rule approves is asked about or denied, and every rule that approves reads such a value. A rule
that reads only who acts, when, or what it has cost so far approves whatever the value says. So
does one whose condition is constant, or only asks whether something is there (``has``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leafmesh_nb.compose.subject import Subject
from leafmesh_nb.language import Span
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.expressions.ast import (
    Constant,
    Embedded,
    Has,
    Logic,
    Node,
    Unary,
    children,
    static_path,
)
from leafmesh_nb.language.spec import Policy, Rule

__all__ = ["Opening", "looked_at", "opening"]

Path = tuple[str, ...]

_VALUES: tuple[Path, ...] = (
    ("tool", "arguments"),
    ("output",),
    ("task", "input"),
    ("input",),
    ("memory",),
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The part of a policy that lets everything pass: in words, and where it stands."""

    what: str
    span: Span


def opening(subject: Subject, policy: Policy) -> Opening | None:
    """What in a policy lets a value pass unseen; None where the policy is a gate."""
    rules = [rule for rule in policy.rules if _constant(rule) is not False]
    if any(rule.then != "approve" and (_always(rule) or looked_at(rule)) for rule in rules):
        return None
    for rule in rules:
        if rule.then == "approve" and not looked_at(rule):
            return Opening(_in_words(policy, rule), rule.span)
    if policy.default == "approve":
        span = subject.at_key("policies", policy.id, "default")
        return Opening(f"`default: approve` of `{policy.id}` lets it pass", span)
    return None


def looked_at(rule: Rule) -> frozenset[Path]:
    """The values at the gate that a rule's condition depends on."""
    if rule.when is None or _constant(rule) is not None:
        return frozenset()
    paths = _examined(rule.when.node)
    return frozenset(path for path in paths if any(_meets(path, value) for value in _VALUES))


def _in_words(policy: Policy, rule: Rule) -> str:
    named = f"rule `{rule.id}` of `{policy.id}`"
    if _always(rule):
        return f"{named} approves every call"
    return f"{named} approves it without a look at any value"


def _always(rule: Rule) -> bool:
    return _constant(rule) is True


def _constant(rule: Rule) -> bool | None:
    """What a rule's condition is in every case; None where that depends on something."""
    if rule.when is None:
        return True
    return _truth(rule.when, rule.when.node)


def _truth(whole: Expression, node: Node) -> bool | None:
    match node:
        case Embedded():
            return _truth(whole, node.body)
        case Constant():
            return node.value if isinstance(node.value, bool) else None
        case Unary(operator="!"):
            inner = _truth(whole, node.operand)
            return None if inner is None else not inner
        case Logic():
            decisive = node.operator == "||"
            known = [_truth(whole, term) for term in node.terms]
            if decisive in known:
                return decisive
            return None if None in known else not decisive
    if node is whole.node and not whole.reads:
        value = whole.evaluate({})
        return value if isinstance(value, bool) else None
    return None


def _examined(node: Node) -> Iterator[Path]:
    """The paths whose values an expression depends on; that something is there is no value."""
    path = static_path(node)
    if path is not None:
        yield path
    elif not isinstance(node, Has):
        for part in children(node):
            yield from _examined(part)


def _meets(path: Path, value: Path) -> bool:
    """Whether a path reads the value, a part of it, or the whole that it is part of."""
    size = min(len(path), len(value))
    return path[:size] == value[:size]
