"""The outline of a mesh that is being written."""

from __future__ import annotations

from typing import Any

import pytest

from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.editing.outline import Branch, read_outline
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source


def shape(branch: Branch) -> Any:
    """A branch as plain data."""
    children = branch.children
    if any(child.is_item for child in children) or branch.text.startswith("["):
        return [shape(child) for child in children]
    if children or branch.bracketed:
        return {child.name: shape(child) for child in children}
    return branch.scalar


def read_shape(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return node.text
    if isinstance(node, MappingNode):
        return {entry.key.text: read_shape(entry.value) for entry in node}
    return [read_shape(item) for item in node.items]


def test_a_whole_mesh_is_what_the_reader_reads(refunds: str) -> None:
    node = read(Source(refunds), Collector(Source(refunds)))
    assert node is not None
    assert shape(read_outline(refunds)) == read_shape(node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb:\n  c: 2\n", {"a": "1", "b": {"c": "2"}}),
        ("a:\n- x\n- y: 1\n  z: 2\n", {"a": ["x", {"y": "1", "z": "2"}]}),
        ("a:\n  - - x\n    - y\n", {"a": [["x", "y"]]}),
        ("a: {b: [c, d}\ne: f", {"a": {"b": ["c", "d"]}, "e": "f"}),
        ("a: {b: {c: \nd: e", {"a": {"b": {"c": ""}}, "d": "e"}),
        ("a: {b: 1,\n    c: 2}\n", {"a": {"b": "1", "c": "2"}}),
        ("a: # note\n  b: c # note\n", {"a": {"b": "c"}}),
        ("a: \"b: c\"\nd: 'e'\n", {"a": "b: c", "d": "e"}),
        ('"a b": 1\n', {"a b": "1"}),
        ("a: |\n  b: c\n  d\ne: f\n", {"a": "|\n  b: c\n  d", "e": "f"}),
        ("a:\n  half\n  b: c\n", {"a": {"b": "c"}}),
        ("a: {{name}}\nb: c\n", {"a": "{{name}}", "b": "c"}),
        ("a: {x: min(b, c) > d[0], e: f}", {"a": {"x": "min(b, c) > d[0]", "e": "f"}}),
        ("a: {b: it's, c: d}", {"a": {"b": "it's", "c": "d"}}),
        ("", ""),
        ("- ", [""]),
        ("}\n]\n: \n", ""),
    ],
)
def test_what_is_half_written(text: str, expected: Any) -> None:
    assert shape(read_outline(text)) == expected


def test_places(refunds: str) -> None:
    for branch in read_outline(refunds).walk():
        assert refunds[branch.value : branch.stop] == branch.text
        if branch.name:
            assert refunds[branch.start : branch.end] == branch.name
        assert branch.start <= branch.value <= branch.stop <= len(refunds)


def test_an_agent_of_a_cell_of_its_own() -> None:
    text = "%%agent clerk\nrole: Clerk\nlimits: {calls: 3}\n"
    root = read_outline(text, text.index("\n") + 1, ("agents", "clerk"))
    assert shape(root) == {"agents": {"clerk": {"role": "Clerk", "limits": {"calls": "3"}}}}
    calls = root.at("agents", "clerk", "limits", "calls")
    assert calls is not None
    assert [branch.name for branch in calls.path] == ["agents", "clerk", "limits", "calls"]
