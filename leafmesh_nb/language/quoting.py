"""Where YAML would eat an expression: the same line, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leafmesh_nb.language.source import Source

__all__ = [
    "balanced_end",
    "candidates",
    "closing",
    "line_with",
    "quote",
    "quoted_line",
    "unbalanced",
    "value_end",
]

KEY_ERRORS = ("LM108", "LM121")
"""What is wrong with keys that are none, but parts of an expression that YAML took apart."""

_REACH = 4096
_WINDOW = 1000
_AROUND = 80
_BRACKETS = ("[", "{")
_OPEN = {"(": ")", "[": "]", "{": "}"}
_VALUE = re.compile(r"(\s*(?:- +)*[\w.-]+:\s+|\s*(?:- +)+)(\S.*?)\s*\Z")
_FLOW_KEY = re.compile(r"""\s*(?:(?:[\w.-]+|"[^"]*"|'[^']*'):(?:\s+|\Z))?""")
_SPECIAL = re.compile(r"[][?:\"'(){}#!&|*,@`%>]")


def quote(text: str) -> str:
    """``text`` as a quoted YAML scalar that is easy to read."""
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def quoted_line(source: Source, start: int, end: int) -> str:
    """The source line of ``text[start:end]`` with that part quoted, as a hint shows it."""
    part = source.text[start : min(end, start + _REACH)].split("\n")[0].rstrip()
    return line_with(source, start, start + len(part), quote(part))


def line_with(source: Source, start: int, end: int, written: str) -> str:
    """The source line of ``text[start:end]`` with other words in that place, as a hint shows it."""
    line, column = source.place(start)
    whole = source.line(line)
    before, after = whole[: column - 1].lstrip(), whole[column - 1 + end - start :].rstrip()
    if len(before) > _AROUND:
        before = "…" + before[-_AROUND:]
    if len(after) > _AROUND:
        after = after[:_AROUND] + "…"
    return "    " + before + written + after


def unbalanced(text: str) -> bool:
    """Whether a bracket or quote that ``text`` opens is not closed in it."""
    return _scan(text, 0, len(text), frozenset())[1] > 0


def closes_more(text: str) -> bool:
    """Whether ``text`` closes a bracket that it does not open."""
    return _scan(text, 0, len(text), frozenset(")]}"))[0] < len(text)


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

    Values within braces and brackets come first, those that end after ``column`` before the
    others; the whole value of ``key: value`` or ``- value`` is the last.
    """
    whole = _VALUE.match(line)
    start = whole.start(2) if whole else 0
    flow = [*_parts(line, start, column)] if line[start : start + 1] in _BRACKETS else []
    if line.rstrip()[-1:] in (",", "}", "]"):  # it may go on from a bracket of a line before
        indent = len(line) - len(line.lstrip())
        for at in (start,) if flow else dict.fromkeys((start, indent)):
            flow += [part for part in _parts(line, at - 1, column) if part not in flow]
    yield from sorted(flow, key=lambda part: part[1] < column)
    if whole:
        value = whole.group(2)
        cut_off = value[0] in "[{\"'" and unbalanced(value)
        if not cut_off and not (value[0] == "{" and value[-1] == "}"):
            yield whole.start(2), whole.end(2)


def _parts(line: str, start: int, column: int) -> Iterator[tuple[int, int]]:
    """The values of the flow collection that opens at ``start``, and of those inside of it, near
    ``column``."""
    pending = [start]
    while pending:
        at = pending.pop() + 1
        while at < min(len(line), column + _WINDOW):
            end = balanced_end(line, at)
            key = _FLOW_KEY.match(line, at, end)
            value = key.end() if key else at
            if value < end and end > column - _WINDOW:
                if line[value] in _BRACKETS and closing(line, value) == end:
                    pending.append(value)
                elif _worth_quoting(line[value:end]):
                    yield value, end
            at = end
            while at < len(line) and line[at] in " \t":
                at += 1
            if line[at : at + 1] != ",":
                break
            at += 1


def _worth_quoting(value: str) -> bool:
    quoted = value[0] in "\"'" and closing(value, 0) == len(value)
    special = _SPECIAL.search(value) or value.startswith("- ")
    return bool(special) and not quoted and not unbalanced(value)


def closing(text: str, start: int) -> int:
    """The place after the quote or bracket that closes the one at ``start``; -1 for none."""
    if text[start] in "\"'":
        at = start + 1
        while at < min(len(text), start + _REACH):
            if text[at] == "\\" and text[start] == '"':
                at += 1
            elif text[at] == text[start]:
                return at + 1
            at += 1
        return -1
    end, still_open = _scan(text, start + 1, min(len(text), start + _REACH), frozenset("]})"))
    return end + 1 if not still_open and end < len(text) and text[end] == _OPEN[text[start]] else -1


def value_end(source: Source, start: int, flow: bool) -> int:
    """Where the value that starts at ``start`` was meant to end: at the end of its line, or, in a
    flow collection, before its next comma or closing bracket."""
    line, _ = source.place(start)
    line_end = source.offset(line, 1) + len(source.line(line))
    end = min(balanced_end(source.text, start), line_end) if flow else line_end
    return start + len(source.text[start:end].rstrip())
