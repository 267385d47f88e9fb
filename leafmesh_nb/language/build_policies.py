"""The block ``policies``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from leafmesh_nb.language.blocks import Block, Declared, Keys, mapping, read_block, reference
from leafmesh_nb.language.build_rules import RULE, build_rules
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.digests import policy_digest
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.policy_scope import PolicyScope, policy_scope
from leafmesh_nb.language.policy_tests import build_tests
from leafmesh_nb.language.spec import VERDICTS, Point, Policy, Step, Target, Workflow

__all__ = ["build_policies"]

POINTS: tuple[Point, ...] = ("tool", "output")
LATER_POINTS: tuple[Point, ...] = ("route", "call", "memory", "end")

TARGET = Block("`for`", optional=("agents", "capabilities", "tools", "steps"), later=("fields",))
POLICY = Block(
    "a policy",
    required=("at",),
    optional=("for", "rules", "default", "on_error", "on_timeout", "tests"),
    below={"rules": RULE, "for": TARGET},
)
NARROWED_BY: Mapping[Point, tuple[str, ...]] = {
    "route": ("capabilities", "agents", "steps"),
    "call": ("capabilities", "agents", "steps"),
    "tool": ("tools", "capabilities", "agents", "steps"),
    "output": ("capabilities", "agents", "steps"),
    "memory": ("fields", "capabilities", "agents", "steps"),
    "end": (),
}
"""The keys of ``for`` that mean something at each point."""
SEEN_AT: Mapping[str, Point] = {"tools": "tool", "fields": "memory"}


def build_policies(
    ctx: Context, node: Node, workflows: Mapping[str, Workflow]
) -> dict[str, Policy]:
    """Policies by id."""
    found = mapping(ctx, node, "`policies`")
    if found is None:
        ctx.broken.add("policies")
        return {}
    policies = {}
    for entry in found:
        valid = check_id(entry.key, "a policy", ctx.collector)
        policy = _policy(ctx, entry, workflows)
        if policy is None:
            ctx.broken.add("policies")
        elif valid:
            policies[policy.id] = policy
    return policies


def _policy(ctx: Context, entry: Entry, workflows: Mapping[str, Workflow]) -> Policy | None:
    keys = read_block(ctx, entry.value, POLICY, entry.key.span, "{at: tool, default: deny}")
    if keys is None:
        return None
    at = keys.choice("at", POINTS, LATER_POINTS)
    target = _target(ctx, keys, at, workflows)
    scope = None if at is None else _scope(ctx, at, target, workflows)
    errors = ctx.collector.errors
    rules = build_rules(ctx, keys, scope)
    whole = ctx.collector.errors == errors
    default = keys.choice("default", VERDICTS) or "deny"
    on_error = _on_error(ctx, keys)
    tests = build_tests(ctx, keys, scope.names if scope else None)
    _on_timeout(ctx, keys)
    if at is None:
        return None
    policy = Policy(
        id=entry.key.text,
        at=at,
        target=target,
        rules=rules,
        default=default,
        on_error=on_error,
        tests=tests,
        span=entry.key.span,
    )
    _check_asking(ctx, keys, policy, whole)
    _check_target(ctx, keys, policy)
    return replace(policy, digest=policy_digest(policy))


def _scope(
    ctx: Context, at: Point, target: Target, workflows: Mapping[str, Workflow]
) -> PolicyScope:
    known = ctx.policy_scopes.get((at, target))
    if known is None:
        known = ctx.policy_scopes[at, target] = policy_scope(ctx, at, target, workflows)
    return known


def _target(
    ctx: Context, keys: Keys, at: Point | None, workflows: Mapping[str, Workflow]
) -> Target:
    node = keys.get("for")
    block = node and read_block(ctx, node, TARGET, keys.span("for"), "{tools: [pay_out]}")
    if not block:
        return Target()
    if at is not None:
        _check_narrowing(ctx, block, at)

    def names(key: str, kind: Declared) -> tuple[str, ...]:
        if at is not None and key not in NARROWED_BY[at]:
            return ()
        nodes = block.texts(key, "names")
        if key in block and not nodes and isinstance(block.get(key), SequenceNode):
            value = block.get(key)
            ctx.collector.error(
                "LM211",
                f"`{key}` is an empty list.",
                (value or block.node).span,
                "Name some, or remove the key to cover all.",
            )
        return tuple(n for n in (reference(ctx, node, kind) for node in nodes) if n)

    for step in block.texts("steps", "names") if "steps" in block and at != "end" else ():
        _check_step(ctx, step, workflows)
    return Target(
        names("agents", "agents"),
        names("capabilities", "capabilities"),
        names("tools", "tools"),
        names("steps", "steps"),
        names("fields", "memory"),
    )


def _check_step(ctx: Context, node: ScalarNode, workflows: Mapping[str, Workflow]) -> None:
    """A step that no agent takes never stands at the gate."""
    named = [w.steps[node.text] for w in workflows.values() if node.text in w.steps]
    kinds = [_without_agent(step) for step in named]
    if not kinds or not all(kinds):
        return
    hint = "Name steps with `capability` or `agent`."
    if "workflow" in kinds:
        hint = "Name the steps of the workflow that it runs."
    ctx.collector.error(
        "LM504",
        f"`{node.text}` is a step with `{kinds[0]}`: no agent takes it, so a policy for it would "
        "never apply.",
        node.span,
        hint,
    )


def _without_agent(step: Step) -> str:
    """The key that says who performs a step, where that is no agent."""
    if step.workflow is not None:
        return "workflow"
    return "let" if step.let is not None else "wait" if step.wait is not None else ""


def _check_narrowing(ctx: Context, block: Keys, at: Point) -> None:
    """A policy that is narrowed to what its point never sees would never apply."""
    useful = NARROWED_BY[at]
    for key in block.entries:
        if key in useful:
            continue
        if useful:
            *others, last = (f"`{name}`" for name in useful)
            hint = f"Narrow it by {', '.join(others)} or {last}"
            hint += f", or write `at: {SEEN_AT[key]}`." if key in SEEN_AT else "."
        else:
            hint = "Remove `for`: a whole workflow stands at this gate."
        ctx.collector.error(
            "LM504",
            f"A policy at `{at}` sees no {key}, so this one would never apply.",
            block.span(key),
            hint,
        )


def _on_error(ctx: Context, keys: Keys) -> Literal["ask", "deny"]:
    node = keys.scalar("on_error", "ask or deny")
    if node is not None and node.text == "approve":
        ctx.collector.error(
            "LM206",
            "`on_error` is never `approve`: what cannot be decided must not pass.",
            node.span,
            "Write ask or deny.",
        )
        return "deny"
    allowed: tuple[Literal["ask", "deny"], ...] = ("ask", "deny")
    return keys.choice("on_error", allowed) or "deny"


def _on_timeout(ctx: Context, keys: Keys) -> None:
    node = keys.scalar("on_timeout", "deny")
    if node is not None and node.text == "approve":
        ctx.collector.error(
            "LM206",
            "`on_timeout` is never `approve`: silence is no consent.",
            node.span,
            "Write deny, or remove the key.",
        )
    else:
        keys.choice("on_timeout", ("deny",))


def _check_asking(ctx: Context, keys: Keys, policy: Policy, whole: bool) -> None:
    """Where a policy asks without a rule that matched, it asks as its first asking rule does: there
    must be one. ``whole`` says that all of its rules could be read."""
    if "roster" in ctx.broken:
        return
    for key, verdict in (("default", policy.default), ("on_error", policy.on_error)):
        if verdict != "ask":
            continue
        known = list(ctx.declared["roster"])
        if not known:
            ctx.collector.error(
                "LM502",
                f"`{key}: ask` needs somebody to ask, and this mesh has no people.",
                keys.span(key),
                "Add people: {lead: {roles: [approver]}} to the mesh.",
            )
        elif whole and not any(rule.then == "ask" for rule in policy.rules):
            ctx.collector.error(
                "LM502",
                f"`{key}: ask` does not say whom: it asks as the first rule of its policy that "
                "asks, and none does.",
                keys.span(key),
                f"Add a rule with `to`: - {{id: unsure, when: …, then: ask, to: {known[0]}, "
                f"within: 4h}}. Or write `{key}: deny`.",
            )


def _check_target(ctx: Context, keys: Keys, policy: Policy) -> None:
    if policy.at != "tool" or policy.default != "approve":
        return
    covered = policy.target.tools or tuple(ctx.tools)
    effects = [name for name in covered if name in ctx.tools and ctx.tools[name].side_effect]
    if effects:
        ctx.collector.warning(
            "LM602",
            f"`default: approve` lets every call of `{effects[0]}` pass that no rule matches, and "
            "it has side effects.",
            keys.span("default"),
            "Write default: deny or ask, and a rule for what is approved.",
        )
