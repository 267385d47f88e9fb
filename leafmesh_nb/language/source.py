"""The source text of a mesh: lines, places, and the characters that no mesh may contain."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

from leafmesh_nb.language.nodes import Span
from leafmesh_nb.language.secret_texts import MASK, Secret, find_secrets, mask

__all__ = ["Source", "forbidden_characters"]

_COVER = "\u204e"
"""Stands for a character of a secret in what is read. A star would make an alias of the value."""

_AGAIN = 12
"""How long a piece of a secret is at least that is covered where it stands once more."""

_MOST_AGAIN = 200

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x85\x86-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)


class Source:
    """A text with its lines.

    Line breaks are LF, CRLF or CR as in YAML 1.2; ``text`` has them all as LF and is without a
    byte order mark at its start, so that lines and columns (from 1) are what an editor shows.
    ``repaired`` says that it is not what was written: in some lines an expression has been quoted.
    """

    def __init__(self, text: str, name: str = "mesh", repaired: bool = False) -> None:
        self.name = name
        self.repaired = repaired
        self.marked = text.startswith("\ufeff")
        plain = text[1:] if self.marked else text
        if "\r" in plain:
            plain = plain.replace("\r\n", "\n").replace("\r", "\n")
        self.text = plain
        self.lines: tuple[str, ...] = tuple(plain.split("\n"))
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        self._starts = starts

    @cached_property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets in the text, in order."""
        return tuple(find_secrets(self.text))

    @cached_property
    def covered(self) -> Source:
        """The same text, place by place, without its secrets: what is read, checked and quoted,
        so that nothing that is said of it can hold one."""
        if not self.secrets:
            return self
        text = mask(self.text, self.secrets, _COVER)
        words = {
            word
            for secret in self.secrets
            for word in self.text[secret.start + secret.shown : secret.end].split()
            if len(word) >= _AGAIN
        }
        for word in sorted(words, key=len, reverse=True)[:_MOST_AGAIN]:
            text = text.replace(word, _COVER * len(word))
        return Source(text, self.name)

    def starred(self, text: str) -> str:
        """What is said or quoted of ``covered``, with stars for the characters of secrets."""
        return text.replace(_COVER, MASK) if self.secrets else text

    def line(self, number: int) -> str:
        """Line ``number`` (from 1), or an empty text outside the source."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def offset(self, line: int, column: int) -> int:
        """The index into ``text`` of a place."""
        return self._starts[line - 1] + column - 1

    def place(self, offset: int) -> tuple[int, int]:
        """The (line, column) of an index into ``text``."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._starts, offset, hi=len(self.lines)) - 1
        return line + 1, offset - self._starts[line] + 1

    def span(self, start: int, end: int) -> Span:
        """The span of ``text[start:end]``."""
        return Span(*self.place(start), *self.place(end))

    def slice(self, span: Span) -> str:
        """The source text of a span."""
        return self.text[
            self.offset(span.line, span.column) : self.offset(span.end_line, span.end_column)
        ]


def forbidden_characters(source: Source) -> Iterator[tuple[Span, str]]:
    """The places of characters that a mesh may not contain, each with what is wrong with it."""
    for match in _FORBIDDEN.finditer(source.text):
        character = match.group()
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            what = "a byte that is not UTF-8"
        elif character == "\ufeff":
            what = "a byte order mark in the middle of the text"
        elif character == "\x00":
            what = "a NUL character"
        elif code in (0x85, 0x2028, 0x2029):
            what = f"the line separator U+{code:04X}, which some programs take for a new line"
        else:
            what = f"the control character U+{code:04X}"
        yield source.span(match.start(), match.end()), what
