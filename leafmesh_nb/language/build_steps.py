"""One step of a workflow: its keys, before steps are looked at together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block, reference
from leafmesh_nb.language.build_loops import build_for_each, build_repeat, build_retry
from leafmesh_nb.language.build_models import check_domain
from leafmesh_nb.language.build_performers import Performing, build_performer
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.joins import implied, parse_join
from leafmesh_nb.language.nodes import Entry, ScalarNode, Span
from leafmesh_nb.language.spec import (
    AgentSpec,
    Complexity,
    ForEach,
    InDoubt,
    Join,
    Repeat,
    Retry,
    Step,
    reads_item,
)
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
LATER_COMPLEXITIES: tuple[Complexity, ...] = ("auto",)
IN_DOUBT: tuple[InDoubt, ...] = ("retry", "ask", "fail")
ON_ERROR = ("fail", "continue")

Named = dict[str, tuple[Entry, Expression]]


@dataclass(slots=True)
class Draft:
    """A step with its expressions parsed and its names resolved, not yet type-checked.

    ``result`` and the ``item_type`` of ``for_each`` are set when its types are."""

    id: str
    keys: Keys
    span: Span
    by: Performing
    explicit: Join | None = None
    after: Join | None = None
    handles: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    when: Expression | None = None
    inputs: Named = field(default_factory=dict)
    save: Named = field(default_factory=dict)
    for_each: ForEach | None = None
    repeat: Repeat | None = None
    race: int | None = None
    consult: tuple[ScalarNode, ...] = ()
    complexity: Complexity | None = None
    domain: str | None = None
    retry: Retry | None = None
    timeout: float | None = None
    on_error: str = "fail"
    on_in_doubt: InDoubt = "retry"
    result: Type = ANY

    def says(self, name: str) -> bool:
        """Whether the step has a key, readable or not."""
        return any(entry.key.text == name for entry in self.keys.node)

    def candidates(self, ctx: Context) -> list[AgentSpec]:
        """The agents that may take the step."""
        if self.by.agent is not None:
            return [self.by.agent]
        return ctx.offers.get(self.by.capability or "", [])

    def output(self) -> Type:
        """What ``steps.X.output`` is where the step is done."""
        if not self.says("for_each"):
            return self.result
        nulls = self.on_error == "continue" or (self.when is not None and reads_item(self.when))
        return Type("list", items=self.result.or_null() if nulls else self.result)

    def step(self) -> Step:
        """The step, as far as it is known."""
        return Step(
            id=self.id,
            capability=self.by.capability,
            agent=self.by.agent.id if self.by.agent else None,
            workflow=self.by.workflow,
            let=self.by.let,
            wait=self.by.wait,
            after=self.after,
            handles=self.handles,
            when=self.when,
            inputs={name: expression for name, (_, expression) in self.inputs.items()},
            save={name: expression for name, (_, expression) in self.save.items()},
            for_each=self.for_each,
            repeat=self.repeat,
            race=self.race,
            consult=tuple(node.text for node in self.consult),
            complexity=self.complexity,
            domain=self.domain,
            retry=self.retry,
            timeout=self.timeout,
            on_error=self.on_error,
            on_in_doubt=self.on_in_doubt,
            result_type=self.result,
            output_type=self.output(),
            span=self.span,
        )


def draft_step(ctx: Context, entry: Entry, steps: Mapping[str, Span]) -> Draft | None:
    """The draft of a step; ``steps`` are all of its workflow."""
    keys = read_block(ctx, entry.value, STEP, entry.key.span, "{capability: ticket.classify}")
    if keys is None:
        return None
    performing = build_performer(ctx, keys, entry.key.text, entry.key.span)
    draft = Draft(entry.key.text, keys, entry.key.span, performing)
    if (after := keys.get("after")) is not None:
        draft.explicit = parse_join(ctx, after, steps)
    if (when := keys.get("when")) is not None:
        draft.when = ctx.expression(when)
    draft.inputs = named_expressions(ctx, keys, "with")
    draft.save = named_expressions(ctx, keys, "save")
    draft.for_each = build_for_each(ctx, keys)
    draft.repeat = build_repeat(ctx, keys)
    draft.race = keys.integer("race", 2)
    draft.consult = tuple(
        node
        for node in keys.texts("consult", "capabilities")
        if reference(ctx, node, "capabilities")
    )
    draft.complexity = keys.choice("complexity", COMPLEXITIES, LATER_COMPLEXITIES)
    if (domain := keys.scalar("domain", "text")) is not None:
        check_domain(ctx, domain)
        draft.domain = domain.text
    draft.retry = build_retry(ctx, keys)
    draft.timeout = keys.duration("timeout")
    draft.on_error = _on_error(ctx, keys, steps)
    draft.on_in_doubt = keys.choice("on_in_doubt", IN_DOUBT) or "retry"
    draft.reads = steps_read(ctx, draft.step().expressions())
    draft.after = implied(draft.explicit, [name for name in steps if name in draft.reads])
    return draft


def _on_error(ctx: Context, keys: Keys, steps: Mapping[str, Span]) -> str:
    node = keys.scalar("on_error", "fail, continue or the name of a step")
    if node is None:
        return "fail"
    if node.text in ON_ERROR:
        if node.text in steps:
            ctx.collector.error(
                "LM205",
                f"`{node.text}` is a word of `on_error`, and also a step here.",
                node.span,
                "Give the step another name.",
                (Related("the step", steps[node.text]),),
            )
        return node.text
    return reference(ctx, node, "steps", {**steps, **dict.fromkeys(ON_ERROR)}) or "fail"


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
