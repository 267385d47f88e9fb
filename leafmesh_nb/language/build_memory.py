"""The blocks ``memory``, ``people`` and ``tools``."""

from __future__ import annotations

import keyword
import re
from typing import Literal

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block
from leafmesh_nb.language.context import Context
from leafmesh_nb.language.expressions.static import in_words
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import Entry, MappingNode, Node, ScalarNode
from leafmesh_nb.language.spec import InDoubt, MemoryField, Person, ToolSpec
from leafmesh_nb.language.type_syntax import parse_fields, parse_type
from leafmesh_nb.language.types import Type

__all__ = ["build_memory", "build_people", "build_tools", "check_arguments", "python_name"]

FIELD = Block(
    "a memory field",
    required=("type",),
    optional=("scope", "merge", "sensitivity", "min", "max"),
)
PERSON = Block("a person", optional=("roles",))
TOOL = Block(
    "a tool",
    required=("input", "output"),
    optional=("python", "side_effect", "description", "on_in_doubt"),
)

IN_DOUBT: tuple[InDoubt, ...] = ("retry", "ask", "fail")
Merge = Literal["replace", "append", "extend"]
MERGES: tuple[Merge, ...] = ("replace", "append", "extend")

_PYTHON = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")


def build_memory(ctx: Context, node: Node) -> dict[str, MemoryField]:
    """Memory fields by name."""
    found = mapping(ctx, node, "`memory`", "{ticket: string}")
    if found is None:
        ctx.broken.add("memory")
        return {}
    fields = {}
    for entry in found:
        ctx.declared["memory"][entry.key.text] = entry.key.span
        valid = check_id(entry.key, "a memory field", ctx.collector)
        memory_field = _field(ctx, entry)
        if valid and memory_field:
            fields[memory_field.name] = memory_field
    return fields


def _field(ctx: Context, entry: Entry) -> MemoryField | None:
    node, name = entry.value, entry.key.text
    if not isinstance(node, MappingNode) or node.get("type") is None:
        if isinstance(node, MappingNode):
            settings = {"scope", "merge", "sensitivity"} & {e.key.text for e in node}
            if settings:
                ctx.collector.error(
                    "LM202",
                    "`type` is missing in a memory field.",
                    entry.key.span,
                    "With `scope`, `merge` or `sensitivity`, write {type: {list: string}, …}.",
                )
                return None
        return MemoryField(name, parse_type(node, ctx.collector), span=entry.key.span)
    keys = read_block(ctx, node, FIELD, entry.key.span)
    if keys is None or "type" not in keys:
        return None
    bounds = [e for e in node if e.key.text in ("type", "min", "max")]
    if len(bounds) > 1:
        type = parse_type(MappingNode(tuple(bounds), node.span, node.flow), ctx.collector)
    else:
        type = parse_type(bounds[0].value, ctx.collector)
    merge: Merge = keys.choice("merge", MERGES) or "replace"
    if merge != "replace" and type.schema is not None:
        ctx.collector.error(
            "LM209",
            f"`merge: {merge}` needs a list of the shorthand: one write does not tell whether the "
            "whole still fits a schema.",
            (keys.get("merge") or node).span,
            "Write type: {list: {schema: …}}, where the schema is of one item.",
        )
    elif merge != "replace" and type.kind not in ("list", "any"):
        value = keys.get("merge")
        ctx.collector.error(
            "LM209",
            f"`merge: {merge}` adds to a list, and this field is {in_words(type)}.",
            (value or node).span,
            "`append` and `extend` are for lists: write type: {list: …}, or merge: replace, and "
            "save the whole value each time.",
        )
    return MemoryField(
        name,
        type,
        scope=keys.choice("scope", ("run", "mesh")) or "run",
        merge=merge,
        sensitivity=keys.choice("sensitivity", ("public", "internal", "pii", "secret"))
        or "internal",
        span=entry.key.span,
    )


def build_people(ctx: Context, node: Node) -> dict[str, Person]:
    """People by name; their roles join ``declared["roster"]``."""
    found = mapping(ctx, node, "`people`", "{lead: {roles: [approver]}}")
    if found is None:
        ctx.broken.add("roster")
        return {}
    people: dict[str, Person] = {}
    roles: list[ScalarNode] = []
    for entry in found:
        ctx.declared["roster"][entry.key.text] = entry.key.span
        valid = check_id(entry.key, "a person", ctx.collector)
        if isinstance(entry.value, ScalarNode) and entry.value.value is None:
            if entry.value.text:
                ctx.collector.warning(
                    "LM211",
                    f"Nothing is said of `{entry.key.text[:80]}`, who has no role.",
                    entry.value.span,
                    "Write {roles: [approver]}, or {} for a person without a role.",
                )
            people[entry.key.text] = Person(entry.key.text, span=entry.key.span)
            continue
        keys = read_block(ctx, entry.value, PERSON, entry.key.span, "{roles: [approver]}")
        if keys is None:
            continue
        own = [r for r in keys.texts("roles", "roles") if check_id(r, "a role", ctx.collector)]
        roles += own
        if valid:
            people[entry.key.text] = Person(
                entry.key.text, tuple(r.text for r in own), entry.key.span
            )
    for role in roles:
        if role.text in people:
            ctx.collector.error(
                "LM206",
                f"`{role.text}` is the name of a person and cannot be a role.",
                role.span,
                "Rules name both in the same way: choose another name for the role.",
            )
        ctx.declared["roster"].setdefault(role.text, role.span)
    return people


def build_tools(ctx: Context, node: Node) -> dict[str, ToolSpec]:
    """Tools by name."""
    found = mapping(ctx, node, "`tools`")
    if found is None:
        ctx.broken.add("tools")
        return {}
    tools = {}
    for entry in found:
        ctx.declared["tools"][entry.key.text] = entry.key.span
        valid = check_id(entry.key, "a tool", ctx.collector)
        keys = read_block(
            ctx,
            entry.value,
            TOOL,
            entry.key.span,
            "{input: {order: string}, output: {ok: boolean}}",
        )
        if keys is None:
            continue
        tool = ToolSpec(
            name=entry.key.text,
            input=fields_of(ctx, keys, "input"),
            output=fields_of(ctx, keys, "output"),
            python=python_name(ctx, keys),
            side_effect=keys.boolean("side_effect"),
            description=keys.text("description"),
            on_in_doubt=keys.choice("on_in_doubt", IN_DOUBT),
            span=entry.key.span,
        )
        check_arguments(ctx, keys.get("input"), "a tool")
        if valid:
            tools[tool.name] = tool
    return tools


def fields_of(ctx: Context, keys: Keys, name: str) -> Type:
    """The object that ``input`` or ``output`` describes; empty where it is missing."""
    node = keys.get(name)
    return parse_fields(node, f"`{name}`", ctx.collector) if node else Type("object")


def python_name(ctx: Context, keys: Keys) -> str | None:
    """``module:function``, or None."""
    name = keys.text("python") or None
    if name and not _PYTHON.match(name):
        node = keys.get("python")
        ctx.collector.error(
            "LM210",
            "`python` must be module:function.",
            (node or keys.node).span,
            'For example "shop:pay_out". Without it, a function is bound in the notebook.',
        )
    return name


def check_arguments(ctx: Context, node: Node | None, what: str) -> None:
    """Report inputs that a Python function cannot take as arguments."""
    if not isinstance(node, MappingNode):
        return
    for entry in node:
        name = entry.key.text
        if keyword.iskeyword(name) or name == "ctx":
            why = "is the context" if name == "ctx" else "is a keyword of Python"
            ctx.collector.error(
                "LM205",
                f"`{name}` cannot be an input of {what} in Python: it {why}.",
                entry.key.span,
                f"Call it `{name}_value` or something else.",
            )
