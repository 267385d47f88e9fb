"""What flows into a step and out of it: names, grants and types."""

from __future__ import annotations

from leafmesh_nb.language.build_steps import Draft, Named
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import ErrorValue, Expression
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.nodes import Entry, Span
from leafmesh_nb.language.spec import AgentSpec, MemoryField
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, describe
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = ["check_flow", "check_save"]


def check_flow(ctx: Context, draft: Draft, names: Environment) -> None:
    """Check a step's ``when``, ``with`` and ``save`` against the names it may use."""
    if draft.when is not None:
        ctx.check_condition(draft.when, names)
    _check_inputs(ctx, draft, names)
    check_save(ctx, draft.save, {**names, "output": draft.output(ctx)})
    _check_grants(ctx, draft)


def _check_inputs(ctx: Context, draft: Draft, names: Environment) -> None:
    capability = ctx.capabilities.get(draft.capability or "")
    written = {e.key.text for e in getattr(draft.keys.get("with"), "entries", ())}
    meant = set()
    fields = dict(capability.input.fields) if capability else {}
    for name, (entry, expression) in draft.inputs.items():
        wanted = fields.get(name)
        type = ctx.check(expression, names)
        if capability and wanted is None:
            close = suggest(name, [n for n in capability.input.names() if n not in written])
            meant.add(close)
            known = ", ".join(capability.input.names()) or "none"
            ctx.collector.error(
                "LM406",
                f"`{capability.name}` has no input `{name}`.",
                entry.key.span,
                f"Did you mean `{close}`?" if close else f"Its inputs are {known}.",
                _declared(ctx, capability.name, None),
            )
        elif capability and wanted is not None and type is not None:
            _check_fit(
                ctx, expression, type, wanted, f"the input `{name}` of `{capability.name}`",
                _declared(ctx, capability.name, name),
            )  # fmt: skip
    if capability is None:
        return
    for name, wanted in capability.input.fields:
        if name not in written and not wanted.nullable and name not in meant:
            place = draft.keys.span("with") if "with" in draft.keys else draft.span
            ctx.collector.error(
                "LM406",
                f"The input `{name}` of `{capability.name}` is missing in `with`.",
                place,
                f"Add `{name}: …`; it takes {describe(wanted)}.",
                _declared(ctx, capability.name, name),
            )


def _declared(ctx: Context, capability: str, name: str | None) -> tuple[Related, ...]:
    """Where a capability, or one of its inputs, is declared."""
    node = ctx.input_nodes.get(capability)
    if name is not None and node is not None:
        for entry in node:
            if entry.key.text == name:
                return (Related("the input is declared here", entry.key.span),)
    found = ctx.capabilities.get(capability)
    return (Related("the capability is declared here", found.span),) if found else ()


def check_save(ctx: Context, save: Named, names: Environment) -> None:
    """Check that what is saved fits the memory fields that it is saved to."""
    for name, (entry, expression) in save.items():
        field = ctx.memory.get(name)
        type = ctx.check(expression, names)
        if field is None:
            _unknown_field(ctx, entry)
        elif type is not None:
            related = (Related("the field is declared here", field.span),)
            what = f"the memory field `{name}`"
            _check_fit(ctx, expression, type, _written(field), what, related)


def _written(field: MemoryField) -> Type:
    """What one write to a field is: an element where the field appends."""
    if field.merge == "append" and field.type.kind == "list":
        return field.type.items or ANY
    return field.type


def _unknown_field(ctx: Context, entry: Entry) -> None:
    name = entry.key.text
    declared = ctx.declared["memory"]
    if name in declared or "memory" in ctx.broken:
        return
    close = suggest(name, declared)
    known = ", ".join(declared)
    ctx.collector.error(
        "LM305",
        f"`{name}`: there is no memory field of that name.",
        entry.key.span,
        f"Did you mean `{close}`?"
        if close
        else f"Known: {known}."
        if known
        else f"Declare it: memory: {{{name}: string}}.",
    )


def _check_fit(
    ctx: Context,
    expression: Expression,
    type: Type,
    wanted: Type,
    what: str,
    related: tuple[Related, ...],
) -> None:
    misfit = compare(type, wanted)
    if misfit is None:
        return
    if not expression.reads:
        value = expression.evaluate({})
        if not isinstance(value, ErrorValue):
            try:
                accept(wanted, value)
            except TypeMismatch as mismatch:
                ctx.collector.error(
                    "LM402",
                    f"{what[0].upper()}{what[1:]} does not take this: it {mismatch}.",
                    expression.span,
                    f"It takes {describe(wanted)}.",
                    related,
                )
            return
    if misfit.certain:
        hint = f"It takes {describe(wanted)}."
        if type.nullable and not wanted.nullable:
            hint = f"Say what to take where it is null: default({_short(expression.text)}, …)."
        message = f"{what[0].upper()}{what[1:]} does not take this: {misfit}."
        ctx.collector.error("LM403", message, expression.span, hint, related)
    elif not ctx.collector.failed:
        # Where there are errors, the doubt may be no more than their echo.
        ctx.collector.warning(
            "LM404",
            f"It cannot be proved that this fits {what}: {misfit}.",
            expression.span,
            "It is checked when the step runs, and the step fails if it does not fit.",
            related,
        )


def _check_grants(ctx: Context, draft: Draft) -> None:
    """What goes in is read, and what is saved is written, as the agent that takes the step."""
    candidates = draft.candidates(ctx)
    if not candidates or draft.capability is None:
        return
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
        if not wanted or any(set(wanted) <= set(_granted(a, verb)) for a in candidates):
            continue
        name = next(
            (n for n in wanted if not any(n in _granted(a, verb) for a in candidates)),
            next(iter(wanted)),
        )
        who = ", ".join(f"`{a.id}`" for a in candidates[:4])
        ctx.collector.error(
            "LM604",
            f"No agent that can take `{draft.id}` may {verb} memory.{name}: not {who}.",
            wanted[name],
            f"Grant it: memory: {{{verb}: [{', '.join(wanted)}]}} on one of them.",
            (Related("this agent could take the step", candidates[0].span),),
        )


def _granted(agent: AgentSpec, verb: str) -> tuple[str, ...]:
    return agent.memory.read if verb == "read" else agent.memory.write


def _short(text: str) -> str:
    return text if len(text) <= 60 else "…"
