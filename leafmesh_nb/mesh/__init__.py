"""The composition root: the one place that wires language, engine, journal and agents together.

Names are imported when they are first used, so that loading the notebook extension stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leafmesh_nb.mesh.approval import Approval as Approval
    from leafmesh_nb.mesh.definition import Mesh as Mesh
    from leafmesh_nb.mesh.definition import Route as Route
    from leafmesh_nb.mesh.exporting import export as export
    from leafmesh_nb.mesh.registry import approvals as approvals
    from leafmesh_nb.mesh.registry import resume as resume
    from leafmesh_nb.mesh.registry import runs as runs
    from leafmesh_nb.mesh.registry import verify as verify
    from leafmesh_nb.mesh.run import Run as Run

_HOMES = {
    "Approval": "approval",
    "Mesh": "definition",
    "Route": "definition",
    "Run": "run",
    "approvals": "registry",
    "export": "exporting",
    "resume": "registry",
    "runs": "registry",
    "verify": "registry",
}

__all__ = sorted(_HOMES)  # the table above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
