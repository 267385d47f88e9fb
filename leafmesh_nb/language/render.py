"""Diagnostics as text for a terminal and as HTML for a notebook."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.language.diagnostics import Diagnostic

__all__ = ["render_html", "render_text"]

CODE = "    "
"""How a line of a hint starts that is source to copy."""

_WIDEST = 110
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def render_text(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """Every diagnostic with its source line and a caret under the wrong part."""
    blocks = [_text_block(d, colour) for d in diagnostics]
    return "\n\n".join([*blocks, *([_summary(diagnostics)] if len(blocks) > 1 else [])])


def render_html(diagnostics: Sequence[Diagnostic]) -> str:
    """The same as a self-contained piece of HTML that follows the notebook's theme.

    Inline styles and plain elements only: it survives JupyterLab's output styles, saved
    notebooks and nbconvert's sanitiser. ``$`` is wrapped, for JupyterLab would typeset TeX.
    """
    if not diagnostics:
        return ""
    blocks = "".join(_html_block(d) for d in diagnostics)
    return (
        f'<div style="{_FONT}">'
        f'<div style="margin:0 0 6px 0;font-weight:600">{_html(_summary(diagnostics))}</div>'
        f"{blocks}</div>"
    )


def _summary(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity == "error" for d in diagnostics)
    warnings = len(diagnostics) - errors
    parts = []
    if errors:
        parts.append(f"{errors} error{'s' * (errors > 1)}")
    if warnings:
        parts.append(f"{warnings} warning{'s' * (warnings > 1)}")
    return ", ".join(parts)


def visible(text: str) -> str:
    """``text`` with what could move the cursor, recolour or reorder a line made visible."""
    return _UNSEEN.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\t":
        return " "
    return chr(0x2400 + ord(character)) if character < " " else "\ufffd"


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _excerpt(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """The source line, cut around the caret when long; the caret's column and width."""
    line = diagnostic.line_text
    span = diagnostic.span
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    end = max(start + 1, min(end, len(line)))
    before = after = ""
    if len(line) > _WIDEST:
        low = max(0, min(start - _WIDEST // 3, len(line) - _WIDEST))
        high = low + _WIDEST
        before, after = "…" * (low > 0), "…" * (high < len(line))
        line, start, end = line[low:high], start - low, min(end, high) - low
    line = visible(line)
    indent = _width(before + line[:start])
    return before + line + after, indent, max(1, _width(line[start:end]) or end - start)


def _text_block(diagnostic: Diagnostic, colour: bool) -> str:
    def paint(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    tint = "31" if diagnostic.severity == "error" else "33"
    span = diagnostic.span
    gutter = " " * len(str(span.line))
    head = paint(f"{diagnostic.severity} {diagnostic.code}", f"1;{tint}")
    rows = [
        f"{head}: {visible(diagnostic.message)}",
        f"{gutter}--> {visible(diagnostic.source)}:{span.line}:{span.column}",
    ]
    if diagnostic.lines:
        line, indent, width = _excerpt(diagnostic)
        rows += [
            f"{gutter} |",
            f"{span.line} | {line}",
            f"{gutter} | {' ' * indent}{paint('^' * width, tint)}",
        ]
    for part in filter(None, diagnostic.hint.split("\n")):
        rows.append(f"{gutter} {' ' if part.startswith(CODE) else '='} {visible(part)}")
    for related in diagnostic.related:
        place = f"{related.span.line}:{related.span.column}"
        rows.append(f"{gutter} = line {place}: {visible(related.message)}")
        if related.line_text.strip():
            rows.append(f"{gutter}   {visible(related.line_text.strip())[:_WIDEST]}")
    return "\n".join(rows)


_FONT = (
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45;"
    "color:var(--jp-ui-font-color1,inherit)"
)
_MONO = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px"
_TINTS = {
    "error": "var(--jp-error-color1,#c62828)",
    "warning": "var(--jp-warn-color1,#b26a00)",
}


def _html(text: str) -> str:
    return escape(visible(text), quote=True).replace("$", "<span>$</span>")


def _marked(text: str) -> str:
    """Text with `code` in backticks set in the code font."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _html(text)
    return "".join(
        f'<code style="{_MONO};background:none;color:inherit;font-weight:600">{_html(part)}</code>'
        if i % 2
        else _html(part)
        for i, part in enumerate(parts)
    )


def _plain_code(text: str) -> str:
    return (
        f'<pre style="{_MONO};margin:2px 0 2px 8px;white-space:pre;overflow-x:auto;'
        f'border:0;background:none;color:inherit">{_html(text)}</pre>'
    )


def _indent(line: str, width: int) -> str:
    """As much room as the first ``width`` cells of a line take. No two fonts agree on how wide
    other letters than ASCII are: there the text itself, unseen, takes the room."""
    end, cells = 0, 0
    while end < len(line) and cells < width:
        cells += _width(line[end])
        end += 1
    if line[:end].isascii() or cells != width:
        return " " * width
    return f'<span style="opacity:0">{_html(line[:end])}</span>'


def _html_block(diagnostic: Diagnostic) -> str:
    tint = _TINTS[diagnostic.severity]
    span = diagnostic.span
    place = f"{diagnostic.source}, line {span.line}, column {span.column}"
    rows = [
        f'<div><span style="color:{tint};font-weight:600">{diagnostic.severity} '
        f"{_html(diagnostic.code)}</span> {_marked(diagnostic.message)}</div>",
        f'<div style="opacity:.7;font-size:12px">{_html(place)}</div>',
    ]
    if diagnostic.lines:
        line, indent, width = _excerpt(diagnostic)
        number = str(span.line)
        blank = " " * len(number)
        rows.append(
            f'<pre style="{_MONO};margin:4px 0;padding:4px 8px;white-space:pre;overflow-x:auto;'
            "border:0;background:var(--jp-layout-color2,rgba(127,127,127,.12));"
            f'color:inherit"><span style="opacity:.6">{number} | </span>{_html(line)}\n'
            f'<span style="opacity:.6">{blank} | </span>{_indent(line, indent)}'
            f'<span style="color:{tint};font-weight:700">{"^" * width}</span></pre>'
        )
    for part in filter(None, diagnostic.hint.split("\n")):
        if part.startswith(CODE):
            rows.append(_plain_code(part.strip()))
        else:
            rows.append(f"<div>{_marked(part)}</div>")
    for related in diagnostic.related:
        rows.append(
            f'<div style="opacity:.85">Line {related.span.line}: {_marked(related.message)}</div>'
        )
        if related.line_text.strip():
            rows.append(_plain_code(related.line_text.strip()[:_WIDEST]))
    return (
        f'<div style="border-left:3px solid {tint};padding:2px 0 2px 10px;margin:0 0 10px 0">'
        f"{''.join(rows)}</div>"
    )
