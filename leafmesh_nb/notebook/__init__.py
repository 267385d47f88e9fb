"""The notebook's face: magics, the live card, completions. Faces hold no logic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["register"]


def register(shell: InteractiveShell) -> None:
    """Register the magics; opens nothing, runs nothing."""
    from leafmesh_nb.notebook.magics import MeshMagics

    if not any(isinstance(known, MeshMagics) for known in shell.configurables):
        shell.register_magics(MeshMagics(shell))
