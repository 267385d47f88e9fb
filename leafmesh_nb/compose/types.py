"""Layer: types."""

from __future__ import annotations

from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject

__all__ = ["check"]


def check(subject: Subject) -> LayerReport:
    """Look at a mesh that the language accepted."""
    findings = Findings(subject, "types")
    findings.unproven("This layer is not available yet in this version.")
    return findings.report()
