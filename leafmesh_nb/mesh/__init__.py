"""The composition root: the one place that wires language, engine, journal and agents together."""

from leafmesh_nb.mesh.approval import Approval
from leafmesh_nb.mesh.definition import Mesh, Route
from leafmesh_nb.mesh.registry import approvals, resume, runs, verify
from leafmesh_nb.mesh.run import Run

__all__ = ["Approval", "Mesh", "Route", "Run", "approvals", "resume", "runs", "verify"]
