"""A rule over things of several types: for which of them it cannot be decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leafmesh_nb.language.context import Context
from leafmesh_nb.language.expressions import Expression, Template, check
from leafmesh_nb.language.expressions.finding import Finding
from leafmesh_nb.language.policy_scope import PASSING, PolicyScope
from leafmesh_nb.language.spec import Point
from leafmesh_nb.language.types import Type, object_of

__all__ = ["check_each"]

NARROWED_BY: Mapping[Point, str] = {"tool": "tools", "output": "capabilities", "memory": "fields"}
"""The key of ``for`` that names what passes at a point."""
_TELLING = (("task",), ("agent",), ("tool", "name"), ("write", "field"))


def check_each(ctx: Context, expression: Expression | Template, scope: PolicyScope) -> None:
    """Warn where a condition or a reason holds for the types of all that passes together, where a
    field of two types may be anything, and is in error for those of some."""
    root = tuple(PASSING.get(scope.at, "").split("."))
    read = [path for path in expression.reads if path[: len(root)] == root]
    # What asks which one it is may well guard itself.
    guarded = any(path[: len(told)] == told for path in expression.reads for told in _TELLING)
    if not read or guarded or len(set(scope.each.values())) < 2 or ctx.collector.failed:
        return
    known = {(f.code, f.span) for f in check(expression, scope.names)[1]}
    told: dict[Type, Finding | None] = {}
    wrong: dict[str, Finding] = {}
    for name, type in scope.each.items():
        if type not in told:
            names = {**scope.names, root[0]: _with(scope.names[root[0]], root[1:], type)}
            found = (f for f in check(expression, names)[1] if f.severity == "error")
            told[type] = next((f for f in found if (f.code, f.span) not in known), None)
        if (finding := told[type]) is not None:
            wrong[name] = finding
    if wrong:
        _tell(ctx, scope, wrong)


def _tell(ctx: Context, scope: PolicyScope, wrong: Mapping[str, Finding]) -> None:
    name, finding = next(iter(wrong.items()))
    key = NARROWED_BY.get(scope.at)
    fitting = [other for other in scope.each if other not in wrong]
    hint = "An error leads to `on_error`. "
    if key and fitting:
        hint += f"Narrow the policy to what it is about: for: {{{key}: [{', '.join(fitting)}]}}."
    else:
        hint += "Write a policy for each type."
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    ctx.collector.warning(
        "LM404",
        f"This can never be decided for `{name}`{more}: {finding.message}.",
        finding.span,
        hint,
    )


def _with(whole: Type, path: tuple[str, ...], own: Type) -> Type:
    """``whole`` with what stands at ``path`` as it is in one of the things that pass."""
    if path:
        fields = {
            name: _with(inner, path[1:], own) if name == path[0] else inner
            for name, inner in whole.fields
        }
        return replace(object_of(fields), nullable=whole.nullable)
    if whole.kind != "object" or own.kind != "object":
        return own
    # A field that only others have stays as it is: it may be null, which has been told.
    return object_of(
        {name: _with(inner, (), own.field(name) or inner) for name, inner in whole.fields}
    )
