"""The block ``workflows``: steps together, their order, and the types that flow between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leafmesh_nb.language.blocks import Block, mapping, read_block
from leafmesh_nb.language.build_steps import Draft, Named, draft_step, named_expressions, steps_read
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.flow import check_flow, check_save
from leafmesh_nb.language.joins import ancestors, cycle_in, done_before, never_skipped
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, Span
from leafmesh_nb.language.plain import WRONG, accept_node
from leafmesh_nb.language.scope import step_type, workflow_names
from leafmesh_nb.language.spec import Join, Workflow
from leafmesh_nb.language.type_syntax import parse_type
from leafmesh_nb.language.types import ANY, NO_FIELDS, Type, object_of

__all__ = ["build_workflows"]

MOST_STEPS = 500

WORKFLOW = Block("a workflow", required=("steps",), optional=("input", "save", "output"))
INPUT = Block(
    "an input", required=("type",), optional=("default", "min", "max"), nullable=("default",)
)


def build_workflows(ctx: Context, node: Node) -> dict[str, Workflow]:
    """Workflows by id; the names of their steps join ``declared["steps"]``."""
    found = mapping(ctx, node, "`workflows`")
    if found is None:
        ctx.broken.add("steps")
        return {}
    workflows = {}
    for entry in found:
        valid = check_id(entry.key, "a workflow", ctx.collector)
        workflow = _workflow(ctx, entry)
        if valid and workflow:
            workflows[workflow.id] = workflow
    return workflows


def _workflow(ctx: Context, entry: Entry) -> Workflow | None:
    keys = read_block(ctx, entry.value, WORKFLOW, entry.key.span)
    if keys is None:
        ctx.broken.add("steps")
        return None
    input, defaults = _input(ctx, keys.get("input"))
    save = named_expressions(ctx, keys, "save")
    check_save(ctx, save, workflow_names(ctx, input))
    drafts = _drafts(ctx, keys.get("steps"), keys.span("steps"))
    output = named_expressions(ctx, keys, "output")
    output_type = _check(ctx, input, drafts, output)
    return Workflow(
        id=entry.key.text,
        input=input,
        steps={name: draft.step() for name, draft in drafts.items()},
        output=_plain(output),
        output_type=output_type,
        save=_plain(save),
        defaults=defaults,
        span=entry.key.span,
    )


def _plain(named: Named) -> dict[str, Expression]:
    return {name: expression for name, (_, expression) in named.items()}


def _input(ctx: Context, node: Node | None) -> tuple[Type, dict[str, Any]]:
    """The input as an object, and the defaults of its fields."""
    fields: list[tuple[str, Type]] = []
    defaults: dict[str, Any] = {}
    found = mapping(ctx, node, "`input`", "{ticket: string}") if node is not None else None
    for entry in found or ():
        value = entry.value
        name = entry.key.text
        valid = check_id(entry.key, "an input", ctx.collector)
        default: Node | None = None
        if isinstance(value, MappingNode) and value.get("default") is not None:
            keys = read_block(ctx, value, INPUT, entry.key.span, "{type: string, default: en}")
            default = value.get("default")
            kept = tuple(e for e in value if e.key.text in ("type", "min", "max"))
            if keys is None or "type" not in keys:
                continue
            value = replace(value, entries=kept) if len(kept) > 1 else kept[0].value
        type = parse_type(value, ctx.collector)
        if not valid:
            continue
        fields.append((name, type))
        if default is not None:
            accepted = accept_node(ctx, type, default)
            if accepted is not WRONG:
                defaults[name] = accepted
    return Type("object", fields=tuple(fields)), defaults


def _drafts(ctx: Context, node: Node | None, at: Span) -> dict[str, Draft]:
    found = mapping(ctx, node, "`steps`", "{classify: {capability: …}}") if node else None
    if found is None:
        return {}
    if not found.entries:
        ctx.collector.error("LM211", "A workflow needs at least one step.", at)
    if len(found.entries) > MOST_STEPS:
        ctx.collector.error(
            "LM208",
            f"A workflow has at most {MOST_STEPS} steps.",
            found.entries[MOST_STEPS].key.span,
        )
        return {}
    steps = {entry.key.text: entry.key.span for entry in found}
    for name, span in steps.items():
        ctx.declared["steps"].setdefault(name, span)
    drafts = {}
    for entry in found:
        valid = check_id(entry.key, "a step", ctx.collector)
        draft = draft_step(ctx, entry, steps)
        if draft is not None and valid:
            drafts[draft.id] = draft
    return drafts


def _check(ctx: Context, input: Type, drafts: Mapping[str, Draft], output: Named) -> Type:
    """Order first, then types: without an order there is nothing to say of what is done when.

    Gives the type of the output.
    """
    joins = {name: draft.after for name, draft in drafts.items()}
    cycle = cycle_in(joins)
    if cycle:
        _report_cycle(ctx, cycle, drafts)
        return NO_FIELDS
    always = never_skipped(joins, [name for name, d in drafts.items() if "when" in d.keys])
    done = done_before(joins, always)
    outputs = {name: draft.output(ctx) for name, draft in drafts.items()}
    for name, draft in drafts.items():
        # The other steps are looked at where a name is wrong: to suggest the right one.
        known = draft.reads <= outputs.keys()
        steps = {
            other: step_type(outputs[other], other in done[name])
            for other in (draft.reads if known else outputs)
            if other != name
        }
        check_flow(ctx, draft, workflow_names(ctx, input, steps))
    ended = {name: step_type(type, name in always) for name, type in outputs.items()}
    names = workflow_names(ctx, input, ended)
    steps_read(ctx, _plain(output).values())
    fields = {}
    for entry, expression in output.values():
        type = ctx.check(expression, names)
        if check_id(entry.key, "an output", ctx.collector):
            fields[entry.key.text] = type or ANY
    _parallel_writers(ctx, drafts, joins)
    return object_of(fields)


def _report_cycle(ctx: Context, cycle: list[str], drafts: Mapping[str, Draft]) -> None:
    draft = drafts[cycle[0]]
    path = " → ".join(cycle)
    if len(cycle) == 2:
        message = f"The step `{cycle[0]}` waits for itself."
        hint = "A step cannot read its own output, except under `save` as `output`."
    else:
        message = f"These steps wait for each other: {path}."
        hint = "Each waits for the next, by `after` or by reading its output. Break the circle."
    if "after" in draft.keys and draft.explicit and cycle[1] in draft.explicit.steps():
        span = draft.keys.span("after")
    else:
        span = draft.span
    ctx.collector.error("LM320", message, span, hint)


def _parallel_writers(
    ctx: Context, drafts: Mapping[str, Draft], joins: Mapping[str, Join | None]
) -> None:
    """Two steps that may run at once must not replace the same field."""
    writers: dict[str, list[tuple[str, Entry]]] = {}
    for name, draft in drafts.items():
        for field_name, (entry, _) in draft.save.items():
            memory_field = ctx.memory.get(field_name)
            if memory_field and memory_field.merge == "replace":
                writers.setdefault(field_name, []).append((name, entry))
    if all(len(found) < 2 for found in writers.values()):
        return
    before = ancestors(joins)
    for field_name, found in writers.items():
        for index, (name, entry) in enumerate(found):
            rival = next(
                (
                    (other, place)
                    for other, place in found[:index]
                    if other not in before[name] and name not in before[other]
                ),
                None,
            )
            if rival:
                ctx.collector.error(
                    "LM605",
                    f"`{rival[0]}` and `{name}` may run at the same time, and both replace "
                    f"`{field_name}`.",
                    entry.key.span,
                    "Put one `after` the other, or give the field `merge: append` or `extend`.",
                    (Related("the other write", rival[1].key.span),),
                )
