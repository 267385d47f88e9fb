"""``%mesh check``: the six-layer report of the mesh that was defined last."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["show_check"]


def show_check(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Check the mesh, and show the report with its plain twin."""
    if rest.strip():
        raise UsageError(
            f"%mesh check takes nothing more, not {rest.strip()!r}; with samples it is "
            "mesh.check(samples=[…])"
        )
    report = bench.mesh().check()
    bench.show_html(report._repr_html_(), str(report))
