"""Define AI agents and the rules that govern them in a notebook, run them, and prove what happened.

    import leafmesh_nb as lm

    mesh = lm.Mesh.from_file("refunds.yaml")
    run = mesh.start("refund", ticket_id="7", ticket="I was charged twice", tier="gold")
    run.result()

In a notebook, ``%load_ext leafmesh_nb`` registers the magics ``%%mesh`` and ``%mesh``. Names are
imported when they are first used, so that loading the extension stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from leafmesh_nb import testing as testing
    from leafmesh_nb.errors import AgentError as AgentError
    from leafmesh_nb.errors import ApprovalError as ApprovalError
    from leafmesh_nb.errors import BudgetError as BudgetError
    from leafmesh_nb.errors import ConflictError as ConflictError
    from leafmesh_nb.errors import InDoubtError as InDoubtError
    from leafmesh_nb.errors import JournalError as JournalError
    from leafmesh_nb.errors import LeafmeshError as LeafmeshError
    from leafmesh_nb.errors import MemoryScopeError as MemoryScopeError
    from leafmesh_nb.errors import MeshError as MeshError
    from leafmesh_nb.errors import NotDoneError as NotDoneError
    from leafmesh_nb.errors import OwnershipError as OwnershipError
    from leafmesh_nb.errors import PolicyDenied as PolicyDenied
    from leafmesh_nb.errors import RoutingError as RoutingError
    from leafmesh_nb.errors import RunError as RunError
    from leafmesh_nb.mesh import Approval as Approval
    from leafmesh_nb.mesh import Mesh as Mesh
    from leafmesh_nb.mesh import Route as Route
    from leafmesh_nb.mesh import Run as Run
    from leafmesh_nb.mesh import approvals as approvals
    from leafmesh_nb.mesh import export as export
    from leafmesh_nb.mesh import resume as resume
    from leafmesh_nb.mesh import runs as runs
    from leafmesh_nb.mesh import verify as verify

__version__ = "0.1.0"

_ERRORS = (
    "AgentError",
    "ApprovalError",
    "BudgetError",
    "ConflictError",
    "InDoubtError",
    "JournalError",
    "LeafmeshError",
    "MemoryScopeError",
    "MeshError",
    "NotDoneError",
    "OwnershipError",
    "PolicyDenied",
    "RoutingError",
    "RunError",
)
_MESH = ("Approval", "Mesh", "Route", "Run", "approvals", "export", "resume", "runs", "verify")

__all__ = sorted([*_ERRORS, *_MESH, "__version__", "testing"])  # built from the tables above


def __getattr__(name: str) -> Any:
    if name in _ERRORS:
        return getattr(import_module("leafmesh_nb.errors"), name)
    if name in _MESH:
        return getattr(import_module("leafmesh_nb.mesh"), name)
    if name == "testing":
        return import_module("leafmesh_nb.testing")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext leafmesh_nb``: register the magics; opens nothing, runs nothing."""
    from leafmesh_nb.notebook import register

    register(shell)
