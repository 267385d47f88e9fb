"""Layer 1, schema: the text as the language reads it. What it found is shown as it is."""

from __future__ import annotations

from leafmesh_nb.compose.findings import Findings
from leafmesh_nb.compose.report import LayerReport
from leafmesh_nb.compose.subject import Subject

__all__ = ["check"]


def check(subject: Subject) -> LayerReport:
    """What the mesh holds; the pipeline hands each of the language's diagnostics to its layer."""
    findings = Findings(subject, "schema")
    spec = subject.spec
    if spec is not None:
        steps = sum(len(flow.steps) for flow in spec.workflows.values())
        parts = (
            (len(spec.agents), "agent", "agents"),
            (len(spec.tools), "tool", "tools"),
            (len(spec.policies), "policy", "policies"),
            (len(spec.workflows), "workflow", "workflows"),
            (steps, "step", "steps"),
        )
        findings.facts["summary"] = ", ".join(
            f"{number} {one if number == 1 else many}" for number, one, many in parts if number
        )
    return findings.report()
