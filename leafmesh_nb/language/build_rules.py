"""The rules of a policy."""

from __future__ import annotations

from typing import Literal

from leafmesh_nb.language.blocks import Block, Keys, choice, read_block, reference
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import Expression, Template
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode, SequenceNode
from leafmesh_nb.language.policy_scope import PolicyScope
from leafmesh_nb.language.redactions import build_redactions, redaction_example
from leafmesh_nb.language.spec import VERDICTS, Quorum, Redaction, Rule, Verdict
from leafmesh_nb.language.variants import check_each
from leafmesh_nb.language.written import warn_of_unwritten

__all__ = ["DEFAULT_WITHIN", "EXCLUDED", "QUORUM", "RULE", "build_rules"]

DEFAULT_WITHIN = 24 * 3600.0
"""Seconds that a question waits where its rule has no ``within``."""

RULE = Block(
    "a rule",
    required=("id", "then"),
    optional=("when", "to", "within", "escalate", "not", "reason"),
    later=("quorum", "identity"),
)
QUORUM = Block("`quorum`", required=("count", "of"))
FOR_QUESTIONS = ("to", "within", "escalate", "not", "quorum", "identity")
EXCLUDED: tuple[Literal["requester"], ...] = ("requester",)
IDENTITIES: tuple[Literal["signed_in"], ...] = ("signed_in",)
SEVERITY: tuple[Verdict, ...] = ("approve", "redact", "ask", "deny")
"""The outcomes from the mildest to the most severe."""


def build_rules(ctx: Context, keys: Keys, scope: PolicyScope | None) -> tuple[Rule, ...]:
    """The rules of a policy that sees ``scope``; None where its point is not known."""
    node = keys.get("rules")
    if node is None:
        return ()
    if not isinstance(node, SequenceNode):
        keys.wrong("rules", "a list of rules, each with `- id:`", node)
        return ()
    rules: dict[str, Rule] = {}
    doubtful = set()
    for item in node.items:
        errors = ctx.collector.errors
        rule = _rule(ctx, item, scope, keys.block)
        if rule is None:
            continue
        if ctx.collector.errors > errors:
            # Who knows when it is meant to match?
            doubtful.add(rule.id)
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
    _check_outcomes(ctx, tuple(rule for rule in rules.values() if rule.id not in doubtful))
    return tuple(rules.values())


def _rule(ctx: Context, node: Node, scope: PolicyScope | None, above: Block) -> Rule | None:
    block = read_block(ctx, node, RULE, node.span, "{id: small, when: …, then: approve}", above)
    if block is None:
        return None
    id_node = block.scalar("id", "a name")
    if id_node is not None:
        check_id(id_node, "a rule", ctx.collector)
    then, redact = _then(ctx, block, scope)
    when = _condition(ctx, block, scope)
    reason = _reason(ctx, block, scope)
    to = block.scalar("to", "a person or a role")
    escalate = block.texts("escalate", "people or roles")
    within = block.duration("within")
    barred = block.texts("not", "those who may not answer: requester")
    quorum = _quorum(ctx, block)
    identity = block.choice("identity", IDENTITIES)
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
    rungs = tuple(n for n in (reference(ctx, e, "roster") for e in escalate) if n)
    if rungs and "within" not in block and block.node.get("within") is None and then == "ask":
        ctx.collector.warning(
            "LM202",
            f"`within` is missing beside `escalate`: `{rungs[0]}` is asked after 24 hours, or when "
            f"`{asked}` passes the question on.",
            block.span("escalate"),
            "Add `within: 30m`, or however long each of them has.",
        )
    excluded = tuple(n for n in (choice(ctx, b, "`not`", EXCLUDED) for b in barred) if n)
    if id_node is None or then is None:
        return None
    return Rule(
        id=id_node.text,
        when=when,
        then=then,
        to=asked,
        within=(within or DEFAULT_WITHIN) if then == "ask" else None,
        escalate=rungs,
        excluded=excluded,
        reason=reason,
        redact=redact,
        quorum=quorum,
        identity=identity,
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


def _then(
    ctx: Context, block: Keys, scope: PolicyScope | None
) -> tuple[Verdict | None, tuple[Redaction, ...]]:
    node = block.get("then")
    if isinstance(node, MappingNode):
        return "redact", build_redactions(ctx, node, scope)
    if isinstance(node, ScalarNode) and node.text.strip() == "redact":
        hint = f"Write then: {redaction_example(scope)}."
        ctx.collector.error("LM210", "`redact` says what is taken out.", node.span, hint)
        return None, ()
    if isinstance(node, SequenceNode):
        block.wrong("then", f"one of {', '.join(VERDICTS)}, or {{redact: [paths]}}", node)
        return None, ()
    return block.choice("then", VERDICTS), ()


def _quorum(ctx: Context, block: Keys) -> Quorum | None:
    node = block.get("quorum")
    keys = node and read_block(ctx, node, QUORUM, block.span("quorum"), "{count: 2, of: approver}")
    if not keys:
        return None
    count = keys.integer("count", 1)
    role = keys.scalar("of", "a role")
    of = reference(ctx, role, "roster") if role is not None else None
    if role is None or of is None:
        return None
    if of in ctx.people:
        ctx.collector.error(
            "LM206",
            f"`{of}` is a person, and a quorum is of a role.",
            role.span,
            "Name the role whose people must agree, as in {count: 2, of: approver}.",
        )
        return None
    if count is None:
        return None
    people = [person.name for person in ctx.people.values() if of in person.roles]
    if count > len(people) and "roster" not in ctx.broken:
        ctx.collector.error(
            "LM208",
            f"A quorum of {count} cannot be reached: `{of}` is {', '.join(people)}.",
            (keys.get("count") or keys.node).span,
            f"It is at most {len(people)}; or give the role to more people.",
        )
    return Quorum(count, of)


def _condition(ctx: Context, block: Keys, scope: PolicyScope | None) -> Expression | None:
    node = block.get("when")
    expression = ctx.expression(node) if node is not None else None
    if expression is not None and scope is not None:
        ctx.check_condition(expression, scope.names)
        warn_of_unwritten(ctx, expression, scope.unwritten)
        check_each(ctx, expression, scope)
    return expression


def _reason(ctx: Context, block: Keys, scope: PolicyScope | None) -> Template | None:
    node = block.scalar("reason", "text")
    if node is None:
        return None
    if not isinstance(node.value, str):
        block.wrong("reason", "text", node, f'Quote it: "{node.text}".')
        return None
    if not node.text.strip():
        block.empty("reason")
        return None
    template = ctx.template(node)
    if template is not None and scope is not None:
        ctx.check_template(node, template, scope.names)
        check_each(ctx, template, scope)
    return template


def _check_outcomes(ctx: Context, rules: tuple[Rule, ...]) -> None:
    """Warn of a rule that never decides: wherever it matches, a more severe one does as well."""
    for rule in rules:
        over = next((other for other in rules if _prevails(other, rule)), None)
        if over is not None:
            where = "matches always" if over.when is None else "has the same condition"
            ctx.collector.warning(
                "LM506",
                f"`{rule.id}` never decides: `{over.id}` {where}, and {over.then} is more severe "
                f"than {rule.then}.",
                rule.span,
                "The order of rules does not matter, the most severe outcome of those that match "
                f"wins. Give `{over.id}` a condition of its own, or make it the `default`.",
                (Related("the rule that decides", over.span),),
            )


def _prevails(over: Rule, rule: Rule) -> bool:
    """Whether one rule always decides where another matches."""
    if SEVERITY.index(over.then) <= SEVERITY.index(rule.then):
        return False
    # What a milder rule takes out stays out when somebody is asked.
    if rule.then == "redact" and over.then != "deny":
        return False
    if over.when is None:
        return True
    return rule.when is not None and over.when.text.strip() == rule.when.text.strip()
