"""A report as SARIF 2.1.0, which code hosts show beside the lines of a change.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from leafmesh_nb.compose.report import Report
from leafmesh_nb.language import CODES, Diagnostic, Span
from leafmesh_nb.language.explain import find_page, page_text

__all__ = ["sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report, version: str = "") -> dict[str, Any]:
    """One run with a result for each finding; ``version`` is this package's.

    What is not proven becomes a result of kind ``open`` without a place: neither passed nor failed.
    """
    layers = {id(d): layer.name for layer in report.layers for d in layer.diagnostics}
    used = sorted({d.code for d in report.diagnostics})
    rules = [_rule(code) for code in used]
    rules += [
        {"id": f"unproven/{layer.name}", "shortDescription": {"text": f"{layer.name} not proven"}}
        for layer in report.layers
        if layer.unproven
    ]
    results = [_result(d, layers[id(d)]) for d in report.diagnostics]
    results += [
        {
            "ruleId": f"unproven/{layer.name}",
            "kind": "open",
            "level": "none",
            "message": {"text": text},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(report.source)}}],
            "properties": {"layer": layer.name},
        }
        for layer in report.layers
        for text in layer.unproven
    ]
    driver: dict[str, Any] = {"name": "leafmesh-nb", "rules": rules}
    if version:
        driver["version"] = version
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                # Columns are counted in code points, as Python counts them.
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }


def _result(found: Diagnostic, layer: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": found.code,
        "level": found.severity,
        "message": {"text": f"{found.message}\n{found.hint}".strip()},
        "locations": [_location(found.source, found.span)],
        "properties": {"layer": layer},
    }
    if found.related:
        result["relatedLocations"] = [
            {**_location(found.source, r.span), "message": {"text": r.message}}
            for r in found.related
        ]
    return result


def _location(source: str, span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(source),
            "region": {
                "startLine": span.line,
                "startColumn": span.column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }


def _artifact(source: str) -> dict[str, str]:
    """The text's place as a URI; a relative path stays relative, to the checkout's root."""
    path = Path(source)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _rule(code: str) -> dict[str, Any]:
    """A code with its page, which code hosts show beside its results."""
    rule: dict[str, Any] = {"id": code, "shortDescription": {"text": CODES.get(code, code)}}
    page = find_page(code)
    if page is not None:
        rule["fullDescription"] = {"text": " ".join(part.text for part in page.sections[""])}
        rule["help"] = {"text": page_text(page), "markdown": page.markdown}
    return rule
