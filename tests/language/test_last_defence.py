"""An exception that nobody foresaw is one message, wherever a text is looked at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from leafmesh_nb import Mesh
from leafmesh_nb.cli.main import main
from leafmesh_nb.compose import pipeline
from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import loading, parse, render_html, render_text
from leafmesh_nb.mesh import checking
from leafmesh_nb.mesh.checking import check_text

SAYS = "This is a fault of leafmesh_nb, not of what you wrote: AttributeError: no `kind`"
TOLD = "a fault of leafmesh_nb"


def broken(*_: object, **__: object) -> None:
    raise AttributeError("no `kind`\nand more lines of it")


@pytest.fixture
def in_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "build", broken)


@pytest.mark.usefixtures("in_the_language")
def test_a_text_gets_one_message_with_the_place(faults: list[str]) -> None:
    parsed = parse("mesh: m", source="cell")
    (found,) = parsed.diagnostics
    assert (parsed.spec, found.code, found.severity, found.source) == (
        None,
        "LM198",
        "error",
        "cell",
    )
    assert found.message == f"{SAYS} (leafmesh_nb/language/loading.py:{_line('build(Context(')})."
    assert "Please report it" in found.hint
    for shown in (render_text(parsed.diagnostics), render_html(parsed.diagnostics), str(found)):
        assert "Traceback" not in shown
    assert faults == [TOLD]
    faults.clear()


def _line(part: str) -> int:
    """Where the call stands that fails."""
    text = Path(loading.__file__).read_text(encoding="utf-8")
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.usefixtures("in_the_language")
def test_what_was_found_before_is_told_as_well(faults: list[str]) -> None:
    parsed = parse("mesh: m\ndescription: no\n# password: hunter2hunter2\n")
    assert [d.code for d in parsed.diagnostics] == ["LM122", "LM601", "LM198"]
    faults.clear()


@pytest.mark.usefixtures("in_the_language")
def test_a_mesh_that_cannot_be_loaded_raises_with_it(faults: list[str]) -> None:
    with pytest.raises(MeshError, match="a fault of leafmesh_nb"):
        Mesh.from_yaml("mesh: m")
    faults.clear()


def test_a_secret_in_the_exception_is_masked(
    monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> None:
    key = "sk-" + "ant-api03-Ab3dEfGh1jKlMn0pQr"

    def told(*_: object) -> None:
        raise ValueError(f"bad {key}")

    monkeypatch.setattr(loading, "build", told)
    (found,) = parse("mesh: m").diagnostics
    assert key[8:] not in found.message
    faults.clear()


def test_a_layer_of_the_check_is_red_and_the_others_say_theirs(
    monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> None:
    layers = tuple((name, broken if name == "cost" else look) for name, look in pipeline.PIPELINE)
    monkeypatch.setattr(pipeline, "PIPELINE", layers)
    report = check_text("mesh: m")
    assert not report.ok
    assert [layer.name for layer in report.layers if layer.colour == "red"] == ["cost"]
    assert [d.code for d in report.layer("cost").diagnostics] == ["LM198"]
    faults.clear()


@pytest.mark.parametrize("debug", [False, True])
def test_a_shell_gets_a_sentence_and_exit_code_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    faults: list[str],
    debug: bool,
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("mesh: m", encoding="utf-8")
    monkeypatch.setattr(checking, "check_text", broken)
    if debug:
        monkeypatch.setenv("LEAFMESH_DEBUG", "1")
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"leafmesh-nb: {SAYS}")
    assert "Traceback" not in err.partition("DEBUG:")[0]
    (record,) = [r for r in caplog.records if r.name == "leafmesh_nb"]
    assert (record.levelno, record.getMessage()) == (logging.DEBUG, TOLD)
    faults.clear()


@pytest.mark.usefixtures("in_the_language")
@pytest.mark.parametrize("format", ["text", "json", "sarif"])
def test_every_format_of_a_check_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], faults: list[str], format: str
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("mesh: m", encoding="utf-8")
    assert main(["check", str(file), "--format", format]) == 1
    out, err = capsys.readouterr()
    assert "LM198" in out
    assert err == ""
    faults.clear()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_who_stops_it_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, stop: Callable[[], BaseException]
) -> None:
    def stopped(*_: object) -> None:
        raise stop()

    monkeypatch.setattr(loading, "build", stopped)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        parse("mesh: m")
