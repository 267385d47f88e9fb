"""Layer 1, schema: the text as the language reads it. What it found is shown as it is."""

from __future__ import annotations

from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject

__all__ = ["check"]


def check(subject: Subject) -> LayerReport:
    """Nothing of its own: the pipeline hands each of the language's diagnostics to its layer."""
    return LayerReport("schema")
