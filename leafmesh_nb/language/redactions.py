"""``then: {redact: [paths]}``: the places in what passes the gate that are taken out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from leafmesh_nb.language.blocks import Block, read_block
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.nodes import MappingNode, ScalarNode, SequenceNode
from leafmesh_nb.language.policy_scope import PASSING, PolicyScope
from leafmesh_nb.language.spec import Redaction
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, describe

__all__ = ["REDACT", "build_redactions", "redaction_example"]

REDACT = Block("`then`", later=("redact",))

_PATH = re.compile(r"[A-Za-z_]\w*(?:\[\])*(?:\.(?:[A-Za-z_]\w*|\*)(?:\[\])*)*\Z", re.ASCII)
_PART = re.compile(r"\w+|\*|\[\]", re.ASCII)


def build_redactions(
    ctx: Context, node: MappingNode, scope: PolicyScope | None
) -> tuple[Redaction, ...]:
    """The places of a ``{redact: [paths]}``, without those that cannot be, which are reported.

    ``scope`` is None where the point of the policy is not known.
    """
    example = redaction_example(scope)
    keys = read_block(ctx, node, REDACT, node.span, example)
    if keys is None:
        return ()
    if not node.entries:
        ctx.collector.error("LM211", "`then` is empty.", node.span, f"Write {example}.")
    if scope is not None and scope.at not in PASSING and "redact" in keys:
        ctx.collector.error(
            "LM504",
            f"Nothing passes at `{scope.at}` that could be redacted.",
            keys.span("redact"),
            "Write approve, ask or deny.",
        )
    value = keys.get("redact")
    if isinstance(value, SequenceNode) and not value.items:
        ctx.collector.error("LM211", "`redact` is an empty list.", value.span, f"Write {example}.")
    paths = keys.texts("redact", "paths")
    return tuple(r for r in (_redaction(ctx, path, scope) for path in paths) if r)


def redaction_example(scope: PolicyScope | None) -> str:
    """How a redaction is written at a point: with a field that passes there, if there is one."""
    root = PASSING.get(scope.at, "output") if scope else "output"
    fields = [field for type in (scope.passing if scope else ()) for field in type.fields]
    field = next((name for name, type in fields if _removable(type)), "email")
    return f"{{redact: [{root}.{field}]}}"


def _redaction(ctx: Context, node: ScalarNode, scope: PolicyScope | None) -> Redaction | None:
    text = node.text
    if not _PATH.match(text):
        ctx.collector.error(
            "LM210",
            "This is not a path.",
            node.span,
            "A path names fields, `[]` for each item of a list and `*` for each value of a map: "
            "output.orders[].email.",
        )
        return None
    parts = tuple(_PART.findall(text))
    found = Redaction(text, parts, node.span)
    if scope is None or scope.at not in PASSING:
        return found
    root = tuple(PASSING[scope.at].split("."))
    begins = parts[: len(root)] == root
    if not begins and parts[0] not in scope.names:
        _outside(ctx, node, PASSING[scope.at], any(_at(t, parts[:1]) for t in scope.passing))
        return None
    if not _leads_somewhere(ctx, node, scope):
        return None
    if not begins:
        _outside(ctx, node, PASSING[scope.at], False)
        return None
    for passing in scope.passing:
        type = _at(passing, parts[len(root) :])
        if type is not None and not _removable(type):
            ctx.collector.error(
                "LM403",
                f"This cannot be taken out: it is {describe(type)[:90]}, and nothing could stand "
                "in its place.",
                node.span,
                "Redact a text, or what may be null, or the fields within.",
            )
            return None
    return found


def _outside(ctx: Context, node: ScalarNode, root: str, inside: bool) -> None:
    ctx.collector.error(
        "LM310",
        f"Only what passes is redacted, and at this point that is `{root}`.",
        node.span,
        f"Write `{root}.{node.text}`." if inside else f"Begin the path with `{root}`.",
    )


def _removable(type: Type) -> bool:
    """Whether something can stand in for a value: null, or a text that says what was there."""
    if type.schema is not None:
        return type.nullable
    return type.nullable or type.kind in ("any", "string")


def _leads_somewhere(ctx: Context, node: ScalarNode, scope: PolicyScope) -> bool:
    """Whether there is something at the end of a path; if not, it is reported."""
    type = Type("object", fields=tuple(scope.names.items()))
    for match in _PART.finditer(node.text):
        part = match.group()
        inner = _inside(type, part)
        if inner is not None:
            type = inner
            continue
        so_far = node.text[: match.start()].rstrip(".")
        if type.kind == "object":
            close = suggest(part, type.names())
            known = ", ".join(type.names()[:12]) or "none"
            message = f"`{so_far}` has no field `{part}`."
            hint = f"Did you mean `{close}`?" if close else f"Its fields are {known}."
        else:
            message = f"`{so_far}` is {describe(type)[:90]}, and has no `{part}`."
            each = {"list": "[]", "map": "*"}.get(type.kind)
            hint = f"Write `{each}` for each value of it." if each else ""
        at = node.locate(match.start(), match.end())
        ctx.collector.error("LM311", message, at, hint)
        return False
    return True


def _at(type: Type, parts: Iterable[str]) -> Type | None:
    """The type at the end of a path; None if this type has no such place."""
    found: Type | None = type
    for part in parts:
        found = _inside(found, part) if found is not None else None
    return found


def _inside(type: Type, part: str) -> Type | None:
    if type.kind == "any":
        return ANY
    if type.kind == "object":
        return type.field(part)
    if (type.kind, part) in (("list", "[]"), ("map", "*")):
        return type.items or ANY
    return None
