"""``%mesh explain``: the page of a code that a diagnostic names, or of a topic; the list of both.

A code's page has inline styles and plain elements, legible on white and on dark, as in the check's
report. A topic is published as Markdown, which a notebook shows in its own style.
"""

from __future__ import annotations

from html import escape
from typing import Any

from IPython.core.error import UsageError
from IPython.display import publish_display_data

from leafmesh_nb.language.explain import (
    Page,
    Part,
    changed_lines,
    codes_by_hundred,
    codes_text,
    find_page,
    no_page,
    page_text,
)
from leafmesh_nb.language.topics import find_topic, topic_text, topics, topics_text
from leafmesh_nb.notebook.workbench import Workbench

__all__ = ["index_html", "page_html", "show_page"]

_FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif"
_LINE = "1px solid rgba(128,128,128,.28)"
_BOX = f"{_FONT};border:{_LINE};border-radius:10px;padding:12px 16px;max-width:1040px;margin:4px 0"
_MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px"
_PRE = (
    f"{_MONO};line-height:1.45;margin:4px 0 8px;padding:6px 0;white-space:pre-wrap;"
    "overflow-wrap:anywhere;border:0;border-radius:6px;background:rgba(128,128,128,.1);"
    "color:inherit"
)
_TONES = {"Bad": "217,80,61", "Good": "35,138,87"}
_GLYPHS = {"Bad": "✕", "Good": "✓"}


def show_page(bench: Workbench, rest: str, names: dict[str, Any]) -> None:
    """Show the page of a code or a topic, or the list of both."""
    word = rest.strip()
    if not word:
        bench.show_html(index_html(), f"{topics_text()}\n\n{codes_text()}")
    elif page := find_page(word):
        bench.show_html(page_html(page), page_text(page))
    elif topic := find_topic(word):
        publish_display_data({"text/markdown": topic.markdown, "text/plain": topic_text(topic)})
    else:
        raise UsageError(no_page(word))


def page_html(page: Page) -> str:
    """A page as a card, the two examples side by side where there is room."""
    title = f'<b style="font-size:15px">{page.code}</b> &nbsp;<b>{_text(page.title)}</b>'
    before = "".join(_section(page, name) for name in ("", "Why it matters"))
    examples = "".join(_example(page, name) for name in _TONES if name in page.sections)
    columns = f'<div style="display:flex;flex-wrap:wrap;gap:0 16px">{examples}</div>'
    after = _section(page, "What to do")
    return f'<div style="{_BOX}"><div>{title}</div>{before}{columns}{after}</div>'


def _section(page: Page, name: str) -> str:
    parts = "".join(_part(page, name, part) for part in page.sections.get(name, ()))
    head = f'<div style="font-weight:600;margin-top:8px">{name}</div>' if name and parts else ""
    return head + parts


def _example(page: Page, name: str) -> str:
    parts = "".join(_part(page, name, part) for part in page.sections[name])
    tone = f"rgb({_TONES[name]})"
    head = (
        f'<div style="font-weight:600;margin-top:8px"><span style="color:{tone}">{_GLYPHS[name]}'
        f"</span> {name}</div>"
    )
    return f'<div style="flex:1 1 400px;min-width:0">{head}{parts}</div>'


def _part(page: Page, section: str, part: Part) -> str:
    if not part.language:
        return f'<div style="margin-top:4px;max-width:760px">{_marked(part.text)}</div>'
    marked = changed_lines(page, section, part.language)
    lines = "".join(
        _row(line, _TONES.get(section, "") if number in marked else "")
        for number, line in enumerate(part.text.split("\n"))
    )
    return f'<pre style="{_PRE}">{lines}</pre>'


def _row(line: str, tone: str) -> str:
    """A line of an example, wrapped below its text; one that differs has its colour and a bar."""
    hang = len(line) - len(line.lstrip()) + 2
    bar = f"rgb({tone});background:rgba({tone},.16)" if tone else "transparent"
    style = (
        f"display:block;padding:0 10px 0 calc(10px + {hang}ch);text-indent:-{hang}ch;"
        f"border-left:3px solid {bar}"
    )
    return f'<span style="{style}">{_text(line) or " "}\n</span>'


def index_html() -> str:
    """Every topic, and every code by hundreds, with its title."""
    cell = (
        "text-align:left;vertical-align:top;padding:1px 14px 1px 0;border:0;background:none;"
        "font-size:13px;white-space:normal"
    )
    subjects = tuple((topic.name, topic.title) for topic in topics())
    groups = []
    for about, names in (("topics", subjects), *codes_by_hundred()):
        rows = "".join(
            f'<tr style="background:none"><td style="{cell};{_MONO}">{_text(name)}</td>'
            f'<td style="{cell}">{_text(title)}</td></tr>'
            for name, title in names
        )
        table = f'<table style="border-collapse:collapse;margin:2px 0 8px">{rows}</table>'
        head = f'<div style="font-weight:600">{about}</div>'
        groups.append(f'<div style="flex:1 1 400px;min-width:0">{head}{table}</div>')
    columns = f'<div style="display:flex;flex-wrap:wrap;gap:0 16px">{"".join(groups)}</div>'
    more = f'<div style="opacity:.68">One of them: {_marked("`%mesh explain LM302`")}</div>'
    return f'<div style="{_BOX}">{columns}{more}</div>'


def _marked(text: str) -> str:
    """Text with `code` in backticks set in the code font."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _text(text)
    code = f"{_MONO};font-weight:600;padding:0;background:none;color:inherit"
    return "".join(
        f'<code style="{code}">{_text(part)}</code>' if at % 2 else _text(part)
        for at, part in enumerate(parts)
    )


def _text(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(text).replace("$", "<span>$</span>")
