"""``%%mesh``: the mesh of a cell, or of a file, becomes the current one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from IPython.core.error import UsageError

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import Diagnostic, parse, render_html, render_text
from leafmesh_nb.language.loading import stated_name
from leafmesh_nb.language.overlay import OverlayBlock, entry_text
from leafmesh_nb.mesh import Mesh, registry
from leafmesh_nb.notebook.insert import insert
from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["MAGICS", "define", "refuse", "show_diagnostics"]

MAGICS: dict[OverlayBlock, str] = {
    "agents": "%%agent",
    "policies": "%%policy",
    "workflows": "%%workflow",
}
"""The cell magic that edits an entry of each block."""


def define(bench: Workbench, cell: str, name: str, file: str | None, names: dict[str, Any]) -> None:
    """Define the mesh of a cell, or of the file where the cell is empty, and bind it.

    Its diagnostics are shown all together. The file is written when the mesh is good, and if it
    cannot be written nothing is defined. Raises MeshError, UsageError.
    """
    if not name.isidentifier():
        raise UsageError(f"-o takes the name of a variable, not {name!r}")
    loaded = bool(file) and not cell.strip()
    text = cell
    try:
        if loaded and file:
            text, source = bench.files.read(file), file
        else:
            text, source = insert(cell, {**bench.shell.user_ns, **names}), "cell"
        parsed = parse(text, source=source)
        if parsed.spec is None:
            raise MeshError("", parsed.diagnostics)
    except MeshError as error:
        where = f"in {source}" if loaded else "in this cell"
        raise refuse(bench, error, stated_name(text), where) from None
    said = bench.files.write(file, text, parsed.spec.mesh) if file and not loaded else ""
    before = registry.defined(parsed.spec.mesh)
    mesh = Mesh(parsed.spec, parsed.diagnostics)
    if before is not None:
        mesh.take_functions(before)  # a cell run again changes the text, not what is bound
    show_diagnostics(bench, mesh.diagnostics)
    bench.bind(name, mesh)
    _show(bench, mesh, name)
    for line in (said, *_gone(bench, before, mesh)):
        if line:
            print(line)  # noqa: T201  # a magic's face


def refuse(bench: Workbench, error: MeshError, name: str, where: str) -> MeshError:
    """Show what is wrong; the error to raise says that the last good mesh of that name stays in
    force. ``name`` is the one that the text gives, empty where it gives none."""
    show_diagnostics(bench, error.diagnostics)
    count = sum(d.severity == "error" for d in error.diagnostics)
    summary = f"{count} error{'s' if count != 1 else ''} {where}" if count else str(error)
    return MeshError(f"{summary}{_stays(name)}", error.diagnostics)


def _stays(name: str) -> str:
    current = registry.defined()
    if current is None:
        return ""
    same = registry.defined(name) if name else current
    if same is None:
        return f"; mesh {name} is not defined, and mesh {current.name} stays the current one"
    stays = f"; mesh {same.name} as it was defined before stays in force"
    return stays if same is current else f"{stays}, and mesh {current.name} the current one"


def show_diagnostics(bench: Workbench, diagnostics: Sequence[Diagnostic]) -> None:
    """Show them all together, if there are any."""
    if diagnostics:
        bench.show_html(render_html(diagnostics), render_text(diagnostics))


def _show(bench: Workbench, mesh: Mesh, name: str) -> None:
    from leafmesh_nb.notebook.overview import mesh_html, mesh_text

    bench.show_html(mesh_html(mesh.spec, name), mesh_text(mesh.spec, name))


def _gone(bench: Workbench, before: Mesh | None, mesh: Mesh) -> list[str]:
    """What other cells had changed in this mesh, and this text does not have."""
    overlaid = bench.overlaid.pop(mesh.name, {})
    if before is None:
        return []
    old, new = before.spec.text, mesh.spec.text
    lost = [
        f"{MAGICS[block]} {id}"
        for block, id in overlaid
        if entry_text(old, block, id) != entry_text(new, block, id)
    ]
    if not lost:
        return []
    is_, cell = ("is", "that cell") if len(lost) == 1 else ("are", "those cells")
    return [
        f"{', '.join(lost)} {is_} no longer part of mesh {mesh.name}, whose text is that of this "
        f"cell: run {cell} again to have {'it' if len(lost) == 1 else 'them'} back"
    ]
