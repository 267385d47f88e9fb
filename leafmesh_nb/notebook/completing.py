"""Tab: what may be written next, in the cells and on the lines of a mesh."""

from __future__ import annotations

import importlib
import re
import threading
from typing import TYPE_CHECKING, Any

from leafmesh_nb.notebook.mesh_cells import cell_head, draft_of, mesh_line

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from leafmesh_nb.notebook.magics import MeshMagics

__all__ = ["add_matcher", "warm_up"]

_HOLE = re.compile(r"\{\{\s*(\w*)\Z")
_WORD = re.compile(r"\S*\Z")
_INSERTABLE = (str, int, float, bool, list, dict)

Found = tuple[str, list[tuple[str, str]]]
"""What is replaced, which ends at the cursor, and texts with their kinds."""


def add_matcher(shell: InteractiveShell, magics: MeshMagics) -> None:
    """Complete in the cells of a mesh, and nothing else there."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    completer: Any = shell.Completer

    @context_matcher(identifier="leafmesh_nb")
    def mesh_matcher(context: CompletionContext) -> SimpleMatcherResult:
        code = context.full_text
        found = completions(code, _offset(code, context), magics)
        if found is None:
            return {"completions": [], "suppress": False}
        fragment, texts = found
        if not texts:
            # Others are suppressed only by something: it stands there already. Python's names
            # would be wrong in YAML.
            fragment = fragment or code[: _offset(code, context)][-1:]
            texts = [(fragment, "text")] if fragment else []
        return {
            "completions": [SimpleCompletion(text, type=kind) for text, kind in texts],
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    completer.custom_matchers.append(mesh_matcher)


def warm_up(shell: InteractiveShell) -> None:
    """Import what the first Tab needs in the background, once the cell at hand has ended.

    JupyterLab drops an answer that takes a second, and on a busy machine the imports would.
    """
    if getattr(shell, "kernel", None) is None:
        return

    def once(*result: object) -> None:
        shell.events.unregister("post_run_cell", once)
        threading.Thread(target=_imported, name="leafmesh-completion", daemon=True).start()

    shell.events.register("post_run_cell", once)


def _imported() -> None:
    from leafmesh_nb.language.editing.reference import sections

    importlib.import_module("leafmesh_nb.language.editing.completing")
    importlib.import_module("leafmesh_nb.language.editing.inspecting")
    sections()


def _offset(code: str, context: CompletionContext) -> int:
    """Where the cursor is in the whole text; the context has its line and the column there."""
    lines = code.split("\n")
    return sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position


def completions(code: str, offset: int, magics: MeshMagics) -> Found | None:
    """What may stand at an offset into a cell; None where that is not for a mesh to say."""
    head = cell_head(code)
    if head is not None and offset >= head.at:
        if offset < head.body:
            return _on_first_line(head.magic, code[head.at : offset], magics)
        hole = _HOLE.search(code, head.body, offset)
        if hole is not None:
            return hole[1], _variables(magics, hole[1])
        return _in_body(code, offset)
    line = mesh_line(code, offset)
    return _on_line(line, magics) if line is not None else None


def _in_body(code: str, offset: int) -> Found:
    from leafmesh_nb.language.editing.completing import complete

    head = cell_head(code)
    assert head is not None
    found = complete(draft_of(code, head), offset)
    start = found[0].start if found else offset
    return code[start:offset], [(c.text, c.kind) for c in found if c.start == start]


def _on_first_line(magic: str, rest: str, magics: MeshMagics) -> Found | None:
    from leafmesh_nb.notebook.line_words import CELL_MAGICS, line_words

    return _starting(rest, line_words(CELL_MAGICS[magic], rest.lstrip(), _bench(magics)))


def _on_line(line: str, magics: MeshMagics) -> Found | None:
    from leafmesh_nb.notebook.line_words import ABOUT, line_words
    from leafmesh_nb.notebook.verbs import VERBS

    verb, space, rest = line.partition(" ")
    if not space:
        return _starting(verb, [(name, "verb") for name in VERBS if name != "status"])
    about = ABOUT.get(verb)
    if about is None:
        return None
    return _starting(rest, line_words(about, rest.lstrip(), _bench(magics)))


def _starting(rest: str, words: list[tuple[str, str]] | None) -> Found | None:
    if words is None:
        return None
    last = _WORD.search(rest)
    fragment = last[0] if last else ""
    return fragment, [w for w in words if w[0].startswith(fragment) and w[0] != fragment]


def _variables(magics: MeshMagics, start: str) -> list[tuple[str, str]]:
    """The variables that ``{{name}}`` may take."""
    from decimal import Decimal

    own = magics.shell.user_ns if magics.shell is not None else {}
    hidden = magics.shell.user_ns_hidden if magics.shell is not None else {}
    return [
        (name, "variable")
        for name, value in own.items()
        if name.startswith(start)
        and not name.startswith("_")
        and name not in hidden
        and isinstance(value, (*_INSERTABLE, Decimal))
    ]


def _bench(magics: MeshMagics) -> Any:
    """The workbench, where there has been anything to work on."""
    return magics._workbench
