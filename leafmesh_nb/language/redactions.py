"""``then: {redact: [paths]}``: the places in what passes the gate that are taken out of it."""

from __future__ import annotations

import re

from leafmesh_nb.language.blocks import Block, read_block
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.nodes import MappingNode, ScalarNode, SequenceNode
from leafmesh_nb.language.policy_scope import PASSING
from leafmesh_nb.language.spec import Point, Redaction
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.language.types import ANY, Type, describe

__all__ = ["REDACT", "build_redactions"]

REDACT = Block("`then`", later=("redact",))

_PATH = re.compile(r"[A-Za-z_]\w*(?:\[\])*(?:\.(?:[A-Za-z_]\w*|\*)(?:\[\])*)*\Z", re.ASCII)
_PART = re.compile(r"\w+|\*|\[\]", re.ASCII)


def build_redactions(
    ctx: Context, node: MappingNode, at: Point | None, names: Environment | None
) -> tuple[Redaction, ...]:
    """The places of a ``{redact: [paths]}``, without those that are not there, which are reported.

    ``at`` and ``names`` are None where the point of the policy is not known.
    """
    keys = read_block(ctx, node, REDACT, node.span, example(at))
    if keys is None:
        return ()
    if not node.entries:
        ctx.collector.error("LM211", "`then` is empty.", node.span, f"Write {example(at)}.")
    root = None if at is None else PASSING.get(at)
    if at is not None and root is None and "redact" in keys:
        ctx.collector.error(
            "LM504",
            f"Nothing passes at `{at}` that could be redacted.",
            keys.span("redact"),
            "Write approve, ask or deny.",
        )
    paths = keys.texts("redact", "paths")
    if "redact" in keys and not paths and isinstance(value := keys.get("redact"), SequenceNode):
        ctx.collector.error(
            "LM211", "`redact` is an empty list.", value.span, f"Write {example(at)}."
        )
    return tuple(r for r in (_redaction(ctx, path, root, names) for path in paths) if r)


def example(at: Point | None) -> str:
    """How a redaction is written at a point."""
    root = PASSING.get(at) if at is not None else None
    return f"{{redact: [{root or 'output'}.email]}}"


def _redaction(
    ctx: Context, node: ScalarNode, root: str | None, names: Environment | None
) -> Redaction | None:
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
    found = Redaction(text, tuple(_PART.findall(text)), node.span)
    if root is None or names is None:
        return found
    if text != root and not text.startswith((f"{root}.", f"{root}[]")):
        inside = _type_at(names, root)
        first = found.parts[0]
        ctx.collector.error(
            "LM310",
            f"Only what passes is redacted, and at this point that is `{root}`.",
            node.span,
            f"Write `{root}.{text}`."
            if inside is not None and (inside.kind == "any" or first in inside.names())
            else f"Begin the path with `{root}`.",
        )
        return None
    type = _walk(ctx, node, found.parts, names)
    if type is None or type.nullable or type.kind in ("any", "string"):
        return found
    ctx.collector.error(
        "LM403",
        f"This cannot be taken out: it is {describe(type)[:90]}, and nothing could stand in its "
        "place.",
        node.span,
        "Redact a text, or what may be null, or the fields within.",
    )
    return None


def _walk(
    ctx: Context, node: ScalarNode, parts: tuple[str, ...], names: Environment
) -> Type | None:
    """The type at the end of a path; ``any`` if it cannot be known, None if it leads nowhere."""
    type: Type = Type("object", fields=tuple(names.items()))
    for index, part in enumerate(parts):
        if type.kind == "any":
            return ANY
        inner = _inside(type, part)
        if inner is None:
            so_far = ".".join(parts[:index]).replace(".[]", "[]")
            close = suggest(part, type.names())
            known = ", ".join(type.names()[:12])
            if type.kind == "object":
                message = f"`{so_far}` has no field `{part}`."
                hint = f"Did you mean `{close}`?" if close else f"Its fields are {known or 'none'}."
            else:
                message = f"`{so_far}` is {describe(type)[:90]}, and has no `{part}`."
                step = {"list": "[]", "map": "*"}.get(type.kind)
                hint = f"Write `{step}` for each value of it." if step else ""
            ctx.collector.error("LM311", message, node.span, hint)
            return None
        type = inner
    return type


def _inside(type: Type, part: str) -> Type | None:
    if type.kind == "object":
        return type.field(part)
    if (type.kind, part) in (("list", "[]"), ("map", "*")):
        return type.items or ANY
    return None


def _type_at(names: Environment, path: str) -> Type | None:
    type: Type | None = Type("object", fields=tuple(names.items()))
    for part in path.split("."):
        type = type.field(part) if type is not None else None
    return type
