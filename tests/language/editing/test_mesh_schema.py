"""The JSON Schema takes every mesh that the compiler takes, and sees what is misspelt."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leafmesh_nb.language import parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.editing.mesh_schema import mesh_schema
from leafmesh_nb.language.editing.outline import Branch, read_outline
from leafmesh_nb.language.editing.reference import sections
from leafmesh_nb.language.editing.shape import key_of
from leafmesh_nb.language.nodes import MappingNode, Node, ScalarNode
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source

ROOT = Path(__file__).parents[3]
MESHES = [
    *(ROOT / "leafmesh_nb" / "cli" / "templates").rglob("*.yaml"),
    *(ROOT / "tests" / "fixtures").rglob("*.yaml"),
    *(ROOT / "tests" / "compose" / "faults").rglob("*.clean.yaml"),
]
VALIDATOR = jsonschema.Draft202012Validator(mesh_schema())


def data(text: str) -> Any:
    """A text as an editor that reads YAML 1.2 has it."""
    node = read(Source(text), Collector(Source(text)))
    assert node is not None
    return _plain(node)


def _plain(node: Node) -> Any:
    if isinstance(node, ScalarNode):
        return float(node.value) if isinstance(node.value, Decimal) else node.value
    if isinstance(node, MappingNode):
        return {entry.key.text: _plain(entry.value) for entry in node}
    return [_plain(item) for item in node.items]


def errors(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data(text))]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(mesh_schema())
    assert mesh_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("file", MESHES, ids=lambda file: str(file.relative_to(ROOT)))
def test_it_takes_what_the_compiler_takes(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if parse(text).spec is None:
        pytest.skip("not a mesh that this version takes")
    assert errors(text) == []


def test_it_takes_the_mesh_of_the_quickstart() -> None:
    import nbformat

    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    (cell,) = [c.source for c in notebook.cells if c.source.startswith("%%mesh")]
    assert errors(cell.partition("\n")[2]) == []


def keys_of(text: str) -> list[tuple[str, int, int]]:
    """Every key of the language in a mesh, with where it is written."""
    return [
        (branch.name, branch.start, branch.end)
        for branch in read_outline(text).walk()
        if key_of(branch) is not None
    ]


def test_it_sees_every_key_that_is_misspelt(refunds: str) -> None:
    keys = keys_of(refunds)
    assert len({name for name, _, _ in keys}) > 45
    for name, start, end in keys:
        misspelt = f"{refunds[:start]}{name}_{refunds[end:]}"
        assert errors(misspelt), refunds[max(0, start - 40) : end]


def test_it_sees_every_required_key_that_is_missing(refunds: str) -> None:
    missing = set()
    for branch in read_outline(refunds).walk():
        found = key_of(branch)
        if found is None or not found[0].required(branch.name):
            continue
        missing.add((found[0].block.what, branch.name))
        mesh = data(refunds)
        *holder, name = path_of(branch)
        inner = mesh
        for step in holder:
            inner = inner[step]
        del inner[name]
        assert not VALIDATOR.is_valid(mesh), path_of(branch)
    assert len(missing) > 12


def path_of(branch: Branch) -> list[str | int]:
    """The keys and indexes that lead to a branch."""
    found: list[str | int] = []
    for step in branch.path:
        assert step.parent is not None
        found.append(step.parent.children.index(step) if step.is_item else step.name)
    return found


def test_it_names_what_is_missing(refunds: str) -> None:
    assert errors(refunds.replace("    role: Refund clerk\n", "")) == [
        "'role' is a required property"
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: python", "kind: pyhton"),
        ("scope: mesh", "scope: meshes"),
        ("tier: small", "tier: tiny"),
        ("timeout: 20s", "timeout: 20"),
        ("within: 30m", "within: 30 minutes"),
        ("then: approve", "then: aprove"),
        ("at: tool", "at: tol"),
        ("side_effect: true", "side_effect: yes"),
        ("ticket:     string", "ticket:     text"),
        ("ticket:     string", "ticket:     {list: strings}"),
        ("proficiency: 0.8", "proficiency: 80"),
        ("mesh: refunds", "mesh: Refunds"),
        ("  triage:", "  Triage:"),
        ("budgets: {run: 0.50", "budgets: {run: cheap"),
        ("tools: [pay_out]", "tools: {pay_out: true}"),
    ],
)
def test_it_sees_wrong_values(refunds: str, old: str, new: str) -> None:
    assert old in refunds
    changed = refunds.replace(old, new, 1)
    assert errors(changed), new
    assert parse(changed).spec is None, "the compiler refuses it too"


def test_every_key_is_described_and_nothing_else_is_allowed() -> None:
    schema = mesh_schema()
    maps = [schema, *(s for s in schema["$defs"].values() if "properties" in s)]
    assert len(maps) > 20
    for found in maps:
        assert found["additionalProperties"] is False
        assert found["description"]
        for name, key in found["properties"].items():
            assert key["description"], (found["title"], name)


def test_no_key_of_a_later_version_is_in_it() -> None:
    definitions = mesh_schema()["$defs"]
    for name, section in sections().items():
        shown = definitions.get(name.replace(" ", "_"))
        if shown is not None and "properties" in shown:
            assert set(shown["properties"]) == set(section.available())
