"""Where YAML would eat an expression: the same line, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leafmesh_nb.language.source import Source

__all__ = ["balanced_end", "candidates", "quote", "quoted_line", "unbalanced", "value_end"]

_REACH = 4096
_WINDOW = 1000
_AROUND = 80
_OPEN = {"(": ")", "[": "]", "{": "}"}
_VALUE = re.compile(r"(\s*(?:- +)*[\w.-]+:\s+|\s*(?:- +)+)(\S.*?)\s*\Z")
_FLOW_VALUE = re.compile(r"[{,]\s*[\w.]+:\s+")
_SPECIAL = re.compile(r"[][?:\"'(){}#!&|*,@`%>]")


def quote(text: str) -> str:
    """``text`` as a quoted YAML scalar that is easy to read."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quoted_line(source: Source, start: int, end: int) -> str:
    """The source line of ``text[start:end]`` with that part quoted, as a hint shows it."""
    line, column = source.place(start)
    whole = source.line(line)
    part = source.text[start : min(end, start + _REACH)].split("\n")[0].rstrip()
    before, after = whole[: column - 1].lstrip(), whole[column - 1 + len(part) :].rstrip()
    if len(before) > _AROUND:
        before = "…" + before[-_AROUND:]
    if len(after) > _AROUND:
        after = after[:_AROUND] + "…"
    return "    " + before + quote(part) + after


def unbalanced(text: str) -> bool:
    """Whether a bracket or quote that ``text`` opens is not closed in it."""
    return _scan(text, 0, len(text), frozenset())[1] > 0


def balanced_end(text: str, start: int) -> int:
    """Where the value that starts at ``start`` inside a flow collection ends if its own brackets
    and quotes are respected: at the next comma or closing bracket outside of them."""
    end, _ = _scan(text, start, min(len(text), start + _REACH), frozenset(",}]"))
    while end > start and text[end - 1] in " \t\n":
        end -= 1
    return end


def _scan(text: str, start: int, stop: int, ends: frozenset[str]) -> tuple[int, int]:
    open_brackets: list[str] = []
    quoted = ""
    at = start
    while at < stop:
        character = text[at]
        if quoted:
            if character == "\\":
                at += 1
            elif character == quoted:
                quoted = ""
        elif character in "\"'":
            quoted = character
        elif character in _OPEN:
            open_brackets.append(_OPEN[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        elif character in ends and not open_brackets:
            break
        at += 1
    return min(at, stop), len(open_brackets) + bool(quoted)


def candidates(line: str, column: int) -> Iterator[tuple[int, int]]:
    """The parts of a source line that may be an expression which YAML does not leave whole.

    Values of flow maps come first, those that end after ``column`` before the others; the whole
    value of ``key: value`` or ``- value`` is the last.
    """
    flow = []
    start = max(0, column - _WINDOW)
    for match in _FLOW_VALUE.finditer(line, start, min(len(line), column + _WINDOW)):
        end = balanced_end(line, match.end())
        if _SPECIAL.search(line, match.end(), end) and line[match.end()] not in "\"'{":
            flow.append((match.end(), end))
    yield from sorted(flow, key=lambda part: part[1] < column)
    whole = _VALUE.match(line)
    if whole:
        value = whole.group(2)
        cut_off = value[0] in "[{\"'" and unbalanced(value)
        if not cut_off and not (value[0] == "{" and value[-1] == "}"):
            yield whole.start(2), whole.end(2)


def value_end(source: Source, start: int, flow: bool) -> int:
    """Where the value that starts at ``start`` was meant to end: at the end of its line, or, in a
    flow collection, before its next comma or closing bracket."""
    line, _ = source.place(start)
    line_end = source.offset(line, 1) + len(source.line(line))
    end = min(balanced_end(source.text, start), line_end) if flow else line_end
    return start + len(source.text[start:end].rstrip())
