"""What is passed to whoever performs a step, and what is saved: that the types fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from leafmesh_nb.language.absent_names import at_place
from leafmesh_nb.language.build_steps import Draft, Named
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.diagnostics import Related
from leafmesh_nb.language.expressions import ErrorValue, Expression
from leafmesh_nb.language.expressions.ast import (
    Constant,
    Embedded,
    ListOf,
    MapOf,
    Node,
    children,
)
from leafmesh_nb.language.expressions.check import nullable_part
from leafmesh_nb.language.expressions.static import duration_in
from leafmesh_nb.language.fit import compare
from leafmesh_nb.language.nodes import Entry, MappingNode, Span
from leafmesh_nb.language.spec import MemoryField
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, describe
from leafmesh_nb.language.values import TypeMismatch, accept

__all__ = [
    "Taker",
    "capability_taker",
    "check_inputs",
    "check_save",
    "refuse_duration",
    "short",
]


@dataclass(frozen=True, slots=True)
class Taker:
    """What takes a step's ``with``: a capability or a workflow, with the places of its input.

    ``optional`` are the inputs that have a default; a ``doubtful`` one has an error in its input,
    and nothing that is missing or unknown there is reported.
    """

    name: str
    what: str
    input: Type
    span: Span
    node: MappingNode | None = None
    optional: frozenset[str] = frozenset()
    doubtful: bool = False

    def declared(self, name: str | None = None) -> tuple[Related, ...]:
        """Where it, or one of its inputs, is declared."""
        for entry in self.node or () if name is not None else ():
            if entry.key.text == name:
                return (Related("the input is declared here", entry.key.span),)
        return (Related(f"the {self.what} is declared here", self.span),)


def capability_taker(ctx: Context, name: str) -> Taker | None:
    """A capability that a step asks for; None if it is not known."""
    found = ctx.capabilities.get(name)
    if found is None:
        return None
    doubtful = name in ctx.doubtful
    node = ctx.input_nodes.get(name)
    return Taker(name, "capability", found.input, found.span, node, doubtful=doubtful)


def check_inputs(ctx: Context, draft: Draft, taker: Taker | None, names: Environment) -> None:
    """Check a step's ``with`` against what takes it."""
    written = {e.key.text for e in getattr(draft.keys.get("with"), "entries", ())}
    meant = set()
    fields = dict(taker.input.fields) if taker else {}
    for name, (entry, expression) in draft.inputs.items():
        wanted = fields.get(name)
        type = ctx.check(expression, at_place(ctx, expression, names))
        if taker is None:
            continue
        if type is not None:
            type = draft.facts.sharpen(expression.node, type)
        if wanted is not None:
            if type is not None:
                what = f"the input `{name}` of `{taker.name}`"
                _check_fit(ctx, expression, type, wanted, what, taker.declared(name), names)
        elif not taker.doubtful:
            close = suggest(name, [n for n in fields if n not in written])
            meant.add(close)
            ctx.collector.error(
                "LM406",
                f"`{taker.name}` has no input `{name}`.",
                entry.key.span,
                f"Did you mean `{close}`?"
                if close
                else f"Its inputs are {', '.join(fields) or 'none'}.",
                taker.declared(),
            )
    unread = "with" in draft.said and not isinstance(draft.keys.get("with"), MappingNode)
    if taker is None or taker.doubtful or unread:
        return
    for name, wanted in taker.input.fields:
        if name not in (written | meant | taker.optional) and not wanted.nullable:
            place = draft.keys.span("with") if "with" in draft.keys else draft.step.span
            ctx.collector.error(
                "LM406",
                f"The input `{name}` of `{taker.name}` is missing in `with`.",
                place,
                f"Add `{name}: …`; it takes {describe(wanted)}.",
                taker.declared(name),
            )


def check_save(ctx: Context, save: Named, names: Environment) -> None:
    """Check that what is saved fits the memory fields that it is saved to."""
    for name, (entry, expression) in save.items():
        field = ctx.memory.get(name)
        type = ctx.check(expression, at_place(ctx, expression, names))
        if field is None:
            _unknown_field(ctx, entry)
        elif type is not None:
            related = (Related("the field is declared here", field.span),)
            what = f"the memory field `{name}`"
            _check_fit(ctx, expression, type, _written(field), what, related, names)


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
    names: Environment,
) -> None:
    if refuse_duration(ctx, expression, type, what, related):
        return
    misfit = compare(type, wanted)
    if misfit is None:
        return
    if not expression.reads:
        value = expression.evaluate({})
        if not isinstance(value, ErrorValue):
            try:
                accept(wanted, value, computed=not _is_written(expression.node))
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
            part = nullable_part(expression, names)
            hint = _null_hint(part)
            if part != "null":
                whole = expression.text.replace(part, f"default({part}, …)", 1)
                hint += ctx.quoted(expression, whole)
        elif not misfit.path and (written := _conversion(type, wanted, short(expression.text))):
            hint = f"Write {written}."
        message = f"{what[0].upper()}{what[1:]} does not take this: {misfit}."
        ctx.collector.error("LM403", message, expression.span, hint, related)
    elif not ctx.collector.failed:
        # Where there are errors, the doubt may be no more than their echo.
        ctx.collector.warning(
            "LM404",
            f"It cannot be proved that this fits {what}: {misfit}.",
            expression.span,
            f"Write round({short(expression.text)}, 2)."
            if type.fraction and wanted.kind == "money"
            else "It is checked when the step runs, and the step fails if it does not fit.",
            related,
        )


def _is_written(node: Node) -> bool:
    """Whether a value stands there as it is: a constant, or a list or map of such."""
    if isinstance(node, ListOf | MapOf | Embedded):
        return all(map(_is_written, children(node)))
    return isinstance(node, Constant)


def refuse_duration(
    ctx: Context,
    expression: Expression,
    type: Type,
    what: str,
    related: tuple[Related, ...] = (),
) -> bool:
    """Report a value that holds a duration where values are kept: JSON has none."""
    path = duration_in(type)
    if path is None:
        return False
    ctx.collector.error(
        "LM403",
        f"{what[0].upper()}{what[1:]} cannot be this: {f'`{path}`' if path else 'it'} is a "
        "duration, and durations are there within expressions only.",
        expression.span,
        f"Compare it here, or write string({'…' if path else short(expression.text)}), a text such "
        "as 90s.",
        related,
    )
    return True


def _null_hint(part: str) -> str:
    if part == "null":
        return "Write the value to take in place of `null`."
    hint = f"Say what to take where it is null: default({short(part)}, …)."
    if part.startswith("memory."):
        return f"{hint} It is null until a step that is done before, or the workflow, saves it."
    return hint


_CONVERSIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{
            (kind, "string"): "string"
            for kind in ("integer", "number", "money", "boolean", "date", "datetime")
        },
        **{(kind, "integer"): "round" for kind in ("number", "money")},
        **{(kind, "money"): "money" for kind in ("string", "enum")},
        **{(kind, "datetime"): "timestamp" for kind in ("string", "enum", "date")},
    }
)


def _conversion(type: Type, wanted: Type, text: str) -> str:
    """How to write a value as one of the type that is needed, or nothing."""
    if wanted.schema is not None or type.schema is not None:
        return ""
    if wanted.kind == "list" and compare(type, wanted.items or ANY) is None:
        return f"[{text}]"
    function = _CONVERSIONS.get((type.kind, wanted.kind))
    return f"{function}({text})" if function else ""


def short(text: str) -> str:
    """An expression's text for a hint."""
    return text if len(text) <= 60 else "…"
