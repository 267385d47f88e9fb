"""The block ``policies``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from leafmesh_nb.language.blocks import (
    Block,
    Declared,
    Keys,
    choice,
    mapping,
    read_block,
    reference,
)
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.digests import policy_digest
from leafmesh_nb.language.expressions import Expression, Template
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, SequenceNode
from leafmesh_nb.language.policy_tests import build_tests
from leafmesh_nb.language.scope import policy_names
from leafmesh_nb.language.spec import (
    VERDICTS,
    Point,
    Policy,
    Rule,
    Target,
    Verdict,
    Workflow,
)

__all__ = ["DEFAULT_WITHIN", "build_policies"]

DEFAULT_WITHIN = 24 * 3600.0
"""Seconds that a question waits where its rule has no ``within``."""

POINTS: tuple[Point, ...] = ("tool", "output")

POLICY = Block(
    "a policy",
    required=("at",),
    optional=("for", "rules", "default", "on_error", "on_timeout", "tests"),
)
TARGET = Block("`for`", optional=("agents", "capabilities", "tools", "steps"), later=("fields",))
RULE = Block(
    "a rule",
    required=("id", "then"),
    optional=("when", "to", "within", "escalate", "not", "reason"),
    later=("quorum", "identity"),
)
FOR_QUESTIONS = ("to", "within", "escalate", "not")
EXCLUDED: tuple[Literal["requester"], ...] = ("requester",)


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
    keys = read_block(ctx, entry.value, POLICY, entry.key.span)
    if keys is None:
        return None
    at = keys.choice("at", POINTS, ("route", "call", "memory", "end"))
    if at is None:
        _unplaced(ctx, keys)
        return None
    target = _target(ctx, keys, at)
    names = _names(ctx, at, target, workflows)
    default = keys.choice("default", VERDICTS)
    policy = Policy(
        id=entry.key.text,
        at=at,
        target=target,
        rules=_rules(ctx, keys, names),
        default=default or "deny",
        on_error=_on_error(ctx, keys),
        tests=build_tests(ctx, keys, names),
        span=entry.key.span,
    )
    _on_timeout(ctx, keys)
    _check_asking(ctx, keys, policy)
    _check_target(ctx, keys, policy)
    return replace(policy, digest=policy_digest(policy))


def _unplaced(ctx: Context, keys: Keys) -> None:
    """What can be checked of a policy whose point is missing or not available."""
    _target(ctx, keys, None)
    keys.choice("default", VERDICTS)
    rules = keys.get("rules")
    for item in rules.items if isinstance(rules, SequenceNode) else ():
        block = read_block(ctx, item, RULE, item.span)
        if block is not None and (when := block.get("when")) is not None:
            ctx.expression(when)


def _names(
    ctx: Context, at: Point, target: Target, workflows: Mapping[str, Workflow]
) -> Environment:
    known = ctx.policy_scopes.get((at, target))
    if known is not None:
        return known

    def met(workflow: Workflow) -> bool:
        steps = workflow.steps.values()
        return any(
            (not target.steps or step.id in target.steps)
            and (not target.capabilities or step.capability in target.capabilities)
            for step in steps
        )

    inputs = {name: w.input for name, w in workflows.items() if met(w)}
    steps = {
        step.id: step.capability
        for w in workflows.values()
        for step in w.steps.values()
        if step.capability
    }
    names = policy_names(ctx, at, target, inputs, steps)
    ctx.policy_scopes[at, target] = names
    return names


def _target(ctx: Context, keys: Keys, at: Point | None) -> Target:
    node = keys.get("for")
    block = node and read_block(ctx, node, TARGET, keys.span("for"), "{tools: [pay_out]}")
    if not block:
        return Target()
    if at == "output" and "tools" in block:
        ctx.collector.error(
            "LM504",
            "A policy at `output` sees no tools, so this one would never apply.",
            block.span("tools"),
            "Narrow it by `capabilities`, `agents` or `steps`, or write `at: tool`.",
        )

    def names(key: Declared) -> tuple[str, ...]:
        nodes = block.texts(key, "names")
        if key in block and not nodes and isinstance(block.get(key), SequenceNode):
            value = block.get(key)
            ctx.collector.error(
                "LM211",
                f"`{key}` is an empty list.",
                (value or block.node).span,
                "Name some, or remove the key to cover all.",
            )
        return tuple(n for n in (reference(ctx, node, key) for node in nodes) if n)

    return Target(names("agents"), names("capabilities"), names("tools"), names("steps"))


# -- rules


def _rules(ctx: Context, keys: Keys, names: Environment) -> tuple[Rule, ...]:
    node = keys.get("rules")
    if node is None:
        return ()
    if not isinstance(node, SequenceNode):
        keys.wrong("rules", "a list of rules, each with `- id:`", node)
        return ()
    rules: dict[str, Rule] = {}
    for item in node.items:
        rule = _rule(ctx, item, names)
        if rule is None:
            continue
        if rule.id in rules:
            ctx.collector.error(
                "LM501",
                f"There are two rules `{rule.id}` in this policy.",
                rule.span,
                "Decisions are recorded by the id of their rule: give each its own.",
                (Related("the other one", rules[rule.id].span),),
            )
        else:
            rules[rule.id] = rule
    return tuple(rules.values())


def _rule(ctx: Context, node: Node, names: Environment) -> Rule | None:
    block = read_block(ctx, node, RULE, node.span, "{id: small, when: …, then: approve}")
    if block is None:
        return None
    id_node = block.scalar("id", "a name")
    if id_node is not None:
        check_id(id_node, "a rule", ctx.collector)
    then = _then(ctx, block)
    when = _condition(ctx, block, names)
    reason = _reason(ctx, block, names)
    to = block.scalar("to", "a person or a role")
    escalate = block.texts("escalate", "people or roles")
    within = block.duration("within")
    barred = block.texts("not", "those who may not answer: requester")
    if then is not None and then != "ask":
        for name in FOR_QUESTIONS:
            if name in block:
                ctx.collector.error(
                    "LM503",
                    f"`{name}` belongs to a question, and this rule says `{then}`.",
                    block.span(name),
                    "Write `then: ask`, or remove the key.",
                )
    asked = reference(ctx, to, "roster") if to else None
    if then == "ask" and "to" not in block and block.node.get("to") is None:
        _nobody_asked(ctx, block)
    if id_node is None or then is None:
        return None
    return Rule(
        id=id_node.text,
        when=when,
        then=then,
        to=asked,
        within=(within or DEFAULT_WITHIN) if then == "ask" else None,
        escalate=tuple(n for n in (reference(ctx, e, "roster") for e in escalate) if n),
        excluded=tuple(n for n in (choice(ctx, b, "`not`", EXCLUDED) for b in barred) if n),
        reason=reason,
        span=id_node.span,
    )


def _nobody_asked(ctx: Context, block: Keys) -> None:
    known = list(ctx.declared["roster"])
    ctx.collector.error(
        "LM502",
        "This rule asks, and does not say whom.",
        block.span("then"),
        f"Add `to:` with one of {', '.join(known[:8])}."
        if known
        else "Add people: {lead: {roles: [approver]}} to the mesh, and `to: lead` here.",
    )


def _then(ctx: Context, block: Keys) -> Verdict | None:
    node = block.get("then")
    if isinstance(node, MappingNode):
        if node.get("redact") is not None:
            ctx.collector.error(
                "LM203",
                "`redact` is not available yet.",
                node.span,
                "Use `deny` or `ask` where something must not pass.",
            )
        else:
            block.wrong("then", f"one of {', '.join(VERDICTS)}", node)
        return None
    return block.choice("then", VERDICTS, ("redact",))


def _condition(ctx: Context, block: Keys, names: Environment) -> Expression | None:
    node = block.get("when")
    expression = ctx.expression(node) if node is not None else None
    if expression is None:
        return None
    ctx.check_condition(expression, names)
    return expression


def _reason(ctx: Context, block: Keys, names: Environment) -> Template | None:
    node = block.scalar("reason", "text")
    if node is None:
        return None
    if not isinstance(node.value, str):
        block.wrong("reason", "text", node, f'Quote it: "{node.text}".')
        return None
    template = ctx.template(node)
    if template is not None:
        ctx.check(template, names)
    return template


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


def _check_asking(ctx: Context, keys: Keys, policy: Policy) -> None:
    """Where a policy asks without a rule of its own, there must be somebody to ask."""
    for key, verdict in (("default", policy.default), ("on_error", policy.on_error)):
        if verdict == "ask" and not ctx.declared["roster"] and "roster" not in ctx.broken:
            ctx.collector.error(
                "LM502",
                f"`{key}: ask` needs somebody to ask, and this mesh has no people.",
                keys.span(key),
                "Add people: {lead: {roles: [approver]}} to the mesh.",
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
