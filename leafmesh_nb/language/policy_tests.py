"""The tests that a policy carries: what is given, and the outcome it must lead to."""

from __future__ import annotations

from typing import Any

from leafmesh_nb.language.blocks import Block, Keys, mapping, read_block
from leafmesh_nb.language.context import Context, Environment
from leafmesh_nb.language.nodes import Node, SequenceNode
from leafmesh_nb.language.plain import WRONG, accept_node
from leafmesh_nb.language.spec import VERDICTS, PolicyTest, Verdict
from leafmesh_nb.language.suggest import suggest

__all__ = ["build_tests"]

TEST = Block("a policy test", required=("given", "expect"))


LATER: tuple[Verdict, ...] = ("redact",)


def build_tests(ctx: Context, keys: Keys, names: Environment | None) -> tuple[PolicyTest, ...]:
    """The tests of a policy; ``names`` are those it may use at its point, None where that is not
    known. What is given comes out as typed Python values, and may leave fields out."""
    node = keys.get("tests")
    if node is None:
        return ()
    if not isinstance(node, SequenceNode):
        keys.wrong("tests", "a list of {given: …, expect: …}", node)
        return ()
    tests = []
    for item in node.items:
        block = read_block(ctx, item, TEST, item.span, "{given: {tool: …}, expect: approve}")
        if block is None:
            continue
        expect: Verdict | None = block.choice("expect", VERDICTS, LATER)
        given = block.get("given")
        if given is None or names is None:
            continue
        values = _given(ctx, given, names)
        if expect and values is not None:
            tests.append(PolicyTest(values, expect, item.span))
    return tuple(tests)


def _given(ctx: Context, node: Node, names: Environment) -> dict[str, Any] | None:
    found = mapping(ctx, node, "`given`", '{tool: {arguments: {amount: "100"}}}')
    if found is None:
        return None
    values: dict[str, Any] = {}
    for entry in found:
        name = entry.key.text
        type = names.get(name)
        if type is None:
            close = suggest(name, names)
            ctx.collector.error(
                "LM505",
                f"A policy has no name `{name}` at this point.",
                entry.key.span,
                f"Did you mean `{close}`?" if close else f"It has {', '.join(names)}.",
            )
            continue
        value = accept_node(ctx, type, entry.value, partial=True)
        if value is not WRONG:
            values[name] = value
    return values
