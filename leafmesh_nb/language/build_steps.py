"""One step of a workflow: its keys, before steps are looked at together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block, reference
from leafmesh_nb.language.build_loops import build_for_each, build_repeat, build_retry
from leafmesh_nb.language.build_models import check_domain
from leafmesh_nb.language.build_performers import build_performer
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.joins import implied, parse_join
from leafmesh_nb.language.nodes import Entry, ScalarNode, Span
from leafmesh_nb.language.settled import NOTHING, Facts, settled
from leafmesh_nb.language.spec import AgentSpec, Complexity, InDoubt, Join, Performer, Step
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import Type

__all__ = ["Draft", "draft_step", "named_expressions", "plain", "steps_read"]

STEP = Block(
    "a step",
    optional=(
        "capability",
        "agent",
        "workflow",
        "let",
        "wait",
        "after",
        "when",
        "with",
        "save",
        "for_each",
        "repeat",
        "race",
        "complexity",
        "domain",
        "retry",
        "timeout",
        "on_error",
        "on_in_doubt",
    ),
    later=("consult",),
)
COMPLEXITIES: tuple[Complexity, ...] = ("routine", "standard", "complex")
LATER_COMPLEXITIES: tuple[Complexity, ...] = ("auto",)
IN_DOUBT: tuple[InDoubt, ...] = ("retry", "ask", "fail")
ON_ERROR = ("fail", "continue")
ON_ERROR_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("ignore", "skip", "pass", "proceed", "resume", "none", "warn"), "continue"),
    **dict.fromkeys(("abort", "stop", "raise", "error", "exit", "cancel", "halt"), "fail"),
}
"""What other tools call the two words of ``on_error``."""

Named = dict[str, tuple[Entry, Expression]]


@dataclass(slots=True)
class Draft:
    """A step with its expressions parsed and its names resolved, and the nodes they come from.

    ``step`` has no types and no ``handles`` before its workflow is checked; ``kind`` is None where
    it does not say who performs it, or says two things. ``said`` are its keys, readable or not,
    ``reads`` the steps that it reads, known or not, ``facts`` what is settled where it runs.
    """

    step: Step
    keys: Keys
    said: frozenset[str]
    kind: Performer | None
    agent: AgentSpec | None
    explicit: Join | None
    inputs: Named
    save: Named
    consult: tuple[ScalarNode, ...]
    reads: frozenset[str]
    facts: Facts = NOTHING

    def candidates(self, ctx: Context) -> list[AgentSpec]:
        """The agents that may take the step."""
        if self.agent is not None:
            return [self.agent]
        return ctx.offers.get(self.step.capability or "", [])

    def type(self, result: Type) -> None:
        """Set what one performance gives, and what follows for ``steps.X.output``."""
        output = result
        if "for_each" in self.said:
            nulls = self.step.on_error == "continue" or self.step.when_each
            output = Type("list", items=result.or_null() if nulls else result)
        self.step = replace(self.step, result_type=result, output_type=output)


def draft_step(ctx: Context, entry: Entry, steps: Mapping[str, Span], above: Block) -> Draft | None:
    """The draft of a step; ``steps`` are all of its workflow, whose keys are those ``above``."""
    example = "{capability: ticket.classify}"
    keys = read_block(ctx, entry.value, STEP, entry.key.span, example, above)
    if keys is None:
        return None
    by = build_performer(ctx, keys, entry.key.text, entry.key.span)
    explicit = parse_join(ctx, node, steps) if (node := keys.get("after")) is not None else None
    inputs = named_expressions(ctx, keys, "with")
    save = named_expressions(ctx, keys, "save")
    if (domain := keys.scalar("domain", "text")) is not None:
        check_domain(ctx, domain)
    asked = keys.texts("consult", "capabilities")
    consult = tuple(node for node in asked if reference(ctx, node, "capabilities"))
    step = Step(
        id=entry.key.text,
        capability=by.capability,
        agent=by.agent.id if by.agent else None,
        workflow=by.workflow,
        let=by.let,
        wait=by.wait,
        when=ctx.expression(node) if (node := keys.get("when")) is not None else None,
        inputs=plain(inputs),
        save=plain(save),
        for_each=build_for_each(ctx, keys),
        repeat=build_repeat(ctx, keys),
        race=keys.integer("race", 2),
        consult=tuple(node.text for node in consult),
        complexity=keys.choice("complexity", COMPLEXITIES, LATER_COMPLEXITIES),
        domain=domain.text if domain is not None else None,
        retry=build_retry(ctx, keys),
        timeout=keys.duration("timeout"),
        on_error=_on_error(ctx, keys, steps),
        on_in_doubt=keys.choice("on_in_doubt", IN_DOUBT) or "retry",
        span=entry.key.span,
    )
    reads = steps_read(ctx, step.expressions())
    return Draft(
        step=replace(step, after=implied(explicit, [name for name in steps if name in reads])),
        keys=keys,
        said=frozenset(e.key.text for e in keys.node),
        kind=by.kind,
        agent=by.agent,
        explicit=explicit,
        inputs=inputs,
        save=save,
        consult=consult,
        reads=reads,
        facts=NOTHING if step.when is None else _settled(keys, step.when),
    )


def _settled(keys: Keys, when: Expression) -> Facts:
    """What ``when`` settles; not of memory where a part of the step looks at it again later."""
    loops = any(name in keys for name in ("for_each", "repeat", "race", "retry"))
    names = ("input", "steps", "run", "item", "index", *(() if loops else ("memory",)))
    return settled(when.node).only(*names)


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
    if node.text in steps:
        return node.text
    word = ON_ERROR_ELSEWHERE.get(node.text.lower()) or suggest(node.text, (*ON_ERROR, *steps))
    known = ", ".join(list(steps)[:12])
    ctx.collector.error(
        "LM307",
        f"`{node.text[:80]}` is no word of `on_error`, and there is no step of that name.",
        node.span,
        f"Did you mean `{word}`?" if word else f"Write fail, continue, or a step: {known}.",
    )
    return "fail"


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


def plain(named: Named) -> dict[str, Expression]:
    """The expressions, without their places."""
    return {name: expression for name, (_, expression) in named.items()}


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
