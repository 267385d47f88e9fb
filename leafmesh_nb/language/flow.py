"""The types within one step: what its expressions may name, and what it gives.

``for_each`` is outside ``repeat``: with both, ``previous`` and ``output`` are of the item at hand.
``save`` is done for each item, with its ``output``; what all items gave is ``steps.X.output``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from leafmesh_nb.language.absent_names import at_place
from leafmesh_nb.language.build_steps import Draft
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.expressions import Expression
from leafmesh_nb.language.expressions.check import check
from leafmesh_nb.language.expressions.static import NULL, common, family, public
from leafmesh_nb.language.grants import check_takers
from leafmesh_nb.language.passing import (
    Taker,
    capability_taker,
    check_inputs,
    check_save,
    refuse_duration,
    short,
)
from leafmesh_nb.language.spec import ForEach
from leafmesh_nb.language.types import ANY, DATETIME, Type, describe

__all__ = ["Callee", "check_flow"]

INDEX = Type("integer", minimum=Decimal(0))
LASTING = ("input", "steps", "run", "item", "index")
"""Names whose values are the same from the start of a step to its end."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Callee:
    """A workflow as a step that runs it sees it."""

    taker: Taker
    output: Type = ANY


def check_flow(
    ctx: Context, draft: Draft, names: Environment, callees: Mapping[str, Callee]
) -> None:
    """Check a step's expressions against the names of their places, and set what it gives."""
    step, names = draft.step, dict(names)
    settled = draft.facts.only(*LASTING)
    if step.for_each is not None:
        known = names if step.when_each else settled.narrow(names)
        draft.step = step = replace(step, for_each=_items(ctx, step.for_each, known))
    if "for_each" in draft.said:
        names["item"] = step.for_each.item_type if step.for_each else ANY
        names["index"] = INDEX
    callee = callees.get(step.workflow or "")
    taker = callee.taker if callee else capability_taker(ctx, step.capability or "")
    result = _result(ctx, draft, settled.narrow(names), callee)
    draft.type(result)
    if "repeat" in draft.said:
        names["previous"] = result.or_null()
    if step.when is not None:
        ctx.check_condition(step.when, at_place(ctx, step.when, names))
        _check_ever(ctx, step.when, step.id)
    check_inputs(ctx, draft, taker, draft.facts.narrow(names))
    names = settled.narrow(names)
    if step.let is not None:
        type = ctx.check(step.let, at_place(ctx, step.let, names))
        if type is not None:
            refuse_duration(ctx, step.let, type, f"the output of `{step.id}`")
    if isinstance(step.wait, Expression):
        _check_wait(ctx, step.wait, names)
    ended = {**names, "output": result}
    if step.repeat is not None:
        ctx.check_condition(step.repeat.until, at_place(ctx, step.repeat.until, ended))
    check_save(ctx, draft.save, ended)
    check_takers(ctx, draft)


def _check_ever(ctx: Context, when: Expression, step: str) -> None:
    """Say so where a step never runs."""
    if not when.reads and when.evaluate({}) is False:
        ctx.collector.warning(
            "LM326",
            f"`{step}` never runs: its `when` is false whatever happens.",
            when.span,
            "Write what it depends on, or remove the step.",
        )


def _result(ctx: Context, draft: Draft, names: Environment, callee: Callee | None) -> Type:
    """What one performance of a step gives; ``any`` where that is not known."""
    step = draft.step
    match draft.kind:
        case "agent":
            name = step.capability or ""
            capability = None if name in ctx.doubtful else ctx.capabilities.get(name)
            return capability.output if capability else ANY
        case "workflow":
            return callee.output if callee else ANY
        case "wait":
            return DATETIME
        case "let" if step.let is not None:
            if "repeat" in draft.said:
                return _repeated(step.let, names)
            return public(check(step.let, names)[0])
    return ANY


def _repeated(let: Expression, names: Environment) -> Type:
    """The type of an expression that may read what it gave before: it starts from null and takes
    in what it gives, until nothing is added; ``any`` where that has no end."""
    found = check(let, {**names, "previous": NULL})[0]
    for _ in range(_ROUNDS):
        wider = common(found, check(let, {**names, "previous": found.or_null()})[0])
        if wider == found:
            return public(found)
        found = wider
    return ANY


def _items(ctx: Context, loop: ForEach, names: Environment) -> ForEach:
    """``for_each`` with the type of its items."""
    items = loop.items
    type = ctx.check(items, at_place(ctx, items, names))
    if type is None or refuse_duration(ctx, items, type, "what `for_each` goes through"):
        return loop
    type = public(type)
    if type.nullable:
        ctx.collector.error(
            "LM403",
            "`for_each` goes through a list, and this may be null.",
            items.span,
            f"Say what to take where it is null: default({short(items.text)}, []).",
        )
    elif type.kind not in ("list", "any"):
        keys = type.kind in ("map", "object")
        ctx.collector.error(
            "LM403",
            f"`for_each` goes through a list, and this is {describe(type)}.",
            items.span,
            f"For its keys write {short(items.text)}.map(k, k)."
            if keys
            else "A list of one is [x].",
        )
    elif type.kind == "any":
        _doubt(ctx, items, "is a list")
    elif not items.reads:
        value = items.evaluate({})
        if isinstance(value, list | tuple) and len(value) > loop.max:
            ctx.collector.error(
                "LM208",
                f"This list has {len(value)} items, and `max` is {loop.max}.",
                items.span,
                "A list that is longer than `max` fails the step.",
            )
    return replace(loop, item_type=(type.items if type.kind == "list" else None) or ANY)


def _check_wait(ctx: Context, wait: Expression, names: Environment) -> None:
    """A time to wait for, or how long to wait."""
    names = at_place(ctx, wait, names)
    type = ctx.check(wait, names)
    if type is None:
        return
    kind = family(type)
    if kind == "any":
        _doubt(ctx, wait, "is a time or a duration")
    elif kind not in ("datetime", "duration"):
        text = short(wait.text)
        hint = "Write a duration, such as 30m or 2d."
        if type.kind in ("string", "enum"):
            hint = f"Write duration({text}) or timestamp({text})."
        elif type.kind == "date":
            hint = f"Write timestamp({text}), which is the start of the day in UTC."
        ctx.collector.error(
            "LM403",
            f"`wait` needs a time or a duration, and this is {describe(type)}.",
            wait.span,
            hint,
        )
    elif type.nullable:
        ctx.collector.error(
            "LM403",
            "`wait` needs a time or a duration, and this may be null.",
            wait.span,
            f"Say what null means: default({short(wait.text)}, now).",
        )
    elif not wait.reads:
        value = wait.evaluate({})
        if isinstance(value, timedelta) and value <= timedelta():
            ctx.collector.error(
                "LM208", "A `wait` must be longer than nothing.", wait.span, "Such as 30m or 2d."
            )


def _doubt(ctx: Context, expression: Expression, what: str) -> None:
    if not ctx.collector.failed:
        ctx.collector.warning(
            "LM404",
            f"It cannot be proved that this {what}.",
            expression.span,
            "It is checked when the step runs, and the step fails if it does not fit.",
        )
