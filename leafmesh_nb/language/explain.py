"""The page of a diagnostic's code: what it means, why it matters, a bad and a good example.

The pages are Markdown of one form, ``docs/codes/LM302.md`` in this package: the title, what it
means, and the ``SECTIONS``. Their parts are paragraphs, with code in backticks, and fenced blocks:
``yaml`` is a whole mesh, ``python`` the file beside it that its first line names, ``json`` the
samples of a check, ``text`` anything else.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.resources import files
from types import MappingProxyType

from leafmesh_nb.language.codes import CODES
from leafmesh_nb.language.topics import close_topic

__all__ = [
    "SECTIONS",
    "Page",
    "Part",
    "changed_lines",
    "codes_by_hundred",
    "codes_text",
    "find_page",
    "no_page",
    "page_text",
    "read_page",
]

SECTIONS = ("Why it matters", "Bad", "Good", "What to do")
HUNDREDS: Mapping[str, str] = MappingProxyType(
    {
        "1": "syntax",
        "2": "structure",
        "3": "references",
        "4": "types",
        "5": "policies",
        "6": "safety",
        "7": "cost",
        "8": "output",
    }
)
"""What the codes of a hundred are about, by its digit."""

_WIDTH = 100
_FENCE = "```"
_NUMBER = re.compile(r"(?<!\d)\d{3}(?!\d)", re.ASCII)
_LOOK_ALIKES = str.maketrans("OI", "01")
_TITLE = re.compile(r"# (LM\d{3}): (.+)\Z")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph on one line, or the lines of a fenced block, whose ``language`` is not empty."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One code's page. ``sections`` are the parts by heading, those before the first under ``""``;
    ``markdown`` is all of it as written."""

    code: str
    title: str
    sections: Mapping[str, tuple[Part, ...]]
    markdown: str

    def block(self, section: str, language: str) -> str | None:
        """The fenced block of a language in a section, which has at most one; None without one."""
        parts = self.sections.get(section, ())
        return next((part.text for part in parts if part.language == language), None)


def find_page(word: str) -> Page | None:
    """The page of a code as somebody types it (``LM302``, ``lm302``, ``302``), or None."""
    code = word.strip().upper()
    code = f"LM{code}" if code.isdigit() else code
    if code not in CODES:
        return None
    found = files("leafmesh_nb").joinpath("docs", "codes", f"{code}.md")
    return read_page(found.read_text(encoding="utf-8"))


def no_page(word: str) -> str:
    """What to say where there is no such code, and no such topic."""
    shown = word if len(word) <= 40 else word[:39] + "…"
    number = _NUMBER.search(word.upper().translate(_LOOK_ALIKES))
    close = f"LM{number.group()}" if number else ""
    if close in CODES:
        return f"there is no code {shown!r}. Did you mean {close}?"
    topic = close_topic(word)
    return f"there is no code or topic {shown!r}. " + (
        f"Did you mean {topic}?" if topic else "Without a word, `explain` lists all of them."
    )


def read_page(text: str) -> Page:
    """A page from its Markdown. Raises ValueError where it has not the form of one."""
    head, _, rest = text.partition("\n")
    title = _TITLE.match(head)
    if title is None:
        raise ValueError(f"a page starts with `# LM302: what it is about`, not {head!r}")
    code, name = title.groups()
    sections: dict[str, list[Part]] = {"": []}
    heading = ""
    for block in _blocks(rest.split("\n")):
        if block[0].startswith(_FENCE):
            language = block[0].removeprefix(_FENCE)
            if not language or block[-1] != _FENCE:
                raise ValueError(f"{code}: a fenced block names its language, and is closed")
            sections[heading].append(Part("\n".join(block[1:-1]), language))
        elif block[0].startswith("#"):
            heading = block[0].removeprefix("## ")
            if heading not in SECTIONS or heading in sections or len(block) > 1:
                raise ValueError(f"{code}: the sections are {', '.join(SECTIONS)}, each once")
            sections[heading] = []
        else:
            sections[heading].append(Part(" ".join(line.strip() for line in block)))
    whole = MappingProxyType({name: tuple(parts) for name, parts in sections.items()})
    return Page(code, name, whole, text)


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Lines that belong together: fenced blocks, and what stands between empty lines."""
    block: list[str] = []
    for line in lines:
        fenced = bool(block) and block[0].startswith(_FENCE)
        ends = fenced and line == _FENCE
        if block and not fenced and (not line.strip() or line.startswith(_FENCE)):
            yield block
            block = []
        if line.strip() or fenced:
            block.append(line)
        if ends:
            yield block
            block = []
    if block:
        yield block


def codes_by_hundred() -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """What the codes of each hundred are about, and those codes with their titles."""
    for digit, about in HUNDREDS.items():
        yield about, tuple((c, CODES[c]) for c in sorted(CODES) if c[2] == digit)


def changed_lines(page: Page, section: str, language: str) -> frozenset[int]:
    """The lines of an example, from 0, that are not in the other one."""
    other = {"Bad": "Good", "Good": "Bad"}.get(section, "")
    here, there = page.block(section, language), page.block(other, language)
    if here is None or there is None:
        return frozenset()
    matcher = SequenceMatcher(None, here.split("\n"), there.split("\n"), autojunk=False)
    return frozenset(
        line
        for what, start, end, _, _ in matcher.get_opcodes()
        if what != "equal"
        for line in range(start, end)
    )


def codes_text() -> str:
    """Every code with its title, by hundreds."""
    blocks = []
    for about, codes in codes_by_hundred():
        rows = [f"  {code}  {title}" for code, title in codes]
        blocks.append("\n".join([about, *rows]))
    return "\n\n".join(blocks)


def page_text(page: Page, colour: bool = False) -> str:
    """A page for a terminal. Lines of an example that the other one has not are marked - and +."""
    blocks = [_painted(f"{page.code}: {page.title}", "1", colour)]
    for heading, parts in page.sections.items():
        if heading:
            blocks.append(_painted(heading, "1", colour))
        for part in parts:
            if part.language:
                marked = changed_lines(page, heading, part.language)
                blocks.append(_listing(part.text, marked, heading == "Good", colour))
            else:
                blocks.append(_filled(part.text))
    return "\n\n".join(blocks)


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _listing(text: str, marked: frozenset[int], good: bool, colour: bool) -> str:
    sign, tint = ("+", "32") if good else ("-", "31")
    return "\n".join(
        _painted(f"  {sign} {line}", tint, colour) if number in marked else f"    {line}".rstrip()
        for number, line in enumerate(text.split("\n"))
    )


def _painted(text: str, tint: str, colour: bool) -> str:
    return f"\x1b[{tint}m{text}\x1b[0m" if colour else text
