"""One step of a workflow: its keys, before steps are looked at together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block, reference
from leafmesh_nb.language.build_models import check_domain
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.joins import implied, parse_join
from leafmesh_nb.language.nodes import Entry, Node, ScalarNode, Span
from leafmesh_nb.language.spec import AgentSpec, Complexity, Join, Step
from leafmesh_nb.language.types import ANY, Type

__all__ = ["Draft", "draft_step", "named_expressions", "steps_read"]

STEP = Block(
    "a step",
    optional=(
        "capability",
        "agent",
        "after",
        "when",
        "with",
        "save",
        "complexity",
        "domain",
        "timeout",
    ),
    later=(
        "workflow",
        "let",
        "wait",
        "for_each",
        "repeat",
        "race",
        "consult",
        "retry",
        "on_error",
        "on_in_doubt",
    ),
)
COMPLEXITIES: tuple[Complexity, ...] = ("routine", "standard", "complex")

Named = dict[str, tuple[Entry, Expression]]


@dataclass(slots=True)
class Draft:
    """A step with its expressions parsed and its names resolved, not yet type-checked."""

    id: str
    keys: Keys
    span: Span
    capability: str | None = None
    agent: AgentSpec | None = None
    explicit: Join | None = None
    when: Expression | None = None
    inputs: Named = field(default_factory=dict)
    save: Named = field(default_factory=dict)
    after: Join | None = None
    reads: frozenset[str] = frozenset()
    complexity: Complexity | None = None
    domain: str | None = None
    timeout: float | None = None

    def output(self, ctx: Context) -> Type:
        """What the step gives; ``any`` where its capability is not known."""
        capability = ctx.capabilities.get(self.capability or "")
        return capability.output if capability else ANY

    def candidates(self, ctx: Context) -> list[AgentSpec]:
        """The agents that may take the step."""
        if self.agent is not None:
            return [self.agent]
        return ctx.offers.get(self.capability or "", [])

    def step(self) -> Step:
        """The finished step."""
        return Step(
            id=self.id,
            capability=self.capability,
            agent=self.agent.id if self.agent else None,
            after=self.after,
            when=self.when,
            inputs={name: expression for name, (_, expression) in self.inputs.items()},
            save={name: expression for name, (_, expression) in self.save.items()},
            complexity=self.complexity,
            domain=self.domain,
            timeout=self.timeout,
            span=self.span,
        )


def draft_step(ctx: Context, entry: Entry, steps: dict[str, Span]) -> Draft | None:
    """The draft of a step; ``steps`` are all of its workflow."""
    keys = read_block(ctx, entry.value, STEP, entry.key.span, "{capability: ticket.classify}")
    if keys is None:
        return None
    draft = Draft(entry.key.text, keys, entry.key.span)
    _performer(ctx, draft)
    after = keys.get("after")
    if after is not None:
        draft.explicit = parse_join(ctx, after, steps)
    when = keys.get("when")
    if when is not None:
        draft.when = ctx.expression(when)
    draft.inputs = named_expressions(ctx, keys, "with")
    draft.save = named_expressions(ctx, keys, "save")
    draft.complexity = keys.choice("complexity", COMPLEXITIES, ("auto",))
    domain = keys.scalar("domain", "text")
    if domain is not None:
        check_domain(ctx, domain)
        draft.domain = domain.text
    draft.timeout = keys.duration("timeout")
    draft.reads = steps_read(
        ctx, [e for e in (draft.when, *_expressions(draft.inputs), *_expressions(draft.save)) if e]
    )
    draft.after = implied(draft.explicit, [name for name in steps if name in draft.reads])
    return draft


def named_expressions(ctx: Context, keys: Keys, name: str) -> Named:
    """A map of names to expressions, such as ``with``."""
    node = keys.get(name)
    found = mapping(ctx, node, f"`{name}`", "{ticket: input.ticket}") if node else None
    named: Named = {}
    for entry in found or ():
        expression = ctx.expression(entry.value)
        if expression is not None:
            named[entry.key.text] = (entry, expression)
    return named


def steps_read(ctx: Context, expressions: Iterable[Expression]) -> frozenset[str]:
    """The steps that expressions read, known or not."""
    read = set()
    for expression in expressions:
        for path in expression.reads:
            if path == ("steps",):
                ctx.collector.error(
                    "LM307",
                    "`steps` is read by the name of a step.",
                    expression.span,
                    "Write steps.classify.output, so that it is known what to wait for.",
                )
            elif path[0] == "steps":
                read.add(path[1])
    return frozenset(read)


def _expressions(named: Named) -> list[Expression]:
    return [expression for _, expression in named.values()]


def _performer(ctx: Context, draft: Draft) -> None:
    """Who performs the step: a capability that is routed, one agent by name, or both."""
    keys = draft.keys
    capability = _scalar(ctx, keys, "capability")
    agent = _scalar(ctx, keys, "agent")
    if capability is None and agent is None:
        said = {"capability", "agent"} & set(keys.entries) or any(
            entry.key.text in STEP.later or entry.key.text not in STEP.optional
            for entry in keys.node
        )
        if not said:
            ctx.collector.error(
                "LM202",
                f"The step `{draft.id}` says neither `capability` nor `agent`.",
                draft.span,
                "Add `capability: …` to have it routed, or `agent: …` for one agent.",
            )
        return
    if capability is not None:
        draft.capability = reference(ctx, capability, "capabilities")
    if agent is None:
        return
    name = reference(ctx, agent, "agents")
    draft.agent = ctx.agents.get(name or "")
    if draft.agent is None:
        return
    offered = tuple(draft.agent.capabilities)
    if capability is None:
        if len(offered) == 1:
            draft.capability = offered[0]
        elif offered:
            ctx.collector.error(
                "LM202",
                f"`{draft.agent.id}` has several capabilities: say which one this step uses.",
                agent.span,
                f"Add `capability:` with one of {', '.join(offered)}.",
            )
    elif draft.capability and draft.capability not in offered:
        ctx.collector.error(
            "LM321",
            f"The agent `{draft.agent.id}` does not have the capability `{draft.capability}`.",
            capability.span,
            f"It has {', '.join(offered) or 'none'}.",
        )
        draft.agent = None


def _scalar(ctx: Context, keys: Keys, name: str) -> ScalarNode | None:
    node: Node | None = keys.get(name)
    if node is None:
        return None
    if isinstance(node, ScalarNode) and isinstance(node.value, str):
        return node
    keys.wrong(name, "a name", node)
    return None
