"""When a cell fails: the last good mesh of that name stays in force, and it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import leafmesh_nb as lm
from leafmesh_nb.language.loading import stated_name
from leafmesh_nb.mesh import registry

OTHER = """%%mesh -o other
mesh: other
agents:
  adder:
    role: Adds one
    kind: python
    capabilities: {add: {input: {n: integer}, output: {n: integer}}}
workflows:
  add: {input: {n: integer}, steps: {one: {capability: add, with: {n: input.n}}}}
"""
BIND = "@other.agent('adder')\ndef add(n):\n    return {'n': n + 1}"

Refunds = Callable[[], Any]


def test_of_the_name_that_the_text_gives(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(OTHER)
    cells.run("%%mesh\nmesh: refunds\nagnts: {}\n")
    assert isinstance(cells.error, lm.MeshError)
    assert (
        "1 error in this cell; mesh refunds as it was defined before stays in force, and mesh "
        "other the current one" in cells.out
    )
    cells.run("%%mesh\nmesh: other\nagnts: {}\n")
    assert "; mesh other as it was defined before stays in force\n" in cells.out + "\n"
    current = registry.defined()
    assert current is not None
    assert current.name == "other"


def test_of_a_name_that_is_new(refunds: Refunds) -> None:
    cells = refunds()
    cells.run("%%mesh\nmesh: payments\nagents: [\n")
    assert "; mesh payments is not defined, and mesh refunds stays the current one" in cells.out
    assert registry.defined("payments") is None


def test_of_no_name_at_all(refunds: Refunds) -> None:
    cells = refunds()
    cells.run("%%mesh\nagents: [\n")
    assert "; mesh refunds as it was defined before stays in force" in cells.out


def test_where_there_was_none(cells: Any) -> None:
    cells.run("%%mesh\nmesh: refunds\nagnts: {}\n")
    assert "1 error in this cell" in cells.out
    assert "stays" not in cells.out


def test_what_stays_in_force_still_runs(refunds: Refunds) -> None:
    cells = refunds()
    cells.good(OTHER)
    cells.good(BIND)
    cells.run("%%mesh -o other\nmesh: other\nworkflows: 3\n")
    assert isinstance(cells.error, lm.MeshError)
    cells.good("%mesh run add n=1 -o run")
    assert cells.good("run.result(20)") == {}
    assert cells.shell.user_ns["run"].status == "done"


def test_a_mesh_defined_again_keeps_its_functions_though_another_came_between(
    refunds: Refunds,
) -> None:
    cells = refunds()
    cells.good(OTHER)
    cells.good(BIND)
    cells.good(OTHER.replace("-o other", "-o third").replace("mesh: other", "mesh: third"))
    cells.good(OTHER)
    cells.good("%mesh run add n=1 -o run")
    cells.good("run.result(20)")
    assert cells.shell.user_ns["run"].status == "done"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mesh: refunds\n", "refunds"),
        ("# a comment\nmesh:   refunds # so\nagents: [", "refunds"),
        ('\ufeffmesh: "refunds"\r\n', "refunds"),
        ("  mesh: inner\n", ""),
        ("meshes: a\n", ""),
        ("mesh:\n", ""),
        ("mesh: {a: b}\n", ""),
        ("", ""),
        ("\x00\ud800", ""),
    ],
)
def test_the_name_that_a_text_gives(text: str, name: str) -> None:
    assert stated_name(text) == name
