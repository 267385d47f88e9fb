"""``check`` and ``new``: exit codes as documented, one clear message for bad input."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from leafmesh_nb.cli import main

REFUNDS = Path(__file__).parents[1] / "fixtures" / "refunds.yaml"
Out = pytest.CaptureFixture[str]


def test_a_good_mesh(capsys: Out) -> None:
    assert main(["check", str(REFUNDS)]) == 0
    out = capsys.readouterr().out
    for layer in ("schema", "types", "policy", "safety", "cost", "output"):
        assert layer in out


def test_errors(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("mesh: a\nagnts: {}\n")
    assert main(["check", str(file)]) == 1
    out = capsys.readouterr().out
    assert "agnts" in out
    assert "Did you mean `agents`?" in out
    assert main(["check", str(file), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    schema = found["layers"][0]
    assert (schema["name"], schema["colour"]) == ("schema", "red")
    assert schema["diagnostics"][0]["code"].startswith("LM2")


def test_sarif_names_the_file_and_the_line(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("mesh: a\nagnts: {}\n")
    assert main(["check", str(file), "--format", "sarif"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["version"] == "2.1.0"
    (run,) = said["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("bad.yaml")
    assert place["region"]["startLine"] == 2


def test_bytes_that_are_no_text(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "binary.yaml"
    file.write_bytes(b"\xff\xfe\x00mesh: \x80")
    assert main(["check", str(file)]) == 1
    assert "not UTF-8" in capsys.readouterr().out


def test_unreadable_or_a_bad_flag(tmp_path: Path, capsys: Out) -> None:
    assert main(["check", "nosuch.yaml"]) == 2
    assert "nosuch.yaml: No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["check", str(REFUNDS), "--nosuch"])
    assert caught.value.code == 2
    samples = tmp_path / "samples.json"
    for text in ("[", "{}", "[1]"):
        samples.write_text(text)
        assert main(["check", str(REFUNDS), "--samples", str(samples)]) == 2
        assert "samples.json" in capsys.readouterr().err


@pytest.mark.parametrize("template", ["refunds", "triage"])
def test_a_template_checks_and_runs_as_it_says(
    workdir: Path, capsys: Out, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(workdir))
    assert main(["new", template, "--out", "mine"]) == 0
    out = capsys.readouterr().out
    assert f"wrote  mine/{template}.yaml" in out
    check, run = (line.removeprefix("next").strip() for line in out.splitlines()[-2:])
    assert main(shlex.split(check)[1:]) == 0
    assert "✕" not in capsys.readouterr().out
    assert main(shlex.split(run)[1:]) == 0
    assert "✓ Done" in capsys.readouterr().out

    assert main(["new", template, "--out", "mine"]) == 2
    assert "nothing was written" in capsys.readouterr().err


def test_no_such_template_and_no_place(workdir: Path, capsys: Out) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["new", "nosuch"])
    assert caught.value.code == 2
    assert "refunds" in capsys.readouterr().err
    (workdir / "file").write_text("")
    assert main(["new", "triage", "--out", "file/inner"]) == 2
    assert "file/inner" in capsys.readouterr().err
