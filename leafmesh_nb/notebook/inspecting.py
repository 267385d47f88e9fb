"""Shift-Tab: what there is to say of the word under the cursor, in the cells and on the lines of a
mesh."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any

from leafmesh_nb.notebook.mesh_cells import cell_head, draft_of, mesh_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from leafmesh_nb.language.editing.inspecting import Doc
    from leafmesh_nb.notebook.line_words import AboutVerb

__all__ = ["add_inspector", "doc_html", "doc_text"]

_CODE = re.compile(r"`([^`]*)`")
_WORD = re.compile(r"[\w-]*")
_FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;max-width:640px"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px"
_CELL = (
    "text-align:left;vertical-align:top;padding:0 14px 0 0;border:0;background:none;"
    "font-size:13px;white-space:normal"
)


def add_inspector(shell: InteractiveShell) -> None:
    """Answer the kernel's inspect requests in a mesh's cells; all others go on as before."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return
    before: Callable[..., Any] = kernel.do_inspect
    if getattr(before, "of_a_mesh", False):
        return

    @wraps(before)
    def do_inspect(code: str, cursor_pos: int, *rest: Any, **more: Any) -> Any:
        doc = inspected(code, cursor_pos)
        if doc is None:
            return before(code, cursor_pos, *rest, **more)
        found = bool(doc)
        return {"status": "ok", "found": found, "data": doc, "metadata": {}}

    do_inspect.of_a_mesh = True  # type: ignore[attr-defined]  # a mark, to wrap it once
    kernel.do_inspect = do_inspect


def inspected(code: str, offset: int) -> dict[str, str] | None:
    """The documentation at an offset as a MIME bundle, empty where there is none; None outside the
    cells and lines of a mesh."""
    offset = max(0, min(offset, len(code)))
    head = cell_head(code)
    if head is not None:
        if offset < head.body:
            from leafmesh_nb.notebook.line_words import CELL_MAGICS

            return _bundle(_of_verb(CELL_MAGICS[head.magic], f"%%{head.magic}"))
        from leafmesh_nb.language.editing.inspecting import document

        doc = document(draft_of(code, head), offset)
        return _bundle(doc) if doc is not None else {}
    word = _WORD.match(code, offset)
    line = mesh_line(code, word.end() if word else offset)
    return _of_line(line) if line is not None else None


def _of_line(line: str) -> dict[str, str] | None:
    from leafmesh_nb.notebook.line_words import ABOUT
    from leafmesh_nb.notebook.verbs import VERBS

    words = line.split()
    if words[:1] == ["explain"] and len(words) > 1:
        from leafmesh_nb.language.explain import find_page, page_text
        from leafmesh_nb.notebook.explaining import page_html

        page = find_page(words[1])
        if page is not None:
            return {"text/plain": page_text(page), "text/html": page_html(page)}
    verb = words[0] if words else "status"
    about = ABOUT.get(verb)
    return _bundle(_of_verb(about, f"%mesh {verb}")) if about and verb in VERBS else {}


def _of_verb(about: AboutVerb, title: str) -> Doc:
    from leafmesh_nb.language.editing.inspecting import Doc

    return Doc(title.removesuffix(" status"), "magic", about.doc, (("usage", f"`{about.usage}`"),),
               about.example)  # fmt: skip


def _bundle(doc: Doc) -> dict[str, str]:
    return {"text/plain": doc_text(doc), "text/html": doc_html(doc)}


def doc_text(doc: Doc) -> str:
    """A documentation for a terminal."""
    lines = [f"{doc.title}  ({doc.kind})"]
    if doc.text:
        lines.append(doc.text)
    if doc.facts:
        width = min(max(len(label.strip("`")) for label, _ in doc.facts), 20)
        lines += ["", *(f"  {label.strip('`'):<{width}}  {text}" for label, text in doc.facts)]
    if doc.example:
        lines += ["", *(f"    {line}" for line in doc.example.split("\n"))]
    return "\n".join(lines)


def doc_html(doc: Doc) -> str:
    """A documentation for a notebook, legible on white and on dark."""
    parts = [
        f'<div><b style="{_MONO};font-size:13px">{escape(doc.title)}</b> '
        f'<span style="opacity:.65">&nbsp;{_marked(doc.kind)}</span></div>'
    ]
    if doc.text:
        parts.append(f'<div style="margin-top:4px">{_marked(doc.text)}</div>')
    if doc.facts:
        rows = "".join(
            f'<tr style="background:none"><td style="{_CELL};white-space:nowrap;opacity:.75">'
            f'{_marked(label)}</td><td style="{_CELL}">{_marked(text)}</td></tr>'
            for label, text in doc.facts
        )
        parts.append(f'<table style="border-collapse:collapse;margin:6px 0 0">{rows}</table>')
    if doc.example:
        parts.append(
            f'<pre style="{_MONO};line-height:1.45;margin:8px 0 0;padding:6px 10px;border:0;'
            "border-radius:6px;background:rgba(128,128,128,.12);color:inherit;"
            f'white-space:pre-wrap">{_plain(doc.example)}</pre>'
        )
    return f'<div style="{_FONT}">{"".join(parts)}</div>'


def _marked(text: str) -> str:
    """Text with `code` in backticks set in the code font."""
    style = f"{_MONO};padding:0;background:none;color:inherit"
    return _CODE.sub(lambda code: f'<code style="{style}">{code[1]}</code>', _plain(text))


def _plain(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(text).replace("$", "<span>$</span>")
