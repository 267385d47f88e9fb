"""A report as a table of six rows: for a terminal, and for a notebook.

The HTML stands alone: inline styles and plain elements, one set of colours that reads on white and
on black, every text escaped. So a saved notebook and an export show it too.
"""

from __future__ import annotations

import textwrap
from html import escape
from typing import TYPE_CHECKING

from leafmesh_nb.language import render_html, render_text
from leafmesh_nb.language.render import visible

if TYPE_CHECKING:
    from leafmesh_nb.compose.report import Colour, LayerReport, Report

__all__ = ["report_html", "report_text"]

_WIDTH = 100

TONES: dict[Colour, str] = {
    "green": "#238a57",
    "amber": "#b3700f",
    "red": "#d9503d",
    "not proven": "#7a828c",
}
GLYPHS: dict[Colour, str] = {"green": "✓", "amber": "!", "red": "✕", "not proven": "?"}
_ANSI: dict[Colour, str] = {"green": "32", "amber": "33", "red": "31", "not proven": "36"}


def report_text(report: Report, colour: bool = False) -> str:
    """The six rows, then every finding by its place in the text, then what is not proven."""
    head = f"{report.mesh or report.source}: {report.verdict}"
    rows = [_text_row(layer, colour) for layer in report.layers]
    blocks = [visible(head), "\n".join(rows)]
    if found := sorted(report.diagnostics, key=lambda d: d.span):
        blocks.append(render_text(found, colour))
    unproven = [(layer.name, text) for layer in report.layers for text in layer.unproven]
    if unproven:
        blocks.append("\n".join(_open_point(name, text) for name, text in unproven))
    return "\n\n".join(blocks)


def _text_row(layer: LayerReport, colour: bool) -> str:
    word = f"{GLYPHS[layer.colour]} {layer.colour:<10}"
    if colour:
        word = f"\x1b[{_ANSI[layer.colour]}m{word}\x1b[0m"
    return f"  {layer.name:<8}{word}  {visible(layer.summary)}".rstrip()


def _open_point(name: str, text: str) -> str:
    return textwrap.fill(
        visible(text),
        _WIDTH,
        initial_indent=f"not proven, {name}: ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


_FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif"
_LINE = "1px solid rgba(128,128,128,.28)"
_BOX = f"{_FONT};border:{_LINE};border-radius:10px;max-width:1040px;margin:4px 0;overflow:hidden"
_CELL = (
    f"text-align:left;vertical-align:top;white-space:normal;border:0;border-top:{_LINE};"
    "background:none;font-size:13px"
)
_MUTED = "opacity:.68"


def report_html(report: Report) -> str:
    """The same for a notebook, findings within the row of their layer."""
    title = (
        f'<b style="font-size:15px;letter-spacing:-.01em">{_html(report.mesh or report.source)}</b>'
        f" &nbsp;{_pill(report)} &nbsp;"
        f'<span style="{_MUTED}">check of {_html(report.source)}</span>'
    )
    rows = "".join(_html_row(layer) for layer in report.layers)
    return (
        f'<div style="{_BOX}"><div style="padding:12px 16px 10px">{title}</div>'
        '<table style="border-collapse:collapse;table-layout:fixed;width:100%;margin:0">'
        f"{rows}</table></div>"
    )


def _html_row(layer: LayerReport) -> str:
    icon = (
        "display:inline-block;width:16px;height:16px;border-radius:50%;color:#fff;text-align:center;"
        f"font-size:10px;font-weight:700;line-height:16px;background:{TONES[layer.colour]}"
    )
    name = f'<span style="{icon}">{GLYPHS[layer.colour]}</span> &nbsp;<b>{layer.name}</b>'
    word = f'<span style="font-weight:600;{_tone(layer.colour)}">{layer.colour}</span>'
    parts = []
    if layer.summary:
        parts.append(f'<div style="{_MUTED}">{_html(layer.summary)}</div>')
    if layer.diagnostics:
        parts.append(render_html(layer.diagnostics))
    parts += [_unproven(text) for text in layer.unproven]
    gap = '<div style="height:6px"></div>'
    cells = (
        f'<td style="{_CELL};width:118px;padding:9px 0 9px 16px">{name}</td>'
        f'<td style="{_CELL};width:96px;padding:9px 0">{word}</td>'
        f'<td style="{_CELL};padding:9px 16px 9px 0">{gap.join(parts)}</td>'
    )
    return f'<tr style="background:none">{cells}</tr>'


def _unproven(text: str) -> str:
    tone = TONES["not proven"]
    return (
        f'<div style="border-left:3px solid {tone};padding:0 0 0 10px;line-height:1.45">'
        f"{_marked(text)}</div>"
    )


def _pill(report: Report) -> str:
    colours = {layer.colour for layer in report.layers}
    order: tuple[Colour, ...] = ("red", "amber", "not proven", "green")
    worst = next(colour for colour in order if colour in colours)
    red, green, blue = (int(TONES[worst][at : at + 2], 16) for at in (1, 3, 5))
    style = (
        "border-radius:99px;padding:2px 10px;font-size:12px;font-weight:600;"
        f"background:rgba({red},{green},{blue},.14);{_tone(worst)}"
    )
    return f'<span style="{style}">{_html(report.verdict)}</span>'


def _tone(colour: Colour) -> str:
    tone = TONES[colour]
    return f"color:{tone};color:color-mix(in srgb,{tone} 72%,currentColor)"


def _marked(text: str) -> str:
    """Text with `code` in backticks set in the code font."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _html(text)
    code = (
        "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px;"
        "font-weight:600;padding:0;background:none;color:inherit"
    )
    return "".join(
        f'<code style="{code}">{_html(part)}</code>' if at % 2 else _html(part)
        for at, part in enumerate(parts)
    )


def _html(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(visible(text), quote=True).replace("$", "<span>$</span>")
