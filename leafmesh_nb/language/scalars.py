"""Scalars: their YAML 1.2 reading, and the place of every character of their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from leafmesh_nb.language.nodes import Scalar, Straight
from leafmesh_nb.language.source import Source

__all__ = ["NumberOutOfRange", "is_old_boolean", "places_of", "resolve"]

LONGEST_WITH_PLACES = 65_536
_DIGITS = 300
_EXPONENT = 300

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_OLD_BOOLEAN = frozenset({"yes", "no", "on", "off"})
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE]([-+]?[0-9]+))?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


class NumberOutOfRange(ValueError):
    """A plain scalar is a number that no value of a mesh can hold."""


def resolve(text: str) -> Scalar:
    """A plain scalar as the core schema of YAML 1.2 reads it (``no`` and ``12:30`` are text).

    Raises NumberOutOfRange for infinities, for not-a-number and beyond 300 digits.
    """
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.match(text):
        if len(text) > _DIGITS:
            raise NumberOutOfRange
        return int(text)
    for pattern, base in ((_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.match(text):
            if len(text) > _DIGITS:
                raise NumberOutOfRange
            return int(text[2:], base)
    if match := _DECIMAL.match(text):
        exponent = match.group(1) or "0"
        if len(text) > _DIGITS or len(exponent) > 5 or abs(int(exponent)) > _EXPONENT:
            raise NumberOutOfRange
        return Decimal(text)
    if _NOT_FINITE.match(text):
        raise NumberOutOfRange
    return text


def is_old_boolean(text: str) -> bool:
    """Whether YAML 1.1, and so most of the world's tools, would read this plain scalar as a
    boolean where YAML 1.2 reads text."""
    return len(text) <= 3 and text.lower() in _OLD_BOOLEAN


_Piece = tuple[str, tuple[int, int]]


def places_of(
    source: Source, start: int, end: int, style: str, text: str
) -> Sequence[tuple[int, int]]:
    """The place of each character of a scalar's ``text`` and of its end.

    ``source.text[start:end]`` is the scalar as written, quotes or block header included. Empty
    where the two cannot be matched: a wrong caret is worse than a wide one.
    """
    if len(text) > LONGEST_WITH_PLACES:
        return ()
    written = source.text[start:end]
    quoted = style in ("single", "double")
    body = written[1:-1] if quoted else written
    if body == text:
        line, column = source.place(start + quoted)
        if "\n" not in text:
            return Straight(line, column, len(text))
    if style in ("literal", "folded"):
        lines = _block_lines(source, start, end)
    else:
        lines = _flow_lines(source, start + quoted, start + quoted + len(body), style)
    return _align(text, lines)


def _align(text: str, lines: Iterator[list[_Piece]]) -> Sequence[tuple[int, int]]:
    """Match the lines of a scalar as written with the folded text that YAML made of them."""
    places: list[tuple[int, int]] = []
    at = 0
    end = (0, 0)
    for line in lines:
        content = "".join(piece for piece, _ in line[:-1])
        if content:
            while at < len(text) and not text.startswith(content, at):
                if text[at] not in " \n":
                    return ()
                places.append(end)
                at += 1
            if not text.startswith(content, at):
                return ()
            for piece, place in line[:-1]:
                places.extend([place] * len(piece))
            at += len(content)
        if content or end == (0, 0):
            end = line[-1][1]
    if text[at:].strip("\n") or end == (0, 0):  # a block scalar may have no line at all
        return ()
    places.extend([end] * (len(text) - at + 1))
    return tuple(places)


def _block_lines(source: Source, start: int, end: int) -> Iterator[list[_Piece]]:
    """The content lines of a block scalar; the last piece of each is its end."""
    first, _ = source.place(start)
    last, last_column = source.place(end)
    if last_column == 1:
        last -= 1
    header = source.line(first)[source.place(start)[1] - 1 :]
    body = [(number, source.line(number)) for number in range(first + 1, last + 1)]
    filled = [line for _, line in body if line.strip(" ")]
    if not filled:
        return
    indent = len(filled[0]) - len(filled[0].lstrip(" "))
    if re.match(r"[|>][-+]?[1-9]", header):
        # A declared indent is relative to the parent's, which is not known here: the content of
        # the least indented line bounds it.
        indent = min(len(line) - len(line.lstrip(" ")) for line in filled)
    for number, line in body:
        content = line[indent:]
        yield [
            *((character, (number, indent + i + 1)) for i, character in enumerate(content)),
            ("", (number, indent + len(content) + 1)),
        ]


def _flow_lines(source: Source, start: int, end: int, style: str) -> Iterator[list[_Piece]]:
    """The lines of a plain or quoted scalar, trimmed as folding trims them."""
    first, _ = source.place(start)
    last, _ = source.place(end)
    for number in range(first, last + 1):
        line_start = source.offset(number, 1)
        low = max(start, line_start)
        high = min(end, line_start + len(source.line(number)))
        raw = source.text[low:high]
        if number > first:
            trimmed = raw.lstrip(" \t")
            low += len(raw) - len(trimmed)
            raw = trimmed
        if style == "double":
            pieces, joined = _unescape(source, raw, low)
        elif style == "single":
            pieces, joined = _single(source, raw, low), False
        else:
            pieces, joined = [(c, source.place(low + i)) for i, c in enumerate(raw)], False
        if number < last and not joined:
            while pieces and pieces[-1][0] in (" ", "\t"):
                pieces.pop()
        yield [*pieces, ("", source.place(high))]


def _single(source: Source, raw: str, offset: int) -> list[_Piece]:
    pieces: list[_Piece] = []
    i = 0
    while i < len(raw):
        pieces.append((raw[i], source.place(offset + i)))
        i += 2 if raw.startswith("''", i) else 1
    return pieces


_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_WIDTHS = {"x": 2, "u": 4, "U": 8}


def _unescape(source: Source, raw: str, offset: int) -> tuple[list[_Piece], bool]:
    """The pieces of one line of a double-quoted scalar, and whether its end is escaped."""
    pieces: list[_Piece] = []
    i = 0
    while i < len(raw):
        place = source.place(offset + i)
        if raw[i] != "\\":
            pieces.append((raw[i], place))
            i += 1
        elif i + 1 == len(raw):
            return pieces, True
        else:
            kind = raw[i + 1]
            width = _WIDTHS.get(kind, 0)
            digits = raw[i + 2 : i + 2 + width]
            if width:
                code = int(digits, 16) if re.fullmatch("[0-9a-fA-F]+", digits) else 0x110000
                pieces.append((chr(code) if code < 0x110000 else "", place))
            else:
                pieces.append((_ESCAPES.get(kind, ""), place))
            i += 2 + width
    return pieces, False
