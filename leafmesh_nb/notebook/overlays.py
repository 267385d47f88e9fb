"""``%%agent ID``, ``%%policy ID``, ``%%workflow ID``: one entry of the current mesh, and
``%mesh show``: the one text that they make."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from typing import Any

from IPython.core.error import UsageError

from leafmesh_nb.errors import MeshError
from leafmesh_nb.language import Diagnostic, Span, parse
from leafmesh_nb.language.diagnostics import Collector
from leafmesh_nb.language.names import check_id
from leafmesh_nb.language.nodes import ScalarNode
from leafmesh_nb.language.overlay import Overlaid, OverlayBlock, entry_text, overlay
from leafmesh_nb.language.reader import read
from leafmesh_nb.language.source import Source
from leafmesh_nb.language.suggest import suggest
from leafmesh_nb.mesh import Mesh, registry
from leafmesh_nb.mesh.binding import how_to_bind
from leafmesh_nb.notebook.defining import MAGICS, refuse, show_diagnostics
from leafmesh_nb.notebook.insert import insert
from leafmesh_nb.notebook.workbench import Workbench
from leafmesh_nb.notebook.yaml_html import changes, diff_html, diff_text, yaml_html

__all__ = ["WHAT", "checked_body", "edit", "show_mesh"]

WHAT: dict[OverlayBlock, str] = {
    "agents": "agent",
    "policies": "policy",
    "workflows": "workflow",
}
"""One entry of each block, in a word."""

_BOX = (
    "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;border:1px solid "
    "rgba(128,128,128,.3);border-radius:10px;padding:10px 16px;max-width:1040px;margin:4px 0"
)
_MUTED = "color:#7a828c"
_MARKER = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)")


def edit(bench: Workbench, block: OverlayBlock, id: str, cell: str, names: dict[str, Any]) -> None:
    """Add or replace one entry of the current mesh, load the whole, and bind it where it was.

    Raises UsageError without a mesh; MeshError where the result is none, and then nothing changed.
    """
    magic = MAGICS[block]
    before = registry.defined()
    if before is None:
        raise UsageError(
            f"no mesh is defined yet, and {magic} edits one: run its %%mesh cell first"
        )
    header = f"{magic} {id}"
    try:
        given = {**bench.shell.user_ns, **names}
        changed, spec, diagnostics = _merged(before, block, id, cell, given, header)
    except MeshError as error:
        raise refuse(bench, error, before.name, f"in this {magic} cell") from None
    mesh = Mesh.of_run(spec, before)  # with its functions, and its parts put in by `use`
    mesh.diagnostics = diagnostics
    registry.define(mesh)
    bound = [n for n, value in bench.shell.user_ns.items() if value is before and n[0] != "_"]
    for name in bound or ["mesh"]:
        bench.bind(name, mesh)
    bench.overlaid.setdefault(mesh.name, {})[block, id] = None
    known = {_identity(d) for d in before.diagnostics}
    show_diagnostics(bench, [d for d in diagnostics if _identity(d) not in known])
    _report(bench, before, mesh, block, id, changed)


def checked_body(
    mesh: Mesh, block: OverlayBlock, id: str, body: str, header: str
) -> tuple[Overlaid | None, Any, tuple[Diagnostic, ...]]:
    """The mesh with ``body`` as an entry: how it was merged, the Spec, and all diagnostics.

    Those of the entry stand in a cell whose first line is ``header``. Without a Spec there are
    errors. Raises MeshError where the text cannot be edited.
    """
    cell = f"cell {header}"
    wrong = _unreadable(block, id, body, cell, header)
    if wrong:
        return None, None, wrong
    changed = overlay(mesh.spec.text, block, id, body)
    parsed = parse(changed.text, source=f"mesh {mesh.name}, with this change")
    told = changed.in_cell(parsed.diagnostics, cell, header)
    return changed, parsed.spec, told


def _merged(
    mesh: Mesh, block: OverlayBlock, id: str, cell: str, names: dict[str, Any], header: str
) -> tuple[Overlaid, Any, tuple[Diagnostic, ...]]:
    try:
        body = insert(cell, names, source=f"cell {header}", at=(block, id))
    except MeshError as error:
        raise MeshError(str(error), _below(error.diagnostics)) from None
    changed, spec, told = checked_body(mesh, block, id, body, header)
    if spec is None or changed is None:
        raise MeshError("", told)
    return changed, replace(spec, source=f"mesh {mesh.name}"), told


def _unreadable(
    block: OverlayBlock, id: str, body: str, cell: str, header: str
) -> tuple[Diagnostic, ...]:
    """What is wrong with the id, or with the body as a text of its own."""
    line = Collector(Source(header, cell))
    start = len(header) - len(id) + 1
    named = ScalarNode(id, "plain", id, Span(1, start, 1, len(header) + 1))
    check_id(named, _article(WHAT[block]), line)
    typed = Source(body, cell)
    below = Collector(typed)
    for number, text in enumerate(typed.lines, 1):
        if _MARKER.match(text):
            below.error(
                "LM105",
                f"`{text[:3]}` parts documents, and this cell holds a part of one.",
                Span(number, 1, number, 4),
                "Remove the line.",
            )
    if not body.strip():
        line.error(
            "LM211",
            f"The {WHAT[block]} `{id}` is empty.",
            Span(1, start, 1, len(header) + 1),
            f"Below this line goes what stands under `{block}: {id}:` in a mesh; %mesh new "
            f"{WHAT[block]} helps.",
        )
    elif not below.failed:
        read(typed, below)
    found = (*line.finish(), *_below(below.finish()))
    return found if any(d.severity == "error" for d in found) else ()


def _below(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Diagnostics of a body, in the cell whose first line stands above it."""

    def down(span: Span) -> Span:
        return Span(span.line + 1, span.column, span.end_line + 1, span.end_column)

    return tuple(
        replace(
            d,
            span=down(d.span),
            related=tuple(replace(r, span=down(r.span)) for r in d.related),
        )
        for d in diagnostics
    )


def _identity(diagnostic: Diagnostic) -> tuple[str, str, str]:
    """What makes a diagnostic the same, wherever its line has moved to."""
    return diagnostic.code, diagnostic.message, diagnostic.line_text.strip()


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


# -- what it says


def _report(
    bench: Workbench, before: Mesh, mesh: Mesh, block: OverlayBlock, id: str, changed: Overlaid
) -> None:
    done = "replaced in" if changed.replaced else "added to"
    old = entry_text(before.spec.text, block, id) or ""
    new = entry_text(mesh.spec.text, block, id) or ""
    found = changes(old, new) if changed.replaced else []
    if changed.replaced and not found:
        done = "unchanged in"
    notes = _notes(bench, mesh, block, id)
    title = f"{WHAT[block]} <b>{_text(id)}</b> {done} mesh <b>{_text(mesh.name)}</b>"
    rows = "".join(f'<div style="{_MUTED}">{_marked(note)}</div>' for note in notes)
    html = f'<div style="{_BOX}"><div>{title}</div>{diff_html(found) if found else ""}{rows}</div>'
    plain = [f"{WHAT[block]} {id} {done} mesh {mesh.name}"]
    plain += [diff_text(found)] if found else []
    bench.show_html(html, "\n".join([*plain, *(note.replace("`", "") for note in notes)]))


def _notes(bench: Workbench, mesh: Mesh, block: OverlayBlock, id: str) -> list[str]:
    notes = []
    if block == "policies":
        trials = [trial for trial in mesh.test() if trial.policy == id]
        failed = [trial for trial in trials if not trial.passed]
        if failed:
            first = failed[0]
            notes.append(
                f"✕ {len(failed)} of its {len(trials)} tests fail: test {first.number} expects "
                f"{first.expect} and gets {first.outcome}. All of them: `%mesh test`"
            )
        elif trials:
            notes.append(f"✓ its {len(trials)} test{'s pass' if len(trials) > 1 else ' passes'}")
        else:
            notes.append("it has no tests: `tests:` beside its rules are run by `%mesh test`")
    agent = mesh.spec.agents.get(id) if block == "agents" else None
    owner = f"agent:{id}"
    if agent and agent.kind == "python" and not agent.python and owner not in mesh.functions:
        notes.append(f"its function is not bound yet: `{how_to_bind([owner])}`")
    going = [
        run.id
        for run in bench.started
        if run.spec.mesh == mesh.name and run.status in registry.OPEN
    ]
    if going:
        runs = "the run" if len(going) == 1 else "the runs"
        notes.append(f"{runs} already started ({', '.join(going)}) keep the rules they began with")
    if home := bench.files.home(mesh.name):
        notes.append(f"the file {home} is as it was; the whole text is what `%mesh show` prints")
    else:
        notes.append("the whole text: `%mesh show`")
    return notes


def show_mesh(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """``%mesh show``: the current mesh as one YAML; ``--agent ID`` and so on, one entry of it."""
    mesh = bench.mesh()
    words = rest.split()
    if not words:
        bench.show_html(yaml_html(mesh.spec.text), mesh.spec.text.rstrip("\n"))
        return
    blocks = {f"--{what}": block for block, what in WHAT.items()}
    usage = "usage: %mesh show [--agent ID | --policy ID | --workflow ID]"
    if len(words) != 2 or words[0] not in blocks:
        raise UsageError(usage)
    block, id = blocks[words[0]], words[1]
    found = entry_text(mesh.spec.text, block, id)
    if found is None:
        known = list(getattr(mesh.spec, block))
        close = suggest(id, known)
        offer = f"did you mean {close}?" if close else f"there are {', '.join(known) or 'none'}"
        raise UsageError(f"mesh {mesh.name} has no {WHAT[block]} {id!r}; {offer}")
    bench.show_html(yaml_html(found), found)


def _marked(text: str) -> str:
    """Text with `code` in backticks set in the code font."""
    style = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px"
    style += ";background:none;color:inherit;padding:0"
    return "".join(
        f'<code style="{style}">{_text(part)}</code>' if at % 2 else _text(part)
        for at, part in enumerate(text.split("`"))
    )


def _text(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(text).replace("$", "<span>$</span>")
