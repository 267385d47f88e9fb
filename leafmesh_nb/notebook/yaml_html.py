"""YAML in colour, and what changed between two texts, as HTML that a saved notebook keeps.

Inline styles only; the colours are JupyterLab's own where it is there, so they follow its theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

__all__ = ["changes", "diff_html", "diff_text", "yaml_html"]

_MONO = "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px"
_PRE = (
    f"{_MONO};line-height:1.5;margin:4px 0;padding:8px 12px;border:0;border-radius:6px;"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;color:inherit;"
    "background:var(--jp-layout-color2,rgba(127,127,127,.1))"
)
_COLOURS = {
    "Name.Tag": "var(--jp-mirror-editor-property-color,#0b6e99)",
    "Literal.Scalar.Plain": "inherit",
    "Literal": "var(--jp-mirror-editor-string-color,#a31515)",
    "Comment": "var(--jp-mirror-editor-comment-color,#7a828c)",
    "Punctuation": "var(--jp-ui-font-color2,#7a828c)",
}
_MAGIC = "var(--jp-mirror-editor-meta-color,#8250df)"
_TONES = {"+": ("35,138,87", "+"), "-": ("217,80,61", "−"), " ": ("128,128,128", " ")}
_AROUND = 2

Change = tuple[str, str]
"""A sign (``+``, ``-``, a blank for what stayed, ``…`` for what is left out) and a line."""


def yaml_html(text: str) -> str:
    """A text of YAML as a block of code; its first line may be the magic of a cell."""
    from pygments.lexers.data import YamlLexer
    from pygments.token import string_to_tokentype

    kinds = [(string_to_tokentype(name), colour) for name, colour in _COLOURS.items()]
    head, newline, rest = text.partition("\n") if text.startswith("%") else ("", "", text)
    parts = [f'<span style="color:{_MAGIC}">{_text(head)}</span>{newline}'] if head else []
    for kind, piece in YamlLexer(stripnl=False, ensurenl=False).get_tokens(rest):
        colour = next((colour for known, colour in kinds if kind in known), "inherit")
        shown = _text(piece)
        parts.append(
            shown if colour == "inherit" else f'<span style="color:{colour}">{shown}</span>'
        )
    return f'<pre style="{_PRE}">{"".join(parts)}</pre>'


def changes(old: str, new: str) -> list[Change]:
    """What differs between two texts, line by line, with a little of what stayed around it."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Change] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_AROUND):
        if group[0][1] > 0:
            found.append(("…", ""))
        for kind, a, b, c, d in group:
            if kind == "equal":
                found += [(" ", line) for line in before[a:b]]
            else:
                found += [("-", line) for line in before[a:b]]
                found += [("+", line) for line in after[c:d]]
    return found


def diff_html(found: Sequence[Change]) -> str:
    """Changes as rows in the colours of the live card's."""
    rows = []
    for sign, line in found:
        tone, shown = _TONES.get(sign, ("128,128,128", "…"))
        marked = f"rgba({tone},.13);border-left:3px solid rgb({tone})" if sign in "+-" else ""
        style = f"background:{marked}" if marked else "border-left:3px solid transparent"
        rows.append(
            f'<div style="{style};padding:0 10px 0 8px;white-space:pre-wrap;'
            f'overflow-wrap:anywhere"><span style="opacity:.7">{shown} </span>{_text(line)}</div>'
        )
    return (
        f'<div style="{_MONO};line-height:1.6;border:1px solid rgba(128,128,128,.28);'
        f'border-radius:6px;overflow:hidden;margin:6px 0">{"".join(rows)}</div>'
    )


def diff_text(found: Sequence[Change]) -> str:
    """The same in plain text."""
    return "\n".join(f"  {sign} {line}".rstrip() for sign, line in found)


def _text(text: str) -> str:
    # JupyterLab typesets what stands between two dollar signs as TeX.
    return escape(text).replace("$", "<span>$</span>")
