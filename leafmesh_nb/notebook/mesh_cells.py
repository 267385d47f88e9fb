"""Which cells and lines are a mesh's: for an editor that asks while somebody writes."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.language.editing.draft import Draft
    from leafmesh_nb.mesh.definition import Mesh

__all__ = ["CellHead", "cell_head", "current_mesh", "draft_of", "mesh_line"]

_HEAD = re.compile(r"\s*%%(?P<magic>mesh|agent|policy|workflow)(?![\w.])(?P<line>[^\n]*)")
_LINE = re.compile(r"\s*(?:[A-Za-z_]\w*\s*=\s*)?%mesh(?:[ \t]+|$)")
_BLOCKS = {"agent": "agents", "policy": "policies", "workflow": "workflows"}


@dataclass(frozen=True, slots=True)
class CellHead:
    """The first line of a cell: its magic, the offset of what follows it, and of the body."""

    magic: str
    line: str
    at: int
    body: int

    @property
    def within(self) -> tuple[str, ...]:
        """What the body is the value of; nothing for a whole mesh."""
        if self.magic == "mesh":
            return ()
        id = self.line.split()
        return (_BLOCKS[self.magic], id[0] if id else "_")


def cell_head(code: str) -> CellHead | None:
    """The head of a mesh's cell; None for every other cell."""
    if "%%" not in code:
        return None
    found = _HEAD.match(code)
    if found is None:
        return None
    return CellHead(
        found["magic"], found["line"], found.start("line"), min(found.end() + 1, len(code))
    )


def mesh_line(code: str, offset: int) -> str | None:
    """What stands between ``%mesh`` and the cursor, where the cursor is on such a line."""
    start = code.rfind("\n", 0, offset) + 1
    found = _LINE.match(code, start, offset)
    return code[found.end() : offset] if found and found.end() > start else None


def current_mesh() -> Mesh | None:
    """The mesh in force, if one was defined; nothing is imported to find out."""
    registry = sys.modules.get("leafmesh_nb.mesh.registry")
    mesh: Mesh | None = registry.defined() if registry is not None else None
    return mesh


def draft_of(code: str, head: CellHead) -> Draft:
    """The body of a cell as a mesh that is being written."""
    from leafmesh_nb.language.editing.draft import Draft

    mesh = current_mesh()
    return Draft(code, head.body, head.within, mesh.spec if mesh is not None else None)
