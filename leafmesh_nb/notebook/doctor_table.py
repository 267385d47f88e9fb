"""The doctor's rows as HTML that a saved notebook keeps, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leafmesh_nb.notebook.doctor import Row

__all__ = ["table_html", "table_text"]

_BOX = (
    "font:13px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;border:1px solid "
    "rgba(128,128,128,.3);border-radius:10px;padding:10px 16px;max-width:1040px;margin:4px 0"
)
_CELL = (
    "padding:5px 16px 5px 0;text-align:left;vertical-align:top;white-space:normal;border:0;"
    "border-top:1px solid rgba(128,128,128,.2);background:none"
)
_MUTED = "color:#7a828c"
_MARKS = {
    "ok": ("✓", "35,138,87"),
    "attention": ("!", "183,110,0"),
    "missing": ("–", "122,130,140"),
}


def table_html(rows: Sequence[Row]) -> str:
    """A row a finding: what, how it is, what was found and what to do."""
    drawn = "".join(_row(row) for row in rows)
    head = (
        f'<b style="font-size:15px">What works here</b> <span style="{_MUTED}">{_sum(rows)}</span>'
    )
    table = (
        '<table style="border-collapse:collapse;table-layout:auto;font-size:13px;margin:8px 0 0;'
        'width:100%">'
        f"{drawn}</table>"
    )
    return f'<div style="{_BOX}"><div>{head}</div>{table}</div>'


def _row(row: Row) -> str:
    mark, tone = _MARKS[row.status]
    pill = (
        f'<span style="display:inline-block;padding:0 9px;border-radius:99px;font-size:12px;'
        f"font-weight:600;white-space:nowrap;color:rgb({tone});background:rgba({tone},.13)"
        f'">{mark} {row.status}</span>'
    )
    remedy = f'<div><span style="{_MUTED}">→</span> {_text(row.remedy)}</div>' if row.remedy else ""
    return (
        f'<tr style="background:none"><td style="{_CELL};white-space:nowrap"><b>{_text(row.what)}'
        f'</b></td><td style="{_CELL}">{pill}</td>'
        f'<td style="{_CELL};width:100%;overflow-wrap:anywhere">{_text(row.found)}{remedy}</td>'
        "</tr>"
    )


def table_text(rows: Sequence[Row]) -> str:
    """The same in plain text."""
    width = max(len(row.what) for row in rows)
    lines = [f"What works here: {_sum(rows)}"]
    for row in rows:
        mark = _MARKS[row.status][0]
        lines.append(f"  {mark} {row.what:<{width}}  {row.status:<9}  {row.found}")
        if row.remedy:
            lines.append(f"    {'':<{width}}  {'':<9}  → {row.remedy}")
    return "\n".join(lines)


def _sum(rows: Sequence[Row]) -> str:
    counts = {status: sum(row.status == status for row in rows) for status in _MARKS}
    said = [f"{counts['ok']} ok"]
    if counts["attention"]:
        said.append(f"{counts['attention']} need{'s' * (counts['attention'] == 1)} attention")
    if counts["missing"]:
        said.append(f"{counts['missing']} missing")
    return ", ".join(said)


def _text(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(text).replace("$", "<span>$</span>")
