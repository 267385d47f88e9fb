"""Which agents may take a step: their grants, and enough of them where they race or consult."""

from __future__ import annotations

from collections.abc import Sequence

from leafmesh_nb.language.build_steps import Draft
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.spec import AgentSpec

__all__ = ["check_takers"]


def check_takers(ctx: Context, draft: Draft) -> None:
    """Check that there are agents for a step which its grants, its race and its consulting let
    take it."""
    candidates = draft.candidates(ctx)
    if not candidates or draft.step.capability is None:
        return
    granted = _granted(ctx, draft, candidates)
    if draft.step.race is not None and draft.agent is None:
        _check_race(ctx, draft, draft.step.race, candidates, granted)
    if len(candidates) == 1:
        _check_consult(ctx, draft, candidates[0])


def _granted(ctx: Context, draft: Draft, candidates: Sequence[AgentSpec]) -> list[AgentSpec]:
    """The candidates with every grant that the step needs: what goes in is read, and what is
    saved is written, as the agent that takes the step. That there is none is reported."""
    reads: dict[str, Span] = {}
    for _, expression in draft.inputs.values():
        for path in sorted(expression.reads):
            if path == ("memory",):
                ctx.collector.error(
                    "LM305", "`memory` is read by the name of a field.", expression.span,
                    "Write memory.ticket, so that it is known which grant is needed.",
                )  # fmt: skip
            elif path[0] == "memory" and path[1] in ctx.memory:
                reads.setdefault(path[1], expression.span)
    writes = {name: entry.key.span for name, (entry, _) in draft.save.items() if name in ctx.memory}
    for verb, wanted in (("read", reads), ("write", writes)):
        if not wanted or any(set(wanted) <= set(_fields(a, verb)) for a in candidates):
            continue
        name = next(
            (n for n in wanted if not any(n in _fields(a, verb) for a in candidates)),
            next(iter(wanted)),
        )
        ctx.collector.error(
            "LM604",
            f"No agent that can take `{draft.step.id}` may {verb} memory.{name}: not "
            f"{_named(candidates)}.",
            wanted[name],
            f"Grant it: memory: {{{verb}: [{', '.join(wanted)}]}} on one of them.",
            (Related("this agent could take the step", candidates[0].span),),
        )
        return list(candidates)
    granted = [
        agent
        for agent in candidates
        if set(reads) <= set(agent.memory.read) and set(writes) <= set(agent.memory.write)
    ]
    if not granted:
        ctx.collector.error(
            "LM604",
            f"No agent that can take `{draft.step.id}` may both read memory.{next(iter(reads))} "
            f"and write memory.{next(iter(writes))}: not {_named(candidates)}.",
            next(iter(writes.values())),
            f"Grant both: memory: {{read: [{', '.join(reads)}], write: [{', '.join(writes)}]}} on "
            "one of them.",
            (Related("this agent could take the step", candidates[0].span),),
        )
        return list(candidates)
    return granted


def _check_race(
    ctx: Context,
    draft: Draft,
    wanted: int,
    candidates: Sequence[AgentSpec],
    granted: Sequence[AgentSpec],
) -> None:
    node = draft.keys.get("race")
    span = node.span if node is not None else draft.step.span
    if len(granted) < wanted:
        having = f"`{draft.step.capability}`"
        if len(granted) < len(candidates):
            having += " and the grants that the step needs"
        ctx.collector.error(
            "LM324",
            f"The race needs {wanted} agents, and {len(granted)} of this mesh "
            f"{'has' if len(granted) == 1 else 'have'} {having}: {_named(granted) or 'none'}.",
            span,
            "Give another agent what it takes, or lower the number.",
            (Related("this agent could race", candidates[0].span),),
        )
    for agent in candidates:
        tool = next((t for t in agent.tools if t in ctx.tools and ctx.tools[t].side_effect), None)
        if tool is not None:
            ctx.collector.error(
                "LM607",
                f"`{agent.id}` could race, and its tool `{tool}` has side effects: what a racer "
                "that does not win has done to the world stays done.",
                span,
                f"Take `{tool}` from the agent, or leave `race` out and act in a later step.",
                (Related("this agent has the tool", agent.span),),
            )
            return


def _check_consult(ctx: Context, draft: Draft, only: AgentSpec) -> None:
    """The step's only agent does not ask itself."""
    for node in draft.consult:
        offered = ctx.offers.get(node.text, [])
        if offered and all(agent.id == only.id for agent in offered):
            ctx.collector.error(
                "LM325",
                f"Nobody but `{only.id}`, which takes this step, has `{node.text}`.",
                node.span,
                "Give it to another agent, too, or take it out of `consult`.",
                (Related("the only agent that can take the step", only.span),),
            )


def _fields(agent: AgentSpec, verb: str) -> tuple[str, ...]:
    return agent.memory.read if verb == "read" else agent.memory.write


def _named(agents: Sequence[AgentSpec]) -> str:
    return ", ".join(f"`{agent.id}`" for agent in agents[:4])
