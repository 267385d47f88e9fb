"""``schema``: the JSON Schema of a mesh, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leafmesh_nb.cli import main
from leafmesh_nb.language.editing.mesh_schema import mesh_schema


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == mesh_schema()
    assert err == ""


def test_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mesh.schema.json"
    assert main(["schema", "-o", str(file)]) == 0
    assert json.loads(file.read_text(encoding="utf-8")) == mesh_schema()
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "-o", str(tmp_path / "nowhere" / "mesh.json")]) == 2
    err = capsys.readouterr().err
    assert "nowhere" in err
    assert "No such file" in err
