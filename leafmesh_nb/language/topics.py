"""Pages about one subject, for users: ``docs/NAME.md`` in this package is the topic ``NAME``.

They are Markdown, shown as it is where that can be, and by ``topic_text`` in a terminal: headings,
paragraphs, lists, tables and fenced blocks.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from importlib.resources import files

from leafmesh_nb.language.suggest import suggest

__all__ = ["Topic", "close_topic", "find_topic", "topic_text", "topics", "topics_text"]

_WIDTH = 100
_NARROWEST = 20
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_BLOCK = re.compile(r"```.*?^```$|[^\n]+(?:\n(?!```)[^\n]+)*", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Topic:
    """One subject's page; the title is its first heading."""

    name: str
    title: str
    markdown: str


def topics() -> tuple[Topic, ...]:
    """Every topic, by name."""
    folder = files("leafmesh_nb").joinpath("docs")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".md"))
    return tuple(
        _read(name.removesuffix(".md"), folder.joinpath(name).read_text(encoding="utf-8"))
        for name in names
    )


def find_topic(word: str) -> Topic | None:
    """The topic that somebody asks for (``expressions``, ``Expressions``), or None."""
    name = word.strip().lower()
    if not _NAME.fullmatch(name):
        return None
    return next((topic for topic in topics() if topic.name == name), None)


def close_topic(word: str) -> str | None:
    """The name of the topic that was meant, or None."""
    return suggest(word.strip().lower(), [topic.name for topic in topics()])


def _read(name: str, text: str) -> Topic:
    title = text.partition("\n")[0].removeprefix("# ")
    return Topic(name, title, text)


def topics_text() -> str:
    """Every topic with its title."""
    rows = [f"  {topic.name}  {topic.title}" for topic in topics()]
    return "\n".join(["topics", *rows])


def topic_text(topic: Topic, colour: bool = False) -> str:
    """A topic for a terminal."""
    return "\n\n".join(_block(found.group(), colour) for found in _BLOCK.finditer(topic.markdown))


def _block(block: str, colour: bool) -> str:
    if block.startswith("```"):
        return textwrap.indent("\n".join(block.split("\n")[1:-1]), "    ")
    if block.startswith("#"):
        heading = block.lstrip("# ")
        return f"\x1b[1m{heading}\x1b[0m" if colour else heading
    if block.startswith("|"):
        return _table(block)
    if block.startswith("- "):
        items = re.split(r"\n(?=- )", block)
        return "\n".join(_filled(item, "  ") for item in items)
    return _filled(block)


def _filled(text: str, hang: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()).replace("\\|", "|"),
        _WIDTH,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(block: str) -> str:
    """The cells of a table in columns, wide ones wrapped within theirs."""
    rows = [
        [cell.strip().replace("\\|", "|") for cell in _BAR.split(line)[1:-1]]
        for number, line in enumerate(block.split("\n"))
        if number != 1
    ]
    columns = range(len(rows[0]))
    widths = [max(len(row[at]) for row in rows) for at in columns]
    # Code is not broken while there are words to break.
    prose = [at for at in columns if not all(_CODE.fullmatch(row[at]) for row in rows[1:])]
    narrowed = prose or list(columns)
    while sum(widths) + 2 * len(widths) > _WIDTH:
        widest = max(narrowed, key=lambda at: widths[at])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    lines = []
    for row in rows:
        cells = [textwrap.wrap(row[at], widths[at] or 1) or [""] for at in columns]
        for line in range(max(map(len, cells))):
            parts = [
                (cell[line] if line < len(cell) else "").ljust(width)
                for cell, width in zip(cells, widths, strict=True)
            ]
            lines.append(("  " + "  ".join(parts)).rstrip())
    return "\n".join(lines)
