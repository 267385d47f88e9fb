"""The report: its six layers, their colours, and the shapes that others read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from leafmesh_nb.compose import LAYERS, LayerReport, Report
from leafmesh_nb.language import Diagnostic, Span

SPAN = Span(3, 5, 3, 9)
ERROR = Diagnostic("LM550", "error", "It `fails`.", SPAN, "Do this.", "cell", ("    line",))
WARNING = Diagnostic("LM554", "warning", "It <may> cost $5 or $9.", SPAN, "", "cell", ("x",))


def report(**layers: LayerReport) -> Report:
    return Report("refunds", "cell", tuple(layers.get(n, LayerReport(n)) for n in LAYERS))


@pytest.mark.parametrize(
    ("layer", "colour"),
    [
        (LayerReport("types"), "green"),
        (LayerReport("types", facts={"summary": "all of it"}), "green"),
        (LayerReport("types", unproven=("Nobody knows.",)), "not proven"),
        (LayerReport("types", (WARNING,)), "amber"),
        (LayerReport("types", (WARNING,), ("Nobody knows.",)), "amber"),
        (LayerReport("types", (WARNING, ERROR)), "red"),
    ],
)
def test_a_layer_is_green_only_where_all_of_it_is_proven(layer: LayerReport, colour: str) -> None:
    assert layer.colour == colour


def test_only_errors_make_a_report_bad() -> None:
    warned = report(types=LayerReport("types", (WARNING,)), cost=LayerReport("cost", (), ("?",)))
    assert warned.ok
    assert warned.verdict == "no errors, 1 warning; not proven: cost"
    assert report().verdict == "ready: every layer is green"
    bad = report(types=LayerReport("types", (ERROR, WARNING)))
    assert not bad.ok
    assert bad.verdict == "not ready: 1 error"
    assert bad.diagnostics == (ERROR, WARNING)


def test_a_terminal_gets_the_findings_in_the_order_of_the_text() -> None:
    from leafmesh_nb.compose.render import report_text

    first = replace(WARNING, span=Span(1, 1, 1, 2), message="It is first.")
    text = report_text(
        report(types=LayerReport("types", (ERROR,)), cost=LayerReport("cost", (first,)))
    )
    assert text.index("It is first.") < text.index("It `fails`.")


def test_a_layer_is_found_by_its_name() -> None:
    assert report().layer("cost").name == "cost"
    with pytest.raises(KeyError, match="the layers are schema, types, policy"):
        report().layer("speed")


def test_the_frame_has_a_row_for_everything_and_for_every_layer() -> None:
    frame = report(
        types=LayerReport("types", (ERROR, WARNING), ("Nobody knows.",)),
        cost=LayerReport("cost", (), ("The price.",)),
    ).to_frame()
    assert list(dict.fromkeys(frame["layer"])) == list(LAYERS)
    types = frame[frame["layer"] == "types"]
    assert list(types["severity"]) == ["error", "warning", "not proven"]
    assert list(types["line"].dropna()) == [3, 3]
    assert frame[frame["layer"] == "schema"]["severity"].isna().all()
    assert list(frame[frame["layer"] == "cost"]["message"]) == ["The price."]


def test_as_json_money_is_text_and_every_layer_is_there() -> None:
    from decimal import Decimal

    found = report(cost=LayerReport("cost", facts={"at most": Decimal("0.10")})).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert [layer["name"] for layer in found["layers"]] == list(LAYERS)
    assert found["layers"][4]["facts"] == {"at most": "0.10"}
    assert found["ok"] is True


def test_the_text_has_six_rows_then_findings_then_what_is_open() -> None:
    text = str(report(types=LayerReport("types", (ERROR,), ("The `result` is open.",))))
    lines = text.split("\n")
    assert lines[0] == "refunds: not ready: 1 error"
    assert [line.split()[0] for line in lines[2:8]] == list(LAYERS)
    assert "types   ✕ red" in lines[3]
    assert "error LM550: It `fails`." in text
    assert "= Do this." in text
    assert "not proven, types: The `result` is open." in text
    assert "\x1b" not in text


def test_a_terminal_may_have_colours() -> None:
    from leafmesh_nb.compose.render import report_text

    assert "\x1b[31m✕ red" in report_text(report(types=LayerReport("types", (ERROR,))), True)


def test_the_html_stands_alone_and_escapes_every_text() -> None:
    hostile = "<script>alert(1)</script>"
    html = Report(
        hostile,
        hostile,
        (
            LayerReport("schema", (WARNING,), (f"{hostile} `{hostile}`",), {"summary": hostile}),
            *(LayerReport(name) for name in LAYERS[1:]),
        ),
    )._repr_html_()
    assert "<script" not in html
    assert html.count("<tr") == len(LAYERS)
    assert "It &lt;may&gt; cost <span>$</span>5" in html
    for part in ("class=", "<style", "http", "src="):
        assert part not in html


def test_the_short_form_names_every_colour() -> None:
    assert repr(report()) == (
        "<Report refunds: schema green, types green, policy green, safety green, cost green, "
        "output green>"
    )


# -- SARIF


def sarif(**layers: LayerReport) -> Any:
    return report(**layers).to_sarif("1.2")


def test_sarif_has_a_result_for_each_finding_with_its_place() -> None:
    log = sarif(types=LayerReport("types", (ERROR, WARNING)))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["tool"]["driver"]["version"] == "1.2"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["LM550", "LM554"]
    rule = run["tool"]["driver"]["rules"][0]
    assert rule["fullDescription"]["text"].startswith("One of the policy's own tests")
    assert rule["help"]["markdown"].startswith("# LM550: ")
    assert rule["help"]["text"].startswith("LM550: ")
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("LM550", "error")
    assert first["message"]["text"] == "It `fails`.\nDo this."
    region = first["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}
    assert first["properties"] == {"layer": "types"}


def test_sarif_leaves_open_what_is_not_proven() -> None:
    (result,) = sarif(cost=LayerReport("cost", (), ("The price.",)))["runs"][0]["results"]
    assert (result["kind"], result["level"]) == ("open", "none")


def test_sarif_names_files_as_uris() -> None:
    moved = Report("m", "my meshes/a#b.yaml", (LayerReport("schema", (ERROR,)),))
    found = Diagnostic("LM550", "error", "x", SPAN, source="/srv/a b.yaml")
    absolute = Report("m", "/srv/a b.yaml", (LayerReport("schema", (found,)),))

    def uri(log: Any) -> str:
        place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        return str(place["artifactLocation"]["uri"])

    assert uri(absolute.to_sarif()) == "file:///srv/a%20b.yaml"
    assert uri(Report("m", "x", (LayerReport("schema", (), ("?",)),)).to_sarif()) == "x"
    assert uri(moved.to_sarif()) == "cell"
