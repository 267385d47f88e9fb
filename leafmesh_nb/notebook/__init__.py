"""The notebook's face: magics, the live card, completions. Faces hold no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register"]


def register(shell: InteractiveShell) -> None:
    """Register the magics, with completion and documentation; opens nothing, runs nothing."""
    from leafmesh_nb.notebook.completing import add_matcher, warm_up
    from leafmesh_nb.notebook.inspecting import add_inspector
    from leafmesh_nb.notebook.magics import MeshMagics

    if not any(isinstance(known, MeshMagics) for known in shell.configurables):
        magics = MeshMagics(shell)
        shell.register_magics(magics)
        add_matcher(shell, magics)
        add_inspector(shell)
        warm_up(shell)
