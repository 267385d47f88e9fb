"""Diagnostics as SARIF 2.1.0: what its specification requires of each part that we write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leafmesh_nb.compose import LayerReport, Report
from leafmesh_nb.language import parse

jsonschema = pytest.importorskip("jsonschema")

ID = {"type": "string", "minLength": 1}
TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": ID, "markdown": ID},
}
REGION = {
    "type": "object",
    "required": ["startLine"],
    "additionalProperties": False,
    "properties": {
        name: {"type": "integer", "minimum": 1}
        for name in ("startLine", "startColumn", "endLine", "endColumn")
    },
}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["physicalLocation"],
    "properties": {
        "message": TEXT,
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "pattern": r"^[^\s<>\"{}|\\^`]+$"}},
                },
                "region": REGION,
            },
        },
    },
}
# The members, their names, enums and bounds as in sections 3.13 to 3.49 of the specification;
# what we do not write is left out, and `additionalProperties` sees to it that this is all.
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": ID,
                                    "version": ID,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": ID,
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": ID,
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "kind": {
                                    "enum": [
                                        "notApplicable", "pass", "fail", "review", "open",
                                        "informational",
                                    ]
                                },
                                "message": TEXT,
                                "locations": {"type": "array", "items": LOCATION},
                                "relatedLocations": {
                                    "type": "array",
                                    "uniqueItems": True,
                                    "items": LOCATION,
                                },
                                "properties": {"type": "object"},
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip

TEXTS = {
    "nothing": "",
    "an unknown key": "mesh: a\nagnets: 1\n",
    "a related place": "mesh: a\nmesh: b\n",
    "no YAML": "mesh: [\n",
    "many lines": "mesh: a\nmemory:\n  a:\n    tpye: string\n    b: [1,\n 2]\n",
    "a secret": "mesh: a\ndescription: " + "sk-" + "a1B2" * 10 + "\n",
    "a character that is none": "mesh: a\nb: \udce9\n",
    "a warning": "mesh: a\ndescription: no\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("source", ["cell", "a mesh.yaml", "/srv/a mesh.yaml", "<cell 3>"])
def test_what_is_written_is_sarif(text: str, source: str) -> None:
    told = parse(text, source=source).diagnostics
    layers = (LayerReport("schema", told), LayerReport("cost", (), ("The price of it.",)))
    log = json.loads(json.dumps(Report("", source, layers).to_sarif("1.0")))
    jsonschema.Draft7Validator(SARIF).validate(log)
    (run,) = log["runs"]
    assert {r["ruleId"] for r in run["results"]} == {
        r["id"] for r in run["tool"]["driver"]["rules"]
    }
    for result in run["results"]:
        # A result that is no failure has no level, says section 3.27.10.
        assert (result.get("kind", "fail") == "fail") == (result["level"] != "none")


def test_the_reference_mesh_is_sarif_too(refunds: str, tmp_path: Path) -> None:
    from leafmesh_nb.mesh.checking import check_text

    log = check_text(refunds, str(tmp_path / "refunds.yaml")).to_sarif("1.0")
    jsonschema.Draft7Validator(SARIF).validate(json.loads(json.dumps(log)))
