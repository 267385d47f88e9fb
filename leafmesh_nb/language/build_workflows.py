"""The block ``workflows``: steps together, their order, and the types that flow between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from leafmesh_nb.language.absent_names import at_place
from leafmesh_nb.language.blocks import Block, mapping, read_block
from leafmesh_nb.language.build_steps import (
    ON_ERROR,
    STEP,
    Draft,
    Named,
    draft_step,
    named_expressions,
    plain,
    steps_read,
)
from leafmesh_nb.language.certainty import Certainty, certainty, unreachable
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions.static import public
from leafmesh_nb.language.flow import Callee, check_flow
from leafmesh_nb.language.joins import cycles_in, in_order, with_handlers
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, Span
from leafmesh_nb.language.passing import Taker, check_save, refuse_duration
from leafmesh_nb.language.plain import WRONG, accept_node
from leafmesh_nb.language.scope import step_type, workflow_names
from leafmesh_nb.language.settled import NOTHING, Facts, Settling, all_of
from leafmesh_nb.language.spec import Join, Workflow
from leafmesh_nb.language.type_syntax import parse_type
from leafmesh_nb.language.types import ANY, NO_FIELDS, Type, object_of
from leafmesh_nb.language.writers import check_writers, replaced
from leafmesh_nb.language.written import Writing

__all__ = ["build_workflows"]

MOST_STEPS = 500

WORKFLOW = Block(
    "a workflow",
    required=("steps",),
    optional=("input", "save", "output"),
    below={"steps": STEP},
)
INPUT = Block(
    "an input", required=("type",), optional=("default", "min", "max"), nullable=("default",)
)


@dataclass(slots=True)
class _Flow:
    """A workflow with its steps drafted, not yet type-checked.

    ``doubtful`` says that there are errors in its input; ``replaces`` are the memory fields that
    its steps and what they run replace, ``writes`` those that are surely written when it ends.
    """

    id: str
    span: Span
    input: Type
    input_node: MappingNode | None
    defaults: dict[str, Any]
    save: Named
    drafts: dict[str, Draft]
    output: Named
    doubtful: bool = False
    output_type: Type = ANY
    replaces: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def calls(self) -> tuple[str, ...]:
        """The workflows that its steps run."""
        named = (draft.step.workflow for draft in self.drafts.values())
        return tuple(dict.fromkeys(name for name in named if name))

    def callee(self) -> Callee:
        """The workflow as a step that runs it sees it."""
        optional = frozenset(self.defaults)
        taker = Taker(
            self.id, "workflow", self.input, self.span, self.input_node, optional, self.doubtful
        )
        return Callee(taker, self.output_type)

    def workflow(self) -> Workflow:
        """The finished workflow."""
        known = self.output_type.kind == "object"
        return Workflow(
            id=self.id,
            input=self.input,
            steps={name: draft.step for name, draft in self.drafts.items()},
            output=plain(self.output),
            output_type=self.output_type if known else NO_FIELDS,
            save=plain(self.save),
            defaults=self.defaults,
            span=self.span,
        )


def build_workflows(ctx: Context, node: Node) -> dict[str, Workflow]:
    """Workflows by id; their names and those of their steps join ``declared``."""
    found = mapping(ctx, node, "`workflows`")
    if found is None:
        ctx.broken |= {"steps", "workflows"}
        return {}
    flows: dict[str, _Flow] = {}
    named = set()
    for entry in found:
        ctx.declared["workflows"].setdefault(entry.key.text, entry.key.span)
    for entry in found:
        if check_id(entry.key, "a workflow", ctx.collector):
            named.add(entry.key.text)
        if (flow := _draft(ctx, entry)) is not None:
            flows[flow.id] = flow
    for flow in _callees_first(ctx, flows):
        _check(ctx, flow, flows)
    return {name: flow.workflow() for name, flow in flows.items() if name in named}


def _draft(ctx: Context, entry: Entry) -> _Flow | None:
    keys = read_block(ctx, entry.value, WORKFLOW, entry.key.span)
    if keys is None:
        ctx.broken.add("steps")
        return None
    errors = ctx.collector.errors
    node = keys.get("input")
    input, defaults = _input(ctx, node)
    if not isinstance(node, MappingNode) and keys.node.get("input") is not None:
        input = ANY  # it was reported, and nothing is known of its fields
    doubtful = input is ANY or ctx.collector.errors > errors
    save = named_expressions(ctx, keys, "save")
    check_save(ctx, save, workflow_names(ctx, input, written=()))
    return _Flow(
        id=entry.key.text,
        span=entry.key.span,
        input=input,
        input_node=node if isinstance(node, MappingNode) else None,
        defaults=defaults,
        save=save,
        drafts=_drafts(ctx, keys.get("steps"), keys.span("steps")),
        output=named_expressions(ctx, keys, "output"),
        doubtful=doubtful,
    )


def _callees_first(ctx: Context, flows: Mapping[str, _Flow]) -> list[_Flow]:
    """The workflows, each after those that it runs; those that run each other are reported."""
    calls: dict[str, Join | None] = {}
    for name, flow in flows.items():
        called = tuple(other for other in flow.calls() if other in flows)
        calls[name] = Join("all", called) if called else None
    cyclic: set[str] = set()
    for cycle in cycles_in(calls):
        cyclic.update(cycle)
        flow = flows[cycle[0]]
        draft = next(d for d in flow.drafts.values() if d.step.workflow == cycle[1])
        ctx.collector.error(
            "LM322",
            f"The workflow `{cycle[0]}` runs itself."
            if len(cycle) == 2
            else f"These workflows run each other: {' → '.join(cycle)}.",
            draft.keys.span("workflow"),
            "Break the circle. To do a step again until it is good enough, give it `repeat`.",
            tuple(Related(f"`{name}`", flows[name].span) for name in cycle[1:-1]),
        )
    # One of a circle is checked before what it runs, whose output may then be anything.
    straight = {name: None if name in cyclic else called for name, called in calls.items()}
    return [flows[name] for name in in_order(straight)]


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
            if keys is None or not any(e.key.text == "type" for e in kept):
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
        draft = draft_step(ctx, entry, steps, WORKFLOW)
        if draft is not None and valid:
            drafts[draft.step.id] = draft
    return drafts


def _check(ctx: Context, flow: _Flow, flows: Mapping[str, _Flow]) -> None:
    """Order first, then types. Where steps wait for each other there is no order, and nothing to
    say of what is done when: then every output is taken to be there, and the rest is checked."""
    drafts = flow.drafts
    joins = {name: draft.step.after for name, draft in drafts.items()}
    handles = _handled(drafts)
    waits = with_handlers(joins, handles)
    cyclic = set()
    for cycle in cycles_in(waits):
        _report_cycle(ctx, cycle, drafts)
        cyclic.update(cycle)
    if cyclic:
        waits = {name: None if name in cyclic else join for name, join in waits.items()}
        everything = frozenset(drafts)
        sure = Certainty(everything, dict.fromkeys(drafts, everything))
    else:
        sure = certainty(
            joins,
            conditional={n for n, d in drafts.items() if "when" in d.said and not d.step.when_each},
            tolerated={n for n, d in drafts.items() if d.step.tolerated},
            handles=handles,
        )
    callees = {name: flows[name].callee() for name in flow.calls() if name in flows}
    inner = {name: flows[name].writes for name in callees}
    writing = Writing.of(ctx, flow.save, drafts, inner)
    flow.writes = ctx.written[flow.id, ""] = writing.after(sure.always)
    outputs = dict.fromkeys(drafts, ANY)
    settling = Settling()
    for name in in_order(waits):
        draft = drafts[name]
        given = {other: outputs[other] for other in draft.reads if other in outputs}
        before = settling.known(Facts(done=sure.before[name] - {name}), given)
        said = draft.facts
        draft.facts = settling.known(all_of((before, said)), given)
        # Its items may each have had a condition of their own.
        settling.add(name, NOTHING if draft.step.when_each else said, draft.facts.done)
        # The other steps are looked at where a name is wrong: to suggest the right one.
        known = draft.reads <= outputs.keys()
        steps = {
            other: step_type(outputs[other], other in sure.before[name])
            for other in (draft.reads if known else outputs)
            if other != name or name in cyclic
        }
        ctx.written[flow.id, name] = writing.after(draft.facts.done)
        written = writing.after(before.done)
        names = before.narrow(workflow_names(ctx, flow.input, steps, written))
        check_flow(ctx, draft, names, callees)
        outputs[name] = draft.step.output_type
        _check_reach(ctx, draft, handles)
    ended = {name: step_type(type, name in sure.always) for name, type in outputs.items()}
    _check_output(ctx, flow, workflow_names(ctx, flow.input, ended, flow.writes))
    replaces = {name: other.replaces for name, other in flows.items()}
    if not cyclic:
        check_writers(ctx, drafts, waits, replaces)
    own = {name for name in flow.save if name in ctx.memory}
    flow.replaces = frozenset(own).union(*(replaced(ctx, d, replaces) for d in drafts.values()))


def _handled(drafts: Mapping[str, Draft]) -> dict[str, tuple[str, ...]]:
    """The steps that ``on_error`` names, each with those that name it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, draft in drafts.items():
        handler = draft.step.on_error
        if handler in drafts and handler not in ON_ERROR:
            found[handler] = (*found.get(handler, ()), name)
    for name, handled in found.items():
        drafts[name].step = replace(drafts[name].step, handles=handled)
    return found


def _check_output(ctx: Context, flow: _Flow, names: Environment) -> None:
    steps_read(ctx, plain(flow.output).values())
    fields = {}
    for entry, expression in flow.output.values():
        type = ctx.check(expression, at_place(ctx, expression, names))
        if check_id(entry.key, "an output", ctx.collector):
            what = f"the output `{entry.key.text}`"
            if type is None or refuse_duration(ctx, expression, type, what):
                type = ANY
            fields[entry.key.text] = public(type)
    flow.output_type = object_of(fields)


def _check_reach(ctx: Context, draft: Draft, handles: Mapping[str, tuple[str, ...]]) -> None:
    """Report a join that counts more than can be done."""
    name = unreachable(draft.explicit, handles)
    node = draft.keys.get("after")
    if name is None or node is None:
        return
    ctx.collector.error(
        "LM326",
        f"`{draft.step.id}` can never run: so many of these steps are never done in one run.",
        node.span,
        f"`{name}` runs only where {' or '.join(f'`{n}`' for n in handles[name])} has failed. "
        "Count fewer, or wait for all of them to end with [a, b].",
    )


def _report_cycle(ctx: Context, cycle: list[str], drafts: Mapping[str, Draft]) -> None:
    draft = drafts[cycle[0]]
    by_failure = any(second in drafts[first].step.handles for first, second in pairwise(cycle))
    if by_failure:
        hint = "A step that `on_error` names waits for the one that names it."
    elif len(cycle) == 2:
        hint = "A step cannot read its own output, except as `output` under `save` and `until`."
    else:
        hint = "Each waits for the next, by `after` or by reading its output. Break the circle."
    message = f"These steps wait for each other: {' → '.join(cycle)}."
    if len(cycle) == 2:
        message = f"The step `{cycle[0]}` waits for itself."
    if draft.explicit and cycle[1] in draft.explicit.steps():
        span = draft.keys.span("after")
    elif len(cycle) == 2 and by_failure:
        span = draft.keys.span("on_error")
    else:
        span = draft.step.span
    ctx.collector.error("LM320", message, span, hint)
